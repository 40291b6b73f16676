//! Starts servers, each on the processor that servers have, with everything switched off that would slow them down on
//! purpose. What they write goes to a directory that is removed with them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::Process;
use crate::words::Words;

/// The processor that servers run on.
const SERVER_CORE: &str = "0";

/// A program that is measured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// The limit, each line by itself.
    LimitOne,
    /// The limit, what comes in one turn at once.
    LimitGathered,
    /// This project's.
    Mecd,
    /// InspIRCd.
    Inspircd,
    /// ngIRCd.
    Ngircd,
    /// Redis.
    Redis,
    /// NATS.
    Nats,
    /// Mosquitto.
    Mosquitto,
}

impl Kind {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Self; 8] = [
        Self::LimitOne,
        Self::LimitGathered,
        Self::Mecd,
        Self::Inspircd,
        Self::Ngircd,
        Self::Redis,
        Self::Nats,
        Self::Mosquitto,
    ];

    /// As it stands in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LimitOne => "limit, one at a time",
            Self::LimitGathered => "limit, gathered",
            Self::Mecd => "mecd",
            Self::Inspircd => "InspIRCd",
            Self::Ngircd => "ngIRCd",
            Self::Redis => "Redis",
            Self::Nats => "NATS",
            Self::Mosquitto => "Mosquitto",
        }
    }

    /// What it speaks.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::LimitOne | Self::LimitGathered => Words::Raw,
            Self::Mecd => Words::Mec,
            Self::Inspircd | Self::Ngircd => Words::Irc,
            Self::Redis => Words::Redis,
            Self::Nats => Words::Nats,
            Self::Mosquitto => Words::Mqtt,
        }
    }

    /// How many may come at once: ngIRCd lets only ten wait to be accepted, InspIRCd logs people in once a second.
    #[must_use]
    pub fn batch(self) -> usize {
        match self {
            Self::Ngircd => 8,
            Self::Inspircd => 1000,
            Self::LimitOne
            | Self::LimitGathered
            | Self::Mecd
            | Self::Redis
            | Self::Nats
            | Self::Mosquitto => 100,
        }
    }

    /// The program's file, if it is there.
    #[must_use]
    pub fn program(self) -> Option<PathBuf> {
        let name = match self {
            Self::LimitOne | Self::LimitGathered => {
                return std::env::var_os("LIMIT").map(Into::into);
            }
            Self::Mecd => return std::env::var_os("MECD").map(Into::into),
            Self::Inspircd => "inspircd",
            Self::Ngircd => "ngircd",
            Self::Redis => "redis-server",
            Self::Nats => "nats-server",
            Self::Mosquitto => "mosquitto",
        };
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
        folders.map(|folder| Path::new(folder).join(name)).into_iter().find(|path| path.exists())
    }
}

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Which one.
    pub kind: Kind,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took until a connection could be made.
    pub started_in: Duration,
    child: Child,
    dir: PathBuf,
    keep: bool,
}

impl Server {
    /// Starts a server in a directory of its own.
    #[must_use]
    pub fn start(kind: Kind) -> Self {
        let mut server = Self::start_in(kind, &fresh_directory(), &[], &[]);
        server.keep = false;
        server
    }

    /// Starts a server in a directory that stays, under another program if one is named, mecd with more options.
    #[must_use]
    pub fn start_in(kind: Kind, dir: &Path, options: &[&str], under: &[&str]) -> Self {
        let program = kind.program().unwrap_or_else(|| panic!("{} is not there", kind.name()));
        Self::start_program(&program, kind, dir, options, under)
    }

    /// Starts a server of this kind whose program is in another place.
    #[must_use]
    pub fn start_program(
        program: &Path,
        kind: Kind,
        dir: &Path,
        options: &[&str],
        under: &[&str],
    ) -> Self {
        let port = free_port();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        // When we end, however that comes, so does the server.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "taskset", "-c", SERVER_CORE])
            .args(under)
            .arg(program);
        match kind {
            Kind::LimitOne => _ = command.args(["one", &port.to_string()]),
            Kind::LimitGathered => _ = command.args(["gathered", &port.to_string()]),
            Kind::Mecd => mecd(&mut command, dir, port, options),
            Kind::Inspircd => inspircd(&mut command, dir, port),
            Kind::Ngircd => ngircd(&mut command, dir, port),
            Kind::Redis => redis(&mut command, dir, port),
            Kind::Nats => nats(&mut command, dir, port),
            Kind::Mosquitto => mosquitto(&mut command, dir, port),
        }
        let log = fs::File::create(dir.join("stderr")).expect("the directory is ours");
        command.stdin(Stdio::null()).stderr(log);
        command.stdout(if kind == Kind::Mecd { Stdio::piped() } else { Stdio::null() });
        let begun = Instant::now();
        let mut child = command.spawn().expect("util-linux is there");
        if let Some(stdout) = child.stdout.take() {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
            assert!(line.starts_with("listening "), "mecd does not start: see {}", dir.display());
        }
        let mut server = Self {
            kind,
            address,
            started_in: Duration::ZERO,
            child,
            dir: dir.to_owned(),
            keep: true,
        };
        server.wait_until_it_listens();
        server.started_in = begun.elapsed();
        // It may still be busy with that connection.
        std::thread::sleep(Duration::from_millis(100));
        server
    }

    /// What the kernel knows of it.
    #[must_use]
    pub fn process(&self) -> Process {
        Process { pid: self.child.id() }
    }

    /// Nanoseconds on the processor so far, once it has nothing to do.
    #[must_use]
    pub fn cpu_ns(&self) -> u64 {
        std::thread::sleep(Duration::from_millis(20));
        self.process().cpu_ns()
    }

    /// Has it end by itself, and waits for that.
    pub fn stop(mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("it runs");
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{} ended with {status}", self.kind.name());
    }

    fn wait_until_it_listens(&self) {
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.address).is_err() {
            let dir = self.dir.display();
            assert!(Instant::now() < end, "{} does not start: see {dir}", self.kind.name());
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.keep && !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

/// A directory that nobody has yet.
#[must_use]
pub fn fresh_directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("mecd-bench-{}-{number}", std::process::id()));
    fs::create_dir_all(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    dir
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there are free ports");
    listener.local_addr().expect("it is bound").port()
}

fn mecd(command: &mut Command, dir: &Path, port: u16, options: &[&str]) {
    command.arg("--listen").arg(format!("mec=127.0.0.1:{port}"));
    command.arg("--data-dir").arg(dir.join("data"));
    let free = [
        "limits.connections=19000",
        "limits.connections_per_address=0",
        "limits.lines_per_second=0",
        "limits.login_seconds=86400",
    ];
    for option in free.iter().chain(options) {
        command.args(["--set", option]);
    }
}

fn inspircd(command: &mut Command, dir: &Path, port: u16) {
    let config = format!(
        r#"<server name="irc.example.org" description="x" network="x" id="001">
<admin name="x" nick="x" email="x@example.org">
<bind address="127.0.0.1" port="{port}" type="clients">
<connect allow="*" timeout="600" pingfreq="1h" softsendq="100M" hardsendq="100M" recvq="1M" threshold="1000000"
 commandrate="1000000" fakelag="no" localmax="20000" globalmax="20000" maxchans="100" resolvehostnames="no"
 useconnectban="no" maxconnwarn="no" limit="20000">
<performance softlimit="20000" somaxconn="1024" clonesonconnect="no">
<options defaultmodes="">
<log method="file" type="*" level="none" target="{}">
<pid file="{}">
"#,
        dir.join("log").display(),
        dir.join("pid").display()
    );
    let path = dir.join("inspircd.conf");
    fs::write(&path, config).expect("the directory is ours");
    command.args(["--runasroot", "--nofork", "--nolog", "--nopid", "--config"]).arg(path);
}

fn ngircd(command: &mut Command, dir: &Path, port: u16) {
    let config = format!(
        "[Global]\nName = irc.example.org\nInfo = x\nListen = 127.0.0.1\nPorts = {port}\nServerUID = root\n\
         ServerGID = root\nMotdFile = /nowhere\n[Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\n\
         MaxPenaltyTime = 0\nPingTimeout = 3600\nPongTimeout = 3600\nMaxListSize = 0\n[Options]\nDNS = no\n\
         Ident = no\nPAM = no\nNoticeBeforeRegistration = no\n"
    );
    let path = dir.join("ngircd.conf");
    fs::write(&path, config).expect("the directory is ours");
    command.args(["--nodaemon", "--config"]).arg(path);
}

fn redis(command: &mut Command, dir: &Path, port: u16) {
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.args(["--appendonly", "no", "--maxclients", "19000", "--tcp-backlog", "1024"]);
    command.args(["--client-output-buffer-limit", "pubsub 0 0 0", "--protected-mode", "no"]);
    command.arg("--dir").arg(dir);
}

fn nats(command: &mut Command, dir: &Path, port: u16) {
    let config = format!(
        "listen: \"127.0.0.1:{port}\"\nmax_connections: 20000\nmax_pending: 1073741824\nping_interval: \"3600s\"\n\
         write_deadline: \"60s\"\n"
    );
    let path = dir.join("nats.conf");
    fs::write(&path, config).expect("the directory is ours");
    command.arg("-c").arg(path);
}

fn mosquitto(command: &mut Command, dir: &Path, port: u16) {
    let config = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n\
         max_inflight_messages 0\nset_tcp_nodelay true\nlog_type none\nuser root\nmax_connections -1\n"
    );
    let path = dir.join("mosquitto.conf");
    fs::write(&path, config).expect("the directory is ours");
    command.arg("-c").arg(path);
}
