//! Whole files that are missing, exchanged, doubled, older or another server's, and a disk that takes no change.

use std::collections::BTreeMap;

use mecd::store::memory::MemoryDisk;
use mecd::store::{Purpose, StoreError};

use super::{ALWAYS, Records, open, record, records, refused, refused_at, written};

#[test]
fn a_file_of_another_server_is_refused() {
    let (ours, ..) = written(8, 30, 90);
    let (theirs, ..) = written(9, 30, 90);
    for file in ours.files() {
        let mixed = ours.fork();
        mixed.set_bytes(file, &theirs.bytes(file));
        refused(&mixed);
    }
}

#[test]
fn a_missing_renamed_or_older_file_is_refused() {
    let (disk, ..) = written(10, 30, 90);
    let missing = disk.fork();
    missing.take(2);
    refused_at(&missing, 2, 0);
    let first_missing = disk.fork();
    first_missing.take(1);
    refused_at(&first_missing, 1, 0);
    let renamed = disk.fork();
    renamed.set_bytes(2, &disk.bytes(3));
    refused_at(&renamed, 2, 24);
}

/// A card image is put back, the server runs on, and one file of the first run gets among those of the second.
#[test]
fn a_finished_file_from_another_course_of_events_is_refused() {
    let (disk, ..) = written(11, 3, 90);
    let go_on = |disk: &MemoryDisk, text: &[u8]| {
        let (mut store, ..) = open(disk, ALWAYS).unwrap();
        for _ in 0..30 {
            store.append(text, Purpose::Fact).unwrap();
            store.commit(0).unwrap();
        }
    };
    let restored = disk.fork();
    go_on(&disk, &[b'x'; 90]);
    go_on(&restored, &[b'y'; 90]);
    for file in [1, 2, 3] {
        let mixed = restored.fork();
        mixed.set_bytes(file, &disk.bytes(file));
        refused(&mixed);
    }
}

#[test]
fn any_two_files_exchanged_are_refused() {
    let (disk, ..) = written(22, 30, 90);
    let files = disk.files();
    assert!(files.len() > 3);
    for (at, one) in files.iter().enumerate() {
        for other in &files[at + 1..] {
            let exchanged = disk.fork();
            exchanged.set_bytes(*one, &disk.bytes(*other));
            exchanged.set_bytes(*other, &disk.bytes(*one));
            refused(&exchanged);
        }
    }
}

#[test]
fn a_copy_of_any_file_behind_the_last_is_refused() {
    let (disk, ..) = written(23, 30, 90);
    let files = disk.files();
    for file in &files {
        let doubled = disk.fork();
        doubled.set_bytes(files.last().unwrap() + 1, &disk.bytes(*file));
        refused(&doubled);
    }
}

#[test]
fn any_file_lost_is_refused_but_the_last_of_which_nothing_is_known() {
    let (disk, all, places) = written(24, 30, 90);
    let files = disk.files();
    let last = *files.last().unwrap();
    for file in &files {
        let lost = disk.fork();
        lost.take(*file);
        if *file == last {
            let before = places.iter().filter(|place| place.file < last).count();
            assert_eq!(records(&lost).unwrap(), all[..before]);
        } else {
            refused_at(&lost, *file, 0);
        }
    }
}

/// Somebody puts one file back as a backup has it that was made while the server ran.
#[test]
fn an_older_state_of_any_file_is_refused_but_of_the_last_which_leaves_a_prefix() {
    let disk = MemoryDisk::new(25);
    let (mut store, ..) = open(&disk, ALWAYS).unwrap();
    let all: Records = (0..30).map(|number| record(number, 90)).collect();
    let mut states: Vec<BTreeMap<u32, Vec<u8>>> = Vec::new();
    for one in &all {
        states.push(disk.files().into_iter().map(|file| (file, disk.bytes(file))).collect());
        store.append(one, Purpose::Fact).unwrap();
        store.commit(0).unwrap();
    }
    drop(store);
    let last = *disk.files().last().unwrap();
    let mut refusals = 0;
    for (file, bytes) in states.into_iter().flatten() {
        if bytes == disk.bytes(file) {
            continue;
        }
        let restored = disk.fork();
        restored.set_bytes(file, &bytes);
        if file == last {
            assert!(all.starts_with(&records(&restored).unwrap()));
        } else {
            refused(&restored);
            refusals += 1;
        }
    }
    assert!(refusals > 20, "{refusals}");
}

#[test]
fn a_disk_that_takes_no_change_is_named_at_the_start_and_left_as_it_is() {
    for closed in [false, true] {
        let (disk, all, _) = written(26, 30, 90);
        if closed {
            open(&disk, ALWAYS).unwrap().0.close().unwrap();
        }
        disk.set_read_only(true);
        match records(&disk) {
            Ok(found) => assert_eq!(found, all, "nothing had to be changed"),
            Err(error) => {
                assert!(matches!(error, StoreError::Io { .. }), "{error}");
                refused(&disk);
            }
        }
        disk.set_read_only(false);
        assert_eq!(records(&disk).unwrap(), all);
    }
}

#[test]
fn a_disk_that_takes_no_change_any_more_loses_nothing_that_was_committed() {
    let (disk, all, places) = written(27, 5, 90);
    let (mut store, ..) = open(&disk, ALWAYS).unwrap();
    disk.set_read_only(true);
    let mut payload = Vec::new();
    while store.append(b"lost", Purpose::Fact).is_ok() {
        store.read(places[2], &mut payload).unwrap();
        if store.commit(0).is_err() {
            break;
        }
    }
    store.read(places[4], &mut payload).unwrap();
    assert_eq!(payload, all[4]);
    drop(store);
    disk.set_read_only(false);
    disk.crash(1);
    assert!(records(&disk).unwrap().starts_with(&all));
}
