//! What the store keeps when power is lost, bits turn and files are exchanged: fault tests through the disk seam.
//!
//! The rule of all of them: opening gives back exactly a prefix of what was written, with everything in it that was
//! synced; or it refuses, and names the file and the byte. Never a panic, never an altered record, never silence.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

#[path = "store_crash/compaction.rs"]
mod compaction;
#[path = "store_crash/files.rs"]
mod files;

use std::collections::BTreeMap;

use mecd::store::disk::Disk;
use mecd::store::key::Key;
use mecd::store::memory::{MemoryDisk, Operation, SECTORS_BYTES};
use mecd::store::{Options, Place, Purpose, Report, Shape, Store, StoreError, Sync, open_shaped};

const HEADER: usize = 64;
const FRAME_EXTRA: usize = 20;
const SMALL: Shape = Shape { file_bytes: 1024, piece_bytes: 256 };
/// Several sectors of 4 KiB in a file.
const LARGE: Shape = Shape { file_bytes: 16 * 1024, piece_bytes: 4096 };
const ALWAYS: Options = Options { bytes_max: 1 << 20, sync: Sync::Always };

type Records = Vec<Vec<u8>>;

fn key() -> Key {
    Key::parse("0123456789abcdef0123456789abcdef").expect("32 digits are a key")
}

fn open(disk: &MemoryDisk, options: Options) -> Result<(Store, Report, Records), StoreError> {
    open_as(SMALL, disk, options)
}

fn open_as(
    shape: Shape,
    disk: &MemoryDisk,
    options: Options,
) -> Result<(Store, Report, Records), StoreError> {
    let mut records = Records::new();
    let disk = Box::new(disk.clone());
    let (store, report) = open_shaped(disk, &key(), options, shape, &mut |_, payload| {
        records.push(payload.to_vec());
        Ok(())
    })?;
    Ok((store, report, records))
}

/// The records of a log, or the refusal.
fn records(disk: &MemoryDisk) -> Result<Records, StoreError> {
    open(disk, ALWAYS).map(|(_, _, records)| records)
}

fn record(number: usize, length: usize) -> Vec<u8> {
    let mut record = format!("record {number} ").into_bytes();
    record.resize(length.max(record.len()), b'a' + (number % 26) as u8);
    record
}

/// A log with these records, each committed and synced, not closed.
fn written(seed: u64, count: usize, length: usize) -> (MemoryDisk, Records, Vec<Place>) {
    written_as(SMALL, seed, count, length)
}

fn written_as(
    shape: Shape,
    seed: u64,
    count: usize,
    length: usize,
) -> (MemoryDisk, Records, Vec<Place>) {
    let disk = MemoryDisk::new(seed);
    let (mut store, _, _) = open_as(shape, &disk, ALWAYS).unwrap();
    let all: Records = (0..count).map(|number| record(number, length)).collect();
    let mut places = Vec::new();
    for one in &all {
        places.push(store.append(one, Purpose::Fact).unwrap());
        store.commit(0).unwrap();
    }
    (disk, all, places)
}

fn closed(seed: u64, count: usize, length: usize) -> (MemoryDisk, Records, Vec<Place>) {
    let (disk, all, places) = written(seed, count, length);
    open(&disk, ALWAYS).unwrap().0.close().unwrap();
    (disk, all, places)
}

#[track_caller]
fn refused_at(disk: &MemoryDisk, file: u32, offset: u32) {
    match records(disk) {
        Err(StoreError::Damage { file: named, offset: at, .. }) => {
            assert_eq!((named, at), (disk.path(file), offset));
        }
        other => panic!("not refused at byte {offset} of file {file}: {other:?}"),
    }
}

#[track_caller]
fn refused(disk: &MemoryDisk) -> String {
    let before = disk.files().into_iter().map(|file| (file, disk.bytes(file)));
    let before: BTreeMap<u32, Vec<u8>> = before.collect();
    let said = records(disk).expect_err("the log is refused").to_string();
    assert!(said.contains("memory/0000"), "a file is named: {said}");
    let after = disk.files().into_iter().map(|file| (file, disk.bytes(file)));
    assert_eq!(before, after.collect(), "a refused opening changes nothing");
    said
}

#[test]
fn a_log_cut_at_any_byte_gives_back_exactly_the_whole_records_before() {
    let (disk, all, places) = written(1, 9, 50);
    let whole = disk.bytes(1);
    assert_eq!(disk.files(), [1]);
    for cut in HEADER..whole.len() {
        let cut_disk = disk.fork();
        cut_disk.set_bytes(1, &whole[..cut]);
        let (store, report, found) = open(&cut_disk, ALWAYS).unwrap();
        let end = |place: &Place| (place.offset + place.bytes) as usize;
        let expected = places.iter().filter(|place| end(place) <= cut).count();
        assert_eq!(found, all[..expected], "cut at {cut}");
        let at = places[..expected].last().map_or(HEADER, end);
        let torn = report.torn.as_ref().map(|torn| torn.offset as usize);
        assert_eq!(torn.is_some(), cut > at && at < end(&places[8]), "cut at {cut}");
        assert!(torn.is_none_or(|offset| offset == at));
        drop(store);
        assert_eq!(open(&cut_disk, ALWAYS).unwrap().1.torn, None, "it is dropped once");
    }
}

#[test]
fn an_only_file_cut_within_its_header_is_refused_unless_nothing_was_in_it() {
    let (disk, ..) = written(1, 1, 50);
    let whole = disk.bytes(1);
    for cut in 1..HEADER {
        disk.set_bytes(1, &whole[..cut]);
        refused_at(&disk, 1, 0);
    }
    for length in 0..=HEADER {
        disk.set_bytes(1, &vec![0; length]);
        assert_eq!(records(&disk.fork()).unwrap(), Records::new());
    }
    disk.set_bytes(1, &[0; HEADER + 1]);
    refused_at(&disk, 1, 0);
}

#[test]
fn a_next_file_of_which_only_half_the_header_was_written_is_dropped_and_told() {
    let (disk, all, _) = written(1, 30, 90);
    let last = *disk.files().last().unwrap();
    let header = disk.bytes(last)[..HEADER].to_vec();
    disk.take(last);
    let (_, _, before) = open(&disk.fork(), ALWAYS).unwrap();
    for half in 1..HEADER {
        let half_disk = disk.fork();
        let mut bytes = header.clone();
        bytes[half..].fill(0);
        bytes.extend([0; 200]);
        half_disk.set_bytes(last, &bytes);
        let (_, report, found) = open(&half_disk, ALWAYS).unwrap();
        assert_eq!(found, before, "half of {half} bytes");
        assert!(found.len() < all.len() && report.torn.is_some());
    }
}

#[test]
fn a_first_header_that_could_not_be_written_leaves_nothing_behind() {
    let disk = MemoryDisk::new(1);
    disk.fail_next(Operation::Write);
    assert!(matches!(records(&disk), Err(StoreError::Io { .. })));
    assert_eq!(records(&disk).unwrap(), Records::new());
}

#[test]
fn a_finished_file_cut_at_any_byte_is_refused() {
    let (disk, ..) = written(1, 30, 90);
    assert!(disk.files().len() > 3);
    let whole = disk.bytes(2);
    for cut in 0..whole.len() {
        let cut_disk = disk.fork();
        cut_disk.set_bytes(2, &whole[..cut]);
        assert!(refused(&cut_disk).contains("00000002.log"));
    }
}

#[test]
fn a_last_file_cut_within_its_header_is_dropped() {
    let (disk, all, places) = written(1, 10, 90);
    let last = *disk.files().last().unwrap();
    let whole = disk.bytes(last);
    let before = places.iter().filter(|place| place.file < last).count();
    for cut in 0..HEADER {
        let cut_disk = disk.fork();
        cut_disk.set_bytes(last, &whole[..cut]);
        let (mut store, report, found) = open(&cut_disk, ALWAYS).unwrap();
        assert_eq!(found, all[..before]);
        assert!(report.torn.map_or(0, |torn| torn.bytes) <= cut as u64);
        store.append(b"goes on", Purpose::Fact).unwrap();
        store.commit(0).unwrap();
        assert_eq!(records(&cut_disk).unwrap().last().unwrap(), b"goes on");
    }
}

#[test]
fn after_an_orderly_stop_every_flipped_bit_of_a_record_is_refused() {
    let (disk, all, places) = closed(2, 4, 10);
    let whole = disk.bytes(1);
    let end = (places[3].offset + places[3].bytes) as usize;
    let marks_end = end + 2 * FRAME_EXTRA;
    assert!(whole[marks_end..].iter().all(|byte| *byte == 0));
    for bit in 0..(marks_end + 30) * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let flipped_disk = disk.fork();
        flipped_disk.set_bytes(1, &flipped);
        if bit / 8 < end + FRAME_EXTRA - 16 {
            refused(&flipped_disk);
        } else {
            // The marks themselves hold nothing that could be lost.
            assert!(records(&flipped_disk).is_ok_and(|found| found == all), "bit {bit}");
        }
    }
}

#[test]
fn without_an_orderly_stop_a_flipped_bit_is_refused_or_leaves_a_prefix() {
    let (disk, all, places) = written(3, 5, 10);
    let whole = disk.bytes(1);
    let end = (places[4].offset + places[4].bytes) as usize;
    for bit in 0..(end + 40) * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let flipped_disk = disk.fork();
        flipped_disk.set_bytes(1, &flipped);
        match open(&flipped_disk, ALWAYS) {
            Ok((_, report, found)) => {
                assert!(all.starts_with(&found), "bit {bit}");
                assert!(found.len() >= 3, "two synced records behind it give damage away");
                assert!(report.torn.is_some(), "bit {bit}");
            }
            Err(error) => assert!(error.to_string().contains("00000001.log"), "{error}"),
        }
    }
}

#[test]
fn a_flipped_bit_of_a_finished_file_is_refused_at_its_record() {
    let (disk, _, places) = written(4, 30, 90);
    let whole = disk.bytes(2);
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << (byte % 8);
        let flipped_disk = disk.fork();
        flipped_disk.set_bytes(2, &flipped);
        let hit = |place: &&Place| {
            place.file == 2 && (place.offset..place.offset + place.bytes).contains(&(byte as u32))
        };
        match places.iter().find(hit) {
            Some(place) => refused_at(&flipped_disk, 2, place.offset),
            None => assert!(refused(&flipped_disk).contains("00000002.log")),
        }
    }
}

/// Every sector of every file, as a card that lost it gives it back.
fn without_one_sector(disk: &MemoryDisk, mut look: impl FnMut(&MemoryDisk, u32, usize, usize)) {
    for sector_bytes in SECTORS_BYTES {
        for file in disk.files() {
            let whole = disk.bytes(file);
            for start in (0..whole.len()).step_by(sector_bytes) {
                let end = (start + sector_bytes).min(whole.len());
                let mut bytes = whole.clone();
                bytes[start..end].fill(0);
                let zeroed = disk.fork();
                zeroed.set_bytes(file, &bytes);
                look(&zeroed, file, start, end);
            }
        }
    }
}

#[test]
fn after_an_orderly_stop_every_sector_of_zeros_is_refused_but_the_one_with_the_end() {
    let (disk, all, places) = written_as(LARGE, 20, 70, 600);
    open_as(LARGE, &disk, ALWAYS).unwrap().0.close().unwrap();
    let last = *places.last().unwrap();
    let log_end = (last.offset + last.bytes + 2 * FRAME_EXTRA as u32) as usize;
    assert!(last.file > 2 && log_end < disk.bytes(last.file).len());
    let mut refusals = 0;
    without_one_sector(&disk, |zeroed, file, start, end| {
        match open_as(LARGE, zeroed, ALWAYS) {
            Ok((_, _, found)) => {
                assert!(file == last.file && log_end <= end, "bytes {start}.. of file {file}");
                // Nothing is left that could vouch for what was in it: a log that was never longer looks like that.
                let before = |place: &&Place| {
                    place.file < file || (place.offset + place.bytes) as usize <= start
                };
                assert_eq!(found, all[..places.iter().filter(before).count()]);
            }
            Err(error) => {
                assert!(error.to_string().contains(&format!("{file:08}.log")), "{error}");
                refusals += 1;
            }
        }
    });
    assert!(refusals > 90, "{refusals}");
}

#[test]
fn without_an_orderly_stop_a_sector_of_zeros_is_refused_or_leaves_a_prefix() {
    let (disk, all, places) = written_as(LARGE, 21, 70, 600);
    let last = places.last().unwrap().file;
    without_one_sector(&disk, |zeroed, file, start, _| match open_as(LARGE, zeroed, ALWAYS) {
        Ok((_, _, found)) => {
            assert!(file == last && all.starts_with(&found), "bytes {start}.. of file {file}");
        }
        Err(error) => {
            assert!(error.to_string().contains(&format!("{file:08}.log")), "{error}");
        }
    });
}

#[test]
fn records_that_are_swapped_doubled_or_dropped_are_refused() {
    let (disk, _, places) = closed(5, 6, 30);
    let whole = disk.bytes(1);
    let frame = |number: usize| {
        let place = places[number];
        &whole[place.offset as usize..(place.offset + place.bytes) as usize]
    };
    let rest = &whole[(places[5].offset + places[5].bytes) as usize..];
    for order in
        [&[0, 2, 1, 3, 4, 5][..], &[0, 1, 1, 2, 3, 4, 5], &[0, 1, 3, 4, 5], &[1, 2, 3, 4, 5]]
    {
        let mut bytes = whole[..HEADER].to_vec();
        for number in order {
            bytes.extend_from_slice(frame(*number));
        }
        bytes.extend_from_slice(rest);
        disk.set_bytes(1, &bytes);
        let found = records(&disk.fork());
        // Where lengths changed nothing stands at its place any more: nothing vouches, and what is left is a prefix.
        match found {
            Err(error) => assert!(error.to_string().contains("00000001.log")),
            Ok(found) => assert!(found.len() <= 2 && order.len() != 6, "{order:?}"),
        }
    }
}

#[test]
fn a_frame_from_another_server_with_the_same_key_is_refused() {
    let (ours, _, places) = closed(6, 6, 30);
    let (theirs, ..) = closed(7, 6, 30);
    let mut bytes = ours.bytes(1);
    let range = places[2].offset as usize..(places[2].offset + places[2].bytes) as usize;
    bytes[range.clone()].copy_from_slice(&theirs.bytes(1)[range]);
    ours.set_bytes(1, &bytes);
    refused_at(&ours, 1, places[2].offset);
}

#[test]
fn another_key_is_told_apart_from_damage() {
    let (disk, ..) = written(12, 30, 90);
    let wrong = Key::parse("ffffffffffffffffffffffffffffffff").unwrap();
    let opened = open_shaped(Box::new(disk.clone()), &wrong, ALWAYS, SMALL, &mut |_, _| Ok(()));
    let refused = opened.unwrap_err();
    assert!(matches!(refused, StoreError::WrongKey { .. }), "{refused}");
    assert!(refused.to_string().contains(".log"));
    disk.take(2);
    assert!(matches!(records(&disk), Err(StoreError::Damage { .. })));
}

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

#[test]
fn a_loss_of_power_at_any_moment_leaves_a_prefix_with_all_that_was_synced() {
    let mut torn = 0;
    for seed in 0..160 {
        let mut random = Random(seed);
        let disk = MemoryDisk::new(seed);
        let shape = if seed % 2 == 0 { SMALL } else { LARGE };
        disk.set_sector(SECTORS_BYTES[(seed % 2) as usize]);
        let options = Options { sync: Sync::Interval(random.below(8)), ..ALWAYS };
        let mut all = Records::new();
        for round in 0..4 {
            let (mut store, report, found) = open_as(shape, &disk, options).unwrap();
            assert!(all.starts_with(&found), "seed {seed} round {round}");
            torn += usize::from(report.torn.is_some());
            all = found;
            let mut synced = all.len();
            disk.die_after(random.below(60));
            for now in 0..40 {
                for _ in 0..random.below(4) {
                    let one = record(all.len(), random.below(700) as usize);
                    // A refusal because the disk is gone is followed by a commit that fails.
                    if store.append(&one, Purpose::Fact).is_ok() {
                        all.push(one);
                    }
                }
                if store.commit(now).is_err() {
                    break;
                }
                if store.next_deadline().is_none() {
                    synced = all.len();
                }
            }
            drop(store);
            // Sometimes only the process ends: what it had not synced, the next one must.
            match random.below(3) {
                0 => disk.kill(),
                _ => disk.crash(random.below(u64::MAX)),
            }
            let (_, _, kept) = open_as(shape, &disk.fork(), ALWAYS)
                .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert!(kept.len() >= synced && all.starts_with(&kept), "seed {seed} round {round}");
        }
    }
    assert!(torn > 20, "the test tears something: {torn}");
}

#[test]
fn what_was_committed_survives_a_kill_without_a_sync() {
    let disk = MemoryDisk::new(14);
    let never = Options { sync: Sync::Interval(1_000_000), ..ALWAYS };
    let (mut store, ..) = open(&disk, never).unwrap();
    let all: Records = (0..40).map(|number| record(number, 90)).collect();
    for one in &all {
        store.append(one, Purpose::Fact).unwrap();
        store.commit(0).unwrap();
    }
    store.append(b"not committed", Purpose::Fact).unwrap();
    drop(store);
    disk.kill();
    let (_, report, found) = open(&disk, never).unwrap();
    assert_eq!((found, report.torn), (all, None));
}

#[test]
fn a_failed_write_or_sync_is_fatal_and_loses_nothing_that_was_synced() {
    for operation in [Operation::Write, Operation::Sync] {
        let (disk, all, _) = written(15, 5, 50);
        let (mut store, ..) = open(&disk, ALWAYS).unwrap();
        disk.fail_next(operation);
        store.append(b"lost", Purpose::Fact).unwrap();
        let said = store.commit(0).unwrap_err().to_string();
        assert!(said.contains("00000001.log"), "{said}");
        assert!(matches!(store.commit(1), Err(StoreError::Failed)));
        drop(store);
        disk.crash(3);
        assert!(records(&disk).unwrap().starts_with(&all));
    }
}

#[test]
fn an_opening_that_fails_anywhere_can_be_repeated() {
    let (disk, all, _) = written(17, 30, 90);
    for life in 0.. {
        let fork = disk.fork();
        fork.die_after(life);
        let opened = open(&fork, ALWAYS).is_ok();
        fork.crash(life);
        assert_eq!(records(&fork).unwrap(), all, "after {life} operations");
        if opened {
            break;
        }
    }
}

#[test]
fn a_first_start_that_power_is_lost_over_can_be_repeated() {
    for life in 0..8 {
        for seed in 0..16 {
            let disk = MemoryDisk::new(seed);
            disk.die_after(life);
            let _ = open(&disk, ALWAYS);
            disk.crash(seed);
            assert_eq!(records(&disk).unwrap(), Records::new());
        }
    }
}
