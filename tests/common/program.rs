//! The world outside: the real program in a process of its own, over TCP, with a data directory on disk.
//!
//! That nothing more was said is seen without sleeping: telnet's "are you there" is answered in its turn, in any state
//! of a connection, and its answer must be the next thing that comes. Other dialects have no such question; there a
//! visitor of our own asks it, twice, and what was sent before has been answered by then. The visitor needs a place:
//! who fills the server with others than MEC users does so in memory only. At the end everybody closes one side, and
//! must then read nothing but the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::framing::Speech;
use crate::common::play::World;
use crate::common::runner;

/// How long an answer is waited for. Long, because the machine may have other things to do.
const PATIENCE: Duration = Duration::from_secs(20);

/// A glance, to see that something is not there.
const GLANCE: Duration = Duration::from_millis(50);

const ARE_YOU_THERE: &[u8] = b"\xff\xf6";
const HERE: &str = "@mess #notice \"I am here.\"";

/// A server and those who are connected to it.
#[derive(Debug)]
pub(crate) struct Program {
    dir: TempDir,
    /// Words of the dialects that are listened for.
    dialects: BTreeSet<&'static str>,
    /// Kilobytes of address space that it may have, if it may not have any number.
    address_space: Option<u32>,
    running: Option<Running>,
    connections: BTreeMap<String, Connection>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Where each dialect is spoken.
    addresses: BTreeMap<String, SocketAddr>,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
    speech: Speech,
    /// What came and was not looked at yet.
    bytes: Vec<u8>,
    has_ended: bool,
    /// Its last request is known to be unanswered, so that it cannot be asked anything else.
    waits: bool,
}

/// What came of reading once more.
enum More {
    Bytes,
    End,
    Nothing,
}

impl Program {
    /// A program that will speak MEC and what else is to be spoken.
    pub(crate) fn new(speeches: &BTreeSet<Speech>) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let mut dialects: BTreeSet<_> = speeches.iter().map(|speech| speech.word()).collect();
        dialects.insert(Speech::Mec.word());
        let connections = BTreeMap::new();
        Self { dir, dialects, address_space: None, running: None, connections }
    }

    /// One that has no more kilobytes than this, whatever for.
    pub(crate) fn within(mut self, kilobytes: u32) -> Self {
        self.address_space = Some(kilobytes);
        self
    }

    fn command(&self) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_mecd"));
        let Some(kilobytes) = self.address_space else { return runner::command(program) };
        let script = format!("ulimit -v {kilobytes}; exec \"$@\"");
        runner::behind(&["sh", "-c", &script, "sh"], program)
    }

    fn connection(&mut self, who: &str) -> Result<&mut Connection, String> {
        self.connections.get_mut(who).ok_or_else(|| format!("{who} is not connected"))
    }

    fn names(&self) -> Vec<String> {
        self.connections.keys().cloned().collect()
    }

    fn ask_whether_there(&mut self, who: &str) -> Result<(), String> {
        if self.connection(who)?.has_ended {
            return Err(format!("{who} was closed"));
        }
        self.send(who, ARE_YOU_THERE)
    }

    fn hear_that_there(&mut self, who: &str) -> Result<(), String> {
        match self.unit(who)? {
            line if line == HERE => Ok(()),
            line => Err(format!("{who} received {line:?} too")),
        }
    }

    fn dial(&self, speech: Speech) -> Result<Connection, String> {
        let addresses = &self.running.as_ref().expect("the server runs").addresses;
        let address = addresses.get(speech.word()).ok_or("nobody listens for that dialect")?;
        let socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Connection { socket, speech, bytes: Vec::new(), has_ended: false, waits: false })
    }

    /// Returns when the server has answered what everybody has sent so far. It takes what is there before a question in
    /// the turn of that question at the latest, and a second question in a later turn. The visitor is gone by then.
    fn let_answer(&self) -> Result<(), String> {
        let mut visitor = self.dial(Speech::Mec)?;
        for _ in 0..2 {
            visitor.socket.write_all(ARE_YOU_THERE).map_err(|error| error.to_string())?;
            match visitor.unit()? {
                line if line == HERE => {}
                line => return Err(format!("a visitor received {line:?}")),
            }
        }
        visitor.socket.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
        match visitor.rest()? {
            rest if rest.is_empty() => Ok(()),
            rest => Err(format!("a visitor received \"{}\" too", rest.escape_ascii())),
        }
    }

    /// Whether anybody is there who cannot be asked.
    fn has_others(&self) -> bool {
        self.connections.values().any(|connection| connection.speech != Speech::Mec)
    }

    /// Sees that somebody is closed when all is over. In other dialects than MEC one hears how the others leave.
    fn last_of(&mut self, who: &str) -> Result<(), String> {
        let connection = self.connection(who)?;
        if connection.speech == Speech::Mec {
            return self.end_of(who);
        }
        connection.rest().map_err(|why| format!("{who}: {why}"))?;
        self.connections.remove(who);
        Ok(())
    }

    fn terminate(&mut self) -> Result<(), String> {
        let running = self.running.as_mut().expect("the server runs");
        let pid = Pid::from_child(&running.child);
        kill_process(pid, Signal::TERM).map_err(|error| error.to_string())
    }

    fn wait_for_exit(&mut self) -> Result<(), String> {
        let mut running = self.running.take().expect("the server runs");
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            match running.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("the server ended with {status}")),
                Ok(None) => std::thread::sleep(Duration::from_millis(2)),
                Err(error) => return Err(error.to_string()),
            }
        }
        self.running = Some(running);
        Err("the server does not stop".to_owned())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            // It may have ended by itself.
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }
}

impl World for Program {
    fn is_connected(&self, who: &str) -> bool {
        self.connections.contains_key(who)
    }

    fn connect(&mut self, who: &str, speech: Speech) -> Result<(), String> {
        let connection = self.dial(speech)?;
        self.connections.insert(who.to_owned(), connection);
        Ok(())
    }

    fn settle(&mut self, who: &str) -> Result<(), String> {
        if self.connection(who)?.speech != Speech::Mec {
            return self.let_answer();
        }
        // Who is turned away at once is not answered; then what was said instead is there to be looked at.
        self.ask_whether_there(who)?;
        let line = self.unit(who)?;
        if line != HERE {
            let connection = self.connection(who)?;
            connection.bytes.splice(0..0, format!("{line}\r\n").into_bytes());
        }
        Ok(())
    }

    fn send(&mut self, who: &str, bytes: &[u8]) -> Result<(), String> {
        let connection = self.connection(who)?;
        connection.socket.write_all(bytes).map_err(|error| format!("{who} cannot send: {error}"))
    }

    fn unit(&mut self, who: &str) -> Result<String, String> {
        self.connection(who)?.unit().map_err(|why| format!("{who} {why}"))
    }

    fn bytes(&mut self, who: &str, count: usize) -> Result<Vec<u8>, String> {
        let connection = self.connection(who)?;
        let end = Instant::now() + PATIENCE;
        while connection.bytes.len() < count {
            match connection.read(end)? {
                More::Bytes => {}
                More::End | More::Nothing => {
                    let came = connection.bytes.escape_ascii();
                    return Err(format!("{who} received only \"{came}\""));
                }
            }
        }
        Ok(connection.bytes.drain(..count).collect())
    }

    fn half_close(&mut self, who: &str) -> Result<(), String> {
        let connection = self.connection(who)?;
        connection.socket.shutdown(Shutdown::Write).map_err(|error| error.to_string())
    }

    fn end_of(&mut self, who: &str) -> Result<(), String> {
        let rest = self.connection(who)?.rest().map_err(|why| format!("{who}: {why}"))?;
        if !rest.is_empty() {
            return Err(format!("{who} received \"{}\"", rest.escape_ascii()));
        }
        self.connections.remove(who);
        Ok(())
    }

    fn is_waiting(&mut self, who: &str) -> Result<(), String> {
        let connection = self.connection(who)?;
        connection.waits = true;
        match connection.read(Instant::now() + GLANCE)? {
            More::Nothing if connection.bytes.is_empty() => Ok(()),
            More::Nothing | More::Bytes | More::End => {
                Err(format!("{who} received \"{}\" already", connection.bytes.escape_ascii()))
            }
        }
    }

    fn quiet(&mut self) -> Result<(), String> {
        if self.has_others() {
            self.let_answer()?;
            for (who, connection) in &mut self.connections {
                connection.nothing().map_err(|why| format!("{who} {why}"))?;
            }
        }
        let mut asked = self.names();
        asked.retain(|who| {
            let connection = &self.connections[who];
            connection.speech == Speech::Mec && !connection.waits
        });
        for who in &asked {
            self.ask_whether_there(who)?;
        }
        for who in &asked {
            self.hear_that_there(who)?;
        }
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        std::thread::sleep(time);
        Ok(())
    }

    fn stop(&mut self) -> Result<(), String> {
        self.terminate()?;
        for who in self.names() {
            if self.connection(&who)?.speech == Speech::Mec {
                let line = self.unit(&who)?;
                if !line.starts_with("@mess #warning \"") {
                    return Err(format!(
                        "{who} received {line:?}, not the warning before the stop"
                    ));
                }
            }
            self.last_of(&who)?;
        }
        self.wait_for_exit()
    }

    fn kill(&mut self) -> Result<(), String> {
        let mut running = self.running.take().expect("the server runs");
        running.child.kill().map_err(|error| error.to_string())?;
        running.child.wait().map_err(|error| error.to_string())?;
        self.connections.clear();
        Ok(())
    }

    fn start(&mut self, options: &[(String, String)]) -> Result<(), String> {
        let log = File::options().create(true).append(true).open(self.dir.path().join("stderr"));
        let mut command = self.command();
        for name in ["RUST_LOG", "STATE_DIRECTORY", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        command.env_remove("CREDENTIALS_DIRECTORY");
        for dialect in &self.dialects {
            command.arg("--listen").arg(format!("{dialect}=127.0.0.1:0"));
        }
        command.arg("--data-dir").arg(self.dir.path().join("data"));
        for (key, value) in options {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(log.map_err(|error| error.to_string())?);
        let mut child = runner::spawn(&mut command).map_err(|error| error.to_string())?;
        let stdout = child.stdout.take().expect("the standard output is piped");
        match addresses(stdout, self.dialects.len()) {
            Ok(addresses) => {
                self.running = Some(Running { child, addresses });
                Ok(())
            }
            Err(said) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("the server does not start: {said}\n{}", self.log()))
            }
        }
    }

    fn finish(&mut self) -> Result<(), String> {
        if self.has_others() {
            self.quiet()?;
        }
        for who in self.names() {
            self.half_close(&who)?;
            self.last_of(&who)?;
        }
        self.terminate()?;
        self.wait_for_exit()?;
        match self.log().lines().find(|line| line.contains("ERROR") || line.contains("panicked")) {
            Some(line) => Err(format!("the server has logged {line:?}")),
            None => Ok(()),
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("stderr")).unwrap_or_default()
    }

    fn slack(&self) -> u64 {
        5
    }
}

/// Where the program says it listens, a line for each of `count` dialects.
fn addresses(stdout: impl Read, count: usize) -> Result<BTreeMap<String, SocketAddr>, String> {
    let mut addresses = BTreeMap::new();
    for line in BufReader::new(stdout).lines().take(count) {
        let line = line.map_err(|error| error.to_string())?;
        let listening = line.strip_prefix("listening ").and_then(|rest| rest.split_once(' '));
        let (dialect, address) = listening.ok_or_else(|| line.clone())?;
        let address = address.parse().map_err(|_| line.clone())?;
        addresses.insert(dialect.to_owned(), address);
    }
    if addresses.len() == count { Ok(addresses) } else { Err(format!("only {addresses:?}")) }
}

impl Connection {
    /// What comes next, and is whole.
    fn unit(&mut self) -> Result<String, String> {
        let end = Instant::now() + PATIENCE;
        if self.speech == Speech::CrimpBare && self.bytes.is_empty() {
            self.read(end)?;
            // What is not ended is over when nothing follows.
            while let More::Bytes = self.read(Instant::now() + GLANCE)? {}
        }
        loop {
            if let Some(unit) = self.speech.take(&mut self.bytes)? {
                self.waits = false;
                return Ok(unit);
            }
            if self.has_ended {
                return Err(format!("was closed behind \"{}\"", self.bytes.escape_ascii()));
            }
            if let More::Nothing = self.read(end)? {
                return Err(format!("received nothing but \"{}\"", self.bytes.escape_ascii()));
            }
        }
    }

    /// Sees that nothing came that was not looked at.
    fn nothing(&mut self) -> Result<(), String> {
        if self.speech == Speech::Mec {
            return Ok(());
        }
        match self.read(Instant::now())? {
            _ if !self.bytes.is_empty() => {
                Err(format!("received \"{}\" too", self.bytes.escape_ascii()))
            }
            More::End => Err("was closed".to_owned()),
            More::Bytes | More::Nothing => Ok(()),
        }
    }

    /// Everything up to the end.
    fn rest(&mut self) -> Result<Vec<u8>, String> {
        let end = Instant::now() + PATIENCE;
        while !self.has_ended {
            if let More::Nothing = self.read(end)? {
                let came = self.bytes.escape_ascii();
                return Err(format!("not closed, but received \"{came}\""));
            }
        }
        Ok(std::mem::take(&mut self.bytes))
    }

    /// Reads what has come, waiting for it until `end`.
    fn read(&mut self, end: Instant) -> Result<More, String> {
        let mut buffer = [0; 4096];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let left = left.max(Duration::from_millis(1));
            self.socket.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
            return match self.socket.read(&mut buffer) {
                Ok(0) => {
                    self.has_ended = true;
                    Ok(More::End)
                }
                Ok(count) => {
                    self.bytes.extend(&buffer[..count]);
                    Ok(More::Bytes)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    Ok(More::Nothing)
                }
                Err(error) => Err(format!("the connection broke: {error}")),
            };
        }
    }
}
