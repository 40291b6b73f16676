//! Compaction: what is still true is copied out of the oldest file to the end of the log, and the file is removed.
//!
//! Owns the decision when that is worth it, and the order in which a file goes. Does not know what is still true: it
//! hands out the records one by one, and the caller appends them again or lets them go.
//!
//! A file goes in this order, so that it may be interrupted anywhere: every record is handed out; all that was appended
//! so far is synced; a frame says that the log now begins with the next file; that is synced; the file is removed.

use crate::limits::{COMPACT_BYTES_PER_TURN, LOG_FULL_RETRY_MS};
use crate::store::log::{HEADER, Store};
use crate::store::seal::{FRAME_EXTRA, Kind, Spot, TAG_BYTES, WORD_BYTES, Word};
use crate::store::{Full, Place, Purpose, Step, StoreError};

/// How far the removal of the oldest file has come.
#[derive(Debug)]
pub(super) enum Compaction {
    /// None is under way.
    Idle,
    /// Its records are being handed out.
    Walking(Walk),
    /// All of them are copied or let go. Waits for a sync; and, where the disk is full, for this time in milliseconds.
    Copied { wait_until: Option<u64> },
    /// A frame or a header that no longer counts the file in is appended. Waits for a sync.
    Recorded,
    /// The file is damaged, and that was reported. It stays until an administrator has seen to it.
    Damaged,
}

/// Where in the oldest file the walk is.
#[derive(Debug)]
pub(super) struct Walk {
    /// The frame to hand out next.
    next: u32,
    /// The one handed out last: the walk goes back to it if its copy was refused.
    handed: u32,
    /// Until when no further step is worth it, because a copy was refused.
    wait_until: Option<u64>,
    /// Bytes of the file from `window_at` on, read ahead.
    window: Vec<u8>,
    window_at: u32,
}

impl Store {
    /// True if [`Store::compact_next`] has something to do. Files are compacted while more than half of the bytes of
    /// all finished files are dead, so that a pass over them copies less than it removes; near the limit, while more
    /// than an eighth is. A log in which all is in use is never copied.
    pub fn compaction_due(&self) -> bool {
        match &self.compaction {
            Compaction::Idle => self.compaction_is_worth_it(),
            Compaction::Walking(walk) => walk.wait_until.is_none_or(|until| until <= self.now_ms),
            Compaction::Copied { .. } | Compaction::Recorded | Compaction::Damaged => false,
        }
    }

    /// Has everything that is in use now moved to a new file, whether that is worth it or not: for tests, which want to
    /// see that nothing depends on where a record stands.
    ///
    /// # Errors
    /// [`Full`] if there is no space for a new file; nothing has changed then.
    pub fn compact_all(&mut self) -> Result<(), Full> {
        self.begin_file(0, Purpose::Copy)?;
        self.compact_before = self.head.file;
        Ok(())
    }

    fn compaction_is_worth_it(&self) -> bool {
        if self.files.oldest() < self.compact_before {
            return true;
        }
        let (used, live) = self.files.finished(self.head.file);
        let dead = used - live;
        dead > used / 2 || self.is_nearly_full() && dead > used / 8
    }

    fn is_nearly_full(&self) -> bool {
        let facts_max = self.options.bytes_max.saturating_sub(2 * self.shape.reserve_bytes());
        self.bytes_on_disk() > facts_max / 8 * 7
    }

    /// True if a file only waits for a sync to go, and its space is needed: the sync is then due at once.
    pub(super) fn compaction_presses(&self) -> bool {
        let waits = match self.compaction {
            Compaction::Copied { wait_until } => wait_until.is_none(),
            Compaction::Recorded => true,
            Compaction::Idle | Compaction::Walking(_) | Compaction::Damaged => false,
        };
        waits && self.is_nearly_full()
    }

    /// Does the next step of compaction. On [`Step::Record`], `payload` holds a record of the oldest file: if it is
    /// still true, append it with [`crate::store::Purpose::Copy`] and retire this place, or retire it and let it go. If
    /// the append is refused, stop for this turn: the record will be handed out again. The caller bounds the bytes per
    /// turn ([`COMPACT_BYTES_PER_TURN`]) by `place.bytes`.
    ///
    /// # Errors
    /// [`StoreError::Damage`] once, if the file does not verify; it is then left alone. [`StoreError::Io`].
    ///
    /// # Panics
    /// If something in the file is still in use when all of it was handed out: removing it would lose that.
    pub fn compact_next(&mut self, payload: &mut Vec<u8>) -> Result<Step, StoreError> {
        if !self.compaction_due() {
            return Ok(Step::Idle);
        }
        match std::mem::replace(&mut self.compaction, Compaction::Damaged) {
            Compaction::Walking(walk) => self.walk_on(walk, payload),
            Compaction::Idle
            | Compaction::Copied { .. }
            | Compaction::Recorded
            | Compaction::Damaged => {
                self.compaction = Compaction::Walking(Walk::new());
                Ok(Step::Began)
            }
        }
    }

    fn walk_on(&mut self, mut walk: Walk, payload: &mut Vec<u8>) -> Result<Step, StoreError> {
        let file = self.files.oldest();
        // Its last batch may still wait for the end of the very turn in which the file was finished.
        if !self.is_written(file) {
            self.compaction = Compaction::Walking(walk);
            return Ok(Step::Idle);
        }
        walk.wait_until = None;
        loop {
            let offset = walk.next;
            let Some((word, body)) = self.walk_frame(file, &mut walk)? else {
                return Err(self.damage(file, offset, "the record does not verify"));
            };
            walk.handed = offset;
            walk.next = offset + word.frame_bytes();
            match word.kind {
                Kind::Payload => {
                    payload.clear();
                    payload.extend_from_slice(&walk.window[body..body + word.length as usize]);
                    self.compaction = Compaction::Walking(walk);
                    return Ok(Step::Record(Place { file, offset, bytes: word.frame_bytes() }));
                }
                Kind::Oldest | Kind::Mark => {}
                Kind::End => {
                    assert_eq!(
                        self.files.get(file).live,
                        0,
                        "all of file {file} was copied or let go"
                    );
                    self.compaction = Compaction::Copied { wait_until: None };
                    return Ok(Step::Finished);
                }
            }
        }
    }

    /// Unseals the next frame in the window, and says where in it the payload begins.
    fn walk_frame(
        &mut self,
        file: u32,
        walk: &mut Walk,
    ) -> Result<Option<(Word, usize)>, StoreError> {
        let used = self.files.get(file).used;
        let least = TAG_BYTES as u32 + FRAME_EXTRA;
        self.fill(file, walk, least.min(used + TAG_BYTES as u32 - walk.next))?;
        let at = (walk.next - TAG_BYTES as u32 - walk.window_at) as usize;
        let Some(frame) = Word::peek(&walk.window, at + TAG_BYTES).map(Word::frame_bytes) else {
            return Ok(None);
        };
        if walk.next + frame > used {
            return Ok(None);
        }
        self.fill(file, walk, TAG_BYTES as u32 + frame)?;
        let at = (walk.next - TAG_BYTES as u32 - walk.window_at) as usize;
        let opened = self.seal.unseal(Spot { file, offset: walk.next }, &mut walk.window, at);
        Ok(opened.map(|(word, _)| (word, at + TAG_BYTES + WORD_BYTES)))
    }

    /// Makes sure that the window holds `bytes` from the tag in front of the next frame on.
    fn fill(&mut self, file: u32, walk: &mut Walk, bytes: u32) -> Result<(), StoreError> {
        let from = walk.next - TAG_BYTES as u32;
        let window_end = walk.window_at + walk.window.len() as u32;
        if walk.window_at <= from && from + bytes <= window_end {
            return Ok(());
        }
        let until = self.files.get(file).used.min(from + bytes.max(COMPACT_BYTES_PER_TURN as u32));
        walk.window_at = from;
        walk.window.clear();
        walk.window.resize((until - from) as usize, 0);
        self.read_disk(file, from, &mut walk.window)
    }

    /// Takes the removal of a file one step on, if nothing waits to be synced. True if something was appended.
    pub(super) fn retirement_advanced(&mut self) -> Result<bool, StoreError> {
        if !self.is_synced() {
            return Ok(false);
        }
        match self.compaction {
            Compaction::Copied { wait_until }
                if wait_until.is_none_or(|until| until <= self.now_ms) =>
            {
                let next = self.files.oldest() + 1;
                if self.append_own(Kind::Oldest, &next.to_le_bytes()).is_err() {
                    let wait_until = Some(self.now_ms + LOG_FULL_RETRY_MS);
                    self.compaction = Compaction::Copied { wait_until };
                    return Ok(false);
                }
                self.compaction = Compaction::Recorded;
                Ok(true)
            }
            Compaction::Recorded => {
                let file = self.files.oldest();
                self.disk.remove(file).map_err(|error| self.io_error("remove", file, error))?;
                self.files.remove(file);
                self.compaction = Compaction::Idle;
                Ok(false)
            }
            Compaction::Idle
            | Compaction::Walking(_)
            | Compaction::Copied { .. }
            | Compaction::Damaged => Ok(false),
        }
    }

    /// The oldest file that a new file's header counts in. Everything before the header is synced before it is
    /// written, so it can stand for the frame that says so.
    pub(super) fn oldest_for_header(&mut self) -> u32 {
        match self.compaction {
            Compaction::Copied { .. } | Compaction::Recorded => {
                self.compaction = Compaction::Recorded;
                self.files.oldest() + 1
            }
            Compaction::Idle | Compaction::Walking(_) | Compaction::Damaged => self.files.oldest(),
        }
    }

    /// A copy was refused: the record it is of will be handed out again, after a while.
    pub(super) fn compaction_refused(&mut self) {
        if let Compaction::Walking(walk) = &mut self.compaction {
            walk.next = walk.handed;
            walk.wait_until = Some(self.now_ms + LOG_FULL_RETRY_MS);
            walk.window = Vec::new();
            walk.window_at = 0;
        }
    }

    pub(super) fn compaction_deadline(&self) -> Option<u64> {
        match &self.compaction {
            Compaction::Walking(walk) => walk.wait_until,
            Compaction::Copied { wait_until } => *wait_until,
            Compaction::Idle | Compaction::Recorded | Compaction::Damaged => None,
        }
    }
}

impl Walk {
    fn new() -> Self {
        Self { next: HEADER, handed: HEADER, wait_until: None, window: Vec::new(), window_at: 0 }
    }
}
