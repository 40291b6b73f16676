//! The clients that people have: telnet and netcat, driven through a pseudo-terminal as a person would, and what telnet
//! clients were recorded to send, byte by byte.
//!
//! The tests of real programs need the Debian packages inetutils-telnet, busybox and netcat-openbsd.

mod program_support;

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};

use md5::{Digest, Md5};
use program_support::{Client, Server, Start, Stream, runner, temporary, wait_until};

const DONE: &str = "@status 0";

/// What telnet of inetutils opens with when it takes the other side for a telnet server.
const INETUTILS_OPENS: &[u8] =
    b"\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x21\xff\xfb\x22\xff\xfb\x27\xff\xfd\x05";
const INETUTILS_IS_REFUSED: &[u8] =
    b"\xff\xfc\x03\xff\xfe\x18\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x21\xff\xfe\x22\xff\xfe\x27\xff\xfc\x05";

/// What PuTTY opens with.
const PUTTY_OPENS: &[u8] =
    b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03";
const PUTTY_IS_REFUSED: &[u8] =
    b"\xff\xfe\x1f\xff\xfe\x20\xff\xfe\x18\xff\xfe\x27\xff\xfc\x01\xff\xfe\x03\xff\xfc\x03";

/// Ctrl-C in telnet: interrupt the process, and a timing mark.
const CTRL_C: &[u8] = b"\xff\xf4\xff\xfd\x06";
const TIMING_MARK_REFUSED: &[u8] = b"\xff\xfc\x06";

fn server(dir: &std::path::Path) -> Server {
    Start::in_dir(dir).set("security.wrong_password_delay=0s").serve()
}

/// Sends bytes, in one piece or one by one.
fn send(client: &mut Client, bytes: &[u8], piece: usize) {
    bytes.chunks(piece).for_each(|piece| client.send_bytes(piece));
}

// What was recorded.

#[test]
fn the_opening_of_inetutils_telnet_is_refused_option_by_option() {
    let dir = temporary();
    let server = server(dir.path());
    for piece in [1, 2, 1000] {
        let mut amy = server.client();
        send(&mut amy, INETUTILS_OPENS, piece);
        assert_eq!(amy.bytes(INETUTILS_IS_REFUSED.len()), INETUTILS_IS_REFUSED);
        send(&mut amy, b"#login anon amy\r\0#whoami\r\0", piece);
        assert_eq!(amy.line(), DONE);
        assert_eq!(amy.line(), "@ret #whoami amy Home 1 - 0");
        // Each option is refused once, whatever the client goes on to ask.
        send(&mut amy, INETUTILS_OPENS, piece);
        send(&mut amy, b"#quit\r\0", piece);
        assert_eq!(amy.rest(), [DONE]);
    }
}

#[test]
fn the_opening_of_putty_is_refused_option_by_option_and_its_lone_cr_ends_a_line() {
    let dir = temporary();
    let server = server(dir.path());
    for piece in [1, 4, 1000] {
        let mut amy = server.client();
        send(&mut amy, PUTTY_OPENS, piece);
        assert_eq!(amy.bytes(PUTTY_IS_REFUSED.len()), PUTTY_IS_REFUSED);
        send(&mut amy, b"#login anon amy\r#whoami\r#quit\r", piece);
        assert_eq!(amy.rest(), [DONE, "@ret #whoami amy Home 1 - 0", DONE]);
    }
}

#[test]
fn ctrl_c_is_answered_every_time_and_the_line_under_way_goes_on() {
    let dir = temporary();
    let server = server(dir.path());
    let mut amy = server.client();
    send(&mut amy, b"#login anon amy\r\0", 1000);
    assert_eq!(amy.line(), DONE);
    for _ in 0..5 {
        send(&mut amy, b"#who", 1000);
        send(&mut amy, CTRL_C, 1);
        assert_eq!(amy.bytes(3), TIMING_MARK_REFUSED);
        send(&mut amy, b"ami\r\0", 1000);
        assert_eq!(amy.line(), "@ret #whoami amy Home 1 - 0");
    }
}

#[test]
fn are_you_there_is_answered_by_a_notice() {
    let dir = temporary();
    let server = server(dir.path());
    let mut amy = server.client();
    amy.send_bytes(b"\xff\xf6");
    let line = amy.line();
    assert!(line.starts_with("@mess #notice \"") && line.ends_with('"'), "{line}");
}

#[test]
fn a_sub_negotiation_of_a_megabyte_is_swallowed() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let mut amy = server.client();
    amy.send_bytes(b"#login an\xff\xfa\x18");
    amy.send_bytes(&b"x\r\n\xff\xff".repeat(200_000));
    amy.send_bytes(b"\xff\xf0on amy\r\n");
    assert_eq!(amy.line(), DONE);
}

#[test]
fn nothing_is_sent_to_a_telnet_client_that_has_asked_nothing() {
    let dir = temporary();
    let server = server(dir.path());
    let mut amy = server.client();
    // Ends of lines, refusals, and no-operation: none of them has an answer.
    amy.send_bytes(b"\r\n\r\0\n   \r\n\xff\xfc\x01\xff\xfe\x03\xff\xf1");
    amy.expect("#login anon amy", DONE);
}

#[test]
fn corrections_in_character_mode_are_carried_out() {
    let dir = temporary();
    let server = server(dir.path());
    let mut amy = server.user("amy");
    amy.send_bytes("rubbish\x15#sendto amy wrong\x17größe\x7f\x08ßere\x08\x08\r".as_bytes());
    assert_eq!(amy.line(), "@mess #sendto amy \"größe\"");
    assert_eq!(amy.line(), DONE);
}

// Real programs.

/// A program on a terminal of its own, with somebody who types and reads.
struct Terminal {
    script: Child,
    keyboard: ChildStdin,
    screen: Stream,
    read: usize,
}

impl Terminal {
    /// Runs a shell command; `program` comes with `package`.
    fn run(program: &str, package: &str, command: &str) -> Self {
        assert_installed(program, package);
        assert_installed("script", "bsdutils");
        let mut script = Command::new("script");
        script.args(["-qfc", command, "/dev/null"]).env("TERM", "dumb");
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut script = runner::spawn(&mut script).expect("script can be started");
        let keyboard = script.stdin.take().expect("it is piped");
        let screen = Stream::of(script.stdout.take().expect("it is piped"));
        Self { script, keyboard, screen, read: 0 }
    }

    fn telnet(server: &Server) -> Self {
        let port = server.address().port();
        let command = format!("telnet 127.0.0.1 {port}");
        let mut terminal = Self::run("telnet", "inetutils-telnet", &command);
        terminal.reads("Escape character is");
        terminal
    }

    fn busybox(server: &Server) -> Self {
        let port = server.address().port();
        let command = format!("busybox telnet 127.0.0.1 {port}");
        let mut terminal = Self::run("busybox", "busybox", &command);
        terminal.reads("Connected to 127.0.0.1");
        terminal
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal is there");
        self.keyboard.flush().expect("the terminal is there");
    }

    fn types(&mut self, line: &str) {
        self.press(&format!("{line}\r"));
    }

    /// Waits until `text` is on the screen, below what was read before.
    fn reads(&mut self, text: &str) {
        self.screen.wait(|screen| screen[self.read..].contains(text));
        let screen = self.screen.text();
        let found = screen[self.read..].find(text);
        let found = found.unwrap_or_else(|| panic!("{text:?} does not appear:\n{screen}"));
        self.read += found + text.len();
    }

    fn asks(&mut self, line: &str, answer: &str) {
        self.types(line);
        self.reads(answer);
    }

    /// What stands on the screen from `begin` up to the end of that line.
    fn reads_word_after(&mut self, begin: &str) -> String {
        self.reads(begin);
        let is_whole = |screen: &str| screen[self.read..].contains('\n');
        self.screen.wait(is_whole);
        let screen = self.screen.text();
        screen[self.read..].lines().next().unwrap_or_default().trim().to_owned()
    }

    /// Waits until the program has noticed that the server has closed.
    fn sees_the_end(mut self) {
        self.screen.wait(|screen| screen[self.read..].contains("closed"));
        self.reads("onnection closed by foreign host");
        self.script.wait().expect("it is our child");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Our own child; what runs on its terminal is hung up with it.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

fn assert_installed(program: &str, package: &str) {
    let found = Command::new("sh")
        .args(["-c", "command -v \"$0\"", program])
        .stdout(Stdio::null())
        .status()
        .expect("there is a shell");
    assert!(found.success(), "there is no {program}: this test needs the package {package}");
}

/// Everything that two people do with the server, each at a terminal.
fn two_people_talk(mut amy: Terminal, mut bob: Terminal) {
    amy.asks("#login anon amy", DONE);
    bob.asks("#login anon bob", DONE);
    bob.asks("#createlogin rob secret \"Robert Smith\" rob@example.org", DONE);
    bob.asks("#login regd rob wrong", "@status 3002");
    bob.asks("#login regd rob secret", DONE);
    amy.asks("#createroom den pass", DONE);
    amy.asks("#changeroom den pass", DONE);
    bob.asks("#changeroom den", "@status 3101");
    bob.asks("#changeroom den pass", DONE);
    bob.asks("#listrooms", "den amy 2 0 priv anon");
    amy.asks("#broadcast hello all", "@mess #broadcast amy \"hello all\"");
    bob.reads("@mess #broadcast amy \"hello all\"");
    bob.asks("#sendto amy \"just \\\"you\\\"\"", DONE);
    amy.reads("@mess #sendto rob \"just \\\"you\\\"\"");
    amy.asks("#peer2peer rob 7000 192.0.2.1", DONE);
    bob.reads("@mess #peer2peer amy \" 7000 192.0.2.1\"");

    let before = amy_number(&mut amy, "#groupstatus");
    bob.asks("#creategroup plans \"\" anon", DONE);
    assert_ne!(amy_number(&mut amy, "#groupstatus"), before);
    amy.asks("#joingroup plans", DONE);
    bob.asks("#joingroup plans", DONE);
    bob.types("#postmessage picnic 0 3");
    bob.types("bring bread");
    bob.types("  and #quit nothing");
    bob.asks("at noon", DONE);
    let before = amy_number(&mut amy, "#messagestatus");
    amy.types("#postmessage re:picnic 1");
    amy.asks("I shall", DONE);
    assert_ne!(amy_number(&mut amy, "#messagestatus"), before);
    amy.asks("#getmessage 1", "@ret #getmessage picnic 3 1 0 1 ");
    for line in ["bring bread", "  and #quit nothing", "at noon"] {
        amy.reads(line);
    }
    bob.asks("#listmessages", "re:picnic amy 2 1 0 0");

    amy.types("#challenge");
    let nonce = amy.reads_word_after("@ret #challenge ");
    let digest = Md5::digest(format!("{nonce}secret"));
    let proof: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    amy.asks(&format!("#login regd rob {proof}"), DONE);
    bob.reads("@mess #warning \"");
    bob.sees_the_end();
    amy.asks("#whoami", "@ret #whoami rob Home 1 - 0");
    amy.asks("#quit", DONE);
    amy.sees_the_end();
}

fn amy_number(amy: &mut Terminal, counter: &str) -> String {
    amy.types(counter);
    amy.reads_word_after(&format!("@ret {counter} "))
}

#[test]
#[ignore = "needs the package inetutils-telnet"]
fn two_people_with_telnet_do_everything() {
    let dir = temporary();
    let server = server(dir.path());
    two_people_talk(Terminal::telnet(&server), Terminal::telnet(&server));
    server.stop();
}

#[test]
#[ignore = "needs the package busybox"]
fn two_people_with_telnet_of_busybox_do_everything() {
    let dir = temporary();
    let server = server(dir.path());
    two_people_talk(Terminal::busybox(&server), Terminal::busybox(&server));
    server.stop();
}

#[test]
#[ignore = "needs the packages inetutils-telnet and busybox"]
fn both_telnets_talk_to_each_other() {
    let dir = temporary();
    let server = server(dir.path());
    two_people_talk(Terminal::telnet(&server), Terminal::busybox(&server));
    server.stop();
}

#[test]
#[ignore = "needs the package inetutils-telnet"]
fn ctrl_c_in_telnet_does_not_wedge_it() {
    let dir = temporary();
    let server = server(dir.path());
    let mut amy = Terminal::telnet(&server);
    amy.asks("#login anon amy", DONE);
    for round in 0..3 {
        amy.press("\x03");
        let said = format!("@mess #broadcast amy \"still {round}\"");
        amy.asks(&format!("#broadcast \"still {round}\""), &said);
    }
}

#[test]
#[ignore = "needs the package inetutils-telnet"]
fn telnet_in_character_mode_is_served_as_well() {
    let dir = temporary();
    let server = server(dir.path());
    let mut amy = Terminal::telnet(&server);
    amy.asks("#login anon amy", DONE);
    amy.press("\x1d");
    amy.reads("telnet>");
    // It asks for what the server refuses, and goes on as before.
    amy.types("mode character");
    amy.asks("#whoami", "@ret #whoami amy Home 1 - 0");
    amy.press("\x1d");
    amy.reads("telnet>");
    amy.types("send ayt");
    amy.reads("@mess #notice \"");
    amy.asks("#quit", DONE);
    amy.sees_the_end();
}

#[test]
#[ignore = "needs the package busybox"]
fn ctrl_c_in_telnet_of_busybox_does_not_wedge_it() {
    let dir = temporary();
    let server = server(dir.path());
    let mut amy = Terminal::busybox(&server);
    amy.asks("#login anon amy", DONE);
    // In character mode it asks for what the server refuses, and goes back.
    for (mode, then) in [("l", "continuing..."), ("c", "Entering line mode")] {
        amy.press("\x03");
        amy.reads("exit telnet");
        amy.types(mode);
        amy.reads(then);
        // What was left of the choice of a mode may go to the server as a line.
        amy.asks("\r#whoami", "@ret #whoami amy Home 1 - 0");
    }
}

/// What netcat prints for this input.
fn netcat(server: &Server, options: &str, input: &str) -> String {
    assert_installed("nc.openbsd", "netcat-openbsd");
    let port = server.address().port();
    let command = format!("printf '%s' \"$0\" | timeout 60 nc.openbsd {options} 127.0.0.1 {port}");
    let output = runner::output(Command::new("sh").args(["-c", &command, input]));
    let output = output.expect("there is a shell");
    assert!(output.status.success(), "{command}: {output:?}");
    String::from_utf8(output.stdout).expect("only UTF-8 is sent")
}

#[test]
#[ignore = "needs the package netcat-openbsd"]
fn netcat_gets_every_answer_plain_with_crlf_and_with_an_end_of_input() {
    let dir = temporary();
    let server = server(dir.path());
    let said = "#login anon amy\n#broadcast grüß Gott\n#whoami\n";
    let heard =
        "@status 0\r\n@mess #broadcast amy \"grüß Gott\"\r\n@ret #whoami amy Home 1 - 0\r\n";
    let (quit, ended) = (format!("{said}#quit\n"), format!("{heard}@status 0\r\n"));
    assert_eq!(netcat(&server, "", &quit), ended);
    assert_eq!(netcat(&server, "-C", &quit), ended);
    assert_eq!(netcat(&server, "-N", said), heard);
    assert_eq!(netcat(&server, "-C -N", said), heard);
}

#[test]
#[ignore = "needs the package netcat-openbsd"]
fn rooms_messages_and_groups_are_seen_to_expire_from_a_script() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("rooms.expire_seconds=2").serve();
    let make = "#login anon amy\n#createroom den\n#creategroup lasting \"\" anon\n\
                #creategroup brief \"\" anon 2\n#joingroup lasting\n#postmessage note 0 1 2\nhi\n";
    assert_eq!(netcat(&server, "-N", make), "@status 0\r\n".repeat(6));
    let look = "#login anon bob\n#joingroup lasting\n#listrooms\n#listgroups\n#listmessages\n";
    let mut seen = netcat(&server, "-N", look);
    assert!(seen.contains("lasting amy 1 "), "{seen}");
    wait_until("all three have gone", || {
        seen = netcat(&server, "-N", look);
        let gone = ["den ", "brief ", "note "].iter().all(|name| !seen.contains(name));
        // What is marked is in no list, and counts until the sweep.
        gone && seen.contains("@ret #listgroups 1\r\nlasting amy 1 0 1 ")
    });
    assert!(seen.ends_with("@ret #listmessages 0\r\n"), "{seen}");
}
