//! Tests of what each command's words are read as, and of the order in which they are refused.

use crate::core::Standing;
use crate::dialect::mec::Reader;

/// What a user's `line` is read as: the command or the status, in the words of `Debug`.
fn asked(line: &str) -> String {
    let (mut reader, mut room) = (Reader::bare(), vec![0; line.len()]);
    let asked = super::described(&reader.request(line, Standing::User, &mut room, u32::MAX));
    match reader.posting {
        Some(posting) => format!("{:?}", posting.post),
        None => asked,
    }
}

/// Whether each line is read as what stands beside it.
fn all(expected: &[(&str, &str)]) {
    for (line, expected) in expected {
        assert_eq!(asked(line), *expected, "{line}");
    }
}

const MALFORMED: &str = "Refuse(Unknown)";
const INVALID: &str = "Refuse(InvalidName)";
const NO_TYPE: &str = "Refuse(NoUserType)";

#[test]
fn login_asks_for_its_type_first() {
    all(&[
        ("#login", NO_TYPE),
        ("#login bob", NO_TYPE),
        ("#login \"\" bob", NO_TYPE),
        ("#login \"anon bob", NO_TYPE),
        ("#login guest \"bob", NO_TYPE),
        ("#login anon", MALFORMED),
        ("#login anon bob \"x", MALFORMED),
        ("#login anon \"\"", INVALID),
        ("#login anon b/b", INVALID),
        ("#login ANON bob", "Do(LoginAnonymous { name: UserName(\"bob\") })"),
        ("#login \"anon\" \"bob\" more", "Do(LoginAnonymous { name: UserName(\"bob\") })"),
        ("#login regd", MALFORMED),
        ("#login regd bob", MALFORMED),
        ("#login regd b/b", MALFORMED),
        ("#login regd b/b pw", INVALID),
        ("#login regd bob \"\"", INVALID),
        (
            "#login regd bob pw",
            "Do(LoginRegistered { name: UserName(\"bob\"), password: Password })",
        ),
    ]);
}

#[test]
fn createlogin_wants_all_four_words_before_it_looks_at_one() {
    all(&[
        ("#createlogin b/b pw \"Bob B\"", MALFORMED),
        ("#createlogin b/b pw \"Bob B\" b@b", INVALID),
        ("#createlogin bob \"\" \"Bob B\" b@b", INVALID),
        ("#createlogin bob pw \"\" b@b", INVALID),
        ("#createlogin bob pw \"Bob B\" \"\"", INVALID),
        ("#createlogin bob pw B\u{7}b b@b", INVALID),
        ("#createlogin bob pw B\u{85}b b@b", INVALID),
        ("#createlogin bob pw Bob \"b\tb\"", INVALID),
        (
            "#createlogin bob pw \"Bob \\\"B\\\"\" b@b more",
            "Do(CreateLogin { name: UserName(\"bob\"), password: Password, \
             real_name: \"Bob \\\"B\\\"\", email: \"b@b\" })",
        ),
    ]);
}

#[test]
fn passwords_and_personal_words_have_up_to_64_bytes() {
    let (fits, over) = ("x".repeat(64), "x".repeat(65));
    for line in ["#createlogin a ? r e", "#createlogin a p ? e", "#createlogin a p r ?"] {
        assert!(asked(&line.replace('?', &fits)).starts_with("Do("), "{line}");
        assert_eq!(asked(&line.replace('?', &over)), INVALID, "{line}");
    }
    let lines = ["#login regd a ?", "#createroom a ?", "#rmroom a ?", "#changeroom a ?"];
    let more = ["#creategroup a ?", "#joingroup a ?", "#changegroup a ?", "#rmgroup a ?"];
    for line in lines.iter().chain(&more) {
        assert!(asked(&line.replace('?', &fits)).starts_with("Do("), "{line}");
        assert_eq!(asked(&line.replace('?', &over)), INVALID, "{line}");
    }
}

#[test]
fn names_have_up_to_30_bytes() {
    let (fits, over) = ("x".repeat(30), "x".repeat(31));
    let users =
        ["#login anon ?", "#login regd ? p", "#createlogin ? p r e", "#sendto ? t", "#kick ?"];
    let items = ["#createroom ?", "#rmroom ?", "#changeroom ?", "#creategroup ?", "#joingroup ?"];
    let more = ["#changegroup ?", "#rmgroup ?", "#peer2peer ? 1 ::1"];
    for line in users.iter().chain(&items).chain(&more) {
        assert!(asked(&line.replace('?', &fits)).starts_with("Do("), "{line}");
        assert_eq!(asked(&line.replace('?', &over)), INVALID, "{line}");
        assert_eq!(asked(&line.replace('?', "\"\"")), INVALID, "{line}");
        assert_eq!(asked(&line.replace('?', "a\u{1}b")), INVALID, "{line}");
    }
}

#[test]
fn changepass_passes_both_words_on_unchecked() {
    let long = "x".repeat(65);
    all(&[
        ("#changepass", MALFORMED),
        ("#changepass new", MALFORMED),
        ("#changepass \"\" \"\"", "Do(ChangePassword { new: \"\", old: \"\" })"),
    ]);
    let expected = format!("Do(ChangePassword {{ new: {long:?}, old: \"b\" }})");
    assert_eq!(asked(&format!("#changepass {long} b")), expected);
}

#[test]
fn a_room_is_public_and_for_all_unless_said_otherwise() {
    let room = |password: &str, admits: &str| {
        format!(
            "Do(CreateRoom {{ name: ItemName(\"chess club\"), password: {password}, admits: {admits}, then: Stay }})"
        )
    };
    let expected = [
        ("", room("None", "Anonymous")),
        (" \"\"", room("None", "Anonymous")),
        (" pw", room("Some(Password)", "Anonymous")),
        (" \"\" REGD", room("None", "Registered")),
        (" pw anon more", room("Some(Password)", "Anonymous")),
    ];
    for (words, expected) in expected {
        assert_eq!(asked(&format!("#createroom \"chess club\"{words}")), expected);
    }
}

#[test]
fn a_third_word_that_is_neither_anon_nor_regd_is_malformed() {
    for command in ["#createroom", "#changeroom", "#creategroup"] {
        for third in ["x", "\"\"", "anonymous"] {
            assert_eq!(asked(&format!("{command} \"\" pw {third}")), MALFORMED, "{command}");
        }
        assert_eq!(asked(&format!("{command} \"\" pw anon")), INVALID, "{command}");
        assert_eq!(asked(command), MALFORMED);
    }
    let room = "Do(ChangeRoom { name: ItemName(\"a\"), password: None })";
    all(&[("#changeroom a \"\" regd", room), ("#changeroom a \"\" anon", room)]);
}

#[test]
fn a_group_is_public_and_for_accounts_unless_said_otherwise() {
    let group = |admits: &str, seconds: u32| {
        format!(
            "Do(CreateGroup {{ name: ItemName(\"g\"), password: None, admits: {admits}, seconds: {seconds} }})"
        )
    };
    assert_eq!(asked("#creategroup g"), group("Registered", 0));
    assert_eq!(asked("#creategroup g \"\" anon"), group("Anonymous", 0));
    assert_eq!(asked("#creategroup g \"\" regd 60"), group("Registered", 60));
    all(&[("#creategroup g \"\" regd -1", MALFORMED), ("#creategroup g \"\" 60", MALFORMED)]);
}

#[test]
fn commands_on_one_name_take_a_password_too() {
    let password = "password: Some(Password) })";
    for (line, command) in [
        ("#rmroom a pw", "RemoveRoom"),
        ("#changeroom a pw", "ChangeRoom"),
        ("#joingroup a pw", "JoinGroup"),
        ("#changegroup a pw", "JoinGroup"),
        ("#rmgroup a pw", "RemoveGroup"),
    ] {
        assert_eq!(asked(line), format!("Do({command} {{ name: ItemName(\"a\"), {password}"));
    }
}

#[test]
fn numbers_are_decimal_digits_that_fit() {
    for line in
        ["#getmessage ?", "#rmmessage ?", "#listmessages ?", "#history ?", "#postmessage a ?"]
    {
        for number in ["", "+1", "-1", "1x", "0x1", "4294967296", "1.5", "\u{661}"] {
            let line = line.replace('?', &format!("\"{number}\""));
            assert_eq!(asked(&line), MALFORMED, "{line}");
        }
    }
    all(&[
        ("#getmessage", MALFORMED),
        ("#rmmessage", MALFORMED),
        ("#getmessage 4294967295", "Do(GetMessage { id: 4294967295 })"),
        ("#rmmessage 007", "Do(RemoveMessage { id: 7 })"),
        ("#listmessages", "Do(ListMessages { parent: None })"),
        ("#listmessages 0", "Do(ListMessages { parent: Some(0) })"),
        ("#history", "Do(History { count: None })"),
        ("#history 3", "Do(History { count: Some(3) })"),
    ]);
}

#[test]
fn texts_may_be_bare_or_quoted_but_not_empty() {
    all(&[
        ("#broadcast", MALFORMED),
        ("#broadcast \"\"", MALFORMED),
        ("#broadcast hello  all ", "Do(Broadcast { text: \"hello  all\" })"),
        ("#BroadCast \"hello\" all", "Do(Broadcast { text: \"hello\" })"),
        ("#sendto", MALFORMED),
        ("#sendto b/b", MALFORMED),
        ("#sendto b/b \"\"", MALFORMED),
        ("#sendto \"amy hi", MALFORMED),
        ("#sendto b/b hi", INVALID),
        (
            "#sendto amy how are you",
            "Do(SendTo { user: UserName(\"amy\"), text: \"how are you\" })",
        ),
    ]);
}

#[test]
fn a_peer_has_a_port_and_an_address() {
    let amy = |port: u16, address: &str| {
        format!("Do(PeerToPeer {{ user: UserName(\"amy\"), port: {port}, address: {address:?} }})")
    };
    assert_eq!(asked("#peer2peer amy 1 10.0.0.1"), amy(1, "10.0.0.1"));
    assert_eq!(asked("#peer2peer amy 65535 FE80::01"), amy(65535, "FE80::01"));
    for words in ["", " amy", " amy 1", " amy 0 ::1", " amy 65536 ::1", " amy x ::1", " amy 1 host"]
    {
        assert_eq!(asked(&format!("#peer2peer{words}")), MALFORMED, "{words}");
    }
    all(&[("#peer2peer b/b 0 ::1", MALFORMED), ("#peer2peer b/b 1 ::1", INVALID)]);
}

#[test]
fn commands_without_arguments_ignore_words_but_not_a_malformed_line() {
    for (name, command) in [
        ("#rmlogin", "RemoveLogin"),
        ("#whoami", "WhoAmI"),
        ("#listrooms", "ListRooms"),
        ("#listusers", "ListUsers"),
        ("#listgroups", "ListGroups"),
        ("#leavegroup", "LeaveGroup"),
        ("#archstatus", "Number(Architecture)"),
        ("#roomstatus", "Number(Room)"),
        ("#userstatus", "Number(User)"),
        ("#groupstatus", "Number(Group)"),
        ("#messagestatus", "Number(Message)"),
        ("#challenge", "Challenge"),
        ("#quit", "Quit"),
    ] {
        assert_eq!(asked(name), format!("Do({command})"));
        assert_eq!(asked(&format!(" {name}\tmore \"words\" ")), format!("Do({command})"));
        assert_eq!(asked(&format!("{name} \"")), MALFORMED);
    }
}

#[test]
fn kick_takes_a_users_name() {
    all(&[
        ("#kick", MALFORMED),
        ("#kick \"a b\"", INVALID),
        ("#kick amy", "Do(Kick { user: UserName(\"amy\") })"),
    ]);
}

#[test]
fn postmessage_has_a_body_as_soon_as_its_line_is_well_formed() {
    let post = |parent: u32, parts: u32, seconds: u32| {
        format!(
            "Post {{ outcome: Post {{ name: ItemName(\"n\"), parent: {parent}, seconds: {seconds} }}, \
             parts: {parts} }}"
        )
    };
    assert_eq!(asked("#postmessage n"), post(0, 1, 0));
    assert_eq!(asked("#postmessage n 7 2 60 more"), post(7, 2, 60));
    all(&[
        ("#postmessage", MALFORMED),
        ("#postmessage \"n", MALFORMED),
        ("#postmessage n x", MALFORMED),
        ("#postmessage n 0 -1", MALFORMED),
        ("#postmessage n 0 1 x", MALFORMED),
        ("#postmessage \"\" 0 2", "Post { outcome: Refuse(InvalidName), parts: 2 }"),
    ]);
}
