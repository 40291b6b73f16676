//! What a crash may take and what it may not: the campus as it was at each moment that may be the last one on the disk,
//! and what comes back.
//!
//! Everything that came true before a sync is there, and of what came later some beginning. Lines said in rooms are
//! written a second behind, so of them the newest may be missing.

use std::collections::BTreeMap;

use mecd::core::record::PersonNo;
use mecd::core::{House, Now, Record};
use mecd::server::hub::{Hub, store_options};
use mecd::server::store_place;
use mecd::store::{Shape, Store};

use crate::common::entropy::entropy;
use crate::common::opening::open;
use crate::intent::Intent;
use crate::model::{Campus, KEPT, Kept, Line};
use crate::storm::{Disk, Step, Stop, Storm};
use crate::wire::{Reads, Share};

/// Files small enough that there are several, and pieces so small that a full disk is soon noticed.
const SHAPE: Shape = Shape { file_bytes: 16 * 1024, piece_bytes: 512 };

/// Milliseconds after which a fact is synced, and twice that a line.
const SYNC_MS: u64 = 1000;

/// How the server ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fall {
    /// In order.
    Stopped,
    /// The process is killed while it has nothing to do.
    Killed,
    /// It ends because its disk has failed.
    Failed,
    /// Power is lost, with what was not synced.
    PowerLost,
}

/// What was so, as far as it may still come back.
#[derive(Debug, Default)]
pub(crate) struct Past {
    /// Since when it was so.
    moments: Vec<(u64, Kept)>,
    /// All that was said in each room, and when.
    said: BTreeMap<String, Vec<(u64, Line)>>,
}

/// What is on the disk.
#[derive(Debug, Default)]
struct Found {
    kept: Kept,
    lines: BTreeMap<String, Vec<Line>>,
    names: BTreeMap<PersonNo, String>,
    rooms: BTreeMap<u32, String>,
}

impl Past {
    /// Somebody's request is about to be carried out, and the campus will be as it is here.
    pub(crate) fn note(&mut self, now_ms: u64, campus: &Campus, who: &str, intent: &Intent) {
        self.moments.push((now_ms, campus.kept()));
        if let Intent::Say { room, text } = intent {
            let line = (who.to_owned(), text.clone());
            self.said.entry(room.clone()).or_default().push((now_ms, line));
        }
    }

    /// It was refused.
    pub(crate) fn take_back(&mut self) {
        self.moments.pop();
    }

    /// The moment that came back, which has to be one that may have been the last.
    fn matching(&self, written_ms: u64, fall: Fall, found: &Kept) -> Result<Kept, String> {
        let newest = self.moments.len() - 1;
        let is_synced = |at: &u64| at + SYNC_MS <= written_ms;
        let synced = self.moments.iter().rposition(|(at, _)| is_synced(at)).unwrap_or(0);
        let oldest = match fall {
            Fall::Stopped | Fall::Killed => newest,
            Fall::Failed => newest.saturating_sub(1),
            Fall::PowerLost => synced,
        };
        let mut candidates = self.moments[oldest..].iter().rev().map(|(_, kept)| kept);
        let matching = candidates.find(|kept| *kept == found).cloned();
        matching.ok_or_else(|| {
            format!("after {fall:?} there is {found:?}, of {:#?}", &self.moments[oldest..])
        })
    }

    /// Sees that the lines of a room are what was said there last, but for what had no time to be written.
    fn compare_lines(&self, written_ms: u64, fall: Fall, room: &str, found: &[Line]) -> Step {
        let said = self.said.get(room).map_or(&[][..], Vec::as_slice);
        let is_due =
            |(at, _): &&(u64, Line)| fall == Fall::Stopped || at + 2 * SYNC_MS <= written_ms;
        let due = said.iter().take_while(is_due).count();
        let lines_up_to = |end: usize| said[end - found.len()..end].iter().map(|(_, line)| line);
        // Lines that were pushed out by others that are lost now may have gone before these were safe.
        let is_enough = |end: usize| found.len() + (said.len() - end) >= KEPT.min(end);
        let mut ends = due.max(found.len())..=said.len();
        if ends.any(|end| is_enough(end) && lines_up_to(end).eq(found)) {
            return Ok(());
        }
        Err(Stop::Wrong(format!(
            "after {fall:?}, {room} remembers {found:?}, not the {due} or more of {said:?}"
        )))
    }

    /// What the disk did not take may be missing anywhere.
    fn compare_gappy_lines(&self, room: &str, found: &[Line]) -> Step {
        let mut said = self.said.get(room).map_or(&[][..], Vec::as_slice).iter();
        match found.iter().find(|line| !said.any(|(_, other)| other == *line)) {
            None => Ok(()),
            Some(line) => Err(Stop::Wrong(format!("{line:?} was not said in {room}, or not then"))),
        }
    }
}

impl Storm {
    /// The server ends, and starts from what the disk has.
    pub(crate) fn fall(&mut self, fall: Fall) -> Step {
        for (who, wire) in &mut self.wires {
            // Who was just being refused something has heard that, and not what was wanted.
            if self.health == Disk::Healthy {
                let compared = wire.compare(Share::Some);
                compared.map_err(|what| format!("{who}, before {fall:?}: {what}"))?;
            }
        }
        if fall == Fall::Stopped {
            self.stop()?;
        }
        self.hub = None;
        match fall {
            Fall::Stopped | Fall::Killed | Fall::Failed => self.disk.kill(),
            Fall::PowerLost => self.disk.crash(self.random.next()),
        }
        self.disk.set_space(u64::MAX);
        self.network.forget();
        self.quay.forget();
        self.wires.clear();
        self.begun.clear();
        self.ends.clear();
        self.slots.clear();
        self.rise(Some(fall))
    }

    /// Everybody is told and closed, and everything is written.
    fn stop(&mut self) -> Step {
        let now = self.now;
        self.hub().stop(now);
        self.settle()?;
        for (who, wire) in &self.wires {
            if wire.reads != Reads::Nothing && !wire.has_ended {
                return Err(Stop::Wrong(format!("{who} was not closed by the stop")));
            }
        }
        let hub = self.hub.take().expect("the server runs");
        match hub.into_store().close() {
            Err(error) if self.health == Disk::Healthy => Err(Stop::Wrong(error.to_string())),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Starts the server, and compares what it knows with what it should.
    pub(crate) fn rise(&mut self, fall: Option<Fall>) -> Step {
        let options = store_options(&self.config);
        let (house, mut store) = open(&self.config, &self.disk, options, SHAPE)?;
        let found = Found::of(&house, &mut store)?;
        let written_ms = self.written_ms;
        if let Some(fall) = fall {
            let kept = self.past.matching(written_ms, fall, &found.kept)?;
            for (room, lines) in &found.lines {
                if self.is_forgetful || self.health != Disk::Healthy {
                    self.past.compare_gappy_lines(room, lines)?;
                } else {
                    self.past.compare_lines(written_ms, fall, room, lines)?;
                }
            }
            self.campus.adopt(&kept, found.lines.clone());
        }
        let no_time = |lines: &Vec<Line>| lines.iter().map(|line| (0, line.clone())).collect();
        self.past.said =
            found.lines.iter().map(|(room, lines)| (room.clone(), no_time(lines))).collect();
        self.past.moments = vec![(0, self.campus.kept())];
        (self.health, self.is_forgetful) = (Disk::Healthy, false);
        self.now = Now { ms: house.clock(), wall: self.now.wall };
        self.written_ms = 0;
        let hub = Hub::new(self.config.clone(), house, store, entropy(self.starts));
        self.hub = Some(hub.with_ports(Box::new(self.quay.clone())));
        self.starts += 1;
        self.rest("a start")
    }
}

impl Found {
    fn of(house: &House, store: &mut Store) -> Result<Self, String> {
        let mut found = Self::default();
        found.rooms.insert(0, "Home".to_owned());
        found.lines.insert("Home".to_owned(), Vec::new());
        let mut fetch = |place, bytes: &mut Vec<u8>| {
            store.read(store_place(place), bytes).map_err(|error| error.to_string())
        };
        house.export(&mut fetch, &mut |record| {
            found.take(record);
            Ok::<(), String>(())
        })?;
        Ok(found)
    }

    fn take(&mut self, record: &Record<'_>) {
        match record {
            Record::Account { person, name, .. } => {
                self.names.insert(*person, name.to_string());
                self.kept.accounts.insert(name.to_string());
            }
            Record::Room { no, name, .. } => {
                self.rooms.insert(*no, name.to_string());
                self.lines.insert(name.to_string(), Vec::new());
                self.kept.rooms.push(name.to_string());
            }
            Record::Joined { room, person } => {
                let pair = (self.names[person].clone(), self.rooms[room].clone());
                self.kept.memberships.insert(pair);
            }
            Record::Line { room, sender, text, .. } => {
                let lines = self.lines.get_mut(&self.rooms[room]).expect("rooms stand before it");
                lines.push((sender.to_string(), (*text).to_owned()));
            }
            Record::Letter { to, sender, text, .. } => {
                let letters = self.kept.letters.entry(self.names[to].clone()).or_default();
                letters.push((sender.name.to_string(), (*text).to_owned()));
            }
            other => assert!(matches!(other, Record::Counters(_)), "{other:?} is exported"),
        }
    }
}
