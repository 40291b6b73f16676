//! Tests of the whole road: from bytes to requests, segments cut anywhere, and from statuses and events to lines.

use super::*;
use crate::core::event::{Event, List, Notice, Reply, Row, UserKind};
use crate::core::name::ItemName;
use crate::dialect::tests::World;
use crate::dialect::{Asked as AnyAsked, Next, Options as AllOptions};
use crate::limits::{HELO_LINE_BYTES_MAX, NAME_BYTES_MAX, SAID_BYTES_MAX};

/// One connection, and what all share.
struct Desk {
    reader: Reader,
    world: World,
}

impl Desk {
    fn new() -> Self {
        Self { reader: Reader::default(), world: World::new(AllOptions::default()) }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Reader, &mut Context<'_>) -> T) -> T {
        act(&mut self.reader, &mut self.world.context())
    }

    fn read(&mut self, mut segment: &[u8], standing: Standing) -> Vec<String> {
        let requests = self.with(|reader, context| {
            let mut requests = Vec::new();
            while let Some(request) = reader.next(&mut segment, standing, context) {
                requests.push(described(&request));
            }
            requests
        });
        assert!(segment.is_empty(), "all input is used up");
        requests
    }

    fn due(&mut self, now_ms: u64, standing: Standing) -> Option<String> {
        self.world.now_ms = now_ms;
        self.with(|reader, context| reader.due(standing, context).map(|it| described(&it)))
    }
}

/// A command of the house as it prints, or the lines that the dialect answers by itself.
fn described(request: &Request<'_>) -> String {
    match request {
        Request::Do(command, _) => format!("{command:?}"),
        Request::Answer(status, asked) => {
            let mut out = Vec::new();
            let next = asked.answer(&mut out, *status);
            let end = if next == Next::Close { " [closed]" } else { "" };
            format!("{}{end}", String::from_utf8(out).unwrap().trim_end_matches('\n'))
        }
        Request::Fetch(fetch) => format!("Fetch({} {})", fetch.sender, fetch.after(7)),
        other => format!("{other:?}"),
    }
}

fn user(stream: &str) -> Vec<String> {
    Desk::new().read(stream.as_bytes(), Standing::User)
}

fn stranger(stream: &str) -> Vec<String> {
    Desk::new().read(stream.as_bytes(), Standing::Stranger)
}

/// How a command that was carried out so is answered.
fn answered(line: &str, status: Status) -> String {
    let mut desk = Desk::new();
    let standing = if line.starts_with("HELO") { Standing::Stranger } else { Standing::User };
    let line = format!("{line}\n");
    let mut input = line.as_bytes();
    desk.with(|reader, context| {
        let request = reader.next(&mut input, standing, context).unwrap();
        let Request::Do(_, asked @ AnyAsked::Helo(_)) = request else { panic!("{request:?}") };
        described(&Request::Answer(status, asked))
    })
}

const UNKNOWN: &str = "-SOFT_ERR unknown command";
const BAD_NAME: &str = "-ERR username has an invalid format (only characters, numbers and underscores are \
                        allowed) [closed]";

#[test]
fn a_stranger_may_log_in_and_quit_and_nothing_else() {
    let asked = stranger("HELO zoe_1\nQUIT\nQUIT q\nPONG\n\n  \nBCST hi\nnonsense\nhelo zoe\n");
    let refused = "-SOFT_ERR you are not logged in";
    let login = "LoginAnonymous { name: UserName(\"zoe_1\") }";
    let nothing = ["Nothing"; 3];
    assert_eq!(asked[..3], [login, "Quit", "Quit"]);
    assert_eq!(asked[3..6], nothing);
    assert_eq!(asked[6..], [refused; 3]);
}

#[test]
fn a_user_name_has_letters_digits_and_underscores_and_at_most_30_bytes() {
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    for name in ["", " ", "a b", "zoé", "a-b", "a.b", "@zoe", "zoe ", &long] {
        assert_eq!(stranger(&format!("HELO {name}\n")), [BAD_NAME], "{name:?}");
    }
    assert_eq!(stranger("HELO\n"), [BAD_NAME]);
    assert!(stranger(&format!("HELO {}\n", &long[1..]))[0].starts_with("LoginAnonymous"));
    assert_eq!(user("HELO zoe\n"), [UNKNOWN]);
}

#[test]
fn what_nobody_knows_or_what_lacks_a_word_is_unknown() {
    for line in [
        "x",
        "bcst hi",
        "GET_USERS",
        "GET_USERS *al",
        "GET_GROUPS",
        "GET_GROUPS *all",
        "PM",
        "REQUEST_PUBLIC_KEY",
        "REQUEST_PUBLIC_KEY @bob",
        "PUBLIC_KEY @bob",
        "PUBLIC_KEY @bob key",
        "FILE_TRANS",
        "FILE_TRANS @bob",
        "FILE_TRANS /send_file",
        "FILE_TRANS /send_file @bob",
        "READY_FOR_FILE",
        "READY_FOR_FILE @bob",
        "READY_FOR_FILE @bob ",
        "CREATE_GROUP",
        "CREATE_GROUP /create_group",
        "JOIN_GROUP",
        "JOIN_GROUP /join",
        "LEAVE_GROUP",
        "LEAVE_GROUP /leave ",
        "GROUP_MESSAGE",
        "KICK",
        "KICK g",
        "KICK /kick g",
        " QUIT",
    ] {
        assert_eq!(user(&format!("{line}\n")), [UNKNOWN], "{line:?}");
    }
}

#[test]
fn each_command_is_understood_with_the_typed_word_and_without() {
    let enter = "Company(Enter { name: ItemName(\"g\"), claim: Own })";
    let leave = "Company(Leave { name: ItemName(\"g\"), owner: NotGo })";
    let create =
        "CreateRoom { name: ItemName(\"g\"), password: None, admits: Anonymous, then: Enter }";
    let kick = "Company(Expel { room: ItemName(\"g\"), user: Some(UserName(\"bob\")) })";
    let file = "Company(PassOn { user: UserName(\"bob\"), oneself: Refused, \
                before: \"FILE_TRANS @\", after: \" 5;a b;9\" })";
    for (verb, typed, rest, wanted) in [
        ("CREATE_GROUP", "/create_group", "g", create),
        ("JOIN_GROUP", "/join", "g", enter),
        ("LEAVE_GROUP", "/leave", "g", leave),
        ("KICK", "/kick", "g bob", kick),
        ("FILE_TRANS", "/send_file", "@bob 5;a b;9", file),
    ] {
        assert_eq!(user(&format!("{verb} {typed} {rest}\n")), [wanted]);
        assert_eq!(user(&format!("{verb} {rest}\r\n")), [wanted]);
    }
}

#[test]
fn what_follows_a_name_is_handed_on_as_it_is() {
    let pass = |before: &str, after: &str| {
        format!(
            "Company(PassOn {{ user: UserName(\"bob\"), oneself: Allowed, before: {before:?}, \
             after: {after:?} }})"
        )
    };
    assert_eq!(user("REQUEST_PUBLIC_KEY @bob 12 \n"), [pass("REQUEST_PUBLIC_KEY @", " 12 ")]);
    assert_eq!(user("PUBLIC_KEY @bob  k+/=  12\n"), [pass("PUBLIC_KEY @", "  k+/=  12")]);
    assert_eq!(user("READY_FOR_FILE @bob 5;a b;9\n"), ["Fetch(bob  5;a b;9 7)"]);
    let tell = |text: &str| format!("Company(Tell {{ user: UserName(\"bob\"), text: {text:?} }})");
    assert_eq!(user("PM @bob  two  blanks \n"), [tell(" two  blanks ")]);
    assert_eq!(user("PM bob x\n"), [tell("x")]);
    assert_eq!(user("BCST  hi\tyou\x07\n"), ["Company(Call { text: \" hi you\" })"]);
    let say =
        "Company(Say { room: ItemName(\"g\"), claim: Own, text: Ok(\"hi @@g\"), stamp: None })";
    assert_eq!(user("GROUP_MESSAGE @@g hi @@g\n"), [say]);
    assert_eq!(user("GROUP_MESSAGE g hi @@g\n"), [say]);
}

#[test]
fn a_name_that_cannot_be_one_is_nobodys() {
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    for line in ["PM @b/d x", "PUBLIC_KEY @b/d k 1", "FILE_TRANS @b/d m", "READY_FOR_FILE @b/d m"] {
        assert_eq!(user(&format!("{line}\n")), ["-SOFT_ERR no such user!"]);
    }
    for verb in ["JOIN_GROUP", "LEAVE_GROUP", "GROUP_MESSAGE", "KICK"] {
        assert_eq!(user(&format!("{verb} {long} x\n")), ["-SOFT_ERR no such group!"]);
    }
    let bad_group = "-SOFT_ERR a group name has 1 to 30 bytes!";
    assert_eq!(user(&format!("CREATE_GROUP {long}\n")), [bad_group]);
    assert!(user(&format!("CREATE_GROUP {}\n", &long[1..]))[0].starts_with("CreateRoom"));
    assert_eq!(user("KICK g b/d\n"), ["Company(Expel { room: ItemName(\"g\"), user: None })"]);
}

#[test]
fn a_message_is_neither_empty_nor_longer_than_anybody_takes() {
    let empty = "-SOFT_ERR a message can't be empty!";
    for line in ["BCST", "BCST ", "BCST   ", "PM @bob", "PM @bob  "] {
        assert_eq!(user(&format!("{line}\n")), [empty], "{line:?}");
    }
    let say = "Company(Say { room: ItemName(\"g\"), claim: Own, text: Err(Unknown), stamp: None })";
    assert_eq!(user("GROUP_MESSAGE @@g\n"), [say]);
    // Bytes that are not UTF-8 grow.
    let text = |count: usize| [b"BCST ".as_slice(), &vec![0xff; count], b"\n"].concat();
    let most = SAID_BYTES_MAX / 3;
    let said = Desk::new().read(&text(most), Standing::User);
    assert!(said[0].starts_with("Company(Call"), "{said:?}");
    let said = Desk::new().read(&text(most + 1), Standing::User);
    assert_eq!(said, ["-SOFT_ERR that message is too long!"]);
}

#[test]
fn a_line_that_is_too_long_is_the_last() {
    let line = "x".repeat(HELO_LINE_BYTES_MAX);
    assert_eq!(user(&format!("{line}\nQUIT\n")), [UNKNOWN, "Quit"]);
    assert_eq!(user(&format!("{line}x\nQUIT\n")), ["Close(LineTooLong)"]);
    assert_eq!(user(&format!("{line}x")), ["Close(LineTooLong)"]);
}

#[test]
fn a_conversation_asks_for_the_same_however_it_is_cut() {
    let stream = "PONG\nBCST hello\tall\r\nPM @bob 8a+/= 9b+/=\r\n\nGET_USERS *all\nKICK /kick g bob\n\
                  FILE_TRANS /send_file @bob 5;a.txt;99\nGROUP_MESSAGE @@g caf\u{e9} \u{1f600}\r\r\n\
                  READY_FOR_FILE @bob 5;a.txt;99\nCREATE_GROUP\nPUBLIC_KEY @bob k 1\nx\x00y\n\
                  QUIT q\nleft";
    for standing in [Standing::User, Standing::Stranger] {
        let whole = Desk::new().read(stream.as_bytes(), standing);
        assert_eq!(whole.len(), 13);
        for at in 0..=stream.len() {
            let mut desk = Desk::new();
            let mut asked = desk.read(&stream.as_bytes()[..at], standing);
            asked.extend(desk.read(&stream.as_bytes()[at..], standing));
            assert_eq!(asked, whole, "in two at {at}");
        }
        let mut desk = Desk::new();
        let bytes = stream.as_bytes().chunks(1);
        let asked: Vec<_> = bytes.flat_map(|byte| desk.read(byte, standing)).collect();
        assert_eq!(asked, whole);
    }
}

#[test]
fn a_user_is_asked_whether_it_is_there() {
    let mut desk = Desk::new();
    assert_eq!(desk.reader.deadline(Standing::User), None);
    desk.world.now_ms = 5000;
    desk.read(b"HELO zoe\n", Standing::Stranger);
    assert_eq!(desk.reader.deadline(Standing::Stranger), None);
    assert_eq!(desk.reader.deadline(Standing::User), Some(15_000));
    assert_eq!(desk.due(14_999, Standing::User), None);
    assert_eq!(desk.due(15_000, Standing::User), Some("PING".to_owned()));
    desk.read(b"PONG\n", Standing::User);
    assert_eq!(desk.due(18_000, Standing::User), None);
    assert_eq!(desk.due(25_000, Standing::User), Some("PING".to_owned()));
    desk.read(b"BCST I am here\nPONGO\n", Standing::User);
    assert_eq!(desk.due(28_000, Standing::User), Some("DSCN Pong timeout [closed]".to_owned()));
}

#[test]
fn who_logs_in_in_vain_is_told_why_and_closed() {
    let taken = "-ERR user already logged in [closed]";
    assert_eq!(answered("HELO zoe", Status::Ok), "+OK HELO zoe");
    assert_eq!(answered("HELO zoe", Status::NameInUse), taken);
    assert_eq!(answered("HELO zoe", Status::NameRegistered), taken);
}

#[test]
fn every_end_of_a_command_has_the_words_of_the_document() {
    let kicked = "+SUCCESS user Bob has been kicked out of group g";
    let taken = "-SOFT_ERR a group with that name already exists!";
    let unkicked = "-SOFT_ERR you are not allowed to kick members out that group!";
    let self_kick = "-SOFT_ERR why would you kick yourself out of your group :)?";
    let self_file = "-SOFT_ERR you can't send a file to yourself!";
    for (line, status, wanted) in [
        ("BCST hi", Status::Ok, "+OK BCST hi"),
        ("PM @bob hi", Status::Ok, ""),
        ("PM @bob hi", Status::NotFound, "-SOFT_ERR no such user!"),
        ("PUBLIC_KEY @bob k 1", Status::NotFound, "-SOFT_ERR no such user!"),
        ("CREATE_GROUP g", Status::Ok, "+SUCCESS group \"g\" has been created!"),
        ("CREATE_GROUP g", Status::RoomExists, taken),
        ("CREATE_GROUP g", Status::NoMemory, "-SOFT_ERR no more groups can be created!"),
        ("CREATE_GROUP g", Status::NoAccess, "-SOFT_ERR you are not allowed to do that!"),
        ("JOIN_GROUP g", Status::Ok, "+SUCCESS you have successfully entered group \"g\""),
        ("JOIN_GROUP g", Status::NoRoom, "-SOFT_ERR no such group!"),
        ("JOIN_GROUP g", Status::AlreadyIn, "-SOFT_ERR you are already a member of that group!"),
        ("JOIN_GROUP g", Status::Banned, "-SOFT_ERR you are banned from that group!"),
        ("JOIN_GROUP g", Status::NoMemory, "-SOFT_ERR you are a member of too many groups!"),
        ("GROUP_MESSAGE @@g x", Status::Ok, ""),
        ("GROUP_MESSAGE @@g x", Status::NoRoom, "-SOFT_ERR no such group!"),
        (
            "GROUP_MESSAGE @@g x",
            Status::NotIn,
            "-SOFT_ERR you are not allowed to write in that group!",
        ),
        ("GROUP_MESSAGE @@g", Status::Unknown, "-SOFT_ERR a message can't be empty!"),
        ("LEAVE_GROUP g", Status::Ok, "+SUCCESS you have successfully left the group \"g\""),
        ("LEAVE_GROUP g", Status::NotIn, "-SOFT_ERR you are not a member of that group!"),
        (
            "LEAVE_GROUP g",
            Status::OwnerStays,
            "-SOFT_ERR you are an admin, you can't leave the group!",
        ),
        ("KICK g Bob", Status::Ok, kicked),
        ("KICK g Bob", Status::NoRoom, "-SOFT_ERR no such group!"),
        ("KICK g Bob", Status::NotOwner, unkicked),
        ("KICK g Bob", Status::Oneself, self_kick),
        ("KICK g Bob", Status::NotIn, "-SOFT_ERR user Bob is not a member of group g"),
        ("KICK g Bob", Status::NoMemory, "-SOFT_ERR too many users are banned from that group!"),
        ("FILE_TRANS @bob m", Status::Ok, ""),
        ("FILE_TRANS @bob m", Status::NotFound, "-SOFT_ERR no such user!"),
        ("FILE_TRANS @bob m", Status::Oneself, self_file),
        ("QUIT", Status::Ok, "+OK Goodbye"),
    ] {
        assert_eq!(answered(line, status), wanted, "{line} {status:?}");
    }
}

#[test]
fn nothing_after_login_begins_with_the_error_on_which_clients_leave() {
    for line in ["BCST x", "PM @b x", "CREATE_GROUP g", "KICK g b", "QUIT", "GET_USERS *all"] {
        for status in Status::ALL {
            let answer = answered(line, status);
            assert!(status == Status::Ok || answer.starts_with("-SOFT_ERR "), "{line}: {answer}");
            assert!(!answer.contains('\n'), "{answer}");
        }
    }
}

fn name(text: &str) -> UserName {
    UserName::new(text).unwrap()
}

fn heard(event: &Event<'_>) -> String {
    let mut out = Vec::new();
    render::event(&mut out, event);
    String::from_utf8(out).unwrap()
}

#[test]
fn what_is_said_in_home_is_a_broadcast_and_elsewhere_of_a_group() {
    let (bob, home, group) =
        (name("bob"), ItemName::new("Home").unwrap(), ItemName::new("g").unwrap());
    let said =
        |room| Event::Said { room, sender: &bob, text: "hi", time: 1, stamp: None, nickname: None };
    assert_eq!(heard(&said(&home)), "BCST [bob] hi\n");
    assert_eq!(heard(&said(&group)), "GROUP_MESSAGE [bob] hi\n");
    assert_eq!(
        heard(&Event::Whispered {
            receiver: &bob,
            sender: &bob,
            text: "a b",
            time: 1,
            nickname: None
        }),
        "PM bob a b\n"
    );
    let passed = Event::PassedOn { before: "FILE_TRANS @", sender: &bob, after: " m" };
    assert_eq!(heard(&passed), "FILE_TRANS @bob m\n");
    let expelled = Event::Expelled { room: &group, user: &bob };
    assert_eq!(heard(&expelled), "GROUP_MESSAGE user bob has been kicked out of group g\n");
    let kicked = Event::Warning(Warning::Kicked { room: &group, owner: &bob });
    assert_eq!(heard(&kicked), "+SUCCESS you have been kicked out of the group g\n");
}

#[test]
fn what_its_users_do_not_hear_of_is_no_line() {
    let (bob, group) = (name("bob"), ItemName::new("g").unwrap());
    let (room, user, time) = (&group, &bob, 1);
    for event in [
        Event::RoomMade { room, time },
        Event::Entered { room, user, time },
        Event::Left { room, user, time },
        Event::PeerOffered { sender: user, port: 1, address: "::1" },
        Event::Notice(Notice::Alive),
    ] {
        assert_eq!(heard(&event), "");
    }
}

#[test]
fn the_last_word_is_a_line_that_says_why() {
    for warning in [
        Warning::LineTooLong,
        Warning::TooManyLines,
        Warning::LoginTimeout,
        Warning::Idle,
        Warning::WrongPasswords,
        Warning::LoggedInElsewhere,
        Warning::ServerFull,
        Warning::AddressFull,
        Warning::Stopping,
        Warning::TooSlow,
    ] {
        let line = heard(&Event::Warning(warning));
        assert!(line.starts_with("DSCN ") && line.ends_with('\n'), "{line:?}");
        assert_eq!(line.matches('\n').count(), 1);
    }
}

#[test]
fn a_list_is_one_line_in_brackets() {
    let (bob, amy) = (name("bob"), name("amy"));
    let rows = [
        Row::User(&bob, UserKind::Anonymous),
        Row::User(&amy, UserKind::Registered),
        Row::Stranger,
    ];
    let mut out = Vec::new();
    render::reply(&mut out, &Reply::List(List::Everyone, 3));
    for (nth, row) in rows.into_iter().enumerate() {
        render::reply(&mut out, &Reply::Row(row, nth as u32));
    }
    render::reply(&mut out, &Reply::End(List::Everyone));
    assert_eq!(out, b"+SUCCESS [bob, amy, unknown]\n");
    out.clear();
    render::reply(&mut out, &Reply::List(List::Rooms, 0));
    render::reply(&mut out, &Reply::End(List::Rooms));
    assert_eq!(out, b"+SUCCESS []\n");
}

#[test]
fn a_port_is_told_to_both_and_a_refusal_in_words() {
    let fetch = Fetch { sender: name("bob"), file: " 5;a b;9" };
    let mut out = Vec::new();
    fetch.answer(&mut out, 40_000);
    fetch.refuse(&mut out, Status::NotFound);
    fetch.refuse(&mut out, Status::Oneself);
    fetch.refuse(&mut out, Status::AlreadyIn);
    fetch.refuse(&mut out, Status::NoMemory);
    let wanted = "OPEN_PORT_TO_RECEIVE 40000\n-SOFT_ERR no such user!\n\
                  -SOFT_ERR you can't send a file to yourself!\n\
                  -SOFT_ERR a file is already under way between you!\n\
                  -SOFT_ERR too many files are under way, try again later!\n";
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
    assert_eq!(format!("{}zoe{}", Fetch::BEFORE, fetch.after(1)), "READY_FOR_FILE @zoe 5;a b;9 1");
}
