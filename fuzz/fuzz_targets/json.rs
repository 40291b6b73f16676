//! The JSON dialect: any bytes are read without a panic, the same is asked for however they are cut, and what the house
//! relies on holds of it.
//!
//! Input: a byte that says who reads and where the bytes are cut, then the bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::command::{Command, Fellow, Password};
use mecd::core::{Standing, Status};
use mecd::dialect::{Dialect, Next, Options, Reader, Request, Shared};
use mecd::limits::SAID_BYTES_MAX;

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let standing = if choice & 1 == 0 { Standing::User } else { Standing::Stranger };
    let whole = read(standing, &[bytes]);
    let piece = usize::from(choice >> 1) % 16 + 1;
    assert_eq!(read(standing, &bytes.chunks(piece).collect::<Vec<_>>()), whole);
    let (first, second) = bytes.split_at(usize::from(choice).min(bytes.len()));
    assert_eq!(read(standing, &[first, second]), whole);
});

/// What is asked for in these segments.
fn read(standing: Standing, segments: &[&[u8]]) -> Vec<String> {
    let (mut reader, mut requests) = (Reader::new(Dialect::Json.into(), 0), Vec::new());
    let (mut shared, options) = (Shared::new(), Options::default());
    let mut context = shared.context(&options, 0);
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

fn described(request: &Request<'_>) -> String {
    match request {
        Request::Do(command, asked) => {
            check(command);
            let mut out = Vec::new();
            assert_eq!(asked.answer(&mut out, Status::Ok), Next::Stay);
            is_an_object(&out);
            format!("{command:?} {:?}", password(command))
        }
        Request::Answer(status, asked) => {
            let mut out = Vec::new();
            let next = asked.answer(&mut out, *status);
            is_an_object(&out);
            format!("{} {next:?}", String::from_utf8_lossy(&out))
        }
        other => format!("{other:?}"),
    }
}

fn is_an_object(out: &[u8]) {
    assert!(out.starts_with(b"{\"Command\":\"") && out.ends_with(b"}\n"));
    assert_eq!(out.iter().filter(|&&byte| byte == b'\n').count(), 1);
}

fn password(command: &Command<'_>) -> Option<String> {
    let Command::Fellow { request, .. } = command else { return None };
    match request {
        Fellow::Register { password, .. } | Fellow::Login { password, .. } => Some(*password),
        Fellow::Update { password, .. } => *password,
        _ => None,
    }
    .map(Password::as_str)
    .map(str::to_owned)
}

/// What the house relies on.
fn check(command: &Command<'_>) {
    let Command::Fellow { request, .. } = command else { panic!("{command:?} is not for it") };
    if let Fellow::Say { text, .. } | Fellow::Write { text, .. } = request {
        assert!(!text.is_empty() && text.len() <= SAID_BYTES_MAX);
        assert!(!text.contains(char::is_control));
    }
}
