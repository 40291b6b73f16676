//! The campus on a network and a disk that cannot be relied on: the server's own hub, with bytes that come one by one,
//! readers that stop, connections that break, a disk that is full, fails or loses what was not synced. All of it
//! follows from the seed.
//!
//! Owns the server, the people's ends of their connections and the model, and sees after each thing that happens that
//! everybody who reads has heard exactly what the model says. What happens is decided in `weather`, what a crash may
//! take in `kept`.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use mecd::config::{self, Config};
use mecd::core::Now;
use mecd::server::hub::Hub;
use mecd::store::memory::MemoryDisk;

use crate::common::framing::Speech;
use crate::common::network::{Act, Network, VirtualSocket};
use crate::common::random::{Digest, Random};
use crate::intent::Intent;
use crate::kept::Past;
use crate::model::{Campus, Expected};
use crate::parcel::Quay;
use crate::people::speech;
use crate::wire::{Order, Reads, Share, Wire};

/// Turns in which everything must have come to rest.
const TURNS_MAX: usize = 50_000;

/// Turns in which who reads slowly may do so.
const PATIENT_TURNS: usize = 2000;

/// `limits.send_queue_bytes`: as little as it may be, so that readers who stop are dropped now and then.
const SEND_QUEUE_BYTES: usize = 4096;

/// Why something was not done to its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The disk has failed, and the server has ended.
    Down,
    /// It is not as the rules say.
    Wrong(String),
}

pub(crate) type Step<T = ()> = Result<T, Stop>;

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

/// What the disk can be relied on for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Disk {
    Healthy,
    /// It takes little more.
    Full,
    /// It fails at the next opportunity.
    Failing,
}

/// What has come to pass, so that a test can tell whether it has tested anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally(pub(crate) BTreeMap<&'static str, u64>);

impl Tally {
    pub(crate) fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Storm {
    pub(crate) random: Random,
    pub(crate) campus: Campus,
    pub(crate) past: Past,
    pub(crate) tally: Tally,
    pub(crate) config: Config,
    pub(crate) disk: MemoryDisk,
    pub(crate) health: Disk,
    /// Lines may have been said that no disk has taken.
    pub(crate) is_forgetful: bool,
    pub(crate) network: Network,
    pub(crate) quay: Quay,
    pub(crate) hub: Option<Hub<VirtualSocket>>,
    pub(crate) now: Now,
    /// When the log took all of a turn last, in ms of the server's clock.
    pub(crate) written_ms: u64,
    pub(crate) starts: u64,
    pub(crate) wires: BTreeMap<&'static str, Wire>,
    /// Requests of which not everything has been sent.
    pub(crate) begun: BTreeMap<&'static str, (Intent, Vec<u8>)>,
    /// Ends of connections to the ports of files, by their numbers.
    pub(crate) ends: BTreeMap<usize, Wire>,
    pub(crate) slots: BTreeMap<usize, u32>,
    pub(crate) digest: Digest,
}

impl Storm {
    /// A server to which nobody has come yet.
    pub(crate) fn new(seed: u64) -> Self {
        let sync = if seed.is_multiple_of(4) { "always" } else { "1s" };
        let config = config::load(None, &options(sync), &[]).expect("the options are good");
        Self {
            random: Random::new(seed),
            campus: Campus::new(),
            past: Past::default(),
            tally: Tally::default(),
            config,
            disk: MemoryDisk::new(seed),
            health: Disk::Healthy,
            is_forgetful: false,
            network: Network::default(),
            quay: Quay::default(),
            hub: None,
            now: Now { ms: 0, wall: 1_767_225_600 },
            written_ms: 0,
            starts: 0,
            wires: BTreeMap::new(),
            begun: BTreeMap::new(),
            ends: BTreeMap::new(),
            slots: BTreeMap::new(),
            digest: Digest::new(),
        }
    }

    pub(crate) fn hub(&mut self) -> &mut Hub<VirtualSocket> {
        self.hub.as_mut().expect("the server runs")
    }

    fn turn(&mut self) -> Step<Vec<usize>> {
        for (number, readiness) in self.network.take_edges() {
            if let Some(&slot) = self.slots.get(&number) {
                self.hub().note(slot as usize, readiness);
            } else if let Some(token) = self.quay.token(number) {
                self.hub().note_transfer(token, readiness);
            }
        }
        let now = self.now;
        let turned = self.hub().turn(now);
        let mut dropped = Vec::new();
        for (number, act) in self.network.take_acts() {
            self.digest.add(&(number as u64).to_le_bytes());
            let chats = self.wires.values_mut().find(|wire| wire.number == number);
            let wire = chats.or_else(|| self.ends.get_mut(&number));
            match act {
                Act::Wrote(bytes) => {
                    self.digest.add(&bytes);
                    wire.into_iter().for_each(|wire| wire.take(&bytes));
                }
                Act::Ended => wire.into_iter().for_each(|wire| wire.has_ended = true),
                Act::Dropped => {
                    wire.into_iter().for_each(|wire| wire.has_ended = true);
                    self.slots.remove(&number);
                    dropped.push(number);
                }
                Act::Read(_) | Act::ReadEnd | Act::ReadBroken | Act::WriteBroken => {}
            }
        }
        match turned {
            Ok(()) => {
                self.written_ms = now.ms;
                Ok(dropped)
            }
            Err(_) if self.health == Disk::Failing => Err(Stop::Down),
            Err(error) => Err(Stop::Wrong(format!("the log cannot be written: {error}"))),
        }
    }

    /// Turns until the server would sleep and everybody who reads has read all there is. Who was dropped meanwhile is
    /// returned.
    pub(crate) fn settle(&mut self) -> Step<Vec<usize>> {
        let mut dropped = Vec::new();
        for round in 0..TURNS_MAX {
            let now = self.now.ms;
            let is_due = self.hub().next_deadline().is_some_and(|due| due <= now);
            if is_due || self.hub().is_waiting() || self.network.has_edges() {
                dropped.extend(self.turn()?);
                continue;
            }
            let mut has_room = false;
            for wire in self.wires.values().chain(self.ends.values()) {
                if let Reads::Gulps(most) = wire.reads
                    && self.network.is_full(wire.number)
                    && !self.network.is_dropped(wire.number)
                {
                    // Who reads byte by byte does not do so to the end of a long list.
                    let most = if round < PATIENT_TURNS { most } else { most.max(1000) };
                    let count = self.random.within(1, most);
                    self.network.make_room(wire.number, count as usize);
                    has_room = true;
                }
            }
            if !has_room {
                return Ok(dropped);
            }
        }
        Err(Stop::Wrong(format!("it does not come to rest: {:?}", self.now)))
    }

    /// Lets everything come to rest, and sees that it is as it should be.
    pub(crate) fn rest(&mut self, why: &str) -> Step {
        let dropped = self.settle()?;
        for number in dropped {
            self.look_at_dropped(number)?;
        }
        for (who, wire) in &mut self.wires {
            if wire.reads != Reads::Nothing {
                let compared = wire.compare(Share::All);
                compared.map_err(|what| format!("{who}, after {why}: {what}"))?;
            }
            if wire.has_ended {
                return Err(Stop::Wrong(format!("{who}, after {why}: was closed")));
            }
        }
        self.hub().audit()?;
        Ok(())
    }

    /// Somebody was dropped who had not gone: only who does not read is, and not before a queue of it is too long.
    fn look_at_dropped(&mut self, number: usize) -> Step {
        let found = self.wires.iter().find(|(_, wire)| wire.number == number);
        let Some((&who, wire)) = found else { return Ok(()) };
        if wire.reads != Reads::Nothing || wire.outstanding() <= SEND_QUEUE_BYTES {
            let waiting = wire.outstanding();
            return Err(Stop::Wrong(format!("{who} was dropped, with at most {waiting} bytes")));
        }
        self.tally.count("dropped");
        self.forget(who);
        let expected = self.campus.quit(who);
        self.want(&expected);
        Ok(())
    }

    /// Time passes, and what is due in it happens.
    pub(crate) fn pass(&mut self, ms: u64) -> Step {
        let end = self.now.ms + ms;
        while let Some(due) = self.hub().next_deadline().filter(|&due| due <= end) {
            self.set_clock(due);
            self.rest("time")?;
        }
        self.set_clock(end);
        self.rest("time")
    }

    fn set_clock(&mut self, ms: u64) {
        let ms = ms.max(self.now.ms);
        let wall = self.now.wall + (self.now.ms % 1000 + ms - self.now.ms) / 1000;
        self.now = Now { ms, wall };
    }

    /// What everybody who is there should hear.
    pub(crate) fn want(&mut self, expected: &Expected) {
        let order = if expected.in_any_order { Order::Any } else { Order::AsTold };
        for (who, texts) in expected.by_person() {
            if let Some(wire) = self.wires.get_mut(who) {
                wire.want(texts, order);
            }
        }
    }

    fn unwant(&mut self, expected: &Expected) {
        for (who, _) in expected.by_person() {
            if let Some(wire) = self.wires.get_mut(who) {
                wire.unwant();
            }
        }
    }

    /// Somebody has gone, and hears nothing more.
    pub(crate) fn forget(&mut self, who: &str) -> Option<Wire> {
        self.begun.remove(who);
        self.wires.remove(who)
    }

    pub(crate) fn connect(&mut self, who: &'static str) -> Step {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1024));
        let now = self.now;
        self.hub().place(address).map_err(|no_place| format!("{no_place:?}"))?;
        let gulps = self.random.choose(&[1, 7, 64, 1000, 100_000]);
        let (number, socket) = self.network.connect(Some(self.random.below(gulps + 1) as usize));
        let slot = self.hub().admit(now, socket, address, speech(who).dialect());
        self.slots.insert(number, slot);
        let mut wire = Wire::new(number, speech(who), Reads::Gulps(gulps));
        if speech(who) == Speech::Helo {
            wire.want(&["HELO Welkom to WhatsUpp!".to_owned()], Order::AsTold);
        }
        self.wires.insert(who, wire);
        self.rest("a connection")
    }

    /// What somebody sends arrives, with nothing of it carried out yet.
    pub(crate) fn arrive(&mut self, who: &str, bytes: &[u8]) {
        let number = self.wires[who].number;
        self.network.send(number, bytes);
        self.network.deliver(number, usize::MAX);
    }

    /// Bytes arrive in pieces, and are not a whole request.
    pub(crate) fn arrive_in_pieces(&mut self, who: &str, bytes: &[u8]) -> Step {
        let most = self.random.choose(&[1, 1, 3, 20, 1000]);
        let (mut rest, mut dropped) = (bytes, Vec::new());
        while !rest.is_empty() {
            let count = self.random.within(1, most).min(rest.len() as u64) as usize;
            self.arrive(who, &rest[..count]);
            rest = &rest[count..];
            dropped.extend(self.settle()?);
        }
        for number in dropped {
            self.look_at_dropped(number)?;
        }
        self.rest("pieces")
    }

    /// Somebody asks something; all but the last bytes of it come in pieces.
    pub(crate) fn ask(&mut self, who: &'static str, intent: Intent) -> Step {
        self.begin(who, intent)?;
        self.go_on(who)
    }

    /// Somebody begins to ask something.
    pub(crate) fn begin(&mut self, who: &'static str, intent: Intent) -> Step {
        let words = intent.words(&self.campus, who);
        let bytes = speech(who).encode(&words)?;
        let at = match self.random.below(3) {
            0 => 0,
            1 => unfinished(speech(who), &bytes),
            _ => self.random.within(0, unfinished(speech(who), &bytes) as u64) as usize,
        };
        self.arrive_in_pieces(who, &bytes[..at])?;
        self.begun.insert(who, (intent, bytes[at..].to_vec()));
        Ok(())
    }

    /// The rest of a request arrives, and it is carried out or refused.
    pub(crate) fn go_on(&mut self, who: &'static str) -> Step {
        let Some((intent, rest)) = self.begun.remove(who) else { return Ok(()) };
        let before = self.campus.clone();
        let (words, expected) = intent.carry_out(&mut self.campus, who);
        self.past.note(self.now.ms, &self.campus, who, &intent);
        self.want(&expected);
        self.arrive(who, &rest);
        let dropped = self.settle()?;
        if let Some(refusal) = self.refusal(who, &intent)? {
            self.campus = before;
            self.past.take_back();
            self.unwant(&expected);
            self.want(&Expected::only(who, refusal));
            self.tally.count(refused(speech(who)));
        }
        for number in dropped {
            self.look_at_dropped(number)?;
        }
        self.rest(&words)
    }

    /// How somebody has been told that the disk does not take it, where that may be.
    fn refusal(&self, who: &str, intent: &Intent) -> Step<Option<String>> {
        if self.health == Disk::Healthy {
            return Ok(None);
        }
        let heard = self.wires[who].next()?;
        Ok(intent.refusal(who).filter(|refusal| heard.as_ref() == Some(refusal)))
    }
}

/// What it is called that somebody of a dialect was refused something.
fn refused(speech: Speech) -> &'static str {
    match speech {
        Speech::Mec => "refused mec",
        Speech::Helo => "refused helo",
        Speech::Chatapp => "refused chatapp",
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => "refused crimp",
        Speech::Json => "refused json",
    }
}

/// Bytes of a request that are not all of it yet, at most: a line of MEC is over with its CR, an object with its
/// bracket.
pub(crate) fn unfinished(speech: Speech, bytes: &[u8]) -> usize {
    let last = match speech {
        Speech::Mec | Speech::Json => 2,
        Speech::Helo | Speech::Chatapp | Speech::CrimpFrames | Speech::CrimpLines => 1,
        Speech::CrimpBare => bytes.len(),
    };
    bytes.len() - last
}

fn options(sync: &str) -> Vec<(String, String)> {
    let queue = SEND_QUEUE_BYTES.to_string();
    let options = [
        ("server.name", "campus"),
        ("helo.ping_seconds", "0"),
        ("json.ping_seconds", "0"),
        ("limits.lines_per_second", "0"),
        ("limits.connections_per_address", "0"),
        ("limits.send_queue_bytes", &queue),
        ("storage.sync", sync),
    ];
    options.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}
