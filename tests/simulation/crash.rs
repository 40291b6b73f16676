//! Crashes: what may be missing afterwards, and what may not.
//!
//! The facts of a run stand in the order in which they came true, which is the order of the log. What comes back must
//! be what some beginning of them leads to, and that has to reach as far as was promised. The clock may go back by up
//! to a minute, so what was deleted because its time was over may come back for as long.

use std::collections::BTreeSet;

use argon2::{Algorithm, Argon2, Params, Version};
use mecd::config::SyncMode;
use mecd::core::record::{Counters, Owner as Person, Secret};
use mecd::core::{House, Now, Record};
use mecd::server::entropy::Entropy;
use mecd::server::hub::{Hub, store_options};
use mecd::server::store_place;
use mecd::store::Store;

use crate::driver::{Checked, Driver};
use crate::opening::open;
use crate::random::Random;
use crate::world::{Account, Fact, Group, Line, Message, Owner, Room, Swept, World};

/// How the server came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has not run yet.
    Start,
    /// In order.
    Stopped,
    Killed,
    PowerLost,
}

/// What a store holds. Owners of persons who have an account are told by `bool`.
#[derive(Debug, Default)]
struct Export {
    accounts: Vec<Account>,
    /// Salt and hash of each account's password, where only these are kept.
    hashes: Vec<Option<([u8; 16], [u8; 32])>>,
    rooms: Vec<(Room, bool)>,
    groups: Vec<(Group, bool)>,
    lines: Vec<(u32, Line)>,
    numbers: Vec<u32>,
    persons: Vec<u32>,
    counters: Counters,
}

impl Driver {
    /// The process is killed, or power is lost.
    pub fn crash(&mut self, power_cut: Option<u64>) -> Checked {
        self.hub = None;
        match power_cut {
            Some(seed) => self.disk.crash(seed),
            None => self.disk.kill(),
        }
        self.reopen(if power_cut.is_some() { Ending::PowerLost } else { Ending::Killed })
    }

    /// The server is asked to stop.
    pub fn stop(&mut self) -> Checked {
        let now = Now { ms: self.now, wall: self.wall };
        self.hub.as_mut().expect("the server runs").stop(now);
        self.model.now = self.now;
        for c in 0..self.model.conns.len() {
            if self.model.conns[c].open {
                self.model.dismiss(c);
            }
        }
        for line in self.model.world.rooms.iter_mut().flat_map(|room| &mut room.said) {
            line.written_at.get_or_insert((self.turns + 1, self.now));
        }
        let epoch = self.model.epoch;
        self.turn()?;
        if self.model.epoch != epoch {
            return Ok(());
        }
        let until = self.now + 3000;
        while self.hub().connections() > 0 && self.now < until {
            let due = self.hub().next_deadline().unwrap_or(until).min(until);
            self.now = self.now.max(due).max(self.now + u64::from(!self.hub().is_waiting()));
            self.poll(false)?;
            if self.model.epoch != epoch {
                return Ok(());
            }
        }
        let hub = self.hub.take().expect("the server runs");
        if let Err(error) = hub.into_store().close() {
            let Some(power_cut) = self.doomed.take() else { return Err(error.to_string()) };
            return self.crash(power_cut);
        }
        self.disk.kill();
        self.reopen(Ending::Stopped)
    }

    /// Forgets which facts could be lost, of those that no loss of power can take any more.
    pub fn fold(&mut self) {
        let interval = self.sync_interval();
        let safe = self.turn_times.iter().take_while(|at| *at + interval <= self.last_turn);
        let passed = safe.count().saturating_sub(1);
        self.turn_times.drain(..passed);
        let safe = |(committed, _): &&(Option<u64>, Fact)| {
            committed.is_some_and(|at| at + interval <= self.last_turn)
        };
        let safe = self.model.facts.iter().take_while(safe).count();
        for (_, fact) in self.model.facts.drain(..safe) {
            self.base.apply(&fact);
        }
        if safe > 0 && !self.troubled {
            let settings = &self.plan.config.settings;
            self.base.prune(self.now.saturating_sub(120_000), settings.room_expire_ms);
        }
    }

    /// The log is full now and then, and hears only later of who entered or left a room: so do the facts.
    pub fn put_late_idle_off(&mut self) {
        let names: Vec<String> =
            self.hub().house().rooms_unrecorded().map(ToString::to_string).collect();
        let model = &mut self.model;
        let rooms = model.world.rooms.iter().filter(|room| names.contains(&room.name));
        let late: BTreeSet<u64> = rooms.map(|room| room.uid).collect();
        model.facts.retain(|(committed, fact)| {
            committed.is_some() || !matches!(fact, Fact::Idle(uid, _) if late.contains(uid))
        });
        for uid in std::mem::replace(&mut self.late, late.clone()).difference(&late) {
            if let Some(room) = model.world.rooms.iter().find(|room| room.uid == *uid) {
                model.facts.push((None, Fact::Idle(*uid, room.idle)));
            }
        }
    }

    pub fn sync_interval(&self) -> u64 {
        let configured = match self.plan.config.sync {
            SyncMode::Always => 0,
            SyncMode::Interval(interval) => interval.as_millis() as u64,
        };
        configured.max(self.sync_before)
    }

    /// Starts the server on what the disk holds, and compares that with what it should.
    pub fn reopen(&mut self, ending: Ending) -> Checked {
        self.network.forget();
        self.doomed = None;
        let config = &self.plan.config;
        let (house, mut store) = open(config, &self.disk, store_options(config), self.plan.shape)?;
        let export = export(&house, &mut store)?;
        let clock = house.clock();
        let census = house.census();
        // A full disk may refuse the bound above the numbers given out. Nothing else takes it away.
        if self.unreserved {
            self.forget_stamps();
        }
        if ending != Ending::Start {
            self.crashes += 1;
            self.check_clock(clock, ending)?;
            let world = self.find_world(&export, clock, ending)?;
            self.adopt(world, &export, clock, ending)?;
        }
        let messages: usize = export.groups.iter().map(|(group, _)| group.messages.len()).sum();
        let marked = (census.rooms, census.groups, census.messages)
            != (export.rooms.len() + 1, export.groups.len(), messages);
        self.begin_epoch(clock);
        self.hub = Some(Hub::new(self.plan.config.clone(), house, store, self.entropy()));
        self.hub().audit()?;
        self.turn()?;
        if marked {
            self.model.sweep_at = self.now + 1000;
        }
        Ok(())
    }

    /// What nobody could guess, if it did not follow from the seed.
    fn entropy(&self) -> Entropy {
        let mut random = Random::new(self.plan.seed ^ u64::from(self.model.epoch) << 32);
        Entropy::from_source(move || {
            let (high, low) = (random.next(), random.next());
            (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
        })
    }

    fn begin_epoch(&mut self, clock: u64) {
        self.now = clock;
        self.unreserved = false;
        self.sync_before = 0;
        self.last_turn = clock;
        self.waiting_since = None;
        self.turn_times.clear();
        self.slots.clear();
        self.admitted = 0;
        let model = &mut self.model;
        model.epoch += 1;
        model.now = clock;
        model.sweep_at = 0;
        model.guesses.clear();
        model.facts.clear();
        self.late.clear();
        for room in &self.base.rooms[1..] {
            if room.idle.is_none() && !room.swept {
                model.facts.push((None, Fact::Idle(room.uid, Some(clock))));
            }
        }
        model.unsaved.clear();
        model.bodies_bytes = 0;
        for conn in &mut model.conns {
            conn.body = None;
            conn.open = false;
            conn.gone = true;
            conn.user = None;
            conn.expected = Default::default();
        }
        self.refused_begins_anew();
    }

    fn check_clock(&self, clock: u64, ending: Ending) -> Checked {
        let last = match ending {
            Ending::PowerLost => self.turn_times.first().copied().unwrap_or(0),
            Ending::Start | Ending::Stopped | Ending::Killed => self.last_turn,
        };
        let waited = self.waiting_since.is_some_and(|since| since + 60_000 < last);
        let late = waited && !self.troubled && clock + 60_000 < last;
        let early = ending == Ending::Stopped && !self.troubled && clock + 3000 < last;
        if clock > self.now || late || early {
            return Err(format!("the clock was at least {last} and is {clock}"));
        }
        Ok(())
    }

    /// The beginning of the facts that leads to what is there.
    fn find_world(&self, export: &Export, clock: u64, ending: Ending) -> Result<World, String> {
        let interval = self.sync_interval();
        let promised = |committed: &Option<u64>| match ending {
            Ending::PowerLost => committed.is_some_and(|at| at + interval <= self.last_turn),
            Ending::Start | Ending::Stopped | Ending::Killed => committed.is_some(),
        };
        let facts = &self.model.facts;
        let least = facts.iter().take_while(|(committed, _)| promised(committed)).count();
        let mut reasons = Vec::new();
        for count in (least..=facts.len()).rev() {
            let mut world = self.base.clone();
            facts[..count].iter().for_each(|(_, fact)| world.apply(fact));
            match self.matching(&world, export, clock) {
                Ok(world) => return Ok(world),
                Err(why) => reasons.push(format!("with {count} of {} facts: {why}", facts.len())),
            }
        }
        let kept: Vec<_> = facts.iter().map(|(_, fact)| fact).collect();
        Err(format!("after {ending:?}, {}; facts: {kept:?}", reasons.join("; ")))
    }

    /// Whether a world is what came back; then it is that, without what is over.
    fn matching(&self, world: &World, export: &Export, clock: u64) -> Result<World, String> {
        if world.next_group != export.counters.next_group {
            return Err(format!("the next group is {}", export.counters.next_group));
        }
        if !self.same_accounts(world, export) {
            return Err(format!("accounts {:?} and not {:?}", export.accounts, world.accounts));
        }
        let registered =
            |owner: &Owner| world.accounts.iter().any(|account| account.person == owner.person);
        let mut found = World { rooms: vec![world.rooms[0].clone()], ..world.clone() };
        found.groups.clear();
        found.swept = Swept::Kept;
        let mut exported = export.rooms.iter().peekable();
        for room in &world.rooms[1..] {
            let idle = room.idle.unwrap_or(clock);
            let over = idle + self.plan.config.settings.room_expire_ms;
            let same = exported.peek().is_some_and(|(other, account)| {
                let owner = room.owner.as_ref().expect("a room has an owner");
                let owned = *account == registered(owner);
                let stays = !room.swept || !world.is_followed(room);
                owned && stays && same_room(room, other) && other.idle == Some(idle)
            });
            if exported.next_if(|_| same).is_some() {
                found.rooms.push(Room { swept: false, ..room.clone() });
            } else if room.swept || over <= self.now.max(clock) {
                // A full disk may refuse its removal, and then a longer time in the options brings it back.
                if self.troubled {
                    found.rooms.push(Room { idle: Some(idle), swept: true, ..room.clone() });
                }
            } else {
                return Err(format!("room {room:?} is missing, next is {:?}", exported.peek()));
            }
        }
        if let Some(room) = exported.next() {
            return Err(format!("{room:?} is there"));
        }
        let mut exported = export.groups.iter().peekable();
        for group in &world.groups {
            let same = exported.peek().is_some_and(|(other, account)| {
                *account == registered(&group.owner) && same_group(group, other)
            });
            if let Some((other, _)) = exported.next_if(|_| same) {
                found.groups.push(self.matching_group(group, other, clock)?);
            } else if !(group.swept || group.deadline <= self.now.max(clock)) {
                return Err(format!("group {group:?} is missing, next is {:?}", exported.peek()));
            }
        }
        match exported.next() {
            Some(group) => Err(format!("{group:?} is there")),
            None => Ok(found),
        }
    }

    fn same_accounts(&self, world: &World, export: &Export) -> bool {
        let pairs = world.accounts.iter().zip(export.accounts.iter().zip(&export.hashes));
        let mut same = pairs.map(|(account, (other, hash))| {
            let password = match hash {
                Some((salt, hash)) => *hash == argon2id(*salt, &account.password),
                None => account.password == other.password,
            };
            let personal = (&account.real_name, &account.email) == (&other.real_name, &other.email);
            password && personal && account.name == other.name
        });
        world.accounts.len() == export.accounts.len() && same.all(|same| same)
    }

    fn matching_group(&self, group: &Group, other: &Group, clock: u64) -> Result<Group, String> {
        let mut found = Group { messages: Vec::new(), swept: false, ..group.clone() };
        let mut exported = other.messages.iter().peekable();
        for message in &group.messages {
            let over = group.root(message).deadline <= self.now.max(clock);
            let parent = message.parent == 0 || found.message(message.parent).is_some();
            if let Some(other) = exported.next_if(|other| parent && same_message(message, other)) {
                found.messages.push(Message { swept: false, ..message.clone() });
                debug_assert_eq!(other.id, message.id);
            } else if !(message.swept || over) {
                return Err(format!("{message:?} is missing, next is {:?}", exported.peek()));
            }
        }
        match exported.next() {
            Some(message) => Err(format!("{message:?} is there")),
            None => Ok(found),
        }
    }

    /// The model goes on from what came back.
    fn adopt(&mut self, mut world: World, export: &Export, clock: u64, ending: Ending) -> Checked {
        let gone: Vec<Room> = world.rooms.iter().filter(|room| room.swept).cloned().collect();
        world.rooms.retain(|room| !room.swept);
        let number = |uid: u64, rooms: &[Room]| match uid {
            0 => Some(0),
            _ => rooms.iter().position(|room| room.uid == uid).map(|at| export.numbers[at - 1]),
        };
        for at in 0..world.rooms.len() {
            let uid = world.rooms[at].uid;
            let no = number(uid, &world.rooms);
            let lines = export.lines.iter().filter(|(room, _)| Some(*room) == no);
            let lines: Vec<Line> = lines.map(|(_, line)| line.clone()).collect();
            if let Some(room) = self.model.world.rooms.iter().find(|room| room.uid == uid) {
                self.check_lines(room, &lines, ending)?;
            }
            let room = &mut world.rooms[at];
            room.said = lines;
            room.members.clear();
            room.bans.clear();
        }
        let mut names: Vec<String> =
            world.rooms.iter().map(|room| crate::lines::folded(&room.name)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(format!("two rooms of one name: {names:?}"));
        }
        self.base = world.clone();
        self.base.rooms.extend(gone);
        self.base.rooms.sort_by_key(|room| room.uid);
        world.swept = Swept::Removed;
        // Who was in a room when the server was killed has left it by now; the log hears of it in the first turn.
        for room in world.rooms[1..].iter_mut().filter(|room| room.idle.is_none()) {
            room.idle = Some(clock);
        }
        self.model.world = world;
        Ok(())
    }

    /// Lines come back in their order, and all that had to be written.
    fn check_lines(&self, room: &Room, lines: &[Line], ending: Ending) -> Checked {
        let same =
            |a: &Line, b: &Line| (a.wall, &a.sender, &a.text) == (b.wall, &b.sender, &b.text);
        let mut said = room.said.iter();
        for line in lines {
            if !said.any(|other| same(other, line)) {
                return Err(format!("{line:?} was not said in {}, or not then", room.name));
            }
        }
        let settings = &self.plan.config.settings;
        if self.troubled || !settings.history_saved {
            return Ok(());
        }
        let interval = if ending == Ending::PowerLost { self.sync_interval() } else { 0 };
        for line in self.model.remembered(room) {
            let written = line.written_at.is_some_and(|(turn, at)| {
                turn <= self.last_good && at + interval <= self.last_turn
            });
            if written && !lines.iter().any(|other| same(other, line)) {
                return Err(format!("{line:?} is missing in {} after {ending:?}", room.name));
            }
        }
        Ok(())
    }
}

/// A hash as the server computes it: 1 MiB, three passes.
fn argon2id(salt: [u8; 16], password: &str) -> [u8; 32] {
    let params = Params::new(1024, 3, 1, Some(32)).expect("the parameters are valid");
    let mut hash = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), &salt, &mut hash)
        .expect("the lengths are within bounds");
    hash
}

fn same_room(room: &Room, other: &Room) -> bool {
    let name = |room: &Room| room.owner.as_ref().map(|owner| owner.name.clone());
    room.name == other.name
        && name(room) == name(other)
        && (&room.password, room.regd) == (&other.password, other.regd)
}

fn same_group(group: &Group, other: &Group) -> bool {
    (group.no, &group.name, &group.owner.name) == (other.no, &other.name, &other.owner.name)
        && (&group.password, group.regd) == (&other.password, other.regd)
        && (group.deadline, group.next) == (other.deadline, other.next)
}

fn same_message(message: &Message, other: &Message) -> bool {
    (message.id, message.parent, &message.name) == (other.id, other.parent, &other.name)
        && (&message.owner.name, message.deadline) == (&other.owner.name, other.deadline)
        && message.parts == other.parts
}

/// Everything that a server would know.
fn export(house: &House, store: &mut Store) -> Result<Export, String> {
    let mut export = Export::default();
    let mut fetch = |place, bytes: &mut Vec<u8>| {
        store.read(store_place(place), bytes).map_err(|error| error.to_string())
    };
    house.export(&mut fetch, &mut |record| export.take(record))?;
    let messages: usize = export.groups.iter().map(|(group, _)| group.messages.len()).sum();
    let census = house.census();
    if (census.accounts, census.messages >= messages) != (export.accounts.len(), true) {
        return Err(format!("{census:?} does not count what is exported"));
    }
    Ok(export)
}

impl Export {
    fn take(&mut self, record: &Record<'_>) -> Checked {
        match record {
            Record::Account { person, name, secret, real_name, email } => {
                self.persons.push(person.0);
                self.hashes.push(match secret {
                    Secret::Recoverable(_) => None,
                    Secret::Hashed { salt, hash } => Some((*salt, *hash)),
                });
                self.accounts.push(Account {
                    person: 0,
                    name: name.to_string(),
                    password: match secret {
                        Secret::Recoverable(password) => (*password).to_owned(),
                        Secret::Hashed { .. } => String::new(),
                    },
                    real_name: (*real_name).to_owned(),
                    email: (*email).to_owned(),
                });
            }
            Record::Room { no, name, owner, password, admits, lifetime: _, idle_since } => {
                self.numbers.push(*no);
                let account = self.persons.contains(&owner.person.0);
                let mut room = World::new(Swept::Kept).rooms.remove(0);
                room.name = name.to_string();
                room.owner = Some(plain(owner));
                room.password = (*password).to_owned();
                room.regd = *admits == mecd::core::command::Admits::Registered;
                room.idle = *idle_since;
                self.rooms.push((room, account));
            }
            Record::Group { no, name, owner, password, admits, deadline, next_message } => {
                let account = self.persons.contains(&owner.person.0);
                let group = Group {
                    no: *no,
                    name: name.to_string(),
                    owner: plain(owner),
                    password: (*password).to_owned(),
                    regd: *admits == mecd::core::command::Admits::Registered,
                    deadline: *deadline,
                    next: *next_message,
                    messages: Vec::new(),
                    swept: false,
                    version: 0,
                };
                self.groups.push((group, account));
            }
            Record::Message { group, id, parent, name, poster, deadline, parts, text } => {
                let group = self.groups.iter_mut().find(|(other, _)| other.no == *group);
                let message = Message {
                    id: *id,
                    parent: *parent,
                    name: name.to_string(),
                    owner: plain(poster),
                    deadline: *deadline,
                    parts: text.split_terminator('\n').map(str::to_owned).collect(),
                    swept: false,
                };
                if message.parts.len() != *parts as usize {
                    return Err(format!("{message:?} has {parts} parts"));
                }
                group.ok_or("a message without a group")?.0.messages.push(message);
            }
            Record::Line { room, time, sender, text, .. } => {
                let (sender, text) = (sender.to_string(), (*text).to_owned());
                let written_at = Some((0, 0));
                self.lines
                    .push((*room, Line { said_at: 0, wall: *time, sender, text, written_at }));
            }
            Record::Counters(counters) => self.counters = *counters,
            other => return Err(format!("{other:?} was exported")),
        }
        Ok(())
    }
}

fn plain(owner: &Person) -> Owner {
    Owner { person: 0, name: owner.name.to_string() }
}
