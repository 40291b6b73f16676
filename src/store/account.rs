//! The account of the log's files: how many bytes each takes, and how many of them are still in use.
//!
//! Owns the numbers and their sums. Knows no disk. Invariant: the sums are those of the files, and in each file what is
//! in use is part of what is used, and that of what is allocated.

use std::collections::BTreeMap;

use crate::store::Place;

/// One file's bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Extent {
    /// On the disk, what is only set aside included.
    pub(super) allocated: u32,
    /// Header and frames.
    pub(super) used: u32,
    /// Frames of payloads that are not retired.
    pub(super) live: u32,
}

/// Every file of the log, oldest first.
#[derive(Debug, Default)]
pub(super) struct Account {
    files: BTreeMap<u32, Extent>,
    allocated: u64,
    used: u64,
    live: u64,
}

impl Account {
    pub(super) fn insert(&mut self, file: u32, extent: Extent) {
        assert!(self.files.insert(file, extent).is_none(), "file {file} is new");
        self.allocated += u64::from(extent.allocated);
        self.used += u64::from(extent.used);
        self.live += u64::from(extent.live);
    }

    pub(super) fn remove(&mut self, file: u32) {
        let extent = self.files.remove(&file).expect("the file is in the log");
        self.allocated -= u64::from(extent.allocated);
        self.used -= u64::from(extent.used);
        self.live -= u64::from(extent.live);
    }

    pub(super) fn get(&self, file: u32) -> Extent {
        self.files[&file]
    }

    pub(super) fn oldest(&self) -> u32 {
        *self.files.keys().next().expect("a log has a file")
    }

    /// Bytes on the disk, over all files.
    pub(super) fn allocated(&self) -> u64 {
        self.allocated
    }

    /// Bytes used, and those of them in use, in all files but `head`.
    pub(super) fn finished(&self, head: u32) -> (u64, u64) {
        let head = self.get(head);
        (self.used - u64::from(head.used), self.live - u64::from(head.live))
    }

    pub(super) fn set_allocated(&mut self, file: u32, bytes: u32) {
        let extent = self.files.get_mut(&file).expect("the file is in the log");
        assert!(extent.used <= bytes, "what is used stays allocated");
        self.allocated = self.allocated - u64::from(extent.allocated) + u64::from(bytes);
        extent.allocated = bytes;
    }

    pub(super) fn set_used(&mut self, file: u32, bytes: u32) {
        let extent = self.files.get_mut(&file).expect("the file is in the log");
        assert!(extent.used <= bytes && bytes <= extent.allocated, "room was made for every frame");
        self.used += u64::from(bytes - extent.used);
        extent.used = bytes;
    }

    pub(super) fn add_live(&mut self, place: Place) {
        self.files.get_mut(&place.file).expect("a place is in a file there is").live += place.bytes;
        self.live += u64::from(place.bytes);
    }

    pub(super) fn retire(&mut self, place: Place) {
        let extent = self.files.get_mut(&place.file).expect("a place is in a file there is");
        extent.live = extent.live.checked_sub(place.bytes).expect("a record is retired once");
        self.live -= u64::from(place.bytes);
    }
}

impl Account {
    /// Bytes in use, by file.
    pub(super) fn live(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.files.iter().map(|(&file, extent)| (file, extent.live))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_follow_the_files() {
        let mut account = Account::default();
        account.insert(3, Extent { allocated: 1000, used: 900, live: 800 });
        account.insert(4, Extent { allocated: 500, used: 64, live: 0 });
        account.set_used(4, 164);
        account.add_live(Place { file: 4, offset: 64, bytes: 100 });
        account.retire(Place { file: 3, offset: 64, bytes: 300 });
        account.set_allocated(3, 900);
        assert_eq!(
            (account.allocated(), account.finished(4), account.oldest()),
            (1400, (900, 500), 3)
        );
        account.remove(3);
        assert_eq!((account.allocated(), account.finished(4), account.oldest()), (500, (0, 0), 4));
    }

    #[test]
    #[should_panic(expected = "a record is retired once")]
    fn retiring_more_than_there_is_is_our_own_mistake() {
        let mut account = Account::default();
        account.insert(1, Extent { allocated: 200, used: 164, live: 100 });
        account.retire(Place { file: 1, offset: 64, bytes: 101 });
    }
}
