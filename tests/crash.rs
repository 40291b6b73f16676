//! `kill -9` under load: what was acknowledged is there after every restart, and nothing that was never asked for.
//!
//! Several writers change accounts, rooms, groups and messages, one command at a time, each in names of its own. A
//! writer keeps the world as it was acknowledged, and the one change that was under way when the server went. After a
//! restart its part of the world must be the one or the other. Messages are long, so that the log is rewritten under
//! way.

mod program_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use program_support::{Client, LOOK_AGAIN, PATIENCE, Server, Start, temporary, wait_until};

const DONE: &str = "@status 0";
const FULL: &str = "@status -2";
const WRITERS: usize = 4;

/// The group that all writers post into.
const COMMONS: &str = "commons";

/// A message as it must be found again.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Message {
    name: String,
    parent: u32,
}

/// A group of one writer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Group {
    messages: BTreeMap<u32, Message>,
    /// Messages that were ever posted in it: ids grow by one and are not used twice.
    posted: u32,
}

impl Group {
    fn remove(&mut self, id: u32) {
        self.messages.remove(&id);
        let below: Vec<u32> =
            self.messages.iter().filter(|(_, m)| m.parent == id).map(|(&id, _)| id).collect();
        below.into_iter().for_each(|id| self.remove(id));
    }
}

/// What one writer has made: the names are its own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct World {
    /// Names and passwords.
    accounts: BTreeMap<String, String>,
    /// Names and whether they are private; every password is [`door`].
    rooms: BTreeMap<String, bool>,
    groups: BTreeMap<String, Group>,
    /// Names of its messages in [`COMMONS`].
    commons: BTreeSet<String>,
}

/// A change, as it is asked for.
#[derive(Clone, Debug)]
enum Change {
    Account { name: String, password: String },
    Password { name: String, new: String },
    NoAccount { name: String },
    Room { name: String, private: bool },
    NoRoom { name: String },
    Group { name: String },
    NoGroup { name: String },
    Post { group: String, name: String, parent: u32 },
    NoMessage { group: String, id: u32 },
    Common { name: String },
}

impl Change {
    /// Whether it makes room, and so is taken by a full store, too.
    fn is_removal(&self) -> bool {
        match self {
            Self::NoAccount { .. }
            | Self::NoRoom { .. }
            | Self::NoGroup { .. }
            | Self::NoMessage { .. } => true,
            Self::Account { .. }
            | Self::Password { .. }
            | Self::Room { .. }
            | Self::Group { .. }
            | Self::Post { .. }
            | Self::Common { .. } => false,
        }
    }
}

impl World {
    fn apply(&mut self, change: &Change) {
        match change.clone() {
            Change::Account { name, password } | Change::Password { name, new: password } => {
                self.accounts.insert(name, password);
            }
            Change::NoAccount { name } => drop(self.accounts.remove(&name)),
            Change::Room { name, private } => drop(self.rooms.insert(name, private)),
            Change::NoRoom { name } => drop(self.rooms.remove(&name)),
            Change::Group { name } => drop(self.groups.insert(name, Group::default())),
            Change::NoGroup { name } => drop(self.groups.remove(&name)),
            Change::Post { group, name, parent } => {
                let group = self.groups.get_mut(&group).expect("it posts into its own groups");
                group.posted += 1;
                group.messages.insert(group.posted, Message { name, parent });
            }
            Change::NoMessage { group, id } => {
                self.groups.get_mut(&group).expect("it is its own").remove(id);
            }
            Change::Common { name } => drop(self.commons.insert(name)),
        }
    }
}

/// Random numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % sides
    }

    fn pick<'a, T>(&mut self, from: impl ExactSizeIterator<Item = &'a T>) -> Option<&'a T> {
        if from.len() == 0 {
            return None;
        }
        let index = self.roll(from.len());
        let mut from = from;
        from.nth(index)
    }
}

/// The password of a private room.
fn door(room: &str) -> String {
    format!("door-of-{room}")
}

/// The lines of a message, which follow from its name. Most are long, so that a few hundred fill a file of the log.
fn body(name: &str) -> Vec<String> {
    let seed = name.bytes().fold(7, |seed: u64, byte| seed.wrapping_mul(31) + u64::from(byte));
    let mut dice = Dice(seed);
    let short = name.contains("common") || dice.roll(3) == 0;
    let count = if short { dice.roll(3) } else { 20 + dice.roll(80) };
    let line = |n| format!("{n} {name} {}", "lorem ipsum ".repeat(25 + dice.roll(50)));
    (0..count).map(line).collect()
}

fn post(name: &str, parent: u32) -> String {
    let body = body(name);
    let mut command = format!("#postmessage {name} {parent} {}", body.len());
    body.iter().for_each(|line| command.push_str(&format!("\r\n{line}")));
    command
}

/// The server went away.
#[derive(Debug)]
struct Gone;

/// A connection that may break at any time.
struct Line(Client);

impl Line {
    fn connect(address: SocketAddr) -> Result<Self, Gone> {
        let socket = std::net::TcpStream::connect(address).map_err(|_| Gone)?;
        Ok(Self(Client::over(socket)))
    }

    fn ask(&mut self, command: &str) -> Result<String, Gone> {
        use std::io::Write;
        let mut socket = self.0.socket();
        socket.write_all(format!("{command}\r\n").as_bytes()).map_err(|_| Gone)?;
        self.0.try_line().map_err(|_| Gone)?.ok_or(Gone)
    }

    fn done(&mut self, command: &str) -> Result<(), Gone> {
        let answer = self.ask(command)?;
        assert_eq!(answer, DONE, "the answer to {}", command.lines().next().unwrap_or_default());
        Ok(())
    }
}

/// Counters, and every number that each was seen to have.
type Numbers = BTreeMap<&'static str, BTreeSet<u32>>;

const COUNTERS: [&str; 5] =
    ["#archstatus", "#roomstatus", "#userstatus", "#groupstatus", "#messagestatus"];

/// One who changes things, and remembers what was acknowledged.
struct Writer {
    prefix: String,
    dice: Dice,
    world: World,
    /// What was asked for and not answered.
    under_way: Option<Change>,
    /// For names that are never used twice.
    made: usize,
    seen: Numbers,
}

impl Writer {
    fn new(number: usize, seed: u64) -> Self {
        let dice = Dice(seed ^ (number as u64) << 32);
        let prefix = format!("w{number}");
        let (world, seen) = (World::default(), Numbers::new());
        Self { prefix, dice, world, under_way: None, made: 0, seen }
    }

    fn new_name(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{}-{kind}{}", self.prefix, self.made)
    }

    /// Changes one thing after another until the server goes.
    fn work(&mut self, address: SocketAddr, acknowledged: &AtomicUsize) {
        let Err(Gone) = self.try_work(address, acknowledged);
    }

    fn try_work(
        &mut self,
        address: SocketAddr,
        acknowledged: &AtomicUsize,
    ) -> Result<std::convert::Infallible, Gone> {
        let mut line = Line::connect(address)?;
        line.done(&format!("#login regd {} secret", self.prefix))?;
        loop {
            let change = self.next_change();
            self.under_way = Some(change.clone());
            let answer = self.carry_out(&mut line, &change, address)?;
            self.under_way = None;
            match answer.as_str() {
                DONE => self.world.apply(&change),
                FULL => assert!(!change.is_removal(), "{change:?} was refused by a full store"),
                other => panic!("{change:?} is answered by {other}"),
            }
            acknowledged.fetch_add(1, Ordering::Relaxed);
            if self.dice.roll(4) == 0 {
                self.look_at_numbers(&mut line)?;
            }
        }
    }

    fn next_change(&mut self) -> Change {
        let loaded = |world: &World| world.groups.values().map(|g| g.messages.len()).sum::<usize>();
        let own = loaded(&self.world);
        match self.dice.roll(16) {
            0 => Change::Account { name: self.new_name("account"), password: "first".into() },
            1 | 2 => match self.dice.pick(self.world.accounts.keys()).cloned() {
                Some(name) if self.dice.roll(3) == 0 => Change::NoAccount { name },
                Some(name) => Change::Password { name, new: self.new_name("password") },
                None => {
                    Change::Account { name: self.new_name("account"), password: "first".into() }
                }
            },
            3 => Change::Room { name: self.new_name("room"), private: self.dice.roll(2) == 0 },
            4 => match self.dice.pick(self.world.rooms.keys()).cloned() {
                Some(name) => Change::NoRoom { name },
                None => Change::Room { name: self.new_name("room"), private: true },
            },
            5 if self.world.groups.len() > 2 => {
                let name = self.dice.pick(self.world.groups.keys()).cloned();
                Change::NoGroup { name: name.expect("there are some") }
            }
            5 | 6 => Change::Group { name: self.new_name("group") },
            7 => Change::Common { name: self.new_name("common") },
            _ if own >= 10 => self.next_removal(),
            _ => self.next_post(),
        }
    }

    fn next_post(&mut self) -> Change {
        let Some(group) = self.dice.pick(self.world.groups.keys()).cloned() else {
            return Change::Group { name: self.new_name("group") };
        };
        let parents = self.world.groups[&group].messages.keys();
        let parent = match self.dice.roll(2) {
            0 => self.dice.pick(parents).copied().unwrap_or(0),
            _ => 0,
        };
        Change::Post { group, name: self.new_name("post"), parent }
    }

    fn next_removal(&mut self) -> Change {
        let groups = self.world.groups.iter();
        let all: Vec<(String, u32)> = groups
            .flat_map(|(name, group)| group.messages.keys().map(move |&id| (name.clone(), id)))
            .collect();
        let (group, id) = self.dice.pick(all.iter()).cloned().expect("there are some");
        Change::NoMessage { group, id }
    }

    fn carry_out(
        &mut self,
        line: &mut Line,
        change: &Change,
        address: SocketAddr,
    ) -> Result<String, Gone> {
        match change {
            Change::Account { name, password } => {
                line.ask(&format!("#createlogin {name} {password} {name} {name}@example.org"))
            }
            Change::Password { name, new } => {
                let old = &self.world.accounts[name];
                let mut side = Line::connect(address)?;
                side.done(&format!("#login regd {name} {old}"))?;
                side.ask(&format!("#changepass {new} {old}"))
            }
            Change::NoAccount { name } => {
                let mut side = Line::connect(address)?;
                side.done(&format!("#login regd {name} {}", self.world.accounts[name]))?;
                side.ask("#rmlogin")
            }
            Change::Room { name, private: true } => {
                line.ask(&format!("#createroom {name} {}", door(name)))
            }
            Change::Room { name, private: false } => line.ask(&format!("#createroom {name}")),
            Change::NoRoom { name } => line.ask(&format!("#rmroom {name} {}", door(name))),
            Change::Group { name } => line.ask(&format!("#creategroup {name} \"\" anon")),
            Change::NoGroup { name } => {
                line.done("#leavegroup")?;
                line.ask(&format!("#rmgroup {name}"))
            }
            Change::Post { group, name, parent } => {
                line.done(&format!("#joingroup {group}"))?;
                line.ask(&post(name, *parent))
            }
            Change::NoMessage { group, id } => {
                line.done(&format!("#joingroup {group}"))?;
                line.ask(&format!("#rmmessage {id}"))
            }
            Change::Common { name } => {
                line.done(&format!("#joingroup {COMMONS}"))?;
                line.ask(&post(name, 0))
            }
        }
    }

    fn look_at_numbers(&mut self, line: &mut Line) -> Result<(), Gone> {
        line.done(&format!("#joingroup {COMMONS}"))?;
        for counter in COUNTERS {
            let answer = line.ask(counter)?;
            self.seen.entry(counter).or_default().insert(number(counter, &answer));
        }
        Ok(())
    }
}

fn number(counter: &str, answer: &str) -> u32 {
    let number = answer.strip_prefix(&format!("@ret {counter} ")).and_then(|n| n.parse().ok());
    number.filter(|&n| n <= i32::MAX as u32).unwrap_or_else(|| panic!("no number: {answer}"))
}

/// What the whole run remembers over all restarts.
#[derive(Default)]
struct Memory {
    seen: Numbers,
    group_numbers: BTreeMap<u32, String>,
    common_ids: BTreeMap<u32, String>,
}

/// The world as a stranger finds it.
struct Found {
    rooms: BTreeMap<String, bool>,
    groups: BTreeMap<String, BTreeMap<u32, Message>>,
}

impl Memory {
    /// Looks at everything there is; nothing may have a number that something else has had.
    fn look(&mut self, server: &Server) -> Found {
        let mut stranger = server.user("stranger");
        stranger.expect(&format!("#joingroup {COMMONS}"), DONE);
        for counter in COUNTERS {
            let now = number(counter, &stranger.ask(counter));
            let fresh = self.seen.entry(counter).or_default().insert(now);
            assert!(fresh, "{counter} is {now}, which a client has seen before the restart");
        }
        let mut rooms = BTreeMap::new();
        for row in &stranger.list("#listrooms")[1..] {
            let words: Vec<&str> = row.split(' ').collect();
            let owner = words[0].split('-').next();
            assert_eq!(Some(words[1]), owner, "the room belongs to who made it: {row}");
            rooms.insert(words[0].to_owned(), words[4] == "priv");
        }
        for (name, _) in rooms.iter().filter(|(_, private)| **private) {
            stranger.expect(&format!("#changeroom {name} wrong"), "@status 3101");
            stranger.expect(&format!("#changeroom {name} {}", door(name)), DONE);
        }
        let mut groups = BTreeMap::new();
        for row in stranger.list("#listgroups") {
            let words: Vec<&str> = row.split(' ').collect();
            let no: u32 = words[2].parse().expect("a group has a number");
            let name = self.group_numbers.entry(no).or_insert_with(|| words[0].to_owned());
            assert_eq!(name, words[0], "group number {no} was used before");
            groups.insert(words[0].to_owned(), messages(&mut stranger, words[0]));
        }
        Found { rooms, groups }
    }

    /// What all writers share: everything acknowledged is there, once, and under the id that it has always had.
    fn look_at_commons(&mut self, found: &BTreeMap<u32, Message>, writers: &mut [Writer]) {
        let mut names = BTreeSet::new();
        for (&id, message) in found {
            let name = self.common_ids.entry(id).or_insert_with(|| message.name.clone());
            assert_eq!(*name, message.name, "message id {id} was used before");
            assert!(names.insert(message.name.clone()), "{} is there twice", message.name);
        }
        let mut asked = BTreeSet::new();
        for writer in writers {
            let lost: Vec<_> = writer.world.commons.difference(&names).collect();
            assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
            if let Some(Change::Common { name }) = &writer.under_way {
                if names.contains(name) {
                    writer.world.commons.insert(name.clone());
                }
                writer.under_way = None;
            }
            asked.extend(writer.world.commons.iter().cloned());
        }
        assert_eq!(names, asked, "nothing is there that was not asked for");
    }
}

/// The messages of a group, each with the text that it must have.
fn messages(reader: &mut Client, group: &str) -> BTreeMap<u32, Message> {
    reader.expect(&format!("#joingroup {group}"), DONE);
    let mut messages = BTreeMap::new();
    for row in reader.list("#listmessages") {
        let words: Vec<&str> = row.split(' ').collect();
        let (name, id, parent) = (words[0], words[2], words[3]);
        let body = body(name);
        let head = reader.ask(&format!("#getmessage {id}"));
        let begin = format!("@ret #getmessage {name} {} {id} {parent} ", body.len());
        assert!(head.starts_with(&begin), "{head}");
        for line in body {
            assert_eq!(reader.line(), line, "the text of {name}");
        }
        let number = |word: &str| word.parse().expect("ids are numbers");
        let message = Message { name: name.to_owned(), parent: number(parent) };
        messages.insert(number(id), message);
    }
    messages
}

/// Decides whether the change that was under way has happened; the writer goes on from there.
fn check(writer: &mut Writer, found: &Found, server: &Server) {
    let mut changed = writer.world.clone();
    if let Some(change) = writer.under_way.take() {
        changed.apply(&change);
    }
    let candidates = [writer.world.clone(), changed];
    let own = |name: &&String| name.starts_with(&format!("{}-", writer.prefix));
    let rooms: BTreeMap<_, _> =
        found.rooms.iter().filter(|(name, _)| own(name)).map(|(n, p)| (n.clone(), *p)).collect();
    let groups: BTreeMap<_, _> = found.groups.iter().filter(|(name, _)| own(name)).collect();
    let fits = |world: &&World| {
        world.rooms == rooms
            && world.groups.len() == groups.len()
            && world.groups.iter().all(|(n, g)| groups.get(n) == Some(&&g.messages))
            && accounts_fit(&candidates, world, server)
    };
    let fitting = candidates.iter().find(fits).cloned();
    writer.world = fitting.unwrap_or_else(|| {
        panic!("{} has {rooms:?} {groups:?}, which is none of {candidates:#?}", writer.prefix)
    });
}

/// Whether each account that there may be is as in `world`.
fn accounts_fit(candidates: &[World], world: &World, server: &Server) -> bool {
    let names: BTreeSet<_> = candidates.iter().flat_map(|world| world.accounts.keys()).collect();
    let mut client = server.client();
    names.into_iter().all(|name| match world.accounts.get(name) {
        Some(password) => client.ask(&format!("#login regd {name} {password}")) == DONE,
        None => client.ask(&format!("#login regd {name} any")) == "@status 3001",
    })
}

fn start(dir: &Path, sync: &str) -> Server {
    let start = Start::in_dir(dir).unhurried().set(&format!("storage.sync={sync}"));
    let start = start.set("security.wrong_password_delay=0s").set("limits.wrong_passwords=1000");
    // As small as it may be, so that the log is also rewritten because it is nearly full.
    start.set("storage.bytes_max=20000000").serve()
}

fn first_log_file_is_gone(dir: &Path) -> bool {
    !dir.join("data/00000001.log").exists()
}

/// Kills the server so many times under load.
#[expect(clippy::print_stdout, reason = "a failure is looked into with the seed and the log")]
fn kill_and_look(kills: usize, sync: &str, seed: u64) {
    let dir = temporary();
    let mut dice = Dice(seed);
    let mut memory = Memory::default();
    let mut writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(number, seed)).collect();
    let mut server = start(dir.path(), sync);
    let mut founder = server.user("founder");
    founder.expect(&format!("#creategroup {COMMONS} \"\" anon"), DONE);
    for writer in &writers {
        let name = &writer.prefix;
        founder.expect(&format!("#createlogin {name} secret {name} {name}@example.org"), DONE);
    }
    drop(founder);
    for kill in 0..kills {
        let acknowledged = AtomicUsize::new(0);
        let enough = 100 + dice.roll(300);
        let moment = Duration::from_micros(dice.roll(5000) as u64);
        let address = server.address();
        std::thread::scope(|scope| {
            for writer in &mut writers {
                scope.spawn(|| writer.work(address, &acknowledged));
            }
            let end = std::time::Instant::now() + PATIENCE;
            while acknowledged.load(Ordering::Relaxed) < enough {
                assert!(std::time::Instant::now() < end, "the writers do not come on");
                std::thread::sleep(LOOK_AGAIN / 10);
            }
            std::thread::sleep(moment);
            server.kill();
        });
        server = start(dir.path(), sync);
        println!("seed {seed}, kill {kill}, after {enough} changes: {}", server.log().trim_end());
        for writer in &mut writers {
            for (counter, numbers) in &writer.seen {
                memory.seen.entry(counter).or_default().extend(numbers);
            }
        }
        let found = memory.look(&server);
        memory.look_at_commons(&found.groups[COMMONS], &mut writers);
        for writer in &mut writers {
            check(writer, &found, &server);
        }
        assert_nothing_else(&found, &writers);
    }
    server.stop();
    let server = start(dir.path(), sync);
    let found = memory.look(&server);
    writers.iter_mut().for_each(|writer| check(writer, &found, &server));
    wait_until("the log was rewritten", || first_log_file_is_gone(dir.path()));
}

fn assert_nothing_else(found: &Found, writers: &[Writer]) {
    let rooms: usize = writers.iter().map(|writer| writer.world.rooms.len()).sum();
    let groups: usize = writers.iter().map(|writer| writer.world.groups.len()).sum();
    assert_eq!(found.rooms.len(), rooms, "rooms that nobody has made: {:?}", found.rooms.keys());
    assert_eq!(found.groups.len(), groups + 1, "groups that nobody has made");
}

#[test]
fn a_torn_end_of_the_log_is_dropped_and_said_and_nothing_before_it_is_lost() {
    let dir = temporary();
    let server = Start::in_dir(dir.path()).set("storage.sync=always").serve();
    let mut amy = server.user("amy");
    amy.expect("#createroom before", "@status 0");
    amy.expect("#createroom torn", "@status 0");
    server.kill();
    let path = dir.path().join("data/00000001.log");
    let mut log = fs::read(&path).expect("the log is there");
    // The file is longer than what is written of it.
    let written = log.iter().rposition(|&byte| byte != 0).expect("something is written") + 1;
    log.truncate(written - 3);
    fs::write(&path, &log).expect("our own file can be cut");
    let server = Start::in_dir(dir.path()).serve();
    let place = "00000001.log: the end was torn at byte ";
    server.wait_for_log("bytes dropped");
    let said = server.log();
    let line = said.lines().find(|line| line.contains(place)).expect(&said);
    let (_, numbers) = line.split_once(place).expect("it was found");
    let numbers: Vec<usize> = numbers
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect();
    let [torn_at, dropped] = numbers[..] else { panic!("byte and bytes: {line}") };
    assert_eq!(torn_at + dropped, log.len(), "{line}");
    let mut amy = server.user("amy");
    amy.expect("#changeroom before", "@status 0");
    amy.expect("#changeroom torn", "@status 3100");
}

#[test]
fn nothing_acknowledged_is_lost_in_five_kills_with_a_sync_interval() {
    kill_and_look(5, "1s", 1);
}

#[test]
fn nothing_acknowledged_is_lost_in_five_kills_with_a_sync_for_every_change() {
    kill_and_look(5, "always", 2);
}

#[test]
#[ignore = "takes a minute"]
fn nothing_acknowledged_is_lost_in_twenty_kills_with_a_sync_interval() {
    kill_and_look(20, "1s", 3);
}

#[test]
#[ignore = "takes a minute"]
fn nothing_acknowledged_is_lost_in_twenty_kills_with_a_sync_for_every_change() {
    kill_and_look(20, "always", 4);
}
