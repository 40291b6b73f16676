//! Browsers against the real program: the page on both ports, WebSockets by a peer that others wrote, and people in
//! telnet in the same room (spec `web.md`).

#![expect(clippy::unwrap_used, reason = "a test ends where something is not as expected")]

mod program_support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use mecd::store::Shape;
use program_support::{Client, Server, Start, temporary};
use rustix::process::Signal;
use tungstenite::client::IntoClientRequest;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tungstenite::protocol::frame::{CloseFrame, Frame};
use tungstenite::{Message, WebSocket};

/// A server with a MEC port, a page and metrics, in this order.
fn start(cwd: &Path) -> Start {
    Start::in_dir(cwd)
        .args(["--listen", "web=127.0.0.1:0", "--listen", "metrics=127.0.0.1:0"])
        .listeners(3)
        .unhurried()
}

/// A request that leaves nothing open.
const HEALTH: &str = "GET /healthz HTTP/1.1\nHost: pi\nConnection: close\n\n";

struct Browser(WebSocket<TcpStream>);

impl Browser {
    fn open(at: SocketAddr) -> Self {
        Self::try_open(at, None).expect("the handshake succeeds")
    }

    fn try_open(at: SocketAddr, origin: Option<&str>) -> Result<Self, String> {
        let socket = TcpStream::connect(at).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut request = format!("ws://{at}/mec").into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let config = WebSocketConfig::default();
        let opened = tungstenite::client::client_with_config(request, socket, Some(config));
        opened.map(|(socket, _)| Self(socket)).map_err(|error| error.to_string())
    }

    fn user(at: SocketAddr, name: &str) -> Self {
        let mut browser = Self::open(at);
        browser.ask(&format!("#login anon {name}"), "@status 0");
        browser
    }

    fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    /// The next message that is no ping.
    fn hear(&mut self) -> Message {
        loop {
            let message = self.0.read().unwrap();
            if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
                return message;
            }
        }
    }

    /// The next line; each message that is heard in these tests has one.
    fn line(&mut self) -> String {
        let text = self.hear().into_text().unwrap();
        text.strip_suffix("\r\n").unwrap_or_else(|| panic!("{text:?}")).to_owned()
    }

    fn ask(&mut self, line: &str, answer: &str) {
        self.send(line);
        assert_eq!(self.line(), answer, "{line}");
    }

    /// The code with which the server closes.
    fn code(&mut self) -> CloseCode {
        match self.hear() {
            Message::Close(Some(frame)) => frame.code,
            other => panic!("{other:?}"),
        }
    }
}

/// What a head is answered, up to the end of the connection.
fn fetched(at: SocketAddr, head: &str) -> String {
    fetched_as_it_is(at, head).replace("\r\n", "\n")
}

fn fetched_as_it_is(at: SocketAddr, head: &str) -> String {
    let mut socket = TcpStream::connect(at).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    socket.write_all(head.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_page_is_served_on_both_ports_and_to_nobody_counted_as_a_user() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let mut telnet = server.user("tel");
    for at in &server.addresses[..2] {
        let answer = fetched(*at, "GET / HTTP/1.1\nHost: pi\nConnection: close\n\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{at}: {answer}");
        let mut waiting = Client::connect(*at);
        waiting.send_bytes(b"GET /healthz HTTP/1.1\r\nHost: pi\r\n\r\n");
        assert_eq!(waiting.line(), "HTTP/1.1 200 OK");
        assert_eq!(telnet.list("#listusers"), ["tel anon"], "a browser that reads is nobody yet");
    }
}

#[test]
fn a_browser_and_telnet_talk_in_one_room_and_alone() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let mut telnet = server.user("tel");
    let mut near = Browser::user(server.addresses[0], "near");
    let mut far = Browser::user(server.addresses[1], "far");
    assert_eq!(telnet.list("#listusers"), ["tel anon", "near anon", "far anon"]);
    far.send("#broadcast hello \u{e9}\"all\"");
    let said = "@mess #broadcast far \"hello \u{e9}\\\"all\\\"\"";
    assert_eq!(telnet.line(), said);
    assert_eq!(near.line(), said);
    assert_eq!(far.line(), said);
    telnet.expect("#sendto near psst", "@status 0");
    assert_eq!(near.line(), "@mess #sendto tel \"psst\"");
    near.send("#sendto tel ok\r\n#sendto far you too\n#whoami");
    assert_eq!(near.line(), "@status 0");
    assert_eq!(near.line(), "@status 0");
    assert_eq!(near.line(), "@ret #whoami near Home 3 - 0");
    assert_eq!(telnet.line(), "@mess #sendto near \"ok\"");
    assert_eq!(far.line(), "@mess #sendto near \"you too\"");
    far.send("#createroom den pw\n#changeroom den pw");
    assert_eq!((far.line(), far.line()), ("@status 0".into(), "@status 0".into()));
    near.ask("#changeroom den", "@status 3101");
    near.ask("#changeroom den pw", "@status 0");
    near.send("#broadcast in here");
    assert_eq!(far.line(), "@mess #broadcast near \"in here\"");
    telnet.expect("#whoami", "@ret #whoami tel Home 1 - 0");
}

#[test]
fn a_broadcast_is_framed_once_for_all_browsers() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let mut browsers: Vec<Browser> =
        (0..50).map(|no| Browser::user(server.addresses[1], &format!("b{no}"))).collect();
    let mut telnets: Vec<Client> = (0..50).map(|no| server.user(&format!("t{no}"))).collect();
    let before = metric(&server, "mecd_renderings_total");
    browsers[0].send("#broadcast once");
    for browser in &mut browsers {
        assert_eq!(browser.line(), "@mess #broadcast b0 \"once\"");
    }
    for telnet in &mut telnets {
        assert_eq!(telnet.line(), "@mess #broadcast b0 \"once\"");
    }
    assert_eq!(metric(&server, "mecd_renderings_total") - before, 2, "one for each dialect");
}

const METRICS: &str = "GET /metrics HTTP/1.1\nHost: pi\nConnection: close\n\n";

/// The metrics page.
struct Page(String);

impl Page {
    fn of(server: &Server) -> Self {
        Self(fetched_as_it_is(server.addresses[2], METRICS))
    }

    fn words(&self, name: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{name} in {}", self.0))
    }

    fn number(&self, name: &str) -> u64 {
        self.words(name).parse().unwrap()
    }

    /// By how much a number has grown since an earlier page.
    fn since(&self, earlier: &Self, name: &str) -> u64 {
        self.number(name) - earlier.number(name)
    }

    fn refused(&self, reason: &str) -> u64 {
        self.number(&format!("mecd_refused_total{{reason=\"{reason}\"}}"))
    }

    fn seconds(&self, name: &str) -> f64 {
        self.words(name).parse().unwrap()
    }
}

/// A number of the metrics page.
fn metric(server: &Server, name: &str) -> u64 {
    Page::of(server).number(name)
}

#[test]
fn metrics_count_what_happens() {
    let cwd = temporary();
    let server = start(cwd.path()).set("limits.connections=8").serve();
    let mut telnet = server.user("tel");
    telnet.expect("#createroom den", "@status 0");
    assert_eq!(metric(&server, "mecd_users"), 1);
    assert_eq!(metric(&server, "mecd_rooms"), 2);
    assert!(metric(&server, "mecd_lines_in_total") >= 2);
    let mut others = Vec::new();
    let health = || fetched(server.addresses[1], HEALTH);
    program_support::wait_until("there is no place left", || {
        others.push(server.client());
        health().starts_with("HTTP/1.1 503 Service Unavailable")
    });
    drop(others);
    program_support::wait_until("there is a place again", || health().starts_with("HTTP/1.1 200"));
    assert!(metric(&server, "mecd_refused_total{reason=\"server_full\"}") >= 1);
    let page =
        fetched(server.addresses[1], "GET /metrics HTTP/1.1\nHost: a\nConnection: close\n\n");
    assert!(page.starts_with("HTTP/1.1 404"), "not for everybody");
}

#[test]
fn metrics_count_every_line_and_byte_in_and_out_and_the_turns() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let mut amy = server.user("amy");
    let first = Page::of(&server);
    let idle = Page::of(&server);
    // What the page itself costs: its own request is in it, and the answer to it is in the next one.
    let own_lines_in = idle.since(&first, "mecd_lines_in_total");
    let own_lines_out = idle.since(&first, "mecd_lines_out_total");
    let own_bytes_in = METRICS.replace('\n', "\r\n").len() as u64;
    assert_eq!(idle.since(&first, "mecd_bytes_in_total"), own_bytes_in);
    assert_eq!(idle.since(&first, "mecd_bytes_out_total"), first.0.len() as u64);

    let asked = "#whoami\r\n#sendto amy hello\r\n#broadcast hello\r\n#listusers\r\n";
    let answers = [
        "@ret #whoami amy Home 1 - 0",
        "@mess #sendto amy \"hello\"",
        "@status 0",
        "@mess #broadcast amy \"hello\"",
        "@ret #listusers 1",
        "amy anon",
    ];
    amy.send_bytes(asked.as_bytes());
    for answer in answers {
        assert_eq!(amy.line(), answer);
    }
    let then = Page::of(&server);
    let of_amy = |name: &str, own: u64| then.since(&idle, name) - own;
    assert_eq!(of_amy("mecd_lines_in_total", own_lines_in), 4);
    assert_eq!(of_amy("mecd_lines_out_total", own_lines_out), answers.len() as u64);
    assert_eq!(of_amy("mecd_bytes_in_total", own_bytes_in), asked.len() as u64);
    let bytes: usize = answers.iter().map(|answer| answer.len() + 2).sum();
    assert_eq!(of_amy("mecd_bytes_out_total", idle.0.len() as u64), bytes as u64);

    for _ in 0..100 {
        amy.expect("#whoami", answers[0]);
    }
    let last = Page::of(&server);
    assert!(last.since(&then, "mecd_turn_seconds_count") >= 100, "an answer takes a turn");
    let seconds = |page: &Page| page.seconds("mecd_turn_seconds_sum");
    assert!(seconds(&then) > 0.0 && seconds(&last) > seconds(&then), "and a turn takes time");
}

#[test]
fn metrics_show_what_is_there_now() {
    let cwd = temporary();
    let server = start(cwd.path()).set("limits.message_lines=1000").serve();
    let mut amy = server.user("amy");
    let before = Page::of(&server);
    assert_eq!(before.number("mecd_connections"), 2, "amy's and its own");
    assert_eq!((before.number("mecd_groups"), before.number("mecd_messages")), (0, 0));
    let others = ["bob", "cid", "dan"].map(|name| server.user(name));
    amy.expect("#creategroup news \"\" anon", "@status 0");
    amy.expect("#creategroup more \"\" anon", "@status 0");
    amy.expect("#joingroup news", "@status 0");
    let body = format!("\r\n{}", "x".repeat(990)).repeat(900);
    for _ in 0..3 {
        amy.expect(&format!("#postmessage post 0 900{body}"), "@status 0");
    }
    program_support::wait_until("the last page has gone", || {
        metric(&server, "mecd_connections") == 5
    });
    let then = Page::of(&server);
    assert_eq!(then.number("mecd_users"), 4);
    assert_eq!((then.number("mecd_groups"), then.number("mecd_messages")), (2, 3));
    let grown = then.since(&before, "mecd_disk_bytes");
    // The log takes whole pieces of the disk, and one of them was there before.
    let (said, piece) = (3 * 900 * 990, u64::from(Shape::STANDARD.piece_bytes));
    assert!((said - piece..said + piece).contains(&grown), "{grown} bytes for {said}");
    amy.expect("#rmmessage 2", "@status 0");
    amy.expect("#rmgroup more", "@status 0");
    drop(others);
    program_support::wait_until("the others have gone", || {
        let page = Page::of(&server);
        (page.number("mecd_connections"), page.number("mecd_users")) == (2, 1)
    });
    let last = Page::of(&server);
    assert_eq!((last.number("mecd_groups"), last.number("mecd_messages")), (1, 2));
    program_support::wait_until("the bytes are those of the files", || {
        let files = std::fs::read_dir(cwd.path().join("data")).unwrap().map(Result::unwrap);
        let logs = files.filter(|file| file.path().extension().is_some_and(|it| it == "log"));
        let bytes = logs.map(|file| file.metadata().unwrap().len()).sum::<u64>();
        metric(&server, "mecd_disk_bytes") == bytes
    });
}

#[test]
fn metrics_count_what_is_refused_by_its_reason() {
    let cwd = temporary();
    let start = start(cwd.path()).set("limits.connections_per_address=8");
    let start = start.set("limits.message_lines=1000").set("storage.bytes_max=18000000");
    let server = start.serve();
    let refused = || {
        let page = Page::of(&server);
        let reasons = ["server_full", "address_full", "slow_reader", "disk_full", "wrong_password"];
        reasons.map(|reason| page.refused(reason))
    };
    let mut amy = server.user("amy");
    assert_eq!(refused(), [0; 5]);

    let far = || Client::connect_from("127.0.0.9", server.address());
    let mut others: Vec<Client> = (0..8).map(|_| far()).collect();
    for (no, other) in others.iter_mut().enumerate() {
        other.log_in(&format!("u{no}"));
    }
    for count in 1..=3 {
        assert!(far().line().starts_with("@mess #warning "));
        assert_eq!(refused(), [0, count, 0, 0, 0]);
    }

    amy.expect("#createlogin ann secret Ann ann@example.org", "@status 0");
    for count in 1..=2 {
        amy.expect("#login regd ann guess", "@status 3002");
        assert_eq!(refused(), [0, 3, 0, 0, count]);
    }
    amy.expect("#login regd ann secret", "@status 0");

    amy.expect("#creategroup board \"\" anon", "@status 0");
    amy.expect("#joingroup board", "@status 0");
    let post = format!("#postmessage post 0 900{}", format!("\r\n{}", "x".repeat(990)).repeat(900));
    let stored = (0..100).take_while(|_| amy.ask(&post) == "@status 0").count();
    assert!((5..100).contains(&stored), "{stored} messages of 900 kB are stored");
    assert_eq!(refused(), [0, 3, 0, 1, 2]);
    for count in 2..=4 {
        amy.expect(&post, "@status -2");
        assert_eq!(refused(), [0, 3, 0, count, 2]);
    }
}

#[test]
fn pages_of_other_hosts_are_kept_out() {
    let cwd = temporary();
    let server = start(cwd.path()).set("web.origins=https://chat.example").serve();
    let at = server.addresses[1];
    assert!(Browser::try_open(at, Some(&format!("http://{at}"))).is_ok());
    assert!(Browser::try_open(at, Some("https://chat.example")).is_ok());
    let refused = Browser::try_open(at, Some("http://evil.example")).err().unwrap();
    assert!(refused.contains("403"), "{refused}");
}

#[test]
fn a_peer_that_breaks_the_rules_is_told_so_and_closed() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let at = server.addresses[1];
    let frame = |opcode, last, payload: &[u8]| {
        Message::Frame(Frame::message(payload.to_vec(), OpCode::Data(opcode), last))
    };
    for (message, code) in [
        (Message::binary(vec![1]), CloseCode::Unsupported),
        (frame(Data::Continue, true, b"x"), CloseCode::Protocol),
        (frame(Data::Text, true, b"\xff"), CloseCode::Invalid),
        (frame(Data::Text, true, &[b' '; 65_537]), CloseCode::Size),
    ] {
        let mut browser = Browser::open(at);
        browser.0.send(message.clone()).unwrap();
        assert_eq!(browser.code(), code, "{message:?}");
    }
    let mut browser = Browser::user(at, "bob");
    browser.send(&format!("#broadcast {}", "x".repeat(1000)));
    assert!(browser.line().starts_with("@mess #warning \""), "as in telnet");
    assert_eq!(browser.code(), CloseCode::Size);
}

#[test]
fn fragments_and_pings_between_them_are_taken() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let mut browser = Browser::user(server.addresses[1], "bob");
    let mut send = |message| browser.0.send(message).unwrap();
    let frame = |opcode, last, payload: &[u8]| {
        Message::Frame(Frame::message(payload.to_vec(), OpCode::Data(opcode), last))
    };
    send(frame(Data::Text, false, b"#broadcast \xe2\x82"));
    send(Message::Ping(b"are you there".to_vec().into()));
    send(frame(Data::Continue, false, b"\xac 5"));
    send(frame(Data::Continue, true, b""));
    assert!(
        matches!(browser.0.read().unwrap(), Message::Pong(payload) if payload == "are you there")
    );
    assert_eq!(browser.line(), "@mess #broadcast bob \"\u{20ac} 5\"");
}

#[test]
fn both_sides_can_end_the_conversation() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let at = server.addresses[1];
    let mut leaving = Browser::user(at, "leaving");
    leaving.0.close(Some(CloseFrame { code: CloseCode::Away, reason: "bye".into() })).unwrap();
    assert_eq!(leaving.code(), CloseCode::Normal);
    let mut quitting = Browser::user(at, "leaving");
    quitting.ask("#quit", "@status 0");
    assert_eq!(quitting.code(), CloseCode::Normal);
    let mut gone = Browser::user(at, "gone");
    gone.0.get_mut().shutdown(std::net::Shutdown::Both).unwrap();
    let mut telnet = server.user("leaving");
    program_support::wait_until("it is seen to be gone", || {
        telnet.list("#listusers") == ["leaving anon"]
    });
    let mut staying = Browser::user(at, "staying");
    let mut waiting = Client::connect(at);
    waiting.send_bytes(b"HEAD /healthz HTTP/1.1\r\nHost: pi\r\n\r\n");
    while !waiting.line().is_empty() {}
    server.signal(Signal::TERM);
    assert!(staying.line().starts_with("@mess #warning \""));
    assert_eq!(staying.code(), CloseCode::Away);
    assert!(waiting.rest().is_empty(), "who has asked nothing is told nothing");
    assert_eq!(server.ended().status.code(), Some(0));
}

#[test]
fn a_long_message_and_a_long_list_reach_a_browser_whole() {
    let cwd = temporary();
    let server = start(cwd.path()).set("limits.message_lines=100").serve();
    let mut browser = Browser::user(server.addresses[1], "bob");
    let lines: Vec<String> = (0..100).map(|no| format!("{no:0>900}")).collect();
    browser.ask("#creategroup news \"\" anon", "@status 0");
    browser.ask("#joingroup news", "@status 0");
    browser.send(&format!("#postmessage long 0 100\n{}", lines[..60].join("\n")));
    browser.send(&lines[60..].join("\n"));
    assert_eq!(browser.line(), "@status 0");
    browser.send("#getmessage 1");
    let mut text = String::new();
    while text.lines().count() < 101 {
        text.push_str(browser.hear().into_text().unwrap().as_str());
    }
    assert_eq!(text.lines().skip(1).collect::<Vec<_>>(), lines);
    for no in 0..300 {
        browser.ask(&format!("#createroom r{no}"), "@status 0");
    }
    browser.send("#listrooms");
    assert_eq!(browser.line(), "@ret #listrooms 301");
    for _ in 0..301 {
        browser.line();
    }
    browser.ask("#whoami", "@ret #whoami bob Home 1 news 1");
}

#[test]
fn who_asks_for_pages_and_reads_none_has_to_wait_and_gets_them_all() {
    const PAGES: usize = 4000;
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let mut greedy = Client::connect_narrow(server.addresses[1]);
    let ask = "GET /style.css HTTP/1.1\r\nHost: pi\r\n\r\n";
    let mut writer = greedy.socket().try_clone().unwrap();
    let asking = std::thread::spawn(move || writer.write_all(ask.repeat(PAGES).as_bytes()));
    let mut browser = Browser::user(server.addresses[0], "bob");
    for _ in 0..100 {
        browser.ask("#whoami", "@ret #whoami bob Home 1 - 0");
    }
    let kilobytes = server.status_number("VmRSS");
    println!("memory while {PAGES} pages are asked for and not read: {kilobytes} kB");
    server.assert_memory(kilobytes, 16 * 1024, "for what one connection has asked for");
    for _ in 0..PAGES {
        assert_eq!(greedy.line(), "HTTP/1.1 200 OK");
        let mut length = 0;
        while let Some((name, value)) = greedy.line().split_once(": ") {
            if name == "Content-Length" {
                length = value.parse().unwrap();
            }
        }
        assert!(length > 1000 && greedy.bytes(length).ends_with(b"\n"), "{length} bytes");
    }
    asking.join().unwrap().unwrap();
}

#[test]
fn what_is_wrong_with_a_head_is_told_alike_on_both_ports() {
    const HEAD_BYTES_MAX: usize = 8192;
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let begin = "GET /healthz HTTP/1.1\nHost: pi\nConnection: close\nX: ";
    // A line end is sent as two bytes; two more follow.
    let filler = "x".repeat(HEAD_BYTES_MAX - begin.len() - begin.lines().count() + 1 - 4);
    let long_line = |bytes: usize| format!("GET /{} HTTP/1.1\nHost: pi\n\n", "x".repeat(bytes));
    for (head, status) in [
        (format!("{begin}{filler}\n\n"), "200"),
        (format!("{begin}{filler}x\n\n"), "431"),
        (long_line(9000), "431"),
        ("GET /\n\n".to_owned(), "400"),
        ("GET  / HTTP/1.1\nHost: pi\n\n".to_owned(), "400"),
        ("GET / HTTP/1.1\n no field\n\n".to_owned(), "400"),
        ("GET / HTTP/2.0\nHost: pi\n\n".to_owned(), "505"),
    ] {
        for at in &server.addresses[..2] {
            let answer = fetched(*at, &head);
            let shown = &head[..head.len().min(40)];
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{at}: {shown}: {answer}");
        }
    }
    for at in &server.addresses[..2] {
        let mut reading = Client::connect(*at);
        reading.send_bytes(long_line(7000).replace('\n', "\r\n").as_bytes());
        assert_eq!(reading.line(), "HTTP/1.1 404 Not Found", "{at}: longer than a line of MEC");
    }
}

#[test]
fn a_browser_that_begins_and_does_not_go_on_is_told_so_on_both_ports() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let segments: [&[&[u8]]; 3] =
        [&[b"GET "], &[b"G", b"ET / HTTP/1.1"], &[b"GET / HTTP/1.1\r\nHost: pi\r\n"]];
    let begun = segments.iter().flat_map(|it| server.addresses[..2].iter().map(move |at| (it, at)));
    let waiting: Vec<(Client, _)> = begun
        .map(|(segments, at)| {
            let mut client = Client::connect(*at);
            for segment in *segments {
                client.send_bytes(segment);
                std::thread::sleep(Duration::from_millis(20));
            }
            (client, (segments, at))
        })
        .collect();
    for (mut client, case) in waiting {
        assert_eq!(client.line(), "HTTP/1.1 408 Request Timeout", "{case:?}");
    }
}

#[test]
fn who_speaks_mec_is_taken_for_no_browser_wherever_a_segment_ends() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    for segments in [["GE", "Tx y"], ["GE", "T"], ["get ", "x"], ["GETx", " y"], [" GET ", "/"]] {
        let mut client = server.client();
        for segment in segments {
            client.send_bytes(segment.as_bytes());
            std::thread::sleep(Duration::from_millis(20));
        }
        client.send_bytes(b"\r\n");
        assert_eq!(client.line(), "@status 3502", "{segments:?}");
        client.expect("#login anon bob", "@status 0");
        client.expect("GET / HTTP/1.1", "@status 3502");
        client.expect("#quit", "@status 0");
    }
    let mut browser = Client::connect(server.addresses[0]);
    for segment in ["G", "E", "T", " ", "/healthz HTTP/1.1\r\nHost: pi\r\n\r\n"] {
        browser.send_bytes(segment.as_bytes());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(browser.line(), "HTTP/1.1 200 OK");
}

#[test]
fn a_head_that_never_ends_is_given_up_and_costs_no_more_than_its_bound() {
    let cwd = temporary();
    let server = start(cwd.path()).serve();
    let at = server.addresses[1];
    let long = fetched(at, &format!("GET / HTTP/1.1\nHost: pi\nX: {}\n\n", "x".repeat(9000)));
    assert!(long.starts_with("HTTP/1.1 431 "), "{long}");
    let bad = fetched(at, "GET / HTTP/1.1\n no field\n\n");
    assert!(bad.starts_with("HTTP/1.1 400 "), "{bad}");
    let before = server.status_number("VmRSS");
    let part = format!("GET / HTTP/1.1\r\nHost: pi\r\nX: {}", "x".repeat(8000));
    let mut slow: Vec<Client> = (0..500).map(|_| Client::connect(at)).collect();
    slow.iter_mut().for_each(|client| client.send_bytes(part.as_bytes()));
    assert!(fetched(at, HEALTH).ends_with("ok\n"), "others are served");
    let after = server.status_number("VmRSS");
    println!("memory for 500 unfinished heads of 8 kB: {} kB", after.saturating_sub(before));
    server.assert_memory(after, before + 10 * 1024, "after 500 heads of 8 kB");
    for mut client in slow {
        assert_eq!(client.line(), "HTTP/1.1 408 Request Timeout");
    }
}

#[test]
fn a_browser_that_does_not_read_is_dropped_and_the_others_hear_everything() {
    let cwd = temporary();
    let server = start(cwd.path()).set("limits.send_queue_bytes=65536").serve();
    let at = server.addresses[1];
    let mut deaf = Browser::user(at, "deaf");
    let mut amy = server.user("amy");
    let text = "x".repeat(900);
    let said = format!("@mess #broadcast amy \"{text}\"");
    program_support::wait_until("the browser is dropped", || {
        for _ in 0..100 {
            amy.expect(&format!("#broadcast {text}"), &said);
        }
        amy.list("#listusers") == ["amy anon"]
    });
    assert_eq!(metric(&server, "mecd_refused_total{reason=\"slow_reader\"}"), 1);
    // What was on its way is whole messages up to the end.
    let mut heard = 0;
    while deaf.0.read().is_ok_and(|message| message.is_text()) {
        heard += 1;
    }
    assert!(heard > 0);
}
