//! A disk in memory that loses power, fills up and fails on request: the other side of the seam, for tests and
//! simulation. Everything it does follows from its seed and from what it is asked, so a failure can be repeated.
//!
//! Owns what is written and, apart from it, what would survive a loss of power. A handle: clones share one disk.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use crate::store::disk::{Disk, file_name};

/// Bytes that a disk writes whole or not at all: the sectors of old disks and of new ones.
pub const SECTORS_BYTES: [usize; 2] = [512, 4096];

/// What can be made to fail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// [`Disk::list`].
    List,
    /// [`Disk::create`].
    Create,
    /// [`Disk::length`].
    Length,
    /// [`Disk::read_at`].
    Read,
    /// [`Disk::write_at`].
    Write,
    /// [`Disk::allocate`].
    Allocate,
    /// [`Disk::truncate`].
    Truncate,
    /// [`Disk::sync`].
    Sync,
    /// [`Disk::sync_dir`].
    SyncDirectory,
    /// [`Disk::remove`].
    Remove,
}

impl Operation {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::List,
        Self::Create,
        Self::Length,
        Self::Read,
        Self::Write,
        Self::Allocate,
        Self::Truncate,
        Self::Sync,
        Self::SyncDirectory,
        Self::Remove,
    ];

    fn changes(self) -> bool {
        matches!(self, Self::Create | Self::Write | Self::Allocate | Self::Truncate | Self::Remove)
    }
}

/// A disk in memory. Cloning gives a second handle to the same disk, [`MemoryDisk::fork`] a second disk.
#[derive(Clone, Debug)]
pub struct MemoryDisk(Rc<RefCell<State>>);

#[derive(Clone, Debug)]
struct State {
    /// What a reader sees.
    files: BTreeMap<u32, Content>,
    /// Files whose entry in the directory survives.
    entries: BTreeSet<u32>,
    /// Files whose removal may not survive.
    removed: BTreeMap<u32, Content>,
    random: Random,
    sector_bytes: usize,
    space: u64,
    read_only: bool,
    operations: BTreeMap<Operation, u64>,
    bytes_written: u64,
    fail_next: Option<Operation>,
    life: Life,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Life {
    Endless,
    /// Operations left.
    Left(u64),
    Over,
}

/// What a file holds, and what of it has been synced.
#[derive(Clone, Debug, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
}

/// SplitMix64.
#[derive(Clone, Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

impl MemoryDisk {
    /// An empty disk of unlimited space, with sectors of 512 bytes. The seed decides the identity of a store made on
    /// it.
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(State {
            files: BTreeMap::new(),
            entries: BTreeSet::new(),
            removed: BTreeMap::new(),
            random: Random(seed),
            sector_bytes: SECTORS_BYTES[0],
            space: u64::MAX,
            read_only: false,
            operations: BTreeMap::new(),
            bytes_written: 0,
            fail_next: None,
            life: Life::Endless,
        })))
    }

    /// A second disk, as this one is now.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// Power is lost and comes back: of everything that was not synced, each sector, each length and each entry of the
    /// directory is what it was or what it became, as `seed` decides. Faults asked for before are over.
    pub fn crash(&self, seed: u64) {
        let mut state = self.0.borrow_mut();
        let mut random = Random(seed);
        let removed = std::mem::take(&mut state.removed);
        let entries = std::mem::take(&mut state.entries);
        let mut files = std::mem::take(&mut state.files);
        files.retain(|number, _| entries.contains(number) || random.coin());
        files.extend(removed.into_iter().filter(|_| random.coin()));
        for content in files.values_mut() {
            let left = content.torn(state.sector_bytes, &mut random);
            *content = Content { synced: left.clone(), now: left };
        }
        state.entries = files.keys().copied().collect();
        state.files = files;
        state.revive();
    }

    /// The process ends but power stays: nothing is lost. Faults asked for before are over.
    pub fn kill(&self) {
        self.0.borrow_mut().revive();
    }

    /// From now on `bytes` next to each other are written whole or not at all: one of [`SECTORS_BYTES`].
    pub fn set_sector(&self, bytes: usize) {
        self.0.borrow_mut().sector_bytes = bytes;
    }

    /// From now on all files together may take `bytes`.
    pub fn set_space(&self, bytes: u64) {
        self.0.borrow_mut().space = bytes;
    }

    /// From now on the disk takes no change, or takes them again.
    pub fn set_read_only(&self, read_only: bool) {
        self.0.borrow_mut().read_only = read_only;
    }

    /// The next operation of this kind fails, once. A write that fails has written half.
    pub fn fail_next(&self, operation: Operation) {
        self.0.borrow_mut().fail_next = Some(operation);
    }

    /// After so many more operations, everything fails until [`MemoryDisk::crash`] or [`MemoryDisk::kill`].
    /// A write that it happens in is done, but its success not told.
    pub fn die_after(&self, operations: u64) {
        self.0.borrow_mut().life = Life::Left(operations);
    }

    /// Operations of one kind so far.
    pub fn count(&self, operation: Operation) -> u64 {
        self.0.borrow().operations.get(&operation).copied().unwrap_or(0)
    }

    /// Bytes of all writes so far.
    pub fn bytes_written(&self) -> u64 {
        self.0.borrow().bytes_written
    }

    /// Operations of all kinds so far.
    pub fn operations(&self) -> u64 {
        self.0.borrow().operations.values().sum()
    }

    /// Numbers of the files there are.
    pub fn files(&self) -> Vec<u32> {
        self.0.borrow().files.keys().copied().collect()
    }

    /// What a file holds; empty if there is none.
    pub fn bytes(&self, file: u32) -> Vec<u8> {
        self.0.borrow().files.get(&file).map(|content| content.now.clone()).unwrap_or_default()
    }

    /// Puts other bytes in a file's place, as somebody with a hex editor would; they survive.
    pub fn set_bytes(&self, file: u32, bytes: &[u8]) {
        let mut state = self.0.borrow_mut();
        let content = Content { now: bytes.to_vec(), synced: bytes.to_vec() };
        state.entries.insert(file);
        state.files.insert(file, content);
    }

    /// Takes a file away, as somebody with `rm` would.
    pub fn take(&self, file: u32) {
        let mut state = self.0.borrow_mut();
        state.entries.remove(&file);
        state.files.remove(&file);
    }
}

impl Content {
    /// What a loss of power may leave.
    fn torn(&self, sector_bytes: usize, random: &mut Random) -> Vec<u8> {
        let length = if random.coin() { self.now.len() } else { self.synced.len() };
        let mut left = self.synced.clone();
        left.resize(length, 0);
        for (at, sector) in self.now.chunks(sector_bytes).enumerate() {
            let start = at * sector_bytes;
            let end = (start + sector.len()).min(length);
            if start < end && random.coin() {
                left[start..end].copy_from_slice(&sector[..end - start]);
            }
        }
        left
    }
}

impl State {
    fn revive(&mut self) {
        self.fail_next = None;
        self.life = Life::Endless;
    }

    fn begin(&mut self, operation: Operation) -> io::Result<()> {
        *self.operations.entry(operation).or_default() += 1;
        match self.life {
            Life::Endless => {}
            Life::Left(0) | Life::Over => {
                self.life = Life::Over;
                return Err(io::Error::other("the power is off"));
            }
            Life::Left(left) => self.life = Life::Left(left - 1),
        }
        if self.fail_next == Some(operation) {
            self.fail_next = None;
            return Err(io::Error::other("an error was asked for"));
        }
        if self.read_only && operation.changes() {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(())
    }

    fn content(&mut self, file: u32) -> io::Result<&mut Content> {
        self.files.get_mut(&file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn resize(&mut self, file: u32, length: u64) -> io::Result<()> {
        let used: u64 = self.files.values().map(|content| content.now.len() as u64).sum();
        let space = self.space;
        let content = self.content(file)?;
        let before = content.now.len() as u64;
        if length > before && used - before + length > space {
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.now.resize(length as usize, 0);
        Ok(())
    }

    fn write(&mut self, file: u32, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        if end > self.content(file)?.now.len() as u64 {
            self.resize(file, end)?;
        }
        self.content(file)?.now[offset as usize..end as usize].copy_from_slice(bytes);
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn list(&mut self) -> io::Result<Vec<u32>> {
        self.0.borrow_mut().begin(Operation::List)?;
        Ok(self.files())
    }

    fn create(&mut self, file: u32) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::Create)?;
        if state.files.contains_key(&file) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(file, Content::default());
        Ok(())
    }

    fn length(&mut self, file: u32) -> io::Result<u64> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::Length)?;
        Ok(state.content(file)?.now.len() as u64)
    }

    fn read_at(&mut self, file: u32, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::Read)?;
        let content = state.content(file)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = content.now.get(start..start.saturating_add(out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, file: u32, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        let life = state.life;
        let begun = state.begin(Operation::Write);
        let written = match (&begun, life) {
            (Ok(()), _) | (Err(_), Life::Left(0)) => bytes.len(),
            (Err(_), Life::Over) => 0,
            (Err(error), _) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => 0,
            (Err(_), Life::Left(_) | Life::Endless) => bytes.len() / 2,
        };
        state.write(file, offset, &bytes[..written])?;
        state.bytes_written += written as u64;
        begun
    }

    fn allocate(&mut self, file: u32, length: u64) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::Allocate)?;
        let length = length.max(state.content(file)?.now.len() as u64);
        state.resize(file, length)
    }

    fn truncate(&mut self, file: u32, length: u64) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::Truncate)?;
        state.resize(file, length)
    }

    fn sync(&mut self, file: u32) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::Sync)?;
        let content = state.content(file)?;
        content.synced.clone_from(&content.now);
        Ok(())
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::SyncDirectory)?;
        state.entries = state.files.keys().copied().collect();
        state.removed.clear();
        Ok(())
    }

    fn remove(&mut self, file: u32) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        state.begin(Operation::Remove)?;
        let content = state.files.remove(&file).ok_or(io::ErrorKind::NotFound)?;
        if state.entries.contains(&file) {
            state.removed.insert(file, content);
        }
        Ok(())
    }

    fn new_store_id(&mut self) -> io::Result<[u8; 16]> {
        let mut state = self.0.borrow_mut();
        let (high, low) = (state.random.next(), state.random.next());
        Ok((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
    }

    fn path(&self, file: u32) -> PathBuf {
        self.directory().join(file_name(file))
    }

    fn directory(&self) -> PathBuf {
        PathBuf::from("memory")
    }
}
