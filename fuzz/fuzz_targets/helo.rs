//! The helo dialect: the same bytes ask for the same and are answered alike wherever a segment ends; what is asked is
//! clean and within its bounds; answers are whole lines. The words on a file's port: what is taken for a beginning
//! stays one when more follows, and a file counts the same however it is cut.
//!
//! Input: a byte with the number of segment lengths (and whether the user is logged in), the lengths, the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::command::Company;
use mecd::core::name::UserName;
use mecd::core::{Command, Standing, Status};
use mecd::dialect::helo::file::{First, Measure, first_words, status};
use mecd::dialect::{Dialect, Next, Options, Reader, Request, Shared};
use mecd::limits::{HELO_LINE_BYTES_MAX, SAID_BYTES_MAX};
use mecd_fuzz::input::{Input, segments};

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let choice = input.byte();
    let lengths = input.take(usize::from(choice & 15));
    let standing = if choice & 16 == 0 { Standing::User } else { Standing::Stranger };
    let stream = input.0;

    let whole = requests(standing, [stream]);
    let cut = segments(stream, lengths, |byte| byte + 1);
    assert_eq!(whole, requests(standing, cut), "segments of {lengths:?}");
    assert_eq!(whole, requests(standing, stream.chunks(1)), "byte by byte");
    file(stream, lengths);
});

fn requests<'s>(standing: Standing, segments: impl IntoIterator<Item = &'s [u8]>) -> Vec<String> {
    let (mut shared, options) = (Shared::new(), Options::default());
    let mut context = shared.context(&options, 0);
    let mut reader = Reader::new(Dialect::Helo.into(), 0);
    let mut requests = Vec::new();
    for segment in segments {
        let mut input = reader.input(segment);
        while let Some(request) = reader.next(&mut input, standing, &mut context) {
            requests.push(described(&request));
        }
        assert!(input.rest.is_empty(), "reading ends with the segment");
    }
    reader.release(&mut context);
    requests
}

/// A request, and each way in which it could be answered.
fn described(request: &Request<'_>) -> String {
    let mut text = format!("{request:?}");
    let asked = match request {
        Request::Do(command, asked) => {
            check(command);
            asked
        }
        Request::Answer(status, asked) => {
            text.push_str(&answer(asked, *status));
            return text;
        }
        Request::Fetch(fetch) => {
            let mut out = Vec::new();
            fetch.answer(&mut out, 65_535);
            fetch.refuse(&mut out, Status::NoMemory);
            assert_lines(&out);
            assert_clean(&fetch.after(65_535));
            return text;
        }
        Request::Nothing | Request::Notice(_) | Request::Close(_) => return text,
        _ => panic!("{request:?} is not of this dialect"),
    };
    for status in Status::ALL {
        text.push_str(&answer(asked, status));
    }
    text
}

fn answer(asked: &mecd::dialect::Asked<'_>, status: Status) -> String {
    let mut out = Vec::new();
    let next = asked.answer(&mut out, status);
    assert_lines(&out);
    let text = String::from_utf8(out).expect("answers are text");
    assert_eq!(text.starts_with("-ERR "), next == Next::Close, "clients leave on that");
    text
}

fn assert_lines(out: &[u8]) {
    let text = str::from_utf8(out).expect("answers are text");
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines().for_each(assert_clean);
}

fn assert_clean(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// What the house relies on.
fn check(command: &Command<'_>) {
    let said = match command {
        Command::Company(Company::Call { text } | Company::Tell { text, .. }) => text,
        Command::Company(Company::Say { text: Ok(text), .. }) => text,
        Command::Company(Company::PassOn { after, .. }) => after,
        _ => return,
    };
    assert!((1..=SAID_BYTES_MAX).contains(&said.len()), "{} bytes", said.len());
    assert_clean(said);
}

/// The words on the port of a file that zoe sends to ann.
fn file(stream: &[u8], lengths: &[u8]) {
    let name = |text| UserName::new(text).expect("it is one");
    let (zoe, ann) = (name("zoe"), name("ann"));
    let mut known = First::Partial;
    for end in 0..=stream.len().min(2 * HELO_LINE_BYTES_MAX) {
        let first = first_words(&stream[..end], &zoe, &ann);
        assert!(known == First::Partial || known == first, "{known:?} became {first:?}");
        known = first;
        match first {
            First::Receiver(length) => assert!(length <= end && stream[length - 1] == b'\n'),
            First::Sender(_, length) => assert!(length <= end && stream[length - 1] == b' '),
            First::Partial | First::Stranger => {}
        }
    }
    if let Some(line) = status(stream, &zoe) {
        assert_lines(line.as_bytes());
        assert!(line.starts_with("FILE_STATUS") && line.matches('\n').count() == 1, "{line:?}");
    }
    let line = stream.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let measure = |pieces: Vec<&[u8]>| {
        let mut measure = Measure::default();
        pieces
            .into_iter()
            .try_for_each(|piece| measure.take(piece, 100))
            .and_then(|()| measure.end(100))
    };
    let whole = measure(vec![line]);
    assert_eq!(whole, measure(segments(line, &[0], |byte| byte + 1)));
    assert_eq!(whole, measure(segments(line, lengths, |byte| byte + 1)));
}
