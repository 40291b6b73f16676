//! What the whole-program tests share: the built program as a child process, and clients that speak lines to it.
//!
//! Knows no command of the protocol but logging in. Every wait ends as soon as what it waits for is there; [`PATIENCE`]
//! only decides when a test gives up. A child that a test leaves behind is killed when its handle is dropped, and no
//! other process ever is.

#![allow(dead_code, reason = "each test program uses its own part of this")]

pub(crate) mod attack;
#[path = "../common/runner.rs"]
#[allow(clippy::duplicate_mod, reason = "a test program that has `common` too has it twice")]
pub(crate) mod runner;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, sockopt};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// When a test gives up waiting. Nothing takes nearly so long, on a slow and busy machine neither.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often something is looked at that tells nobody when it changes.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What of the surroundings the program obeys: a test gives it only what it says itself.
const SURROUNDINGS: [&str; 7] = [
    "RUST_LOG",
    "STATE_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
];

/// Waits until `done`, and fails with `what` if that never comes.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

pub(crate) fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// How the program is started.
pub(crate) struct Start {
    command: Command,
    listens: usize,
}

impl Start {
    /// Without any arguments, in the directory `cwd`.
    pub(crate) fn bare(cwd: &Path) -> Self {
        Self::behind(&[], cwd)
    }

    /// By a shell script that becomes ours in the end, by `exec "$@"`.
    pub(crate) fn script(script: &str, cwd: &Path) -> Self {
        Self::behind(&["sh", "-c", script, "sh"], cwd)
    }

    /// By another program, which becomes ours in the end.
    pub(crate) fn behind(words: &[&str], cwd: &Path) -> Self {
        let mut command = runner::behind(words, Path::new(env!("CARGO_BIN_EXE_mecd")));
        command.current_dir(cwd).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in SURROUNDINGS {
            command.env_remove(name);
        }
        Self { command, listens: 1 }
    }

    /// With its data in `cwd/data`.
    pub(crate) fn with_data(cwd: &Path) -> Self {
        Self::bare(cwd).args(["--data-dir", "data"])
    }

    /// With its data in `cwd/data`, on a free port.
    pub(crate) fn in_dir(cwd: &Path) -> Self {
        Self::with_data(cwd).args(["--listen", "mec=127.0.0.1:0"])
    }

    /// As a shell starts it that allows so many descriptors.
    pub(crate) fn with_descriptors(cwd: &Path, descriptors: u32) -> Self {
        Self::with_descriptor_limits(cwd, descriptors, descriptors)
    }

    /// As a shell starts it that gives it so many descriptors, and allows it so many.
    pub(crate) fn with_descriptor_limits(cwd: &Path, soft: u32, hard: u32) -> Self {
        let script = format!("ulimit -S -n {soft}; ulimit -H -n {hard}; exec \"$@\"");
        Self::script(&script, cwd).args(["--data-dir", "data", "--listen", "mec=127.0.0.1:0"])
    }

    pub(crate) fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn set(self, option: &str) -> Self {
        self.args(["--set", option])
    }

    /// No connection is read more slowly than it sends, and one address may have any number of them.
    pub(crate) fn unhurried(self) -> Self {
        self.set("limits.lines_per_second=0").set("limits.connections_per_address=0")
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// How many listener lines are to be waited for.
    pub(crate) fn listeners(mut self, count: usize) -> Self {
        self.listens = count;
        self
    }

    /// Starts a server, and returns when it says that it listens.
    pub(crate) fn serve(self) -> Server {
        self.try_serve().unwrap_or_else(|ended| panic!("the server has not come up: {ended:?}"))
    }

    /// Starts a server; what it said if it has ended instead of listening.
    pub(crate) fn try_serve(self) -> Result<Server, Ended> {
        let wanted = self.listens;
        let mut server = self.begin();
        server.out.wait(|text| text.lines().count() >= wanted);
        let said = server.out.text();
        if said.lines().count() < wanted {
            return Err(server.ended());
        }
        server.addresses = said.lines().map(|line| listener(line).1).collect();
        Ok(server)
    }

    /// Starts a server, and does not wait for it to listen.
    pub(crate) fn begin(mut self) -> Server {
        let mut child = runner::spawn(&mut self.command).expect("the program can be started");
        let out = Stream::of(child.stdout.take().expect("it is piped"));
        let err = Stream::of(child.stderr.take().expect("it is piped"));
        Server { child, out, err, addresses: Vec::new(), status: None }
    }

    /// Runs the program to its end, which must come by itself.
    pub(crate) fn run(self) -> Ended {
        self.begin().ended()
    }
}

/// The dialect and the address in a listener line, which has exactly this form.
fn listener(line: &str) -> (&str, SocketAddr) {
    let words = line.strip_prefix("listening ").and_then(|rest| rest.split_once(' '));
    let listener = words.and_then(|(dialect, address)| Some((dialect, address.parse().ok()?)));
    listener.unwrap_or_else(|| panic!("not a listener line: {line:?}"))
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The program while it serves.
pub(crate) struct Server {
    child: Child,
    out: Stream,
    err: Stream,
    /// Where it listens, in the order in which it said so.
    pub(crate) addresses: Vec<SocketAddr>,
    status: Option<ExitStatus>,
}

impl Server {
    /// Where it listens first.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where a dialect is served.
    pub(crate) fn address_of(&self, dialect: &str) -> SocketAddr {
        let said = self.out.text();
        let found = said.lines().map(listener).find(|(name, _)| *name == dialect);
        found.unwrap_or_else(|| panic!("{dialect} is not served:\n{said}")).1
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address())
    }

    /// A client that has logged in without an account.
    pub(crate) fn user(&self, name: &str) -> Client {
        let mut client = self.client();
        client.log_in(name);
        client
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends our own child a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        assert!(self.status.is_none(), "the program still runs");
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a child has a process id"), signal).expect("it is our child");
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.err.text()
    }

    /// Waits until it has logged `text`.
    pub(crate) fn wait_for_log(&self, text: &str) {
        self.err.wait(|log| log.contains(text));
        assert!(self.log().contains(text), "{text:?} is not logged:\n{}", self.log());
    }

    /// Stops it in good order, and checks that it was.
    pub(crate) fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        let ended = self.ended();
        assert_eq!(ended.status.code(), Some(0), "an orderly stop: {ended:?}");
        ended
    }

    /// Ends it at once, as a loss of power would.
    pub(crate) fn kill(self) -> Ended {
        self.signal(Signal::KILL);
        self.ended()
    }

    /// Waits until it has ended.
    pub(crate) fn ended(mut self) -> Ended {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(Instant::now() < end, "the program does not end:\n{}", self.log());
            std::thread::sleep(LOOK_AGAIN);
        };
        self.status = Some(status);
        Ended { status, out: self.out.finish(), err: self.err.finish() }
    }

    /// A number of `/proc/PID/status`.
    pub(crate) fn status_number(&self, field: &str) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(path).expect("the program runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no number {field}:\n{status}"))
    }

    /// Its memory, of which there are so many `kilobytes`, is below a bound.
    pub(crate) fn assert_memory(&self, kilobytes: u64, bound: u64, why: &str) {
        if !runner::cannot_see("the memory of the server") {
            assert!(kilobytes < bound, "{kilobytes} kB {why}");
        }
    }

    /// Every turn is taken by one thread.
    pub(crate) fn assert_one_thread(&self) {
        if !runner::cannot_see("the threads of the server") {
            assert_eq!(self.status_number("Threads"), 1);
        }
    }

    /// Processor time it has used, in ticks of 10 ms.
    pub(crate) fn ticks(&self) -> u64 {
        let path = format!("/proc/{}/stat", self.id());
        let stat = std::fs::read_to_string(path).expect("the program runs");
        let (_, fields) = stat.rsplit_once(')').expect("the name stands in parentheses");
        let number = |index| fields.split_whitespace().nth(index).and_then(|n| n.parse().ok());
        let (user, system): (Option<u64>, Option<u64>) = (number(11), number(12));
        user.expect("utime is there") + system.expect("stime is there")
    }

    /// Whether there is a stretch of `time` in which it does not wake up once; a few are tried, because what it was
    /// asked before may still have something due.
    pub(crate) fn can_sleep_for(&self, time: Duration) -> bool {
        let wakes = || self.status_number("voluntary_ctxt_switches");
        (0..6).any(|_| {
            let before = wakes();
            std::thread::sleep(time);
            wakes() == before
        })
    }
}

impl Drop for Server {
    #[expect(clippy::print_stderr, reason = "who reads why a test failed wants the log as well")]
    fn drop(&mut self) {
        if self.status.is_none() {
            // Our own child, which has not been waited for: its id is still its own.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the log of the server:\n{}", self.log());
        }
    }
}

/// What a child writes, collected by a thread of its own.
pub(crate) struct Stream {
    shared: Arc<(Mutex<Collected>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    pub(crate) fn of(mut from: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(Collected::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = match from.read(&mut buffer) {
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // The other end of a pseudo-terminal that has gone.
                    Err(_) => 0,
                };
                let mut collected = theirs.0.lock().expect("no thread panics with it");
                collected.bytes.extend_from_slice(&buffer[..count]);
                collected.ended = count == 0;
                theirs.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { shared, thread: Some(thread) }
    }

    /// What has come so far.
    pub(crate) fn text(&self) -> String {
        let collected = self.shared.0.lock().expect("no thread panics with it");
        String::from_utf8_lossy(&collected.bytes).into_owned()
    }

    /// Waits until `done` with what has come, the end of the stream, or the end of patience.
    pub(crate) fn wait(&self, done: impl Fn(&str) -> bool) {
        let collected = self.shared.0.lock().expect("no thread panics with it");
        let waiting =
            |now: &mut Collected| !now.ended && !done(&String::from_utf8_lossy(&now.bytes));
        let result = self.shared.1.wait_timeout_while(collected, PATIENCE, waiting);
        drop(result.expect("no thread panics with it"));
    }

    /// Everything, when it has ended.
    fn finish(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it only reads");
        }
        self.text()
    }
}

/// One connection that speaks lines.
pub(crate) struct Client {
    lines: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(to: SocketAddr) -> Self {
        Self::over(TcpStream::connect(to).expect("the server listens"))
    }

    /// From an address of its own.
    pub(crate) fn connect_from(from: &str, to: SocketAddr) -> Self {
        let socket = socket();
        let from: SocketAddr = format!("{from}:0").parse().expect("an address");
        rustix::net::bind(&socket, &from).expect("a loopback address can be had");
        rustix::net::connect(&socket, &to).expect("the server listens");
        Self::over(socket.into())
    }

    /// With so little room for what arrives that the server soon has to wait.
    pub(crate) fn connect_narrow(to: SocketAddr) -> Self {
        let socket = socket();
        sockopt::set_socket_recv_buffer_size(&socket, 4096).expect("a buffer may be small");
        rustix::net::connect(&socket, &to).expect("the server listens");
        Self::over(socket.into())
    }

    pub(crate) fn over(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
        socket.set_write_timeout(Some(PATIENCE)).expect("a socket takes a time-out");
        socket.set_nodelay(true).expect("a socket takes options");
        Self { lines: BufReader::with_capacity(1024, socket) }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.lines.get_ref()
    }

    /// Closes with a reset, and what has come is lost.
    pub(crate) fn reset(self) {
        let now = Some(Duration::ZERO);
        sockopt::set_socket_linger(self.socket(), now).expect("a socket takes options");
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish_sending(&self) {
        self.socket().shutdown(Shutdown::Write).expect("the connection stands");
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.lines.get_mut().write_all(bytes).expect("the server takes it");
    }

    pub(crate) fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes());
    }

    /// Exactly so many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.lines.read_exact(&mut bytes).expect("so many bytes come");
        bytes
    }

    /// The next line, without its CRLF, which must be there.
    pub(crate) fn line(&mut self) -> String {
        self.try_line().expect("the connection stands").expect("another line comes")
    }

    /// The next line, or nothing at the end.
    pub(crate) fn try_line(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        match line.strip_suffix(b"\r\n") {
            Some(line) => Ok(Some(String::from_utf8(line.to_vec()).expect("only UTF-8 is sent"))),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Everything up to the orderly end of the connection.
    pub(crate) fn rest(mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.try_line().expect("the connection ends in good order") {
            lines.push(line);
        }
        lines
    }

    /// Whether the connection ends, in whatever way, before another line comes.
    pub(crate) fn has_ended(mut self) -> bool {
        match self.try_line() {
            Ok(line) => line.is_none(),
            Err(error) => {
                !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
            }
        }
    }

    /// Sends a line and takes the next one for its answer.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line()
    }

    /// Sends a line and wants exactly this answer.
    pub(crate) fn expect(&mut self, line: &str, answer: &str) {
        assert_eq!(self.ask(line), answer, "the answer to {}", beginning(line));
    }

    pub(crate) fn log_in(&mut self, name: &str) {
        self.expect(&format!("#login anon {name}"), "@status 0");
    }

    /// The rows of a list.
    pub(crate) fn list(&mut self, line: &str) -> Vec<String> {
        let head = self.ask(line);
        let count = head.rsplit(' ').next().and_then(|n| n.parse().ok());
        let count: usize = count.unwrap_or_else(|| panic!("{line} is answered by {head}"));
        (0..count).map(|_| self.line()).collect()
    }

    /// Asks for many things at once, and wants `@status 0` for each.
    pub(crate) fn expect_done(&mut self, lines: &[String]) {
        for some in lines.chunks(100) {
            self.send(&some.join("\r\n"));
            for line in some {
                assert_eq!(self.line(), "@status 0", "the answer to {line}");
            }
        }
    }
}

/// As much of a line as a person wants to read when a test fails.
fn beginning(line: &str) -> String {
    line.chars().take(120).collect()
}

fn socket() -> rustix::fd::OwnedFd {
    rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("sockets can be made")
}

/// Every file below a directory with its bytes.
pub(crate) fn files_below(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the directory can be read") {
        let path = entry.expect("the directory can be read").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            let bytes = std::fs::read(&path).expect("the file can be read");
            files.push((path, bytes));
        }
    }
    files
}

/// Where `text` stands in `bytes`.
pub(crate) fn position(bytes: &[u8], text: &str) -> Option<usize> {
    memchr::memmem::find(bytes, text.as_bytes())
}

/// A new file with this text.
pub(crate) fn write_file(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file can be written");
}
