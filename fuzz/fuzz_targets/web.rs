//! HTTP and WebSockets: the same bytes ask for the same and are answered alike wherever a segment ends; every answer is
//! one head with its body or whole frames, as a browser wants them; a connection gives back what it held.
//!
//! Input: a byte with where the stream begins (the page, the metrics, the MEC port, an open WebSocket) and the number
//! of segment lengths, the lengths, the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::{Standing, Status};
use mecd::dialect::web::{self, http};
use mecd::dialect::{Asked, Dialect, Next, Options, Reader, Request, Service, Shared};
use mecd_fuzz::input::{Input, segments};
use mecd_fuzz::requests::{MESSAGE_LINES_MAX, described};

/// How a WebSocket says that a text is not UTF-8: close, 1007.
const NOT_UTF8: &[u8] = &[0x88, 2, 0x03, 0xef];

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let choice = input.byte();
    let lengths = input.take(usize::from(choice & 15));
    let start = choice >> 4 & 3;
    let stream = input.0;

    let whole = requests(start, [stream]);
    compare(&whole, &requests(start, segments(stream, lengths, |byte| byte + 1)), "segments");
    compare(&whole, &requests(start, stream.chunks(1)), "byte by byte");
});

/// How much of a text that is not UTF-8 is still read depends on how much of it came at once.
fn compare(whole: &[Vec<u8>], cut: &[Vec<u8>], how: &str) {
    let before = |requests: &[Vec<u8>]| {
        requests.split_last().filter(|(last, _)| *last == NOT_UTF8).map(|(_, before)| before.len())
    };
    match (before(whole), before(cut)) {
        (None, None) => assert_eq!(whole, cut, "{how}"),
        (in_whole, in_cut) => {
            let whole = &whole[..in_whole.unwrap_or(whole.len())];
            let cut = &cut[..in_cut.unwrap_or(cut.len())];
            let shorter = whole.len().min(cut.len());
            assert_eq!(whole[..shorter], cut[..shorter], "{how}");
        }
    }
}

/// All that is asked for, or what is answered to it.
fn requests<'s>(start: u8, segments: impl IntoIterator<Item = &'s [u8]>) -> Vec<Vec<u8>> {
    let mut shared = Shared::new();
    let mut options = Options { message_lines_max: MESSAGE_LINES_MAX, ..Options::default() };
    options.web.origins = vec!["https://chat.example".to_owned()];
    let mut context = shared.context(&options, 0);
    let mut reader = match start {
        0 => Reader::new(Service::Metrics, 0),
        1 => Reader::new(Dialect::Mec.into(), 0),
        2 => Reader::new(Dialect::Web.into(), 0),
        _ => Reader::Web(Box::new(web::Reader::opened(0))),
    };
    let mut requests = Vec::new();
    let mut next = Next::Stay;
    for segment in segments {
        let mut input = reader.input(segment);
        while let Some(request) = (next == Next::Stay)
            .then(|| reader.next(&mut input, Standing::User, &mut context))
            .flatten()
        {
            let is_web = matches!(request, Request::Upgrade(_));
            let begun = match &request {
                Request::Http(taken) => Some(http::Reader::begun(taken, 0)),
                _ => None,
            };
            let (said, then) = told(&request);
            if !said.is_empty() {
                requests.push(said);
            }
            next = then;
            if is_web {
                reader = Reader::Web(Box::new(web::Reader::opened(0)));
            }
            if let Some(begun) = begun {
                reader.release(&mut context);
                reader = Reader::Http(Box::new(begun));
            }
        }
        assert!(input.rest.is_empty() || next == Next::Close, "reading ends with the segment");
    }
    reader.release(&mut context);
    assert_eq!(shared.bodies_bytes, 0, "a body's bytes are given back");
    assert!(shared.park.spare() <= 1, "one connection parks in one block");
    requests
}

/// A request as bytes that can be compared, and whether the connection stays.
fn told(request: &Request<'_>) -> (Vec<u8>, Next) {
    let mut out = Vec::new();
    let next = match request {
        Request::Nothing => Next::Stay,
        Request::Answer(status, asked @ Asked::Http(_)) => {
            let next = asked.answer(&mut out, *status);
            assert_head(&out);
            next
        }
        Request::Answer(status, asked @ Asked::Web(_)) => {
            let next = asked.answer(&mut out, *status);
            assert_frames(&out);
            next
        }
        Request::Do(_, asked @ Asked::Web(_)) => {
            for status in Status::ALL {
                asked.answer(&mut out, status);
            }
            assert_frames(&out);
            out.extend_from_slice(described(request).as_bytes());
            Next::Stay
        }
        Request::Upgrade(accept) => {
            http::switching(&mut out, accept);
            assert_head(&out);
            Next::Stay
        }
        Request::Metrics(asked) => {
            let next = asked.metrics(&mut out, "# EOF\n");
            assert_head(&out);
            next
        }
        Request::Close(_) => {
            out.extend_from_slice(described(request).as_bytes());
            Next::Close
        }
        Request::Do(..) | Request::Answer(..) | Request::Http(_) | Request::Notice(_) => {
            out.extend_from_slice(described(request).as_bytes());
            Next::Stay
        }
        _ => panic!("{request:?} is not of a browser"),
    };
    (out, next)
}

/// One head, whose fields are whole lines, and as many bytes after it as it says.
fn assert_head(out: &[u8]) {
    let end = out.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head ends") + 4;
    let head = str::from_utf8(&out[..end]).expect("a head is text");
    assert!(head.starts_with("HTTP/1.1 "), "{head:?}");
    assert!(head.trim_end().split("\r\n").skip(1).all(|line| line.contains(": ")), "{head:?}");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let length = length.map_or(0, |length| length.parse().expect("a length is a number"));
    let body = out.len() - end;
    assert!(body == length || body == 0, "{body} bytes of body: {head:?}");
}

/// Whole frames, unmasked and in one piece, with whole lines of text or little enough for control.
fn assert_frames(mut out: &[u8]) {
    while let [first, second, rest @ ..] = out {
        let (length, rest) = match (second, rest) {
            (126, [a, b, rest @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), rest),
            (..=125, rest) => (usize::from(*second), rest),
            _ => panic!("{out:?}"),
        };
        assert!(*second != 126 || length > 125, "the shortest length");
        let (payload, behind) = rest.split_at(length);
        match first {
            0x81 => assert!(str::from_utf8(payload).is_ok_and(|text| text.ends_with("\r\n"))),
            0x88..=0x8a => assert!(length <= 125),
            _ => panic!("{first:#x} is no frame of ours"),
        }
        out = behind;
    }
    assert!(out.is_empty(), "a frame is cut off");
}
