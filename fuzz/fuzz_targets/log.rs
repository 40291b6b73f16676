//! Recovery of the log: whatever became of the files, opening gives back a stretch of what was appended, with all in it
//! that was promised, or refuses and changes nothing. Never an altered record, never one out of place.
//!
//! Input: a byte of options, steps that write a log (with kills, losses of power and failures between), a byte 0, and
//! then changes of its files.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use mecd::store::key::Key;
use mecd::store::memory::{MemoryDisk, Operation};
use mecd::store::{
    Options, Place, Purpose, Report, Shape, Step, Store, StoreError, Sync, open_shaped,
};
use mecd_fuzz::input::Input;

const SHAPE: Shape = Shape { file_bytes: 1024, piece_bytes: 256 };
const HEADER: usize = 64;
const MARK: usize = 20;
const STEPS_MAX: usize = 200;
const CHANGES_MAX: usize = 16;

type Records = Vec<(Place, Vec<u8>)>;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let choice = input.byte();
    if choice & 0x80 != 0 {
        return raw_files(input);
    }
    let mut log = Log::new(choice);
    for _ in 0..STEPS_MAX {
        match input.byte() {
            0 => break,
            step => log.step(step, &mut input),
        }
    }
    log.changed(&mut input);
});

/// Bytes of which nothing was ever sealed.
fn raw_files(mut input: Input<'_>) {
    let disk = MemoryDisk::new(1);
    for file in 1..=1 + input.below(3) as u32 {
        let count = input.below(SHAPE.file_bytes as usize + 2);
        disk.set_bytes(file, input.take(count));
    }
    let before = contents(&disk);
    match open(&disk, Sync::Always) {
        // A first file that power was lost over: a log is begun.
        Ok((_, _, records)) => assert!(records.is_empty()),
        Err(_) => assert_eq!(contents(&disk), before, "who refuses changes nothing"),
    }
}

fn open(disk: &MemoryDisk, sync: Sync) -> Result<(Store, Report, Records), StoreError> {
    let key = Key::parse("0123456789abcdef0123456789abcdef").expect("32 digits are a key");
    let mut records = Records::new();
    let options = Options { bytes_max: 64 * 1024, sync };
    let (store, report) =
        open_shaped(Box::new(disk.clone()), &key, options, SHAPE, &mut |place, payload| {
            records.push((place, payload.to_vec()));
            Ok(())
        })?;
    Ok((store, report, records))
}

fn contents(disk: &MemoryDisk) -> BTreeMap<u32, Vec<u8>> {
    disk.files().into_iter().map(|file| (file, disk.bytes(file))).collect()
}

fn number(payload: &[u8]) -> u32 {
    u32::from_le_bytes(payload[..4].try_into().expect("a record begins with its number"))
}

/// The very first start ends before there is a log.
fn fail_at_first(disk: &MemoryDisk, sync: Sync, choice: u8) {
    let operations =
        [Operation::Write, Operation::Sync, Operation::Create, Operation::SyncDirectory];
    disk.fail_next(operations[usize::from(choice >> 1 & 3)]);
    assert!(open(disk, sync).is_err(), "who cannot begin a log says so");
    if choice & 0x20 != 0 {
        disk.crash(choice.into());
    } else {
        disk.kill();
    }
}

/// A log and what it must hold.
struct Log {
    disk: MemoryDisk,
    sync: Sync,
    /// Absent between an end and the next start.
    store: Option<Store>,
    /// Everything appended, in order.
    history: Records,
    /// How much of the history survives a kill, and a loss of power.
    committed: usize,
    synced: usize,
    /// Records that are still true, and where they stand.
    wanted: BTreeMap<u32, Place>,
    next: u32,
    now_ms: u64,
    /// It was ended in order, and nothing was written since.
    closed: bool,
}

impl Log {
    fn new(choice: u8) -> Self {
        let sync = if choice & 1 == 0 { Sync::Always } else { Sync::Interval(1000) };
        let disk = MemoryDisk::new(u64::from(choice >> 1));
        if choice & 0x40 != 0 {
            fail_at_first(&disk, sync, choice);
        }
        let store = open(&disk, sync).map(|(store, ..)| store).expect("a log can be begun");
        Self {
            disk,
            sync,
            store: Some(store),
            history: Records::new(),
            committed: 0,
            synced: 0,
            wanted: BTreeMap::new(),
            next: 0,
            now_ms: 0,
            closed: false,
        }
    }

    fn step(&mut self, step: u8, input: &mut Input<'_>) {
        match step % 12 {
            0..=2 => {
                let length = 4 + 2 * input.below(256);
                self.append(length);
            }
            3 | 4 => self.commit(),
            5 => {
                self.now_ms += 2000;
                self.commit();
            }
            6 => self.forget(input.below(8)),
            7 => self.compact(),
            8 => self.close(),
            9 => self.kill(),
            10 => self.lose_power(input.short().into()),
            _ => {
                let operations =
                    [Operation::Write, Operation::Sync, Operation::Allocate, Operation::Create];
                self.disk.fail_next(operations[input.below(operations.len())]);
            }
        }
    }

    fn store(&mut self) -> &mut Store {
        if self.store.is_none() {
            self.start();
        }
        self.closed = false;
        self.store.as_mut().expect("it was started")
    }

    fn append(&mut self, length: usize) {
        let number = self.next;
        let mut payload = number.to_le_bytes().to_vec();
        payload.resize(length, number as u8);
        self.next += 1;
        if let Ok(place) = self.store().append(&payload, Purpose::Fact) {
            self.history.push((place, payload));
            self.wanted.insert(number, place);
        }
    }

    fn commit(&mut self) {
        let now_ms = self.now_ms;
        let outcome = self.store().commit(now_ms);
        self.after_commit(outcome);
    }

    fn after_commit(&mut self, outcome: Result<(), StoreError>) {
        if outcome.is_err() {
            // The server stops; what became of the last records is not known.
            return self.kill();
        }
        self.committed = self.history.len();
        if self.sync == Sync::Always {
            self.synced = self.committed;
        }
    }

    /// Every so many of the records is no longer true.
    fn forget(&mut self, every: usize) {
        self.store();
        let store = self.store.as_mut().expect("it was started");
        let mut count = 0;
        self.wanted.retain(|_, place| {
            count += 1;
            let stays = count % (every + 1) != 0;
            if !stays {
                store.retire(*place);
            }
            stays
        });
    }

    fn compact(&mut self) {
        self.store();
        let store = self.store.as_mut().expect("it was started");
        store.begin_turn(self.now_ms);
        let mut payload = Vec::new();
        for _ in 0..20 {
            match store.compact_next(&mut payload).expect("nothing was damaged") {
                Step::Began => {}
                Step::Record(place) => {
                    let number = number(&payload);
                    if self.wanted.get(&number) != Some(&place) {
                        continue;
                    }
                    let Ok(copy) = store.append(&payload, Purpose::Copy) else { break };
                    store.retire(place);
                    self.wanted.insert(number, copy);
                    self.history.push((copy, payload.clone()));
                }
                Step::Idle | Step::Finished => break,
            }
        }
        self.commit();
    }

    fn close(&mut self) {
        let Some(store) = self.store.take() else { return };
        let outcome = store.close();
        self.closed = outcome.is_ok();
        if self.closed {
            self.committed = self.history.len();
            self.synced = self.committed;
        }
        self.disk.kill();
    }

    fn kill(&mut self) {
        self.store = None;
        self.disk.kill();
        self.start();
    }

    fn lose_power(&mut self, seed: u64) {
        self.store = None;
        self.disk.crash(seed);
        self.committed = self.synced;
        self.start();
    }

    /// Opens what is there, checks it, and goes on from it.
    fn start(&mut self) {
        self.disk.kill();
        let (mut store, report, records) =
            open(&self.disk, self.sync).expect("what the server left behind can be opened");
        let from = self.check_stretch(&records);
        let end = from + records.len();
        assert!(end >= self.committed, "{end} of {} records, {report:?}", self.committed);
        self.history.truncate(end);
        self.committed = end;
        // Opening syncs what it has found.
        self.synced = end;
        let mut found = BTreeMap::new();
        for (place, payload) in &records {
            let number = number(payload);
            let place = if self.wanted.contains_key(&number) {
                found.insert(number, *place)
            } else {
                Some(*place)
            };
            if let Some(dead) = place {
                store.retire(dead);
            }
        }
        let earliest = self.history[..end].iter().map(|(_, payload)| number(payload));
        for number in earliest.filter(|number| self.wanted.contains_key(number)) {
            assert!(found.contains_key(&number), "record {number} is lost");
        }
        self.wanted = found;
        self.store = Some(store);
    }

    /// Where in the history the records begin that were found; they are the ones that follow there.
    fn check_stretch(&self, records: &Records) -> usize {
        let Some((first, _)) = records.first() else {
            return self.history.len().min(self.committed);
        };
        let from = self.history.iter().position(|(place, _)| place == first);
        let from = from.expect("the first record was appended there");
        assert!(
            from == 0 || self.history[from - 1].0.file < first.file,
            "a log begins where a file begins"
        );
        let stretch = self.history.get(from..from + records.len());
        assert!(stretch == Some(&records[..]), "what is found is what was appended");
        from
    }

    /// Changes the files, and opens what became of them.
    fn changed(&mut self, input: &mut Input<'_>) {
        if self.store.is_none() && !self.closed {
            self.start();
        }
        self.store = None;
        self.history.truncate(self.committed);
        self.disk.kill();
        let intact = contents(&self.disk);
        let mut changes = 0;
        while !input.is_empty() && changes < CHANGES_MAX {
            change(&self.disk, input);
            changes += 1;
        }
        let before = contents(&self.disk);
        let (store, report, records) = match open(&self.disk, self.sync) {
            Ok(opened) => opened,
            Err(error) => {
                assert!(before != intact, "an intact log is refused: {error}");
                assert_eq!(contents(&self.disk), before, "who refuses changes nothing");
                return check_error(&error, changes);
            }
        };
        let from = self.check_stretch(&records);
        if before == intact {
            assert_eq!(from + records.len(), self.committed, "{report:?}");
        }
        self.check_finished_files(&intact, &before, &records);
        if self.closed {
            check_closed(&intact, &before, &report);
        }
        goes_on(&self.disk, self.sync, store, records);
    }

    /// While the last file's header stands, everything in the files before it is there.
    fn check_finished_files(
        &self,
        intact: &BTreeMap<u32, Vec<u8>>,
        changed: &BTreeMap<u32, Vec<u8>>,
        records: &Records,
    ) {
        let (last, bytes) = intact.last_key_value().expect("a log has a file");
        let header = bytes.get(..HEADER).filter(|header| header[0] != 0);
        let stands = changed.get(last).is_some_and(|now| now.get(..HEADER) == header);
        if header.is_none() || !stands {
            return;
        }
        let found: BTreeSet<u32> = records.iter().map(|(_, payload)| number(payload)).collect();
        for (place, payload) in self.history.iter().filter(|(place, _)| place.file < *last) {
            let number = number(payload);
            let is_there = !self.wanted.contains_key(&number) || found.contains(&number);
            assert!(is_there, "record {number} at {place:?} is lost in silence");
        }
    }
}

/// After an orderly stop two marks stand at the end, and vouch for all in front of them.
fn check_closed(
    intact: &BTreeMap<u32, Vec<u8>>,
    changed: &BTreeMap<u32, Vec<u8>>,
    report: &Report,
) {
    let (last, bytes) = intact.last_key_value().expect("a log has a file");
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    let Some(marks) = end.checked_sub(2 * MARK) else { return };
    // The top of a mark's length word; a tag that ends with a zero is not worth the search.
    let is_mark = |at: usize| bytes[at + 3] == 0x6d && bytes[at + 2] >> 6 == 2;
    let Some(now) = changed.get(last).filter(|now| now.len() == bytes.len()) else { return };
    if is_mark(marks) && is_mark(marks + MARK) && now[marks..] == bytes[marks..] {
        assert!(now[..marks] == bytes[..marks], "a change is not seen: {report:?}");
    }
}

/// What was opened can be read, written and opened again.
fn goes_on(disk: &MemoryDisk, sync: Sync, mut store: Store, mut records: Records) {
    let mut read = Vec::new();
    for (place, payload) in &records {
        store.read(*place, &mut read).expect("what was visited can be read");
        assert!(&read == payload);
    }
    let payload = b"one more".to_vec();
    if let Ok(place) = store.append(&payload, Purpose::Fact) {
        store.commit(0).expect("it can be written");
        records.push((place, payload));
    }
    store.close().expect("it can be ended");
    let (_, report, again) = open(disk, sync).expect("and opened again");
    assert!(again == records, "the same records come back");
    assert_eq!((report.torn, report.leftovers), (None, 0), "nothing is torn any more");
}

fn check_error(error: &StoreError, changes: usize) {
    match error {
        StoreError::Damage { .. }
        | StoreError::WrongKey { .. }
        | StoreError::Unsupported { .. } => {
            assert!(!error.to_string().is_empty());
        }
        _ => panic!("after {changes} changes: {error}"),
    }
}

/// One change of the files, as damage or somebody with a hex editor would make it.
fn change(disk: &MemoryDisk, input: &mut Input<'_>) {
    let files = disk.files();
    let Some(&file) = files.get(input.below(files.len())) else { return };
    let mut bytes = disk.bytes(file);
    let kind = input.byte() % 10;
    let at = input.below(bytes.len().max(1)).min(bytes.len());
    match kind {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (input.byte() % 8);
            }
        }
        1 => {
            let new = input.stretch();
            for (byte, new) in bytes[at..].iter_mut().zip(new) {
                *byte = *new;
            }
        }
        2 => bytes.truncate(at),
        3 => bytes.extend_from_slice(input.stretch()),
        4 => {
            let sector = at / 64 * 64;
            let end = (sector + 64).min(bytes.len());
            bytes[sector..end].fill(0);
        }
        5 => bytes[at..].fill(0),
        6 => {
            // A stretch of any file over a stretch of this one.
            let other = disk.bytes(files[input.below(files.len())]);
            let from = input.below(other.len().max(1)).min(other.len());
            let count = usize::from(input.byte()) * 4;
            let stretch = other[from..].iter().take(count);
            for (byte, new) in bytes[at..].iter_mut().zip(stretch) {
                *byte = *new;
            }
        }
        7 => {
            // The whole file under another number.
            let number = 1 + input.below(8) as u32;
            return disk.set_bytes(number, &bytes);
        }
        8 => return disk.take(file),
        _ => {
            // Bytes cut out, and what is behind them moved up.
            let end = (at + usize::from(input.byte())).min(bytes.len());
            bytes.drain(at..end);
        }
    }
    disk.set_bytes(file, &bytes);
}
