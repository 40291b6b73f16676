//! The news: whoever listens knows at any time which rooms there are and who stands in them, having been told of
//! everything once, whatever happens while the list that begins it is being sent.

#![expect(clippy::unwrap_used, reason = "a test stops where what it expects is not there")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use mecd::core::command::{Admits, Claim, Company, OwnerMay, Password, Then};
use mecd::core::event::{Event, Letter, List, Reply, Row};
use mecd::core::name::{ItemName, UserName};
use mecd::core::outbox::{Full, Purpose};
use mecd::core::record::Place;
use mecd::core::settings::Settings;
use mecd::core::{Command, House, Member, Now, Outbox, Record, SessionId, Status};
use mecd::dialect::Dialect;
use mecd::limits::GHOST_ROWS_MAX;

const ORIGIN: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What a listener has been told so far.
#[derive(Default)]
struct Listener {
    name: String,
    rooms: BTreeMap<String, BTreeSet<String>>,
    /// What happened while the list is not complete: the post keeps it back until it is.
    deferred: Option<Vec<News>>,
}

enum News {
    Made(String),
    Entered(String, String),
    Left(String, String),
}

impl Listener {
    fn hear(&mut self, news: News) {
        match &mut self.deferred {
            Some(deferred) => deferred.push(news),
            None => self.learn(news),
        }
    }

    fn learn(&mut self, news: News) {
        match news {
            News::Made(room) => {
                let before = self.rooms.insert(room.clone(), BTreeSet::new());
                assert!(before.is_none(), "{} is told of {room} again", self.name);
            }
            News::Entered(room, user) => {
                let members = self.rooms.get_mut(&room).expect("the room has been told");
                let is_new = members.insert(user.clone());
                assert!(is_new, "{} is told again that {user} is in {room}", self.name);
            }
            News::Left(room, user) => {
                let members = self.rooms.get_mut(&room).expect("the room has been told");
                let was_there = members.remove(&user);
                assert!(was_there, "{} is told that {user} left {room} unseen", self.name);
            }
        }
    }

    fn row(&mut self, room: &str, member: Option<&str>) {
        assert!(self.deferred.is_some(), "a row is in a list");
        self.learn(match member {
            None => News::Made(room.to_owned()),
            Some(member) => News::Entered(room.to_owned(), member.to_owned()),
        });
    }
}

/// Takes what the house says to those who listen.
#[derive(Default)]
struct Ears {
    listeners: BTreeMap<u32, Listener>,
    /// Who has been dismissed.
    closed: Vec<SessionId>,
    offset: u32,
}

impl Ears {
    fn hear(&mut self, session: u32, event: &Event<'_>) {
        let Some(listener) = self.listeners.get_mut(&session) else { return };
        let news = match *event {
            Event::RoomMade { room, .. } => News::Made(room.to_string()),
            Event::Entered { room, user, .. } => News::Entered(room.to_string(), user.to_string()),
            Event::Left { room, user, .. } => News::Left(room.to_string(), user.to_string()),
            _ => return,
        };
        listener.hear(news);
    }
}

impl Outbox for Ears {
    fn letter(&mut self, _: SessionId, _: &Letter<'_>) -> bool {
        panic!("nobody writes letters here");
    }

    fn reply(&mut self, to: SessionId, reply: &Reply<'_>) {
        let Some(listener) = self.listeners.get_mut(&to.index) else { return };
        match *reply {
            Reply::List(List::Directory, _) => {
                assert!(listener.deferred.replace(Vec::new()).is_none());
            }
            Reply::Row(Row::Place { room, member, reader, .. }, _) => {
                assert_eq!(reader.as_str(), listener.name);
                listener.row(room.as_str(), member.map(UserName::as_str));
            }
            Reply::End(List::Directory) => {
                let deferred = listener.deferred.take().expect("a list ends once");
                deferred.into_iter().for_each(|news| listener.learn(news));
            }
            _ => panic!("{reply:?}"),
        }
    }

    fn recall(&mut self, to: SessionId, event: &Event<'_>) {
        self.hear(to.index, event);
    }

    fn send(&mut self, to: SessionId, event: &Event<'_>) {
        self.hear(to.index, event);
    }

    fn broadcast(&mut self, to: &[Member], except: Option<u32>, event: &Event<'_>) {
        let live = to.iter().map(|member| member.session).filter(|&it| it != Member::GONE);
        for session in live.filter(|&session| Some(session) != except) {
            self.hear(session, event);
        }
    }

    fn record(&mut self, _: &Record<'_>, _: Purpose) -> Result<Place, Full> {
        self.offset += 1;
        Ok(Place { file: 0, offset: self.offset, bytes: 1 })
    }

    fn retire(&mut self, _: Place) {}

    fn close(&mut self, session: SessionId) {
        self.closed.push(session);
    }

    fn entropy(&mut self) -> [u8; 16] {
        [0; 16]
    }
}

/// A house, and what is true of it.
struct World {
    house: House,
    ears: Ears,
    now: Now,
    /// Users online, and who they are.
    users: BTreeMap<String, (SessionId, Dialect)>,
    /// The open rooms, with their members.
    rooms: BTreeMap<String, BTreeSet<String>>,
    sessions: u32,
    names: u32,
    seed: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let settings = Settings { rooms_max: 5000, ..Settings::default() };
        let mut house = House::new(settings);
        house.open();
        Self {
            house,
            ears: Ears::default(),
            now: Now { ms: 1, wall: 1 },
            users: BTreeMap::new(),
            rooms: BTreeMap::from([("Home".to_owned(), BTreeSet::new())]),
            sessions: 0,
            names: 0,
            seed,
        }
    }

    fn below(&mut self, count: usize) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed % count as u64) as usize
    }

    fn new_name(&mut self, letter: char) -> String {
        self.names += 1;
        format!("{letter}{}", self.names)
    }

    /// One of the users that `wanted` wants.
    fn pick(&mut self, wanted: fn(&Dialect) -> bool) -> Option<(String, SessionId)> {
        let users = self.users.iter().filter(|(_, (_, dialect))| wanted(dialect));
        let users: Vec<_> = users.map(|(name, &(id, _))| (name.clone(), id)).collect();
        if users.is_empty() { None } else { Some(users[self.below(users.len())].clone()) }
    }

    fn pick_room(&mut self) -> String {
        let at = self.below(self.rooms.len());
        self.rooms.keys().nth(at).unwrap().clone()
    }

    fn handle(&mut self, id: SessionId, command: Command<'_>) -> Option<Status> {
        assert!(!self.house.is_busy(id));
        self.house.handle(self.now, id, command, &mut self.ears)
    }

    fn arrive(&mut self, dialect: Dialect) -> (String, SessionId) {
        let name = self.new_name('u');
        self.sessions += 1;
        let id = SessionId { index: self.sessions, generation: 1 };
        self.house.connect(self.now, id, ORIGIN, dialect.manner());
        if dialect == Dialect::Chatapp {
            let listener = Listener { name: name.clone(), ..Listener::default() };
            self.ears.listeners.insert(id.index, listener);
        }
        self.users.insert(name.clone(), (id, dialect));
        let user = UserName::new(&name).unwrap();
        assert_eq!(self.handle(id, Command::LoginAnonymous { name: user }), Some(Status::Ok));
        if dialect == Dialect::Mec {
            self.rooms.get_mut("Home").unwrap().insert(name.clone());
        }
        (name, id)
    }

    fn leave_all(&mut self, name: &str) {
        self.rooms.values_mut().for_each(|members| {
            members.remove(name);
        });
    }

    fn depart(&mut self, name: &str) {
        let (id, _) = self.users.remove(name).unwrap();
        self.ears.listeners.remove(&id.index);
        self.leave_all(name);
        self.house.disconnect(self.now, id, &mut self.ears);
    }

    /// A user who is not being sent a list.
    fn free(&self, id: SessionId) -> bool {
        !self.house.is_busy(id)
    }

    fn make_room(&mut self, id: SessionId, password: Option<Password<'_>>) -> String {
        let room = self.new_name('r');
        let name = ItemName::new(&room).unwrap();
        let (admits, then) = (Admits::Anonymous, Then::Stay);
        let command = Command::CreateRoom { name, password, admits, then };
        assert_eq!(self.handle(id, command), Some(Status::Ok));
        if password.is_none() {
            self.rooms.insert(room.clone(), BTreeSet::new());
        }
        room
    }

    fn enter(&mut self, name: &str, id: SessionId, room: &str) {
        let item = ItemName::new(room).unwrap();
        let enter = Company::Enter { name: item, claim: Claim::Own };
        let status = self.handle(id, Command::Company(enter)).unwrap();
        match status {
            Status::Ok => assert!(self.rooms.get_mut(room).unwrap().insert(name.to_owned())),
            Status::AlreadyIn => assert!(self.rooms[room].contains(name)),
            other => assert_eq!(other, Status::NoMemory, "a user stands in so many rooms"),
        }
    }

    /// Something that the listeners have to hear of, or must not.
    fn happen(&mut self) {
        match self.below(9) {
            0 => {
                self.arrive(Dialect::Chatapp);
            }
            1 => {
                self.arrive(Dialect::Mec);
            }
            2 => {
                if let Some((name, _)) = self.pick(|_| true)
                    && self.users.len() > 50
                {
                    self.depart(&name);
                }
            }
            3 => {
                if let Some((_, id)) = self.pick(|_| true)
                    && self.free(id)
                {
                    self.make_room(id, None);
                    self.make_room(id, Some(Password::new("secret").unwrap()));
                }
            }
            4 => self.make_and_remove_room(),
            5 => {
                if let Some((name, id)) = self.pick(|dialect| *dialect == Dialect::Mec) {
                    let room = self.pick_room();
                    let item = ItemName::new(&room).unwrap();
                    let command = Command::ChangeRoom { name: item, password: None };
                    assert_eq!(self.handle(id, command), Some(Status::Ok));
                    self.leave_all(&name);
                    self.rooms.get_mut(&room).unwrap().insert(name);
                }
            }
            6 => self.leave_somewhere(),
            _ => {
                if let Some((name, id)) = self.pick(|dialect| *dialect == Dialect::Chatapp)
                    && self.free(id)
                {
                    let room = self.pick_room();
                    self.enter(&name, id, &room);
                }
            }
        }
    }

    fn make_and_remove_room(&mut self) {
        let Some((_, id)) = self.pick(|dialect| *dialect == Dialect::Mec) else { return };
        let room = self.make_room(id, None);
        let name = ItemName::new(&room).unwrap();
        let status = self.handle(id, Command::RemoveRoom { name, password: None });
        assert_eq!(status, Some(Status::Ok));
        self.rooms.remove(&room);
    }

    fn leave_somewhere(&mut self) {
        let Some((name, id)) = self.pick(|dialect| *dialect == Dialect::Chatapp) else { return };
        let room = self.rooms.iter().find(|(_, members)| members.contains(&name));
        let Some(room) = room.map(|(room, _)| room.clone()) else { return };
        if self.free(id) {
            let leave = Company::Leave { name: ItemName::new(&room).unwrap(), owner: OwnerMay::Go };
            assert_eq!(self.handle(id, Command::Company(leave)), Some(Status::Ok));
            self.rooms.get_mut(&room).unwrap().remove(&name);
        }
    }

    /// Sends the next rows to about half of those who wait for some. False if nobody does.
    fn resume(&mut self) -> bool {
        let all: Vec<_> = self.users.values().map(|&(id, _)| id).collect();
        let waiting: Vec<_> = all.into_iter().filter(|&id| self.house.is_listing(id)).collect();
        for &id in &waiting {
            if self.below(2) == 0 {
                self.house.resume(self.now, id, &mut self.ears);
            }
        }
        !waiting.is_empty()
    }

    /// Everybody who has the whole list knows what is true, and of rooms that have gone that nobody is in them.
    fn check(&self) {
        assert!(self.ears.closed.is_empty(), "nobody was sent away");
        self.house.audit().unwrap();
        for listener in self.ears.listeners.values().filter(|it| it.deferred.is_none()) {
            for (room, members) in &self.rooms {
                assert_eq!(listener.rooms.get(room), Some(members), "{}: {room}", listener.name);
            }
            let gone = listener.rooms.iter().filter(|(room, _)| !self.rooms.contains_key(*room));
            for (room, members) in gone {
                assert!(members.is_empty(), "{}: {room}", listener.name);
            }
        }
    }
}

#[test]
fn who_comes_while_ten_thousand_memberships_change_is_told_each_once() {
    for seed in 1..=3 {
        let mut world = World::new(seed * 0x9e37_79b9);
        let members: Vec<_> = (0..100).map(|_| world.arrive(Dialect::Chatapp)).collect();
        // What most of them are told is not looked at, for the sake of time.
        members[5..].iter().for_each(|(_, id)| drop(world.ears.listeners.remove(&id.index)));
        let rooms: Vec<_> = (0..100).map(|_| world.make_room(members[0].1, None)).collect();
        for room in &rooms {
            members.iter().for_each(|(name, id)| world.enter(name, *id, room));
        }
        let memberships: usize = world.rooms.values().map(BTreeSet::len).sum();
        assert_eq!(memberships, 10_000);
        world.check();
        let (_, first) = world.arrive(Dialect::Chatapp);
        let mut steps = 0;
        while world.house.is_listing(first) || steps < 150 {
            steps += 1;
            for _ in 0..world.below(6) {
                world.happen();
            }
            world.resume();
        }
        assert!(steps < 300, "a list comes to its end");
        while world.resume() {}
        world.check();
        for _ in 0..200 {
            world.happen();
        }
        while world.resume() {}
        world.check();
    }
}

#[test]
fn rooms_with_a_password_are_never_mentioned() {
    let mut world = World::new(7);
    let (_, zoe) = world.arrive(Dialect::Chatapp);
    let (name, amy) = world.arrive(Dialect::Mec);
    let secret = Password::new("secret").unwrap();
    let room = world.make_room(amy, Some(secret));
    let item = ItemName::new(&room).unwrap();
    let command = Command::ChangeRoom { name: item, password: Some(secret) };
    assert_eq!(world.handle(amy, command), Some(Status::Ok));
    world.leave_all(&name);
    world.arrive(Dialect::Chatapp);
    world.check();
    for listener in world.ears.listeners.values() {
        assert_eq!(listener.rooms.keys().collect::<Vec<_>>(), ["Home"]);
    }
    world.depart(&name);
    world.check();
    assert!(world.free(zoe));
}

#[test]
fn who_reads_the_news_slowly_is_not_sent_away_for_the_sake_of_other_lists() {
    let mut world = World::new(7);
    let crowd: Vec<_> = (0..GHOST_ROWS_MAX + 300).map(|_| world.arrive(Dialect::Mec)).collect();
    let (_, zoe) = world.arrive(Dialect::Chatapp);
    let (_, amy) = world.arrive(Dialect::Mec);
    assert_eq!(world.handle(amy, Command::ListUsers), None);
    assert!(world.house.is_listing(zoe) && world.house.is_listing(amy));
    for (name, _) in &crowd[300..] {
        world.depart(name);
    }
    world.house.tick(world.now, &mut world.ears);
    assert_eq!(world.ears.closed, [amy], "one ghost more than are kept");
    world.ears.closed.clear();
    while world.resume() {}
    let home = &world.ears.listeners[&zoe.index].rooms["Home"];
    assert_eq!(home.len(), 300, "amy has gone too");
}
