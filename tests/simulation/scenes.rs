//! Scenes: what chance alone seldom brings about, because several commands have to follow each other.

use crate::plan::{Op, Planner};

impl Planner {
    /// Plays one.
    pub fn scene(&mut self) {
        let (one, other) = (self.client(), self.client());
        match self.random().below(10) {
            0 => self.thread(one),
            1 | 6 | 8 => self.flood(one),
            2 => self.board(one, other),
            3 => self.kick(one, other),
            4 => self.over(one, other),
            7 => self.locked(one, other),
            9 => self.long_message(one, other),
            _ => self.account(one, other),
        }
    }

    fn say(&mut self, client: usize, line: &str) {
        let end = self.random().choose(&["\r\n", "\n", "\r"]);
        self.send(client, format!("{line}{end}").into_bytes());
        if self.random().once_in(3) {
            self.push(Op::Turn { ms: 1, spurious: false });
        }
    }

    fn log_in(&mut self, client: usize, name: &str) {
        if !self.random().once_in(3) {
            self.say(client, &format!("#login anon {name}"));
        }
    }

    /// Messages, replies, and some of them removed.
    fn thread(&mut self, one: usize) {
        self.log_in(one, "amy");
        let group = self.random().choose(&["news", "x"]);
        self.say(one, &format!("#creategroup {group} \"\" anon 50"));
        self.say(one, &format!("#joingroup {group}"));
        for _ in 0..self.random().within(1, 6) {
            let (parent, seconds) = (self.random().below(4), self.random().choose(&[0, 1, 5, 50]));
            let times = self.random().within(1, 30) as usize;
            let text = "some text of this message ".repeat(times);
            self.say(one, &format!("#postmessage title {parent} 2 {seconds}\r\n{text}\r\nend"));
        }
        for _ in 0..self.random().within(1, 6) {
            let id = self.random().within(1, 7);
            let verb = self.random().choose(&["#getmessage", "#rmmessage", "#listmessages"]);
            self.say(one, &format!("{verb} {id}"));
        }
    }

    /// So much that files are finished, and so much of it removed again that they are compacted.
    fn flood(&mut self, one: usize) {
        self.log_in(one, "amy");
        self.say(one, "#creategroup x \"\" anon 50");
        self.say(one, "#joingroup x");
        for _ in 0..self.random().within(3, 60) {
            let text = "much ".repeat(self.random().within(20, 190) as usize);
            match self.random().below(4) {
                0 => self.say(one, &format!("#broadcast {text}")),
                1 => {
                    let id = self.random().within(1, 12);
                    self.say(one, &format!("#rmmessage {id}"));
                }
                _ => self.say(one, &format!("#postmessage much 0 1 20\r\n{text}")),
            }
        }
    }

    /// Somebody else's messages, group and room.
    fn board(&mut self, one: usize, other: usize) {
        self.log_in(other, "bob");
        self.thread(one);
        self.say(other, "#changegroup news");
        self.say(other, "#postmessage theirs 1\r\nhello");
        self.say(one, "#rmgroup news");
        for id in 1..4 {
            self.say(other, &format!("#rmmessage {id}"));
        }
        self.say(other, "#rmgroup news");
        self.say(one, "#leavegroup");
        self.say(other, "#leavegroup");
        self.say(one, "#rmgroup news");
    }

    /// A room, its owner, and a guest who has to go.
    fn kick(&mut self, one: usize, other: usize) {
        self.say(one, "#login anon amy");
        self.say(other, "#login anon bob");
        let room = self.random().choose(&["lab", "\"chess club\""]);
        self.say(one, &format!("#createroom {room}"));
        self.say(one, &format!("#changeroom {room}"));
        self.say(other, &format!("#changeroom {room}"));
        self.say(one, "#userstatus");
        let line = self.random_of(&["#kick bob", "#kick amy", "#kick BOB"]);
        self.say(one, line);
        self.say(other, &format!("#changeroom {room}"));
        self.say(one, "#userstatus");
        self.say(one, "#changeroom home");
        self.say(one, &format!("#rmroom {room}"));
    }

    /// A room and a group with passwords, which their owner has to know too.
    fn locked(&mut self, one: usize, other: usize) {
        self.log_in(one, "amy");
        self.log_in(other, "bob");
        self.say(one, "#createroom lab geheim");
        self.say(one, "#creategroup news geheim anon");
        for verb in ["#changeroom lab", "#joingroup news", "#changeroom home", "#leavegroup"] {
            let client = self.random().choose(&[one, other]);
            let word = self.random().choose(&["", " geheim", " secret"]);
            self.say(client, &format!("{verb}{word}"));
        }
        for verb in ["#rmroom lab", "#rmgroup news"] {
            self.say(one, &format!("{verb} secret"));
            self.say(one, &format!("{verb} geheim"));
        }
    }

    /// Rooms are entered and left until the log is full, and it may hear of the rest later.
    pub fn coming_and_going(&mut self) {
        let (one, other) = (self.client(), self.client());
        self.log_in(one, "amy");
        self.log_in(other, "bob");
        self.say(one, "#createroom lab");
        self.say(other, "#createroom \"chess club\"");
        self.push(Op::Squeeze { bytes: 0 });
        for _ in 0..self.random().within(5, 40) {
            let client = self.random().choose(&[one, other]);
            let line = self.random_of(&[
                "#changeroom lab",
                "#changeroom home",
                "#changeroom \"chess club\"",
                "#broadcast a line that takes some space",
            ]);
            self.say(client, line);
        }
        if self.random().once_in(2) {
            self.push(Op::Space { bytes: u64::MAX });
            let ms = self.random().within(1, 30_000);
            self.push(Op::Wait { ms });
        }
    }

    /// Power is lost soon after a start, and again: nobody may see a status number twice.
    pub fn flicker(&mut self) {
        for _ in 0..2 {
            let one = self.client();
            self.say(one, "#login anon amy");
            self.say(one, "#roomstatus");
            self.say(one, "#createroom lab");
            self.say(one, "#archstatus");
            self.push(Op::Turn { ms: 1, spurious: false });
            let seed = self.random().next();
            self.push(Op::PowerCut { seed });
            self.open_doors();
        }
    }

    /// A message of as many long lines as may be, read by two while it may go.
    fn long_message(&mut self, one: usize, other: usize) {
        self.say(one, "#login anon one");
        self.say(other, "#login anon two");
        self.say(one, "#creategroup long \"\" anon 50");
        self.say(one, "#joingroup long");
        self.say(other, "#joingroup long");
        let lines = self.lines_max();
        let missing = u32::from(self.random().once_in(8));
        let mut text = format!("#postmessage long 0 {lines} 20");
        for line in missing..lines {
            let bytes = self.random().within(600, 990) as usize;
            text.push_str("\r\n");
            text.push_str(&format!("{line} ").repeat(bytes)[..bytes]);
        }
        self.say(one, &text);
        let room = self.random().choose(&[100, 5000, 40_000]);
        // Where commands have to come one at a time, answers must not wait.
        let room = Some(room).filter(|_| !self.is_single());
        let slow = self.connect_from(2, room);
        for line in ["#login anon slow", "#joingroup long", "#getmessage 1"] {
            self.say(slow, line);
        }
        self.push(Op::Turn { ms: 1, spurious: false });
        for _ in 0..self.random().within(2, 12) {
            let client = self.random().choose(&[one, other, slow]);
            let line = self.random_of(&[
                "#rmmessage 1",
                "#broadcast meanwhile",
                "#sendto slow meanwhile",
                "#getmessage 1",
                "#getmessage 2",
                "#whoami",
            ]);
            self.say(client, line);
            let count = self.random().choose(&[0, 100, 5000, 40_000]);
            self.push(Op::MakeRoom { client: slow, count });
        }
        if self.random().once_in(4) {
            self.push(Op::Oversleep { ms: 20_000 });
        }
    }

    /// Times that are over while somebody asks.
    fn over(&mut self, one: usize, other: usize) {
        self.log_in(one, "amy");
        self.log_in(other, "cat");
        self.say(one, "#creategroup \"a b\" \"\" anon 2");
        self.say(one, "#joingroup \"a b\"");
        self.say(one, "#postmessage short 0 1 1\r\nsoon gone");
        self.say(one, "#postmessage longer 0 1 4\r\nlater gone");
        self.say(one, "#postmessage reply 1\r\nsoon gone too");
        self.say(other, "#createroom lab");
        self.push(Op::Turn { ms: 1, spurious: false });
        for _ in 0..3 {
            let ms = self.random().choose(&[900, 1000, 2000, 10_000]);
            let lines = [
                "#listmessages 1",
                "#getmessage 1",
                "#rmmessage 3",
                "#postmessage late 1\r\nx",
                "#rmgroup \"a b\"",
                "#changegroup \"a b\"",
                "#rmroom lab",
                "#changeroom lab",
                "#listgroups",
                "#listrooms",
                "#listmessages",
                "#leavegroup",
            ];
            for _ in 0..3 {
                let (line, client) = (self.random_of(&lines), self.random().choose(&[one, other]));
                self.push(Op::Send { client, bytes: format!("{line}\r\n").into_bytes() });
                self.push(Op::Deliver { client, count: usize::MAX });
                if self.is_single() {
                    self.push(Op::Oversleep { ms });
                    self.push(Op::Settle);
                }
            }
            self.push(Op::Oversleep { ms });
        }
    }

    /// An account, from two connections.
    fn account(&mut self, one: usize, other: usize) {
        self.log_in(one, "eve");
        self.say(one, "#createlogin eve geheim Eve e@x");
        let line = self.random_of(&["#login regd eve geheim", "#login anon eve", "#whoami"]);
        self.say(one, line);
        self.say(one, "#changepass secret geheim");
        let line = self.random_of(&["#login regd eve secret", "#login regd eve geheim"]);
        self.say(other, line);
        let line = self.random_of(&["#changepass geheim secret", "#rmlogin", "#whoami"]);
        self.say(other, line);
        self.say(one, "#login regd eve geheim");
    }
}
