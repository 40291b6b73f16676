//! The crimp dialect: the same bytes ask for the same, wherever a segment ends, and each command has one answer, which
//! is framed as the command was.
//!
//! Input: a byte with the number of segment lengths (and whether names can be had), the lengths, the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::command::Company;
use mecd::core::{Command, Standing, Status};
use mecd::dialect::crimp::Reader;
use mecd::dialect::{Asked, Options, Request, Shared};
use mecd::limits::{CRIMP_QUIET_MS, SAID_BYTES_MAX};
use mecd_fuzz::input::{Input, segments};

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let choice = input.byte();
    let lengths = input.take(usize::from(choice & 15));
    let names = if choice & 16 == 0 { Names::Free } else { Names::Taken };
    let stream = input.0;

    let whole = asked(names, stream, [stream]);
    let cut = segments(stream, lengths, |byte| byte + 1);
    assert_eq!(whole, asked(names, stream, cut), "segments of {lengths:?}");
    assert_eq!(whole, asked(names, stream, stream.chunks(1)), "byte by byte");
});

/// Whether anybody has the name that is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Free,
    Taken,
}

/// One connection's reading side, and all it says.
struct Talk {
    reader: Reader,
    shared: Shared,
    options: Options,
    names: Names,
    standing: Standing,
    frames: bool,
    asked: Vec<String>,
}

/// What is asked for by a stream that comes in these segments and is followed by a silence.
fn asked<'s>(
    names: Names,
    stream: &[u8],
    segments: impl IntoIterator<Item = &'s [u8]>,
) -> Vec<String> {
    let mut talk = Talk {
        reader: Reader::default(),
        shared: Shared::new(),
        options: Options::default(),
        names,
        standing: Standing::Stranger,
        frames: stream.first().is_some_and(|&byte| byte < 0x20),
        asked: Vec::new(),
    };
    for segment in segments {
        talk.read(segment);
    }
    talk.fall_silent();
    talk.asked
}

impl Talk {
    fn read(&mut self, mut segment: &[u8]) {
        loop {
            let mut context = self.shared.context(&self.options, 0);
            let Some(request) = self.reader.next(&mut segment, self.standing, &mut context) else {
                break;
            };
            let heard = heard(&request, self.names, self.frames);
            self.take(heard);
        }
        assert!(segment.is_empty(), "reading ends with the segment");
    }

    fn fall_silent(&mut self) {
        assert!(self.reader.deadline().is_none_or(|due| due == CRIMP_QUIET_MS));
        loop {
            let mut context = self.shared.context(&self.options, CRIMP_QUIET_MS);
            let Some(request) = self.reader.due(self.standing, &mut context) else { break };
            let heard = heard(&request, self.names, self.frames);
            self.take(heard);
        }
        assert_eq!(self.reader.deadline(), None, "nothing is left");
        assert!(self.reader.finish(self.standing).is_none());
    }

    fn take(&mut self, (said, standing): (Option<String>, Option<Standing>)) {
        self.asked.extend(said);
        self.standing = standing.unwrap_or(self.standing);
    }
}

/// A request as text, and what becomes of who asks.
fn heard(request: &Request<'_>, names: Names, frames: bool) -> (Option<String>, Option<Standing>) {
    let mut standing = None;
    match request {
        Request::Nothing => return (None, None),
        Request::Do(command, asked) => {
            check(command);
            if matches!(command, Command::LoginAnonymous { .. }) && names == Names::Free {
                standing = Some(Standing::User);
            }
            for status in Status::ALL {
                check_answer(asked, status, frames);
            }
        }
        Request::Answer(status, asked) => {
            assert!(check_answer(asked, *status, frames) > 0, "a refusal has a word");
        }
        _ => {
            panic!("{request:?} is not of this dialect")
        }
    }
    (Some(format!("{request:?}")), standing)
}

/// What the house relies on.
fn check(command: &Command<'_>) {
    if let Command::Company(Company::Say { text, .. }) = command {
        let text = text.expect("a command with a wrong text is refused at once");
        assert!((1..=SAID_BYTES_MAX).contains(&text.len()));
        assert!(!text.contains(char::is_control));
    }
}

/// Says how long the answer is.
fn check_answer(asked: &Asked<'_>, status: Status, frames: bool) -> usize {
    let mut out = Vec::new();
    let _ = asked.answer(&mut out, status);
    let word = match out.as_slice() {
        [] => b"OK_",
        [high, low, word @ ..] if frames => {
            assert_eq!(usize::from(u16::from_be_bytes([*high, *low])), word.len());
            word
        }
        text => text,
    };
    assert!(word.starts_with(b"OK_") || word.starts_with(b"ERR_"), "{}", out.escape_ascii());
    out.len()
}
