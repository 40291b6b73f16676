//! A client of the `helo` dialect as its document describes one, and files between connections of its own to the real
//! program.

mod program_support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use program_support::{PATIENCE, Server, Start, runner, temporary, wait_until};

/// A server of both dialects: MEC first, then this one.
fn server(dir: &Path, options: &[&str]) -> Server {
    let start = Start::in_dir(dir).args(["--listen", "helo=127.0.0.1:0"]).listeners(2);
    options.iter().fold(start, |start, option| start.set(option)).serve()
}

/// A connection that speaks lines.
struct Talker {
    reader: BufReader<TcpStream>,
}

impl Talker {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("the system knows timeouts");
        Self { reader: BufReader::new(stream) }
    }

    fn user(server: &Server, name: &str) -> Self {
        let mut user = Self::connect(server.addresses[1]);
        user.hears("HELO Welkom to WhatsUpp!");
        user.asks(&format!("HELO {name}"), &format!("+OK HELO {name}"));
        user
    }

    fn says(&mut self, bytes: &str) {
        self.reader.get_mut().write_all(bytes.as_bytes()).expect("the server reads");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).expect("the server writes text");
        assert_eq!(line.pop(), Some('\n'), "a whole line");
        line
    }

    fn hears(&mut self, wanted: &str) {
        assert_eq!(self.line(), wanted);
    }

    fn asks(&mut self, line: &str, wanted: &str) {
        self.says(&format!("{line}\n"));
        self.hears(wanted);
    }

    /// All that still comes, to the end.
    fn rest(mut self) -> String {
        let mut rest = String::new();
        let end = self.reader.read_to_string(&mut rest);
        // What the server has closed without reading all of it ends in a reset.
        assert!(end.is_ok() || rest.is_empty(), "{end:?} behind {rest:?}");
        rest
    }
}

/// Has ann expect a file from zoe, and says at which port.
fn expect_file(server: &Server, zoe: &mut Talker, ann: &mut Talker) -> SocketAddr {
    zoe.says("FILE_TRANS /send_file @ann 3;a.txt;9\n");
    ann.hears("FILE_TRANS @zoe 3;a.txt;9");
    ann.says("READY_FOR_FILE @zoe 3;a.txt;9\n");
    let port = ann.line();
    let port = port.strip_prefix("OPEN_PORT_TO_RECEIVE ").expect("the port");
    zoe.hears(&format!("READY_FOR_FILE @ann 3;a.txt;9 {port}"));
    SocketAddr::new(server.addresses[1].ip(), port.parse().expect("a port"))
}

fn refuses(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_err()
}

#[test]
fn a_file_passes_whoever_connects_first_and_its_port_is_closed() {
    let dir = temporary();
    let server = server(dir.path(), &[]);
    let (mut zoe, mut ann) = (Talker::user(&server, "zoe"), Talker::user(&server, "ann"));
    for sender_first in [true, false] {
        let port = expect_file(&server, &mut zoe, &mut ann);
        let send = || {
            let mut sender = Talker::connect(port);
            sender.says("FILE <zoe @ann 3;a.txt;9 QUJD\r\n");
            sender
        };
        let first = sender_first.then(send);
        let mut receiver = Talker::connect(port);
        receiver.says("OPEN_PORT_TO_RECEIVE ann\r\n");
        let mut sender = first.unwrap_or_else(send);
        receiver.hears("FILE <zoe @zoe 3;a.txt;9 QUJD");
        assert!(refuses(port), "nobody else is waited for");
        receiver.says("FILE_STATUS file has successfully been delivered!@zoe\n");
        sender.hears("FILE_STATUS file has successfully been delivered!");
        assert_eq!(sender.rest(), "");
        assert_eq!(receiver.rest(), "");
    }
    zoe.asks("QUIT", "+OK Goodbye");
    assert_eq!(zoe.rest(), "");
}

#[test]
fn who_was_not_told_the_port_is_not_let_in() {
    let dir = temporary();
    let server = server(dir.path(), &[]);
    let (mut zoe, mut ann) = (Talker::user(&server, "zoe"), Talker::user(&server, "ann"));
    let port = expect_file(&server, &mut zoe, &mut ann);
    for words in ["GET / HTTP/1.1\r\n\r\n", "FILE <eve @ann m QUJD\n", "OPEN_PORT_TO_RECEIVE eve\n"]
    {
        let mut stranger = Talker::connect(port);
        stranger.says(words);
        assert_eq!(stranger.rest(), "");
    }
    let silent: Vec<_> = (0..10).map(|_| Talker::connect(port)).collect();
    let (mut receiver, mut sender) = (Talker::connect(port), Talker::connect(port));
    receiver.says("OPEN_PORT_TO_RECEIVE ann\n");
    sender.says("FILE <zoe @ann m QUJD\n");
    receiver.hears("FILE <zoe @zoe m QUJD");
    silent.into_iter().for_each(|silent| assert_eq!(silent.rest(), ""));
}

#[test]
fn a_slow_receiver_holds_its_sender_back_and_not_the_chat() {
    let dir = temporary();
    let server = server(dir.path(), &["helo.file_bytes_max=100000000"]);
    let (mut zoe, mut ann) = (Talker::user(&server, "zoe"), Talker::user(&server, "ann"));
    let port = expect_file(&server, &mut zoe, &mut ann);
    let mut receiver = Talker::connect(port);
    receiver.says("OPEN_PORT_TO_RECEIVE ann\n");
    let memory = server.status_number("RssAnon");
    let file = "QUJD".repeat(16 * 1024 * 1024 / 4);
    let line = format!("FILE <zoe @ann m {file}\n");
    let sender = std::thread::spawn(move || {
        let mut sender = Talker::connect(port);
        sender.says(&line);
        sender.line()
    });
    // The receiver takes nothing for a while; the server holds a buffer, and chats.
    std::thread::sleep(Duration::from_millis(500));
    zoe.asks("BCST still quick", "+OK BCST still quick");
    ann.hears("BCST [zoe] still quick");
    let grown = server.status_number("RssAnon").saturating_sub(memory);
    server.assert_memory(grown, 2048, "by which the server has grown");
    assert!(receiver.line() == format!("FILE <zoe @zoe m {file}"));
    receiver.says("FILE_STATUS fine @zoe\n");
    assert_eq!(sender.join().expect("it is told"), "FILE_STATUS fine");
}

#[test]
fn a_file_that_is_too_large_or_stands_still_is_told_to_its_sender() {
    let dir = temporary();
    let server = server(dir.path(), &["helo.file_bytes_max=3", "helo.file_seconds=1"]);
    let (mut zoe, mut ann) = (Talker::user(&server, "zoe"), Talker::user(&server, "ann"));
    for (file, told) in [
        ("QUJDRA==\n", "FILE_STATUS the file is too large and was not delivered!"),
        ("QUJD", "FILE_STATUS the file stood still for too long and was not delivered!"),
    ] {
        let port = expect_file(&server, &mut zoe, &mut ann);
        let (mut receiver, mut sender) = (Talker::connect(port), Talker::connect(port));
        receiver.says("OPEN_PORT_TO_RECEIVE ann\n");
        sender.says(&format!("FILE <zoe @ann m {file}"));
        sender.hears(told);
    }
    let port = expect_file(&server, &mut zoe, &mut ann);
    wait_until("the port is closed", || refuses(port));
}

#[test]
fn ports_are_of_the_range_that_was_set_and_a_server_without_files_sleeps() {
    let dir = temporary();
    // Below what the system gives to those who ask for any port.
    let first = 20_000 + (std::process::id() % 10_000) as u16;
    let range = format!("helo.file_ports=\"{first}-{}\"", first + 999);
    let server = server(dir.path(), &[&range, "helo.ping_seconds=0"]);
    let (mut zoe, mut ann) = (Talker::user(&server, "zoe"), Talker::user(&server, "ann"));
    let port = expect_file(&server, &mut zoe, &mut ann).port();
    assert!((first..=first + 999).contains(&port), "{port}");
    assert!(server.can_sleep_for(Duration::from_secs(1)), "while nobody comes to the port");
    server.stop();
}

#[test]
#[ignore = "needs Python 3"]
fn the_client_of_the_document_holds_its_whole_session() {
    let dir = temporary();
    let server = server(dir.path(), &["helo.ping_seconds=1", "helo.pong_seconds=3"]);
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/helo.py");
    let address = server.addresses[1].to_string();
    let output = runner::output(Command::new("python3").arg(client).args([&address, "1"]));
    let output = output.expect("Python 3 is installed");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{said}\n{errors}");
    server.stop();
}
