//! Compaction's share of a turn: the store hands out the records of its oldest file, the house writes again what is
//! still true.

use log::error;

use crate::core::{Now, Record};
use crate::limits::COMPACT_BYTES_PER_TURN;
use crate::server::hub::Hub;
use crate::server::post::core_place;
use crate::server::socket::Socket;
use crate::store::{Full, Step};

impl<S: Socket> Hub<S> {
    /// Has all of the log moved by the next turns, as [`crate::store::Store::compact_all`] says: for tests.
    ///
    /// # Errors
    /// [`Full`] if there is no space for a new file.
    pub fn compact_all(&mut self, now: Now) -> Result<(), Full> {
        self.post.store.begin_turn(now.ms);
        self.post.store.compact_all()
    }

    /// Compacts a bounded piece. Damage is reported and left alone: the chat goes on.
    pub(super) fn compact(&mut self, now: Now) {
        let mut budget = COMPACT_BYTES_PER_TURN.max(2 * self.post.store.unwritten_bytes());
        let mut payload = std::mem::take(&mut self.payload);
        while budget > 0 {
            match self.post.store.compact_next(&mut payload) {
                // What the server's own numbers were is in the file that goes: they are written again first.
                Ok(Step::Began) => self.house.save_numbers(now, &mut self.post),
                Ok(Step::Record(place)) => {
                    budget = budget.saturating_sub(place.bytes as usize);
                    let record = Record::decode(&payload).expect("what was opened can be read");
                    if self.house.relocate(&record, core_place(place), &mut self.post).is_err() {
                        break;
                    }
                }
                Ok(Step::Idle | Step::Finished) => break,
                Err(error) => {
                    error!("compaction stops: {error}");
                    break;
                }
            }
        }
        self.payload = payload;
    }
}
