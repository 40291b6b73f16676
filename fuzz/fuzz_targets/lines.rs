//! Telnet and the line cutter: the same bytes ask for the same, wherever a segment ends, and what a naive model makes
//! of the whole stream.
//!
//! Input: a byte with the number of segment lengths (and whether the user is logged in), the lengths, the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mecd::core::Standing;
use mecd_fuzz::input::{Input, segments};
use mecd_fuzz::lines::{Piece, pieces};
use mecd_fuzz::requests::{BROWSER, HTTP, Talk};

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let choice = input.byte();
    let lengths = input.take(usize::from(choice & 15));
    let standing = if choice & 16 == 0 { Standing::User } else { Standing::Stranger };
    let stream = input.0;

    let whole = requests(standing, [stream]);
    let cut = requests(standing, segments(stream, lengths, length));
    assert_eq!(whole, cut, "segments of {lengths:?}");
    assert_eq!(whole, requests(standing, stream.chunks(1)), "byte by byte");
    assert_eq!(whole, modelled(standing, stream), "the model");
});

fn requests<'s>(standing: Standing, segments: impl IntoIterator<Item = &'s [u8]>) -> Vec<String> {
    let mut talk = Talk::new(standing);
    for segment in segments {
        talk.read(segment);
    }
    talk.end()
}

/// Segments up to 128 bytes, and longer ones up to what one read brings.
fn length(byte: usize) -> usize {
    if byte < 128 { byte + 1 } else { (byte - 127) * 32 }
}

/// What is asked for when the model has cleaned the lines.
fn modelled(standing: Standing, stream: &[u8]) -> Vec<String> {
    if stream.starts_with(BROWSER) {
        return vec![HTTP.to_owned()];
    }
    let mut talk = Talk::new(standing);
    // A mark at the start of the connection is the model's business.
    talk.read(b"\n");
    talk.requests.clear();
    for piece in pieces(stream) {
        match piece {
            Piece::Line(mut line) => {
                line.push(b'\n');
                let before = talk.requests.len();
                talk.read(&line);
                if talk.requests.len() == before {
                    break;
                }
                assert_eq!(talk.requests.len(), before + 1, "one request for each line");
            }
            Piece::Answer(bytes) => talk.requests.push(format!("Telnet({bytes:?})")),
            Piece::AreYouThere => talk.requests.push("Notice(Alive)".to_owned()),
            Piece::TooLong => talk.requests.push("Close(LineTooLong)".to_owned()),
        }
        if talk.requests.last().is_some_and(|request| request.starts_with("Close")) {
            break;
        }
    }
    talk.end()
}
