//! From a browser's bytes to requests: heads, handshakes, frames, however they are cut.

use super::*;
use crate::dialect::Options;
use crate::dialect::tests::World;
use crate::dialect::web::http::Site;
use crate::limits::{HTTP_HEAD_BYTES_MAX, HTTP_HEAD_MS, HTTP_HEADERS_MAX, HTTP_IDLE_MS};

fn world() -> World {
    let mut options = Options::default();
    options.web.origins = vec!["https://chat.example".to_owned()];
    World::new(options)
}

/// What a stream of HTTP is answered, one string each: all of it at once, or cut into pieces of `size` bytes.
fn browsed(site: Site, stream: &[u8], size: usize) -> Vec<String> {
    answers(http::Reader::new(site, 0), stream, size)
}

fn answers(mut reader: http::Reader, stream: &[u8], size: usize) -> Vec<String> {
    let mut world = world();
    let mut answers = Vec::new();
    for mut piece in stream.chunks(size) {
        while let Some(request) = reader.next(&mut piece, &world.context()) {
            answers.push(worded(&request));
        }
        assert!(piece.is_empty(), "all input is used up");
    }
    answers
}

fn worded(request: &Request<'_>) -> String {
    let mut out = Vec::new();
    let next = match request {
        Request::Answer(status, asked) => asked.answer(&mut out, *status),
        Request::Upgrade(accept) => {
            http::switching(&mut out, accept);
            Next::Stay
        }
        Request::Metrics(asked) => asked.metrics(&mut out, "# EOF\n"),
        other => panic!("{other:?}"),
    };
    let mut text = String::from_utf8_lossy(&out).into_owned();
    if next == Next::Close {
        text.push_str("<closed>");
    }
    text
}

/// The answer to one head, which does not depend on how it is cut.
fn page(head: &str) -> String {
    let stream = head.replace('\n', "\r\n");
    let whole = browsed(Site::Page, stream.as_bytes(), usize::MAX);
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(browsed(Site::Page, stream.as_bytes(), size), whole, "in pieces of {size}");
    }
    for taken in 0..4 {
        let (taken, rest) = stream.split_at(taken);
        let begun = answers(http::Reader::begun(taken, 0), rest.as_bytes(), usize::MAX);
        assert_eq!(begun, whole, "of which {taken:?} was taken elsewhere");
    }
    let [answer] = whole.as_slice() else { panic!("{whole:?}") };
    answer.clone()
}

const SHAKE: &str = "GET /mec HTTP/1.1\nHost: pi:6580\nUpgrade: websocket\n\
                     Connection: keep-alive, Upgrade\nSec-WebSocket-Version: 13\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";

#[test]
fn the_page_and_its_health_are_served_and_nothing_else() {
    let answer = page("GET / HTTP/1.1\nHost: pi\n\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"));
    for field in [
        "Content-Security-Policy: default-src 'self'\r\n",
        "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n",
    ] {
        assert!(answer.contains(field), "{field}");
    }
    assert!(!answer.contains("Connection: close"));
    assert_eq!(page("GET /?x=1 HTTP/1.1\nHost: pi\n\n"), answer);
    assert_eq!(page("GET /index.html HTTP/1.1\nHost: pi\n\n"), answer);
    assert!(page("GET /healthz HTTP/1.1\nHost: pi\n\n").ends_with("\r\n\r\nok\n"));
    for path in ["/metrics", "/../etc/passwd", "//", "/healthz/"] {
        let answer = page(&format!("GET {path} HTTP/1.1\nHost: pi\n\n"));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(!answer.ends_with("<closed>"), "who asks for what is not there may go on");
    }
    let head = page("HEAD / HTTP/1.1\nHost: pi\n\n");
    assert!(answer.starts_with(&head) && head.ends_with("\r\n\r\n"), "the head without the body");
}

#[test]
fn what_a_browser_has_is_not_sent_again() {
    let answer = page("GET / HTTP/1.1\nHost: pi\n\n");
    let tag = answer.split_once("ETag: ").unwrap().1.split_once("\r\n").unwrap().0.to_owned();
    let packed = page("GET / HTTP/1.1\nHost: pi\nAccept-Encoding: br;q=0, gzip;q=0.8\n\n");
    assert!(packed.contains("\r\nContent-Encoding: gzip\r\n"));
    assert!(!packed.contains(&format!("ETag: {tag}\r\n")), "another text has another tag");
    for coding in ["identity", "gzip;q=0", "gzipped"] {
        let head = format!("GET / HTTP/1.1\nHost: pi\nAccept-Encoding: {coding}\n\n");
        assert_eq!(page(&head), answer, "{coding}");
    }
    for tags in [tag.clone(), format!("\"a\", W/{tag}"), "*".to_owned()] {
        let again = page(&format!("GET / HTTP/1.1\nHost: pi\nIf-None-Match: {tags}\n\n"));
        assert!(again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"), "{again}");
        assert!(again.contains(&format!("ETag: {tag}\r\n")));
    }
    assert_eq!(page("GET / HTTP/1.1\nHost: pi\nIf-None-Match: \"a\"\n\n"), answer);
}

#[test]
fn a_connection_is_kept_as_its_version_and_its_words_say() {
    for (head, is_kept) in [
        ("GET / HTTP/1.1\nHost: pi\n\n", true),
        ("GET / HTTP/1.1\nHost: pi\nConnection: x, Close\n\n", false),
        ("GET / HTTP/1.0\n\n", false),
        ("GET / HTTP/1.0\nConnection: keep-alive\n\n", true),
        ("GET / HTTP/1.1\nHost: pi\nContent-Length: 0\n\n", true),
        ("GET / HTTP/1.1\nHost: pi\nContent-Length: 1\n\n", false),
        ("GET / HTTP/1.1\nHost: pi\nTransfer-Encoding: chunked\n\n", false),
    ] {
        assert_eq!(!page(head).ends_with("<closed>"), is_kept, "{head}");
    }
    let two = "\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    for size in [1, 5, usize::MAX] {
        assert_eq!(browsed(Site::Page, two.as_bytes(), size).len(), 2, "one behind the other");
    }
}

#[test]
fn what_is_wrong_is_told_and_the_connection_closed() {
    for (head, status) in [
        ("GET / HTTP/1.1\n\n", "400"),
        ("GET / HTTP/1.1\nHost: a\nHost: b\n\n", "400"),
        ("GET  / HTTP/1.1\nHost: a\n\n", "400"),
        ("GET / HTTP/1.1\nHost: a\nno colon\n\n", "400"),
        ("GET / HTTP/2.0\nHost: a\n\n", "505"),
        ("POST / HTTP/1.1\nHost: a\n\n", "405"),
        ("OPTIONS * HTTP/1.1\nHost: a\n\n", "405"),
    ] {
        let answer = page(head);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {answer}");
        assert!(answer.ends_with("<closed>"), "{head}");
    }
    let begin = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    for (extra, status) in [(0, "200"), (1, "431")] {
        let filler = "x".repeat(HTTP_HEAD_BYTES_MAX - begin.len() - 4 + extra);
        for size in [1, 1000, usize::MAX] {
            let answers = browsed(Site::Page, format!("{begin}{filler}\r\n\r\n").as_bytes(), size);
            assert!(answers[0].starts_with(&format!("HTTP/1.1 {status} ")), "{extra} {size}");
        }
    }
    for (count, status) in [(HTTP_HEADERS_MAX - 1, "200"), (HTTP_HEADERS_MAX, "431")] {
        let head = format!("GET / HTTP/1.1\nHost: a\n{}\n", "X: y\n".repeat(count));
        assert!(page(&head).starts_with(&format!("HTTP/1.1 {status} ")), "{count} more fields");
    }
}

#[test]
fn a_handshake_is_answered_as_the_standards_example() {
    let answer = page(&format!("{SHAKE}Origin: http://pi:6580\n\n"));
    assert!(answer.starts_with("HTTP/1.1 101 "));
    assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    for (from, to, status) in [
        ("websocket", "h2c", "426"),
        ("keep-alive, Upgrade", "keep-alive", "426"),
        ("Version: 13", "Version: 8", "426"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", "400"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "?", "400"),
        ("Sec-WebSocket-Key", "X", "400"),
    ] {
        let answer = page(&format!("{}\n", SHAKE.replace(from, to)));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{to}: {answer}");
    }
}

#[test]
fn only_our_own_page_and_named_ones_may_open_a_websocket() {
    for (origin, status) in [
        ("http://pi:6580", "101"),
        ("https://PI:6580", "101"),
        ("https://chat.example", "101"),
        ("http://pi", "403"),
        ("http://pi:6580.evil", "403"),
        ("http://evil", "403"),
        ("null", "403"),
    ] {
        let answer = page(&format!("{SHAKE}Origin: {origin}\n\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{origin}: {answer}");
    }
    assert!(page(&format!("{SHAKE}\n")).starts_with("HTTP/1.1 101 "), "no browser");
}

#[test]
fn metrics_are_not_where_the_page_is() {
    let head = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
    let [answer] = &browsed(Site::Metrics, head, usize::MAX)[..] else { panic!() };
    assert!(
        answer.contains("Content-Type: application/openmetrics-text")
            && answer.ends_with("# EOF\n")
    );
    let answers = browsed(Site::Metrics, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", usize::MAX);
    assert!(answers[0].starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_head_that_does_not_end_and_a_connection_that_is_not_used_are_given_up() {
    let mut world = world();
    let mut reader = http::Reader::new(Site::Page, 0);
    world.now_ms = 5000;
    assert!(reader.next(&mut &b"GET / HT"[..], &world.context()).is_none());
    assert_eq!(reader.deadline(), Some(5000 + HTTP_HEAD_MS));
    assert!(reader.due(4999 + HTTP_HEAD_MS).is_none());
    let late = reader.due(5000 + HTTP_HEAD_MS).unwrap();
    assert!(worded(&late).starts_with("HTTP/1.1 408 "));
    assert_eq!(reader.deadline(), None);
    let mut reader = http::Reader::new(Site::Page, 0);
    let mut head = &b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"[..];
    assert!(reader.next(&mut head, &world.context()).is_some());
    assert_eq!(reader.deadline(), Some(5000 + HTTP_IDLE_MS));
    assert!(matches!(reader.due(5000 + HTTP_IDLE_MS), Some(Request::Leave)));
}

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut bytes = Vec::new();
    let opcode = if first & 0x0f == 9 { Opcode::Ping } else { Opcode::Text };
    frame::control(&mut bytes, opcode, payload);
    let at = bytes.len() - payload.len();
    bytes[0] = first;
    bytes[1] |= 0x80;
    frame::unmask(&mut bytes[at..], mask, 0);
    bytes.splice(at..at, mask);
    bytes
}

/// What a stream of frames asks for, in pieces of `size` bytes. Nothing is left out: lines in order, and what is said.
fn heard(stream: &[u8], size: usize) -> Vec<String> {
    let mut world = world();
    let mut reader = Reader::opened(0);
    let mut heard = Vec::new();
    for mut piece in stream.chunks(size) {
        while let Some(request) = reader.next(&mut piece, Standing::User, &mut world.context()) {
            match request {
                Request::Nothing => {}
                Request::Do(command, AnyAsked::Web(Asked::Lines(_) | Asked::Quit)) => {
                    heard.push(format!("{command:?}"));
                }
                Request::Answer(_, AnyAsked::Web(asked)) => heard.push(format!("{asked:?}")),
                other => heard.push(format!("{other:?}")),
            }
        }
        assert!(piece.is_empty(), "all input is used up");
    }
    heard
}

fn asked(stream: &[u8]) -> Vec<String> {
    let whole = heard(stream, usize::MAX);
    for size in [1, 2, 3, 5, 100] {
        assert_eq!(heard(stream, size), whole, "in pieces of {size}");
    }
    whole
}

fn said(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!("Broadcast {{ text: {text:?} }}")).collect()
}

#[test]
fn a_message_holds_one_or_more_lines_and_its_end_ends_the_last() {
    assert_eq!(asked(&frame(0x81, b"#broadcast a")), said(&["a"]));
    assert_eq!(asked(&frame(0x81, b"#broadcast a\r\n")), said(&["a"]));
    assert_eq!(
        asked(&frame(0x81, b"#broadcast a\r\n#broadcast b\n#broadcast c")),
        said(&["a", "b", "c"])
    );
    let two = [frame(0x81, b"#broadcast a"), frame(0x81, "#broadcast é".as_bytes())].concat();
    assert_eq!(asked(&two), said(&["a", "é"]));
    assert_eq!(asked(&[frame(0x81, b""), frame(0x81, b"#broadcast a")].concat()), said(&["a"]));
    assert_eq!(asked(&frame(0x81, b"GET / HTTP/1.1")), ["Lines(Command)"], "no page in here");
}

#[test]
fn fragments_and_frames_of_control_between_them_are_one_message() {
    let stream = [
        frame(0x01, b"#broadcast \xc3"),
        frame(0x89, b"there?"),
        frame(0x00, b"\xa9 and"),
        frame(0x8a, b"yes"),
        frame(0x80, b" more"),
    ];
    let mut expected = vec![format!("Ping({:?})", b"there?")];
    expected.extend(said(&["é and more"]));
    assert_eq!(asked(&stream.concat()), expected);
    assert_eq!(asked(&[frame(0x01, b"#broadcast a"), frame(0x80, b"")].concat()), said(&["a"]));
}

#[test]
fn what_breaks_the_protocol_is_answered_by_its_code() {
    let too_long = [frame(0x01, &vec![b' '; 65_536]), frame(0x80, b"x")].concat();
    for (stream, code) in [
        (frame(0x82, b"x"), "NotText"),
        (frame(0x80, b"x"), "Protocol"),
        ([frame(0x01, b"x"), frame(0x81, b"x")].concat(), "Protocol"),
        ([frame(0x01, b"x"), frame(0x82, b"x")].concat(), "Protocol"),
        (frame(0xc1, b"x"), "Protocol"),
        (vec![0x81, 0x01, b'x'], "Protocol"),
        (frame(0x81, b"\xff"), "NotUtf8"),
        (frame(0x81, b"\xc3"), "NotUtf8"),
        (frame(0x81, &vec![b' '; 65_537]), "TooLong"),
        (too_long, "TooLong"),
        (frame(0x88, b""), "Normal"),
        (frame(0x88, b"\x03\xe8bye"), "Normal"),
        (frame(0x88, b"\x0f\xa0"), "Normal"),
        (frame(0x88, b"\x03"), "Protocol"),
        (frame(0x88, b"\x03\xec"), "Protocol"),
        (frame(0x88, b"\x03\xe7"), "Protocol"),
        (frame(0x88, b"\x13\x88"), "Protocol"),
        (frame(0x88, b"\x03\xe8\xff"), "NotUtf8"),
    ] {
        let stream = [stream, frame(0x81, b"#broadcast a")].concat();
        let last = asked(&stream).pop();
        assert_eq!(last, Some(format!("Close({code})")), "and nothing is read any more");
    }
    let longest = frame(0x81, &vec![b'\n'; 65_536]);
    assert!(heard(&longest, 1000).is_empty(), "64 KiB are taken");
}

#[test]
fn a_line_may_be_as_long_as_in_telnet() {
    let line = |bytes: usize| format!("#broadcast {}", "x".repeat(bytes - 11 - 1));
    assert_eq!(asked(&frame(0x81, line(1000).as_bytes())).len(), 1);
    assert_eq!(asked(&frame(0x81, line(1001).as_bytes())), ["Close(LineTooLong)"]);
}

#[test]
fn a_browser_is_asked_whether_it_is_there_and_given_up_when_it_is_not() {
    let mut world = world();
    let mut reader = Reader::opened(0);
    assert_eq!(reader.deadline(), Some(30_000));
    assert!(reader.due(29_999).is_none());
    let ping = reader.due(30_000).unwrap();
    assert_eq!(worded(&ping), "\u{fffd}\0");
    assert!(reader.due(30_000).is_none());
    world.now_ms = 31_000;
    let pong = frame(0x8a, b"");
    while reader.next(&mut pong.as_slice(), Standing::User, &mut world.context()).is_none() {}
    assert!(reader.due(60_000).is_some(), "asked again");
    assert!(reader.due(90_000).is_some());
    let Some(Request::Answer(_, AnyAsked::Web(Asked::Close(Code::GoingAway)))) = reader.due(91_000)
    else {
        panic!("silent for a minute");
    };
    assert_eq!(reader.deadline(), None);
}

#[test]
fn what_is_said_last_is_followed_by_a_close() {
    let mut out = Vec::new();
    event(&mut out, &Event::Warning(Warning::Stopping));
    assert_eq!(out[..2], [0x81, out.len() as u8 - 2 - 4]);
    assert_eq!(out[out.len() - 4..], [0x88, 2, 3, 233]);
    out.clear();
    let asked = Asked::Quit;
    assert_eq!(asked.answer(&mut out, Status::Ok), Next::Stay, "the house closes");
    assert_eq!(out, b"\x81\x0b@status 0\r\n\x88\x02\x03\xe8");
}
