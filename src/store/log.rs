//! The open log: appending, committing, reading.
//!
//! Owns the end of the log, the batch that is not written yet, and the account of how many bytes of each file are in
//! use. Opening is in `recover.rs`, moving out of old files in `compact.rs`.
//! Invariant: the batches are the log's bytes from what is written to its end, in order; only the last is in the head,
//! the file that grows, and room for all of it has been set aside.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::limits::{LOG_BATCH_BYTES_KEPT, LOG_FULL_RETRY_MS, RECORD_BYTES_MAX};
use crate::store::account::{Account, Extent};
use crate::store::compact::Compaction;
use crate::store::disk::Disk;
use crate::store::seal::{Before, FRAME_EXTRA, HEADER_BYTES, Kind, Seal, Spot, TAG_BYTES, Tag};
use crate::store::{Full, Options, Place, Purpose, Shape, StoreError, Sync};

pub(super) const HEADER: u32 = HEADER_BYTES as u32;

/// Bytes left free behind a payload for the store's own frames: the end of the file, one note of the oldest file and
/// two marks. So the store can finish a file, remove one or stop even where there is no more space.
const TAIL: u32 = 4 * FRAME_EXTRA + 4;

const _: () = assert!(
    HEADER + FRAME_EXTRA + RECORD_BYTES_MAX as u32 + TAIL <= Shape::STANDARD.file_bytes,
    "the largest record fits in an empty file"
);

/// An open store. Exactly one process has it; dropping it without [`Store::close`] loses what was not committed.
pub struct Store {
    pub(super) disk: Box<dyn Disk>,
    pub(super) seal: Seal,
    pub(super) options: Options,
    pub(super) shape: Shape,
    pub(super) files: Account,
    pub(super) head: Head,
    batches: Vec<Batch>,
    unsynced: Unsynced,
    /// The next commit syncs, whenever that would be due.
    sync_at_commit: bool,
    pub(super) compaction: Compaction,
    /// Files before this one are compacted though that is not worth it.
    pub(super) compact_before: u32,
    pub(super) now_ms: u64,
    /// The file system had no space: until when it is not asked again, and what it said.
    full: Option<(u64, io::ErrorKind)>,
    health: Health,
}

/// The file that grows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) file: u32,
    pub(super) last: Last,
}

/// What the last frame of the log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Last {
    /// The end of its file: the next record begins a new one.
    End,
    /// A mark: an orderly stop needs no other.
    Mark,
    /// Anything else, or nothing but the header.
    Other,
}

/// Bytes of one file that are not written yet.
struct Batch {
    file: u32,
    /// Where in the file they go.
    offset: u32,
    /// The tag in front of them, which is written already, and then they.
    bytes: Vec<u8>,
}

/// What a sync would still have to save.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unsynced {
    /// Nothing: the next frame can vouch for all before it.
    Nothing,
    /// Frames that are not written either.
    Unwritten,
    /// Frames written, the first at this time in milliseconds.
    Since(u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Health {
    Sound,
    Failed,
}

impl Batch {
    fn new(file: u32, offset: u32, tag: Tag) -> Self {
        Self { file, offset, bytes: tag.to_vec() }
    }

    fn unwritten(&self) -> &[u8] {
        &self.bytes[TAG_BYTES..]
    }

    fn end(&self) -> u32 {
        self.offset + self.unwritten().len() as u32
    }

    fn tag(&self) -> Tag {
        self.bytes[self.bytes.len() - TAG_BYTES..].try_into().expect("a batch begins with a tag")
    }

    /// All of it is written: only its last tag is kept.
    fn settle(&mut self) {
        let (end, tag) = (self.end(), self.tag());
        self.offset = end;
        self.bytes.clear();
        self.bytes.shrink_to(LOG_BATCH_BYTES_KEPT);
        self.bytes.extend_from_slice(&tag);
    }
}

/// What `recover` found, from which a store goes on.
pub(super) struct Found {
    pub(super) disk: Box<dyn Disk>,
    pub(super) seal: Seal,
    pub(super) options: Options,
    pub(super) shape: Shape,
    pub(super) files: Account,
    pub(super) head: Head,
    /// The tag of the last frame, or of the head's header.
    pub(super) tag: Tag,
}

impl Store {
    /// A store that goes on behind what was found, all of which is synced.
    pub(super) fn resume(found: Found) -> Self {
        let Found { disk, seal, options, shape, files, head, tag } = found;
        let end = files.get(head.file).used;
        Self {
            disk,
            seal,
            options,
            shape,
            files,
            head,
            batches: vec![Batch::new(head.file, end, tag)],
            unsynced: Unsynced::Nothing,
            sync_at_commit: false,
            compaction: Compaction::Idle,
            compact_before: 0,
            now_ms: 0,
            full: None,
            health: Health::Sound,
        }
    }

    /// Tells the store the time, in milliseconds of a clock that never goes back. Call it when a turn begins.
    pub fn begin_turn(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// Takes other options from now on, when the configuration was read again.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
    }

    /// How often the log was synced since it was opened, and how long that took in all.
    #[must_use]
    pub fn syncs(&self) -> (u64, Duration) {
        self.disk.syncs()
    }

    /// When the log was last written before it was opened, in seconds since 1970 by the wall clock of that time.
    #[must_use]
    pub fn last_written(&self) -> Option<u64> {
        self.disk.last_written()
    }

    /// Bytes that the log takes on the disk, what is set aside included.
    pub fn bytes_on_disk(&self) -> u64 {
        self.files.allocated()
    }

    /// Bytes of records that are in use, by file, oldest first: for tests, which compare them with what is needed.
    pub fn bytes_in_use(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.files.live()
    }

    /// Adds a record of at most [`RECORD_BYTES_MAX`] bytes to this turn's batch and says where it will stand. It can
    /// be read at once; it is safe from a `kill -9` when [`Store::commit`] has returned, and from a loss of power when
    /// that has synced. It counts as in use until [`Store::retire`].
    ///
    /// # Errors
    /// [`Full`] if there is no space for it; nothing has changed then. The file system is asked again only after
    /// [`LOG_FULL_RETRY_MS`].
    ///
    /// # Panics
    /// If the record is too long: the caller bounds what it accepts.
    pub fn append(&mut self, payload: &[u8], purpose: Purpose) -> Result<Place, Full> {
        assert!(payload.len() <= RECORD_BYTES_MAX, "a record is no longer than its bound");
        let bytes = payload.len() as u32 + FRAME_EXTRA;
        assert!(HEADER + bytes + TAIL <= self.shape.file_bytes, "a record fits in a file");
        if let Err(full) = self.make_room(bytes + TAIL, purpose) {
            if purpose == Purpose::Copy {
                self.compaction_refused();
            }
            return Err(full);
        }
        let place = self.push(Kind::Payload, payload);
        self.files.add_live(place);
        Ok(place)
    }

    /// The record at `place` is no longer needed: it was replaced, removed, or copied. To be told of each record
    /// once. A record that only says that another is gone can be retired as soon as it is appended: files are removed
    /// oldest first, so it outlives what it speaks of. Places of one file may be told as one, with their bytes added.
    ///
    /// # Panics
    /// If more is retired than there is: the account would no longer say what may be removed.
    pub fn retire(&mut self, place: Place) {
        self.files.retire(place);
    }

    /// Reads the payload of the record at `place` into `payload`, which is overwritten.
    ///
    /// # Errors
    /// [`StoreError::Damage`] if it is not what was written there, [`StoreError::Io`].
    pub fn read(&mut self, place: Place, payload: &mut Vec<u8>) -> Result<(), StoreError> {
        let Place { file, offset, bytes } = place;
        payload.clear();
        let whole = TAG_BYTES + bytes as usize;
        let waiting =
            self.batches.iter().find(|batch| batch.file == file && batch.offset <= offset);
        if let Some(batch) = waiting {
            let start = (offset - batch.offset) as usize;
            payload.extend_from_slice(&batch.bytes[start..start + whole]);
        } else {
            payload.resize(whole, 0);
            self.read_disk(file, offset - TAG_BYTES as u32, payload)?;
        }
        let opened = self.seal.unseal(Spot { file, offset }, payload, 0);
        match opened.map(|(word, body)| (word.kind, word.frame_bytes(), body.len())) {
            Some((Kind::Payload, frame, length)) if frame == bytes => {
                let start = whole - TAG_BYTES - length;
                payload.copy_within(start..start + length, 0);
                payload.truncate(length);
                Ok(())
            }
            Some(_) | None => {
                payload.clear();
                Err(self.damage(file, offset, "the record does not verify"))
            }
        }
    }

    /// Writes what was appended since the last call, in one piece per file, and syncs if that is due. Nothing to do
    /// costs no system call. No one may be told of a fact before this has returned.
    ///
    /// # Errors
    /// [`StoreError::Io`] for a failed write or sync. It is fatal: the system may have dropped what it could not write
    /// and would call a second sync a success, so the server has to stop. From then on it is [`StoreError::Failed`].
    pub fn commit(&mut self, now_ms: u64) -> Result<(), StoreError> {
        self.begin_turn(now_ms);
        self.guarded(|store| {
            store.settle()?;
            while store.retirement_advanced()? {
                store.settle()?;
            }
            Ok(())
        })
    }

    /// Bytes that were appended since the last [`Store::commit`].
    #[must_use]
    pub fn unwritten_bytes(&self) -> usize {
        self.batches.iter().map(|batch| batch.unwritten().len()).sum()
    }

    /// Has the next [`Store::commit`] sync what it writes: for a record that must not be lost with the power.
    pub fn sync_at_commit(&mut self) {
        self.sync_at_commit = true;
    }

    /// When to call [`Store::commit`] at the latest, in the clock of its argument, though nothing is appended: for a
    /// sync, or to ask a full disk again. `None` if nothing waits.
    pub fn next_deadline(&self) -> Option<u64> {
        self.sync_due().into_iter().chain(self.compaction_deadline()).min()
    }

    /// Writes and syncs everything: an orderly stop.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn close(mut self) -> Result<(), StoreError> {
        self.guarded(|store| {
            store.write()?;
            store.sync()?;
            // Two, and a sync between: if the tag of the last record is damaged, the first mark does not verify either.
            if store.head.last == Last::Other
                && store.make_room(3 * FRAME_EXTRA, Purpose::Copy).is_ok()
            {
                for _ in 0..2 {
                    store.push(Kind::Mark, &[]);
                    store.write()?;
                    store.sync()?;
                }
            }
            Ok(())
        })
    }

    fn guarded(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.health == Health::Failed {
            return Err(StoreError::Failed);
        }
        let outcome = act(self);
        if outcome.is_err() {
            self.health = Health::Failed;
        }
        outcome
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        self.write()?;
        let asked = std::mem::take(&mut self.sync_at_commit);
        let due = asked || self.sync_due().is_some_and(|due| due <= self.now_ms);
        if due { self.sync() } else { Ok(()) }
    }

    fn sync_due(&self) -> Option<u64> {
        let Unsynced::Since(since) = self.unsynced else {
            return None;
        };
        match self.options.sync {
            Sync::Always => Some(since),
            Sync::Interval(_) if self.compaction_presses() => Some(since),
            Sync::Interval(ms) => Some(since.saturating_add(ms)),
        }
    }

    /// True when all that was appended survives a loss of power.
    pub(super) fn is_synced(&self) -> bool {
        self.unsynced == Unsynced::Nothing
    }

    fn write(&mut self) -> Result<(), StoreError> {
        if let [batch] = self.batches.as_slice()
            && batch.unwritten().is_empty()
        {
            return Ok(());
        }
        while self.batches.len() > 1 {
            let batch = self.batches.remove(0);
            self.write_batch(&batch)?;
            self.finish_file(&batch)?;
        }
        let mut batch = self.batches.pop().expect("the head has a batch");
        let written = self.write_batch(&batch);
        if written.is_ok() && !batch.unwritten().is_empty() {
            batch.settle();
            if self.unsynced == Unsynced::Unwritten {
                self.unsynced = Unsynced::Since(self.now_ms);
            }
        }
        self.batches.push(batch);
        written
    }

    fn write_batch(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if batch.unwritten().is_empty() {
            return Ok(());
        }
        let written = self.disk.write_at(batch.file, batch.offset.into(), batch.unwritten());
        written.map_err(|error| self.io_error("write", batch.file, error))
    }

    /// A file must be safe before anything of the next one is written: a file that has a successor and is not whole
    /// is damaged, not torn.
    fn finish_file(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let (file, end) = (batch.file, batch.end());
        self.disk.sync(file).map_err(|error| self.io_error("sync", file, error))?;
        self.sync_dir()?;
        let cut = self.disk.truncate(file, end.into());
        cut.map_err(|error| self.io_error("truncate", file, error))?;
        self.files.set_allocated(file, end);
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if self.is_synced() {
            return Ok(());
        }
        let file = self.head.file;
        self.disk.sync(file).map_err(|error| self.io_error("sync", file, error))?;
        self.unsynced = Unsynced::Nothing;
        Ok(())
    }

    fn sync_dir(&mut self) -> Result<(), StoreError> {
        self.disk.sync_dir().map_err(|error| StoreError::Io {
            attempted: "sync",
            path: self.disk.directory(),
            error,
        })
    }

    /// Appends one of the store's own frames.
    pub(super) fn append_own(&mut self, kind: Kind, payload: &[u8]) -> Result<(), Full> {
        self.make_room(2 * FRAME_EXTRA + payload.len() as u32, Purpose::Copy)?;
        self.push(kind, payload);
        Ok(())
    }

    /// Makes sure that `bytes` more fit behind the end of the log, in a new file if they must.
    fn make_room(&mut self, bytes: u32, purpose: Purpose) -> Result<(), Full> {
        let end = self.files.get(self.head.file).used + bytes;
        if self.head.last == Last::End || end > self.shape.file_bytes {
            return self.begin_file(bytes, purpose);
        }
        self.grow_head(end, purpose)
    }

    /// Makes sure that the head has `end` bytes on the disk.
    fn grow_head(&mut self, end: u32, purpose: Purpose) -> Result<(), Full> {
        let file = self.head.file;
        let allocated = self.files.get(file).allocated;
        let wanted = if end <= allocated { allocated } else { self.shape.whole_pieces(end) };
        self.permit(wanted - allocated, purpose)?;
        if wanted > allocated {
            self.ask_disk(|disk| disk.allocate(file, wanted.into()))?;
            self.files.set_allocated(file, wanted);
        }
        Ok(())
    }

    pub(super) fn begin_file(&mut self, bytes: u32, purpose: Purpose) -> Result<(), Full> {
        let file = self.head.file.checked_add(1).expect("4 billion files are never reached");
        let allocated = self.shape.whole_pieces(HEADER + bytes);
        self.permit(allocated, purpose)?;
        if self.head.last != Last::End {
            // Room for it was set aside with the record before, but opening the store gave that back.
            self.grow_head(self.files.get(self.head.file).used + FRAME_EXTRA, purpose)?;
        }
        self.ask_disk(|disk| {
            disk.create(file)?;
            disk.allocate(file, allocated.into()).inspect_err(|_| {
                // If even this fails, creating it again is refused until the next start removes it.
                let _ = disk.remove(file);
            })
        })?;
        if self.head.last != Last::End {
            self.push(Kind::End, &[]);
        }
        let previous = self.head_batch().tag();
        let oldest = self.oldest_for_header();
        let header = self.seal.header(file, oldest, previous);
        let mut batch = Batch::new(file, 0, previous);
        batch.bytes.extend_from_slice(&header);
        self.batches.push(batch);
        self.files.insert(file, Extent { allocated, used: HEADER, live: 0 });
        self.head = Head { file, last: Last::Other };
        self.something_is_unsynced();
        Ok(())
    }

    fn permit(&self, growth: u32, purpose: Purpose) -> Result<(), Full> {
        let kept_free = match purpose {
            Purpose::Fact => 2 * self.shape.reserve_bytes(),
            Purpose::Housekeeping => self.shape.reserve_bytes(),
            Purpose::Copy => return Ok(()),
        };
        let after = self.bytes_on_disk() + u64::from(growth);
        if after + kept_free <= self.options.bytes_max { Ok(()) } else { Err(Full::Limit) }
    }

    fn ask_disk(&mut self, ask: impl FnOnce(&mut dyn Disk) -> io::Result<()>) -> Result<(), Full> {
        if let Some((_, kind)) = self.full.filter(|(until, _)| self.now_ms < *until) {
            return Err(Full::Disk(kind));
        }
        let outcome = ask(&mut *self.disk).map_err(|error| error.kind());
        self.full = outcome.err().map(|kind| (self.now_ms + LOG_FULL_RETRY_MS, kind));
        outcome.map_err(Full::Disk)
    }

    /// Seals a frame at the end of the log, where there is room.
    fn push(&mut self, kind: Kind, payload: &[u8]) -> Place {
        let before = if self.is_synced() { Before::Synced } else { Before::Unknown };
        let file = self.head.file;
        let batch = self.batches.last_mut().expect("the head has a batch");
        let offset = batch.end();
        self.seal.seal(Spot { file, offset }, kind, before, payload, &mut batch.bytes);
        let end = batch.end();
        self.files.set_used(file, end);
        self.something_is_unsynced();
        self.head.last = match kind {
            Kind::End => Last::End,
            Kind::Mark => Last::Mark,
            Kind::Payload | Kind::Oldest => Last::Other,
        };
        Place { file, offset, bytes: end - offset }
    }

    /// The deadline of an earlier frame stands: a new file must not put off the sync for ever.
    fn something_is_unsynced(&mut self) {
        if self.is_synced() {
            self.unsynced = Unsynced::Unwritten;
        }
    }

    fn head_batch(&self) -> &Batch {
        self.batches.last().expect("the head has a batch")
    }

    /// True when everything appended to `file` is written, so that it can be read from the disk.
    pub(super) fn is_written(&self, file: u32) -> bool {
        self.batches.iter().all(|batch| batch.file != file || batch.unwritten().is_empty())
    }

    pub(super) fn read_disk(
        &mut self,
        file: u32,
        offset: u32,
        out: &mut [u8],
    ) -> Result<(), StoreError> {
        let read = self.disk.read_at(file, offset.into(), out);
        read.map_err(|error| self.io_error("read", file, error))
    }

    pub(super) fn io_error(
        &self,
        attempted: &'static str,
        file: u32,
        error: io::Error,
    ) -> StoreError {
        StoreError::Io { attempted, path: self.disk.path(file), error }
    }

    pub(super) fn damage(&self, file: u32, offset: u32, what: &'static str) -> StoreError {
        StoreError::Damage { file: self.disk.path(file), offset, what }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("directory", &self.disk.directory()).finish_non_exhaustive()
    }
}
