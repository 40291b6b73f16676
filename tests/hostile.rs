//! Hostile clients against the real program: each test attacks a server of its own while an honest client asks it
//! something all the time. That client is served throughout, and the server's anonymous memory stays under a bound that
//! follows from its limits. What is measured is printed; `docs/limits.md` keeps it.
//!
//! No test depends on how fast the machine is: [`WAIT_MAX`] is far beyond what anything takes.

#![expect(clippy::print_stdout, reason = "what was measured is for people to read")]

mod program_support;

use std::io::Write;

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use md5::{Digest, Md5};
use mecd::limits::{
    ANSWERS_WAITING_MAX, BODIES_BYTES_MAX, LINE_BYTES_MAX, READ_BYTES_MAX, STORAGE_BYTES_MIN,
};
use program_support::attack::{SEND_QUEUE_BYTES, Watch, address_of, from, has_word, pour, stingy};
use program_support::runner::{self, left_out};
use program_support::{Client, LOOK_AGAIN, PATIENCE, Server, Start, Stream, temporary, wait_until};
use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process, setrlimit};

const DONE: &str = "@status 0";
const FULL: &str = "@status -2";
const WRONG: &str = "@status 3002";

/// Bytes that one connection makes the server hold at most, with short answers and no events: what was read and must
/// wait, a partial line, answers, and a kilobyte of tables.
const CONNECTION_BYTES: usize = READ_BYTES_MAX + LINE_BYTES_MAX + ANSWERS_WAITING_MAX + 1024;

const IAC: u8 = 255;
const SB: u8 = 250;
const NOP: u8 = 241;
const AYT: u8 = 246;
const WILL: u8 = 251;
const DO: u8 = 253;

fn is_warning(line: &str) -> bool {
    line.starts_with("@mess #warning \"") && line.ends_with('"')
}

/// So many connections with little room for what arrives, not logged in.
fn crowd(server: &Server, count: usize) -> Vec<Client> {
    (0..count).map(|n| stingy(&address_of(n), server)).collect()
}

/// The same, logged in.
fn users(server: &Server, count: usize) -> Vec<Client> {
    users_named(server, count, "mallory")
}

fn users_named(server: &Server, count: usize, name: &str) -> Vec<Client> {
    let mut crowd = crowd(server, count);
    for (n, user) in crowd.iter_mut().enumerate() {
        user.log_in(&format!("{name}{n}"));
    }
    crowd
}

/// Reads until the connection ends, however that may be, and wants a warning among it.
fn assert_warned(mut client: Client) {
    let mut warned = false;
    while let Ok(Some(line)) = client.try_line() {
        warned |= is_warning(&line);
    }
    assert!(warned, "closed without a warning");
}

/// Reads until this line comes.
fn read_until(client: &mut Client, wanted: &str) {
    while client.line() != wanted {}
}

// Slow senders.

/// What is sent first, and what then again and again: no line ever ends in it.
const DRIPS: [(&[u8], &[u8]); 5] = [
    (b"#whoami", b"x\x7f"),
    (b"", b"x\x15"),
    (b"", &[IAC, NOP]),
    (&[IAC, SB, 24], b"y"),
    (b"\xef\xbb", b"\xbf\x08"),
];

/// Sends a drop at a time over every connection until the server has said something about it.
fn drip(crowd: &[Client]) {
    for (client, (first, _)) in crowd.iter().zip(DRIPS.iter().cycle()) {
        client.socket().write_all(first).expect("the server takes it");
    }
    let end = Instant::now() + PATIENCE;
    let mut open = crowd.len();
    while open > 0 {
        assert!(Instant::now() < end, "{open} of them may go on for ever");
        open = 0;
        for (client, (_, drop)) in crowd.iter().zip(DRIPS.iter().cycle()) {
            if !has_word(client) {
                open += 1;
                // The end may come between the look and the write.
                let _ = client.socket().write(drop);
            }
        }
        thread::sleep(LOOK_AGAIN);
    }
}

#[test]
fn slow_senders_are_closed_when_their_time_to_log_in_is_over() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("limits.login_seconds=2").serve();
    let watch = Watch::over(&server);
    let begun = Instant::now();
    let crowd = crowd(&server, 100);
    drip(&crowd);
    assert!(begun.elapsed() >= Duration::from_secs(2));
    crowd.into_iter().for_each(assert_warned);
    watch.finish("100 slow senders", 100 * CONNECTION_BYTES);
}

#[test]
fn a_user_who_never_ends_a_line_counts_as_silent() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("limits.idle_seconds=1").serve();
    let crowd = users(&server, 20);
    drip(&crowd);
    crowd.into_iter().for_each(assert_warned);
}

#[test]
fn a_line_without_an_end_closes_the_connection_and_costs_one_buffer() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let watch = Watch::over(&server);
    let crowd = users(&server, 100);
    pour(&crowd, &vec![b'x'; 1 << 20]);
    crowd.into_iter().for_each(assert_warned);
    watch.finish("100 lines without an end", 100 * CONNECTION_BYTES);
}

// Slow readers.

#[test]
fn readers_that_stop_cost_their_queue_and_are_dropped_at_its_limit() {
    const READERS: usize = 20;
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let stopped = users(&server, READERS);
    let watch = Watch::over(&server);
    let mut amy = server.user("amy");
    // Short, and parted by answers to somebody else: as many pieces as can be.
    let round = "#sendto amy x\r\n#broadcast y\r\n".repeat(100);
    let dropped = || server.log().matches("send_queue_bytes").count();
    let mut rounds = 0;
    while dropped() < READERS {
        rounds += 1;
        assert!(rounds < 40_000, "{} of {READERS} are dropped after 80 MB", dropped());
        amy.send_bytes(round.as_bytes());
        for _ in 0..300 {
            amy.line();
        }
    }
    watch.finish("20 readers that stopped, short events", READERS * 2 * SEND_QUEUE_BYTES);
    drop(stopped);
}

#[test]
fn who_asks_without_reading_is_not_read_from() {
    const ASKERS: usize = 100;
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let watch = Watch::over(&server);
    let crowd = users(&server, ASKERS);
    let megabyte = "#whoami\r\n".repeat((1 << 20) / 9);
    pour(&crowd, megabyte.as_bytes());
    watch.finish("100 floods of questions, no answer read", ASKERS * CONNECTION_BYTES);
    drop(crowd);
}

/// A group with one message of 100 lines which are as long as lines can be.
fn board_with_a_long_message(server: &Server) -> Client {
    let mut amy = server.user("amy");
    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    amy.send("#postmessage long 0 100");
    // Every byte becomes three.
    let line = [[0x80; 999].as_slice(), b"\n"].concat();
    amy.send_bytes(&line.repeat(100));
    assert_eq!(amy.line(), DONE);
    amy
}

#[test]
fn long_messages_that_nobody_reads_do_not_pile_up_in_memory() {
    const ASKERS: usize = 40;
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    drop(board_with_a_long_message(&server));
    let mut crowd = users(&server, ASKERS);
    crowd.iter_mut().for_each(|user| user.expect("#joingroup board", DONE));
    let watch = Watch::over(&server);
    // More than the kernel takes for any of them.
    pour(&crowd, "#getmessage 1\r\n".repeat(30).as_bytes());
    watch.finish(
        "40 readers of a message of 300 kB that stopped",
        ASKERS * (CONNECTION_BYTES + SEND_QUEUE_BYTES),
    );
}

#[test]
fn who_takes_a_long_message_slowly_gets_it_whole() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    drop(board_with_a_long_message(&server));
    let mut slow = stingy("127.0.1.1", &server);
    slow.log_in("slow");
    slow.expect("#joingroup board", DONE);
    slow.send(&"#getmessage 1\r\n".repeat(30));
    for _ in 0..30 {
        assert!(slow.line().starts_with("@ret #getmessage long 100 1 0 0 "));
        for _ in 0..100 {
            assert_eq!(slow.line().chars().filter(|c| *c == '\u{fffd}').count(), 999);
        }
    }
}

#[test]
fn peers_that_are_stopped_are_dropped_and_nobody_notices() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let Some(peers) = (0..5).map(|n| Peer::start(&server, n)).collect::<Option<Vec<_>>>() else {
        left_out("there is no nc");
        return;
    };
    peers.iter().for_each(|peer| peer.signal(Signal::STOP));
    let watch = Watch::over(&server);
    let mut amy = server.user("amy");
    let round = format!("#broadcast {}\r\n", "z".repeat(900)).repeat(100);
    let mut rounds = 0;
    while server.log().matches("send_queue_bytes").count() < peers.len() {
        rounds += 1;
        assert!(rounds < 1000, "90 MB were said, and they are still there");
        amy.send_bytes(round.as_bytes());
        (0..100).for_each(|_| drop(amy.line()));
    }
    watch.finish("5 stopped processes", peers.len() * (CONNECTION_BYTES + SEND_QUEUE_BYTES));
}

/// A client that is a process of its own.
struct Peer {
    child: Child,
    _out: Stream,
}

impl Peer {
    /// A user; nothing if there is no program for it.
    fn start(server: &Server, number: usize) -> Option<Self> {
        let address = server.address();
        let mut command = Command::new("nc");
        command.args([address.ip().to_string(), address.port().to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = runner::spawn(&mut command).ok()?;
        let input = child.stdin.as_mut().expect("it is piped");
        write!(input, "#login anon peer{number}\r\n").expect("it reads");
        let out = Stream::of(child.stdout.take().expect("it is piped"));
        out.wait(|text| text.contains(DONE));
        Some(Self { child, _out: out })
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("a child has a process id"), signal).expect("it is our child");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Our own child, which has not been waited for: its id is still its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// Floods of lines and of telnet.

/// Sends so many lines of two bytes and reads every answer.
fn ask_short_lines(server: &Server, count: usize) {
    let mut client = server.user("flood");
    let mut socket = client.socket().try_clone().expect("a socket can be shared");
    let writer = thread::spawn(move || {
        let some = "#\n".repeat(1000);
        (0..count / 1000).for_each(|_| socket.write_all(some.as_bytes()).expect("it is taken"));
    });
    for _ in 0..count {
        assert_eq!(client.line(), "@status 3502");
    }
    writer.join().expect("all lines are sent");
}

#[test]
fn a_flood_of_short_lines_is_answered_line_by_line() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let watch = Watch::over(&server);
    ask_short_lines(&server, 100_000);
    watch.finish("100,000 short lines", CONNECTION_BYTES);
}

#[test]
#[ignore = "slow: a million lines, and their answers"]
fn a_million_short_lines_are_answered_line_by_line() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let watch = Watch::over(&server);
    ask_short_lines(&server, 1_000_000);
    watch.finish("a million short lines", CONNECTION_BYTES);
}

#[test]
fn a_million_short_lines_over_the_rate_wait_with_who_sent_them() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let watch = Watch::over(&server);
    let crowd = users(&server, 60);
    pour(&crowd, "#\n".repeat(1_000_000).as_bytes());
    watch.finish("60 times a million lines over the rate", 60 * CONNECTION_BYTES);
}

#[test]
fn telnet_floods_cost_nothing() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let options = |verb| (0..=255u8).flat_map(move |option| [IAC, verb, option]);
    let negotiation: Vec<u8> = options(WILL).chain(options(DO)).collect();
    let floods: [(&str, Vec<u8>); 6] = [
        ("options", negotiation.repeat(2000)),
        ("timing marks", [IAC, DO, 6].repeat(1_000_000)),
        ("are you there", [IAC, AYT].repeat(1_000_000)),
        ("no operation", [IAC, NOP].repeat(1_000_000)),
        ("sub-negotiation without an end", [&[IAC, SB, 24][..], &[0; 3_000_000]].concat()),
        ("sub-negotiations", [IAC, SB, 24, 1, IAC, 240].repeat(500_000)),
    ];
    for (n, (what, flood)) in floods.into_iter().enumerate() {
        let watch = Watch::over(&server);
        let crowd = users_named(&server, 10, &format!("flood{n}-"));
        pour(&crowd, &flood);
        let bytes = 10 * (CONNECTION_BYTES + SEND_QUEUE_BYTES);
        watch.finish(&format!("10 telnet floods, {what}"), bytes);
    }
}

#[test]
fn telnet_options_are_refused_once_and_lines_between_floods_are_read() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut amy = server.user("amy");
    for _ in 0..1000 {
        amy.send_bytes(&[IAC, WILL, 1]);
    }
    let sub = [&[IAC, SB, 24][..], &[b'\n'; 100_000], &[IAC, 240]].concat();
    amy.send_bytes(&sub);
    amy.send("#whoami");
    assert_eq!(amy.bytes(3), [IAC, 254, 1]);
    assert_eq!(amy.line(), "@ret #whoami amy Home 1 - 0");
}

// Odd bytes.

/// What is shown to others: one line that drives nobody's terminal.
fn assert_harmless(line: &str) {
    assert!(!line.chars().any(|c| c.is_control() && c != '\t'), "{line:?}");
}

#[test]
fn no_byte_in_a_name_or_a_text_reaches_another_terminal_as_a_control() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let watch = Watch::over(&server);
    let mut amy = server.user("amy");
    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    let mut bob = server.user("bob");
    let mut odd = server.client();
    for byte in 0..=255u8 {
        let lines: [&[u8]; 7] = [
            b"#broadcast @@@@@\n",
            b"#sendto bob \"x@y\"\n",
            b"#createroom n@m\n",
            b"#creategroup \"g @\" \"@\" anon\n",
            b"#postmessage t@\nbody @@\n",
            b"#@\n",
            b"#peer2peer bob 6500 @\n",
        ];
        for line in lines {
            let line: Vec<u8> = line.iter().map(|b| if *b == b'@' { byte } else { *b }).collect();
            amy.send_bytes(&line);
        }
        odd.send_bytes(&[&b"#login anon u"[..], &[byte], b"v\n"].concat());
        // Twice, because a body may take the first.
        amy.send(&format!("#sendto bob \"end {byte}\"\r\n#sendto bob \"end {byte}\""));
        let end = format!("@mess #sendto amy \"end {byte}\"");
        loop {
            let line = bob.line();
            assert_harmless(&line);
            if line == end {
                break;
            }
        }
    }
    drop(amy);
    let mut cid = server.user("cid");
    cid.expect("#joingroup board", DONE);
    for list in ["#listusers", "#listrooms", "#listgroups", "#listmessages", "#history 50"] {
        let rows = cid.list(list);
        assert!(!rows.is_empty(), "{list}");
        rows.iter().for_each(|row| assert_harmless(row));
    }
    watch.finish("every byte in names and texts", 4 * CONNECTION_BYTES);
}

#[test]
fn a_line_of_bytes_that_are_no_text_arrives_three_times_as_long_and_whole() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut amy = server.user("amy");
    let mut bob = server.user("bob");
    let room = 999 - "#broadcast ".len();
    let cases: [(Vec<u8>, String); 5] = [
        (vec![0x80; room], "\u{fffd}".repeat(room)),
        (vec![0xc3; room], "\u{fffd}".repeat(room)),
        // Telnet's own doubled byte is no text at all.
        ([b"x", &[IAC, IAC].repeat(room)[..]].concat(), "x".to_owned()),
        (b"a\"".repeat(room / 2), "a\\\"".repeat(room / 2)),
        (b"a\\".repeat(room / 2), "a\\\\".repeat(room / 2)),
    ];
    for (sent, shown) in cases {
        amy.send_bytes(&[b"#broadcast ", &sent[..], b"\r\n"].concat());
        let line = format!("@mess #broadcast amy \"{shown}\"");
        assert_eq!(amy.line(), line);
        assert_eq!(bob.line(), line);
    }
    for text in
        ["\u{202e}drawkcab\u{202c}", "\u{200b}\u{200f}\u{feff}", "a\u{300}\u{300}", "\u{10ffff}"]
    {
        amy.expect(&format!("#broadcast {text}"), &format!("@mess #broadcast amy \"{text}\""));
        assert_eq!(bob.line(), format!("@mess #broadcast amy \"{text}\""));
    }
    bob.expect("#whoami", "@ret #whoami bob Home 2 - 0");
}

// Log-in guessing.

/// An account `ann`, password `secret`.
fn make_ann(server: &Server) {
    let mut client = server.user("maker");
    client.expect("#createlogin ann secret Ann ann@example.org", DONE);
    client.expect("#quit", DONE);
}

/// Is wrong five times from an address, which closes the connection.
fn guess(server: &Server, address: &str) {
    let mut guesser = from(address, server);
    for n in 0..5 {
        guesser.expect(&format!("#login regd ann guess{n}"), WRONG);
    }
    assert_warned(guesser);
}

#[test]
fn an_address_that_guesses_has_to_wait_and_other_addresses_have_not() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("security.wrong_password_delay=1m").serve();
    make_ann(&server);
    let watch = Watch::over(&server);
    guess(&server, "127.0.0.3");
    let mut waiting = from("127.0.0.3", &server);
    waiting.send("#login regd ann secret");
    let mut other = from("127.0.0.2", &server);
    other.expect("#login regd ann secret", DONE);
    let mut anonymous = from("127.0.0.3", &server);
    anonymous.expect("#login anon cid", DONE);
    assert!(!has_word(&waiting), "the right password has to wait too");
    watch.finish("log-in guessing", 8 * CONNECTION_BYTES);
}

#[test]
fn the_wait_after_five_wrong_passwords_is_a_second() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    make_ann(&server);
    let begun = Instant::now();
    guess(&server, "127.0.0.3");
    let mut ann = from("127.0.0.3", &server);
    ann.expect("#login regd ann secret", DONE);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn who_is_made_to_wait_again_and_again_has_no_longer_time_to_log_in() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("limits.login_seconds=3").serve();
    make_ann(&server);
    guess(&server, "127.0.0.3");
    let mut stranger = from("127.0.0.3", &server);
    for _ in 0..12 {
        stranger.send("#login regd nosuch x");
        match stranger.try_line() {
            Ok(Some(line)) if line == "@status 3001" => {}
            Ok(Some(line)) => return assert!(is_warning(&line), "{line}"),
            Ok(None) | Err(_) => panic!("closed without a word"),
        }
    }
    panic!("not logged in, and still there after 12 attempts of a second each");
}

#[test]
#[ignore = "slow: it takes the delay that it is about"]
fn attempts_that_were_given_up_do_not_make_the_next_one_wait() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    make_ann(&server);
    guess(&server, "127.0.0.3");
    for _ in 0..50 {
        let mut gone = from("127.0.0.3", &server);
        // The answer to the challenge says that the log-in behind it has been read, or soon is.
        gone.send("#challenge\r\n#login regd ann secret");
        gone.line();
        gone.reset();
    }
    let begun = Instant::now();
    let mut ann = from("127.0.0.3", &server);
    ann.expect("#login regd ann secret", DONE);
    println!("measured: after 50 attempts that were given up, one waits {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[test]
fn hashes_take_turns_and_do_not_hold_up_the_chat() {
    let dir = temporary();
    let start = Start::in_dir(dir.path()).unhurried().set("security.passwords=argon2id");
    let start = start.set("security.wrong_password_delay=0s").set("limits.wrong_passwords=1000");
    let server = start.serve();
    make_ann(&server);
    let watch = Watch::over(&server);
    let mut crowd: Vec<Client> = (0..60).map(|_| server.client()).collect();
    let begun = Instant::now();
    crowd.iter_mut().for_each(|one| one.send(&"#login regd ann wrong\r\n".repeat(5)));
    for _ in 0..5 {
        crowd.iter_mut().for_each(|one| assert_eq!(one.line(), WRONG));
    }
    println!("measured: 300 log-ins with a hash in {} ms", begun.elapsed().as_millis());
    // One hash is computed in a mebibyte.
    watch.finish("300 log-ins with a hash", 60 * CONNECTION_BYTES + (1 << 20));
}

// Nonce replay.

fn digest(nonce: &str, password: &str) -> String {
    let bytes = Md5::digest(format!("{nonce}{password}"));
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn nonce(client: &mut Client) -> String {
    let answer = client.ask("#challenge");
    answer.strip_prefix("@ret #challenge ").expect("a nonce comes").to_owned()
}

#[test]
fn a_nonce_is_good_once_and_on_its_own_connection_only() {
    let dir = temporary();
    let start = Start::in_dir(dir.path()).set("security.wrong_password_delay=0s");
    let server = start.set("limits.wrong_passwords=100").serve();
    make_ann(&server);
    let log_in =
        |client: &mut Client, digest: &str| client.ask(&format!("#login regd ann {digest}"));
    let mut listener = server.client();
    let theirs = nonce(&mut listener);

    let mut ann = server.client();
    let mine = nonce(&mut ann);
    let proof = digest(&mine, "secret");
    assert_eq!(log_in(&mut ann, &proof), DONE);
    assert_eq!(log_in(&mut ann, &proof), WRONG, "a second time");
    assert_eq!(log_in(&mut listener, &proof), WRONG, "another connection's");
    assert_eq!(log_in(&mut listener, &proof), WRONG, "without a challenge");
    assert_eq!(log_in(&mut listener, &digest(&theirs, "secret")), WRONG, "it was used up");

    let older = nonce(&mut listener);
    let newer = nonce(&mut listener);
    assert_eq!(log_in(&mut listener, &digest(&older, "secret")), WRONG, "only the last counts");
    assert_eq!(log_in(&mut listener, &digest(&newer, "secret")), WRONG, "and it was used up");
    let right = nonce(&mut listener);
    assert_eq!(log_in(&mut listener, "secret"), WRONG, "who asked for one has to use it");
    assert_ne!(right, newer);
    let right = nonce(&mut listener);
    assert_eq!(log_in(&mut listener, &digest(&right, "secret")), DONE);
    assert_warned(ann);
}

// Squatting.

/// Takes everything that can be taken, and says how much that was.
fn squat(server: &Server) -> [usize; 4] {
    let mut mallory = from("127.0.0.5", server);
    mallory.log_in("mallory");
    let mut fill = |command: &dyn Fn(usize) -> String| {
        let mut done = 0;
        loop {
            let lines: Vec<String> = (done..done + 100).map(command).collect();
            mallory.send(&lines.join("\r\n"));
            let answers: Vec<String> = lines.iter().map(|_| mallory.line()).collect();
            let taken = answers.iter().take_while(|answer| *answer == DONE).count();
            assert!(answers[taken..].iter().all(|answer| answer == FULL), "{answers:?}");
            done += taken;
            if taken < 100 {
                return done;
            }
        }
    };
    let accounts = fill(&|n| format!("#createlogin squat{n} pw Real mail@example.org"));
    let rooms = fill(&|n| format!("#createroom squat{n} pw"));
    let groups = fill(&|n| format!("#creategroup squat{n} \"\" anon"));
    fill(&|n| {
        if n == 0 { "#joingroup squat0".to_owned() } else { "#createroom one more".to_owned() }
    });
    let messages = fill(&|n| format!("#postmessage squat{n} 0 0"));
    [accounts, rooms, groups, messages]
}

/// What somebody can do who was there before all was taken.
fn assert_goes_on(amy: &mut Client, bob: &mut Client) {
    for user in [&mut *amy, &mut *bob] {
        user.expect("#changeroom salon", DONE);
        user.expect("#joingroup news", DONE);
    }
    amy.expect("#broadcast hello", "@mess #broadcast ann \"hello\"");
    assert_eq!(bob.line(), "@mess #broadcast ann \"hello\"");
    bob.expect("#postmessage re 0 1\r\nall is well", DONE);
    assert!(amy.ask("#getmessage 1").starts_with("@ret #getmessage re 1 1 0 0 "));
    assert_eq!(amy.line(), "all is well");
    amy.expect("#rmmessage 1", DONE);
    for user in [amy, bob] {
        user.expect("#changeroom Home", DONE);
    }
}

#[test]
fn when_everything_is_taken_the_rest_is_refused_and_honest_users_go_on() {
    let dir = temporary();
    let start = Start::in_dir(dir.path()).unhurried();
    let limits = ["accounts=20", "rooms=20", "groups=20", "messages_per_group=20"];
    let server = limits.iter().fold(start, |start, l| start.set(&format!("limits.{l}"))).serve();
    make_ann(&server);
    let mut ann = server.client();
    ann.expect("#login regd ann secret", DONE);
    ann.expect("#createroom salon", DONE);
    ann.expect("#creategroup news \"\" anon", DONE);
    let watch = Watch::over(&server);
    assert_eq!(squat(&server), [19, 18, 19, 20]);
    let mut bob = server.user("bob");
    for command in ["#createroom x", "#creategroup x", "#createlogin x pw Real mail@example.org"] {
        bob.expect(command, FULL);
    }
    assert_goes_on(&mut ann, &mut bob);
    // There is room again as soon as somebody gives something up.
    ann.expect("#rmroom salon", DONE);
    bob.expect("#createroom x", DONE);
    watch.finish("squatting up to limits of 20", 4 * CONNECTION_BYTES);
}

#[test]
#[ignore = "slow: ten thousand accounts and as many messages"]
fn all_default_limits_together_take_a_few_megabytes() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    make_ann(&server);
    let mut ann = server.client();
    ann.expect("#login regd ann secret", DONE);
    ann.expect("#createroom salon", DONE);
    ann.expect("#creategroup news \"\" anon", DONE);
    let watch = Watch::over(&server);
    assert_eq!(squat(&server), [9999, 998, 999, 10_000]);
    assert_goes_on(&mut ann, &mut server.user("bob"));
    // An account, a room or a group in half a kilobyte, a message in 128 bytes.
    watch.finish("squatting up to the default limits", 12_000 * 512 + 10_000 * 128);
}

#[test]
fn a_store_that_was_filled_refuses_more_and_can_be_emptied() {
    let dir = temporary();
    let option = format!("storage.bytes_max={STORAGE_BYTES_MIN}");
    let start = Start::in_dir(dir.path()).unhurried().set(&option);
    let server = start.set("limits.messages_per_group=100000").serve();
    let mut mallory = server.user("mallory");
    mallory.expect("#creategroup flood \"\" anon", DONE);
    mallory.expect("#joingroup flood", DONE);
    let watch = Watch::over(&server);
    let mut posted = 0;
    // Ever smaller ones, until nothing fits any more.
    for lines in [99, 9, 1, 0] {
        let body = format!("\r\n{}", "x".repeat(990)).repeat(lines);
        let post = format!("#postmessage long 0 {lines}{body}");
        while mallory.ask(&post) == DONE {
            posted += 1;
            assert!(posted < 20_000, "more is taken than the limit allows");
        }
    }
    let mut bob = server.user("bob");
    bob.expect("#createroom x", FULL);
    bob.expect("#broadcast hello", "@mess #broadcast bob \"hello\"");
    read_until(&mut mallory, "@mess #broadcast bob \"hello\"");
    for n in 1..=posted {
        mallory.expect(&format!("#rmmessage {n}"), DONE);
    }
    wait_until("there is room again", || bob.ask("#createroom x") == DONE);
    watch.finish("a store filled up to bytes_max", 3 * CONNECTION_BYTES + (1 << 20));
}

// Bodies.

#[test]
fn bodies_that_never_end_are_bounded_together() {
    const SENDERS: usize = 100;
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut amy = server.user("amy");
    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    let watch = Watch::over(&server);
    let mut crowd = users(&server, SENDERS);
    crowd.iter_mut().for_each(|user| user.expect("#joingroup board", DONE));
    // A hundred times 300 kB, and the last line of each is missing.
    let line = [[0x80; 999].as_slice(), b"\n"].concat();
    let body = [b"#postmessage long 0 100\r\n", &line.repeat(99)[..]].concat();
    assert_eq!(pour(&crowd, &body), SENDERS * body.len(), "all of it is read");
    // They hold all that may be held, and are silent: who is not gets room from them.
    let body = format!("\r\n{}", "x".repeat(990)).repeat(100);
    amy.expect(&format!("#postmessage long 0 100{body}"), DONE);
    let mut done = 0;
    for user in &mut crowd {
        match user.ask("end").as_str() {
            DONE => done += 1,
            answer => assert_eq!(answer, FULL),
        }
    }
    assert!((1..=BODIES_BYTES_MAX / 290_000).contains(&done), "{done} bodies were kept");
    amy.expect("#postmessage short 0 1\r\nx", DONE);
    // A text that grows line by line is kept with up to as much room again.
    watch.finish("100 bodies that never end", 2 * BODIES_BYTES_MAX + SENDERS * CONNECTION_BYTES);
}

#[test]
fn bodies_of_connections_that_go_are_forgotten() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut amy = server.user("amy");
    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    let watch = Watch::over(&server);
    let line = [[0x80; 999].as_slice(), b"\n"].concat();
    let body = [b"#joingroup board\r\n#postmessage long 0 100\r\n", &line.repeat(99)[..]].concat();
    for _ in 0..3 {
        let crowd = users(&server, 40);
        assert_eq!(pour(&crowd, &body), 40 * body.len());
        crowd.into_iter().for_each(Client::reset);
        wait_until("they are gone", || {
            let answer = amy.ask("#whoami");
            answer == "@ret #whoami amy Home 1 board 1"
        });
        amy.expect("#postmessage short 0 1\r\nx", DONE);
    }
    amy.expect("#listmessages", "@ret #listmessages 3");
    watch.finish("bodies that were left", 2 * BODIES_BYTES_MAX + 40 * CONNECTION_BYTES);
}

// Connections.

#[test]
fn a_flood_of_connections_from_one_address_leaves_the_others_their_places() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).serve();
    let watch = Watch::over(&server);
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..2000 {
        let client = stingy("127.0.0.5", &server);
        held.push(client);
        if held.len() > 128 {
            let client = held.swap_remove(64);
            refused += usize::from(client.has_ended_or_warned());
        }
    }
    assert!(refused > 1000, "{refused} were refused");
    from("127.0.0.6", &server).log_in("bob");
    watch.finish("2000 connections of one address", 64 * CONNECTION_BYTES);
}

/// What is asked of a connection that should not be served.
trait Refused {
    fn has_ended_or_warned(self) -> bool;
}

impl Refused for Client {
    fn has_ended_or_warned(mut self) -> bool {
        !matches!(self.try_line(), Ok(Some(line)) if !is_warning(&line))
    }
}

#[test]
fn connections_that_say_nothing_or_half_close_are_closed_in_time() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().set("limits.login_seconds=1").serve();
    let watch = Watch::over(&server);
    let silent = crowd(&server, 300);
    let mut halves = crowd(&server, 100);
    for (n, half) in halves.iter_mut().enumerate() {
        half.send_bytes(
            format!("#login anon half{n}\r\n#whoami\r\n#quit that is cut of").as_bytes(),
        );
        half.finish_sending();
    }
    for half in halves {
        let lines = half.rest();
        assert!(lines.len() == 2 && lines[0] == DONE, "{lines:?}");
    }
    silent.into_iter().for_each(assert_warned);
    watch.finish("400 silent and half-closed connections", 400 * CONNECTION_BYTES);
}

/// Connects many, has them say something, and resets all of them at once.
fn reset_at_once(server: &Server, count: usize) {
    let watch = Watch::over(server);
    let mut crowd: Vec<Client> = Vec::with_capacity(count);
    for n in 0..count {
        crowd.push(stingy(&format!("127.0.2.{}", 1 + n % 50), server));
    }
    for (n, client) in crowd.iter_mut().enumerate() {
        client.send(&format!("#login anon mallory{n}\r\n#listusers\r\n#whoami"));
    }
    let begun = Instant::now();
    crowd.into_iter().for_each(Client::reset);
    let mut amy = server.user("amy");
    wait_until("all of them are gone", || amy.ask("#whoami") == "@ret #whoami amy Home 1 - 0");
    println!("measured: {count} resets are dealt with in {} ms", begun.elapsed().as_millis());
    watch.finish(&format!("{count} connections reset at once"), count * CONNECTION_BYTES);
}

#[test]
fn many_connections_reset_at_once_are_a_moment_of_work() {
    let dir = temporary();
    reset_at_once(&Start::in_dir(dir.path()).unhurried().serve(), 400);
}

#[test]
#[ignore = "slow: ten thousand connections, or as many as the descriptors allow"]
fn ten_thousand_connections_reset_at_once_are_a_moment_of_work() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("a limit can be raised as far as allowed");
    let allowed = limit.current.unwrap_or(u64::MAX).saturating_sub(500);
    let count = usize::try_from(allowed).map_or(10_000, |allowed| allowed.min(10_000));
    let dir = temporary();
    let start = Start::in_dir(dir.path()).unhurried().set("limits.connections=11000");
    reset_at_once(&start.serve(), count);
}

#[test]
fn without_descriptors_who_is_there_goes_on_and_who_comes_is_told() {
    let dir = temporary();
    let server = Start::with_descriptors(dir.path(), 64).unhurried().serve();
    let watch = Watch::over(&server);
    let mut amy = from("127.0.0.8", &server);
    amy.log_in("amy");
    let mut held = Vec::new();
    for n in 0..300 {
        held.push(stingy(&address_of(n), &server));
        amy.expect("#sendto amy x", "@mess #sendto amy \"x\"");
        assert_eq!(amy.line(), DONE);
    }
    amy.expect("#createroom attic", DONE);
    let refused = held.into_iter().skip(64).map(Client::has_ended_or_warned);
    assert!(refused.into_iter().all(|refused| refused), "who cannot be served is told");
    wait_until("there are places again", || {
        let mut next = server.client();
        next.send("#login anon late");
        next.try_line().is_ok_and(|line| line.as_deref() == Some(DONE))
    });
    watch.finish("300 connections for 64 descriptors", 64 * CONNECTION_BYTES);
}

#[test]
fn under_attack_from_all_sides_it_still_stops_in_time() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let watch = Watch::over(&server);
    let crowd = users(&server, 100);
    pour(&crowd[..50], "#listusers\r\n".repeat(20_000).as_bytes());
    pour(&crowd[50..], &[b"#broadcast ", &[0x80; 900][..], b"\r\n"].concat().repeat(3));
    watch.finish("100 attackers", 100 * (CONNECTION_BYTES + SEND_QUEUE_BYTES));
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

// What takes long to work out.

/// A group of which the messages are one chain of replies, each below the one before.
fn chain(server: &Server, length: usize) -> Client {
    let mut mallory = server.user("mallory");
    mallory.expect("#creategroup chain \"\" anon", DONE);
    mallory.expect("#joingroup chain", DONE);
    let posts: Vec<String> = (0..length).map(|n| format!("#postmessage m {n} 0")).collect();
    mallory.expect_done(&posts);
    mallory
}

#[test]
fn a_chain_of_replies_is_listed_and_removed_without_holding_up_others() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut mallory = chain(&server, 9999);
    let mut expirer = server.user("expirer");
    expirer.expect("#creategroup brief \"\" anon", DONE);
    expirer.expect("#joingroup brief", DONE);
    let watch = Watch::over(&server);
    let mut crowd = users_named(&server, 10, "reader");
    crowd.iter_mut().for_each(|user| user.expect("#joingroup chain", DONE));
    // Something is always over and not swept yet, so that it has to be asked of every message.
    for _ in 0..25 {
        expirer.expect("#postmessage brief 0 0 1", DONE);
        thread::sleep(Duration::from_millis(50));
    }
    for _ in 0..3 {
        expirer.expect("#postmessage brief 0 0 1", DONE);
        crowd.iter_mut().for_each(|user| user.send("#listmessages"));
        for user in &mut crowd {
            assert_eq!(user.line(), "@ret #listmessages 9999");
            (0..9999).for_each(|_| drop(user.line()));
        }
    }
    mallory.expect("#rmmessage 1", DONE);
    watch.finish("a chain of 9999 replies", 16 * 1024 * 256);
}

#[test]
fn messages_that_end_all_at_once_do_not_hold_up_others() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut mallory = server.user("mallory");
    mallory.expect("#creategroup brief \"\" anon", DONE);
    mallory.expect("#joingroup brief", DONE);
    let mut crowd = users_named(&server, 100, "reader");
    crowd.iter_mut().for_each(|user| user.expect("#joingroup brief", DONE));
    let watch = Watch::over(&server);
    mallory.expect_done(&vec!["#postmessage m 0 0 4".to_owned(); 10_000]);
    let end = Instant::now() + PATIENCE;
    // Asked one by one: a list of them all would lose more rows under its reader than are kept for it.
    while mallory.ask("#getmessage 9900").starts_with("@ret ") {
        assert!(Instant::now() < end, "they do not end");
    }
    // Their time is over, and most of them are still there until the next sweep.
    crowd.iter_mut().for_each(|user| user.send(&["#listmessages 0"; 5].join("\r\n")));
    for user in &mut crowd {
        for _ in 0..5 {
            let head = user.line();
            let count = head.strip_prefix("@ret #listmessages ").and_then(|n| n.parse().ok());
            let count: usize = count.unwrap_or_else(|| panic!("{head}"));
            (0..count).for_each(|_| drop(user.line()));
        }
    }
    watch.finish("10,000 messages that end at once", 16 * 1024 * 256 + 100 * CONNECTION_BYTES);
}

#[test]
fn rows_kept_for_a_stopped_reader_do_not_slow_the_lists_of_others() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).unhurried().serve();
    let mut mallory = server.user("mallory");
    mallory.expect("#creategroup board \"\" anon", DONE);
    mallory.expect("#joingroup board", DONE);
    let top = |name: &str| format!("#postmessage {name} 0 0");
    mallory.expect_done(&vec![top("kept"); 2000]);
    let mut stopped = users(&server, 1);
    stopped[0].expect("#joingroup board", DONE);
    pour(&stopped, "#listmessages\r\n".repeat(200).as_bytes());
    // Twice 7,900 rows go that the stopped reader may still want to see.
    for round in 0..2 {
        let root = 2001 + round * 7900;
        let mut posts = vec![top("gone")];
        posts.resize(7900, format!("#postmessage gone {root} 0"));
        mallory.expect_done(&posts);
        mallory.expect(&format!("#rmmessage {root}"), DONE);
    }
    let watch = Watch::over(&server);
    let mut crowd = users_named(&server, 600, "reader");
    crowd.iter_mut().for_each(|user| user.expect("#joingroup board", DONE));
    crowd.iter_mut().for_each(|user| user.send("#listmessages"));
    for user in &mut crowd {
        assert_eq!(user.line(), "@ret #listmessages 2000");
        (0..2000).for_each(|_| drop(user.line()));
    }
    watch.finish("16,000 rows kept for a stopped reader", 16 * 1024 * 256 + 600 * CONNECTION_BYTES);
}
