//! Tests of the whole road from bytes to requests and errors: order of checks, bounds, and segments cut anywhere.

mod render;

use serde_json::{Value, json};

use super::*;
use crate::dialect::tests::World;
use crate::dialect::{Asked as AnyAsked, Options as AllOptions};
use crate::limits::CHATAPP_FRAME_BYTES_MAX;

/// One connection, and what it shares with others.
struct Desk {
    reader: Reader,
    world: World,
    standing: Standing,
}

impl Desk {
    fn stranger() -> Self {
        Self {
            reader: Reader::default(),
            world: World::new(AllOptions::default()),
            standing: Standing::Stranger,
        }
    }

    /// A connection that is zoe's.
    fn zoe() -> Self {
        let mut desk = Self::stranger();
        let requests = desk.read(&connect("zoe"));
        assert_eq!(requests, [login("zoe")]);
        desk
    }

    /// The requests in a segment: to the house in the words of `Debug`, else the error that is answered. Whoever asks
    /// to log in is logged in.
    fn read(&mut self, mut segment: &[u8]) -> Vec<String> {
        let mut context = self.world.context();
        let mut requests = Vec::new();
        while let Some(request) = self.reader.next(&mut segment, self.standing, &mut context) {
            if let Request::Do(Command::LoginAnonymous { .. }, _) = request {
                self.standing = Standing::User;
            }
            requests.push(match request {
                Request::Do(command, AnyAsked::Chatapp(_)) => format!("{command:?}"),
                Request::Answer(status, AnyAsked::Chatapp(asked)) => told(&asked, status),
                other => format!("{other:?}"),
            });
        }
        assert!(segment.is_empty(), "all input is used up");
        requests
    }
}

/// An answer: code, sentence, and whether the connection is closed; "nothing" if there is none.
fn told(asked: &Asked<'_>, status: Status) -> String {
    let mut out = Vec::new();
    let next = asked.answer(&mut out, status);
    if out.is_empty() {
        return format!("nothing, {next:?}");
    }
    let (header, body) = out.split_at(20);
    assert_eq!(header, format!("{:<20}", body.len()).as_bytes());
    let error: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(error["__type__"], "Error");
    format!("{} {}, {next:?}", error["code"], error["data"].as_str().unwrap())
}

/// What is answered when the house has carried out what stands in `stream`, or not.
fn answered(desk: &mut Desk, stream: &[u8], status: Status) -> String {
    let mut context = desk.world.context();
    let mut input = stream;
    match desk.reader.next(&mut input, desk.standing, &mut context) {
        Some(Request::Do(_, AnyAsked::Chatapp(asked))) => told(&asked, status),
        other => panic!("{other:?}"),
    }
}

fn frame(body: &str) -> Vec<u8> {
    format!("{:<20}{body}", body.len()).into_bytes()
}

fn message(kind: &str, sender: &str, dest: &str, data: &str) -> Vec<u8> {
    let (sender, dest, data) = (json!(sender), json!(dest), json!(data));
    frame(&format!(
        r#"{{"__type__": "{kind}", "timestamp": "then", "sender": {sender}, "dest": {dest}, "data": {data}}}"#
    ))
}

fn connect(sender: &str) -> Vec<u8> {
    message("ConnectionMessage", sender, "Server", "CONNECT")
}

fn login(name: &str) -> String {
    format!("LoginAnonymous {{ name: UserName({name:?}) }}")
}

fn create(data: &str) -> Vec<u8> {
    message("CreateRoomMessage", "zoe", "Server", data)
}

fn join(sender: &str, data: &str) -> Vec<u8> {
    message("JoinMessage", sender, "Server", data)
}

fn leave(sender: &str, data: &str) -> Vec<u8> {
    message("LeaveMessage", sender, "Server", data)
}

fn chat(sender: &str, dest: &str, data: &str) -> Vec<u8> {
    message("ChatMessage", sender, dest, data)
}

const EMPTY: &str = "20 ERROR: empty string submitted, ";
const TOO_LONG: &str = "21 ERROR: name exceeds MAX length 30, ";
const NOT_YOU: &str =
    "23 USER ERROR: username does not match username associated with connection, ";
const NOT_CONNECTED: &str =
    "99 ERROR: a ConnectionMessage with the data CONNECT must come first, Close";

fn stay(error: &str) -> Vec<String> {
    vec![format!("{error}Stay")]
}

fn close(error: &str) -> Vec<String> {
    vec![format!("{error}Close")]
}

#[test]
fn every_message_becomes_its_command() {
    let mut zoe = Desk::zoe();
    assert_eq!(
        zoe.read(&create("Tea room")),
        ["CreateRoom { name: ItemName(\"Tea room\"), password: None, admits: Anonymous, \
          then: Stay }"]
    );
    let company = |inside: &str| vec![format!("Company({inside})")];
    assert_eq!(
        zoe.read(&join("zoe", "tea")),
        company("Enter { name: ItemName(\"tea\"), claim: Own }")
    );
    assert_eq!(
        zoe.read(&leave("zoe", "tea")),
        company("Leave { name: ItemName(\"tea\"), owner: Go }")
    );
    assert_eq!(
        zoe.read(&chat("zoe", "tea", "hello")),
        company(
            "Say { room: ItemName(\"tea\"), claim: Own, text: Ok(\"hello\"), stamp: Some(\"then\") }"
        )
    );
    assert_eq!(zoe.read(&message("ConnectionMessage", "zoe", "Server", "QUIT")), ["Quit"]);
}

#[test]
fn what_comes_before_connect_ends_the_connection() {
    let bodies = [
        join("zoe", "tea"),
        message("ConnectionMessage", "zoe", "Server", "connect"),
        message("ConnectionMessage", "zoe", "Server", ""),
        message("Message", "zoe", "Server", "CONNECT"),
        frame(r#"{"__type__":"Error","code":99,"data":""}"#),
        frame("{}"),
    ];
    for body in bodies {
        let stream = [body, connect("zoe")].concat();
        assert_eq!(Desk::stranger().read(&stream), [NOT_CONNECTED]);
    }
    assert_eq!(
        Desk::stranger().read(&message("ConnectionMessage", "", "", "QUIT")),
        ["Quit"],
        "who is going needs no name"
    );
}

#[test]
fn a_name_that_cannot_be_one_ends_the_connection() {
    let read = |name: &str| Desk::stranger().read(&connect(name));
    assert_eq!(read(""), close(EMPTY));
    assert_eq!(read(&"x".repeat(30)), [login(&"x".repeat(30))]);
    assert_eq!(read(&"x".repeat(31)), close(TOO_LONG));
    assert_eq!(read(&"é".repeat(16)), close(TOO_LONG));
    assert_eq!(read(&" ".repeat(51)), close(TOO_LONG));
    let odd = "21 ERROR: name has a character other than letters, digits and \
               _ - . [ ] { } ^ | ~ ` ', or begins with -, ";
    for name in ["two words", "-x", "a\"b", "a\\b", "a\nb", " ", "@you"] {
        assert_eq!(read(name), close(odd), "{name:?}");
    }
    let numbers = frame(r#"{"__type__":"ConnectionMessage","sender":5,"data":"CONNECT"}"#);
    assert_eq!(Desk::stranger().read(&numbers), close("99 ERROR: sender is not a string, "));
    let nobody = frame(r#"{"__type__":"ConnectionMessage","data":"CONNECT"}"#);
    assert_eq!(Desk::stranger().read(&nobody), close(EMPTY));
}

#[test]
fn a_name_in_use_ends_the_connection() {
    for status in [Status::NameInUse, Status::NameRegistered] {
        let told = answered(&mut Desk::stranger(), &connect("zoe"), status);
        assert_eq!(told, "3 CONNECTION ERROR: zoe username already in use, Close");
    }
    assert_eq!(answered(&mut Desk::stranger(), &connect("zoe"), Status::Ok), "nothing, Stay");
}

#[test]
fn who_is_connected_cannot_connect_again_and_stays() {
    let mut zoe = Desk::zoe();
    assert_eq!(
        zoe.read(&connect("amy")),
        stay("99 ERROR: this connection has its username already, ")
    );
    let told = stay("99 ERROR: the data of a ConnectionMessage is CONNECT or QUIT, ");
    assert_eq!(zoe.read(&message("ConnectionMessage", "zoe", "Server", "quit")), told);
    assert_eq!(zoe.read(&frame(r#"{"__type__":"ConnectionMessage","data":7}"#)), told);
}

#[test]
fn an_unknown_kind_is_an_error_and_the_connection_stays() {
    let mut zoe = Desk::zoe();
    let unknown = stay("99 ERROR: there is no such __type__, ");
    for body in ["{}", r#"{"__type__":null}"#, r#"{"__type__":7}"#, r#"{"__type__":"message"}"#] {
        assert_eq!(zoe.read(&frame(body)), unknown, "{body}");
    }
    for kind in ["Message", "joinmessage", "JoinMessage ", "Join", ""] {
        assert_eq!(zoe.read(&message(kind, "zoe", "Server", "tea")), unknown, "{kind}");
    }
}

#[test]
fn an_error_of_the_client_is_not_answered_and_one_of_its_connection_ends_it() {
    let error = |code: &str| frame(&format!(r#"{{"__type__":"Error","code":{code},"data":"x"}}"#));
    for code in ["99", "\"2\"", "-2", "2.5", "null"] {
        assert_eq!(Desk::zoe().read(&error(code)), ["Nothing"], "{code}");
    }
    assert_eq!(Desk::zoe().read(&error("2")), ["Quit"]);
    assert_eq!(Desk::stranger().read(&error("2")), ["Quit"]);
}

#[test]
fn room_names_are_checked_for_being_empty_then_too_long_then_odd() {
    let mut zoe = Desk::zoe();
    let odd = "21 ERROR: name has a control character, or nothing but blanks, ";
    let requests: [fn(&str) -> Vec<u8>; 4] = [
        create,
        |room| join("zoe", room),
        |room| leave("zoe", room),
        |room| chat("zoe", room, "hello"),
    ];
    for request in requests {
        assert_eq!(zoe.read(&request("")), stay(EMPTY));
        assert_eq!(zoe.read(&request(&"x".repeat(31))), stay(TOO_LONG));
        assert_eq!(zoe.read(&request(&"\n".repeat(31))), stay(TOO_LONG));
        assert_eq!(zoe.read(&request("a\tb")), stay(odd));
        assert_eq!(zoe.read(&request("  ")), stay(odd));
        let longest = format!("ItemName({:?})", "x".repeat(30));
        assert!(zoe.read(&request(&"x".repeat(30)))[0].contains(&longest));
    }
}

#[test]
fn a_room_that_is_missing_is_empty_and_one_that_is_no_text_is_an_error() {
    let mut zoe = Desk::zoe();
    for kind in ["CreateRoomMessage", "JoinMessage", "LeaveMessage", "ChatMessage"] {
        let body = |room: &str| {
            frame(&format!(r#"{{"__type__":"{kind}","sender":"zoe","dest":{room},"data":{room}}}"#))
        };
        let missing = frame(&format!(r#"{{"__type__":"{kind}","sender":"zoe"}}"#));
        assert_eq!(zoe.read(&missing), stay(EMPTY));
        assert_eq!(zoe.read(&body("null")), stay(EMPTY));
        let key = if kind == "ChatMessage" { "dest" } else { "data" };
        let told = stay(&format!("99 ERROR: {key} is not a string, "));
        for room in ["1", "true", "[\"tea\"]", "{}"] {
            assert_eq!(zoe.read(&body(room)), told, "{room}");
        }
    }
}

#[test]
fn a_join_in_the_name_of_another_is_for_the_house_to_refuse_last() {
    let mut zoe = Desk::zoe();
    let enter =
        |claim| vec![format!("Company(Enter {{ name: ItemName(\"tea\"), claim: {claim} }})")];
    for sender in ["amy", "", "zoë", "zoe "] {
        assert_eq!(zoe.read(&join(sender, "tea")), enter("Another"), "{sender}");
    }
    assert_eq!(zoe.read(&frame(r#"{"__type__":"JoinMessage","data":"tea"}"#)), enter("Another"));
    let number = frame(r#"{"__type__":"JoinMessage","sender":1,"data":"tea"}"#);
    assert_eq!(zoe.read(&number), enter("Another"));
    assert_eq!(zoe.read(&join("ZOE", "tea")), enter("Own"));
    assert_eq!(zoe.read(&join("amy", "")), stay(EMPTY));
    assert_eq!(zoe.read(&join("amy", &"x".repeat(31))), stay(TOO_LONG));
}

#[test]
fn a_leave_in_the_name_of_another_is_refused_when_the_room_is_not_empty() {
    let mut zoe = Desk::zoe();
    assert_eq!(zoe.read(&leave("amy", "")), stay(EMPTY));
    assert_eq!(zoe.read(&leave("amy", &"x".repeat(31))), stay(NOT_YOU));
    assert_eq!(zoe.read(&leave("amy", "tea")), stay(NOT_YOU));
}

#[test]
fn what_is_wrong_with_a_text_is_told_when_the_house_finds_nothing_else() {
    let mut zoe = Desk::zoe();
    let too_long = "26 MSG ERROR: data in message exceeds 1000, Stay";
    let number = frame(r#"{"__type__":"ChatMessage","sender":"zoe","dest":"tea","data":1}"#);
    let missing = frame(r#"{"__type__":"ChatMessage","sender":"zoe","dest":"tea"}"#);
    for (stream, told) in [
        (chat("zoe", "tea", ""), "20 ERROR: empty string submitted, Stay"),
        (chat("zoe", "tea", "\u{7}\0"), "20 ERROR: empty string submitted, Stay"),
        (missing, "20 ERROR: empty string submitted, Stay"),
        (number, "99 ERROR: data is not a string, Stay"),
        (chat("zoe", "tea", &"x".repeat(1001)), too_long),
        (chat("zoe", "tea", &"é".repeat(501)), too_long),
        (
            chat("zoe", "tea", &"\u{7}".repeat(100).repeat(2)),
            "20 ERROR: empty string submitted, Stay",
        ),
    ] {
        let request = zoe.read(&stream);
        assert!(request[0].contains("text: Err(Unknown)"), "{request:?}");
        assert_eq!(answered(&mut zoe, &stream, Status::Unknown), told);
        let other = answered(&mut zoe, &stream, Status::NotIn);
        assert_eq!(other, "27 ROOM ERROR: zoe username not joined to tea, Stay");
    }
    for text in ["x".repeat(1000), "é".repeat(500)] {
        let request = zoe.read(&chat("zoe", "tea", &text));
        assert!(request[0].contains(&format!("Ok({text:?})")), "{request:?}");
    }
}

#[test]
fn a_text_is_handed_on_without_control_characters() {
    let mut zoe = Desk::zoe();
    let request = zoe.read(&chat("zoe", "tea", "a\r\nb\tc\u{1b}[1md\u{85}"));
    assert!(request[0].contains("text: Ok(\"a b c[1md\")"), "{request:?}");
}

#[test]
fn every_refusal_of_the_house_has_its_code_and_sentence() {
    let mut zoe = Desk::zoe();
    let mut told = |stream: &[u8], status| answered(&mut zoe, stream, status);
    let (create, join, leave) = (create("tea"), join("zoe", "tea"), leave("zoe", "tea"));
    let chat = chat("zoe", "tea", "hello");
    assert_eq!(told(&create, Status::RoomExists), "25 ROOM ERROR: tea name already in use, Stay");
    assert_eq!(told(&join, Status::NoRoom), "22 ROOM ERROR: tea does not exist, Stay");
    assert_eq!(
        told(&join, Status::AlreadyIn),
        "24 ROOM ERROR: zoe username already joined to tea, Stay"
    );
    assert_eq!(told(&join, Status::NotYou), format!("{NOT_YOU}Stay"));
    assert_eq!(
        told(&join, Status::Banned),
        "99 ROOM ERROR: zoe was sent away from tea by its owner, Stay"
    );
    assert_eq!(told(&leave, Status::NoRoom), "22 ROOM ERROR: tea does not exist, Stay");
    let not_in = "27 ROOM ERROR: zoe username not joined to tea, Stay";
    assert_eq!(told(&leave, Status::NotIn), not_in);
    assert_eq!(told(&chat, Status::NoRoom), "25 ROOM ERROR: tea does not exist, Stay");
    assert_eq!(told(&chat, Status::NotYou), format!("{NOT_YOU}Stay"));
    assert_eq!(told(&chat, Status::NotIn), not_in);
    for stream in [&create, &join] {
        assert_eq!(
            told(stream, Status::NoMemory),
            "99 ERROR: a limit of this server is reached, or its disk is full, Stay"
        );
    }
    assert_eq!(
        told(&create, Status::NoAccess),
        "99 ERROR: this server lets only registered users make rooms, Stay"
    );
    for stream in [&create, &join, &leave, &chat] {
        assert_eq!(told(stream, Status::Ok), "nothing, Stay");
        for status in Status::ALL.into_iter().filter(|&status| status != Status::Ok) {
            assert!(told(stream, status).ends_with(", Stay"));
        }
    }
}

#[test]
fn what_is_no_frame_ends_the_connection() {
    let no_object = close("99 ERROR: the message is not a JSON object in UTF-8, ");
    let no_length =
        close("99 ERROR: a header is 20 bytes: the length in digits, and then blanks, ");
    let too_long = close("4 MSG ERROR: msg in message exceeds 2000, ");
    let desks: [fn() -> Desk; 2] = [Desk::stranger, Desk::zoe];
    for desk in desks {
        let read = |stream: &[u8]| desk().read(&[stream, &connect("amy")].concat());
        assert_eq!(read(&frame("hello")), no_object);
        assert_eq!(read(&frame("[]")), no_object);
        assert_eq!(read(b"1                   \xff"), no_object);
        assert_eq!(read(b"0                   "), no_length);
        assert_eq!(read(b"GET / HTTP/1.1\r\n\r\n  "), no_length);
        assert_eq!(read(b"2001                "), too_long);
    }
}

#[test]
fn a_frame_of_2000_bytes_is_read_and_of_2001_is_too_long() {
    let body = |length: usize| {
        let body = r#"{"__type__":"JoinMessage","sender":"zoe","data":"tea","more":""}"#;
        body.replace(r#""""#, &format!("{:?}", "x".repeat(length - body.len())))
    };
    let longest = body(CHATAPP_FRAME_BYTES_MAX);
    assert_eq!(longest.len(), 2000);
    assert!(Desk::zoe().read(&frame(&longest))[0].contains("Enter"));
    let told = close("4 MSG ERROR: msg in message exceeds 2000, ");
    assert_eq!(Desk::zoe().read(&frame(&body(2001))), told);
}

#[test]
fn the_option_to_say_connected_is_in_the_voice() {
    for connected in [false, true] {
        let mut desk = Desk::stranger();
        desk.world.options.chatapp.connected = connected;
        let mut context = desk.world.context();
        let stream = connect("zoe");
        let mut input = stream.as_slice();
        let request = desk.reader.next(&mut input, Standing::Stranger, &mut context);
        let Some(Request::Do(_, asked)) = request else { panic!("{request:?}") };
        assert_eq!(asked.voice(), crate::dialect::Voice::Chatapp(Voice { connected }));
    }
}

/// Whole sessions: what a client of the document sends, and what is wrong in every way.
fn sessions() -> Vec<Vec<u8>> {
    let quit = message("ConnectionMessage", "zoe", "Server", "QUIT");
    let good = [
        connect("zoe"),
        create("tea"),
        join("zoe", "tea"),
        chat("zoe", "tea", "größe \u{1f600} \"quoted\" \\ \n"),
        chat("zoe", "TEA", &"x".repeat(1000)),
        leave("zoe", "tea"),
        quit,
    ];
    let escapes = frame(
        r#"{"__type__":"ChatMessage","sender":"zoe","dest":"t\u0065a","data":"\ud83d\ude00"}"#,
    );
    let bad = [
        connect("zoe"),
        connect("zoe"),
        frame("{}"),
        join("amy", "tea"),
        leave("amy", "tea"),
        escapes,
        chat("zoe", "tea", ""),
        frame(r#"{"__type__":"Error","code":99,"data":"x"}"#),
        frame("[1]"),
        connect("never read"),
    ];
    let broken = [connect("zoe"), b"2001                ".to_vec(), connect("never read")];
    let lengthless = [connect("zoe"), b"12x                 ".to_vec(), connect("never read")];
    vec![good.concat(), bad.concat(), broken.concat(), lengthless.concat()]
}

#[test]
fn what_is_asked_does_not_depend_on_where_a_segment_ends() {
    for stream in sessions() {
        let whole = Desk::stranger().read(&stream);
        assert!(whole.len() > 1);
        for at in 0..=stream.len() {
            let (front, back) = stream.split_at(at);
            let mut desk = Desk::stranger();
            let requests = [desk.read(front), desk.read(back)].concat();
            assert_eq!(requests, whole, "in two at {at}");
        }
        for size in [1, 2, 3, 19, 20, 21, 1000] {
            let mut desk = Desk::stranger();
            let requests: Vec<_> = stream.chunks(size).flat_map(|part| desk.read(part)).collect();
            assert_eq!(requests, whole, "in pieces of {size}");
        }
    }
}

#[test]
fn between_frames_nothing_is_held() {
    let mut zoe = Desk::zoe();
    let stream = chat("zoe", "tea", "hello");
    for part in stream.chunks(7) {
        zoe.read(part);
    }
    zoe.reader.forget_delivered();
    let Reader { frames, room, text, stamp, .. } = &zoe.reader;
    assert!(matches!(frames, Frames::Header(_, 0)));
    assert_eq!((room.capacity(), text.capacity(), stamp), (0, 0, &None));
}
