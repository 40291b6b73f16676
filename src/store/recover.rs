//! Opening the log: every file is read once, every frame unsealed once, every record visited in order.
//!
//! Owns the decision between a torn end, which is dropped, and damage, which is refused. Does not know what the records
//! say. Invariant: an opening that is refused has changed nothing on the disk.
//!
//! The decision: a frame says whether all in front of it had been synced when it was sealed. Where a frame does not
//! verify in the last file, it is damaged if any whole frame behind it says so, and else torn. In every other file it
//! is damaged, because a file is synced before the next one is begun.

use std::io;

use crate::limits::LOG_SEARCH_BYTES;
use crate::store::account::{Account, Extent};
use crate::store::disk::Disk;
use crate::store::key::Key;
use crate::store::log::{Found, HEADER, Head, Last, Store};
use crate::store::seal::{
    Before, FRAME_EXTRA, HEADER_BYTES, Header, HeaderRead, Kind, Seal, Spot, TAG_BYTES, Tag, Word,
};
use crate::store::{Options, Place, Report, Shape, StoreError, Torn, Visit};

/// Opens the log on `disk`, or begins one where there is none. `visit` is called with each record, oldest first; each
/// counts as in use until [`Store::retire`] is told otherwise, and one that was being copied when the server stopped
/// may come twice. Costs one reading and unsealing of all that is stored.
///
/// # Errors
/// [`StoreError::WrongKey`], [`StoreError::Unsupported`], [`StoreError::Damage`], [`StoreError::Rejected`],
/// [`StoreError::Io`]. The disk is then as it was.
pub fn open(
    disk: Box<dyn Disk>,
    key: &Key,
    options: Options,
    visit: &mut Visit<'_>,
) -> Result<(Store, Report), StoreError> {
    open_shaped(disk, key, options, Shape::STANDARD, visit)
}

/// [`open`] for a log whose files have another size.
///
/// # Errors
/// As [`open`].
pub fn open_shaped(
    disk: Box<dyn Disk>,
    key: &Key,
    options: Options,
    shape: Shape,
    visit: &mut Visit<'_>,
) -> Result<(Store, Report), StoreError> {
    let mut opening = Opening {
        disk,
        shape,
        seal: Seal::new(key, [0; 16]),
        buffer: Vec::new(),
        files: Account::default(),
        report: Report::default(),
    };
    let numbers = opening.list()?;
    let (head, tag) = if opening.is_unborn(&numbers)? {
        opening.begin(&numbers)?
    } else {
        opening.resume(&numbers, visit)?
    };
    let Opening { disk, seal, files, report, .. } = opening;
    Ok((Store::resume(Found { disk, seal, options, shape, files, head, tag }), report))
}

/// What the beginning of a file is.
#[derive(Clone, Copy)]
enum Beginning {
    Header(Header),
    /// Shorter than a header, or zeros where it would be: power was lost while it was begun.
    Unwritten,
    Unverified,
    Alien,
}

struct Opening {
    disk: Box<dyn Disk>,
    shape: Shape,
    seal: Seal,
    /// The file under examination.
    buffer: Vec<u8>,
    files: Account,
    report: Report,
}

/// The frames of one file, as far as they verify.
struct Walked {
    /// Bytes of header and whole frames.
    end: u32,
    tag: Tag,
    last: Last,
}

/// How the log lies on the disk.
struct Layout {
    oldest: u32,
    last: u32,
    /// Files before the oldest.
    leftovers: Vec<u32>,
    /// Files behind the last, begun and not written.
    unwritten: Vec<u32>,
}

impl Opening {
    fn list(&mut self) -> Result<Vec<u32>, StoreError> {
        let listed = self.disk.list();
        listed.map_err(|error| StoreError::Io {
            attempted: "list",
            path: self.disk.directory(),
            error,
        })
    }

    /// True if there is no log, or only a first file that power was lost over before anything was in it. A header is
    /// written and synced before that file is longer, so a longer one of zeros was something once.
    fn is_unborn(&mut self, numbers: &[u32]) -> Result<bool, StoreError> {
        match numbers {
            [] => Ok(true),
            [1] if self.length(1)? <= HEADER => {
                self.load(1)?;
                Ok(self.buffer.iter().all(|byte| *byte == 0))
            }
            _ => Ok(false),
        }
    }

    fn begin(&mut self, numbers: &[u32]) -> Result<(Head, Tag), StoreError> {
        const FIRST: u32 = 1;
        let id = self.disk.new_store_id();
        self.seal
            .set_store(id.map_err(|error| self.io_error("make an identity for", FIRST, error))?);
        let header = self.seal.header(FIRST, FIRST, [0; TAG_BYTES]);
        if numbers.is_empty() {
            let created = self.disk.create(FIRST);
            created.map_err(|error| self.io_error("create", FIRST, error))?;
        }
        let written = self.disk.write_at(FIRST, 0, &header).inspect_err(|_| {
            // Part of it may stand there, which the next start could not tell from damage. If it cannot be taken away
            // either, the next start says so.
            let _ = self.disk.truncate(FIRST, 0);
        });
        written.map_err(|error| self.io_error("write", FIRST, error))?;
        self.sync(FIRST)?;
        self.sync_dir()?;
        self.files.insert(FIRST, Extent { allocated: HEADER, used: HEADER, live: 0 });
        Ok((Head { file: FIRST, last: Last::Other }, tag_at(&header, HEADER_BYTES)))
    }

    fn resume(
        &mut self,
        numbers: &[u32],
        visit: &mut Visit<'_>,
    ) -> Result<(Head, Tag), StoreError> {
        let layout = self.survey(numbers)?;
        let mut previous = None;
        for file in layout.oldest..layout.last {
            let walked = self.walk(file, previous, visit)?;
            self.expect_end(file, &walked)?;
            previous = Some(walked.tag);
        }
        let walked = self.walk(layout.last, previous, visit)?;
        self.judge_last(&layout, &walked)?;
        self.tidy(&layout, walked.end)?;
        self.report.bytes = self.files.allocated();
        Ok((Head { file: layout.last, last: walked.last }, walked.tag))
    }

    /// Finds which files are the log, from their headers and the last one's notes.
    fn survey(&mut self, numbers: &[u32]) -> Result<Layout, StoreError> {
        let mut beginnings = Vec::with_capacity(numbers.len());
        for file in numbers {
            beginnings.push((*file, self.beginning(*file)?));
        }
        let header = newest_header(&beginnings).ok_or_else(|| self.no_header(&beginnings))?;
        self.seal.set_store(header.store);
        let last = header.file;
        let mut unwritten = Vec::new();
        for (file, beginning) in &beginnings {
            match beginning {
                Beginning::Header(found) if found.file != *file => {
                    return Err(self.damage(*file, 24, "it is another file of the log, renamed"));
                }
                Beginning::Header(found) if found.store != header.store => {
                    return Err(self.damage(*file, 8, "it belongs to another server"));
                }
                Beginning::Header(_) => {}
                Beginning::Unwritten if *file > last => unwritten.push(*file),
                Beginning::Unverified | Beginning::Alien
                    if *file > last && self.holds_no_frame(*file)? =>
                {
                    unwritten.push(*file);
                }
                Beginning::Unwritten | Beginning::Unverified | Beginning::Alien => {
                    return Err(self.damage(*file, 0, "the header does not verify"));
                }
            }
        }
        let oldest = self.oldest(header)?;
        for file in oldest..=last {
            if numbers.binary_search(&file).is_err() {
                return Err(self.damage(file, 0, "the file is missing"));
            }
        }
        let leftovers = numbers.iter().copied().filter(|file| *file < oldest).collect();
        Ok(Layout { oldest, last, leftovers, unwritten })
    }

    /// True if nothing stands behind a file's header: a write that failed may have left part of that.
    fn holds_no_frame(&mut self, file: u32) -> Result<bool, StoreError> {
        self.load(file)?;
        Ok(written_bytes(&self.buffer) <= HEADER_BYTES)
    }

    fn beginning(&mut self, file: u32) -> Result<Beginning, StoreError> {
        let length = self.length(file)?;
        if length < HEADER {
            return Ok(Beginning::Unwritten);
        }
        let mut bytes = [0; HEADER_BYTES];
        self.read(file, &mut bytes)?;
        match self.seal.read_header(&bytes) {
            HeaderRead::Good(header) => Ok(Beginning::Header(header)),
            // No version is 0: what stands there was not written to its end.
            HeaderRead::Version(0) => Ok(Beginning::Unverified),
            HeaderRead::Version(version) => {
                Err(StoreError::Unsupported { file: self.disk.path(file), version })
            }
            HeaderRead::Unverified => Ok(Beginning::Unverified),
            HeaderRead::Alien if bytes == [0; HEADER_BYTES] => Ok(Beginning::Unwritten),
            HeaderRead::Alien => Ok(Beginning::Alien),
        }
    }

    /// Why none of the files has a header that verifies.
    fn no_header(&self, beginnings: &[(u32, Beginning)]) -> StoreError {
        let unverified =
            beginnings.iter().rfind(|(_, beginning)| matches!(beginning, Beginning::Unverified));
        match (unverified, beginnings.first()) {
            (Some((file, _)), _) => StoreError::WrongKey { file: self.disk.path(*file) },
            (None, Some((file, _))) => self.damage(*file, 0, "it has no header of a log"),
            (None, None) => unreachable!("a log without files was begun"),
        }
    }

    /// The oldest file of the log: what the last header says, or a later note in the same file. Only a note that
    /// vouches for all in front of it counts: what it lets go was copied into that.
    fn oldest(&mut self, header: Header) -> Result<u32, StoreError> {
        let mut oldest = header.oldest;
        if oldest == header.file {
            return Ok(oldest);
        }
        self.load(header.file)?;
        let mut at = HEADER_BYTES;
        while let Some(word) = Word::read(&self.buffer, at) {
            if word.kind == Kind::Oldest && word.before == Before::Synced {
                let spot = Spot { file: header.file, offset: at as u32 };
                let opened = self.seal.unseal(spot, &mut self.buffer, at - TAG_BYTES);
                if let Some(Ok(number)) = opened.map(|(_, body)| <[u8; 4]>::try_from(body)) {
                    oldest = oldest.max(u32::from_le_bytes(number));
                }
            }
            at += word.frame_bytes() as usize;
        }
        Ok(oldest)
    }

    /// Reads a file and visits its records, up to the first frame that is none.
    fn walk(
        &mut self,
        file: u32,
        previous: Option<Tag>,
        visit: &mut Visit<'_>,
    ) -> Result<Walked, StoreError> {
        self.load(file)?;
        let chained: Tag = self.buffer[32..48].try_into().expect("the header has this field");
        if previous.is_some_and(|tag| tag != chained) {
            return Err(self.damage(file, 32, "it does not follow the file before it"));
        }
        let mut live = 0;
        let mut last = Last::Other;
        let mut at = HEADER_BYTES;
        while last != Last::End {
            let offset = at as u32;
            let spot = Spot { file, offset };
            let Some((word, body)) = self.seal.unseal(spot, &mut self.buffer, at - TAG_BYTES)
            else {
                break;
            };
            last = match word.kind {
                Kind::Payload => {
                    let place = Place { file, offset, bytes: word.frame_bytes() };
                    let visited = visit(place, body);
                    visited.map_err(|_| self.rejected(place))?;
                    live += place.bytes;
                    self.report.records += 1;
                    Last::Other
                }
                Kind::Oldest => Last::Other,
                Kind::Mark => Last::Mark,
                Kind::End => Last::End,
            };
            at += word.frame_bytes() as usize;
        }
        let allocated = self.buffer.len() as u32;
        self.files.insert(file, Extent { allocated, used: at as u32, live });
        Ok(Walked { end: at as u32, tag: tag_at(&self.buffer, at), last })
    }

    fn expect_end(&self, file: u32, walked: &Walked) -> Result<(), StoreError> {
        if walked.last != Last::End {
            return Err(self.damage(file, walked.end, "the record does not verify"));
        }
        self.expect_zeros(file, walked.end)
    }

    fn expect_zeros(&self, file: u32, from: u32) -> Result<(), StoreError> {
        if written_bytes(&self.buffer[from as usize..]) > 0 {
            return Err(self.damage(file, from, "something stands behind the end of the file"));
        }
        Ok(())
    }

    /// Decides what the bytes behind the last whole frame are. The last file is in the buffer.
    fn judge_last(&mut self, layout: &Layout, walked: &Walked) -> Result<(), StoreError> {
        let file = layout.last;
        let torn = written_bytes(&self.buffer[walked.end as usize..]);
        if walked.last == Last::End {
            self.expect_zeros(file, walked.end)?;
        } else if torn > 0 {
            if self.witness(file, walked.end as usize + 1) {
                return Err(self.damage(file, walked.end, "the record does not verify"));
            }
            self.note_torn(file, walked.end, torn);
        }
        for file in &layout.unwritten {
            self.load(*file)?;
            let torn = written_bytes(&self.buffer);
            if torn == 0 {
                continue;
            }
            if walked.last != Last::End {
                let what = "the file does not end, but the next one begins";
                return Err(self.damage(layout.last, walked.end, what));
            }
            if self.witness(*file, HEADER_BYTES) {
                return Err(self.damage(*file, 0, "the header is missing"));
            }
            self.note_torn(*file, 0, torn);
        }
        Ok(())
    }

    fn note_torn(&mut self, file: u32, offset: u32, bytes: usize) {
        let path = self.disk.path(file);
        let torn = self.report.torn.get_or_insert(Torn { file: path, offset, bytes: 0 });
        torn.bytes += bytes as u64;
    }

    /// True if a whole frame at `from` or behind it, in the buffer, says that all before it had been synced.
    fn witness(&mut self, file: u32, from: usize) -> bool {
        let written = written_bytes(&self.buffer);
        for at in from..written.saturating_sub(FRAME_EXTRA as usize - TAG_BYTES) {
            let Some(word) = Word::read(&self.buffer, at) else {
                continue;
            };
            let next = at + word.frame_bytes() as usize;
            let likely = word.length as usize <= LOG_SEARCH_BYTES
                || Word::read(&self.buffer, next).is_some()
                || written <= next;
            if word.before == Before::Synced && likely {
                let spot = Spot { file, offset: at as u32 };
                if self.seal.unseal(spot, &mut self.buffer, at - TAG_BYTES).is_some() {
                    return true;
                }
            }
        }
        false
    }

    /// Changes the disk to what was found: from here on the log is accepted. All of it is synced, so that the next
    /// frame can say so.
    fn tidy(&mut self, layout: &Layout, end: u32) -> Result<(), StoreError> {
        for file in layout.unwritten.iter().rev().chain(&layout.leftovers) {
            self.disk.remove(*file).map_err(|error| self.io_error("remove", *file, error))?;
        }
        self.report.leftovers = layout.leftovers.len() as u32;
        let file = layout.last;
        if self.files.get(file).allocated > end {
            let cut = self.disk.truncate(file, end.into());
            cut.map_err(|error| self.io_error("truncate", file, error))?;
            self.files.set_allocated(file, end);
        }
        self.sync(file)?;
        self.sync_dir()
    }

    fn length(&mut self, file: u32) -> Result<u32, StoreError> {
        let length = self.disk.length(file);
        let length = length.map_err(|error| self.io_error("examine", file, error))?;
        let longest = self.shape.file_bytes;
        match u32::try_from(length) {
            Ok(length) if length <= longest => Ok(length),
            Ok(_) | Err(_) => Err(self.damage(file, longest, "it is longer than a file can be")),
        }
    }

    fn load(&mut self, file: u32) -> Result<(), StoreError> {
        let length = self.length(file)? as usize;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(length, 0);
        let read = self.read(file, &mut buffer);
        self.buffer = buffer;
        read
    }

    fn read(&mut self, file: u32, out: &mut [u8]) -> Result<(), StoreError> {
        let read = self.disk.read_at(file, 0, out);
        read.map_err(|error| self.io_error("read", file, error))
    }

    fn sync(&mut self, file: u32) -> Result<(), StoreError> {
        self.disk.sync(file).map_err(|error| self.io_error("sync", file, error))
    }

    fn sync_dir(&mut self) -> Result<(), StoreError> {
        self.disk.sync_dir().map_err(|error| StoreError::Io {
            attempted: "sync",
            path: self.disk.directory(),
            error,
        })
    }

    fn io_error(&self, attempted: &'static str, file: u32, error: io::Error) -> StoreError {
        StoreError::Io { attempted, path: self.disk.path(file), error }
    }

    fn damage(&self, file: u32, offset: u32, what: &'static str) -> StoreError {
        StoreError::Damage { file: self.disk.path(file), offset, what }
    }

    fn rejected(&self, place: Place) -> StoreError {
        StoreError::Rejected { file: self.disk.path(place.file), offset: place.offset }
    }
}

fn newest_header(beginnings: &[(u32, Beginning)]) -> Option<Header> {
    beginnings.iter().rev().find_map(|(_, beginning)| match beginning {
        Beginning::Header(header) => Some(*header),
        Beginning::Unwritten | Beginning::Unverified | Beginning::Alien => None,
    })
}

/// The tag that ends at `end`.
fn tag_at(bytes: &[u8], end: usize) -> Tag {
    bytes[end - TAG_BYTES..end].try_into().expect("a header is longer than a tag")
}

/// Bytes up to the last that is not zero.
fn written_bytes(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)
}
