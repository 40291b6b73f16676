//! Hostile clients of `helo`, `chatapp`, `crimp` and `json` against the real program, as `hostile.rs` has them for MEC:
//! each test attacks a server of its own while an honest client asks it something all the time. That client is served
//! throughout, and the server's anonymous memory stays under a bound that follows from its limits. What is measured is
//! printed; `docs/limits.md` keeps it.

mod common;
#[path = "hostile_dialects/mate.rs"]
mod mate;
mod program_support;

use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use common::framing::Speech;
use mate::{Mate, frame};
use mecd::limits::{
    ANSWERS_WAITING_MAX, CHATAPP_FRAME_BYTES_MAX, CRIMP_ANSWER_BYTES_MAX, CRIMP_COMMAND_BYTES_MAX,
    HELO_LINE_BYTES_MAX, OBJECT_BYTES_MAX, OBJECT_LEVELS_MAX, READ_BYTES_MAX,
};
use program_support::attack::{Room, SEND_QUEUE_BYTES, Watch, address_of, pour};
use program_support::{Client, LOOK_AGAIN, PATIENCE, Server, Start, temporary};

/// The dialects that are attacked, with two of the framings of `crimp`.
const SPEECHES: [Speech; 5] =
    [Speech::Helo, Speech::Chatapp, Speech::CrimpFrames, Speech::CrimpLines, Speech::Json];

/// Bytes that one connection makes the server hold at most, with short answers and no events: what was read and must
/// wait, the longest command of any dialect with as much room again, answers, and a kilobyte of tables.
const CONNECTION_BYTES: usize =
    READ_BYTES_MAX + 2 * CRIMP_COMMAND_BYTES_MAX + ANSWERS_WAITING_MAX + 1024;

/// Bytes of an attack that has no end.
const ENDLESS: usize = 1 << 20;

/// Starts a server that speaks everything.
fn serve(start: Start) -> Server {
    let start = start.args(["--listen", "mec=127.0.0.1:0", "--listen", "helo=127.0.0.1:0"]);
    let start = start.args(["--listen", "chatapp=127.0.0.1:0", "--listen", "crimp=127.0.0.1:0"]);
    let start = start.args(["--listen", "json=127.0.0.1:0"]).listeners(5);
    start.set("helo.ping_seconds=0").set("json.ping_seconds=0").serve()
}

/// So many of each dialect with little room for what arrives, logged in.
fn mates(server: &Server, count: usize, name: &str) -> Vec<Mate> {
    let mut mates = Vec::new();
    for n in 0..count * SPEECHES.len() {
        let speech = SPEECHES[n % SPEECHES.len()];
        let name = format!("{name}{n}");
        mates.push(Mate::logged_in(server, speech, &address_of(n), &name, Room::Little));
    }
    mates
}

/// Only the connections.
fn clients(mates: Vec<Mate>) -> Vec<Client> {
    mates.into_iter().map(|mate| mate.client).collect()
}

// Slow senders.

/// What is sent first, and what then again and again: nothing ever ends in it.
fn drip(speech: Speech) -> (&'static [u8], &'static [u8]) {
    match speech {
        Speech::Helo => (b"BCST ", b"x"),
        Speech::Chatapp => (b"2000                {\"data\":\"", b"x"),
        Speech::CrimpFrames => (b"\x1f\xff", b"x"),
        Speech::CrimpLines => (b"bob POST ", b"x"),
        Speech::Json => (b"{\"Command\":\"", b"x"),
        Speech::Mec | Speech::CrimpBare => panic!("nobody attacks with these"),
    }
}

#[test]
fn slow_senders_of_every_dialect_are_closed_when_their_time_to_log_in_is_over() {
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).set("limits.login_seconds=2"));
    let watch = Watch::over(&server);
    let begun = Instant::now();
    let mut crowd = Vec::new();
    for n in 0..20 * SPEECHES.len() {
        let speech = SPEECHES[n % SPEECHES.len()];
        let mate = Mate::new(&server, speech, &address_of(n), Room::Little);
        let (first, again) = drip(speech);
        mate.client.socket().write_all(first).expect("the server takes it");
        crowd.push((mate, again));
    }
    while !crowd.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "{} of them may go on for ever", crowd.len());
        crowd.retain_mut(|(mate, again)| {
            let ended = mate.has_ended();
            // The end may come between the look and the write.
            let _ = mate.client.socket().write(again);
            !ended
        });
        std::thread::sleep(LOOK_AGAIN);
    }
    assert!(begun.elapsed() >= Duration::from_secs(2));
    watch.finish("100 slow senders of four dialects", 100 * CONNECTION_BYTES);
}

// Frames without an end, and lengths at and beyond the bound.

/// What has no end.
fn endless(speech: Speech) -> Vec<u8> {
    let bytes = match speech {
        Speech::Helo | Speech::CrimpLines => Vec::new(),
        Speech::Chatapp => b"1048576             ".to_vec(),
        // A command as long as a frame can say, again and again.
        Speech::CrimpFrames => return [&[0xff, 0xff][..], &[b'x'; 0xffff]].concat().repeat(16),
        Speech::Json => b"{\"Command\":\"".to_vec(),
        Speech::Mec | Speech::CrimpBare => panic!("nobody attacks with these"),
    };
    [bytes, vec![b'x'; ENDLESS]].concat()
}

#[test]
fn what_never_ends_costs_what_one_command_may_cost() {
    const EACH: usize = 20;
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let crowd = mates(&server, EACH, "mallory");
    let watch = Watch::over(&server);
    for speech in SPEECHES {
        let of_one = crowd.iter().filter(|mate| mate.speech == speech);
        let of_one = of_one.map(|mate| mate.client.socket().try_clone().expect("it can be shared"));
        let of_one: Vec<Client> = of_one.map(Client::over).collect();
        pour(&of_one, &endless(speech));
    }
    for mate in crowd {
        // `crimp` has a word for a command that is too long; all others end the connection.
        let is_crimp = matches!(mate.speech, Speech::CrimpFrames | Speech::CrimpLines);
        if is_crimp {
            let _ = mate.client.socket().write(b"\n");
            let _ = mate.client.socket().shutdown(Shutdown::Write);
        }
        let speech = mate.speech;
        let said = mate.rest().join("\n");
        let wanted = match speech {
            Speech::Chatapp => "\"code\":4,",
            Speech::Json => "too-long",
            Speech::CrimpFrames | Speech::CrimpLines => "ERR_ILLEGALCOMMAND",
            Speech::Helo | Speech::Mec | Speech::CrimpBare => "DSCN",
        };
        assert!(said.contains(wanted), "{speech:?}: {said}");
    }
    let count = EACH * SPEECHES.len();
    watch.finish("100 frames without an end, 1 MB each, four dialects", count * CONNECTION_BYTES);
}

/// A whole request of exactly so many bytes, as far as its bound counts them, and whether it is taken.
fn of_length(speech: Speech, name: &str, length: usize) -> Vec<u8> {
    let fill = |around: String| {
        let count = length - (around.len() - 1);
        around.replacen('\u{1}', &"x".repeat(count), 1)
    };
    let text = match speech {
        Speech::Helo => fill("BCST \u{1}".to_owned()),
        Speech::Chatapp => fill(frame("ChatMessage", name, "Home", "\u{1}")),
        Speech::CrimpFrames | Speech::CrimpLines => fill(format!("{name} NONSENSE \u{1}")),
        Speech::Json => fill("{\"Command\":\"ping\",\"x\":\"\u{1}\"}".to_owned()),
        Speech::Mec | Speech::CrimpBare => panic!("nobody attacks with these"),
    };
    assert_eq!(text.len(), length);
    speech.encode(&text).expect("it can be said")
}

#[test]
fn a_request_as_long_as_may_be_is_taken_and_a_longer_one_is_not() {
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let watch = Watch::over(&server);
    let bounds = [
        (Speech::Helo, HELO_LINE_BYTES_MAX),
        (Speech::Chatapp, CHATAPP_FRAME_BYTES_MAX),
        (Speech::CrimpFrames, CRIMP_COMMAND_BYTES_MAX),
        (Speech::CrimpLines, CRIMP_COMMAND_BYTES_MAX),
        (Speech::Json, OBJECT_BYTES_MAX),
    ];
    for (n, (speech, most)) in bounds.into_iter().enumerate() {
        let name = format!("mallory{n}");
        let mut mate = Mate::logged_in(&server, speech, "127.0.1.1", &name, Room::Ample);
        mate.client.send_bytes(&of_length(speech, &name, most));
        mate.is_served(&name);
        mate.client.send_bytes(&of_length(speech, &name, most + 1));
        if matches!(speech, Speech::CrimpFrames | Speech::CrimpLines) {
            mate.read_until("ERR_ILLEGALCOMMAND");
            mate.is_served(&name);
        } else {
            assert!(mate.rest().len() <= 2, "{speech:?} is told why, and closed");
        }
    }
    watch.finish("requests at and beyond their bounds", SPEECHES.len() * CONNECTION_BYTES);
}

// What cannot be read.

/// Sends each of these over a connection of its own, ends it, and sees that the server lets go of it.
fn throw(server: &Server, speech: Speech, garbage: &[Vec<u8>]) {
    for (n, bytes) in garbage.iter().enumerate() {
        let name = format!("{}{n}", speech.word());
        let mut mate = Mate::logged_in(server, speech, "127.0.1.2", &name, Room::Ample);
        // It may be closed while this is sent.
        let _ = mate.client.socket().write_all(bytes);
        let _ = mate.client.socket().shutdown(Shutdown::Write);
        let begun = Instant::now();
        while mate.next().is_some() {
            assert!(begun.elapsed() < PATIENCE, "{speech:?} {n} is not let go");
        }
    }
}

#[test]
fn deep_and_huge_json_is_refused_and_costs_nothing() {
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let watch = Watch::over(&server);
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels - 1), "]".repeat(levels - 1));
        format!(r#"{{"Command":"ping","x":{open}{close}}}"#)
    };
    let levels = OBJECT_LEVELS_MAX as usize;
    let mut deep = Mate::logged_in(&server, Speech::Json, "127.0.1.1", "deep", Room::Ample);
    deep.expect(&nested(levels), r#"{"Command":"ping"}"#);
    deep.send(&nested(levels + 1));
    assert!(deep.next().is_some_and(|answer| answer.contains("too-deep")));
    let objects: Vec<String> = [
        nested(3000),
        "[".repeat(100_000),
        r#"{"":"#.repeat(50_000),
        format!(r#"{{"Command":"msg","To":{}}}"#, "9".repeat(5000)),
        r#"{"Command":"ping","x":1e999999999}"#.repeat(1000),
        r#"{"Command":"ping","x":"\ud800"}"#.repeat(1000),
        r#"{"Command":"\u0070ing","\u0000":"\u0000"}"#.repeat(1000),
        format!("{{{}}}", (0..900).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")),
        r#"{"Command":"ping","Command":"ping","command":"msg"}"#.repeat(1000),
        "\"".repeat(100_000),
        "}".repeat(100_000),
        "{}".repeat(100_000),
        " ".repeat(1 << 20),
    ]
    .into();
    let framed = |text: &String| {
        let text = &text[..text.len().min(CHATAPP_FRAME_BYTES_MAX)];
        Speech::Chatapp.encode(text).expect("it can be framed")
    };
    throw(&server, Speech::Json, &objects.iter().map(|it| it.clone().into()).collect::<Vec<_>>());
    throw(&server, Speech::Chatapp, &objects.iter().map(framed).collect::<Vec<_>>());
    watch.finish("JSON that is deep, huge or none", 2 * objects.len() * CONNECTION_BYTES);
}

#[test]
fn bytes_that_are_no_text_are_refused_in_every_dialect_and_reach_nobody() {
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let watch = Watch::over(&server);
    let mut amy = server.user("amy");
    let bodies: [&[u8]; 12] = [
        b"\x00",
        b"\xff\xff\xff\xff",
        b"\xc0\x80",
        b"\xc0",
        b"\xc1\x81",
        b"\xe0\x80\x80",
        b"\xed\xa0\xbd",
        b"\xed\xb8\x80\xed\xa0\xbd",
        b"\xf0\x9f\x98\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\x1b[2J\x07\x08",
        b"\xe2\x80\xae\xe2\x80\x8b",
    ];
    for speech in SPEECHES {
        let around = |body: &[u8]| -> Vec<u8> {
            let said = String::from_utf8_lossy(match speech {
                Speech::Helo => b"BCST @",
                Speech::CrimpFrames | Speech::CrimpLines => b"crimp POST Home @",
                Speech::Json => {
                    br#"{"Command":"msg","To":"Home","Type":"group-message","Message":"@"}"#
                }
                _ => b"@",
            })
            .into_owned();
            let said = if speech == Speech::Chatapp {
                frame("ChatMessage", "chatapp", "Home", "@")
            } else {
                said
            };
            let (before, behind) = said.split_once('@').expect("there is a place for it");
            let text = [before.as_bytes(), body, behind.as_bytes()].concat();
            match speech {
                Speech::CrimpFrames => [&(text.len() as u16).to_be_bytes()[..], &text].concat(),
                Speech::Chatapp => [format!("{:<20}", text.len()).as_bytes(), &text].concat(),
                _ => [&text[..], b"\n"].concat(),
            }
        };
        let garbage: Vec<Vec<u8>> = bodies.iter().map(|body| around(body)).collect();
        throw(&server, speech, &garbage);
    }
    amy.send("#sendto amy end");
    loop {
        let line = amy.line();
        assert!(!line.chars().any(char::is_control), "{line:?}");
        if line == "@mess #sendto amy \"end\"" {
            break;
        }
    }
    watch.finish("bytes that are no text", 60 * CONNECTION_BYTES);
}

// Slow readers.

#[test]
fn readers_of_every_dialect_that_stop_cost_their_queue_and_are_dropped_at_its_limit() {
    const EACH: usize = 4;
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let stopped = mates(&server, EACH, "mallory");
    // Nothing is told to users of `crimp`.
    let readers = 3 * EACH;
    let watch = Watch::over(&server);
    let mut amy = server.user("amy");
    let round = format!("#broadcast {}\r\n", "y".repeat(400)).repeat(100);
    let dropped = || server.log().matches("send_queue_bytes").count();
    let mut rounds = 0;
    while dropped() < readers {
        rounds += 1;
        assert!(rounds < 4000, "{} of {readers} are dropped after 160 MB", dropped());
        amy.send_bytes(round.as_bytes());
        (0..100).for_each(|_| drop(amy.line()));
    }
    watch.finish("12 readers of three dialects that stopped", readers * 2 * SEND_QUEUE_BYTES);
    drop(stopped);
}

#[test]
fn who_asks_without_reading_is_not_read_from_in_any_dialect() {
    const EACH: usize = 10;
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let mut amy = server.user("amy");
    // What a room remembers, in as many bytes as it may.
    for _ in 0..50 {
        let text = "h".repeat(600);
        amy.expect(&format!("#broadcast {text}"), &format!("@mess #broadcast amy \"{text}\""));
    }
    let crowd = mates(&server, EACH, "mallory");
    let watch = Watch::over(&server);
    for speech in SPEECHES {
        let question = |n: usize| match speech {
            Speech::Helo => "GET_USERS *all".to_owned(),
            Speech::Chatapp => frame("ChatMessage", "nobody", "Home", "x"),
            Speech::Json => r#"{"Command":"history","Group":"Home","N":50}"#.to_owned(),
            _ => format!("mallory{n} RETV Home"),
        };
        for (n, mate) in crowd.iter().enumerate().filter(|(_, mate)| mate.speech == speech) {
            let client = Client::over(mate.client.socket().try_clone().expect("it is shared"));
            let questions = speech.encode(&question(n)).expect("it can be said").repeat(2000);
            pour(&[client], &questions);
        }
    }
    let each = CONNECTION_BYTES + 2 * CRIMP_ANSWER_BYTES_MAX;
    let count = EACH * SPEECHES.len();
    watch.finish("50 floods of questions of four dialects, no answer read", count * each);
}

#[test]
fn who_joins_rooms_and_reads_slowly_gets_what_was_said_there() {
    const ROOMS: usize = 10;
    const LINES: usize = 10;
    /// With what is said in so many visits, more comes than the kernel takes for anybody.
    const VISITS: usize = 1000;
    let dir = temporary();
    let start = Start::with_data(dir.path()).unhurried().set("limits.send_queue_bytes=4096");
    let server = serve(start);
    let mut amy = server.user("amy");
    let text = "h".repeat(900);
    for n in 0..ROOMS {
        amy.expect(&format!("#createroom r{n}"), "@status 0");
        amy.expect(&format!("#changeroom r{n}"), "@status 0");
        for _ in 0..LINES {
            amy.expect(&format!("#broadcast {text}"), &format!("@mess #broadcast amy \"{text}\""));
        }
    }
    let mut slow = Mate::logged_in(&server, Speech::Chatapp, "127.0.1.1", "slow", Room::Little);
    let ask = |kind: &str, n: usize| {
        let request = frame(kind, "slow", "Server", &format!("r{}", n % ROOMS));
        Speech::Chatapp.encode(&request).expect("it can be said")
    };
    let requests = (0..VISITS).flat_map(|n| [ask("JoinMessage", n), ask("LeaveMessage", n)]);
    let requests: Vec<u8> = requests.flatten().collect();
    let mut socket = slow.client.socket().try_clone().expect("a socket can be shared");
    let writer = std::thread::spawn(move || socket.write_all(&requests));
    // Until the kernel takes nothing more for it.
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..VISITS * LINES {
        slow.read_until(&text);
    }
    writer.join().expect("it only writes").expect("all is sent");
    slow.is_served("slow");
}

// Floods.

#[test]
fn a_pipelined_flood_of_every_dialect_is_answered_one_by_one() {
    const COUNT: usize = 20_000;
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let watch = Watch::over(&server);
    for speech in SPEECHES {
        let name = format!("flood{}", speech.word());
        let mut mate = Mate::logged_in(&server, speech, "127.0.1.1", &name, Room::Ample);
        let text = match speech {
            Speech::Helo => "NONSENSE".to_owned(),
            Speech::Chatapp => frame("JoinMessage", &name, "Server", ""),
            Speech::Json => r#"{"Command":"ping"}"#.to_owned(),
            _ => format!("{name} NONSENSE"),
        };
        let bytes = speech.encode(&text).expect("it can be said");
        let mut socket = mate.client.socket().try_clone().expect("a socket can be shared");
        let writer = std::thread::spawn(move || {
            let some = bytes.repeat(1000);
            (0..COUNT / 1000).for_each(|_| socket.write_all(&some).expect("it is taken"));
        });
        for n in 0..COUNT {
            assert!(mate.next().is_some(), "{speech:?}: only {n} answers");
        }
        writer.join().expect("all is sent");
        // The two of `crimp` have one name.
        drop(mate.client);
        if speech == Speech::CrimpFrames {
            let mut other = server.client();
            program_support::wait_until("it has gone", || {
                other.ask("#login anon floodcrimp") == "@status 0"
            });
            other.expect("#quit", "@status 0");
        }
    }
    watch.finish("five times 20,000 requests of four dialects", CONNECTION_BYTES);
}

#[test]
fn a_flood_over_the_rate_waits_with_who_sent_it_in_every_dialect() {
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()));
    let crowd = mates(&server, 10, "mallory");
    let watch = Watch::over(&server);
    for speech in SPEECHES {
        let text = match speech {
            Speech::Json => r#"{"Command":"ping"}"#.to_owned(),
            Speech::Chatapp => frame("JoinMessage", "x", "Server", ""),
            _ => "x NONSENSE".to_owned(),
        };
        let of_one = crowd.iter().filter(|mate| mate.speech == speech);
        let of_one = of_one.map(|mate| mate.client.socket().try_clone().expect("it can be shared"));
        let of_one: Vec<Client> = of_one.map(Client::over).collect();
        pour(&of_one, &speech.encode(&text).expect("it can be said").repeat(50_000));
    }
    watch.finish("50 floods over the rate of four dialects", 50 * CONNECTION_BYTES);
}

// Connections.

/// Connects from each of these addresses to one port after the other, and waits until so many have been refused: those
/// who are served, and what the others were told.
fn knock(
    server: &Server,
    crowd: impl Iterator<Item = (usize, String)>,
    refused: usize,
) -> (Vec<Mate>, Vec<(Speech, String)>) {
    let one = |(n, from): (usize, String)| {
        Mate::new(server, SPEECHES[n % SPEECHES.len()], &from, Room::Little)
    };
    let (mut held, mut told) = (crowd.map(one).collect::<Vec<_>>(), Vec::new());
    let begun = Instant::now();
    // Each port has a queue of its own, so nobody knows who comes first.
    while told.len() < refused {
        assert!(begun.elapsed() < PATIENCE, "only {} were refused", told.len());
        let mut left = Vec::new();
        for mut mate in held {
            if mate.has_ended() {
                told.push((mate.speech, String::from_utf8_lossy(&mate.came).into_owned()));
            } else {
                left.push(mate);
            }
        }
        held = left;
        std::thread::sleep(LOOK_AGAIN);
    }
    (held, told)
}

#[test]
fn a_flood_of_connections_to_every_port_leaves_other_addresses_their_places() {
    const PER_ADDRESS: usize = 64;
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()));
    let watch = Watch::over(&server);
    let crowd = (0..500).map(|n| (n, "127.0.0.5".to_owned()));
    let (held, refused) = knock(&server, crowd, 500 - PER_ADDRESS);
    assert_eq!(held.len(), PER_ADDRESS);
    // Who has no place is told in the words of its dialect, if that has any, and closed.
    for (speech, said) in refused {
        let wanted = match speech {
            Speech::Helo => "DSCN ",
            Speech::Chatapp => "\"code\":2,",
            Speech::Json => "address-full",
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare | Speech::Mec => "",
        };
        assert!(said.contains(wanted), "{speech:?}: {said}");
    }
    for (n, speech) in SPEECHES.into_iter().enumerate() {
        let name = format!("bob{n}");
        Mate::logged_in(&server, speech, "127.0.0.6", &name, Room::Ample).is_served(&name);
    }
    watch.finish("500 connections of one address to four ports", PER_ADDRESS * CONNECTION_BYTES);
}

#[test]
fn all_ports_together_take_no_more_connections_than_are_allowed() {
    let dir = temporary();
    let start = Start::with_data(dir.path()).unhurried().set("limits.connections=50");
    let server = serve(start);
    let mut amy = server.user("amy");
    let crowd = (0..200).map(|n| (n, address_of(n)));
    let (held, _) = knock(&server, crowd, 151);
    assert_eq!(held.len(), 49);
    amy.expect("#whoami", "@ret #whoami amy Home 1 - 0");
    held.into_iter().for_each(|mate| mate.client.reset());
    program_support::wait_until("there are places again", || {
        let mut mate = Mate::new(&server, Speech::Helo, "127.0.0.7", Room::Ample);
        mate.next().is_some_and(|greeting| greeting.starts_with("HELO "))
    });
}

#[test]
fn under_attack_in_every_dialect_it_still_stops_in_time() {
    const EACH: usize = 10;
    let dir = temporary();
    let server = serve(Start::with_data(dir.path()).unhurried());
    let crowd = clients(mates(&server, EACH, "mallory"));
    let watch = Watch::over(&server);
    for (n, client) in crowd.iter().enumerate() {
        let client = Client::over(client.socket().try_clone().expect("it can be shared"));
        pour(&[client], &endless(SPEECHES[n % SPEECHES.len()])[..4000]);
    }
    watch.finish("50 attackers of four dialects", EACH * SPEECHES.len() * CONNECTION_BYTES);
    let begun = Instant::now();
    server.stop();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
