//! What everybody should hear: who stands where, what was said in which room, and the words of each dialect for it.
//! Written from the spec alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::common::framing::Speech;
use crate::people::{PEOPLE, speech};

/// Lines that a room remembers, and that somebody is told who enters or asks.
pub(crate) const KEPT: usize = 50;
const RECALLED: usize = 10;

/// What of all this outlives the server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Kept {
    /// Rooms that somebody has made, in that order.
    pub(crate) rooms: Vec<String>,
    pub(crate) accounts: BTreeSet<String>,
    /// Who belongs to which room.
    pub(crate) memberships: BTreeSet<(String, String)>,
    /// Receiver, sender and text of what waits for somebody.
    pub(crate) letters: BTreeMap<String, Vec<(String, String)>>,
}

/// What each person should hear of one action.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    texts: BTreeMap<String, Vec<String>>,
    pub(crate) in_any_order: bool,
}

impl Expected {
    /// Somebody is told this, and nobody anything else.
    pub(crate) fn only(who: &str, text: String) -> Self {
        let mut expected = Self::default();
        expected.add(who, text);
        expected
    }

    fn add(&mut self, who: &str, text: String) {
        self.texts.entry(who.to_owned()).or_default().push(text);
    }

    pub(crate) fn by_person(&self) -> impl Iterator<Item = (&str, &Vec<String>)> {
        self.texts.iter().map(|(who, texts)| (who.as_str(), texts))
    }
}

/// Who has said something, and what.
pub(crate) type Line = (String, String);

/// Who asks, what, and what everybody should hear then.
type Action<'a> = (&'a str, String, Expected);

#[derive(Clone, Debug)]
struct Room {
    name: String,
    owner: Option<String>,
    /// In the order in which they came.
    members: Vec<String>,
    lines: VecDeque<Line>,
}

/// Everything that is so.
#[derive(Clone, Debug)]
pub(crate) struct Campus {
    /// In the order in which they were made.
    rooms: Vec<Room>,
    online: BTreeSet<String>,
    /// Who has an account.
    accounts: BTreeSet<String>,
    /// Rooms of those who have accounts, whether they are there or not.
    memberships: BTreeMap<String, Vec<String>>,
    /// What was said to those who are away.
    letters: BTreeMap<String, Vec<(String, String)>>,
}

/// A body of `chatapp` as a client sends it, and as the tests show it.
pub(crate) fn frame(kind: &str, sender: &str, dest: &str, data: &str) -> String {
    format!(
        r#"{{"__type__":"{kind}","timestamp":"01/01/2026 00:00:00","sender":"{sender}","dest":"{dest}","data":"{data}"}}"#
    )
}

fn shown(kind: &str, sender: &str, dest: &str, data: &str) -> String {
    frame(kind, sender, dest, data).replace("01/01/2026 00:00:00", "T")
}

fn is_crimp(who: &str) -> bool {
    matches!(speech(who), Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare)
}

fn done(verb: &str) -> String {
    format!(r#"{{"Command":"ok","Re":"{verb}"}}"#)
}

impl Campus {
    pub(crate) fn new() -> Self {
        let home = Room {
            name: "Home".to_owned(),
            owner: None,
            members: Vec::new(),
            lines: VecDeque::new(),
        };
        Self {
            rooms: vec![home],
            online: BTreeSet::new(),
            accounts: BTreeSet::new(),
            memberships: BTreeMap::new(),
            letters: BTreeMap::new(),
        }
    }

    fn room(&mut self, name: &str) -> &mut Room {
        self.rooms.iter_mut().find(|room| room.name == name).expect("the room is there")
    }

    pub(crate) fn rooms_of(&self, who: &str) -> Vec<String> {
        let there = self.rooms.iter().filter(|room| room.members.iter().any(|name| name == who));
        there.map(|room| room.name.clone()).collect()
    }

    pub(crate) fn other_rooms(&self, who: &str) -> Vec<String> {
        let absent = self.rooms.iter().filter(|room| !room.members.iter().any(|name| name == who));
        absent.map(|room| room.name.clone()).collect()
    }

    /// Users of MEC only change rooms, and who owns a `helo` group stays.
    pub(crate) fn can_leave(&self, who: &str, room: &str) -> bool {
        let room = self.rooms.iter().find(|it| it.name == room).expect("the room is there");
        match speech(who) {
            Speech::Mec => false,
            Speech::Helo => room.owner.as_deref() != Some(who),
            _ => true,
        }
    }

    pub(crate) fn can_tell(&self, who: &str) -> bool {
        matches!(speech(who), Speech::Mec | Speech::Helo | Speech::Json)
    }

    pub(crate) fn can_look_back(&self, who: &str) -> bool {
        matches!(speech(who), Speech::Mec | Speech::Json) || is_crimp(who)
    }

    /// Tells everybody of `chatapp` who is there.
    fn news(&self, expected: &mut Expected, text: &str) {
        for (who, _) in PEOPLE.iter().filter(|(_, speech)| *speech == Speech::Chatapp) {
            if self.online.contains(*who) {
                expected.add(who, text.to_owned());
            }
        }
    }

    fn step_in(&mut self, expected: &mut Expected, who: &str, room: &str) {
        self.room(room).members.push(who.to_owned());
        self.news(expected, &shown("JoinMessage", who, "Server", room));
    }

    fn step_out(&mut self, expected: &mut Expected, who: &str, room: &str) {
        self.room(room).members.retain(|name| name != who);
        self.news(expected, &shown("LeaveMessage", who, "Server", room));
    }

    /// Somebody comes for the first time.
    pub(crate) fn arrive_first<'a>(&mut self, who: &'a str) -> Action<'a> {
        let (_, mut request, mut expected) = self.log_in(who);
        if speech(who) == Speech::Json {
            request = request.replace("login", "register");
            self.accounts.insert(who.to_owned());
            expected.texts.insert(who.to_owned(), vec![done("register")]);
        }
        (who, request, expected)
    }

    pub(crate) fn log_in<'a>(&mut self, who: &'a str) -> Action<'a> {
        let mut expected =
            Expected { in_any_order: speech(who) == Speech::Json, ..Expected::default() };
        self.online.insert(who.to_owned());
        let request = match speech(who) {
            Speech::Mec => {
                self.step_in(&mut expected, who, "Home");
                expected.add(who, "@status 0".to_owned());
                format!("#login anon {who}")
            }
            Speech::Helo => {
                self.step_in(&mut expected, who, "Home");
                expected.add(who, format!("+OK HELO {who}"));
                format!("HELO {who}")
            }
            Speech::Chatapp => {
                for room in &self.rooms {
                    expected.add(who, shown("CreateRoomMessage", "Server", who, &room.name));
                    for member in &room.members {
                        expected.add(who, shown("JoinMessage", member, who, &room.name));
                    }
                }
                frame("ConnectionMessage", who, "Server", "CONNECT")
            }
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                expected.add(who, "ERR_NOTINROOM".to_owned());
                format!("{who} LEAV Home")
            }
            Speech::Json => {
                for room in self.memberships.get(who).cloned().unwrap_or_default() {
                    self.step_in(&mut expected, who, &room);
                }
                expected.add(who, done("login"));
                for (sender, text) in self.letters.remove(who).unwrap_or_default() {
                    expected.add(who, private(&sender, who, &text));
                }
                format!(r#"{{"Command":"login","Username":"{who}","Password":"pw {who}"}}"#)
            }
        };
        (who, request, expected)
    }

    /// Somebody leaves the server, which everybody of `chatapp` is told.
    pub(crate) fn quit(&mut self, who: &str) -> Expected {
        self.online.remove(who);
        let mut expected = Expected { in_any_order: true, ..Expected::default() };
        for room in self.rooms_of(who) {
            self.step_out(&mut expected, who, &room);
            let room = self.room(&room);
            // Whoever comes back under a name without an account is somebody else.
            room.owner.take_if(|owner| owner == who);
        }
        for room in &mut self.rooms {
            room.owner.take_if(|owner| owner == who);
        }
        expected
    }

    /// The server has been killed: nobody is there, and everything else is as it was.
    pub(crate) fn forget_who_is_there(&mut self) {
        self.online.clear();
        for room in &mut self.rooms {
            room.members.clear();
            room.owner = None;
        }
    }

    /// What is left when the server ends.
    pub(crate) fn kept(&self) -> Kept {
        let of_one = |(who, rooms): (&String, &Vec<String>)| -> Vec<(String, String)> {
            rooms.iter().map(|room| (who.clone(), room.clone())).collect()
        };
        let letters = self.letters.iter().filter(|(_, letters)| !letters.is_empty());
        Kept {
            rooms: self.rooms[1..].iter().map(|room| room.name.clone()).collect(),
            accounts: self.accounts.clone(),
            memberships: self.memberships.iter().flat_map(of_one).collect(),
            letters: letters.map(|(who, letters)| (who.clone(), letters.clone())).collect(),
        }
    }

    /// The server starts with no more than this, and with what is remembered of each room.
    pub(crate) fn adopt(&mut self, kept: &Kept, mut lines: BTreeMap<String, Vec<Line>>) {
        self.forget_who_is_there();
        self.rooms.retain(|room| room.name == "Home" || kept.rooms.contains(&room.name));
        for room in &mut self.rooms {
            room.lines = lines.remove(&room.name).unwrap_or_default().into();
        }
        self.accounts.clone_from(&kept.accounts);
        self.letters.clone_from(&kept.letters);
        self.memberships.clear();
        for (who, room) in &kept.memberships {
            self.memberships.entry(who.clone()).or_default().push(room.clone());
        }
    }

    pub(crate) fn is_online(&self, who: &str) -> bool {
        self.online.contains(who)
    }

    pub(crate) fn has_account(&self, who: &str) -> bool {
        self.accounts.contains(who)
    }

    /// How much waits for somebody to come.
    pub(crate) fn letters_for(&self, who: &str) -> usize {
        self.letters.get(who).map_or(0, Vec::len)
    }

    pub(crate) fn make_room<'a>(&mut self, who: &'a str, name: &str) -> Action<'a> {
        let mut expected = Expected::default();
        self.news(&mut expected, &shown("CreateRoomMessage", "Server", "ALL", name));
        let owner = Some(who.to_owned());
        self.rooms.push(Room {
            name: name.to_owned(),
            owner,
            members: Vec::new(),
            lines: VecDeque::new(),
        });
        let request = match speech(who) {
            Speech::Mec => {
                expected.add(who, "@status 0".to_owned());
                format!("#createroom {name}")
            }
            Speech::Helo => {
                self.step_in(&mut expected, who, name);
                expected.add(who, format!("+SUCCESS group \"{name}\" has been created!"));
                format!("CREATE_GROUP /create_group {name}")
            }
            Speech::Chatapp => frame("CreateRoomMessage", who, "Server", name),
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                expected.add(who, "OK_CTRM".to_owned());
                format!("{who} CTRM {name}")
            }
            Speech::Json => panic!("nobody of json makes a room here"),
        };
        (who, request, expected)
    }

    pub(crate) fn enter<'a>(&mut self, who: &'a str, room: &str) -> Action<'a> {
        let mut expected = Expected::default();
        let request = match speech(who) {
            Speech::Mec => {
                for old in self.rooms_of(who) {
                    self.step_out(&mut expected, who, &old);
                }
                expected.add(who, "@status 0".to_owned());
                format!("#changeroom {room}")
            }
            Speech::Helo => {
                expected
                    .add(who, format!("+SUCCESS you have successfully entered group \"{room}\""));
                format!("JOIN_GROUP /join {room}")
            }
            Speech::Chatapp => frame("JoinMessage", who, "Server", room),
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                expected.add(who, "OK_JOIN".to_owned());
                format!("{who} JOIN {room}")
            }
            Speech::Json => {
                self.memberships.entry(who.to_owned()).or_default().push(room.to_owned());
                expected.add(who, done("join"));
                format!(r#"{{"Command":"join","Group":"{room}"}}"#)
            }
        };
        self.step_in(&mut expected, who, room);
        if speech(who) == Speech::Chatapp {
            let lines = &self.room(room).lines;
            for (sender, text) in lines.iter().skip(lines.len().saturating_sub(RECALLED)) {
                expected.add(who, shown("ChatMessage", sender, room, text));
            }
        }
        (who, request, expected)
    }

    pub(crate) fn leave<'a>(&mut self, who: &'a str, room: &str) -> Action<'a> {
        let mut expected = Expected::default();
        self.step_out(&mut expected, who, room);
        let request = match speech(who) {
            Speech::Mec => panic!("users of MEC stand in one room"),
            Speech::Helo => {
                expected
                    .add(who, format!("+SUCCESS you have successfully left the group \"{room}\""));
                format!("LEAVE_GROUP {room}")
            }
            Speech::Chatapp => frame("LeaveMessage", who, "Server", room),
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                expected.add(who, "OK_LEAV".to_owned());
                format!("{who} LEAV {room}")
            }
            Speech::Json => {
                self.memberships.entry(who.to_owned()).or_default().retain(|name| name != room);
                expected.add(who, done("leave"));
                format!(r#"{{"Command":"leave","Group":"{room}"}}"#)
            }
        };
        (who, request, expected)
    }

    /// Somebody says something in a room.
    pub(crate) fn say<'a>(&mut self, who: &'a str, room: &str, text: &str) -> Action<'a> {
        let mut expected = Expected::default();
        for member in self.room(room).members.clone() {
            let is_self = member == who;
            match speech(&member) {
                Speech::Mec => expected.add(&member, format!("@mess #broadcast {who} \"{text}\"")),
                Speech::Helo if is_self => {}
                Speech::Helo if room == "Home" => {
                    expected.add(&member, format!("BCST [{who}] {text}"))
                }
                Speech::Helo => expected.add(&member, format!("GROUP_MESSAGE [{who}] {text}")),
                Speech::Chatapp => expected.add(&member, shown("ChatMessage", who, room, text)),
                Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {}
                Speech::Json if is_self => {}
                Speech::Json => expected.add(&member, message(room, "group-message", text, who)),
            }
        }
        let lines = &mut self.room(room).lines;
        lines.push_back((who.to_owned(), text.to_owned()));
        if lines.len() > KEPT {
            lines.pop_front();
        }
        let request = match speech(who) {
            Speech::Mec => format!("#broadcast {text}"),
            Speech::Helo if room == "Home" => {
                expected.add(who, format!("+OK BCST {text}"));
                format!("BCST {text}")
            }
            Speech::Helo => format!("GROUP_MESSAGE @@{room} {text}"),
            Speech::Chatapp => frame("ChatMessage", who, room, text),
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                expected.add(who, "OK_POST".to_owned());
                format!("{who} POST {room} {text}")
            }
            Speech::Json => {
                expected.add(who, done("msg"));
                format!(
                    r#"{{"Command":"msg","To":"{room}","Type":"group-message","Message":"{text}"}}"#
                )
            }
        };
        (who, request, expected)
    }

    /// Somebody says something to one person, who may not be able to hear it.
    pub(crate) fn tell<'a>(&mut self, who: &'a str, receiver: &str, text: &str) -> Action<'a> {
        let is_there = self.online.contains(receiver);
        if !is_there && speech(who) == Speech::Json && self.accounts.contains(receiver) {
            return self.tell_absent(who, receiver, text);
        }
        let together = self.rooms_of(who).iter().any(|room| self.rooms_of(receiver).contains(room));
        let is_heard =
            is_there && self.can_tell(receiver) && (speech(who) != Speech::Mec || together);
        let mut expected = Expected::default();
        if is_heard {
            let heard = match speech(receiver) {
                Speech::Mec => format!("@mess #sendto {who} \"{text}\""),
                Speech::Helo => format!("PM {who} {text}"),
                _ => private(who, receiver, text),
            };
            expected.add(receiver, heard);
        }
        match (speech(who), is_heard) {
            (Speech::Mec, true) => expected.add(who, "@status 0".to_owned()),
            (Speech::Mec, false) => expected.add(who, "@status -3".to_owned()),
            (Speech::Helo, true) => {}
            (Speech::Helo, false) => expected.add(who, "-SOFT_ERR no such user!".to_owned()),
            (_, true) => expected.add(who, done("msg")),
            (_, false) => expected.add(who, NO_SUCH_USER.to_owned()),
        }
        (who, told(who, receiver, text), expected)
    }

    /// Somebody says something to one who has an account and is away.
    pub(crate) fn tell_absent<'a>(
        &mut self,
        who: &'a str,
        receiver: &str,
        text: &str,
    ) -> Action<'a> {
        let letters = self.letters.entry(receiver.to_owned()).or_default();
        letters.push((who.to_owned(), text.to_owned()));
        let mut expected = Expected::default();
        expected.add(who, done("msg"));
        (who, told(who, receiver, text), expected)
    }

    /// Somebody asks what was said in a room.
    pub(crate) fn look_back<'a>(&mut self, who: &'a str, room: &str) -> Action<'a> {
        let mut expected = Expected::default();
        let lines = Vec::from(self.room(room).lines.clone());
        let request = match speech(who) {
            Speech::Mec => {
                let last = &lines[lines.len().saturating_sub(RECALLED)..];
                expected.add(who, format!("@ret #history {}", last.len()));
                for (sender, text) in last {
                    expected.add(who, format!("T {sender} \"{text}\""));
                }
                "#history".to_owned()
            }
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                let rows = lines.iter().map(|(sender, text)| format!("[T] {sender}: {text}"));
                let rows: Vec<String> = rows.collect();
                match (speech(who), rows.is_empty()) {
                    (_, true) => expected.add(who, "ERR_NOMESSAGES".to_owned()),
                    (Speech::CrimpFrames, false) => expected.add(who, rows.join("\n")),
                    (_, false) => rows.into_iter().for_each(|row| expected.add(who, row)),
                }
                format!("{who} RETV {room}")
            }
            Speech::Json => {
                let row = |(sender, text): &(String, String)| {
                    format!(r#"{{"From":"{sender}@campus","Time":T,"Message":"{text}"}}"#)
                };
                let rows: Vec<String> = lines.iter().map(row).collect();
                let rows = rows.join(",");
                expected.add(
                    who,
                    format!(r#"{{"Command":"history","Group":"{room}","Messages":[{rows}]}}"#),
                );
                expected.add(who, done("history"));
                format!(r#"{{"Command":"history","Group":"{room}","N":50}}"#)
            }
            Speech::Helo | Speech::Chatapp => panic!("there is no word for it"),
        };
        (who, request, expected)
    }
}

const NO_SUCH_USER: &str =
    r#"{"Command":"error","Re":"msg","Error":"no-such-user","Message":"There is no such user."}"#;

fn told(who: &str, receiver: &str, text: &str) -> String {
    match speech(who) {
        Speech::Mec => format!("#sendto {receiver} {text}"),
        Speech::Helo => format!("PM @{receiver} {text}"),
        _ => format!(r#"{{"Command":"msg","To":"{receiver}","Type":"PM","Message":"{text}"}}"#),
    }
}

fn private(sender: &str, receiver: &str, text: &str) -> String {
    message(&format!("{receiver}@campus"), "PM", text, sender)
}

fn message(to: &str, kind: &str, text: &str, from: &str) -> String {
    format!(
        r#"{{"Command":"msg","To":"{to}","Type":"{kind}","Message":"{text}","From":"{from}@campus","Time":T}}"#
    )
}
