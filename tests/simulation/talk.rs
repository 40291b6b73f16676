//! The model's commands: which there are, who is served, and what users do in rooms (spec `mec.md` 4, 6, 8 and 9).

use std::net::IpAddr;

use crate::expect::Piece;
use crate::lines::{Words, is_item_name, is_secret, is_user_name, number, quoted, shown};
use crate::model::Model;
use crate::world::{Fact, Line, Room};

const VERBS: [&str; 33] = [
    "#login",
    "#createlogin",
    "#changepass",
    "#rmlogin",
    "#challenge",
    "#whoami",
    "#listrooms",
    "#listusers",
    "#createroom",
    "#rmroom",
    "#changeroom",
    "#broadcast",
    "#sendto",
    "#peer2peer",
    "#history",
    "#kick",
    "#listgroups",
    "#creategroup",
    "#joingroup",
    "#changegroup",
    "#leavegroup",
    "#rmgroup",
    "#listmessages",
    "#getmessage",
    "#postmessage",
    "#rmmessage",
    "#archstatus",
    "#roomstatus",
    "#userstatus",
    "#groupstatus",
    "#messagestatus",
    "#help",
    "#quit",
];

/// Rows of a list that are sent at once; those behind may show a later moment.
const ROWS_AT_ONCE: usize = 200;

impl Model {
    pub fn command(&mut self, c: usize, line: &str) {
        let mut words = Words::new(line);
        if words.is_blank() {
            return;
        }
        let verb = words.word().ok().flatten().unwrap_or_default().to_ascii_lowercase();
        let Some(verb) = VERBS.into_iter().find(|known| *known == verb) else {
            return self.status(c, 3502);
        };
        if let Some(status) = self.answer(c, verb, words) {
            self.met.insert((verb, status));
            self.status(c, status);
        }
    }

    /// Carries out a command. Nothing if it has been answered.
    fn answer(&mut self, c: usize, verb: &'static str, mut words: Words) -> Option<i32> {
        let stranger = self.conns[c].user.is_none();
        match verb {
            "#login" => {
                let kind = words.word().ok().flatten();
                return self.login(c, kind.as_deref(), words.all().ok().as_deref());
            }
            "#postmessage" => return self.post(c, words.all().ok()),
            "#challenge" | "#help" | "#quit" => {}
            _ if stranger => return Some(3500),
            "#broadcast" => {
                let Ok(Some(text)) = words.text() else { return Some(-1) };
                return self.broadcast(c, &text);
            }
            "#sendto" => {
                let Ok(Some(name)) = words.word() else { return Some(-1) };
                let Ok(Some(text)) = words.text() else { return Some(-1) };
                return self.send_to(c, &name, &text);
            }
            _ => {}
        }
        let Ok(words) = words.all() else { return Some(-1) };
        match verb {
            "#challenge" => self.challenge(c),
            "#help" => self.help(c, &words),
            "#quit" => {
                self.met.insert((verb, 0));
                self.status(c, 0);
                self.disconnect(c);
                None
            }
            "#createlogin" => self.create_login(c, &words),
            "#changepass" => self.change_password(c, &words),
            "#rmlogin" => self.remove_login(c),
            "#whoami" => self.who_am_i(c),
            "#listrooms" => self.list_rooms(c),
            "#listusers" => self.list_users(c),
            "#createroom" => self.create_room(c, &words),
            "#rmroom" => self.remove_room(c, &words),
            "#changeroom" => self.change_room(c, &words),
            "#peer2peer" => self.peer_to_peer(c, &words),
            "#history" => self.history(c, &words),
            "#kick" => self.kick(c, &words),
            "#archstatus" => self.number(c, "#archstatus", (0, 0), self.arch),
            "#roomstatus" => self.number(c, "#roomstatus", (1, 0), self.moves),
            "#userstatus" => {
                let room = self.world.room(self.user(c).room);
                self.number(c, "#userstatus", (2, room.uid), room.version)
            }
            "#groupstatus" => self.number(c, "#groupstatus", (3, 0), self.group_changes),
            _ => self.group_command(c, verb, &words),
        }
    }

    pub fn number(
        &mut self,
        c: usize,
        command: &'static str,
        counter: (u8, u64),
        version: u64,
    ) -> Option<i32> {
        let stamp = self.stamp(counter, version);
        self.tell(c, Piece::Number(command, stamp));
        None
    }

    fn help(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let mut verb = None;
        if let Some(topic) = words.first() {
            let topic = topic.strip_prefix('#').unwrap_or(topic).to_ascii_lowercase();
            if !VERBS.iter().any(|verb| verb[1..] == topic) {
                return Some(-3);
            }
            verb = mecd::dialect::mec::verbs::verb(&format!("#{topic}"));
        }
        // Its words are free. How many they are counts only when a reader takes none of them.
        let mut help = Vec::new();
        mecd::dialect::mec::render::help(&mut help, verb);
        self.tell(c, Piece::Help(help.len()));
        None
    }

    /// A list: its head, and its rows. Those with `*` are used for what is sent later.
    pub fn list(&mut self, c: usize, command: &str, rows: Vec<(String, String)>) -> Option<i32> {
        self.say(c, &format!("@ret {command} {}", rows.len()));
        for (at, (row, later)) in rows.into_iter().enumerate() {
            if at < ROWS_AT_ONCE {
                self.say(c, &row);
            } else {
                self.tell(c, Piece::Row(later));
            }
        }
        None
    }

    fn who_am_i(&mut self, c: usize) -> Option<i32> {
        let user = self.user(c);
        let room = self.world.room(user.room);
        let (user_name, room_name) = (shown(&user.name), shown(&room.name));
        let group = user.group.map(|no| self.world.group(no));
        let group =
            group.map_or("- 0".to_owned(), |group| format!("{} {}", shown(&group.name), group.no));
        let users = room.members.len();
        self.say(c, &format!("@ret #whoami {user_name} {room_name} {users} {group}"));
        None
    }

    pub fn room_is_over(&self, room: &Room) -> bool {
        room.idle.is_some_and(|idle| idle + self.config.settings.room_expire_ms <= self.now)
    }

    fn list_rooms(&mut self, c: usize) -> Option<i32> {
        let rooms = self.world.rooms.iter().filter(|room| !self.room_is_over(room));
        let rows = rooms.map(|room| {
            let owner = room.owner.as_ref().map_or("-".to_owned(), |owner| shown(&owner.name));
            let seconds = room.idle.map_or(0, |idle| {
                seconds_left(idle + self.config.settings.room_expire_ms, self.now)
            });
            let row = |users: &str, seconds: &str| {
                let access = access(&room.password, room.regd);
                format!("{} {owner} {users} {seconds} {access}", shown(&room.name))
            };
            (row(&room.members.len().to_string(), &seconds.to_string()), row("*", "*"))
        });
        let rows = rows.collect();
        self.list(c, "#listrooms", rows)
    }

    fn list_users(&mut self, c: usize) -> Option<i32> {
        let room = self.world.room(self.user(c).room);
        let members = room.members.iter().map(|&member| {
            let user = self.user(member);
            format!("{} {}", shown(&user.name), if user.registered { "regd" } else { "anon" })
        });
        let mut rows: Vec<String> = members.collect();
        if room.uid == 0 {
            let strangers = self.conns.iter().filter(|conn| conn.open && conn.user.is_none());
            rows.extend(strangers.map(|_| "- none".to_owned()));
        }
        self.list(c, "#listusers", rows.into_iter().map(|row| (row.clone(), row)).collect())
    }

    pub fn may_create(&self, c: usize) -> bool {
        self.user(c).registered || self.config.settings.anonymous_may_create
    }

    fn create_room(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let Some(name) = words.first() else { return Some(-1) };
        let Some(regd) = admits(words.get(2), false) else { return Some(-1) };
        if !is_item_name(name) || !is_key(words.get(1)) {
            return Some(-4);
        }
        if !self.may_create(c) {
            return Some(3501);
        }
        if self.world.room_named(name).is_some() {
            return Some(3102);
        }
        if self.world.rooms.len() > self.config.settings.rooms_max as usize {
            return Some(-2);
        }
        let uid = self.next_room;
        self.next_room += 1;
        Some(self.keep(Fact::Room(Room {
            uid,
            name: name.clone(),
            owner: Some(self.myself(c)),
            password: words.get(1).cloned().unwrap_or_default(),
            regd,
            idle: Some(self.now),
            swept: false,
            members: Vec::new(),
            bans: Vec::new(),
            version: 0,
            said: Vec::new(),
        })))
    }

    /// The room that a command names, or why there is none.
    fn find_room(&self, words: &[String]) -> Result<&Room, i32> {
        let name = words.first().ok_or(-1)?;
        if !is_item_name(name) || !is_key(words.get(1)) {
            return Err(-4);
        }
        let room = self.world.room_named(name).ok_or(3100)?;
        if self.room_is_over(room) { Err(3503) } else { Ok(room) }
    }

    fn remove_room(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let room = match self.find_room(words) {
            Ok(room) => room,
            Err(status) => return Some(status),
        };
        let mine = room.owner.as_ref().is_some_and(|owner| owner.person == self.user(c).person);
        if !mine {
            return Some(3103);
        }
        if !opens(&room.password, words.get(1)) {
            return Some(3101);
        }
        if !room.members.is_empty() {
            return Some(-5);
        }
        Some(self.keep(Fact::RoomGone(room.uid)))
    }

    fn change_room(&mut self, c: usize, words: &[String]) -> Option<i32> {
        if words.is_empty() || admits(words.get(2), false).is_none() {
            return Some(-1);
        }
        let room = match self.find_room(words) {
            Ok(room) => room,
            Err(status) => return Some(status),
        };
        let user = self.user(c);
        let banned = room.bans.contains(&crate::lines::folded(&user.name));
        if room.regd && !user.registered || banned {
            return Some(3501);
        }
        if !opens(&room.password, words.get(1)) {
            return Some(3101);
        }
        let (from, to) = (user.room, room.uid);
        if from != to {
            self.leave_room(c, from);
            self.enter_room(c, to);
        }
        Some(0)
    }

    fn broadcast(&mut self, c: usize, text: &str) -> Option<i32> {
        let (uid, sender) = (self.user(c).room, self.user(c).name.clone());
        let line = format!("@mess #broadcast {} {}\r\n", shown(&sender), quoted(text));
        let bytes: std::rc::Rc<[u8]> = line.into_bytes().into();
        for member in self.world.room(uid).members.clone() {
            self.event(member, Piece::Bytes(bytes.clone()));
        }
        let line = Line {
            said_at: self.now,
            wall: self.wall,
            sender,
            text: text.into(),
            written_at: None,
        };
        let bounds = &self.config.settings;
        let room = self.world.rooms.iter_mut().find(|room| room.uid == uid);
        let said = &mut room.expect("the model knows its rooms").said;
        said.push(line);
        let excess = said.len().saturating_sub(4 * bounds.history_lines as usize + 50);
        said.drain(..excess);
        if bounds.history_saved && bounds.history_lines > 0 {
            self.unsaved.push((uid, self.now));
        }
        None
    }

    fn send_to(&mut self, c: usize, name: &str, text: &str) -> Option<i32> {
        if !is_user_name(name) {
            return Some(-4);
        }
        let other = self.online(name).filter(|other| self.user(*other).room == self.user(c).room);
        let Some(other) = other else { return Some(-3) };
        let sender = shown(&self.user(c).name);
        let line = format!("@mess #sendto {sender} {}\r\n", quoted(text));
        self.event(other, Piece::Bytes(line.into_bytes().into()));
        Some(0)
    }

    fn peer_to_peer(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let [name, port, address, ..] = words else { return Some(-1) };
        let port = number(port).filter(|port| (1..=65535).contains(port));
        let (Some(port), Ok(_)) = (port, address.parse::<IpAddr>()) else { return Some(-1) };
        if !is_user_name(name) {
            return Some(-4);
        }
        let Some(other) = self.online(name) else { return Some(-3) };
        let sender = shown(&self.user(c).name);
        let line = format!("@mess #peer2peer {sender} \" {port} {address}\"\r\n");
        self.event(other, Piece::Bytes(line.into_bytes().into()));
        Some(0)
    }

    fn history(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let Some(count) = words.first().map_or(Some(10), |word| number(word)) else {
            return Some(-1);
        };
        let lines = self.remembered(self.world.room(self.user(c).room));
        let from = lines.len().saturating_sub(count as usize);
        let rows = lines[from..]
            .iter()
            .map(|line| format!("{} {} {}", line.wall, shown(&line.sender), quoted(&line.text)));
        let rows: Vec<String> = rows.collect();
        self.say(c, &format!("@ret #history {}", rows.len()));
        for row in rows {
            self.say(c, &row);
        }
        None
    }

    /// The lines of a room that are within the bounds of what is kept.
    pub fn remembered<'r>(&self, room: &'r Room) -> &'r [Line] {
        let settings = &self.config.settings;
        let mut bytes = 0;
        let kept = room.said.iter().rev().take(settings.history_lines as usize);
        let kept = kept.take_while(|line| {
            bytes += line.text.len();
            bytes <= settings.history_bytes as usize
        });
        &room.said[room.said.len() - kept.count()..]
    }

    fn kick(&mut self, c: usize, words: &[String]) -> Option<i32> {
        let Some(name) = words.first() else { return Some(-1) };
        if !is_user_name(name) {
            return Some(-4);
        }
        let uid = self.user(c).room;
        let owner = self.world.room(uid).owner.as_ref();
        if owner.is_none_or(|owner| owner.person != self.user(c).person) {
            return Some(3103);
        }
        let other = self.online(name).filter(|other| self.user(*other).room == uid);
        let Some(other) = other else { return Some(-3) };
        if other == c {
            return Some(-1);
        }
        if self.world.room(uid).bans.len() >= 100 {
            return Some(-2);
        }
        let banned = crate::lines::folded(&self.user(other).name);
        self.world.room_mut(uid).bans.push(banned);
        self.leave_room(other, uid);
        self.enter_room(other, 0);
        self.event(other, Piece::Sentence("#warning"));
        Some(0)
    }
}

/// Whole seconds left, at least one.
pub fn seconds_left(deadline: u64, now: u64) -> u64 {
    (deadline.saturating_sub(now) / 1000).max(1)
}

pub fn access(password: &str, regd: bool) -> String {
    let door = if password.is_empty() { "pub" } else { "priv" };
    format!("{door} {}", if regd { "regd" } else { "anon" })
}

/// The word `anon` or `regd`; nothing if it is another.
pub fn admits(word: Option<&String>, default: bool) -> Option<bool> {
    match word.map(|word| word.to_ascii_lowercase()).as_deref() {
        None => Some(default),
        Some("anon") => Some(false),
        Some("regd") => Some(true),
        Some(_) => None,
    }
}

/// Whether the password of a room or a group is one: an empty one is none.
pub fn is_key(word: Option<&String>) -> bool {
    word.is_none_or(|word| word.is_empty() || is_secret(word))
}

pub fn opens(password: &str, given: Option<&String>) -> bool {
    password.is_empty() || given.is_some_and(|given| given == password)
}
