//! Users of several dialects in one room, on the server's own hub: what is said is rendered once for each dialect that
//! hears it, and leaves in one piece.

#![expect(clippy::unwrap_used, reason = "a test stops where its world does not answer")]

mod common;

use std::net::{Ipv4Addr, SocketAddr};

use common::entropy::entropy;
use common::framing::Speech;
use common::network::{Act, Network, VirtualSocket};
use common::opening::open;
use mecd::config::Config;
use mecd::core::Now;
use mecd::limits::{CRIMP_QUIET_MS, ROOMS_PER_USER_MAX};
use mecd::server::hub::{Hub, store_options};
use mecd::store::Shape;
use mecd::store::memory::MemoryDisk;

/// A hub, and those who are connected to it.
struct World {
    hub: Hub<VirtualSocket>,
    network: Network,
    /// The hub's slot of each of the network's connections.
    slots: Vec<u32>,
    /// What was written since it was looked at last: one for each write.
    writes: Vec<(usize, Vec<u8>)>,
    now: Now,
}

impl World {
    fn new() -> Self {
        Self::with(Self::config())
    }

    fn config() -> Config {
        Config { connections_per_address: 0, lines_per_second: 0, ..Config::default() }
    }

    fn with(config: Config) -> Self {
        let disk = MemoryDisk::new(1);
        let (house, store) = open(&config, &disk, store_options(&config), Shape::STANDARD).unwrap();
        let now = Now { ms: 1000, wall: 1_767_225_600 };
        let network = Network::default();
        Self {
            hub: Hub::new(config, house, store, entropy(0)),
            network,
            slots: Vec::new(),
            writes: Vec::new(),
            now,
        }
    }

    fn connect(&mut self, speech: Speech) -> usize {
        let (number, socket) = self.network.connect(None);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
        self.hub.place(address).unwrap();
        self.slots.push(self.hub.admit(self.now, socket, address, speech.dialect()));
        number
    }

    fn send(&mut self, number: usize, bytes: &[u8]) {
        self.network.send(number, bytes);
        self.network.deliver(number, usize::MAX);
        self.turns();
    }

    fn turns(&mut self) {
        while self.hub.is_waiting() || self.network.has_edges() {
            for (number, readiness) in self.network.take_edges() {
                self.hub.note(self.slots[number] as usize, readiness);
            }
            self.turn();
        }
    }

    fn turn(&mut self) {
        self.hub.turn(self.now).unwrap();
        for (number, act) in self.network.take_acts() {
            if let Act::Wrote(bytes) = act {
                self.writes.push((number, bytes));
            }
        }
    }

    /// Somebody who stands in the room `tea`.
    fn mec(&mut self, name: &str) -> usize {
        let number = self.connect(Speech::Mec);
        self.send(number, format!("#login anon {name}\r\n#changeroom tea\r\n").as_bytes());
        number
    }

    /// The same.
    fn chatapp(&mut self, name: &str) -> usize {
        let number = self.connect(Speech::Chatapp);
        self.send(number, &message("ConnectionMessage", name, "Server", "CONNECT"));
        self.send(number, &message("JoinMessage", name, "Server", "tea"));
        number
    }

    /// What somebody is answered, one for each write. What is bare is over when nothing follows it.
    fn crimp(&mut self, number: usize, speech: Speech, command: &str) -> Vec<Vec<u8>> {
        self.writes.clear();
        self.send(number, &speech.encode(command).unwrap());
        self.now.ms += CRIMP_QUIET_MS;
        self.turn();
        self.turns();
        self.received(number)
    }

    /// How often something was rendered while it was sent.
    fn renderings(&mut self, number: usize, bytes: &[u8]) -> u64 {
        let before = self.hub.renderings();
        self.send(number, bytes);
        self.hub.renderings() - before
    }

    /// What somebody has received, one for each write.
    fn received(&mut self, number: usize) -> Vec<Vec<u8>> {
        let of = std::mem::take(&mut self.writes).into_iter().filter(|(other, _)| *other == number);
        of.map(|(_, bytes)| bytes).collect()
    }
}

fn message(kind: &str, sender: &str, dest: &str, data: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"__type__":"{kind}","timestamp":"then","sender":"{sender}","dest":"{dest}","data":"{data}"}}"#
    );
    Speech::Chatapp.encode(&body).unwrap()
}

/// The frames in some bytes, which have to be whole.
fn frames(mut bytes: Vec<u8>) -> Vec<String> {
    let mut frames = Vec::new();
    while let Some(frame) = Speech::Chatapp.take(&mut bytes).unwrap() {
        frames.push(frame);
    }
    assert!(bytes.is_empty(), "a frame was cut");
    frames
}

#[test]
fn what_is_said_is_rendered_once_for_each_dialect_that_hears_it_however_many_hear_it() {
    for crowd in [1, 2, 50] {
        let mut world = World::new();
        let bob = world.mec("bob");
        world.send(bob, b"#createroom tea\r\n#changeroom tea\r\n");
        assert_eq!(world.renderings(bob, b"#broadcast \"alone\"\r\n"), 1);
        let zoe = world.chatapp("zoe");
        for n in 1..crowd {
            world.mec(&format!("mec{n}"));
            world.chatapp(&format!("app{n}"));
        }
        assert_eq!(world.renderings(bob, b"#broadcast \"both\"\r\n"), 2);
        assert_eq!(world.renderings(zoe, &message("ChatMessage", "zoe", "tea", "both")), 2);
        let news = world.renderings(zoe, &message("CreateRoomMessage", "zoe", "Server", "cake"));
        assert_eq!(news, 1, "who does not hear of it has it not rendered");
        assert_eq!(world.renderings(bob, b"#changeroom Home\r\n"), 2, "one has left and entered");
    }
}

#[test]
fn a_header_and_its_body_leave_in_one_write() {
    let mut world = World::new();
    let bob = world.mec("bob");
    world.send(bob, b"#createroom tea\r\n#changeroom tea\r\n");
    let zoe = world.chatapp("zoe");
    world.received(zoe);
    for count in [1, 2, 20, 60] {
        let lines: String =
            (0..count).map(|n| format!("#broadcast \"{n} {}\"\r\n", "x".repeat(50))).collect();
        world.send(bob, lines.as_bytes());
        let writes = world.received(zoe);
        assert_eq!(writes.len(), 1, "all of a turn leaves at once");
        assert_eq!(writes.concat().len(), writes[0].len());
        assert_eq!(frames(writes.concat()).len(), count);
    }
    let own: Vec<u8> =
        (0..15).flat_map(|n| message("ChatMessage", "zoe", "tea", &format!("{n}"))).collect();
    world.send(zoe, &own);
    let writes = world.received(zoe);
    assert_eq!((writes.len(), frames(writes.concat()).len()), (1, 15));
}

#[test]
fn a_long_history_of_crimp_leaves_in_one_write() {
    let mut config = World::config();
    (config.settings.history_lines, config.settings.history_bytes) = (1000, 100_000);
    let mut world = World::with(config);
    let amy = world.mec("amy");
    world.send(amy, b"#createroom tea\r\n#changeroom tea\r\n");
    let said: Vec<String> = (0..1000).map(|n| format!("{n} {}", "x".repeat(20))).collect();
    for text in &said {
        world.send(amy, format!("#broadcast \"{text}\"\r\n").as_bytes());
    }
    let lines: Vec<String> =
        said.iter().map(|text| format!("[01/01/2026 00:00:00] amy: {text}")).collect();
    let history = lines.join("\n");
    for speech in [Speech::CrimpFrames, Speech::CrimpLines, Speech::CrimpBare] {
        let bob = world.connect(speech);
        let joined = world.crimp(bob, speech, "bob JOIN tea");
        assert_eq!(joined, [speech.encode("OK_JOIN").unwrap()], "{speech:?}");
        let told = world.crimp(bob, speech, "bob RETV tea");
        assert_eq!(told.len(), 1, "{speech:?}");
        assert!(told == [speech.encode(&history).unwrap()], "{speech:?}");
        world.crimp(bob, speech, "bob DSCT");
    }
}

#[test]
fn a_long_list_of_rooms_is_cut_between_frames_only() {
    let mut world = World::new();
    let amy = world.chatapp("amy");
    for n in 0..500 {
        world.send(amy, &message("CreateRoomMessage", "amy", "Server", &format!("room {n}")));
    }
    world.writes.clear();
    let zoe = world.connect(Speech::Chatapp);
    world.send(zoe, &message("ConnectionMessage", "zoe", "Server", "CONNECT"));
    let told: Vec<String> = world.received(zoe).into_iter().flat_map(frames).collect();
    assert_eq!(told.len(), 501);
    assert!(told[500].contains(r#""dest":"zoe","data":"room 499""#));
}

#[test]
fn nobody_stands_in_more_rooms_than_a_user_may() {
    let mut world = World::new();
    let zoe = world.connect(Speech::Chatapp);
    world.send(zoe, &message("ConnectionMessage", "zoe", "Server", "CONNECT"));
    for n in 0..=ROOMS_PER_USER_MAX {
        let room = format!("room {n}");
        world.send(zoe, &message("CreateRoomMessage", "zoe", "Server", &room));
        world.received(zoe);
        world.send(zoe, &message("JoinMessage", "zoe", "Server", &room));
        let told = frames(world.received(zoe).concat()).concat();
        if n < ROOMS_PER_USER_MAX {
            assert!(told.contains("JoinMessage"), "{told}");
        } else {
            let refused = r#"{"__type__":"Error","code":99,"data":"ERROR: a limit of this server is reached, or its disk is full"}"#;
            assert_eq!(told, refused);
        }
    }
    world.send(zoe, &message("LeaveMessage", "zoe", "Server", "room 0"));
    world.received(zoe);
    world.send(zoe, &message("JoinMessage", "zoe", "Server", "Home"));
    assert!(frames(world.received(zoe).concat()).concat().contains("JoinMessage"));
}

#[test]
fn who_reads_nothing_is_dropped_when_too_much_waits() {
    let mut world = World::new();
    let bob = world.mec("bob");
    world.send(bob, b"#createroom tea\r\n#changeroom tea\r\n");
    let (number, socket) = world.network.connect(Some(0));
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4000));
    world.slots.push(world.hub.admit(world.now, socket, address, Speech::Chatapp.dialect()));
    world.send(number, &message("ConnectionMessage", "slow", "Server", "CONNECT"));
    world.send(number, &message("JoinMessage", "slow", "Server", "tea"));
    for n in 0..200 {
        world.send(bob, format!("#broadcast \"{n} {}\"\r\n", "x".repeat(900)).as_bytes());
        if world.network.is_dropped(number) {
            assert!((55..70).contains(&n), "65536 bytes are allowed, {n} messages were");
            return;
        }
    }
    panic!("nobody was dropped");
}

#[test]
fn when_the_server_stops_each_is_told_so_and_nothing_of_the_others() {
    let mut world = World::new();
    let bob = world.mec("bob");
    world.send(bob, b"#createroom tea\r\n#changeroom tea\r\n");
    let users: Vec<usize> = (0..20).map(|n| world.chatapp(&format!("app{n}"))).collect();
    world.writes.clear();
    world.hub.stop(world.now);
    world.hub.audit().unwrap();
    world.turns();
    for user in users {
        let of = world.writes.iter().filter(|(number, _)| *number == user);
        let told = frames(of.flat_map(|(_, bytes)| bytes.clone()).collect());
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(r#"{"__type__":"Error","code":2,"#), "{told:?}");
    }
}
