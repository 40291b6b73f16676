//! The model's message groups and messages (spec `mec.md` 7, and `#rmgroup` and `#rmmessage` of 9).

use std::cmp::Reverse;
use std::rc::Rc;

use mecd::limits::{BODIES_BYTES_MAX, BODY_BYTES_MAX, MESSAGE_PIECE_BYTES, TEXT_BYTES_MAX};

use crate::expect::Piece;
use crate::lines::{is_item_name, number, shown};
use crate::model::{Body, Conn, Head, Model};
use crate::talk::{access, admits, is_key, opens, seconds_left};
use crate::world::{Fact, Group, Message};

impl Model {
    pub fn group_command(&mut self, c: usize, verb: &str, words: &[String]) -> Option<i32> {
        let outcome = match verb {
            "#listgroups" => return self.list_groups(c),
            "#creategroup" => self.create_group(c, words),
            "#joingroup" | "#changegroup" => self.join_group(c, words),
            "#leavegroup" => {
                self.leave_group(c);
                Ok(0)
            }
            "#rmgroup" => self.remove_group(c, words),
            "#listmessages" => return self.list_messages(c, words).err(),
            "#getmessage" => return self.get_message(c, words).err(),
            "#rmmessage" => self.remove_message(c, words),
            "#messagestatus" => match self.my_group(c) {
                Ok(group) => {
                    let (no, version) = (u64::from(group.no), group.version);
                    return self.number(c, "#messagestatus", (4, no), version);
                }
                Err(status) => Err(status),
            },
            _ => unreachable!("every verb has its place"),
        };
        Some(outcome.unwrap_or_else(|status| status))
    }

    pub fn users_of(&self, no: u32) -> usize {
        let users = self.conns.iter().filter_map(|conn| conn.user.as_ref());
        users.filter(|user| user.group == Some(no)).count()
    }

    pub fn group_is_over(&self, group: &Group) -> bool {
        group.deadline <= self.now && self.users_of(group.no) == 0
    }

    fn message_is_over(&self, group: &Group, message: &Message) -> bool {
        group.root(message).deadline <= self.now
    }

    fn list_groups(&mut self, c: usize) -> Option<i32> {
        let groups = self.world.groups.iter().filter(|group| !self.group_is_over(group));
        let rows = groups.map(|group| {
            let seconds =
                if group.deadline <= self.now { 0 } else { seconds_left(group.deadline, self.now) };
            let counts = format!("{} {} {seconds}", group.messages.len(), self.users_of(group.no));
            let row = |counts: &str| {
                let (name, owner) = (shown(&group.name), shown(&group.owner.name));
                format!(
                    "{name} {owner} {} {counts} {}",
                    group.no,
                    access(&group.password, group.regd)
                )
            };
            (row(&counts), row("* * *"))
        });
        let rows = rows.collect();
        self.list(c, "#listgroups", rows)
    }

    fn create_group(&mut self, c: usize, words: &[String]) -> Result<i32, i32> {
        let name = words.first().ok_or(-1)?;
        let regd = admits(words.get(2), true).ok_or(-1)?;
        let seconds = words.get(3).map_or(Some(0), |word| number(word)).ok_or(-1)?;
        if !is_item_name(name) || !is_key(words.get(1)) {
            return Err(-4);
        }
        if !self.may_create(c) {
            return Err(3501);
        }
        if self.world.group_named(name).is_some() {
            return Err(-4);
        }
        let settings = &self.config.settings;
        if self.world.groups.len() >= settings.groups_max as usize {
            return Err(-2);
        }
        let seconds = if seconds == 0 { settings.group_seconds } else { seconds };
        let seconds = seconds.min(settings.group_seconds_max);
        Ok(self.keep(Fact::Group(Group {
            no: self.world.next_group,
            name: name.clone(),
            owner: self.myself(c),
            password: words.get(1).cloned().unwrap_or_default(),
            regd,
            deadline: self.now + u64::from(seconds) * 1000,
            next: 1,
            messages: Vec::new(),
            swept: false,
            version: 0,
        })))
    }

    fn find_group(&self, words: &[String]) -> Result<&Group, i32> {
        let name = words.first().ok_or(-1)?;
        if !is_item_name(name) || !is_key(words.get(1)) {
            return Err(-4);
        }
        let group = self.world.group_named(name).ok_or(-3)?;
        if self.group_is_over(group) { Err(3503) } else { Ok(group) }
    }

    fn join_group(&mut self, c: usize, words: &[String]) -> Result<i32, i32> {
        let group = self.find_group(words)?;
        if group.regd && !self.user(c).registered {
            return Err(3501);
        }
        if !opens(&group.password, words.get(1)) {
            return Err(3201);
        }
        let no = group.no;
        if let Some(user) = &mut self.conns[c].user {
            user.group = Some(no);
        }
        Ok(0)
    }

    fn leave_group(&mut self, c: usize) {
        if let Some(user) = &mut self.conns[c].user {
            user.group = None;
        }
    }

    fn remove_group(&mut self, c: usize, words: &[String]) -> Result<i32, i32> {
        let group = self.find_group(words)?;
        if group.owner.person != self.user(c).person {
            return Err(3103);
        }
        if !opens(&group.password, words.get(1)) {
            return Err(3201);
        }
        if self.users_of(group.no) > 0 {
            return Err(-5);
        }
        Ok(self.keep(Fact::GroupGone(group.no)))
    }

    fn my_group(&self, c: usize) -> Result<&Group, i32> {
        self.user(c).group.map(|no| self.world.group(no)).ok_or(3200)
    }

    fn find_message<'g>(&self, group: &'g Group, id: u32) -> Result<&'g Message, i32> {
        let message = group.message(id).ok_or(-3)?;
        if self.message_is_over(group, message) { Err(3503) } else { Ok(message) }
    }

    fn seconds(&self, message: &Message) -> u64 {
        if message.parent == 0 { seconds_left(message.deadline, self.now) } else { 0 }
    }

    fn list_messages(&mut self, c: usize, words: &[String]) -> Result<(), i32> {
        let parent = match words.first() {
            Some(word) => Some(number(word).ok_or(-1)?),
            None => None,
        };
        let group = self.my_group(c)?;
        if let Some(parent) = parent.filter(|parent| *parent != 0) {
            self.find_message(group, parent)?;
        }
        let messages = group.messages.iter().filter(|message| {
            parent.is_none_or(|parent| message.parent == parent)
                && !self.message_is_over(group, message)
        });
        let rows = messages.map(|message| {
            let row = |replies: &str, seconds: &str| {
                let (name, owner) = (shown(&message.name), shown(&message.owner.name));
                format!("{name} {owner} {} {} {replies} {seconds}", message.id, message.parent)
            };
            let replies = group.replies(message.id).to_string();
            (row(&replies, &self.seconds(message).to_string()), row("*", "*"))
        });
        let rows = rows.collect();
        self.list(c, "#listmessages", rows);
        Ok(())
    }

    fn get_message(&mut self, c: usize, words: &[String]) -> Result<(), i32> {
        let id = words.first().and_then(|word| number(word)).ok_or(-1)?;
        let group = self.my_group(c)?;
        let message = self.find_message(group, id)?;
        if self.unreadable {
            return Err(-1);
        }
        let (name, parts) = (shown(&message.name), message.parts.clone());
        let (count, parent, replies) = (parts.len(), message.parent, group.replies(id));
        let (seconds, no) = (self.seconds(message), group.no);
        self.say(c, &format!("@ret #getmessage {name} {count} {id} {parent} {replies} {seconds}"));
        let last = last_piece(&parts);
        for (at, part) in parts.into_iter().enumerate() {
            let line: Rc<[u8]> = format!("{part}\r\n").into_bytes().into();
            self.tell(
                c,
                match last {
                    0 => Piece::Bytes(line),
                    last if at < last => Piece::Part(line),
                    _ => Piece::LastPart(line),
                },
            );
        }
        self.conns[c].reading = Some((no, id));
        Ok(())
    }

    /// Whether a connection is sent a long message that has gone.
    pub fn reads_what_is_gone(&self, c: usize) -> bool {
        let conn = &self.conns[c];
        let Some((no, id)) = conn.reading.filter(|_| conn.expected.is_long()) else {
            return false;
        };
        let group = self.world.groups.iter().find(|group| group.no == no);
        group.and_then(|group| group.message(id)).is_none()
    }

    /// The line that begins a message.
    pub fn post(&mut self, c: usize, words: Option<Vec<String>>) -> Option<i32> {
        let stranger = self.conns[c].user.is_none();
        let malformed = Some(if stranger { 3500 } else { -1 });
        let Some(words) = words else { return malformed };
        let Some(name) = words.first() else { return malformed };
        let field = |at: usize, default| words.get(at).map_or(Some(default), |word| number(word));
        let (Some(parent), Some(parts), Some(seconds)) = (field(1, 0), field(2, 1), field(3, 0))
        else {
            return malformed;
        };
        if parts > self.config.dialects.message_lines_max {
            self.dismiss(c);
            return None;
        }
        let head = if stranger {
            Err(3500)
        } else if is_item_name(name) {
            Ok(Head { name: name.clone(), parent, seconds })
        } else {
            Err(-4)
        };
        let kept = head.is_ok().then_some(0);
        self.conns[c].body = Some(Body { head, parts, lines: Vec::new(), kept });
        if parts == 0 {
            self.finish_body(c);
        }
        None
    }

    /// A line of a message.
    pub fn body_line(&mut self, c: usize, line: &str) {
        let body = self.conns[c].body.as_mut().expect("a body was begun");
        let cleaned = crate::lines::cleaned(line);
        if let Some(kept) = body.kept {
            let (bytes, all) = (line.len() + 1, self.bodies_bytes);
            let fits = kept + bytes <= BODY_BYTES_MAX && all + bytes <= BODIES_BYTES_MAX;
            body.kept = fits.then_some(kept + cleaned.len() + 1);
            self.bodies_bytes = all - kept + body.kept.unwrap_or(0);
        }
        body.lines.push(cleaned);
        if body.lines.len() == body.parts as usize {
            self.finish_body(c);
        }
    }

    /// Near the bound of all bodies, the one whose sender has been silent for most seconds is given up, of several the
    /// largest, but not that of the sender who speaks: as the server has it.
    pub fn give_bodies_up(&mut self, c: usize) {
        while self.bodies_bytes + TEXT_BYTES_MAX > BODIES_BYTES_MAX {
            let now = self.now;
            let others = self.conns.iter_mut().enumerate().filter(|(other, _)| *other != c);
            let kept = |conn: &Conn| conn.body.as_ref().and_then(|body| body.kept).unwrap_or(0);
            let silent = others
                .map(|(_, conn)| conn)
                .filter(|conn| kept(conn) > 0)
                .max_by_key(|conn| ((now - conn.heard) / 1000, kept(conn), Reverse(conn.id.index)));
            let Some(body) = silent.and_then(|conn| conn.body.as_mut()) else { return };
            self.bodies_bytes -= body.kept.take().unwrap_or(0);
            self.given_up += 1;
        }
    }

    /// All lines of a message are there.
    pub fn finish_body(&mut self, c: usize) {
        let body = self.conns[c].body.take().expect("a body was begun");
        self.bodies_bytes -= body.kept.unwrap_or(0);
        let lines = body.kept.map(|_| body.lines);
        let outcome = match body.head {
            Ok(head) => self.post_message(c, head, lines),
            Err(status) => Err(status),
        };
        let status = outcome.unwrap_or_else(|status| status);
        self.met.insert(("#postmessage", status));
        self.status(c, status);
    }

    fn post_message(
        &mut self,
        c: usize,
        head: Head,
        parts: Option<Vec<String>>,
    ) -> Result<i32, i32> {
        let group = self.my_group(c)?;
        if head.parent != 0 {
            self.find_message(group, head.parent)?;
        }
        let parts = parts.ok_or(-2)?;
        let settings = &self.config.settings;
        if group.messages.len() >= settings.messages_per_group_max as usize {
            return Err(-2);
        }
        let seconds = if head.seconds == 0 { settings.message_seconds } else { head.seconds };
        let until = self.now + u64::from(seconds.min(settings.message_seconds_max)) * 1000;
        let message = Message {
            id: group.next,
            parent: head.parent,
            name: head.name,
            owner: self.myself(c),
            deadline: if head.parent == 0 { until } else { 0 },
            parts,
            swept: false,
        };
        Ok(self.keep(Fact::Post(group.no, message)))
    }

    fn remove_message(&mut self, c: usize, words: &[String]) -> Result<i32, i32> {
        let id = words.first().and_then(|word| number(word)).ok_or(-1)?;
        let group = self.my_group(c)?;
        let message = self.find_message(group, id)?;
        let me = self.user(c).person;
        if message.owner.person != me && group.owner.person != me {
            return Err(3103);
        }
        Ok(self.keep(Fact::MessageGone(group.no, id)))
    }
}

/// The line with which the last piece of a message begins, as the server cuts it; 0 if there is only one.
fn last_piece(parts: &[String]) -> usize {
    let all: usize = parts.iter().map(|part| part.len() + 1).sum();
    let piece_bytes = MESSAGE_PIECE_BYTES.max(all / 4);
    let (mut first, mut bytes) = (0, 0);
    for (at, part) in parts.iter().enumerate() {
        bytes += part.len() + 1;
        if bytes > piece_bytes {
            (first, bytes) = (at, part.len() + 1);
        }
    }
    first
}
