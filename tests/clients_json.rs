//! A client of `json`: a program written after the document, run against ours over a restart.
//!
//! It needs Python 3.

mod program_support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use program_support::{PATIENCE, Server, Start, runner, temporary};

fn start(dir: &Path) -> Start {
    Start::with_data(dir).args(["--listen", "json=127.0.0.1:0"])
}

/// One evening of the program's.
fn spend(server: &Server, evening: &str) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/json_client.py");
    let port = server.address_of("json").port().to_string();
    let output =
        runner::output(Command::new("python3").arg(program).args(["127.0.0.1", &port, evening]));
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

/// Somebody who reads line by line.
struct Reader(BufReader<TcpStream>);

impl Reader {
    /// Connects, and is answered ok.
    fn enter(server: &Server, command: &str, name: &str) -> Self {
        let mut reader = Self(BufReader::new(connect(server)));
        let object =
            format!("{{\"Command\":\"{command}\",\"Username\":\"{name}\",\"Password\":\"p\"}}\n");
        reader.says(&object, &format!("{{\"Command\":\"ok\",\"Re\":\"{command}\"}}"));
        reader
    }

    fn says(&mut self, object: &str, answer: &str) {
        self.0.get_mut().write_all(object.as_bytes()).expect("the server takes it");
        assert_eq!(self.line(), answer);
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("another line comes");
        line.trim_end().to_owned()
    }

    /// The number at the beginning of the text of a private message.
    fn letter(&mut self) -> usize {
        let line = self.line();
        let text = line.split_once("\"Message\":\"").expect(&line).1;
        text.split('.').next().and_then(|number| number.parse().ok()).expect(&line)
    }
}

#[test]
fn a_letter_that_its_reader_has_not_taken_is_kept_for_the_next_time() {
    const LETTERS: usize = 1200;
    let dir = temporary();
    let many = "limits.offline_messages=1200";
    let server = start(dir.path()).unhurried().set(many).serve();
    drop(Reader::enter(&server, "register", "bob"));
    let mut amy = Reader::enter(&server, "register", "amy");
    // More than the kernel keeps for a socket, by far.
    let text = "x".repeat(8000);
    for n in 0..LETTERS {
        let letter = format!(
            "{{\"Command\":\"msg\",\"To\":\"bob\",\"Type\":\"PM\",\"Message\":\"{n}.{text}\"}}"
        );
        amy.says(&letter, "{\"Command\":\"ok\",\"Re\":\"msg\"}");
    }
    let mut bob = Reader::enter(&server, "login", "bob");
    for n in 0..3 {
        assert_eq!(bob.letter(), n);
    }
    drop(bob);
    server.kill();

    let server = start(dir.path()).unhurried().serve();
    let mut bob = Reader::enter(&server, "login", "bob");
    // What the kernel had taken for the connection before went with that.
    let first = bob.letter();
    for n in first + 1..LETTERS {
        assert_eq!(bob.letter(), n);
    }
    bob.says("{\"Command\":\"ping\"}", "{\"Command\":\"ping\"}");
    // What it has got it does not get again.
    drop(bob);
    let mut bob = Reader::enter(&server, "login", "bob");
    bob.says("{\"Command\":\"ping\"}", "{\"Command\":\"ping\"}");
    let ended = server.stop();
    assert!(ended.status.success());
    assert!(bob.line().starts_with("{\"Command\":\"error\",\"Error\":\"stopping\","));
    assert_eq!(bob.line(), "");
}
