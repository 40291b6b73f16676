//! The world outside: the real program in a process of its own, over TCP, with a data directory on disk.
//!
//! That nothing more was said is seen without sleeping: telnet's "are you there" is answered in its turn, in any state
//! of a connection, and its answer must be the next thing that comes. At the end everybody closes one side, and must
//! then read nothing but the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::memory::next_line;
use crate::common::play::World;

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
    running: Option<Running>,
    connections: BTreeMap<String, Connection>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    address: SocketAddr,
}

#[derive(Debug)]
struct Connection {
    socket: TcpStream,
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
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        Self { dir, running: None, connections: BTreeMap::new() }
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
        match self.line(who)? {
            line if line == HERE => Ok(()),
            line => Err(format!("{who} received {line:?} too")),
        }
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

    fn connect(&mut self, who: &str) -> Result<(), String> {
        let address = self.running.as_ref().expect("the server runs").address;
        let socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
        socket.set_nodelay(true).map_err(|error| error.to_string())?;
        let connection = Connection { socket, bytes: Vec::new(), has_ended: false, waits: false };
        self.connections.insert(who.to_owned(), connection);
        Ok(())
    }

    fn settle(&mut self, who: &str) -> Result<(), String> {
        // Who is turned away at once is not answered; then what was said instead is there to be looked at.
        self.ask_whether_there(who)?;
        let line = self.line(who)?;
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

    fn line(&mut self, who: &str) -> Result<String, String> {
        let connection = self.connection(who)?;
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = next_line(&mut connection.bytes)? {
                connection.waits = false;
                return Ok(line);
            }
            if connection.has_ended {
                let rest = connection.bytes.escape_ascii();
                return Err(format!("{who} was closed behind \"{rest}\""));
            }
            if let More::Nothing = connection.read(end)? {
                let rest = connection.bytes.escape_ascii();
                return Err(format!("{who} received nothing but \"{rest}\""));
            }
        }
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
        let connection = self.connection(who)?;
        let end = Instant::now() + PATIENCE;
        while !connection.has_ended {
            if let More::Nothing = connection.read(end)? {
                break;
            }
        }
        if !connection.bytes.is_empty() {
            return Err(format!("{who} received \"{}\"", connection.bytes.escape_ascii()));
        }
        if !connection.has_ended {
            return Err(format!("{who} is not closed"));
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
        let mut asked = self.names();
        asked.retain(|who| !self.connections[who].waits);
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
            let line = self.line(&who)?;
            if !line.starts_with("@mess #warning \"") {
                return Err(format!("{who} received {line:?}, not the warning before the stop"));
            }
            self.end_of(&who)?;
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
        let mut command = Command::new(env!("CARGO_BIN_EXE_mecd"));
        command.env_remove("RUST_LOG").env_remove("STATE_DIRECTORY");
        command.env_remove("CREDENTIALS_DIRECTORY");
        command
            .args(["--listen", "mec=127.0.0.1:0", "--data-dir"])
            .arg(self.dir.path().join("data"));
        for (key, value) in options {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(log.map_err(|error| error.to_string())?);
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("the standard output is piped");
        let read = BufReader::new(stdout).read_line(&mut line);
        let address = line.trim_end().strip_prefix("listening mec ").and_then(|at| at.parse().ok());
        match (read, address) {
            (Ok(_), Some(address)) => {
                self.running = Some(Running { child, address });
                Ok(())
            }
            (read, _) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(format!("the server does not start: {read:?}, {line:?}\n{}", self.log()))
            }
        }
    }

    fn finish(&mut self) -> Result<(), String> {
        for who in self.names() {
            self.half_close(&who)?;
            self.end_of(&who)?;
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

impl Connection {
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
