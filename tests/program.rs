//! The program as an administrator and its clients meet it: command line, logs, signals, limits and slow readers, each
//! test with a server of its own (spec `program.md`, `mec.md` 1 and 5).

mod program_support;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use program_support::runner::left_out;
use program_support::{Client, Ended, LOOK_AGAIN, Server, Start, files_below, position, temporary};
use program_support::{wait_until, write_file};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use rustix::process::Signal;

const DONE: &str = "@status 0";
const FULL: &str = "@status -2";

fn is_warning(line: &str) -> bool {
    line.starts_with("@mess #warning \"") && line.ends_with('"')
}

/// Reads on until the connection ends, and wants a warning as the last word.
fn assert_warned_and_closed(client: Client) {
    let lines = client.rest();
    assert!(lines.last().is_some_and(|line| is_warning(line)), "{lines:?}");
}

/// A port of this address that nobody has, and that nobody gets who asks the system for any port: it is below those.
/// Runs of these tests that go on side by side, as those for several processors do, look in different places.
fn free_port_on(address: &str) -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let address: IpAddr = address.parse().expect("it is an address");
    let first = 10_000 + (std::process::id() % 500) as u16 * 40;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return SocketAddr::new(address, port);
        }
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("it is there").permissions().mode() & 0o7777
}

// The command line.

/// A server without any arguments; nothing, a moment later, if another one has its port, as a run of these tests side
/// by side with this one may.
fn serve_on_port_6500(dir: &Path) -> Option<Server> {
    let is_free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 6500)).is_ok()
        && TcpListener::bind((Ipv6Addr::UNSPECIFIED, 6500)).is_ok();
    if is_free {
        match Start::bare(dir).listeners(2).try_serve() {
            Ok(server) => return Some(server),
            Err(ended) => assert!(ended.err.contains("6500"), "{ended:?}"),
        }
    }
    std::thread::sleep(LOOK_AGAIN);
    None
}

#[test]
fn with_no_arguments_it_serves_mec_on_port_6500_and_makes_its_data_directory() {
    let dir = temporary();
    let Some(server) = (0..1000).find_map(|_| serve_on_port_6500(dir.path())) else {
        left_out("port 6500 is in use, or there is no IPv6");
        return;
    };
    let mut client = Client::connect((Ipv4Addr::LOCALHOST, 6500).into());
    client.log_in("amy");
    let mut client = Client::connect((Ipv6Addr::LOCALHOST, 6500).into());
    client.log_in("bob");
    assert!(dir.path().join("mecd-data/key").is_file());
    let ended = server.stop();
    assert_eq!(ended.out, "listening mec 0.0.0.0:6500\nlistening mec [::]:6500\n");
}

#[test]
fn each_listener_is_a_line_on_standard_output_and_nothing_else_is() {
    let dir = temporary();
    let start = Start::with_data(dir.path()).args(["--listen", "mec=127.0.0.1:0"]).args(["-v"]);
    let server = start.args(["--listen", "mec=127.0.0.2:0"]).listeners(2).serve();
    let addresses = server.addresses.clone();
    for &address in &addresses {
        assert_ne!(address.port(), 0, "the port that was really taken is named");
        Client::connect(address).log_in(&format!("user{}", address.port()));
    }
    assert_eq!(addresses[0].ip(), Ipv4Addr::new(127, 0, 0, 1));
    assert_eq!(addresses[1].ip(), Ipv4Addr::new(127, 0, 0, 2));
    let ended = server.stop();
    let lines = addresses.iter().map(|address| format!("listening mec {address}\n"));
    assert_eq!(ended.out, lines.collect::<String>());
    assert!(ended.err.contains("connected"), "the log is on standard error: {}", ended.err);
}

#[test]
fn listen_on_the_command_line_replaces_what_the_file_says() {
    let dir = temporary();
    let configured = free_port_on("127.0.0.3");
    let file = dir.path().join("mecd.toml");
    write_file(&file, &format!("[listen]\nmec = \"{configured}\"\n"));
    let server = Start::in_dir(dir.path()).args(["--config", "mecd.toml"]).serve();
    assert!(TcpStream::connect(configured).is_err(), "nobody listens on {configured}");
    let ended = server.stop();
    assert_eq!(ended.out.lines().count(), 1, "{}", ended.out);
}

#[test]
fn quiet_logs_no_ordinary_event_and_verbose_logs_more() {
    let dir = temporary();
    let log = |start: Start| {
        let server = start.serve();
        server.user("amy").ask("#quit");
        server.stop().err
    };
    assert_eq!(log(Start::in_dir(dir.path()).args(["-q"])), "");
    let normal = log(Start::in_dir(dir.path()));
    assert!(!normal.is_empty() && !normal.contains("connected"), "{normal}");
    let verbose = log(Start::in_dir(dir.path()).args(["-v"]));
    assert!(verbose.contains("connected"), "{verbose}");
}

#[test]
fn rust_log_decides_what_is_logged_whatever_the_command_line_says() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).args(["-v"]).env("RUST_LOG", "off").serve();
    server.user("amy");
    assert_eq!(server.stop().err, "");
    let server = Start::in_dir(dir.path()).args(["-q"]).env("RUST_LOG", "debug").serve();
    server.user("amy");
    server.wait_for_log("connected");
}

#[test]
fn a_wrong_password_is_logged_in_the_words_that_the_fail2ban_filter_wants() {
    let filter = include_str!("../config/mecd.fail2ban.filter");
    let regex = filter.lines().find_map(|line| line.strip_prefix("failregex = ")).unwrap();
    let words = regex.rsplit(r"WARN\s*\] ").next().unwrap();
    assert_eq!(words, "wrong password from <ADDR>$");
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let mut amy = server.user("amy");
    amy.expect("#createlogin bob secret Bob bob@example.org", DONE);
    amy.expect("#login regd bob guessed", "@status 3002");
    let log = server.stop().err;
    let lines = log.lines().filter(|line| line.ends_with("WARN ] wrong password from 127.0.0.1"));
    assert_eq!(lines.count(), 1, "{log}");
}

#[test]
fn a_log_line_about_a_connection_names_its_peer() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).args(["-v"]).serve();
    let client = server.client();
    let peer = client.socket().local_addr().expect("it is connected");
    server.wait_for_log(&peer.to_string());
}

#[test]
fn version_and_help_go_to_standard_output() {
    let dir = temporary();
    let version = Start::bare(dir.path()).args(["--version"]).run();
    assert_eq!(version.status.code(), Some(0), "{version:?}");
    assert_eq!(version.out, format!("mecd {}\n", env!("CARGO_PKG_VERSION")));
    let help = Start::bare(dir.path()).args(["--help"]).run();
    assert_eq!(help.status.code(), Some(0), "{help:?}");
    for option in ["--config", "--data-dir", "--listen", "--set"] {
        assert!(help.out.contains(option), "{}", help.out);
    }
    assert!(version.err.is_empty() && help.err.is_empty());
}

#[test]
fn a_wrong_command_line_is_exit_status_2_and_serves_nothing() {
    let dir = temporary();
    let wrong: [&[&str]; 7] = [
        &["--bogus"],
        &["frobnicate"],
        &["--listen", "mec"],
        &["--listen", "nosuch=127.0.0.1:0"],
        &["--set", "limits.rooms"],
        &["--data-dir"],
        &["-v", "-q"],
    ];
    for args in wrong {
        let start = args.iter().fold(Start::bare(dir.path()), |start, arg| start.args([*arg]));
        let ended = start.run();
        assert_eq!(ended.status.code(), Some(2), "{args:?}: {ended:?}");
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{args:?}: {ended:?}");
    }
    assert!(files_below(dir.path()).is_empty(), "and nothing was made");
}

#[test]
fn bad_options_are_exit_status_1_with_every_fault_named() {
    let dir = temporary();
    write_file(
        &dir.path().join("mecd.toml"),
        "[limits]\nrooms = \"many\"\n\n[server]\nnosuch = 1\n",
    );
    let start = Start::in_dir(dir.path()).args(["--config", "mecd.toml"]);
    let ended = start.set("limits.groups=-1").set("no.such=1").run();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    for fault in
        ["mecd.toml:2", "limits.rooms", "mecd.toml:5", "nosuch", "limits.groups", "no.such"]
    {
        assert!(ended.err.contains(fault), "{fault} is not named: {}", ended.err);
    }
    assert!(!dir.path().join("data").exists(), "and nothing was made");
}

#[test]
fn a_port_in_use_is_exit_status_1_and_named() {
    let dir = temporary();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = taken.local_addr().expect("it is bound");
    let listen = format!("mec={address}");
    let ended = Start::with_data(dir.path()).args(["--listen", &listen]).run();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.err.contains(&address.to_string()), "{}", ended.err);
    assert_eq!(ended.out, "");
}

/// How a server without any arguments ends while another program has the port of IPv6 alone; nothing, a moment later, if
/// the one of IPv4 is in use too.
fn end_without_port_6500_of_ipv6(dir: &Path) -> Option<Ended> {
    let taken = TcpListener::bind((Ipv6Addr::LOCALHOST, 6500));
    if taken.is_ok() && TcpListener::bind((Ipv4Addr::UNSPECIFIED, 6500)).is_ok() {
        let ended = Start::bare(dir).listeners(2).try_serve().err().expect("a port is in use");
        if !ended.err.contains("0.0.0.0:6500") {
            return Some(ended);
        }
    }
    std::thread::sleep(LOOK_AGAIN);
    None
}

#[test]
fn the_built_in_port_in_use_for_ipv6_alone_is_exit_status_1_and_named() {
    let dir = temporary();
    let Some(ended) = (0..1000).find_map(|_| end_without_port_6500_of_ipv6(dir.path())) else {
        left_out("port 6500 is in use, or there is no IPv6");
        return;
    };
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.err.contains("[::]:6500"), "{}", ended.err);
    assert_eq!(ended.out, "");
}

#[test]
fn a_second_server_on_a_data_directory_is_exit_status_1_and_the_first_goes_on() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let ended = Start::in_dir(dir.path()).run();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.err.contains("data"), "it names the directory: {}", ended.err);
    server.user("amy");
    server.stop();
    Start::in_dir(dir.path()).serve().stop();
}

#[test]
fn a_wrong_key_is_exit_status_1_and_changes_nothing() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    server.user("amy").expect("#createlogin amy secret Amy amy@example.org", "@status 0");
    server.stop();
    let key = dir.path().join("data/key");
    let right = std::fs::read_to_string(&key).expect("the key is there");
    write_file(&key, "00112233445566778899aabbccddeeff\n");
    let before = files_below(&dir.path().join("data"));
    let ended = Start::in_dir(dir.path()).run();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.err.contains("key"), "{}", ended.err);
    assert!(ended.err.contains(".log"), "it names the file: {}", ended.err);
    assert_eq!(files_below(&dir.path().join("data")), before);
    write_file(&key, &right);
    let server = Start::in_dir(dir.path()).serve();
    server.client().expect("#login regd amy secret", DONE);
}

// Signals.

#[test]
fn sigterm_and_sigint_warn_users_keep_everything_and_end_with_0_within_five_seconds() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = temporary();
        let server = Start::in_dir(dir.path()).serve();
        let mut amy = server.user("amy");
        amy.expect("#createlogin ann secret Ann ann@example.org", DONE);
        amy.expect("#createroom attic", DONE);
        let begun = Instant::now();
        server.signal(signal);
        assert_warned_and_closed(amy);
        let ended = server.ended();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        let server = Start::in_dir(dir.path()).serve();
        let mut ann = server.client();
        ann.expect("#login regd ann secret", DONE);
        assert!(ann.list("#listrooms")[1].starts_with("attic amy "));
    }
}

/// A server that has yet to open its data: it waits for its key, which is to come from a pipe.
fn begin_without_key(dir: &Path, start: Start) -> Server {
    mknodat(CWD, dir.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
        .expect("a pipe can be made");
    let server = start.set("storage.key_file=pipe").begin();
    wait_until("it comes to its data", || dir.join("data").is_dir());
    server
}

/// Gives a server the key for which it waits.
fn give_key(dir: &Path) {
    let mut options = OpenOptions::new();
    // Without waiting for a reader: there will be none if the server has ended.
    options.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let mut pipe: Option<File> = None;
    wait_until("it reads the key", || {
        pipe = options.open(dir.join("pipe")).ok();
        pipe.is_some()
    });
    pipe.expect("it is open").write_all(&[b'7'; 32]).expect("the key is read");
}

#[test]
fn sigterm_and_sigint_before_it_listens_end_it_with_0_as_soon_as_it_does() {
    for signal in [Signal::TERM, Signal::INT] {
        let dir = temporary();
        let server = begin_without_key(dir.path(), Start::in_dir(dir.path()));
        server.signal(signal);
        give_key(dir.path());
        let ended = server.ended();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
        assert!(ended.err.contains("stopped"), "in good order: {ended:?}");
    }
}

#[test]
fn sighup_before_it_listens_is_taken_when_it_does() {
    let dir = temporary();
    let file = dir.path().join("mecd.toml");
    write_file(&file, "[limits]\nrooms = 0\n");
    let start = Start::in_dir(dir.path()).args(["--config", "mecd.toml"]);
    let server = begin_without_key(dir.path(), start);
    write_file(&file, "[limits]\ngroops = 1\n");
    server.signal(Signal::HUP);
    give_key(dir.path());
    server.wait_for_log("groops");
    assert_eq!(server.stop().out.lines().count(), 1, "it came up, and listened");
}

#[test]
fn a_client_that_does_not_read_holds_up_the_end_for_less_than_five_seconds() {
    let dir = temporary();
    let server =
        Start::in_dir(dir.path()).unhurried().set("limits.send_queue_bytes=67108864").serve();
    let mut stalled = Client::connect_narrow(server.address());
    stalled.log_in("stalled");
    let mut amy = server.user("amy");
    let line = format!("#broadcast {}\r\n", "x".repeat(950));
    // More than the kernel takes for a client with so small a buffer.
    for _ in 0..120 {
        amy.send_bytes(line.repeat(50).as_bytes());
        (0..50).for_each(|_| assert!(amy.line().starts_with("@mess #broadcast amy ")));
    }
    let begun = Instant::now();
    server.signal(Signal::TERM);
    assert_warned_and_closed(amy);
    let ended = server.ended();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
    drop(stalled);
}

#[test]
fn nobody_reading_what_it_says_does_not_end_it() {
    let dir = temporary();
    let address = free_port_on("127.0.0.6");
    let mec = format!("mec={address}");
    // Both outputs go into a pipe that nobody reads from.
    let script = "mkfifo deaf; exec 3<>deaf; exec 4>deaf; exec 3>&-; exec \"$@\" >&4 2>&4 4>&-";
    let start = Start::script(script, dir.path());
    let server = start.args(["-v", "--data-dir", "data", "--listen", &mec]).begin();
    wait_until("it listens", || TcpStream::connect(address).is_ok());
    let mut amy = Client::connect(address);
    amy.log_in("amy");
    server.signal(Signal::PIPE);
    server.signal(Signal::HUP);
    amy.expect("#createroom den", DONE);
    server.stop();
}

#[test]
fn sighup_takes_a_changed_option_and_disconnects_nobody() {
    let dir = temporary();
    let file = dir.path().join("mecd.toml");
    let write = |rooms: &str| {
        write_file(&file, &format!("[listen]\nmec = \"127.0.0.1:0\"\n[limits]\nrooms = {rooms}\n"));
    };
    write("1");
    let server = Start::with_data(dir.path()).args(["--config", "mecd.toml"]).serve();
    let mut amy = server.user("amy");
    amy.expect("#createroom one", DONE);
    amy.expect("#createroom two", FULL);
    write("2");
    server.signal(Signal::HUP);
    wait_until("two rooms are allowed", || amy.ask("#createroom two") == DONE);
    amy.expect("#createroom three", FULL);
    server.user("bob").expect("#whoami", "@ret #whoami bob Home 2 - 0");
}

#[test]
fn sighup_sets_the_time_of_the_rooms_that_are_there_already() {
    let dir = temporary();
    let write = |seconds: u64| {
        let text = format!("[rooms]\nexpire_seconds_other = {seconds}\n");
        write_file(&dir.path().join("mecd.toml"), &text);
    };
    write(0);
    let start = Start::in_dir(dir.path()).args(["--listen", "crimp=127.0.0.1:0"]).listeners(2);
    let server = start.args(["--config", "mecd.toml"]).serve();
    let mut cat = Client::connect(server.address_of("crimp"));
    cat.expect("cat CTRM den", "OK_CTRM");
    std::thread::sleep(Duration::from_millis(1500));
    cat.expect("cat LSRM", "Home, den");
    write(1);
    server.signal(Signal::HUP);
    wait_until("the room is over", || cat.ask("cat LSRM") == "Home");
}

#[test]
fn sighup_with_a_faulty_file_changes_nothing_and_says_why() {
    let dir = temporary();
    let file = dir.path().join("mecd.toml");
    let write = |listen: &str, more: &str| {
        write_file(&file, &format!("[listen]\nmec = [{listen}]\n[limits]\n{more}\n"));
    };
    let own = "\"127.0.0.1:0\"";
    write(own, "rooms = 1");
    let server = Start::with_data(dir.path()).args(["--config", "mecd.toml"]).serve();
    let mut amy = server.user("amy");
    amy.expect("#createroom one", DONE);

    write(own, "rooms = 2\ngroops = 1");
    server.signal(Signal::HUP);
    server.wait_for_log("groops");
    amy.expect("#createroom two", FULL);

    // An address that cannot be had is a fault like any other.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = taken.local_addr().expect("it is bound");
    let free = free_port_on("127.0.0.2");
    write(&format!("\"{free}\", \"{address}\""), "rooms = 2");
    server.signal(Signal::HUP);
    server.wait_for_log(&address.to_string());
    amy.expect("#createroom two", FULL);
    assert!(TcpStream::connect(free).is_err(), "nobody listens on {free}");
    server.user("bob");
}

#[test]
fn sighup_opens_and_closes_listeners_and_leaves_the_others_open() {
    let dir = temporary();
    let file = dir.path().join("mecd.toml");
    let write = |listen: &str| write_file(&file, &format!("[listen]\nmec = [{listen}]\n"));
    write("\"127.0.0.1:0\", \"127.0.0.4:0\"");
    let start = Start::with_data(dir.path()).args(["--config", "mecd.toml"]);
    let server = start.listeners(2).serve();
    let (stays, goes, comes) =
        (server.addresses[0], server.addresses[1], free_port_on("127.0.0.2"));
    let mut amy = Client::connect(goes);
    amy.log_in("amy");
    write(&format!("\"127.0.0.1:0\", \"{comes}\""));
    server.signal(Signal::HUP);
    wait_until("the new listener opens", || TcpStream::connect(comes).is_ok());
    wait_until("the old listener closes", || TcpStream::connect(goes).is_err());
    Client::connect(comes).log_in("bob");
    Client::connect(stays).log_in("cid");
    amy.expect("#listrooms", "@ret #listrooms 1");
    assert!(amy.line().starts_with("Home - "), "who came over the closed listener stays");
}

#[test]
fn sighup_moves_a_listener_to_another_address_of_the_same_port() {
    let dir = temporary();
    let file = dir.path().join("mecd.toml");
    let write = |listen: &str| write_file(&file, &format!("[listen]\nmec = \"{listen}\"\n"));
    let port = free_port_on("127.0.0.5").port();
    write(&format!("0.0.0.0:{port}"));
    let server = Start::with_data(dir.path()).args(["--config", "mecd.toml"]).serve();
    let mut amy = Client::connect(([127, 0, 0, 1], port).into());
    amy.log_in("amy");
    write(&format!("127.0.0.5:{port}"));
    server.signal(Signal::HUP);
    wait_until("the old address is closed", || TcpStream::connect(("127.0.0.1", port)).is_err());
    let mut bob = Client::connect(([127, 0, 0, 5], port).into());
    bob.log_in("bob");
    amy.expect("#whoami", "@ret #whoami amy Home 2 - 0");
}

#[test]
fn sighup_opens_again_what_it_closed_to_make_room_in_vain() {
    let dir = temporary();
    let file = dir.path().join("mecd.toml");
    let write = |listen: &str| write_file(&file, &format!("[listen]\nmec = [{listen}]\n"));
    let stays = free_port_on("127.0.0.7");
    write(&format!("\"{stays}\""));
    let server = Start::with_data(dir.path()).args(["--config", "mecd.toml"]).serve();
    let mut amy = server.user("amy");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = taken.local_addr().expect("it is bound");
    write(&format!("\"0.0.0.0:{}\", \"{address}\"", stays.port()));
    server.signal(Signal::HUP);
    server.wait_for_log("the configuration is not changed");
    wait_until("it listens again", || TcpStream::connect(stays).is_ok());
    let elsewhere = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), stays.port());
    assert!(TcpStream::connect(elsewhere).is_err(), "nobody listens on {elsewhere}");
    let _bob = server.user("bob");
    amy.expect("#whoami", "@ret #whoami amy Home 2 - 0");
}

#[test]
fn sighup_sets_the_time_of_silence_for_those_who_are_there_already() {
    let dir = temporary();
    let file = dir.path().join("mecd.toml");
    write_file(&file, "[limits]\nidle_seconds = 0\n");
    let server = Start::in_dir(dir.path()).args(["--config", "mecd.toml"]).serve();
    let amy = server.user("amy");
    write_file(&file, "[limits]\nidle_seconds = 1\n");
    server.signal(Signal::HUP);
    assert_warned_and_closed(amy);
}

#[test]
fn clients_that_vanish_while_they_are_written_to_do_no_harm() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut amy = server.user("amy");
    let rooms: Vec<String> = (0..500).map(|n| format!("#createroom room{n}")).collect();
    amy.expect_done(&rooms);
    for round in 0..50 {
        let mut rude = server.user(&format!("rude{round}"));
        rude.send(&"#listrooms\r\n".repeat(20));
        amy.expect(&format!("#sendto rude{round} hello"), DONE);
        rude.reset();
    }
    wait_until("all of them have gone", || amy.ask("#whoami") == "@ret #whoami amy Home 1 - 0");
    server.stop();
}

// The data directory and the log.

#[test]
fn the_data_directory_and_the_key_are_closed_to_others() {
    let dir = temporary();
    let start = Start::script("umask 0; exec \"$@\"", dir.path());
    let server = start.args(["--data-dir", "data", "--listen", "mec=127.0.0.1:0"]).serve();
    let data = dir.path().join("data");
    assert_eq!(mode(&data), 0o700);
    for (path, _) in files_below(&data) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let key = std::fs::read_to_string(data.join("key")).expect("the key is there");
    assert!(key.trim_end().len() == 32 && key.trim_end().bytes().all(|b| b.is_ascii_hexdigit()));
    server.stop();
}

/// Everything that nobody but the users may read, each a word of its own.
const SECRETS: [&str; 12] = [
    "Spoken-Albatross",
    "Whispered-Bullfinch",
    "Posted-Cormorant",
    "Mistyped-Dunnock",
    "Account-Egret",
    "Wrong-Flamingo",
    "Changed-Goldcrest",
    "Door-Heron",
    "Gate-Ibis",
    "Malformed-Jackdaw",
    "Body-Kestrel",
    "Tïtle-Läpwing",
];

/// Names that the data directory must not show either.
const NAMES: [&str; 6] = [
    "Quentin-User",
    "Roxane-User",
    "Salon-Room",
    "Tavern-Group",
    "Ursula-Real",
    "vera@mail.example",
];

/// Two users who say and do everything in which something secret can be said.
fn converse(server: &Server) {
    let mut quentin = server.user("Quentin-User");
    let mut stranger = server.client();
    quentin.expect("#createlogin Roxane-User Account-Egret Ursula-Real vera@mail.example", DONE);
    stranger.expect("#login regd Roxane-User Wrong-Flamingo", "@status 3002");
    stranger.expect("#login regd Roxane-User Account-Egret", DONE);
    let mut roxane = stranger;
    roxane.expect("#changepass Changed-Goldcrest Wrong-Flamingo", "@status 3002");
    roxane.expect("#changepass Changed-Goldcrest Account-Egret", DONE);
    roxane.expect("#createroom Salon-Room Door-Heron", DONE);
    roxane.expect("#changeroom Salon-Room Door-Heron", DONE);
    quentin.expect("#changeroom Salon-Room Wrong-Flamingo", "@status 3101");
    quentin.expect("#changeroom Salon-Room Door-Heron", DONE);
    let said = "@mess #broadcast Roxane-User \"Spoken-Albatross\"";
    roxane.expect("#broadcast Spoken-Albatross", said);
    assert_eq!(quentin.line(), said);
    roxane.expect("#sendto Quentin-User Whispered-Bullfinch", DONE);
    assert!(quentin.line().contains("Whispered-Bullfinch"));
    quentin.expect("#brodcast Mistyped-Dunnock", "@status 3502");
    quentin.expect("#broadcast \"Malformed-Jackdaw", "@status -1");
    roxane.expect("#creategroup Tavern-Group Gate-Ibis anon", DONE);
    for user in [&mut roxane, &mut quentin] {
        user.expect("#joingroup Tavern-Group Gate-Ibis", DONE);
    }
    roxane.expect("#postmessage Tïtle-Läpwing 0 2 3600\r\nPosted-Cormorant\r\nBody-Kestrel", DONE);
    assert!(quentin.ask("#getmessage 1").starts_with("@ret #getmessage Tïtle-Läpwing 2 1 0 0 "));
    assert_eq!(quentin.line(), "Posted-Cormorant");
    quentin.send(&"Body-Kestrel".repeat(100));
    assert_warned_and_closed(quentin);
}

#[test]
fn the_log_never_tells_a_password_or_a_text() {
    let dir = temporary();
    let start = Start::in_dir(dir.path()).set("security.wrong_password_delay=0s");
    let server = start.env("RUST_LOG", "trace").serve();
    converse(&server);
    let key = std::fs::read_to_string(dir.path().join("data/key")).expect("the key is there");
    let ended = server.stop();
    assert!(!ended.err.is_empty());
    for secret in SECRETS.into_iter().chain([key.trim_end()]) {
        assert!(!ended.err.contains(secret), "{secret} is in the log");
        assert!(!ended.out.contains(secret), "{secret} is on standard output");
    }
}

#[test]
fn the_data_directory_shows_no_name_no_text_and_no_password() {
    let dir = temporary();
    let data = dir.path().join("data");
    let start = || Start::in_dir(dir.path()).set("security.wrong_password_delay=0s");
    let assert_closed = |when: &str| {
        for (path, bytes) in files_below(&data) {
            for secret in SECRETS.into_iter().chain(NAMES) {
                let place = format!("{secret}, {when}, in {}", path.display());
                assert_eq!(position(&bytes, secret), None, "{place}");
                assert!(!path.display().to_string().contains(secret), "{place}");
            }
        }
    };
    let server = start().serve();
    converse(&server);
    assert_closed("while the server runs");
    server.stop();
    assert_closed("after an orderly stop");
    let server = start().serve();
    let mut roxane = server.client();
    roxane.expect("#login regd Roxane-User Changed-Goldcrest", DONE);
    roxane.expect("#changeroom Salon-Room Door-Heron", DONE);
    let history = roxane.list("#history");
    assert!(history[0].ends_with(" Roxane-User \"Spoken-Albatross\""), "{history:?}");
    server.kill();
    assert_closed("after a kill");
}

// Lines and their ends.

#[test]
fn a_script_that_half_closes_gets_all_answers_before_the_end() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let mut script = server.client();
    let mut text = String::from("#login anon amy\n");
    (0..300).for_each(|n| text.push_str(&format!("#sendto amy {n}\n")));
    script.send_bytes(format!("{text}#createroom attic\n#quit that is cut of").as_bytes());
    script.finish_sending();
    let lines = script.rest();
    let mut expected = vec![DONE.to_owned()];
    for n in 0..300 {
        expected.extend([format!("@mess #sendto amy \"{n}\""), DONE.to_owned()]);
    }
    expected.push(DONE.to_owned());
    assert_eq!(lines, expected, "what follows the last line end is discarded");
    let rooms = server.user("bob").list("#listrooms");
    assert!(rooms[1].starts_with("attic amy "), "{rooms:?}");
}

#[test]
fn a_script_that_half_closes_gets_a_list_of_5000_rooms_whole() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().set("limits.rooms=5000").serve();
    let mut amy = server.user("amy");
    let rooms: Vec<String> = (0..5000).map(|n| format!("#createroom room{n}")).collect();
    amy.expect_done(&rooms);
    amy.expect("#createroom onemore", FULL);
    let mut script = server.client();
    script.send_bytes(b"#login anon bob\n#listrooms\n#listrooms\n#whoami\n");
    script.finish_sending();
    let lines = script.rest();
    assert_eq!(lines.len(), 1 + 2 * 5002 + 1);
    for list in [&lines[1..5003], &lines[5003..10_005]] {
        assert_eq!(list[0], "@ret #listrooms 5001");
        assert!(list[1].starts_with("Home - "));
        for (n, row) in list[2..].iter().enumerate() {
            assert!(row.starts_with(&format!("room{n} amy 0 ")), "{row}");
        }
    }
    assert_eq!(lines[10_005], "@ret #whoami bob Home 2 - 0");
}

#[test]
fn several_lines_in_one_segment_and_one_line_in_many_are_the_same() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let bytes = b"#login anon amy\r\n#whoami\r\0\n\n#whoami\r#sendto amy \xc3\xa4h\n\r\n#quit\r\n";
    let expected = [
        DONE,
        "@ret #whoami amy Home 1 - 0",
        "@ret #whoami amy Home 1 - 0",
        "@mess #sendto amy \"äh\"",
        DONE,
        DONE,
    ];
    let mut whole = server.client();
    whole.send_bytes(bytes);
    assert_eq!(whole.rest(), expected);
    let mut pieces = server.client();
    for byte in bytes {
        pieces.send_bytes(&[*byte]);
    }
    assert_eq!(pieces.rest(), expected);
}

#[test]
fn a_line_of_999_bytes_and_its_end_is_taken_and_1000_bytes_without_an_end_close_the_connection() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let mut amy = server.user("amy");
    let text = "x".repeat(999 - "#broadcast ".len());
    amy.send_bytes(format!("#broadcast {text}\n").as_bytes());
    assert_eq!(amy.line(), format!("@mess #broadcast amy \"{text}\""));
    amy.send_bytes(format!("#broadcast {text}x").as_bytes());
    assert_warned_and_closed(amy);
}

// Limits.

#[test]
fn a_connection_that_does_not_log_in_is_warned_and_closed() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("limits.login_seconds=1").serve();
    let mut amy = server.user("amy");
    let begun = Instant::now();
    let mut silent = server.client();
    silent.expect("#whoami", "@status 3500");
    assert_warned_and_closed(silent);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    amy.expect("#whoami", "@ret #whoami amy Home 1 - 0");
}

#[test]
fn a_silent_user_is_warned_and_closed_and_one_who_speaks_is_not() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("limits.idle_seconds=3").serve();
    let silent = server.user("silent");
    let mut amy = server.user("amy");
    let begun = Instant::now();
    // As long as it takes, and at least for longer than one may be silent.
    wait_until("the silent one has gone", || {
        amy.ask("#whoami") == "@ret #whoami amy Home 1 - 0"
            && begun.elapsed() > Duration::from_secs(4)
    });
    assert_warned_and_closed(silent);
    assert_warned_and_closed(amy);
}

#[test]
fn connections_are_taken_up_to_the_limit_and_the_next_one_is_warned_and_closed() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("limits.connections=3").serve();
    let mut users: Vec<Client> = ["amy", "bob", "cid"].map(|name| server.user(name)).into();
    assert_warned_and_closed(server.client());
    let mut hasty = server.client();
    // Who speaks before listening hears the reason as well.
    hasty.send("#login anon dan");
    assert!(is_warning(&hasty.line()));
    assert!(hasty.has_ended());
    users[0].expect("#whoami", "@ret #whoami amy Home 3 - 0");
    users.pop();
    wait_until("there is a place again", || {
        let mut next = server.client();
        next.send("#login anon dan");
        next.try_line().is_ok_and(|line| line.as_deref() == Some(DONE))
    });
    server.stop();
}

#[test]
fn connections_of_one_address_are_limited_and_another_address_is_not_concerned() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("limits.connections_per_address=2").serve();
    let mut users: Vec<Client> = ["amy", "bob"].map(|name| server.user(name)).into();
    assert_warned_and_closed(server.client());
    let mut other = Client::connect_from("127.0.0.9", server.address());
    other.log_in("cid");
    users.pop();
    wait_until("there is a place again", || {
        let mut next = server.client();
        next.send("#login anon dan");
        next.try_line().is_ok_and(|line| line.as_deref() == Some(DONE))
    });
}

#[test]
fn lines_beyond_the_rate_are_answered_later_in_order_and_none_is_dropped() {
    let dir = temporary();
    let start = Start::in_dir(dir.path()).set("limits.lines_per_second=100");
    let server = start.set("limits.lines_burst=100").serve();
    let mut amy = server.user("amy");
    let mut bob = server.user("bob");
    let begun = Instant::now();
    let lines: String = (0..400).map(|n| format!("#sendto amy {n}\r\n")).collect();
    amy.send_bytes(lines.as_bytes());
    bob.expect("#whoami", "@ret #whoami bob Home 2 - 0");
    for n in 0..400 {
        assert_eq!(amy.line(), format!("@mess #sendto amy \"{n}\""));
        assert_eq!(amy.line(), DONE);
    }
    assert!(begun.elapsed() > Duration::from_millis(2900), "{:?}", begun.elapsed());
}

#[test]
fn a_full_store_refuses_changes_keeps_the_chat_going_and_can_be_emptied() {
    let dir = temporary();
    let start = || {
        let start = Start::in_dir(dir.path()).unhurried().set("limits.message_lines=1000");
        start.set("storage.bytes_max=18000000").serve()
    };
    let server = start();
    let mut amy = server.user("amy");
    amy.expect("#createlogin ann secret Ann ann@example.org", DONE);
    amy.expect("#login regd ann secret", DONE);
    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    let body = format!("\r\n{}", "x".repeat(990)).repeat(900);
    let post = format!("#postmessage post 0 900{body}");
    let stored = (0..100).take_while(|_| amy.ask(&post) == DONE).count();
    assert!((5..100).contains(&stored), "{stored} messages of 900 kB are stored");
    amy.expect(&post, FULL);
    amy.expect("#broadcast hello", "@mess #broadcast ann \"hello\"");
    server.stop();

    let server = start();
    let mut ann = server.client();
    ann.expect("#login regd ann secret", DONE);
    ann.expect("#joingroup board", DONE);
    ann.expect(&post, FULL);
    assert_eq!(ann.list("#listmessages").len(), stored);
    (1..=stored).for_each(|id| ann.expect(&format!("#rmmessage {id}"), DONE));
    wait_until("there is space again", || ann.ask(&post) == DONE);
    server.stop();
}

// Slow readers.

#[test]
fn who_asks_without_reading_has_to_wait_and_loses_no_answer() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut amy = Client::connect_narrow(server.address());
    amy.log_in("amy");
    // First what has long answers, then more lines than the kernel holds for a server that does not read them.
    let padding = "x".repeat(900);
    let ask = |n| format!("#createroom room{n}\r\n#rmroom room{n}\r\n#lost{n} {padding}\r\n");
    let asked = "#help\r\n".repeat(5000) + &(0..16_000).map(ask).collect::<String>();
    amy.socket().set_nonblocking(true).expect("a socket takes options");
    let mut sent = 0;
    let mut silent_since = Instant::now();
    // Until the server has taken nothing for a while, although there is more for it.
    while silent_since.elapsed() < Duration::from_secs(1) {
        match std::io::Write::write(&mut amy.socket(), &asked.as_bytes()[sent..]) {
            Ok(count) => (sent, silent_since) = (sent + count, Instant::now()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(program_support::LOOK_AGAIN);
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent < asked.len(), "the server takes everything, and keeps the answers");
    }
    let before = server.ticks();
    server.user("bob").expect("#whoami", "@ret #whoami bob Home 2 - 0");
    std::thread::sleep(Duration::from_secs(1));
    assert!(server.ticks() - before < 30, "it does not wait in its sleep");
    amy.socket().set_nonblocking(false).expect("a socket takes options");
    let mut writer = amy.socket().try_clone().expect("a socket can be shared");
    let rest = asked.as_bytes()[sent..].to_vec();
    let thread = std::thread::spawn(move || {
        std::io::Write::write_all(&mut writer, &rest).expect("it is taken in the end");
        writer.shutdown(std::net::Shutdown::Write).expect("the connection stands");
    });
    for _ in 0..5000 {
        let head = amy.line();
        let count = head.strip_prefix("@ret #help ").and_then(|count| count.parse().ok());
        (0..count.expect("a number of lines")).for_each(|_| assert!(!amy.line().starts_with('@')));
    }
    for _ in 0..16_000 {
        assert_eq!([amy.line(), amy.line(), amy.line()], [DONE, DONE, "@status 3502"]);
    }
    assert_eq!(amy.rest(), [""; 0]);
    thread.join().expect("all was sent");
}

#[test]
fn a_script_that_half_closes_and_does_not_read_costs_no_processor_time() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().set("limits.rooms=2000").serve();
    let mut amy = server.user("amy");
    let rooms: Vec<String> = (0..2000).map(|n| format!("#createroom room{n:0>25}")).collect();
    amy.expect_done(&rooms);
    let mut script = Client::connect_narrow(server.address());
    script.send(&format!("#login anon bob{}", "\r\n#listrooms".repeat(100)));
    script.finish_sending();
    assert_eq!(script.line(), DONE);
    assert_eq!(script.line(), "@ret #listrooms 2001");
    wait_until("the server waits for the script", || {
        let before = server.ticks();
        std::thread::sleep(Duration::from_secs(1));
        server.ticks() - before < 30
    });
    amy.expect("#whoami", "@ret #whoami amy Home 2 - 0");
    assert_eq!(script.rest().len(), 100 * 2002 - 1);
    wait_until("the script has gone", || amy.ask("#whoami") == "@ret #whoami amy Home 1 - 0");
}

/// A list of so many rooms for a slow reader, while rooms come and go and others talk. Says how many users the last
/// room had when its row was made: somebody enters it only after the head of the list was read.
fn list_for_a_slow_reader(rooms: usize) -> String {
    let dir = temporary();
    let start = Start::in_dir(dir.path()).unhurried();
    let server = start.set(&format!("limits.rooms={}", rooms + 1000)).serve();
    let owner = format!("amy{}", "y".repeat(27));
    let mut amy = server.user(&owner);
    let name = |n: usize| format!("room{n:0>6}{}", "-".repeat(20));
    let commands: Vec<String> = (0..rooms).map(|n| format!("#createroom {}", name(n))).collect();
    amy.expect_done(&commands);
    let mut slow = Client::connect_narrow(server.address());
    slow.log_in("slow");
    let mut bob = server.user("bob");
    let mut cid = server.user("cid");
    slow.expect("#listrooms", &format!("@ret #listrooms {}", rooms + 1));
    assert!(slow.line().starts_with("Home - 4 "));
    cid.expect(&format!("#changeroom {}", name(rooms - 1)), DONE);
    let mut chatter = Vec::new();
    let mut last = String::new();
    for n in 0..rooms {
        if n % (rooms / 500) == 0 {
            let round = chatter.len();
            // Rooms go everywhere in the list, and others come.
            amy.expect(&format!("#rmroom {}", name((round * 7919) % (rooms - 1))), DONE);
            amy.expect(&format!("#createroom another{round}"), DONE);
            let said = format!("@mess #broadcast bob \"{round}\"");
            bob.expect(&format!("#broadcast {round}"), &said);
            assert_eq!(amy.line(), said);
            chatter.push(said);
        }
        last = slow.line();
        assert!(last.starts_with(&format!("{} {owner} ", name(n))), "row {n}: {last}");
    }
    for said in chatter {
        assert_eq!(slow.line(), said, "what was said meanwhile follows");
    }
    slow.expect("#whoami", "@ret #whoami slow Home 3 - 0");
    assert_eq!(amy.list("#listrooms").len(), rooms + 1);
    server.stop();
    last.split(' ').nth(2).expect("a row has the number of users").to_owned()
}

#[test]
fn a_slow_reader_gets_a_list_of_5000_rooms_whole_and_in_order_while_the_others_go_on() {
    list_for_a_slow_reader(5000);
}

#[test]
#[ignore = "makes some 80 000 rooms"]
fn a_list_that_is_more_than_the_kernel_takes_is_made_as_the_reader_takes_it() {
    let limits = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").expect("this is Linux");
    let bytes = limits.split_whitespace().last().and_then(|bytes| bytes.parse::<usize>().ok());
    // Of 75 bytes each.
    let rooms = bytes.expect("the largest size of a send buffer") / 50;
    assert_eq!(list_for_a_slow_reader(rooms), "1", "the last row was made late");
}

#[test]
fn a_client_that_stops_reading_is_dropped_at_its_queue_limit_and_nobody_else_notices() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut stalled = Client::connect_narrow(server.address());
    stalled.log_in("stalled");
    let peer = stalled.socket().local_addr().expect("it is connected");
    let mut amy = server.user("amy");
    let mut bob = server.user("bob");
    let alone = "@ret #whoami amy Home 2 - 0";
    let mut rounds = 0;
    while amy.ask("#whoami") != alone {
        rounds += 1;
        assert!(rounds < 2000, "20 MB wait, and it is still there");
        let text = format!("{rounds:0>900}");
        amy.send(&format!("#broadcast {text}\r\n").repeat(10));
        for reader in [&mut amy, &mut bob] {
            for _ in 0..10 {
                assert_eq!(reader.line(), format!("@mess #broadcast amy \"{text}\""));
            }
        }
    }
    server.wait_for_log(&peer.to_string());
    assert!(server.log().contains("send_queue_bytes"), "{}", server.log());
    bob.expect("#whoami", "@ret #whoami bob Home 2 - 0");
    let mut stalled = stalled;
    let end = loop {
        match stalled.try_line() {
            Ok(Some(_)) => {}
            end => break end,
        }
    };
    assert!(!matches!(&end, Err(e) if e.kind() == std::io::ErrorKind::WouldBlock), "{end:?}");
}

// Descriptors, threads and wake-ups.

/// Logs in as many users as there are descriptors for.
fn fill(server: &Server) -> Vec<Client> {
    let mut users = Vec::new();
    loop {
        let mut client = server.client();
        client.send(&format!("#login anon user{}", users.len()));
        match client.try_line() {
            Ok(Some(line)) if line == DONE => users.push(client),
            Ok(Some(line)) => {
                assert!(is_warning(&line), "{line}");
                return users;
            }
            end => panic!("refused without a word: {end:?}"),
        }
    }
}

#[test]
fn without_descriptors_connections_are_refused_and_the_server_neither_spins_nor_stops() {
    let dir = temporary();
    let server = Start::with_descriptors(dir.path(), 40).serve();
    let mut users = fill(&server);
    assert!(users.len() > 10, "{} users", users.len());
    for _ in 0..5 {
        assert_warned_and_closed(server.client());
    }
    let before = server.ticks();
    std::thread::sleep(Duration::from_secs(1));
    let used = server.ticks() - before;
    assert!(used < 30, "{used} ticks of processor time in a second in which nothing was asked");
    let whoami = format!("@ret #whoami user0 Home {} - 0", users.len());
    users[0].expect("#whoami", &whoami);
    users.truncate(5);
    wait_until("there is a place again", || {
        let mut next = server.client();
        next.send("#login anon late");
        next.try_line().is_ok_and(|line| line.as_deref() == Some(DONE))
    });
    users[0].expect("#createroom attic", DONE);
    server.stop();
}

#[test]
fn the_descriptor_limit_is_raised_as_far_as_the_connections_need_it() {
    let dir = temporary();
    let start = Start::with_descriptor_limits(dir.path(), 40, 400).unhurried();
    let server = start.set("limits.connections=120").serve();
    assert_eq!(fill(&server).len(), 120);
    let log = server.stop().err;
    assert!(!log.contains("descriptor limit"), "{log}");
}

#[test]
fn a_descriptor_limit_that_cannot_be_raised_far_enough_is_logged_with_what_it_allows_for() {
    let dir = temporary();
    let start = Start::with_descriptor_limits(dir.path(), 40, 100).unhurried();
    let server = start.set("limits.connections=120").serve();
    let users = fill(&server).len();
    assert!((40..100).contains(&users), "{users} users");
    let warning = format!("the descriptor limit of 100 allows for {users} connections only");
    server.wait_for_log(&warning);
    server.stop();
}

#[test]
fn without_descriptors_messages_are_still_stored_and_read() {
    let dir = temporary();
    let start = Start::with_descriptors(dir.path(), 100).unhurried();
    let server = start.set("limits.message_lines=1000").serve();
    let mut users = fill(&server);
    let amy = &mut users[0];
    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    // Three files of the log are filled.
    let body = format!("{}\r\n", "x".repeat(990)).repeat(800);
    for n in 0..16 {
        amy.expect(&format!("#postmessage post{n} 0 800\r\n{}", body.trim_end()), DONE);
    }
    for n in 1..=16 {
        let head = amy.ask(&format!("#getmessage {n}"));
        assert!(head.starts_with(&format!("@ret #getmessage post{} 800 {n} ", n - 1)), "{head}");
        (0..800).for_each(|_| assert_eq!(amy.line().len(), 990));
    }
    server.stop();
}

#[test]
fn it_has_one_thread_and_does_not_wake_up_while_nothing_happens() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let users: Vec<Client> = (0..200).map(|n| server.user(&format!("user{n}"))).collect();
    server.assert_one_thread();
    assert!(server.can_sleep_for(Duration::from_secs(3)), "it woke up in each stretch of 3 s");
    for mut user in users {
        assert!(user.ask("#whoami").starts_with("@ret #whoami user"), "and then it answers");
    }
}
