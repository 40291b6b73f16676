//! The reading side: from a socket to the house.
//!
//! One read a turn for each connection, of at most [`READ_BYTES_MAX`] bytes, into one buffer that all share. What
//! cannot be carried out yet (the answer to the line before is not complete, too many lines came, too much waits to be
//! sent) is held, and nothing more is read until it has been.

use std::cmp::Reverse;
use std::io;

use log::debug;

use crate::core::{Now, Outbox, SessionId, Standing};
use crate::dialect::{Dialect, Input, Reader, Request, Voice, web, wipe};
use crate::limits::{BODIES_BYTES_MAX, DISCARDS_PER_TURN, READ_BYTES_MAX, TEXT_BYTES_MAX};
use crate::server::connection::{Connection, Peer, Phase};
use crate::server::desk::Desk;
use crate::server::hub::Hub;
use crate::server::socket::Socket;

/// What a read has brought.
enum Brought {
    /// So many bytes in the shared buffer.
    Read(usize),
    /// Bytes that were held.
    Held(Vec<u8>),
    /// Nothing for now.
    Nothing,
    /// The connection is broken.
    Lost(io::Error),
}

impl<S: Socket> Hub<S> {
    /// Reads from a connection and carries out what it asks.
    pub(super) fn serve(&mut self, now: Now, index: u32) {
        // Who was listed may have gone meanwhile, and another one have come in its place.
        let Some(connection) = self.post.connections.get_mut(index as usize) else { return };
        connection.listed = false;
        match connection.phase {
            Phase::Open => self.converse(now, index),
            Phase::Flushing => {}
            Phase::Lingering => self.discard(index),
        }
    }

    fn converse(&mut self, now: Now, index: u32) {
        if self.must_wait(now, index) {
            self.post.connections[index as usize].halted = true;
            return self.look_for_a_break(now, index);
        }
        match self.take_input(index) {
            Brought::Read(count) => {
                let mut buffer = std::mem::take(&mut self.input);
                let rest = self.carry_out(now, index, &buffer[..count]);
                let rest = buffer[count - rest..count].to_vec();
                // Passwords come this way: what has been carried out does not stay readable.
                wipe(&mut buffer[..count]);
                self.input = buffer;
                self.after_input(now, index, rest);
            }
            Brought::Held(mut held) => {
                let rest = self.carry_out(now, index, &held);
                let rest = held[held.len() - rest..].to_vec();
                wipe(&mut held);
                self.after_input(now, index, rest);
            }
            Brought::Nothing => self.go_on(now, index),
            Brought::Lost(error) => self.lose(now, index, &error),
        }
    }

    /// Who is not read from, and has gone without waiting for its answer, is not waited for either.
    fn look_for_a_break(&mut self, now: Now, index: u32) {
        let connection = &mut self.post.connections[index as usize];
        if connection.peer == Peer::HungUp
            && let Some(error) = connection.socket.broken()
        {
            self.lose(now, index, &error);
        }
    }

    fn take_input(&mut self, index: u32) -> Brought {
        let connection = &mut self.post.connections[index as usize];
        if !connection.held.is_empty() {
            return Brought::Held(std::mem::take(&mut connection.held));
        }
        if !connection.readable {
            return Brought::Nothing;
        }
        match connection.socket.read(&mut self.input) {
            Ok(0) => {
                connection.readable = false;
                connection.peer = Peer::Finished;
                Brought::Read(0)
            }
            Ok(count) => {
                // A short read says that there is nothing more for now, unless the end has been seen coming.
                connection.readable = count == READ_BYTES_MAX || connection.peer == Peer::HungUp;
                self.post.tally.bytes_in += count as u64;
                Brought::Read(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.readable = false;
                Brought::Nothing
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Brought::Read(0),
            Err(error) => Brought::Lost(error),
        }
    }

    /// Carries out line after line. Says how many bytes at the end have to wait.
    fn carry_out(&mut self, now: Now, index: u32, read: &[u8]) -> usize {
        let mut reader = std::mem::take(&mut self.post.connections[index as usize].reader);
        let mut input = reader.input(read);
        while self.next_request(now, index, &mut reader, &mut input) {}
        let connection = &mut self.post.connections[index as usize];
        connection.reader = reader;
        if connection.phase == Phase::Open { input.rest.len() } else { 0 }
    }

    /// Carries out one request. False if there is none, or if it has to wait.
    fn next_request(
        &mut self,
        now: Now,
        index: u32,
        reader: &mut Reader,
        input: &mut Input<'_>,
    ) -> bool {
        let Some((id, standing)) = self.asker(now, index) else { return false };
        reader.forget_delivered(&mut self.shared.bodies_bytes);
        self.make_room_for_bodies(now);
        let mut context = self.shared.context(&self.config.dialects, now.ms);
        let request = reader.next(input, standing, &mut context);
        if request.is_none() {
            return false;
        }
        let connection = &mut self.post.connections[index as usize];
        connection.heard = now.ms;
        self.post.tally.lines_in += 1;
        if let Some(rate) = self.config.line_rate() {
            connection.pace.take(rate, now.ms);
        }
        match request {
            Some(Request::Http(taken)) => {
                let http = web::http::Reader::begun(taken, now.ms);
                reader.release(&mut context);
                *reader = Reader::Http(Box::new(http));
                self.become_nobody(now, id);
            }
            Some(Request::Upgrade(accept)) => {
                *reader = Reader::Web(Box::new(web::Reader::opened(now.ms)));
                self.become_somebody(now, id, accept);
            }
            Some(Request::Metrics(asked)) => self.tell_metrics(now, id, asked),
            None
            | Some(
                Request::Nothing
                | Request::Do(..)
                | Request::Answer(..)
                | Request::Fetch(_)
                | Request::Leave
                | Request::Notice(_)
                | Request::Close(_),
            ) => {
                let (house, post) = (&mut self.house, &mut self.post);
                let (transfers, config) = (&mut self.transfers, &self.config);
                Desk { house, post, transfers, config, now, id }.carry_out(request);
            }
        }
        true
    }

    /// A browser asks for a page: whoever that seemed to be is nobody of the house any more.
    #[cold]
    fn become_nobody(&mut self, now: Now, id: SessionId) {
        self.house.disconnect(now, id, &mut self.post);
        self.post.speak_to(id, Voice::Web);
    }

    /// A page has opened a WebSocket: who uses it may become somebody of the house.
    #[cold]
    fn become_somebody(&mut self, now: Now, id: SessionId, accept: [u8; web::http::ACCEPT_BYTES]) {
        self.post.answer(id, |out| web::http::switching(out, &accept));
        let origin = self.post.connections[id.index as usize].address.ip();
        self.house.connect(now, id, origin, Dialect::Web.manner());
    }

    #[cold]
    fn tell_metrics(&mut self, now: Now, id: SessionId, asked: web::http::Asked) {
        let text = self.metrics();
        let (house, post) = (&mut self.house, &mut self.post);
        let (transfers, config) = (&mut self.transfers, &self.config);
        Desk { house, post, transfers, config, now, id }
            .answer_with(|out| asked.metrics(out, &text));
    }

    /// Asks a connection's reader what the time has brought. Who has sent something that has to wait is not silent:
    /// that is read first.
    pub(super) fn keep_time(&mut self, now: Now, index: u32) {
        if self.post.connections[index as usize].has_input() {
            return;
        }
        let mut reader = std::mem::take(&mut self.post.connections[index as usize].reader);
        while !self.is_answering(index) && self.next_due(now, index, &mut reader) {}
        self.post.connections[index as usize].reader = reader;
    }

    /// Carries out one request that came with time. False if there is none.
    fn next_due(&mut self, now: Now, index: u32, reader: &mut Reader) -> bool {
        let id = self.post.connections[index as usize].id;
        let standing = self.house.standing(id).unwrap_or(Standing::Stranger);
        let mut context = self.shared.context(&self.config.dialects, now.ms);
        let request = reader.due(standing, &mut context);
        let (house, post) = (&mut self.house, &mut self.post);
        let (transfers, config) = (&mut self.transfers, &self.config);
        Desk { house, post, transfers, config, now, id }.carry_out(request)
    }

    /// Has a connection's reader asked again when it wants to be.
    pub(super) fn arrange_call(&mut self, now: Now, index: u32) {
        let connection = &self.post.connections[index as usize];
        let standing = self.house.standing(connection.id).unwrap_or(Standing::Stranger);
        if let Some(due) = connection.reader.deadline(standing) {
            self.call_by(index, due.max(now.ms + 1));
        }
    }

    /// When one more line could take all bodies together over their bound, the one whose sender has been silent for
    /// most seconds is given up, of several the largest: it is read to its end and refused. So who goes on sending is
    /// not kept out by who does not. The body whose turn it is has no part in this: its reader is with the caller.
    fn make_room_for_bodies(&mut self, now: Now) {
        while self.shared.bodies_bytes + TEXT_BYTES_MAX > BODIES_BYTES_MAX {
            let connections = self.post.connections.iter_mut().map(|(_, connection)| connection);
            let senders = connections.filter(|connection| connection.reader.body_bytes() > 0);
            let rank = |it: &&mut Connection<S>| {
                ((now.ms - it.heard) / 1000, it.reader.body_bytes(), Reverse(it.id.index))
            };
            let Some(silent) = senders.max_by_key(rank) else { return };
            debug!("giving up the message that {} has not gone on with", silent.address);
            silent.reader.give_body_up(&mut self.shared.bodies_bytes);
        }
    }

    fn after_input(&mut self, now: Now, index: u32, rest: Vec<u8>) {
        let connection = &mut self.post.connections[index as usize];
        if connection.phase != Phase::Open {
            return;
        }
        connection.held = rest;
        self.go_on(now, index);
    }

    /// Sees to it that a connection is served again when it can be.
    pub(super) fn go_on(&mut self, now: Now, index: u32) {
        let connection = &mut self.post.connections[index as usize];
        if connection.phase != Phase::Open {
            return;
        }
        connection.halted = connection.is_answering() || self.house.is_busy(connection.id);
        if connection.halted {
            return;
        }
        if connection.has_input() {
            if !self.is_too_fast(now, index) {
                self.list(index);
            }
        } else if connection.peer == Peer::Finished {
            self.take_last_requests(now, index);
        } else {
            self.arrange_call(now, index);
        }
    }

    /// The peer has sent all it will. What of that is a request is still carried out.
    fn take_last_requests(&mut self, now: Now, index: u32) {
        let mut reader = std::mem::take(&mut self.post.connections[index as usize].reader);
        while !self.is_answering(index) && self.next_last(now, index, &mut reader) {}
        self.post.connections[index as usize].reader = reader;
        if !self.is_answering(index) {
            self.hang_up(now, index);
        } else {
            self.post.connections[index as usize].halted = true;
            self.arrange_call(now, index);
        }
    }

    /// Carries out one request of which the end of all input was the end. False if there is none.
    fn next_last(&mut self, now: Now, index: u32, reader: &mut Reader) -> bool {
        let id = self.post.connections[index as usize].id;
        let Some(standing) = self.house.standing(id) else { return false };
        let request = reader.finish(standing);
        let (house, post) = (&mut self.house, &mut self.post);
        let (transfers, config) = (&mut self.transfers, &self.config);
        Desk { house, post, transfers, config, now, id }.carry_out(request)
    }

    /// The peer has sent all it will; its last answers are under way.
    fn hang_up(&mut self, now: Now, index: u32) {
        let id = self.post.connections[index as usize].id;
        self.house.disconnect(now, id, &mut self.post);
        self.post.close(id);
    }

    /// Whose next request may be carried out now.
    fn asker(&mut self, now: Now, index: u32) -> Option<(SessionId, Standing)> {
        let connection = &self.post.connections[index as usize];
        let id = connection.id;
        if connection.phase != Phase::Open || connection.is_answering() {
            return None;
        }
        let standing = self.house.asks_as(id)?;
        (!self.is_too_fast(now, index)).then_some((id, standing))
    }

    fn must_wait(&mut self, now: Now, index: u32) -> bool {
        self.is_answering(index) || self.is_too_fast(now, index)
    }

    /// Whether the line before is still being answered, or too many answers wait to be sent.
    pub(super) fn is_answering(&self, index: u32) -> bool {
        let connection = &self.post.connections[index as usize];
        connection.is_answering() || self.house.is_busy(connection.id)
    }

    /// Whether the connection has sent more lines than it may; then a timer says when it may send another.
    #[inline]
    fn is_too_fast(&mut self, now: Now, index: u32) -> bool {
        let Some(rate) = self.config.line_rate() else { return false };
        let next = self.post.connections[index as usize].pace.next(rate);
        if next > now.ms {
            self.call_by(index, next);
        }
        next > now.ms
    }

    /// Throws away what a peer still sends while the last word to it is under way.
    fn discard(&mut self, index: u32) {
        let connection = &mut self.post.connections[index as usize];
        for _ in 0..DISCARDS_PER_TURN {
            match connection.socket.read(&mut self.input) {
                Ok(0) => return self.finish(index),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return self.finish(index),
            }
        }
        self.list(index);
    }
}
