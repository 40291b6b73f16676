//! Conversations with the reader, split at every byte and joined, and answers in every framing.

use crate::core::event::{Door, List, Reply, RoomRow, Row, UserKind};
use crate::core::name::ItemName;
use crate::dialect::crimp::*;
use crate::dialect::tests::World;
use crate::dialect::{self, Options, Request};
use crate::limits::{CRIMP_ANSWER_BYTES_MAX, CRIMP_QUIET_MS, SAID_BYTES_MAX};

/// What becomes of logins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    Free,
    Taken,
}

/// A connection, and the house as far as it lets people in.
struct Talk {
    reader: Reader,
    standing: Standing,
    names: Names,
    world: World,
    heard: Vec<String>,
}

/// Where a request comes from.
#[derive(Clone, Copy)]
enum From<'b> {
    Bytes(&'b [u8]),
    Time,
    End,
}

impl Talk {
    fn new(names: Names) -> Self {
        let (reader, standing) = (Reader::default(), Standing::Stranger);
        let mut world = World::new(Options::default());
        world.now_ms = 1000;
        Self { reader, standing, names, world, heard: Vec::new() }
    }

    fn read(&mut self, bytes: &[u8]) {
        self.take(From::Bytes(bytes));
    }

    fn wait(&mut self, ms: u64) {
        self.world.now_ms += ms;
        if self.reader.deadline().is_some_and(|due| due <= self.world.now_ms) {
            self.take(From::Time);
            assert!(self.reader.deadline().is_none_or(|due| due > self.world.now_ms));
        }
    }

    fn take(&mut self, from: From<'_>) {
        let mut context = self.world.context();
        let mut input = match from {
            From::Bytes(bytes) => bytes,
            From::Time | From::End => b"",
        };
        loop {
            let request = match from {
                From::Bytes(_) => self.reader.next(&mut input, self.standing, &mut context),
                From::Time => self.reader.due(self.standing, &mut context),
                From::End => self.reader.finish(self.standing),
            };
            let Some(request) = request else { break };
            let is_login = matches!(request, Request::Do(Command::LoginAnonymous { .. }, _));
            if is_login && self.names == Names::Free {
                self.standing = Standing::User;
            }
            if !matches!(request, Request::Nothing) {
                self.heard.push(format!("{request:?}"));
            }
        }
        assert!(input.is_empty(), "reading ends with the segment");
    }
}

/// What is asked by a stream that may be split anywhere, but is followed by a silence.
fn steady(names: Names, stream: &[u8]) -> Vec<String> {
    let heard = |segments: &[&[u8]]| {
        let mut talk = Talk::new(names);
        for segment in segments {
            talk.read(segment);
            talk.wait(1);
        }
        talk.wait(CRIMP_QUIET_MS);
        talk.heard
    };
    let whole = heard(&[stream]);
    assert_eq!(heard(&stream.chunks(1).collect::<Vec<_>>()), whole);
    for at in 0..stream.len() {
        let (one, two) = stream.split_at(at);
        assert_eq!(heard(&[one, two]), whole, "split at {at}");
    }
    whole
}

fn frames(commands: &[&str]) -> Vec<u8> {
    let mut stream = Vec::new();
    for command in commands {
        let mut body = Vec::new();
        modified::encode(&mut body, command);
        stream.extend((body.len() as u16).to_be_bytes());
        stream.extend(body);
    }
    stream
}

const SESSION: [&str; 14] = [
    "bob LSRM",
    "bob CTRM den",
    "BOB CTRM den",
    "bob JOIN den",
    "bob LIST",
    "bob LSMB den",
    "bob POST den gr\u{fc}\u{df} \u{1f600} Gott",
    "bob POST den",
    "bob RETV den",
    "amy RETV den",
    "bob NONE",
    "bob LEAV den",
    "",
    "bob DSCT",
];

/// What a session asks for, whatever ends its commands.
fn asked(ending: &str) -> Vec<String> {
    let user = "LoginAnonymous { name: UserName";
    let answer = |command: &str, what: &str| {
        format!("Do({command}, Crimp(Asked {{ what: {what}, ending: {ending} }}))")
    };
    let refusal = |status: &str| {
        format!("Answer({status}, Crimp(Asked {{ what: Wordless, ending: {ending} }}))")
    };
    let den = "ItemName(\"den\")";
    let create =
        format!("CreateRoom {{ name: {den}, password: None, admits: Anonymous, then: Stay }}");
    let join = format!("Company(Enter {{ name: {den}, claim: Own }})");
    let members = format!("Company(ListMembers {{ room: {den} }})");
    let said = "gr\u{fc}\u{df} \u{1f600} Gott";
    let post =
        format!("Company(Say {{ room: {den}, claim: Own, text: Ok({said:?}), stamp: None }})");
    let recall = format!("Company(Recall {{ room: {den} }})");
    let leave = format!("Company(Leave {{ name: {den}, owner: Go }})");
    vec![
        answer(&format!("{user}(\"bob\") }}"), "Wordless"),
        answer("ListRooms", "Wordless"),
        answer(&create, "Create"),
        answer(&create, "Create"),
        answer(&join, "Join"),
        answer("ListRooms", "Wordless"),
        answer(&members, "Wordless"),
        answer(&post, "Post"),
        refusal("NoCommand"),
        answer(&recall, "Wordless"),
        refusal("NotYou"),
        refusal("NoCommand"),
        answer(&leave, "Leave"),
        refusal("NoCommand"),
        answer("Quit", "Disconnect"),
    ]
}

#[test]
fn a_session_in_frames_asks_the_same_however_it_is_split() {
    assert_eq!(steady(Names::Free, &frames(&SESSION)), asked("Frame"));
}

#[test]
fn a_session_in_lines_asks_the_same_however_it_is_split() {
    for (end, ending) in [("\n", "Lf"), ("\r\n", "CrLf")] {
        let stream: String = SESSION.iter().map(|line| format!("{line}{end}")).collect();
        assert_eq!(steady(Names::Free, stream.as_bytes()), asked(ending));
    }
}

#[test]
fn a_session_without_ends_is_parted_by_silence() {
    let mut talk = Talk::new(Names::Free);
    for command in SESSION.iter().filter(|command| !command.is_empty()) {
        let (one, two) = command.as_bytes().split_at(5);
        talk.read(one);
        talk.wait(CRIMP_QUIET_MS - 1);
        talk.read(two);
        talk.wait(CRIMP_QUIET_MS - 1);
        talk.wait(1);
    }
    let mut expected = asked("Silence");
    expected.remove(13);
    assert_eq!(talk.heard, expected);
    assert_eq!(talk.reader.deadline(), None);
}

#[test]
fn the_ending_may_change_from_command_to_command() {
    let mut talk = Talk::new(Names::Free);
    talk.read(b"bob LSRM\nbob LSRM\r\nbob LSRM");
    talk.wait(CRIMP_QUIET_MS);
    talk.read(b"bob LSRM\n");
    let ending = |it: &String| it.split("ending: ").nth(1)?.split(' ').next().map(str::to_owned);
    let endings: Vec<_> = talk.heard.iter().filter_map(ending).collect();
    assert_eq!(endings, ["Lf", "Lf", "CrLf", "Silence", "Lf"]);
}

#[test]
fn the_end_of_all_input_ends_a_command_too() {
    let mut talk = Talk::new(Names::Free);
    talk.read(b"bob LSRM\nbob LIST");
    assert_eq!(talk.heard.len(), 2);
    talk.take(From::End);
    assert_eq!(talk.heard.len(), 3);
    let mut talk = Talk::new(Names::Free);
    talk.read(b"bob LIST");
    talk.take(From::End);
    assert_eq!(talk.heard.len(), 2, "the login, and then the list");
    let mut talk = Talk::new(Names::Free);
    talk.read(b"\0\x08bob LIS");
    talk.take(From::End);
    assert_eq!(talk.heard, [""; 0], "half a frame is nothing");
}

#[test]
fn a_command_whose_name_is_taken_is_not_carried_out_and_the_next_may_bring_another() {
    let heard = steady(Names::Taken, b"bob LSRM\nbob JOIN den\namy LSRM\nnobody DSCT\n");
    let names: Vec<_> = heard.iter().map(|it| it.split('"').nth(1)).collect();
    assert_eq!(names, [Some("bob"), Some("bob"), Some("amy"), None]);
    assert!(heard[3].starts_with("Do(Quit, "));
}

#[test]
fn a_command_that_waits_for_its_login_is_due_at_once() {
    let mut reader = Reader::default();
    let mut world = World::new(Options::default());
    let mut context = world.context();
    let mut input: &[u8] = b"bob LSRM\n";
    let login = reader.next(&mut input, Standing::Stranger, &mut context);
    assert!(matches!(login, Some(Request::Do(Command::LoginAnonymous { .. }, _))));
    assert_eq!(reader.deadline(), Some(0));
    let list = reader.due(Standing::User, &mut context);
    assert!(matches!(list, Some(Request::Do(Command::ListRooms, _))));
    assert_eq!(reader.deadline(), None);
    assert!(reader.due(Standing::User, &mut context).is_none());
}

#[test]
fn the_first_bytes_of_a_text_are_something_heard() {
    let mut world = World::new(Options::default());
    let mut context = world.context();
    let mut reader = Reader::default();
    let first = reader.next(&mut &b"b"[..], Standing::Stranger, &mut context);
    assert!(matches!(first, Some(Request::Nothing)));
    let second = reader.next(&mut &b"ob"[..], Standing::Stranger, &mut context);
    assert!(second.is_none());
}

fn asked_for(what: What, ending: Ending) -> Asked {
    Asked { what, ending }
}

fn answered(what: What, ending: Ending, status: Status) -> Vec<u8> {
    let mut out = Vec::new();
    assert_eq!(asked_for(what, ending).answer(&mut out, status), Next::Stay);
    out
}

#[test]
fn every_answer_has_its_word_and_ends_as_the_command_did() {
    let words = [
        (What::Create, Status::Ok, "OK_CTRM"),
        (What::Create, Status::RoomExists, "ERR_DUPLICATEROOM"),
        (What::Create, Status::NoMemory, "ERR_ILLEGALCOMMAND"),
        (What::Create, Status::NoAccess, "ERR_ILLEGALCOMMAND"),
        (What::Join, Status::Ok, "OK_JOIN"),
        (What::Join, Status::NoRoom, "ERR_NONEXISTENTROOM"),
        (What::Join, Status::Banned, "ERR_NONEXISTENTROOM"),
        (What::Join, Status::AlreadyIn, "ERR_ALREADYJOINED"),
        (What::Leave, Status::Ok, "OK_LEAV"),
        (What::Leave, Status::NotIn, "ERR_NOTINROOM"),
        (What::Post, Status::Ok, "OK_POST"),
        (What::Post, Status::NotIn, "ERR_NOTINROOM"),
        (What::Wordless, Status::NoRoom, "ERR_NONEXISTENTROOM"),
        (What::Wordless, Status::NameInUse, "ERR_USERNAMEINUSE"),
        (What::Wordless, Status::NameRegistered, "ERR_USERNAMEINUSE"),
        (What::Wordless, Status::NotYou, "ERR_USERNAMEINUSE"),
        (What::Wordless, Status::NoCommand, "ERR_ILLEGALCOMMAND"),
    ];
    for (what, status, word) in words {
        assert_eq!(answered(what, Ending::Silence, status), word.as_bytes());
        assert_eq!(answered(what, Ending::Lf, status), format!("{word}\n").into_bytes());
        assert_eq!(answered(what, Ending::CrLf, status), format!("{word}\r\n").into_bytes());
        assert_eq!(answered(what, Ending::Frame, status), frames(&[word]));
    }
    for ending in [Ending::Frame, Ending::Lf, Ending::CrLf, Ending::Silence] {
        assert_eq!(answered(What::Wordless, ending, Status::Ok), b"");
        assert_eq!(answered(What::Disconnect, ending, Status::Ok), b"");
    }
}

#[test]
fn answers_stand_one_behind_the_other() {
    let mut out = Vec::new();
    for (what, status) in [(What::Join, Status::Ok), (What::Post, Status::NoRoom)] {
        asked_for(what, Ending::Frame).answer(&mut out, status);
    }
    assert_eq!(out, frames(&["OK_JOIN", "ERR_NONEXISTENTROOM"]));
}

fn list(ending: Ending, list: List, rows: &[Row<'_>]) -> Vec<u8> {
    let voice = dialect::Voice::Crimp(Voice { ending });
    let mut out = Vec::new();
    voice.reply(&mut out, &Reply::List(list, rows.len() as u32), "");
    for (nth, row) in rows.iter().enumerate() {
        voice.reply(&mut out, &Reply::Row(*row, nth as u32), "");
    }
    voice.reply(&mut out, &Reply::End(list), "");
    out
}

fn room(name: &ItemName) -> Row<'_> {
    Row::Room(RoomRow {
        name,
        owner: None,
        users: 0,
        seconds: 0,
        door: Door::Public,
        admits: Admits::Anonymous,
    })
}

fn line<'a>(sender: &'a UserName, text: &'a str) -> Row<'a> {
    Row::Line { time: 1_767_225_600, sender, text, stamp: Some("whenever") }
}

#[test]
fn names_are_parted_by_line_breaks_in_frames_and_by_commas_in_text() {
    let names = ["Home", "d\u{1f600}n"].map(|name| ItemName::new(name).unwrap());
    let rows = names.each_ref().map(room);
    assert_eq!(list(Ending::Frame, List::Rooms, &rows), frames(&["Home\nd\u{1f600}n"]));
    assert_eq!(list(Ending::Lf, List::Rooms, &rows), "Home, d\u{1f600}n\n".as_bytes());
    assert_eq!(list(Ending::CrLf, List::Rooms, &rows), "Home, d\u{1f600}n\r\n".as_bytes());
    assert_eq!(list(Ending::Silence, List::Rooms, &rows[..1]), b"Home");
    let (amy, bob) = (UserName::new("amy").unwrap(), UserName::new("bob").unwrap());
    let rows = [Row::User(&amy, UserKind::Anonymous), Row::User(&bob, UserKind::Registered)];
    assert_eq!(list(Ending::Frame, List::Users, &rows), frames(&["amy\nbob"]));
    assert_eq!(list(Ending::Silence, List::Users, &rows), b"amy, bob");
}

#[test]
fn a_list_of_nothing_is_an_error() {
    let words = [
        (List::Rooms, "ERR_NOROOMS"),
        (List::Users, "ERR_ROOMEMPTY"),
        (List::History, "ERR_NOMESSAGES"),
    ];
    for (kind, word) in words {
        assert_eq!(list(Ending::Frame, kind, &[]), frames(&[word]));
        assert_eq!(list(Ending::CrLf, kind, &[]), format!("{word}\r\n").into_bytes());
        assert_eq!(list(Ending::Silence, kind, &[]), word.as_bytes());
    }
}

#[test]
fn what_was_said_stands_in_lines_that_nothing_in_it_can_break() {
    let amy = UserName::new("amy").unwrap();
    let rows = [line(&amy, "a\tb\r\nc"), line(&amy, "  d\u{1f600}")];
    let first = "[01/01/2026 00:00:00] amy: a b  c";
    let second = "[01/01/2026 00:00:00] amy:   d\u{1f600}";
    let text = |separator: &str| format!("{first}{separator}{second}");
    assert_eq!(list(Ending::Frame, List::History, &rows), frames(&[&text("\n")]));
    assert_eq!(list(Ending::Lf, List::History, &rows), format!("{}\n", text("\n")).into_bytes());
    let crlf = format!("{}\r\n", text("\r\n"));
    assert_eq!(list(Ending::CrLf, List::History, &rows), crlf.into_bytes());
    assert_eq!(list(Ending::Silence, List::History, &rows), text("\n").into_bytes());
}

/// Bytes in front of a line's text, with its parting from the line before.
fn line_head_bytes() -> usize {
    "[01/01/2026 00:00:00] amy: \n".len()
}

#[test]
fn a_history_of_exactly_the_bound_is_whole_and_of_one_byte_more_loses_its_oldest_line() {
    let amy = UserName::new("amy").unwrap();
    let text = "x".repeat(SAID_BYTES_MAX);
    let lines = CRIMP_ANSWER_BYTES_MAX / (SAID_BYTES_MAX + line_head_bytes());
    // The first line has no parting in front of it.
    let rest = CRIMP_ANSWER_BYTES_MAX + 1 - lines * (SAID_BYTES_MAX + line_head_bytes());
    for ending in [Ending::Frame, Ending::Lf, Ending::Silence] {
        let head = if ending == Ending::Frame { 2 } else { 0 };
        let tail = if ending == Ending::Lf { 1 } else { 0 };
        for (more, lost) in [(0, 0), (1, rest + 1)] {
            let oldest = "o".repeat(rest - line_head_bytes() + more);
            let mut rows = vec![line(&amy, &oldest)];
            rows.extend((0..lines).map(|_| line(&amy, &text)));
            let out = list(ending, List::History, &rows);
            let length = CRIMP_ANSWER_BYTES_MAX + more - lost;
            assert_eq!(out.len(), head + length + tail, "{ending:?} {more}");
            assert_eq!(out.contains(&b'o'), lost == 0);
            assert_eq!(out[head], b'[');
        }
    }
}

#[test]
fn of_a_history_of_any_length_the_newest_lines_are_given() {
    let amy = UserName::new("amy").unwrap();
    let texts: Vec<String> = (0..20_000).map(|nth| format!("\u{1f600}{nth}")).collect();
    let rows: Vec<Row<'_>> = texts.iter().map(|text| line(&amy, text)).collect();
    for ending in [Ending::Frame, Ending::CrLf] {
        let out = list(ending, List::History, &rows);
        assert!((CRIMP_ANSWER_BYTES_MAX - 50..CRIMP_ANSWER_BYTES_MAX + 3).contains(&out.len()));
        let end = if ending == Ending::CrLf { "19999\r\n" } else { "19999" };
        assert!(out.ends_with(end.as_bytes()));
    }
}

#[test]
fn names_for_which_there_is_no_room_are_left_out() {
    let names: Vec<_> =
        (0..5000).map(|nth| ItemName::new(&format!("{nth:030}")).unwrap()).collect();
    let rows: Vec<Row<'_>> = names.iter().map(room).collect();
    let out = list(Ending::Frame, List::Rooms, &rows);
    // Each takes 31 bytes, but the first.
    let fit = (CRIMP_ANSWER_BYTES_MAX + 1) / 31;
    assert_eq!(out.len(), 2 + fit * 31 - 1);
    assert_eq!(usize::from(u16::from_be_bytes([out[0], out[1]])), out.len() - 2);
    let exact = "y".repeat(CRIMP_ANSWER_BYTES_MAX - (fit * 31 - 1) - 1);
    let one_more = ItemName::new(&format!("{exact}z"));
    let exact = ItemName::new(&exact).unwrap();
    let mut rows = rows[..fit].to_vec();
    rows.push(room(&exact));
    assert_eq!(list(Ending::Frame, List::Rooms, &rows).len(), 2 + CRIMP_ANSWER_BYTES_MAX);
    let one_more = one_more.unwrap();
    rows[fit] = room(&one_more);
    assert_eq!(list(Ending::Frame, List::Rooms, &rows).len(), 2 + fit * 31 - 1);
}
