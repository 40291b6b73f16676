//! The `chatapp` dialect: the same bytes ask for the same, wherever a segment ends; a naive model finds the same
//! frames; whatever is answered or passed on is a frame that a client can read.
//!
//! Input: a byte with the number of segment lengths, and whether lines are to be put into frames; the lengths; the
//! stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::command::Company;
use mecd::core::event::Event;
use mecd::core::name::{ItemName, UserName};
use mecd::core::{Command, Standing, Status};
use mecd::dialect::{self, Asked, Dialect, Next, Options, Reader, Request, Shared};
use mecd_fuzz::input::{Input, segments};
use serde_json::Value;

const FRAME_MAX: usize = 2000;
const DATA_MAX: usize = 1000;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let choice = input.byte();
    let lengths = input.take(usize::from(choice & 15));
    let stream = if choice & 16 == 0 { framed(input.0) } else { input.0.to_vec() };

    let whole = requests([&stream[..]]);
    assert_eq!(
        whole,
        requests(segments(&stream, lengths, |byte| byte * 4 + 1)),
        "segments of {lengths:?}"
    );
    assert_eq!(whole, requests(stream.chunks(1)), "byte by byte");
    let read = whole.iter().filter(|request| !request.ends_with("Close")).count();
    assert!(read <= bodies(&stream), "a request for each frame");
});

/// Each line of the input in a frame of its own.
fn framed(lines: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    for line in lines.split(|&byte| byte == b'\n') {
        stream.extend(format!("{:<20}", line.len()).bytes());
        stream.extend(line);
    }
    stream
}

/// How many bodies stand in a stream, up to the first thing that is no frame.
fn bodies(mut stream: &[u8]) -> usize {
    let mut count = 0;
    while stream.len() > 20 {
        let header: String = stream[..20].iter().map(|&byte| char::from(byte)).collect();
        let header = header.trim_matches(' ');
        let is_number = !header.is_empty() && header.chars().all(|c| c.is_ascii_digit());
        let length = header.parse::<usize>().unwrap_or(usize::MAX);
        if !is_number || length == 0 || length > FRAME_MAX || stream.len() < 20 + length {
            break;
        }
        count += 1;
        stream = &stream[20 + length..];
    }
    count
}

/// All that is asked for, and what is answered to it.
fn requests<'s>(segments: impl IntoIterator<Item = &'s [u8]>) -> Vec<String> {
    let (mut shared, options) = (Shared::new(), Options::default());
    let mut reader = Reader::new(Dialect::Chatapp.into(), 0);
    let mut standing = Standing::Stranger;
    let mut requests = Vec::new();
    for segment in segments {
        let mut input = reader.input(segment);
        let mut context = shared.context(&options, 0);
        while let Some(request) = reader.next(&mut input, standing, &mut context) {
            if let Request::Do(Command::LoginAnonymous { .. }, _) = request {
                standing = Standing::User;
            }
            requests.push(described(&request));
        }
        assert!(input.rest.is_empty(), "reading ends with the segment");
    }
    let taken = (shared.bodies_bytes, shared.park.spare());
    assert_eq!(taken, (0, 0), "nothing is taken from what all share");
    requests
}

fn described(request: &Request<'_>) -> String {
    match request {
        Request::Do(command, asked) => {
            check(command);
            let answers: Vec<String> =
                Status::ALL.iter().map(|&status| answer(asked, status)).collect();
            assert!(answers[0].starts_with("nothing"), "what is done is not answered");
            format!("{command:?} {answers:?}")
        }
        Request::Answer(status, asked) => {
            let answer = answer(asked, *status);
            assert!(!answer.starts_with("nothing"), "what is wrong is told");
            answer
        }
        Request::Nothing => "nothing".to_owned(),
        _ => panic!("{request:?} is not of this dialect"),
    }
}

fn answer(asked: &Asked<'_>, status: Status) -> String {
    let mut out = Vec::new();
    let next = asked.answer(&mut out, status);
    let next = if next == Next::Close { "Close" } else { "Stay" };
    if out.is_empty() {
        return format!("nothing, {next}");
    }
    let error = body(&out);
    assert_eq!(error["__type__"], "Error");
    assert!(
        error["code"].is_u64()
            && error["data"].is_string()
            && error.as_object().unwrap().len() == 3
    );
    format!("{error} {next}")
}

/// What the house relies on, and how it looks to others.
fn check(command: &Command<'_>) {
    let Command::Company(Company::Say { text: Ok(text), stamp, .. }) = command else { return };
    assert!(!text.is_empty() && text.len() <= DATA_MAX && !text.contains(char::is_control));
    let is_stamp =
        |stamp: &str| (1..=64).contains(&stamp.len()) && !stamp.contains(char::is_control);
    assert!(stamp.is_none_or(is_stamp));
    let (room, sender) = (ItemName::new("tea").unwrap(), UserName::new("zoe").unwrap());
    let long = text.repeat(8);
    for text in [text, long.as_str()] {
        let (room, sender) = (&room, &sender);
        let said = Event::Said { room, sender, text, time: 0, stamp: *stamp, nickname: None };
        let mut out = Vec::new();
        dialect::event(Dialect::Chatapp, &mut out, &said, "");
        let message = body(&out);
        let data = message["data"].as_str().unwrap();
        assert!(text.starts_with(data) && !data.is_empty() && data.len() <= DATA_MAX);
        assert_eq!(message["timestamp"], stamp.unwrap_or("01/01/1970 00:00:00"));
    }
}

/// The body of the one frame there is.
fn body(frame: &[u8]) -> Value {
    let (header, body) = frame.split_at(20);
    assert_eq!(header, format!("{:<20}", body.len()).as_bytes());
    assert!(body.len() <= FRAME_MAX);
    serde_json::from_slice(body).expect("what is sent is JSON")
}
