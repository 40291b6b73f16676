//! Compaction, and what a loss of power or of the process at any step of it leaves.

use std::collections::BTreeMap;

use mecd::store::disk::Disk;
use mecd::store::memory::{MemoryDisk, Operation, SECTORS_BYTES};
use mecd::store::{Options, Place, Purpose, Step, Store, StoreError, Sync, open_shaped};

use super::{ALWAYS, Random, SMALL, key};

/// Turns of a load.
const TURNS: u64 = 45;

/// A table of keys and versions on top of the log, as a house would keep it.
#[derive(Default)]
struct Table {
    rows: BTreeMap<u8, (u32, Place)>,
}

impl Table {
    /// Takes in a record, and says which place is no longer needed.
    fn apply(&mut self, place: Place, payload: &[u8]) -> Option<Place> {
        let version = u32::from_le_bytes(payload[1..5].try_into().unwrap());
        match version {
            0 => self.rows.remove(&payload[0]).map(|(_, before)| before),
            _ => self.rows.insert(payload[0], (version, place)).map(|(_, before)| before),
        }
    }

    fn versions(&self) -> BTreeMap<u8, u32> {
        self.rows.iter().map(|(key, (version, _))| (*key, *version)).collect()
    }
}

fn open_table(disk: &MemoryDisk, options: Options) -> Result<(Store, Table), StoreError> {
    let mut table = Table::default();
    let mut dead = Vec::new();
    let disk = Box::new(disk.clone());
    let (mut store, _) = open_shaped(disk, &key(), options, SMALL, &mut |place, payload| {
        dead.extend(table.apply(place, payload));
        if payload[1..5] == [0; 4] {
            dead.push(place);
        }
        Ok(())
    })?;
    dead.into_iter().for_each(|place| store.retire(place));
    Ok((store, table))
}

fn put(store: &mut Store, table: &mut Table, row: u8, version: u32, bytes: usize) -> bool {
    let mut payload = vec![row; 5 + bytes];
    payload[1..5].copy_from_slice(&version.to_le_bytes());
    let purpose = if version == 0 { Purpose::Housekeeping } else { Purpose::Fact };
    let Ok(place) = store.append(&payload, purpose) else { return false };
    table.apply(place, &payload).into_iter().for_each(|before| store.retire(before));
    if version == 0 {
        store.retire(place);
    }
    true
}

/// Compacts for one turn, at most `records` of them.
fn compact(store: &mut Store, table: &mut Table, records: usize) -> Result<usize, StoreError> {
    let mut payload = Vec::new();
    let mut copies = 0;
    for _ in 0..records {
        match store.compact_next(&mut payload)? {
            Step::Idle => break,
            Step::Began | Step::Finished => {}
            Step::Record(place) => {
                if table.rows.get(&payload[0]).is_none_or(|(_, current)| *current != place) {
                    continue;
                }
                let Ok(copy) = store.append(&payload, Purpose::Copy) else { break };
                store.retire(place);
                table.rows.get_mut(&payload[0]).unwrap().1 = copy;
                copies += 1;
            }
        }
    }
    Ok(copies)
}

/// What a load came to.
#[derive(Default)]
struct Ran {
    /// Every state there was.
    states: Vec<BTreeMap<u8, u32>>,
    /// The number of the last that is synced, and of the last that is committed.
    synced: usize,
    committed: usize,
}

/// How a run ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Killed,
    PowerLost,
}

fn run(disk: &MemoryDisk, options: Options, seed: u64) -> Ran {
    run_with(disk, options, seed, |_| {})
}

/// Runs a load of overwriting until it is through or the disk is gone. `trouble` is called before each turn.
fn run_with(disk: &MemoryDisk, options: Options, seed: u64, trouble: impl Fn(u64)) -> Ran {
    let mut random = Random(seed);
    let Ok((mut store, mut table)) = open_table(disk, options) else { return Ran::default() };
    let mut states = vec![table.versions()];
    let (mut synced, mut committed) = (0, 0);
    for now in 0..TURNS {
        trouble(now);
        store.begin_turn(now);
        for _ in 0..3 {
            let version = if random.below(6) == 0 { 0 } else { states.len() as u32 };
            let bytes = random.below(100) as usize;
            if put(&mut store, &mut table, random.below(8) as u8, version, bytes) {
                states.push(table.versions());
            }
        }
        if compact(&mut store, &mut table, 12).is_err() || store.commit(now).is_err() {
            break;
        }
        committed = states.len() - 1;
        if store.next_deadline().is_none() {
            synced = committed;
        }
    }
    Ran { states, synced, committed }
}

/// Runs the load until the disk dies after `life` operations, ends it, and checks what is left. Returns the number of
/// files that were removed, and whether the load got through.
fn run_and_end(
    disk: &MemoryDisk,
    options: Options,
    seed: u64,
    life: u64,
    ending: Ending,
) -> (u64, bool) {
    let removed = disk.count(Operation::Remove);
    let before = open_table(&disk.fork(), options).unwrap().1.versions();
    disk.die_after(life);
    let ran = run(disk, options, seed);
    let removed = disk.count(Operation::Remove) - removed;
    let through = disk.fork().list().is_ok();
    match ending {
        Ending::PowerLost => disk.crash(life * 31 + seed),
        Ending::Killed => disk.kill(),
    }
    check(disk, options, ran, before, ending);
    (removed, through)
}

/// What is left is a state that was promised, or a later one, and every record of it can be read.
fn check(disk: &MemoryDisk, options: Options, ran: Ran, before: BTreeMap<u8, u32>, ending: Ending) {
    let Ran { mut states, synced, committed } = ran;
    if states.is_empty() {
        states.push(before);
    }
    let promised = if ending == Ending::Killed { committed } else { synced };
    let opened = open_table(disk, options);
    let (mut store, table) = opened.unwrap_or_else(|error| panic!("{ending:?}: {error}"));
    assert!(states[promised..].contains(&table.versions()), "{ending:?}, {options:?}");
    let mut payload = Vec::new();
    for (key, (version, place)) in &table.rows {
        store.read(*place, &mut payload).unwrap();
        assert_eq!((payload[0], &payload[1..5]), (*key, &version.to_le_bytes()[..]));
    }
}

fn end_at_every_step(ending: Ending) {
    for (sync, stride) in [(Sync::Always, 3), (Sync::Interval(4), 1)] {
        let options = Options { sync, ..ALWAYS };
        for life in (0..).step_by(stride) {
            let disk = MemoryDisk::new(life);
            disk.set_sector(SECTORS_BYTES[(life % 2) as usize]);
            let (removed, through) = run_and_end(&disk, options, 77, life, ending);
            if through {
                assert!(removed > 3, "files are removed: {removed}");
                break;
            }
        }
    }
}

#[test]
fn a_loss_of_power_at_every_step_of_compaction_loses_nothing() {
    end_at_every_step(Ending::PowerLost);
}

#[test]
fn a_kill_at_every_step_of_compaction_loses_nothing() {
    end_at_every_step(Ending::Killed);
}

#[test]
fn an_error_of_any_operation_in_any_turn_under_load_loses_nothing() {
    let options = Options { sync: Sync::Interval(4), ..ALWAYS };
    for operation in Operation::ALL {
        for at in (operation as u64 % 3..TURNS).step_by(3) {
            for ending in [Ending::Killed, Ending::PowerLost] {
                let disk = MemoryDisk::new(at);
                let ran = run_with(&disk, options, 78, |now| {
                    if now == at {
                        disk.fail_next(operation);
                    }
                });
                match ending {
                    Ending::PowerLost => disk.crash(at),
                    Ending::Killed => disk.kill(),
                }
                check(&disk, options, ran, BTreeMap::new(), ending);
            }
        }
    }
}

#[test]
fn power_lost_again_and_again_in_the_middle_of_compaction_loses_nothing() {
    for seed in 0..30 {
        let mut random = Random(seed);
        let disk = MemoryDisk::new(seed);
        disk.set_sector(SECTORS_BYTES[(seed % 2) as usize]);
        for _ in 0..6 {
            let sync =
                [Sync::Always, Sync::Interval(2), Sync::Interval(9)][random.below(3) as usize];
            let options = Options { sync, ..ALWAYS };
            run_and_end(&disk, options, seed, random.below(200), Ending::PowerLost);
        }
    }
}

#[test]
fn a_file_removed_but_back_after_a_loss_of_power_is_not_read_again() {
    let disk = MemoryDisk::new(1);
    let Ran { states, synced, .. } = run(&disk, ALWAYS, 5);
    assert_eq!(synced, states.len() - 1);
    let oldest = disk.files()[0];
    assert!(oldest > 2, "files were removed");
    let later = disk.fork();
    // The same load again, as far as the removed file: what it held then comes back among the later files.
    let again = MemoryDisk::new(1);
    run(&again, Options { sync: Sync::Interval(u64::MAX), ..ALWAYS }, 5);
    for file in again.files().into_iter().filter(|file| *file < oldest) {
        later.set_bytes(file, &again.bytes(file));
    }
    assert!(later.files()[0] < oldest);
    let (store, table) = open_table(&later, ALWAYS).unwrap();
    assert_eq!(table.versions(), *states.last().unwrap());
    drop(store);
    assert_eq!(later.files(), disk.files());
}
