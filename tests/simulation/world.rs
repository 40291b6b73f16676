//! The model's idea of everything that survives: plain lists, searched from front to back.
//!
//! Shares no code with the server. A [`Fact`] is what a command made true; the world before a crash is one that a
//! beginning of all facts leads to.

use crate::lines::folded;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    pub person: u64,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub person: u64,
    pub name: String,
    pub password: String,
    pub real_name: String,
    pub email: String,
}

/// Something said in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub said_at: u64,
    pub wall: u64,
    pub sender: String,
    pub text: String,
    /// In which turn, and when, it must have been written at the latest.
    pub written_at: Option<(u64, u64)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// 0 is `Home`.
    pub uid: u64,
    pub name: String,
    pub owner: Option<Owner>,
    pub password: String,
    pub regd: bool,
    pub idle: Option<u64>,
    /// Its time was over, and it has been deleted.
    pub swept: bool,
    pub members: Vec<usize>,
    pub bans: Vec<String>,
    pub version: u64,
    pub said: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: u32,
    pub parent: u32,
    pub name: String,
    pub owner: Owner,
    pub deadline: u64,
    pub parts: Vec<String>,
    pub swept: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub no: u32,
    pub name: String,
    pub owner: Owner,
    pub password: String,
    pub regd: bool,
    pub deadline: u64,
    pub next: u32,
    pub messages: Vec<Message>,
    pub swept: bool,
    pub version: u64,
}

#[derive(Clone, Debug)]
pub enum Fact {
    Account(Account),
    Password(u64, String),
    AccountGone(u64),
    Room(Room),
    Idle(u64, Option<u64>),
    RoomGone(u64),
    RoomSwept(u64),
    Group(Group),
    GroupGone(u32),
    GroupSwept(u32),
    Post(u32, Message),
    MessageGone(u32, u32),
    ThreadSwept(u32, u32),
}

/// What becomes of a thing whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    Removed,
    /// It stays, marked, because the clock may go back a little with a crash.
    Kept,
}

#[derive(Clone, Debug)]
pub struct World {
    pub accounts: Vec<Account>,
    pub rooms: Vec<Room>,
    pub groups: Vec<Group>,
    pub next_group: u32,
    pub swept: Swept,
}

impl World {
    pub fn new(swept: Swept) -> Self {
        let home = Room {
            uid: 0,
            name: "Home".into(),
            owner: None,
            password: String::new(),
            regd: false,
            idle: None,
            swept: false,
            members: Vec::new(),
            bans: Vec::new(),
            version: 0,
            said: Vec::new(),
        };
        Self { accounts: Vec::new(), rooms: vec![home], groups: Vec::new(), next_group: 1, swept }
    }

    pub fn apply(&mut self, fact: &Fact) {
        match fact {
            Fact::Account(account) => self.accounts.push(account.clone()),
            Fact::Password(person, password) => {
                let account = self.accounts.iter_mut().find(|other| other.person == *person);
                if let Some(account) = account {
                    account.password.clone_from(password);
                }
            }
            Fact::AccountGone(person) => self.accounts.retain(|other| other.person != *person),
            Fact::Room(room) => self.rooms.push(room.clone()),
            Fact::Idle(uid, idle) => {
                if let Some(room) = self.rooms.iter_mut().find(|room| room.uid == *uid) {
                    room.idle = *idle;
                }
            }
            Fact::RoomGone(uid) => self.rooms.retain(|room| room.uid != *uid),
            Fact::RoomSwept(uid) => {
                self.rooms.iter_mut().filter(|room| room.uid == *uid).for_each(|room| {
                    room.swept = true;
                });
            }
            Fact::Group(group) => {
                self.next_group = self.next_group.max(group.no + 1);
                self.groups.push(group.clone());
            }
            Fact::GroupGone(no) => self.groups.retain(|group| group.no != *no),
            Fact::GroupSwept(no) => {
                self.groups.iter_mut().filter(|group| group.no == *no).for_each(|group| {
                    group.swept = true;
                });
            }
            Fact::Post(no, _) | Fact::MessageGone(no, _) | Fact::ThreadSwept(no, _) => {
                if let Some(group) = self.groups.iter_mut().find(|group| group.no == *no) {
                    group.apply(fact, self.swept);
                }
            }
        }
        if self.swept == Swept::Removed {
            self.rooms.retain(|room| !room.swept);
            self.groups.retain(|group| !group.swept);
        }
    }

    /// Forgets what was swept and cannot come back: its time was over before `clock`.
    pub fn prune(&mut self, clock: u64, room_ms: u64) {
        self.rooms
            .retain(|room| !room.swept || room.idle.is_none_or(|idle| idle + room_ms >= clock));
        self.groups.retain(|group| !group.swept || group.deadline >= clock);
        for group in &mut self.groups {
            let old: Vec<u32> = group
                .messages
                .iter()
                .filter(|message| message.swept && group.root(message).deadline < clock)
                .map(|message| message.id)
                .collect();
            group.messages.retain(|message| !old.contains(&message.id));
        }
    }

    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| folded(&account.name) == folded(name))
    }

    pub fn room(&self, uid: u64) -> &Room {
        self.rooms.iter().find(|room| room.uid == uid).expect("the model knows its rooms")
    }

    pub fn room_mut(&mut self, uid: u64) -> &mut Room {
        self.rooms.iter_mut().find(|room| room.uid == uid).expect("the model knows its rooms")
    }

    /// Whether a later room has its name: proof that it had gone.
    pub fn is_followed(&self, room: &Room) -> bool {
        let same = |other: &Room| folded(&other.name) == folded(&room.name);
        self.rooms.iter().any(|other| other.uid > room.uid && same(other))
    }

    pub fn room_named(&self, name: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| folded(&room.name) == folded(name))
    }

    pub fn group(&self, no: u32) -> &Group {
        self.groups.iter().find(|group| group.no == no).expect("the model knows its groups")
    }

    pub fn group_named(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| folded(&group.name) == folded(name))
    }
}

impl Group {
    pub fn message(&self, id: u32) -> Option<&Message> {
        self.messages.iter().find(|message| message.id == id)
    }

    /// The top of the thread that a message is in.
    pub fn root<'g>(&'g self, message: &'g Message) -> &'g Message {
        match message.parent {
            0 => message,
            parent => self.root(self.message(parent).expect("a reply has a parent")),
        }
    }

    pub fn replies(&self, id: u32) -> usize {
        self.messages.iter().filter(|message| message.parent == id).count()
    }

    fn thread(&self, id: u32) -> Vec<u32> {
        let mut thread = vec![id];
        for message in &self.messages {
            if thread.contains(&message.parent) {
                thread.push(message.id);
            }
        }
        thread
    }

    fn apply(&mut self, fact: &Fact, swept: Swept) {
        self.version += 1;
        match fact {
            Fact::Post(_, message) => {
                self.next = self.next.max(message.id + 1);
                self.messages.push(message.clone());
            }
            Fact::ThreadSwept(_, id) if swept == Swept::Kept => {
                let thread = self.thread(*id);
                for message in &mut self.messages {
                    message.swept |= thread.contains(&message.id);
                }
            }
            Fact::ThreadSwept(_, id) | Fact::MessageGone(_, id) => {
                let thread = self.thread(*id);
                self.messages.retain(|message| !thread.contains(&message.id));
            }
            _ => unreachable!("only facts about messages come here"),
        }
    }
}
