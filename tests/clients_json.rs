//! A client of `json`: a program written after the document, run against ours over a restart.
//!
//! It needs Python 3.

mod program_support;

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use program_support::{PATIENCE, Server, Start, temporary};

fn start(dir: &Path) -> Start {
    Start::with_data(dir).args(["--listen", "json=127.0.0.1:0"])
}

/// One evening of the program's.
fn spend(server: &Server, evening: &str) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/json_client.py");
    let port = server.address_of("json").port().to_string();
    let output = Command::new("python3").arg(program).args(["127.0.0.1", &port, evening]).output();
    let output = output.expect("python3 can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "needs Python 3"]
fn a_client_in_python_finds_everything_as_the_document_says_over_a_restart() {
    let dir = temporary();
    let server = start(dir.path()).unhurried().serve();
    spend(&server, "first");
    server.stop();
    let server = start(dir.path())
        .unhurried()
        .args(["--set", "json.ping_seconds=2", "--set", "json.pong_seconds=1"])
        .serve();
    spend(&server, "second");
    server.stop();
}

fn connect(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(server.address_of("json")).expect("the server listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
    socket
}

#[test]
fn who_is_turned_away_or_says_nothing_is_told_why() {
    let cases = [
        ("limits.connections=1", "server-full"),
        ("limits.connections_per_address=1", "address-full"),
        ("limits.login_seconds=1", "login-timeout"),
    ];
    for (option, word) in cases {
        let dir = temporary();
        let server = start(dir.path()).set(option).serve();
        let first = connect(&server);
        let mut told = String::new();
        connect(&server).read_to_string(&mut told).expect("the connection ends in good order");
        let begin = format!("{{\"Command\":\"error\",\"Error\":\"{word}\",\"Message\":\"");
        assert!(told.starts_with(&begin) && told.ends_with("\"}\n"), "{told:?}");
        assert_eq!(told.lines().count(), 1, "{told:?}");
        drop(first);
        server.stop();
    }
}
