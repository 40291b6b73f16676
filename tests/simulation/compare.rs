//! After a turn: what was sent is compared with what the model says, byte by byte.

use crate::driver::{Checked, Driver};
use crate::expect::{Found, Stamp, text};
use crate::network::Act;

impl Driver {
    /// What was sent is what should have been, and all of it.
    pub fn compare(&mut self, acts: &[(usize, Act)]) -> Checked {
        for (c, act) in acts {
            match act {
                Act::Wrote(bytes) => self.compare_bytes(*c, bytes)?,
                Act::Ended => {
                    if self.model.conns[*c].open || !self.model.conns[*c].expected.is_done() {
                        return Err(format!("connection {c} is ended too soon"));
                    }
                    // A few peers keep their side open and have to be waited for.
                    if !c.is_multiple_of(5) {
                        self.network.end(*c);
                        self.network.deliver(*c, usize::MAX);
                    }
                }
                _ => {}
            }
        }
        let waiting = self.hub().is_waiting();
        for &c in self.slots.values() {
            let conn = &mut self.model.conns[c];
            // A long list goes on in the next turn.
            let busy = self.network.is_full(c) || waiting && conn.expected.is_long();
            if !busy && !conn.expected.is_done() {
                let missing = conn.expected.bytes();
                return Err(format!(
                    "connection {c} was not sent {missing} bytes: {:?}",
                    conn.expected
                ));
            }
        }
        Ok(())
    }

    fn compare_bytes(&mut self, c: usize, bytes: &[u8]) -> Checked {
        let mut found = Vec::new();
        let expected = &mut self.model.conns[c].expected;
        let compared = expected.compare(bytes, &mut found);
        compared.map_err(|what| format!("connection {c}, sent {}: {what}", text(bytes)))?;
        for found in found {
            match found {
                Found::Number(stamp, number) => self.compare_number(stamp, number)?,
                Found::Nonce(nonce) => self.model.read_nonce(c, nonce),
            }
        }
        self.digest.add(&(c as u64).to_le_bytes());
        self.digest.add(&(bytes.len() as u64).to_le_bytes());
        self.digest.add(bytes);
        Ok(())
    }

    /// A status number changes exactly when it should, and is none from before a restart.
    fn compare_number(&mut self, stamp: Stamp, number: u32) -> Checked {
        if i32::try_from(number).is_err() {
            return Err(format!("{number} does not fit 31 bits"));
        }
        if let Some(&before) = self.known.get(&stamp) {
            if before != number {
                return Err(format!("{stamp:?} was {before} and is {number} without a change"));
            }
            return Ok(());
        }
        let seen = self.stamps.entry(stamp.counter).or_default();
        if let Some(other) = seen.insert(number, stamp.clone()) {
            return Err(format!("{number} stands for {other:?} and for {stamp:?}"));
        }
        self.known.insert(stamp, number);
        Ok(())
    }

    /// Numbers of this epoch may be given out again: the disk was full and refused the bound above them.
    pub fn forget_stamps(&mut self) {
        let epoch = self.model.epoch;
        self.known.retain(|stamp, _| stamp.epoch != epoch);
        for seen in self.stamps.values_mut() {
            seen.retain(|_, stamp| stamp.epoch != epoch);
        }
    }

    /// A new hub counts from nought.
    pub fn refused_begins_anew(&mut self) {
        self.refused = 0;
        self.held.iter_mut().for_each(Vec::clear);
    }
}
