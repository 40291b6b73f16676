//! What happens in a storm: who does what next, and what becomes of the network and the disk meanwhile.

use mecd::store::memory::Operation;

use crate::common::framing::Speech;
use crate::intent::Intent;
use crate::kept::Fall;
use crate::people::{PEOPLE, speech};
use crate::storm::{Disk, Step, Stop, Storm, unfinished};
use crate::wire::{Reads, Share};

/// What may wait for somebody to come: as much as is handed over at once.
const LETTERS_MAX: usize = 6;

/// So few that somebody is soon likely to come.
const FEW: usize = 7;

/// Rooms that are made in one run.
const ROOMS_MAX: usize = 20;

/// Longer than it takes until a disk that was full is asked again.
const RETRY_MS: u64 = 1100;

/// Long things that are said in a row: more than may wait for who does not read.
const SAYS_IN_A_FLOOD: u64 = 12;

impl Storm {
    /// So many things happen.
    pub(crate) fn blow(&mut self, steps: u32) -> Result<(), String> {
        let begun = self.rise(None);
        self.mend(begun).map_err(|what| format!("at the start: {what}"))?;
        for step in 0..steps {
            let went = self.one_thing(step);
            self.mend(went).map_err(|what| format!("at step {step}: {what}"))?;
        }
        let went = self.calm_down().and_then(|()| self.fall(Fall::Stopped));
        self.mend(went).map_err(|what| format!("at the end: {what}"))?;
        for file in self.disk.files() {
            self.digest.add(&self.disk.bytes(file));
        }
        Ok(())
    }

    /// A server that has ended because its disk failed is started again.
    fn mend(&mut self, went: Step) -> Result<(), String> {
        let fall = if self.random.once_in(2) { Fall::Failed } else { Fall::PowerLost };
        match went {
            Ok(()) => return Ok(()),
            Err(Stop::Wrong(what)) => return Err(what),
            Err(Stop::Down) => {}
        }
        self.tally.count("disk failures");
        match self.fall(fall) {
            Ok(()) => Ok(()),
            Err(Stop::Wrong(what)) => Err(what),
            Err(Stop::Down) => Err("the disk fails without having been asked to".to_owned()),
        }
    }

    fn one_thing(&mut self, step: u32) -> Step {
        if self.wires.len() < FEW && self.random.once_in(2) {
            return self.somebody_comes();
        }
        match self.random.below(40) {
            0..=21 => self.act(step),
            22..=24 => self.somebody_comes(),
            25 | 26 => self.somebody_is_cut_off(step),
            27 | 28 => self.somebody_half_closes(step),
            29 => self.somebody_says_good_bye(),
            30 => self.somebody_stops_reading(),
            31 if self.random.once_in(2) => self.somebody_reads_again(),
            31 | 32 => self.flood(step),
            33 => {
                let ms = self.random.choose(&[1, 100, 1000, 3000]);
                self.pass(ms)
            }
            34 | 35 => self.parcel(),
            36 if self.random.once_in(2) => self.compact(),
            36 | 37 => self.change_the_disk(),
            38 if self.random.once_in(3) => self.go_down(),
            _ => self.act(step),
        }
    }

    /// Somebody who is there and reads, and has sent all of what it began.
    fn somebody(&mut self) -> Option<&'static str> {
        let free = |who: &&&'static str| {
            self.wires[**who].reads != Reads::Nothing && !self.begun.contains_key(**who)
        };
        let there: Vec<&'static str> = self.wires.keys().filter(free).copied().collect();
        (!there.is_empty()).then(|| there[self.random.below(there.len() as u64) as usize])
    }

    fn one_of(&mut self, rooms: &[String]) -> Option<String> {
        let at = self.random.below(rooms.len().max(1) as u64) as usize;
        rooms.get(at).cloned()
    }

    /// What somebody could ask now.
    fn intent(&mut self, who: &'static str, step: u32) -> Option<Intent> {
        let text = format!("n{step} h\u{e9} {}", self.random.below(1000));
        let rooms = self.campus.rooms_of(who);
        let asks_more = self.health == Disk::Full && self.random.once_in(3);
        match if asks_more { 11 } else { self.random.below(12) } {
            0..=4 => self.one_of(&rooms).map(|room| Intent::Say { room, text }),
            5 | 6 => {
                let receiver = PEOPLE[self.random.below(PEOPLE.len() as u64) as usize].0;
                let waiting = self.campus.letters_for(receiver);
                let fits = self.campus.is_online(receiver) || waiting < LETTERS_MAX;
                let can = receiver != who && self.campus.can_tell(who) && fits;
                can.then_some(Intent::Tell { receiver, text })
            }
            7 | 8 => {
                let others = self.campus.other_rooms(who);
                self.one_of(&others).map(Intent::Enter)
            }
            9 => {
                let room = self.one_of(&rooms)?;
                self.campus.can_leave(who, &room).then_some(Intent::Leave(room))
            }
            10 => {
                let room = self.one_of(&rooms)?;
                self.campus.can_look_back(who).then_some(Intent::LookBack(room))
            }
            _ => {
                let is_one_more = self.campus.kept().rooms.len() < ROOMS_MAX;
                let can = is_one_more && speech(who) != Speech::Json;
                can.then(|| Intent::Make(format!("r{step}")))
            }
        }
    }

    /// Somebody asks something, begins to, or goes on with what it began.
    fn act(&mut self, step: u32) -> Step {
        if self.random.once_in(4)
            && let Some(&who) = self.begun.keys().next()
        {
            self.tally.count("interleaved");
            return self.go_on(who);
        }
        let Some(who) = self.somebody() else { return Ok(()) };
        let Some(intent) = self.intent(who, step) else { return Ok(()) };
        // A text of `crimp` that is not gone on with is taken to be whole.
        if self.random.once_in(5) && speech(who) != Speech::CrimpLines {
            return self.begin(who, intent);
        }
        self.ask(who, intent)
    }

    fn somebody_comes(&mut self) -> Step {
        let absent = |(who, _): &(&'static str, Speech)| {
            // What is given to somebody is forgotten in the log, which may not take that.
            let may_come = self.health == Disk::Healthy || self.campus.letters_for(who) == 0;
            may_come && !self.wires.contains_key(who)
        };
        let absent: Vec<&'static str> =
            PEOPLE.into_iter().filter(absent).map(|(who, _)| who).collect();
        if absent.is_empty() {
            return Ok(());
        }
        let who = absent[self.random.below(absent.len() as u64) as usize];
        self.connect(who)?;
        if self.random.once_in(10) {
            return self.turn_back(who);
        }
        self.ask(who, Intent::Arrive)?;
        if !self.campus.is_online(who) {
            self.turn_back(who)?;
        }
        Ok(())
    }

    /// Somebody goes who has not come in.
    fn turn_back(&mut self, who: &'static str) -> Step {
        let Some(wire) = self.forget(who) else { return Ok(()) };
        self.network.reset(wire.number, true);
        self.rest("turning back")
    }

    /// A connection breaks, with part of a request on it, or all of one, which is carried out if it is not lost.
    fn somebody_is_cut_off(&mut self, step: u32) -> Step {
        let all: Vec<&'static str> = self.wires.keys().copied().collect();
        if all.is_empty() {
            return Ok(());
        }
        let who = all[self.random.below(all.len() as u64) as usize];
        let rooms = self.campus.rooms_of(who);
        let loses = self.random.once_in(2);
        let is_free = !self.begun.contains_key(who) && self.wires[who].reads != Reads::Nothing;
        if let Some(room) = self.one_of(&rooms).filter(|_| is_free) {
            let intent = Intent::Say { room, text: format!("last {step}") };
            let words = intent.words(&self.campus, who);
            let bytes = speech(who).encode(&words)?;
            let is_whole = self.random.once_in(2);
            let most = unfinished(speech(who), &bytes);
            let part = self.random.within(0, most as u64) as usize;
            self.arrive(who, if is_whole { &bytes } else { &bytes[..part] });
            if is_whole && !loses {
                let (_, expected) = intent.carry_out(&mut self.campus, who);
                self.past.note(self.now.ms, &self.campus, who, &intent);
                self.want(&expected);
            }
        }
        let Some(wire) = self.forget(who) else { return Ok(()) };
        self.network.reset(wire.number, loses);
        self.tally.count("cut off");
        let expected = self.campus.quit(who);
        self.want(&expected);
        self.rest("a reset")
    }

    /// Somebody ends its side in the middle of a request, or behind one, and still hears what there is to hear.
    fn somebody_half_closes(&mut self, step: u32) -> Step {
        let Some(who) = self.somebody() else { return Ok(()) };
        let Some(intent) = self.intent(who, step) else { return Ok(()) };
        let bytes = speech(who).encode(&intent.words(&self.campus, who))?;
        if self.random.once_in(3) {
            self.ask(who, intent)?;
        } else if speech(who) != Speech::CrimpLines {
            let count = self.random.within(0, unfinished(speech(who), &bytes) as u64) as usize;
            self.arrive_in_pieces(who, &bytes[..count])?;
        }
        let Some(mut wire) = self.forget(who) else { return Ok(()) };
        self.network.end(wire.number);
        self.network.deliver(wire.number, usize::MAX);
        self.tally.count("half-closed");
        let expected = self.campus.quit(who);
        self.want(&expected);
        let number = wire.number;
        self.ends.insert(number, wire);
        self.rest("a half-close")?;
        wire = self.ends.remove(&number).expect("it was put there");
        wire.compare(Share::All).map_err(|what| format!("{who}, half closed: {what}"))?;
        if wire.has_ended { Ok(()) } else { Err(Stop::Wrong(format!("{who} is not closed"))) }
    }

    fn somebody_says_good_bye(&mut self) -> Step {
        let Some(who) = self.somebody() else { return Ok(()) };
        let (words, answer) = crate::people::farewell_words(who);
        let bytes = speech(who).encode(&words)?;
        let at = unfinished(speech(who), &bytes);
        self.arrive_in_pieces(who, &bytes[..at])?;
        self.arrive(who, &bytes[at..]);
        let Some(mut wire) = self.forget(who) else { return Ok(()) };
        if let Some(answer) = answer {
            wire.want(&[answer.to_owned()], crate::wire::Order::AsTold);
        }
        let expected = self.campus.quit(who);
        self.want(&expected);
        let number = wire.number;
        self.ends.insert(number, wire);
        self.rest("a farewell")?;
        wire = self.ends.remove(&number).expect("it was put there");
        wire.compare(Share::All).map_err(|what| format!("{who}, leaving: {what}"))?;
        self.network.end(number);
        self.network.deliver(number, usize::MAX);
        if wire.has_ended { self.rest("a farewell") } else { Err(format!("{who} stays").into()) }
    }

    fn somebody_stops_reading(&mut self) -> Step {
        if let Some(who) = self.somebody() {
            self.wires.get_mut(who).expect("it is there").reads = Reads::Nothing;
        }
        Ok(())
    }

    fn somebody_reads_again(&mut self) -> Step {
        let gulps = self.random.choose(&[1, 50, 10_000]);
        let stopped = self.wires.values_mut().find(|wire| wire.reads == Reads::Nothing);
        let Some(wire) = stopped else { return Ok(()) };
        wire.reads = Reads::Gulps(gulps);
        self.tally.count("read again");
        self.rest("reading again")
    }

    /// Somebody says long things, one after the other, which who does not read may not keep waiting for ever.
    fn flood(&mut self, step: u32) -> Step {
        let Some(who) = self.somebody() else { return Ok(()) };
        let Some(room) = self.campus.rooms_of(who).into_iter().next() else { return Ok(()) };
        for no in 0..self.random.within(1, SAYS_IN_A_FLOOD) {
            let text = format!("{step} {no} {}", "x".repeat(380));
            self.ask(who, Intent::Say { room: room.clone(), text })?;
        }
        Ok(())
    }

    fn parcel(&mut self) -> Step {
        let free = |who: &&str| {
            let wire = self.wires.get(*who);
            wire.is_some_and(|wire| wire.reads != Reads::Nothing) && !self.begun.contains_key(*who)
        };
        let pair = if self.random.once_in(2) { ["hel1", "hel2"] } else { ["hel2", "hel1"] };
        if !pair.iter().all(free) {
            return Ok(());
        }
        self.send_parcel(pair[0], pair[1])
    }

    fn compact(&mut self) -> Step {
        if self.health != Disk::Healthy {
            return Ok(());
        }
        let now = self.now;
        self.hub().compact_all(now).map_err(|_| "there is space".to_owned())?;
        self.tally.count("compacted");
        self.rest("compaction")
    }

    /// The disk becomes full, or has room again, or is going to fail.
    fn change_the_disk(&mut self) -> Step {
        match self.health {
            Disk::Full => self.make_space(),
            Disk::Failing => Ok(()),
            Disk::Healthy if self.random.once_in(2) => {
                let files = self.disk.files();
                let used: usize = files.iter().map(|&file| self.disk.bytes(file).len()).sum();
                self.disk.set_space(used as u64 + self.random.below(1000));
                (self.health, self.is_forgetful) = (Disk::Full, true);
                Ok(())
            }
            Disk::Healthy => {
                if self.random.once_in(2) {
                    self.disk.die_after(self.random.below(60));
                } else {
                    let operations = [
                        Operation::Write,
                        Operation::Sync,
                        Operation::Allocate,
                        Operation::Create,
                        Operation::Truncate,
                        Operation::SyncDirectory,
                        Operation::Remove,
                    ];
                    self.disk.fail_next(self.random.choose(&operations));
                }
                self.health = Disk::Failing;
                Ok(())
            }
        }
    }

    fn make_space(&mut self) -> Step {
        self.disk.set_space(u64::MAX);
        self.pass(RETRY_MS)?;
        self.health = Disk::Healthy;
        Ok(())
    }

    fn go_down(&mut self) -> Step {
        let falls = [Fall::Stopped, Fall::Killed, Fall::PowerLost];
        self.tally.count("falls");
        let fall = self.random.choose(&falls);
        self.fall(fall)
    }

    /// Everybody reads, what was begun is ended, and the disk has room.
    fn calm_down(&mut self) -> Step {
        if self.health == Disk::Full {
            self.make_space()?;
        }
        for wire in self.wires.values_mut() {
            wire.reads = Reads::Gulps(1000);
        }
        self.rest("the end")?;
        while let Some(&who) = self.begun.keys().next() {
            self.go_on(who)?;
        }
        Ok(())
    }
}
