//! Clients of `crimp`: a program written after the document, run against ours, and who is turned away.
//!
//! The first needs Python 3.

mod program_support;

use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use program_support::{PATIENCE, Server, Start, runner, temporary};

fn start(dir: &Path) -> Start {
    Start::with_data(dir).args(["--listen", "crimp=127.0.0.1:0"])
}

#[test]
#[ignore = "needs Python 3"]
fn clients_in_python_find_everything_as_the_document_says() {
    let dir = temporary();
    let server = start(dir.path()).unhurried().serve();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/crimp.py");
    let port = server.address_of("crimp").port().to_string();
    let output = runner::output(Command::new("python3").arg(program).args(["127.0.0.1", &port]));
    let output = output.expect("python3 can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.stop();
}

/// What a connection that says nothing is told until it is closed.
fn told(server: &Server) -> Vec<u8> {
    let mut socket = TcpStream::connect(server.address_of("crimp")).expect("the server listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
    let mut told = Vec::new();
    socket.read_to_end(&mut told).expect("the connection ends in good order");
    told
}

#[test]
fn who_is_turned_away_is_closed_without_a_word() {
    for limit in ["limits.connections=1", "limits.connections_per_address=1"] {
        let dir = temporary();
        let server = start(dir.path()).set(limit).serve();
        let first = TcpStream::connect(server.address_of("crimp")).expect("the server listens");
        assert_eq!(told(&server), b"", "{limit}");
        drop(first);
        server.stop();
    }
}

#[test]
fn who_says_nothing_is_closed_without_a_word() {
    let dir = temporary();
    let server = start(dir.path()).set("limits.login_seconds=1").serve();
    assert_eq!(told(&server), b"");
    server.stop();
}
