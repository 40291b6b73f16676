//! What the store does when nothing goes wrong, and at each of its bounds. Faults are in `tests/store_crash.rs`.

use std::io;

use super::disk::FileDisk;
use super::key::Key;
use super::memory::{MemoryDisk, Operation};
use super::*;
use crate::limits::{LOG_FULL_RETRY_MS, RECORD_BYTES_MAX, STORAGE_BYTES_MIN};

const SMALL: Shape = Shape { file_bytes: 2048, piece_bytes: 512 };
const PLENTY: Options = Options { bytes_max: 1 << 30, sync: Sync::Always };

fn key() -> Key {
    Key::parse("000102030405060708090a0b0c0d0e0f").unwrap()
}

fn small(disk: &MemoryDisk, options: Options) -> Store {
    open_shaped(Box::new(disk.clone()), &key(), options, SMALL, &mut |_, _| Ok(())).unwrap().0
}

fn contents(disk: &MemoryDisk) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    open_shaped(Box::new(disk.fork()), &key(), PLENTY, SMALL, &mut |_, payload| {
        all.push(payload.to_vec());
        Ok(())
    })
    .unwrap();
    all
}

fn read(store: &mut Store, place: Place) -> Vec<u8> {
    let mut payload = Vec::new();
    store.read(place, &mut payload).unwrap();
    payload
}

/// Commits enough records that `files` files are finished; returns their places.
fn fill(store: &mut Store, files: u32) -> Vec<Place> {
    let mut places = Vec::new();
    loop {
        let place = store.append(&[b'f'; 300], Purpose::Fact).unwrap();
        store.commit(0).unwrap();
        places.push(place);
        if place.file > files {
            return places;
        }
    }
}

#[test]
fn a_real_directory_gives_back_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let disk = || Box::new(FileDisk::open(directory.path()).unwrap());
    let (mut store, report) = open(disk(), &key(), PLENTY, &mut |_, _| Ok(())).unwrap();
    assert_eq!(report, Report::default());
    let bodies: Vec<Vec<u8>> = (0..6).map(|number| vec![number; 900_000]).collect();
    for body in &bodies {
        store.append(body, Purpose::Fact).unwrap();
        store.commit(1).unwrap();
    }
    store.append(b"", Purpose::Fact).unwrap();
    store.close().unwrap();
    let mut found = Vec::new();
    let visit = &mut |place: Place, payload: &[u8]| {
        found.push((place, payload.to_vec()));
        Ok(())
    };
    let (mut store, report) = open(disk(), &key(), PLENTY, visit).unwrap();
    assert_eq!((report.records, report.torn), (7, None));
    assert_eq!(found[6].1, b"");
    for ((place, payload), body) in found.iter().zip(&bodies) {
        assert!(payload == body && read(&mut store, *place) == *body);
    }
    assert_eq!(found[5].0.file, 2, "a second file was begun");
    let log = std::fs::read(directory.path().join("00000001.log")).unwrap();
    assert!(!log.windows(8).any(|window| window == [1; 8]), "nothing lies there in the clear");
}

#[test]
fn a_record_of_the_greatest_length_is_kept() {
    let disk = MemoryDisk::new(1);
    let open = || open(Box::new(disk.clone()), &key(), PLENTY, &mut |_, _| Ok(())).unwrap().0;
    let longest = vec![b'x'; RECORD_BYTES_MAX];
    let mut store = open();
    let place = store.append(&longest, Purpose::Fact).unwrap();
    assert!(read(&mut store, place) == longest);
    store.commit(0).unwrap();
    drop(store);
    assert!(read(&mut open(), place) == longest);
}

#[test]
#[should_panic(expected = "a record is no longer than its bound")]
fn a_record_one_byte_longer_is_our_own_mistake() {
    let disk = Box::new(MemoryDisk::new(1));
    let mut store = open(disk, &key(), PLENTY, &mut |_, _| Ok(())).unwrap().0;
    let _ = store.append(&vec![b'x'; RECORD_BYTES_MAX + 1], Purpose::Fact);
}

#[test]
fn a_record_can_be_read_before_and_after_it_is_written() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let mut places = Vec::new();
    for turn in 0..20 {
        for number in 0..3 {
            let body = vec![turn * 3 + number; 90];
            places.push((store.append(&body, Purpose::Fact).unwrap(), body));
            for (place, body) in &places {
                assert_eq!(&read(&mut store, *place), body);
            }
        }
        store.commit(0).unwrap();
    }
    assert!(disk.files().len() > 2);
}

#[test]
fn a_record_damaged_while_the_server_runs_is_refused_by_place() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let place = store.append(b"hello", Purpose::Fact).unwrap();
    store.commit(0).unwrap();
    let mut bytes = disk.bytes(1);
    bytes[place.offset as usize + 6] ^= 1;
    disk.set_bytes(1, &bytes);
    let mut payload = vec![1, 2, 3];
    let said = store.read(place, &mut payload).unwrap_err().to_string();
    assert_eq!(said, "memory/00000001.log is damaged at byte 64: the record does not verify");
    assert_eq!(payload, b"");
}

#[test]
fn a_failed_read_is_told_and_can_be_asked_again() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let place = store.append(b"hello", Purpose::Fact).unwrap();
    store.commit(0).unwrap();
    disk.fail_next(Operation::Read);
    let said = store.read(place, &mut Vec::new()).unwrap_err().to_string();
    assert!(said.starts_with("cannot read memory/00000001.log"), "{said}");
    assert_eq!(read(&mut store, place), b"hello");
}

#[test]
fn another_version_of_the_format_is_named() {
    let disk = MemoryDisk::new(1);
    small(&disk, PLENTY).close().unwrap();
    let mut bytes = disk.bytes(1);
    bytes[7] = 2;
    disk.set_bytes(1, &bytes);
    let disk = Box::new(disk);
    let refused = open_shaped(disk, &key(), PLENTY, SMALL, &mut |_, _| Ok(())).unwrap_err();
    assert!(refused.to_string().contains("version 2"), "{refused}");
}

#[test]
fn a_turn_is_one_write_and_an_empty_one_is_no_system_call() {
    let disk = MemoryDisk::new(1);
    let options = Options { sync: Sync::Interval(1000), ..PLENTY };
    let mut store = small(&disk, options);
    let written = disk.count(Operation::Write);
    for _ in 0..5 {
        store.append(b"one of five", Purpose::Fact).unwrap();
    }
    store.commit(10).unwrap();
    assert_eq!(disk.count(Operation::Write), written + 1);
    let before = disk.operations();
    store.commit(11).unwrap();
    store.commit(12).unwrap();
    assert_eq!(disk.operations(), before);
}

#[test]
fn the_first_write_that_is_not_synced_sets_the_deadline() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, Options { sync: Sync::Interval(1000), ..PLENTY });
    assert_eq!(store.next_deadline(), None);
    let synced = disk.count(Operation::Sync);
    for now in [50, 500, 1049] {
        store.append(b"x", Purpose::Fact).unwrap();
        store.commit(now).unwrap();
        assert_eq!((store.next_deadline(), disk.count(Operation::Sync)), (Some(1050), synced));
    }
    store.commit(1050).unwrap();
    assert_eq!((store.next_deadline(), disk.count(Operation::Sync)), (None, synced + 1));
    store.append(b"y", Purpose::Fact).unwrap();
    store.set_options(PLENTY);
    store.commit(1051).unwrap();
    assert_eq!((store.next_deadline(), disk.count(Operation::Sync)), (None, synced + 2));
}

#[test]
fn a_commit_that_is_asked_to_sync_does_so_once_and_at_once() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, Options { sync: Sync::Interval(1000), ..PLENTY });
    let synced = disk.count(Operation::Sync);
    store.sync_at_commit();
    store.append(b"a bound", Purpose::Housekeeping).unwrap();
    store.commit(50).unwrap();
    assert_eq!((store.next_deadline(), disk.count(Operation::Sync)), (None, synced + 1));
    store.append(b"a fact", Purpose::Fact).unwrap();
    store.commit(60).unwrap();
    assert_eq!((store.next_deadline(), disk.count(Operation::Sync)), (Some(1060), synced + 1));
}

#[test]
fn a_new_file_does_not_put_off_the_sync() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, Options { sync: Sync::Interval(10), ..PLENTY });
    for now in 5..15 {
        store.append(&[0; 900], Purpose::Fact).unwrap();
        store.commit(now).unwrap();
        assert_eq!(store.next_deadline(), Some(15));
    }
    assert!(disk.files().len() > 3);
}

#[test]
fn facts_stop_two_reserves_before_the_limit_and_removals_one() {
    let disk = MemoryDisk::new(1);
    let reserve = SMALL.reserve_bytes();
    let mut store = small(&disk, PLENTY);
    store.append(b"takes the first piece", Purpose::Fact).unwrap();
    store.commit(0).unwrap();
    let used = store.bytes_on_disk();
    assert_eq!(used, 512);
    let outcome = |store: &mut Store, bytes_max, purpose| {
        store.set_options(Options { bytes_max, ..PLENTY });
        store.append(b"x", purpose)
    };
    assert_eq!(outcome(&mut store, used + 2 * reserve - 1, Purpose::Fact), Err(Full::Limit));
    assert!(outcome(&mut store, used + 2 * reserve, Purpose::Fact).is_ok());
    assert_eq!(outcome(&mut store, used + reserve - 1, Purpose::Housekeeping), Err(Full::Limit));
    assert!(outcome(&mut store, used + reserve, Purpose::Housekeeping).is_ok());
    assert!(outcome(&mut store, 0, Purpose::Copy).is_ok());
    store.set_options(Options { bytes_max: used + 2 * reserve + 511, ..PLENTY });
    assert_eq!(
        store.append(&[0; 500], Purpose::Fact),
        Err(Full::Limit),
        "a piece more is too much"
    );
    store.set_options(Options { bytes_max: used + 2 * reserve + 512, ..PLENTY });
    store.append(&[0; 500], Purpose::Fact).unwrap();
}

#[test]
fn the_least_limit_still_takes_facts() {
    let disk = Box::new(MemoryDisk::new(1));
    let options = Options { bytes_max: STORAGE_BYTES_MIN, ..PLENTY };
    let mut store = open(disk, &key(), options, &mut |_, _| Ok(())).unwrap().0;
    for _ in 0..7 {
        store.append(&vec![0; RECORD_BYTES_MAX], Purpose::Fact).unwrap();
    }
}

#[test]
fn a_full_disk_refuses_facts_and_takes_them_again_when_there_is_room() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    disk.set_space(1024);
    let mut kept = Vec::new();
    let refused = loop {
        match store.append(&[kept.len() as u8; 100], Purpose::Fact) {
            Ok(_) => kept.push(vec![kept.len() as u8; 100]),
            Err(full) => break full,
        }
        store.commit(100).unwrap();
    };
    assert_eq!(refused, Full::Disk(io::ErrorKind::StorageFull));
    assert_eq!(contents(&disk), kept, "nothing of it was written");
    let asked = disk.operations();
    disk.set_space(1 << 20);
    for now in [101, 500, 100 + LOG_FULL_RETRY_MS - 1] {
        store.begin_turn(now);
        assert!(store.append(&[9; 100], Purpose::Fact).is_err());
    }
    assert_eq!(disk.operations(), asked, "a full disk is not asked again at once");
    store.begin_turn(100 + LOG_FULL_RETRY_MS);
    for _ in 0..20 {
        store.append(&[9; 100], Purpose::Fact).unwrap();
        kept.push(vec![9; 100]);
    }
    store.commit(1101).unwrap();
    assert_eq!(contents(&disk), kept);
    assert!(disk.files().len() > 1);
}

#[test]
fn a_file_that_cannot_be_begun_leaves_nothing_behind() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    disk.set_space(2048);
    store.begin_turn(0);
    while store.append(&[1; 100], Purpose::Fact).is_ok() {}
    store.commit(0).unwrap();
    assert_eq!(disk.files(), [1]);
    store.close().unwrap();
    assert_eq!(contents(&disk).len(), 15);
}

#[test]
fn a_finished_file_gives_back_what_it_did_not_need() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    fill(&mut store, 2);
    let on_disk: usize = disk.files().into_iter().map(|file| disk.bytes(file).len()).sum();
    assert_eq!(store.bytes_on_disk(), on_disk as u64);
    assert!(disk.bytes(1).len() < 2048);
}

#[test]
fn stopping_again_and_again_takes_no_space() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    store.append(b"x", Purpose::Fact).unwrap();
    store.close().unwrap();
    let end = |disk: &MemoryDisk| disk.bytes(1).iter().rposition(|byte| *byte != 0);
    let before = end(&disk);
    for _ in 0..5 {
        small(&disk, PLENTY).close().unwrap();
    }
    assert_eq!(end(&disk), before);
    assert_eq!(contents(&disk), [b"x"]);
}

#[test]
fn a_log_can_be_stopped_and_continued_at_any_fill() {
    let disk = MemoryDisk::new(1);
    let mut all = Vec::new();
    for number in 0..150_usize {
        let mut store = small(&disk, PLENTY);
        all.push(vec![number as u8; number * 37 % 300]);
        store.append(all.last().unwrap(), Purpose::Fact).unwrap();
        store.close().unwrap();
    }
    assert_eq!(contents(&disk), all);
}

#[test]
fn a_record_that_is_not_understood_is_refused_by_place() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    store.append(b"x", Purpose::Fact).unwrap();
    store.close().unwrap();
    let disk = Box::new(disk);
    let refused = open_shaped(disk, &key(), PLENTY, SMALL, &mut |_, _| Err(Rejected)).unwrap_err();
    assert!(matches!(refused, StoreError::Rejected { offset: 64, .. }), "{refused}");
}

#[test]
fn a_log_in_which_all_is_in_use_is_never_compacted() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    fill(&mut store, 5);
    assert!(!store.compaction_due());
    store.set_options(Options { bytes_max: store.bytes_on_disk(), ..PLENTY });
    assert!(!store.compaction_due(), "not even where space is short");
    assert_eq!(store.compact_next(&mut Vec::new()).unwrap(), Step::Idle);
}

#[test]
fn compaction_begins_at_half_or_near_the_limit_at_an_eighth() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let mut places = fill(&mut store, 8).into_iter().filter(|place| place.file < 9);
    let near = Options { bytes_max: store.bytes_on_disk() + 2 * SMALL.reserve_bytes(), ..PLENTY };
    let mut retired_until = |store: &mut Store, due: Options| {
        let mut count = 0;
        loop {
            store.set_options(due);
            if store.compaction_due() {
                store.set_options(PLENTY);
                return count;
            }
            store.retire(places.next().unwrap());
            count += 1;
        }
    };
    // 40 records of 320 bytes, and 84 bytes of header and end in each of 8 files.
    assert_eq!(retired_until(&mut store, near), 4);
    assert_eq!(retired_until(&mut store, PLENTY), 15);
}

/// Runs compaction until nothing is due, copying everything in `live`. Returns the bytes copied.
fn compact_all(store: &mut Store, live: &mut [Place]) -> u64 {
    let mut payload = Vec::new();
    let mut copied = 0;
    for turn in 0..1000 {
        if !store.compaction_due() && turn > 10 {
            return copied;
        }
        match store.compact_next(&mut payload).unwrap() {
            Step::Record(place) => {
                if let Some(current) = live.iter_mut().find(|current| **current == place) {
                    *current = store.append(&payload, Purpose::Copy).unwrap();
                    store.retire(place);
                    copied += u64::from(place.bytes);
                }
            }
            Step::Idle | Step::Began | Step::Finished => store.commit(turn).unwrap(),
        }
        store.commit(turn).unwrap();
    }
    panic!("compaction comes to an end");
}

#[test]
fn compaction_ends_and_copies_less_than_there_is_to_free() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let places = fill(&mut store, 20);
    // The youngest are dead: every file in front of them has to be moved first.
    let (kept, dead) = places.split_at(places.len() * 2 / 5);
    dead.iter().for_each(|place| store.retire(*place));
    let dead_bytes: u64 = dead.iter().map(|place| u64::from(place.bytes)).sum();
    let before = store.bytes_on_disk();
    let mut live = kept.to_vec();
    let copied = compact_all(&mut store, &mut live);
    assert!(copied < dead_bytes, "{copied} bytes copied for {dead_bytes}");
    assert!(store.bytes_on_disk() < before * 3 / 4);
    for place in live {
        assert_eq!(read(&mut store, place), [b'f'; 300]);
    }
    store.close().unwrap();
    assert!(
        contents(&disk).iter().filter(|payload| **payload == [b'f'; 300]).count() >= kept.len()
    );
}

#[test]
fn everything_in_use_moves_where_that_is_asked_for() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let mut live = fill(&mut store, 2);
    let bytes = live.iter().map(|place| u64::from(place.bytes)).sum::<u64>();
    store.compact_all().unwrap();
    assert_eq!(compact_all(&mut store, &mut live), bytes);
    store.commit(0).unwrap();
    assert!(!disk.files().contains(&3), "the last file, which had not been full, is gone too");
    assert!(!store.compaction_due());
    assert_eq!(contents(&disk).len(), live.len());
}

#[test]
fn a_store_under_overwriting_stays_within_its_limit_and_takes_every_fact() {
    let disk = MemoryDisk::new(1);
    let options = Options { bytes_max: 30_000, ..PLENTY };
    let mut store = small(&disk, options);
    let mut live: Vec<Place> = Vec::new();
    for turn in 0..600 {
        if live.len() == 20 {
            store.retire(live.remove((turn * 7 % 20) as usize));
        }
        live.push(store.append(&[turn as u8; 200], Purpose::Fact).unwrap());
        let mut payload = Vec::new();
        for _ in 0..4 {
            let Step::Record(place) = store.compact_next(&mut payload).unwrap() else { continue };
            if let Some(current) = live.iter_mut().find(|current| **current == place) {
                *current = store.append(&payload, Purpose::Copy).unwrap();
                store.retire(place);
            }
        }
        store.commit(turn).unwrap();
        assert!(store.bytes_on_disk() <= options.bytes_max);
    }
    assert!(disk.count(Operation::Remove) > 20);
    assert!(store.bytes_on_disk() < 20_000);
}

#[test]
fn a_full_store_can_be_emptied_and_filled_again() {
    let disk = MemoryDisk::new(1);
    let options = Options { bytes_max: 30_000, ..PLENTY };
    let mut store = small(&disk, options);
    for _ in 0..3 {
        let mut live = Vec::new();
        while let Ok(place) = store.append(&[1; 100], Purpose::Fact) {
            live.push(place);
            store.commit(0).unwrap();
        }
        assert!(live.len() > 80, "{}", live.len());
        while let Some(place) = live.pop() {
            let tombstone = store.append(&[2; 20], Purpose::Housekeeping).unwrap();
            store.retire(tombstone);
            store.retire(place);
            if store.compaction_due() {
                compact_all(&mut store, &mut live);
            }
            assert!(store.bytes_on_disk() <= options.bytes_max);
        }
    }
}

#[test]
fn a_refused_copy_is_handed_out_again_when_there_may_be_space() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let places = fill(&mut store, 2);
    places[1..].iter().filter(|place| place.file < 3).for_each(|place| store.retire(*place));
    while store.append(&[0; 50], Purpose::Fact).is_ok_and(|place| place.offset < 1800) {}
    store.commit(0).unwrap();
    let mut payload = Vec::new();
    assert_eq!(store.compact_next(&mut payload).unwrap(), Step::Began);
    assert_eq!(store.compact_next(&mut payload).unwrap(), Step::Record(places[0]));
    disk.set_space(0);
    assert!(store.append(&payload, Purpose::Copy).is_err());
    assert!(!store.compaction_due(), "not asked again at once");
    assert_eq!(store.compact_next(&mut payload).unwrap(), Step::Idle);
    assert_eq!(store.next_deadline(), Some(LOG_FULL_RETRY_MS));
    disk.set_space(u64::MAX);
    store.begin_turn(LOG_FULL_RETRY_MS);
    assert_eq!(store.compact_next(&mut payload).unwrap(), Step::Record(places[0]));
    store.append(&payload, Purpose::Copy).unwrap();
    assert!(store.compaction_due());
}

#[test]
fn damage_met_by_compaction_is_told_once_and_the_file_stays() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let places = fill(&mut store, 2);
    places.iter().filter(|place| place.file < 3).for_each(|place| store.retire(*place));
    let mut bytes = disk.bytes(1);
    bytes[places[1].offset as usize + 9] ^= 4;
    disk.set_bytes(1, &bytes);
    let mut payload = Vec::new();
    assert_eq!(store.compact_next(&mut payload).unwrap(), Step::Began);
    assert_eq!(store.compact_next(&mut payload).unwrap(), Step::Record(places[0]));
    let said = store.compact_next(&mut payload).unwrap_err().to_string();
    assert!(
        said.contains(&format!("00000001.log is damaged at byte {}", places[1].offset)),
        "{said}"
    );
    assert!(!store.compaction_due());
    assert_eq!(store.compact_next(&mut payload).unwrap(), Step::Idle);
    store.append(b"goes on", Purpose::Fact).unwrap();
    store.commit(5).unwrap();
    assert_eq!(disk.files()[0], 1);
}

#[test]
#[should_panic(expected = "all of file 1 was copied or let go")]
fn a_file_with_something_in_use_is_never_removed() {
    let disk = MemoryDisk::new(1);
    let mut store = small(&disk, PLENTY);
    let places = fill(&mut store, 2);
    places[1..].iter().filter(|place| place.file < 3).for_each(|place| store.retire(*place));
    while store.compact_next(&mut Vec::new()).unwrap() != Step::Finished {}
}
