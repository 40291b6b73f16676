//! After a turn: the model is told what the hub did, in the hub's order.
//!
//! The order of a turn: those who let too much wait are dropped; connections are served; what is due by itself happens;
//! the log is written; everything is sent, and who cannot be sent to is lost.

use std::collections::BTreeMap;

use mecd::core::Standing;

use crate::driver::{Checked, Driver};
use crate::network::Act;
use crate::plan::Flavour;

impl Driver {
    /// Tells the model what the hub did, in the hub's order.
    pub fn replay(&mut self, order: &[u32], acts: &[(usize, Act)], good: bool) -> Checked {
        let mut reads: BTreeMap<usize, Vec<&Act>> = BTreeMap::new();
        for (c, act) in acts {
            if matches!(act, Act::Read(_) | Act::ReadEnd | Act::ReadBroken) {
                reads.entry(*c).or_default().push(act);
            }
        }
        self.replay_overflows(acts)?;
        for &slot in order {
            if let Some(&c) = self.slots.get(&slot) {
                self.replay_serving(c, &reads.remove(&c).unwrap_or_default())?;
            }
        }
        if let Some((c, _)) = reads.iter().find(|(c, _)| self.model.conns[**c].open) {
            return Err(format!("connection {c} was read from out of order"));
        }
        self.replay_timers(acts)?;
        self.model.tick();
        self.put_late_idle_off();
        if good {
            self.model.commit();
        }
        for (c, act) in acts {
            if *act == Act::WriteBroken && self.model.conns[*c].open {
                self.model.disconnect(*c);
            }
        }
        self.replay_lost_messages();
        self.replay_late_ends()?;
        for (c, act) in acts {
            if *act == Act::Dropped {
                self.model.conns[*c].gone = true;
                self.model.conns[*c].lines = crate::lines::Lines::new();
                self.slots.remove(&self.model.conns[*c].id.index);
                if self.model.conns[*c].open {
                    return Err(format!("connection {c} was dropped without a reason"));
                }
            }
        }
        self.compare_standing()
    }

    /// Those who let too much wait were dropped before anything else.
    fn replay_overflows(&mut self, acts: &[(usize, Act)]) -> Checked {
        for (c, act) in acts {
            let conn = &self.model.conns[*c];
            let end = |act: &Act| {
                matches!(act, Act::ReadEnd | Act::Ended | Act::ReadBroken | Act::WriteBroken)
            };
            let explained = conn.ended || acts.iter().any(|(other, act)| other == c && end(act));
            if *act != Act::Dropped || !conn.open || explained {
                continue;
            }
            let bytes = conn.expected.bytes();
            if bytes <= self.queue_bytes {
                return Err(format!(
                    "connection {c} was dropped while {bytes} bytes waited for it"
                ));
            }
            self.model.disconnect(*c);
        }
        Ok(())
    }

    fn replay_serving(&mut self, c: usize, reads: &[&Act]) -> Checked {
        if !self.model.conns[c].open {
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.held[c]);
        for act in reads {
            if let Act::Read(read) = act {
                bytes.extend_from_slice(read);
            }
        }
        let over = self.standing(c).is_none();
        if over {
            self.model.serve_until_waiting(c, &bytes);
            bytes.clear();
        }
        let slot = self.model.conns[c].id.index;
        let held = if over { 0 } else { self.hub().held(slot) };
        let Some(served) = bytes.len().checked_sub(held) else {
            return Err(format!("connection {c}: {held} bytes are held of {}", bytes.len()));
        };
        self.held[c] = bytes.split_off(served);
        self.model.serve(c, &bytes);
        for act in reads {
            match act {
                Act::ReadEnd => self.model.end(c),
                Act::ReadBroken if self.model.conns[c].open => self.model.disconnect(c),
                _ => {}
            }
        }
        Ok(())
    }

    fn standing(&self, c: usize) -> Option<Standing> {
        self.hub().house().standing(self.model.conns[c].id)
    }

    /// What happened by itself: silence, attempts that waited, log-in times.
    fn replay_timers(&mut self, acts: &[(usize, Act)]) -> Checked {
        let conns: Vec<usize> = self.slots.values().copied().collect();
        for &c in &conns {
            let conn = &self.model.conns[c];
            // Where an attempt was due too, the answer tells which of the two came first.
            let answered = acts.iter().any(|(other, act)| {
                *other == c && matches!(act, Act::Wrote(bytes) if bytes.starts_with(b"@status"))
            });
            let tried = conn.attempt.as_ref().is_some_and(|(due, _)| *due <= self.now) && answered;
            if self.is_silent(c) && !tried && self.standing(c).is_none() {
                self.model.dismiss(c);
            }
        }
        let mut tried: Vec<(bool, bool, u64, usize)> = Vec::new();
        for &c in &conns {
            let conn = &self.model.conns[c];
            let Some((due, attempt)) = &conn.attempt else { continue };
            // Before its time it can only have gone with its connection.
            let lost = *due > self.now && self.standing(c).is_none();
            if conn.open && !lost && !self.hub().house().is_busy(conn.id) {
                let hash = self.model.takes_hash(c, attempt);
                // Refusals need no hash and come first; of those that need one, a turn has time for one.
                tried.push((hash, hash && self.standing(c).is_none(), *due, c));
            }
        }
        tried.sort_unstable();
        for (_, _, _, c) in tried {
            self.model.carry_out(c)?;
        }
        let mut late = 0;
        for &c in &conns {
            let conn = &self.model.conns[c];
            let stranger = conn.open && conn.user.is_none() && conn.attempt.is_none();
            if !stranger || conn.login_by > self.now {
                continue;
            }
            if self.standing(c).is_none() {
                self.model.dismiss(c);
            } else {
                late += 1;
            }
        }
        let goes_on = self.hub().next_deadline().is_some_and(|due| due <= self.now);
        if late > 0 && !goes_on {
            return Err(format!("{late} connections stay that have not logged in in time"));
        }
        Ok(())
    }

    /// A long message went, or could not be read, while it was being sent: its reader is closed.
    fn replay_lost_messages(&mut self) {
        let sick = self.plan.flavour == Flavour::Disk && self.doomed.is_some();
        let conns: Vec<usize> = self.slots.values().copied().collect();
        for c in conns {
            let lost =
                self.model.reads_what_is_gone(c) || sick && self.model.conns[c].expected.is_long();
            if lost && self.model.conns[c].open && self.standing(c).is_none() {
                self.model.dismiss(c);
            }
        }
    }

    /// Peers that had ended while something was still under way for them.
    fn replay_late_ends(&mut self) -> Checked {
        let conns: Vec<usize> = self.slots.values().copied().collect();
        for c in conns {
            if self.model.conns[c].open && self.standing(c).is_none() {
                if !self.model.conns[c].ended {
                    return Err(format!("the session of connection {c} is over without a reason"));
                }
                self.model.disconnect(c);
            }
        }
        Ok(())
    }

    fn compare_standing(&self) -> Checked {
        for &c in self.slots.values() {
            let conn = &self.model.conns[c];
            let expected = match (conn.open, &conn.user) {
                (false, _) => None,
                (true, None) => Some(Standing::Stranger),
                (true, Some(_)) => Some(Standing::User),
            };
            if self.standing(c) != expected {
                let is = self.standing(c);
                return Err(format!("connection {c} is {is:?}, expected {expected:?}"));
            }
        }
        Ok(())
    }
}
