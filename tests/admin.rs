//! The administrator's commands, run as an administrator runs them: the real program on real directories, and servers
//! that are asked over TCP what came of it.

#![allow(clippy::unwrap_used, reason = "the helpers here are parts of tests too")]

#[path = "common/runner.rs"]
mod runner;

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mecd");

/// Whoever waits longer for an answer has met a server that hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program with `words`, on a data directory.
fn command(program: impl AsRef<Path>, data: &Path, words: &[&str]) -> Command {
    let mut command = runner::command(program.as_ref());
    command.arg("--data-dir").arg(data).args(words);
    for variable in ["STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command to its end, with `input` on its standard input.
fn run_with(data: &Path, words: &[&str], input: &str) -> Output {
    let mut command = command(PROGRAM, data, words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = runner::spawn(&mut command).unwrap();
    // A command that refuses at once does not read what it is told.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What a command that must succeed prints.
fn done_with(data: &Path, words: &[&str], input: &str) -> String {
    let output = run_with(data, words, input);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
    assert_eq!(said, "", "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn done(data: &Path, words: &[&str]) -> String {
    done_with(data, words, "")
}

/// The one sentence with which a command must fail.
fn refused_with(data: &Path, words: &[&str], input: &str) -> String {
    sentence(&run_with(data, words, input))
}

fn refused(data: &Path, words: &[&str]) -> String {
    refused_with(data, words, "")
}

fn sentence(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(output.stdout, b"", "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[track_caller]
fn assert_names(said: &str, wanted: &[&dyn AsRef<Path>]) {
    for name in wanted {
        let name = name.as_ref().display().to_string();
        assert!(said.contains(&name), "{name:?} is not in {said:?}");
    }
}

/// The names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A server of our own; it ends with the test.
struct Server {
    child: Child,
    /// Where MEC is spoken.
    address: String,
    /// Each dialect and where it is spoken.
    listeners: Vec<String>,
}

impl Server {
    fn start(data: &Path) -> Self {
        Self::start_as(PROGRAM, data, &[])
    }

    fn start_as(program: impl AsRef<Path>, data: &Path, words: &[&str]) -> Self {
        let mut command = command(program, data, &["-q", "--listen", "mec=127.0.0.1:0"]);
        command.args(words).stdout(Stdio::piped());
        let mut child = runner::spawn(&mut command).unwrap();
        let others = words.iter().filter(|word| **word == "--listen").count();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listeners: Vec<String> = lines.take(1 + others).map(Result::unwrap).collect();
        let mut server = Self { child, address: String::new(), listeners };
        server.address = server.address_of("mec").to_owned();
        server
    }

    fn address_of(&self, dialect: &str) -> &str {
        let prefix = format!("listening {dialect} ");
        let address = self.listeners.iter().find_map(|line| line.strip_prefix(&prefix));
        address.unwrap_or_else(|| panic!("{dialect}: {:?}", self.listeners))
    }

    fn connect(&self) -> Client {
        self.connect_to("mec")
    }

    fn connect_to(&self, dialect: &str) -> Client {
        let stream = TcpStream::connect(self.address_of(dialect)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    fn login(&self, words: &str) -> Client {
        let mut client = self.connect();
        client.ok(&format!("#login {words}"));
        client
    }

    /// As the service manager does it.
    fn stop(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The answer, a line.
    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    #[track_caller]
    fn ok(&mut self, line: &str) {
        assert_eq!(self.ask(line), "@status 0", "{line}");
    }

    /// An object that is done as asked.
    #[track_caller]
    fn object(&mut self, object: &str) {
        let answer = self.ask(object);
        assert!(answer.starts_with(r#"{"Command":"ok","#), "{object}: {answer}");
    }

    /// Everything up to the end of the connection.
    fn rest(mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }

    /// The rows of an answer that begins with how many they are.
    fn rows(&mut self, line: &str) -> Vec<String> {
        let head = self.ask(line);
        let count = head.split(' ').nth(2).and_then(|count| count.parse().ok());
        let count: usize = count.unwrap_or_else(|| panic!("{line}: {head}"));
        (0..count).map(|_| self.hear()).collect()
    }
}

/// A directory for a test, and the data directory in it, which is not there yet.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    (directory, data)
}

#[test]
fn the_first_start_makes_the_directory_and_the_key() {
    let (_directory, data) = place();
    Server::start(&data).stop();
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(data.join("key")).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(data.join("key")).unwrap();
    Server::start(&data).stop();
    assert_eq!(fs::read(data.join("key")).unwrap(), before);
}

#[test]
fn what_cannot_be_opened_is_refused_in_one_sentence() {
    let (directory, data) = place();
    let serve = ["--listen", "mec=127.0.0.1:0", "-q"];

    let foreign = directory.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("letter.txt"), "dear").unwrap();
    assert_names(&refused(&foreign, &serve), &[&foreign]);
    assert_eq!(names(&foreign), ["letter.txt"]);

    done_with(&data, &["account", "add", "amy"], "geheim\n");
    let key = data.join("key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    for words in [&serve[..], &["account", "list"], &["export"], &["key", "new"]] {
        assert_names(&refused(&data, words), &[&data]);
        assert!(!key.exists(), "{words:?} made a key that opens nothing");
    }
    assert_names(&refused(&data, &serve), &[&key]);

    let other = directory.path().join("other.key");
    done(&data, &["key", "new", other.to_str().unwrap()]);
    let set = format!("storage.key_file=\"{}\"", other.display());
    let said = refused(&data, &["--set", &set, "export"]);
    assert_names(&said, &[&data.join("00000001.log"), &other]);

    fs::write(&key, &kept).unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert_names(&refused(&data, &serve), &[&key]);
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();

    let log = data.join("00000001.log");
    let mut bytes = fs::read(&log).unwrap();
    bytes[80] ^= 1;
    fs::write(&log, bytes).unwrap();
    assert_names(&refused(&data, &serve), &[&log]);
}

#[test]
fn nobody_else_touches_a_directory_that_a_server_has_open() {
    let (directory, data) = place();
    let server = Server::start(&data);
    let export = directory.path().join("export");
    fs::write(&export, "{}\n").unwrap();
    let export = export.to_str().unwrap();
    for words in [
        &["-q", "--listen", "mec=127.0.0.1:0"][..],
        &["account", "list"],
        &["account", "add", "amy"],
        &["account", "remove", "amy"],
        &["account", "reset-password", "amy"],
        &["export"],
        &["import", export],
    ] {
        let said = refused_with(&data, words, "geheim\n");
        assert!(said.contains("in use"), "{said}");
        assert_names(&said, &[&data]);
    }
    server.login("anon amy").ok("#leavegroup");
    server.stop();
}

#[test]
fn a_command_that_needs_data_makes_none() {
    let (_directory, data) = place();
    for words in [
        &["account", "list"][..],
        &["account", "remove", "amy"],
        &["account", "reset-password", "amy"],
        &["export"],
    ] {
        assert_names(&refused_with(&data, words, "geheim\n"), &[&data]);
        assert!(!data.exists(), "{words:?}");
    }
}

#[test]
fn accounts_are_added_listed_and_removed() {
    let (_directory, data) = place();
    let amy = ["account", "add", "amy", "--real-name", "Amy A.", "--email", "amy@example.org"];
    assert_eq!(done_with(&data, &amy, "geheim\r\nmore\n"), "");
    done_with(&data, &["account", "add", "Bob"], "two words");
    assert_eq!(done(&data, &["account", "list"]), "amy\tAmy A.\tamy@example.org\nBob\tBob\t-\n");

    let server = Server::start(&data);
    server.login("regd AMY geheim");
    server.login("regd bob \"two words\"").ok("#changepass new \"two words\"");
    assert_eq!(server.connect().ask("#login anon bob"), "@status 3004");
    server.stop();

    done_with(&data, &["account", "reset-password", "BOB"], "newer\n");
    done(&data, &["account", "remove", "Amy"]);
    assert_eq!(done(&data, &["account", "list"]), "Bob\tBob\t-\n");
    done_with(&data, &["account", "add", "amy"], "other\n");

    let server = Server::start(&data);
    server.login("regd amy other");
    server.login("regd bob newer");
    assert_eq!(server.connect().ask("#login regd bob new"), "@status 3002");
    server.stop();
}

#[test]
fn what_createlogin_would_refuse_is_refused() {
    let (_directory, data) = place();
    done_with(&data, &["account", "add", "amy"], "geheim\n");
    let long = "x".repeat(65);
    for (words, input) in [
        (&["account", "add", "AMY"][..], "p\n"),
        (&["account", "add", "a b"], "p\n"),
        (&["account", "add", "bob"], ""),
        (&["account", "add", "bob"], "\n"),
        (&["account", "add", "bob"], &long),
        (&["account", "add", "bob", "--email", &long], "p\n"),
        (&["account", "add", "bob", "--real-name", ""], "p\n"),
        (&["account", "remove", "bob"], ""),
        (&["account", "reset-password", "bob"], "p\n"),
        (&["account", "reset-password", "amy"], "\n"),
        (&["--set", "limits.accounts=1", "account", "add", "bob"], "p\n"),
    ] {
        let said = refused_with(&data, words, input);
        assert!(!said.contains(&long), "{said}");
    }
    assert_eq!(done(&data, &["account", "list"]), "amy\tamy\t-\n");
    done_with(&data, &["--set", "security.registration=false", "account", "add", "bob"], "p\n");
}

#[test]
fn passwords_are_hashed_where_the_configuration_says_so() {
    let (_directory, data) = place();
    let hashed = ["--set", "security.passwords=\"argon2id\""];
    let words = |more: &[&'static str]| [&hashed[..], more].concat();
    done_with(&data, &words(&["account", "add", "amy"]), "geheim\n");
    done_with(&data, &["account", "add", "bob"], "geheim\n");
    done_with(&data, &words(&["account", "reset-password", "bob"]), "geheimer\n");
    let export = done(&data, &["export"]);
    assert!(!export.contains("geheim") && export.matches("\"argon2id\":").count() == 2);

    let (_directory, moved) = place();
    done_with(&moved, &["import", "-"], &export);
    assert_eq!(done(&moved, &["export"]), export);
    let server = Server::start_as(PROGRAM, &moved, &hashed);
    server.login("regd amy geheim");
    server.login("regd bob geheimer");
    assert_eq!(server.connect().ask("#login regd bob geheim"), "@status 3002");
    server.stop();
}

#[test]
fn a_key_is_made_where_the_configuration_says_and_never_overwritten() {
    let (directory, data) = place();
    assert_names(&done(&data, &["key", "show-path"]), &[&data.join("key")]);
    assert!(!data.exists());
    assert_names(&done(&data, &["key", "new"]), &[&data.join("key")]);
    let key = fs::read(data.join("key")).unwrap();
    assert_names(&refused(&data, &["key", "new"]), &[&data.join("key")]);
    let file = directory.path().join("other");
    let word = file.to_str().unwrap();
    done(&data, &["key", "new", word]);
    assert_names(&refused(&data, &["key", "new", word]), &[&file]);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(data.join("key")).unwrap(), key);
    Server::start(&data).stop();
    assert_eq!(fs::read(data.join("key")).unwrap(), key);
}

#[test]
fn a_credential_may_show_bits_of_the_group() {
    let (directory, data) = place();
    let credentials = directory.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    let file = credentials.join("mecd.key");
    done(&data, &["key", "new", file.to_str().unwrap()]);
    fs::set_permissions(&file, Permissions::from_mode(0o440)).unwrap();
    let mut add = command(PROGRAM, &data, &["account", "add", "amy"]);
    add.env("CREDENTIALS_DIRECTORY", &credentials).stdin(Stdio::piped());
    let mut child = runner::spawn(&mut add).unwrap();
    child.stdin.take().unwrap().write_all(b"geheim\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(names(&data), ["00000001.log", "lock"]);
    let set = format!("storage.key_file=\"{}\"", file.display());
    let said = refused(&data, &["--set", &set, "account", "list"]);
    assert!(said.contains("0440"), "a key file of one's own has to be private: {said}");
}

/// All places at which a plain search of a file would find a key.
fn visible(program: &[u8], digits: &str) -> usize {
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    let raw: Vec<u8> = (0..16).map(byte).collect();
    let reversed: Vec<u8> = raw.iter().rev().copied().collect();
    let (lower, upper) = (digits.to_lowercase(), digits.to_uppercase());
    [&raw[..], &reversed, lower.as_bytes(), upper.as_bytes()]
        .into_iter()
        .map(|wanted| memchr::memmem::find_iter(program, wanted).count())
        .sum()
}

#[test]
fn a_copy_with_a_key_inside_needs_no_key_file() {
    let (directory, data) = place();
    let (key, copy) = (directory.path().join("the.key"), directory.path().join("mecd-copy"));
    let (key_word, copy_word) = (key.to_str().unwrap(), copy.to_str().unwrap());
    done(&data, &["key", "new", key_word]);
    let inject = ["key", "inject", "--key-file", key_word, "--output", copy_word];
    let said = done(&data, &inject);
    assert!(said.contains("hides the key and does not protect it"), "{said}");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o755);
    assert_names(&refused(&data, &inject), &[&copy]);
    assert_eq!(names(directory.path()), ["mecd-copy", "the.key"]);

    let digits = fs::read_to_string(&key).unwrap();
    let digits = digits.trim();
    assert_eq!(visible(&fs::read(&key).unwrap(), digits), 1, "the search finds what is there");
    assert_eq!(visible(&fs::read(&copy).unwrap(), digits), 0);
    fs::remove_file(&key).unwrap();

    for _ in 0..2 {
        let server = Server::start_as(&copy, &data, &[]);
        server.login("anon amy").ok("#leavegroup");
        server.stop();
    }
    assert_eq!(names(&data), ["00000001.log", "lock"]);
    assert_names(&refused(&data, &["-q", "--listen", "mec=127.0.0.1:0"]), &[&data]);
    done(&data, &["key", "new", key_word]);
    let set = format!("storage.key_file=\"{key_word}\"");
    assert_names(&refused(&data, &["--set", &set, "export"]), &[&key]);

    let path = runner::output(&mut command(&copy, &data, &["key", "show-path"])).unwrap();
    assert_eq!(String::from_utf8(path.stdout).unwrap(), format!("{copy_word}\n"));
    let mut twice = command(&copy, &data, &["key", "inject", "--key-file", key_word, "--output"]);
    let twice = runner::output(twice.arg(directory.path().join("twice"))).unwrap();
    assert_names(&sentence(&twice), &[&copy]);
    assert!(!directory.path().join("twice").exists());
}

/// A server's life, of which every kind of record is left.
fn live(data: &Path) {
    done_with(data, &["account", "add", "amy", "--real-name", "Ämy \"A\""], "first\n");
    let server = Server::start(data);
    let mut amy = server.login("regd amy first");
    amy.ok("#changepass \"ge heim\" first");
    amy.ok("#createlogin bob \"b\\\"ob\" \"Bob B.\" bob@example.org");
    amy.ok("#createroom \"chess club\" king regd");
    amy.ok("#createroom gone");
    amy.ok("#rmroom gone");
    amy.ok("#creategroup news \"\" anon 100000");
    amy.ok("#creategroup secret pw regd");
    amy.ok("#joingroup news");
    amy.ok("#postmessage \"hello world\" 0 3 5000\r\n  first \ttab\r\n\r\n#quit");
    amy.ok("#postmessage empty 0 0");
    let mut eve = server.login("anon eve");
    eve.ok("#createroom evesroom");
    eve.ok("#joingroup news");
    eve.ok("#postmessage re 1\r\nreply");
    eve.ok("#postmessage rere 3\r\nreply to the reply");
    eve.ok("#postmessage last\r\nlast");
    amy.ok("#rmmessage 5");
    eve.say("#broadcast \"said \\\"once\\\"\"");
    eve.hear();
    amy.hear();
    amy.ok("#changeroom \"chess club\" king");
    amy.say("#broadcast checkmate");
    amy.hear();
    // A server that stops waits for those who are still there.
    drop((amy, eve));
    server.stop();
}

/// A row without its seconds, which are the column so far from the end; and the seconds.
fn split_seconds(row: &str, from_end: usize) -> (String, i64) {
    let mut columns: Vec<&str> = row.split(' ').collect();
    let at = columns.len() - from_end;
    let seconds = columns.remove(at).parse().unwrap();
    (columns.join(" "), seconds)
}

/// What a user sees: rows, each with its seconds.
fn seen(server: &Server) -> Vec<(String, i64)> {
    let mut amy = server.login("regd amy \"ge heim\"");
    let mut seen = Vec::new();
    let timeless = |rows: Vec<String>| rows.into_iter().map(|row| (row, 0)).collect::<Vec<_>>();
    seen.extend(amy.rows("#listrooms").iter().map(|row| split_seconds(row, 3)));
    seen.extend(amy.rows("#listgroups").iter().map(|row| split_seconds(row, 3)));
    amy.ok("#joingroup secret pw");
    amy.ok("#joingroup news");
    seen.extend(amy.rows("#listmessages").iter().map(|row| split_seconds(row, 1)));
    seen.extend(amy.rows("#listmessages 1").iter().map(|row| split_seconds(row, 1)));
    for (id, parts) in [(1, 3), (2, 0), (3, 1), (4, 1)] {
        seen.push(split_seconds(&amy.ask(&format!("#getmessage {id}")), 1));
        seen.extend((0..parts).map(|_| (amy.hear(), 0)));
    }
    seen.push((amy.ask("#getmessage 5"), 0));
    seen.extend(timeless(amy.rows("#history")));
    amy.ok("#changeroom \"chess club\" king");
    seen.extend(timeless(amy.rows("#history")));
    server.login(r#"regd bob "b\"ob""#).ok("#leavegroup");
    seen
}

#[test]
fn an_import_is_the_same_server() {
    let (directory, data) = place();
    live(&data);
    let file = directory.path().join("export");
    let word = file.to_str().unwrap();
    fs::write(&file, "an older one").unwrap();
    assert_eq!(done(&data, &["export", word]), "");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(directory.path()), ["data", "export"]);
    let export = fs::read_to_string(&file).unwrap();
    assert_eq!(done(&data, &["export"]), export);
    assert_eq!(done(&data, &["export", "-"]), export);

    let (_directory, moved) = place();
    assert_eq!(done(&moved, &["import", word]), "");
    assert_eq!(names(&moved), ["00000001.log", "key", "lock"]);
    assert_eq!(done(&moved, &["export"]), export);
    assert_ne!(fs::read(moved.join("key")).unwrap(), fs::read(data.join("key")).unwrap());

    let (old, new) = (Server::start(&data), Server::start(&moved));
    let (before, after) = (seen(&old), seen(&new));
    assert_eq!(before.len(), after.len());
    for ((row, seconds), (same, about)) in before.iter().zip(&after) {
        assert_eq!(row, same);
        assert!((seconds - about).abs() <= 20, "{row}: {seconds} {about}");
    }
    assert!(before.iter().any(|(row, _)| row == "  first \ttab"));
    assert!(before.contains(&("@status -3".to_owned(), 0)), "a message that was removed");

    // Numbers go on where they were, and what is somebody's is still theirs.
    let mut amy = new.login("regd amy \"ge heim\"");
    amy.ok("#joingroup news");
    amy.ok("#postmessage again\r\nx");
    assert!(amy.ask("#getmessage 6").starts_with("@ret #getmessage again 1 6 0 0 "));
    amy.hear();
    amy.ok("#rmroom \"chess club\" king");
    amy.ok("#rmmessage 1");
    let mut eve = new.login("anon eve");
    assert_eq!(eve.ask("#rmroom evesroom"), "@status 3103", "a later eve is somebody else");
    let number = |server: &Server| {
        let answer = server.login("anon ann").ask("#archstatus");
        answer.rsplit(' ').next().unwrap().parse::<u32>().unwrap()
    };
    assert!(number(&new) > number(&old), "a removed room makes a new number");
    drop((amy, eve));
    old.stop();
    new.stop();
}

/// A server for users of every dialect.
const TOGETHER: [&str; 10] = [
    "--set",
    "server.name=pi",
    "--listen",
    "helo=127.0.0.1:0",
    "--listen",
    "chatapp=127.0.0.1:0",
    "--listen",
    "crimp=127.0.0.1:0",
    "--listen",
    "json=127.0.0.1:0",
];

/// What a user of `chatapp` sends from its coming into the room `blue` to its going.
fn chatapp(name: &str, messages: &[&str]) -> String {
    let body = |kind: &str, time: &str, dest: &str, data: &str| {
        let body = format!(
            r#"{{"__type__":"{kind}","timestamp":"{time}","sender":"{name}","dest":"{dest}","data":"{data}"}}"#
        );
        format!("{:<20}{body}", body.len())
    };
    let mut sent = body("ConnectionMessage", "now", "Server", "CONNECT");
    sent += &body("JoinMessage", "now", "Server", "blue");
    sent.extend(messages.iter().map(|text| body("ChatMessage", "half past nine", "blue", text)));
    sent + &body("ConnectionMessage", "now", "Server", "QUIT")
}

/// A life of a server of which everything is left that users of other dialects than MEC leave.
fn live_together(data: &Path) {
    let server = Server::start_as(PROGRAM, data, &TOGETHER);
    let mut bob = server.connect_to("json");
    bob.object(r#"{"Command":"register","Username":"bob","Password":"pw"}"#);
    bob.object(r#"{"Command":"update","Status":"offline"}"#);
    assert_eq!(bob.rest(), "");
    let mut amy = server.connect_to("json");
    amy.object(r#"{"Command":"register","Username":"amy","Password":"pw"}"#);
    amy.object(r#"{"Command":"update","Nickname":"Ämy"}"#);
    amy.object(r#"{"Command":"invite","User":"bob","Group":"den"}"#);
    amy.object(r#"{"Command":"msg","Type":"den","Message":"in the den"}"#);
    amy.object(r#"{"Command":"msg","Type":"PM","To":"bob","Message":"psst"}"#);

    let mut zoe = server.connect_to("helo");
    assert!(zoe.hear().starts_with("HELO "));
    assert_eq!(zoe.ask("HELO zoe"), "+OK HELO zoe");
    assert!(zoe.ask("CREATE_GROUP red").starts_with("+SUCCESS"));
    let mut cat = server.connect_to("crimp");
    assert_eq!(cat.ask("cat CTRM blue"), "OK_CTRM");
    assert_eq!(cat.ask("cat JOIN blue"), "OK_JOIN");
    assert_eq!(cat.ask("cat POST blue hello"), "OK_POST");
    let mut ann = server.connect_to("chatapp");
    ann.0.get_mut().write_all(chatapp("ann", &["good evening"]).as_bytes()).unwrap();
    assert!(ann.rest().contains("good evening"));
    drop((amy, zoe, cat));
    server.stop();
}

#[test]
fn an_import_has_what_users_of_every_dialect_have_left() {
    let (_directory, data) = place();
    live_together(&data);
    let export = done(&data, &["export"]);
    for part in [
        r#""name":"den","owner":{"person":2,"name":"amy"},"password":"","admits":"invited","lifetime":"long","#,
        r#""name":"red","owner":{"person":3,"name":"zoe"},"password":"","admits":"anon","lifetime":"long","#,
        r#""sender":"cat","text":"hello"}"#,
        r#""sender":"ann","text":"good evening","stamp":"half past nine"}"#,
        r#"{"record":"nickname","person":2,"nickname":"Ämy"}"#,
        r#"{"record":"member","room":1,"person":1}"#,
        r#"{"record":"member","room":1,"person":2}"#,
        r#""sender":{"person":2,"name":"amy"},"room":"den"}"#,
        r#""sender":{"person":2,"name":"amy"},"text":"psst"}"#,
    ] {
        assert!(export.contains(part), "{part} is not in {export}");
    }
    let (_directory, moved) = place();
    assert_eq!(done_with(&moved, &["import", "-"], &export), "");
    assert_eq!(done(&moved, &["export"]), export);

    let server = Server::start_as(PROGRAM, &moved, &TOGETHER);
    let mut bob = server.connect_to("json");
    bob.object(r#"{"Command":"login","Username":"bob","Password":"pw"}"#);
    let told = [bob.hear(), bob.hear()];
    assert!(
        told[0].starts_with(r#"{"Command":"invite","User":"bob@pi","Group":"den","#),
        "{told:?}"
    );
    assert!(told[1].contains(r#""Message":"psst","From":"amy@pi","Nickname":"Ämy","#), "{told:?}");
    let history = bob.ask(r#"{"Command":"history","Group":"den"}"#);
    assert!(history.contains(r#""Message":"in the den"}"#), "{history}");
    assert_eq!(bob.hear(), r#"{"Command":"ok","Re":"history"}"#);
    let mut amy = server.connect_to("json");
    amy.object(r#"{"Command":"login","Username":"amy","Password":"pw"}"#);
    amy.object(r#"{"Command":"msg","Type":"den","Message":"still here"}"#);
    let said = bob.hear();
    assert!(
        said.contains(r#""To":"den","Type":"group-message","Message":"still here","#),
        "{said}"
    );

    let rows = server.login("anon eve").rows("#listrooms");
    let rows: Vec<_> = rows.iter().map(|row| split_seconds(row, 3)).collect();
    let (names, seconds): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    assert_eq!(names, ["Home - 1 pub anon", "red zoe 0 pub anon", "blue cat 0 pub anon"]);
    assert!(seconds[1..].iter().all(|&left| left > 2_500_000), "{seconds:?}");
    let mut dan = server.connect_to("crimp");
    assert_eq!(dan.ask("dan JOIN blue"), "OK_JOIN");
    assert!(dan.ask("dan RETV blue").ends_with("] cat: hello"));
    assert!(dan.hear().ends_with("] ann: good evening"));
    let mut ann = server.connect_to("chatapp");
    ann.0.get_mut().write_all(chatapp("ann", &[]).as_bytes()).unwrap();
    let told = ann.rest();
    let again =
        r#""timestamp":"half past nine","sender":"ann","dest":"blue","data":"good evening""#;
    assert!(told.contains(again), "{told}");
    drop((amy, bob, dan));
    server.stop();
}

#[test]
fn an_export_is_readable_and_has_each_kind_of_record() {
    let (_directory, data) = place();
    live(&data);
    let export = done(&data, &["export"]);
    let mut kinds: Vec<&str> = Vec::new();
    for line in export.lines() {
        let kind = line.strip_prefix("{\"record\":\"").unwrap().split('"').next().unwrap();
        kinds.push(kind);
    }
    let expected = "mecd-export account account room room group group message message message message \
                    line line counters";
    assert_eq!(kinds.join(" "), expected, "{export}");
    for part in [
        r#""name":"amy","password":"ge heim","real_name":"Ämy \"A\"","email":"-"}"#,
        r#""name":"bob","password":"b\"ob","real_name":"Bob B.","email":"bob@example.org"}"#,
        r#""owner":{"person":1,"name":"amy"},"password":"king","admits":"regd","empty_ms":"#,
        r##""text":["  first \ttab","","#quit"]}"##,
        r#""sender":"eve","text":"said \"once\""}"#,
        r#""next_message":6}"#,
    ] {
        assert!(export.contains(part), "{part} is not in {export}");
    }
}

#[test]
fn an_import_wants_a_directory_without_records() {
    let (directory, data) = place();
    live(&data);
    let file = directory.path().join("export");
    let word = file.to_str().unwrap();
    done(&data, &["export", word]);
    let before = done(&data, &["export"]);
    assert_names(&refused(&data, &["import", word]), &[&data]);
    assert_eq!(done(&data, &["export"]), before);
    assert_eq!(names(&data), ["00000001.log", "key", "lock"]);

    // A log that was begun and has nothing in it, as a failed `account add` leaves it, is empty enough.
    let (_directory, begun) = place();
    refused_with(&begun, &["account", "add", "amy"], "\n");
    assert_eq!(names(&begun), ["00000001.log", "key", "lock"]);
    // And an import that was killed has left this.
    let stage = begun.join("import.tmp");
    fs::create_dir(&stage).unwrap();
    fs::write(stage.join("00000001.log"), "half a log").unwrap();
    done(&begun, &["import", word]);
    assert_eq!(names(&begun), ["00000001.log", "key", "lock"]);
    assert_eq!(done(&begun, &["export"]), before);
}

#[test]
fn a_faulty_import_names_the_line_and_leaves_no_trace() {
    let (directory, data) = place();
    live(&data);
    let export = done(&data, &["export"]);
    let lines: Vec<&str> = export.lines().collect();
    let last = lines.len();
    let changed = |at: usize, old: &str, new: &str| {
        let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        assert!(lines[at - 1].contains(old), "{old} is not in {}", lines[at - 1]);
        lines[at - 1] = lines[at - 1].replacen(old, new, 1);
        lines.join("\n")
    };
    let faults = [
        (1, String::new()),
        (1, changed(1, "mecd-export", "other")),
        (1, changed(1, "\"version\":1", "\"version\":2")),
        (2, changed(2, "\"ge heim\"", "7")),
        (3, changed(3, "bob", "amy")),
        (4, changed(4, "king", "king\",")),
        (8, changed(8, "\"group\":1", "\"group\":9")),
        (10, changed(10, "\"parent\":1", "\"parent\":5")),
        (last, lines[..last - 1].join("\n") + "\n"),
        (last + 1, export.clone() + "\n"),
    ];
    for (line, content) in faults {
        let file = directory.path().join("faulty");
        fs::write(&file, content).unwrap();
        let word = file.to_str().unwrap();

        let (_directory, new) = place();
        let said = refused(&new, &["import", word]);
        assert!(said.starts_with(&format!("{word}:{line}: ")), "{line}: {said}");
        assert!(!said.contains("heim") && !said.contains("king"), "{said}");
        assert!(!new.exists(), "{line}");

        fs::create_dir(&new).unwrap();
        done(&new, &["key", "new"]);
        let before = names(&new);
        refused(&new, &["import", word]);
        assert_eq!(names(&new), before);
    }
    let said = refused_with(&directory.path().join("new"), &["import", "-"], "x");
    assert!(said.starts_with("-:1: "), "{said}");
    let none = directory.path().join("none");
    assert_names(&refused(&data, &["import", none.to_str().unwrap()]), &[&none]);
}

#[test]
fn an_import_that_does_not_fit_leaves_no_trace() {
    let (directory, data) = place();
    let mut content = String::from("{\"record\":\"mecd-export\",\"version\":1,\"clock_ms\":0}\n");
    content += "{\"record\":\"group\",\"no\":1,\"name\":\"g\",\"owner\":{\"person\":1,\"name\":\"a\"},\
                \"password\":\"\",\"admits\":\"anon\",\"left_ms\":1000000,\"next_message\":100000}\n";
    let text = format!("\"{}\",", "x".repeat(999)).repeat(1000);
    for id in 1..=12 {
        content += &format!(
            "{{\"record\":\"message\",\"group\":1,\"id\":{id},\"parent\":0,\"name\":\"m\",\
             \"poster\":{{\"person\":1,\"name\":\"a\"}},\"left_ms\":900000,\"text\":[{text}\"\"]}}\n"
        );
    }
    content += "{\"record\":\"counters\",\"next_status\":1,\"next_person\":2,\"next_room\":1,\
                \"next_group\":2}\n";
    let file = directory.path().join("large");
    fs::write(&file, &content).unwrap();
    let word = file.to_str().unwrap();
    let least = mecd::limits::STORAGE_BYTES_MIN;
    let said = refused(&data, &["--set", &format!("storage.bytes_max={least}"), "import", word]);
    assert!(said.contains("storage.bytes_max"), "{said}");
    assert!(!data.exists());

    done(&data, &["import", word]);
    assert_eq!(names(&data).iter().filter(|name| name.ends_with(".log")).count(), 3);
    assert_eq!(done(&data, &["export"]), content);
    let server = Server::start(&data);
    let mut amy = server.login("anon amy");
    amy.ok("#joingroup g");
    assert!(amy.ask("#getmessage 12").starts_with("@ret #getmessage m 1001 12 0 0 "));
    drop(amy);
    server.stop();
}

#[test]
fn what_is_over_is_not_exported() {
    let (_directory, data) = place();
    let server = Server::start(&data);
    let mut amy = server.login("anon amy");
    amy.ok("#creategroup g \"\" anon");
    amy.ok("#joingroup g");
    amy.ok("#postmessage short 0 1 1\r\nx");
    amy.ok("#postmessage long 0 1 1000\r\ny");
    std::thread::sleep(Duration::from_millis(1200));
    drop(amy);
    server.stop();
    let export = done(&data, &["export"]);
    assert!(!export.contains("short") && export.contains("long"), "{export}");
}
