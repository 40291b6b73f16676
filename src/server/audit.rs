//! The hub checks itself: whether everything that waits is waited for, and what is referred to is there.
//!
//! For tests and simulation, which ask after each turn. Changes nothing.

use std::collections::BTreeMap;

use crate::server::connection::{Connection, Peer, Phase};
use crate::server::hub::Hub;
use crate::server::socket::Socket;

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

impl<S: Socket> Hub<S> {
    /// The slots that the next turn serves, in this order.
    #[must_use]
    pub fn ready(&self) -> &[u32] {
        &self.ready
    }

    /// Bytes that were read from the connection in a slot and have to wait.
    #[must_use]
    pub fn held(&self, slot: u32) -> usize {
        self.post.connections.get(slot as usize).map_or(0, |connection| connection.held.len())
    }

    /// Events that have been rendered since the start: one for each dialect among the readers of each.
    #[must_use]
    pub fn renderings(&self) -> u64 {
        self.post.tally.renderings
    }

    /// Records that the log has refused since the start.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.post.tally.records_refused
    }

    /// Blocks of rendered bytes in use.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.post.pool.blocks()
    }

    /// Bytes that the log takes on the disk.
    #[must_use]
    pub fn bytes_on_disk(&self) -> u64 {
        self.post.store.bytes_on_disk()
    }

    /// Whether the hub, the house and the store agree with themselves and each other. Holds between turns.
    ///
    /// # Errors
    /// What does not, as a sentence for whoever reads a failed test.
    pub fn audit(&self) -> Result<(), String> {
        self.house.audit()?;
        self.audit_store()?;
        self.audit_lists()?;
        let connections = || self.post.connections.iter().map(|(_, connection)| connection);
        let deferred = connections().filter_map(|connection| connection.deferred.as_ref());
        let deferred = deferred.map(|deferred| &deferred.events);
        self.post.pool.audit(connections().map(|connection| &connection.queue).chain(deferred))?;
        let mut open = 0;
        for connection in connections() {
            self.audit_connection(connection)
                .map_err(|what| format!("{}: {what}", connection.address))?;
            open += usize::from(connection.phase == Phase::Open);
        }
        ensure(open == self.house.sessions().count(), || "sessions without a connection".into())?;
        let idle = self.post.connections.is_empty();
        ensure(!idle || self.shared.bodies_bytes == 0, || "bodies of nobody".into())
    }

    /// What the house needs is what the store counts as in use.
    fn audit_store(&self) -> Result<(), String> {
        let mut needed = self.house.bytes_needed();
        for (file, bytes) in self.post.store.bytes_in_use() {
            let wanted = needed.remove(&file).unwrap_or(0);
            ensure(u64::from(bytes) == wanted, || {
                format!("log file {file} counts {bytes} bytes in use, and {wanted} are needed")
            })?;
        }
        ensure(needed.is_empty(), || format!("needed in files that are gone: {needed:?}"))
    }

    fn audit_lists(&self) -> Result<(), String> {
        let mut counts = BTreeMap::new();
        for (_, connection) in &self.post.connections {
            *counts.entry(connection.address.ip()).or_insert(0) += 1;
        }
        ensure(counts == self.addresses, || "connections by address are miscounted".into())?;
        for &(due, index) in &self.timers {
            let connection = self.post.connections.get(index as usize);
            let known = connection.is_some_and(|connection| connection.timer == due);
            ensure(known, || format!("a timer of slot {index} that it does not know"))?;
        }
        let timers = self.post.connections.iter().filter(|(_, other)| other.timer != 0).count();
        ensure(timers == self.timers.len(), || "a timer that will not run".into())?;
        let listed = self.post.connections.iter().filter(|(_, other)| other.listed);
        let lost = listed.map(|(index, _)| index as u32).find(|index| !self.ready.contains(index));
        ensure(lost.is_none(), || format!("slot {lost:?} waits to be served and never will"))
    }

    /// Whoever waits is waited for: by a list, by a timer, or by a socket that will tell.
    fn audit_connection(&self, connection: &Connection<S>) -> Result<(), String> {
        let index = connection.id.index;
        let waits_to_send = connection.touched || self.writable.contains(&index);
        let open = connection.phase == Phase::Open;
        ensure(open == self.house.standing(connection.id).is_some(), || {
            format!("a session of a connection that is {:?}", connection.phase)
        })?;
        let sends = connection.queue.is_empty() || connection.blocked || waits_to_send;
        ensure(sends, || "something to send and nobody sends it".into())?;
        let lists = self.house.is_listing(connection.id);
        let message = connection.deferred.as_ref().is_some_and(|it| it.message.is_some());
        let long = lists || message;
        ensure(connection.deferred.is_some() == long, || "a long answer out of step".into())?;
        let too_much = connection.events_waiting() > self.config.send_queue_bytes as usize;
        let marked = self.overflowed.iter().any(|&(id, _)| id == connection.id);
        ensure(!too_much || marked || waits_to_send, || "too much waits for it".into())?;
        match connection.phase {
            Phase::Open if self.is_answering(index) => {
                let goes_on =
                    connection.blocked || waits_to_send || self.house.is_busy(connection.id);
                ensure(goes_on, || "it waits for an answer that is not coming".into())?;
                let list_goes_on = !lists || connection.blocked || waits_to_send;
                ensure(list_goes_on, || "a list that nobody goes on with".into())
            }
            Phase::Open if connection.has_input() => {
                // The end of a long answer that the next turn sends makes it be served, too.
                let served = connection.listed || connection.timer != 0 || waits_to_send;
                ensure(served, || "it has input that nobody reads".into())
            }
            Phase::Open => {
                let noticed = connection.peer != Peer::Finished || waits_to_send;
                ensure(noticed, || "its peer has gone unnoticed".into())
            }
            Phase::Flushing => {
                let stalls = connection.blocked && connection.timer != 0;
                ensure(waits_to_send || stalls || marked, || "it is never closed".into())
            }
            Phase::Lingering => ensure(connection.timer != 0, || "it lingers for ever".into()),
        }
    }
}
