//! Tests of the whole road from bytes to requests: order of checks, bodies, help, and segments cut anywhere.

mod arguments;
mod render;

use super::*;
use crate::dialect::tests::World;
use crate::dialect::{Asked as AnyAsked, Options};
use crate::limits::{BODIES_BYTES_MAX, BODY_BYTES_MAX};

const LINES_MAX: u32 = 3;

/// One connection, and what it shares with others.
struct Desk {
    reader: Reader,
    world: World,
}

impl Desk {
    fn new() -> Self {
        let options = Options { message_lines_max: LINES_MAX, ..Options::default() };
        Self { reader: Reader::new(), world: World::new(options) }
    }

    /// The requests in a segment, in the words of `Debug`.
    fn read(&mut self, segment: &[u8], standing: Standing) -> Vec<String> {
        let mut context = self.world.context();
        let mut requests = Vec::new();
        let mut input = Input::of_text(segment);
        while let Some(request) = self.reader.next(&mut input, standing, &mut context) {
            requests.push(described(&request));
        }
        assert!(input.rest.is_empty(), "all input is used up");
        requests
    }

    fn release(&mut self) {
        self.reader.release(&mut self.world.context());
    }
}

/// A request without who words its answer, which is always this dialect.
fn described(request: &Request<'_>) -> String {
    match request {
        Request::Do(command, AnyAsked::Mec(Asked::Command)) => format!("Do({command:?})"),
        Request::Answer(status, AnyAsked::Mec(Asked::Command)) => format!("Refuse({status:?})"),
        Request::Answer(Status::Ok, AnyAsked::Mec(asked)) => format!("{asked:?}"),
        other => format!("{other:?}"),
    }
}

fn user(stream: &str) -> Vec<String> {
    Desk::new().read(stream.as_bytes(), Standing::User)
}

fn stranger(stream: &str) -> Vec<String> {
    Desk::new().read(stream.as_bytes(), Standing::Stranger)
}

fn posted(name: &str, parts: u32, text: &str) -> String {
    format!(
        "Do(PostMessage {{ name: ItemName({name:?}), parent: 0, seconds: 0, \
         body: Lines {{ parts: {parts}, text: {text:?} }} }})"
    )
}

/// What each of the segments asks.
fn fresh(segments: &[&str]) -> Vec<String> {
    let mut desk = Desk::new();
    segments.iter().flat_map(|it| desk.read(it.as_bytes(), Standing::Stranger)).collect()
}

#[test]
fn a_browser_is_known_by_its_first_four_bytes_wherever_the_segment_ends() {
    for at in 0..BROWSER.len() {
        let (taken, missing) = BROWSER.split_at(at);
        let mut desk = Desk::new();
        assert!(desk.read(taken.as_bytes(), Standing::Stranger).is_empty(), "{taken:?}");
        let mut input = Input::of_text(missing.as_bytes());
        let mut context = desk.world.context();
        let request = desk.reader.next(&mut input, Standing::Stranger, &mut context);
        assert_eq!(described(&request.unwrap()), format!("Http({taken:?})"));
        assert_eq!(input.rest, missing.as_bytes(), "the rest is left to who reads HTTP");
    }
    let mut desk = Desk::new();
    for taken in ["G", "E", "T"] {
        assert!(desk.read(taken.as_bytes(), Standing::Stranger).is_empty());
    }
    assert_eq!(desk.read(b" ", Standing::Stranger), ["Http(\"GET\")"]);
}

#[test]
fn who_begins_in_another_way_is_no_browser() {
    let unknown = ["Refuse(NoCommand)"];
    for line in ["GETx / HTTP/1.1", "get / HTTP/1.1", "GE T / HTTP/1.1", " GET /", "GET", "G"] {
        for at in 0..=line.len() {
            let (front, back) = line.split_at(at);
            assert_eq!(fresh(&[front, back, "\r\n"]), unknown, "{line:?} in two at {at}");
        }
    }
    assert_eq!(fresh(&["GE", "\u{8}", "ET /\n"]), unknown, "what was corrected was not sent so");
    assert_eq!(fresh(&["\n", "GET / HTTP/1.1\n"]), ["Nothing", unknown[0]], "only the first line");
    assert_eq!(fresh(&["#whoami\n", "GET / HTTP/1.1\n"]).last().unwrap(), unknown[0]);
}

#[test]
fn a_blank_line_asks_nothing() {
    assert_eq!(user("\r\n \t \n"), ["Nothing", "Nothing"]);
    assert_eq!(stranger("\r\n"), ["Nothing"]);
}

#[test]
fn an_unknown_command_is_3502_whoever_asks_and_whatever_follows() {
    let lines = "whoami\n#nosuch \"unclosed\n\"#quit\n\"#quit\"x\n#\nhello world\n";
    assert_eq!(user(lines), ["Refuse(NoCommand)"; 6]);
    assert_eq!(stranger(lines), ["Refuse(NoCommand)"; 6]);
}

#[test]
fn a_stranger_gets_3500_before_the_words_are_looked_at() {
    let lines = "#whoami\n#getmessage x\n#sendto \"\n#createlogin\n#kick b/b\n";
    assert_eq!(stranger(lines), ["Refuse(NoLogin)"; 5]);
}

#[test]
fn a_stranger_may_log_in_challenge_ask_for_help_and_quit() {
    let requests = stranger("#login anon bob\n#challenge\n#help\n#quit\n#login anon\n");
    let login = "Do(LoginAnonymous { name: UserName(\"bob\") })";
    assert_eq!(requests, [login, "Do(Challenge)", "Help(None)", "Do(Quit)", "Refuse(Unknown)"]);
}

#[test]
fn a_quoted_command_word_is_a_word() {
    assert_eq!(user("\"#WhoAmI\"\n"), ["Do(WhoAmI)"]);
}

#[test]
fn help_takes_a_command_with_its_sign_or_without() {
    for line in ["#help #KICK\n", "#help kick\n", "#help \"kick\" more\n"] {
        let requests = user(line);
        assert!(requests[0].starts_with("Help(Some(Verb { name: \"#kick\""), "{requests:?}");
    }
    let wrong = user("#help nosuch\n#help \"\"\n#help #\n#help ##kick\n#help \"kick\n");
    assert_eq!(wrong[..4], ["Refuse(NotFound)"; 4]);
    assert_eq!(wrong[4], "Refuse(Unknown)");
}

#[test]
fn a_text_is_cleaned_and_a_name_that_is_not_clean_is_refused() {
    let mut desk = Desk::new();
    let stream =
        b"#broadcast a\xfeb\x1b[2Jc\xc2\x9bd\te\0\n#login anon b\x1bb\n#login anon b\xfe\n";
    let requests = desk.read(stream, Standing::User);
    assert_eq!(requests[0], "Do(Broadcast { text: \"a\u{fffd}b[2Jcd\\te\" })");
    assert_eq!(requests[1], "Refuse(InvalidName)");
    assert_eq!(requests[2], "Do(LoginAnonymous { name: UserName(\"b\u{fffd}\") })");
}

#[test]
fn a_body_is_taken_raw_and_then_posted() {
    let requests = user("#postmessage \"a b\" 0 3\n#quit\n\n  x \"y \r\n#quit\n");
    let post = posted("a b", 3, "#quit\n\n  x \"y \n");
    assert_eq!(requests, ["Nothing", "Nothing", "Nothing", &post, "Do(Quit)"]);
}

#[test]
fn a_message_without_parts_is_posted_at_once() {
    assert_eq!(user("#postmessage n 0 0\n"), [posted("n", 0, "")]);
    assert_eq!(stranger("#postmessage n 0 0\n"), ["Refuse(NoLogin)"]);
}

#[test]
fn a_body_is_taken_whatever_the_outcome() {
    let stream = "#postmessage n 0 2\n#quit\n#quit\n#help\n";
    assert_eq!(stranger(stream), ["Nothing", "Nothing", "Refuse(NoLogin)", "Help(None)"]);
    let stream = "#postmessage \"\" 0 2\n#quit\n#quit\n#help\n";
    assert_eq!(user(stream), ["Nothing", "Nothing", "Refuse(InvalidName)", "Help(None)"]);
    assert_eq!(stranger(stream), ["Nothing", "Nothing", "Refuse(NoLogin)", "Help(None)"]);
}

#[test]
fn a_malformed_postmessage_has_no_body() {
    let lines = "#postmessage\n#postmessage n x\n#postmessage \"n\n#help\n";
    let answers = |status| vec![status, status, status, "Help(None)"];
    assert_eq!(user(lines), answers("Refuse(Unknown)"));
    assert_eq!(stranger(lines), answers("Refuse(NoLogin)"));
}

#[test]
fn a_body_of_more_lines_than_the_limit_closes_the_connection_at_once() {
    assert_eq!(user("#postmessage n 0 3\n"), ["Nothing"]);
    for standing in [Standing::User, Standing::Stranger] {
        let mut desk = Desk::new();
        let requests = desk.read(b"#postmessage n 0 4\n#quit\n", standing);
        assert_eq!(requests, ["Close(TooManyLines)"]);
        assert_eq!(desk.read(b"#quit\n", standing), [""; 0]);
    }
}

#[test]
fn nothing_is_read_behind_a_line_that_is_too_long() {
    let mut desk = Desk::new();
    let stream = format!("#help\n{}\n#quit\n", "x".repeat(1000));
    assert_eq!(desk.read(stream.as_bytes(), Standing::User), ["Help(None)", "Close(LineTooLong)"]);
    assert_eq!(desk.read(b"#quit\n", Standing::User), [""; 0]);
    assert_eq!(desk.world.shared.park.spare(), 1);
}

#[test]
fn the_bytes_of_a_body_are_given_back_once_it_is_delivered() {
    let mut desk = Desk::new();
    desk.read(b"#postmessage n 0 2\nabc\n", Standing::User);
    assert_eq!(desk.world.shared.bodies_bytes, 4);
    assert_eq!(desk.read(b"de\n", Standing::User), [posted("n", 2, "abc\nde\n")]);
    assert_eq!(desk.world.shared.bodies_bytes, 0);
}

#[test]
fn a_connection_that_ends_gives_its_block_and_its_body_back() {
    let mut desk = Desk::new();
    desk.read(b"#postmessage n 0 2\nabc\npart", Standing::User);
    assert_eq!((desk.world.shared.bodies_bytes, desk.world.shared.park.spare()), (4, 0));
    desk.release();
    assert_eq!((desk.world.shared.bodies_bytes, desk.world.shared.park.spare()), (0, 1));
    assert_eq!(desk.read(b"\nx\n", Standing::User), [""; 0]);
}

#[test]
fn a_body_that_is_too_long_is_taken_to_its_end_and_not_kept() {
    let mut desk = Desk::new();
    let line = format!("{}\n", "x".repeat(999));
    let parts = BODY_BYTES_MAX / 1000 + 2;
    desk.world.options.message_lines_max = parts as u32;
    let mut requests = desk.read(format!("#postmessage n 0 {parts}\n").as_bytes(), Standing::User);
    for _ in 0..parts {
        requests.extend(desk.read(line.as_bytes(), Standing::User));
    }
    assert_eq!(desk.world.shared.bodies_bytes, 0);
    assert_eq!(requests.len(), parts + 1);
    assert!(requests[..parts].iter().all(|request| request == "Nothing"));
    assert!(requests[parts].ends_with("body: TooLong })"), "{}", requests[parts]);
    assert_eq!(desk.read(b"#quit\n", Standing::User), ["Do(Quit)"]);
}

#[test]
fn a_body_over_the_sum_of_all_bodies_is_not_kept() {
    let mut desk = Desk::new();
    desk.world.shared.bodies_bytes = BODIES_BYTES_MAX - 1;
    let requests = desk.read(b"#postmessage n\nx\n", Standing::User);
    assert!(requests[1].ends_with("body: TooLong })"), "{}", requests[1]);
    assert_eq!(desk.world.shared.bodies_bytes, BODIES_BYTES_MAX - 1);
}

#[test]
fn telnet_is_answered_in_the_order_of_requests_and_within_a_body() {
    let mut desk = Desk::new();
    let stream = b"\xff\xfd\x01#postmessage n\n\xff\xf6a\xff\xfd\x06b\r\n#quit\n";
    let requests = desk.read(stream, Standing::User);
    let post = posted("n", 1, "ab\n");
    let expected = [
        "Telnet([255, 252, 1])",
        "Nothing",
        "Notice(Alive)",
        "Telnet([255, 252, 6])",
        &post,
        "Do(Quit)",
    ];
    assert_eq!(requests, expected);
}

/// A bit of everything that a connection can meet.
fn tour() -> Vec<u8> {
    let mut stream = b"\xef\xbb\xbf\xff\xfb\x1f#login anon bob\r\n\r\n".to_vec();
    stream.extend(b"#sendto amy \"a \\\"b\\\" \\\\ c\"\r\0#broadcast gr\xc3\xbcn \xff\x1b[1m \r");
    stream.extend(b"#createroom \"a \\\"b\\\"\" \"p w\" regd\n#whoamj\x08i\n#quit\x15#listrooms\n");
    stream.extend(b"#postmessage \"re: x\" 4 3 60\r\n one\xff\xf6 two \r\n\r\n#quit \xc2\x9b\r\n");
    stream.extend(b"\xff\xfa\x18\x00vt\r\n100\xff\xf0#help kick\xff\xf4\xff\xfd\x06\r\n");
    stream
        .extend(b"#postmessage n x\n#getmessage 12\nhello\n#sendto \"amy\n#peer2peer amy 80 ::1\n");
    stream.extend(b"#postmessage n 0 4\n#quit\n");
    stream
}

#[test]
fn the_same_bytes_ask_the_same_wherever_they_are_cut() {
    let stream = tour();
    for standing in [Standing::User, Standing::Stranger] {
        let whole = Desk::new().read(&stream, standing);
        assert!(whole.len() > 20, "{whole:#?}");
        for at in 0..=stream.len() {
            let mut desk = Desk::new();
            let mut requests = desk.read(&stream[..at], standing);
            requests.extend(desk.read(&stream[at..], standing));
            assert_eq!(requests, whole, "cut at {at}");
        }
        for size in 1..40 {
            let mut desk = Desk::new();
            let pieces = stream.chunks(size).flat_map(|piece| desk.read(piece, standing));
            assert_eq!(pieces.collect::<Vec<_>>(), whole, "in pieces of {size}");
            assert_eq!(desk.world.shared.bodies_bytes, 0);
        }
    }
}

#[test]
fn any_bytes_are_read_without_a_panic_and_alike_in_one_piece_or_many() {
    // xorshift: enough to wander through every state, and the same on every run.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let alphabet =
        b"#abx \t\"\\\r\n\n\0\x08\x15\x17\x7f\xff\xff\xfb\xfd\xfa\xf0\x06\xc2\x9b\xe2\x82\xac";
    let phrases: [&[u8]; 5] = [
        b"#broadcast ",
        b"#sendto a ",
        b"#postmessage n 0 2\n",
        b"#createroom \"a",
        b"\xef\xbb\xbf",
    ];
    for _ in 0..300 {
        let mut stream = Vec::new();
        while stream.len() < 400 {
            let choice = random() as usize;
            match choice % 16 {
                0 => stream.extend(phrases[choice / 16 % phrases.len()]),
                _ => stream.push(alphabet[choice / 16 % alphabet.len()]),
            }
        }
        let whole = Desk::new().read(&stream, Standing::User);
        let size = 1 + random() as usize % 30;
        let mut desk = Desk::new();
        let pieces = stream.chunks(size).flat_map(|piece| desk.read(piece, Standing::User));
        assert_eq!(pieces.collect::<Vec<_>>(), whole, "{stream:02x?} in pieces of {size}");
    }
}

#[test]
fn a_connection_between_lines_is_small() {
    assert!(size_of::<Reader>() <= 48, "{}", size_of::<Reader>());
    let mut desk = Desk::new();
    desk.read(b"#whoami\r\n#broadcast hi\n#postmessage n\nx\n", Standing::User);
    assert!(desk.reader.posting.is_none());
    assert!(desk.reader.lines.parked().is_empty());
}
