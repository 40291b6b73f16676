//! The sending side: after the commit, everything that waits leaves, as far as the sockets take it.

use crate::core::event::Warning;
use crate::core::{Now, SessionId};
use crate::limits::{ANSWERS_WAITING_MAX, FLUSH_STALL_MS, LINGER_MS, LIST_STEPS_PER_TURN};
use crate::server::connection::{MessageRest, Peer, Phase};
use crate::server::hub::Hub;
use crate::server::post::Sent;
use crate::server::socket::Socket;

impl<S: Socket> Hub<S> {
    /// Sends what was said in this turn, and what waited for a socket to take it.
    pub(super) fn send(&mut self, now: Now) {
        for index in self.writable.drain(..) {
            if self.post.connections.contains(index as usize) {
                self.post.touch(index);
            }
        }
        let touched = self.post.take_touched();
        for &index in &touched {
            // Who was touched first and lost then is not there any more.
            if let Some(connection) = self.post.connections.get_mut(index as usize) {
                connection.touched = false;
                self.send_to(now, index);
            }
        }
        self.post.give_touched(touched);
        self.post.turn_page();
    }

    fn send_to(&mut self, now: Now, index: u32) {
        for _ in 0..LIST_STEPS_PER_TURN {
            match self.post.send_waiting(index) {
                Sent::All => {}
                Sent::Some => return self.wait_for_socket(now, index),
                Sent::Lost(error) => return self.lose(now, index, &error),
            }
            if !self.give_next_rows(now, index) {
                return self.all_sent(now, index);
            }
        }
        // The list goes on in the next turn.
        self.writable.push(index);
    }

    /// Renders what follows of a list or a message under way. False if there is none.
    fn give_next_rows(&mut self, now: Now, index: u32) -> bool {
        let connection = &self.post.connections[index as usize];
        if connection.deferred.is_none() || connection.phase != Phase::Open {
            return false;
        }
        let id = connection.id;
        let message = connection.deferred.as_ref().and_then(|deferred| deferred.message);
        // What is rendered now is sent by who called, not in another round.
        self.post.connections[index as usize].touched = true;
        match message {
            Some(rest) => self.give_next_piece(now, id, rest),
            None => self.house.resume(now, id, &mut self.post),
        }
        let connection = &self.post.connections[index as usize];
        let message = connection.deferred.as_ref().and_then(|deferred| deferred.message);
        if message.is_none() && !self.house.is_listing(id) {
            self.post.deliver_deferred(index);
        }
        self.post.connections[index as usize].touched = false;
        true
    }

    /// Gives the next piece of a message. If it has gone meanwhile, its reader was too slow for it.
    fn give_next_piece(&mut self, now: Now, id: SessionId, rest: MessageRest) {
        let place = self.house.place_of_message(rest.group, rest.id);
        if !place.is_some_and(|place| self.post.next_piece(id, rest, place)) {
            self.house.dismiss(now, id, &Warning::TooSlow, &mut self.post);
        }
    }

    /// The socket is full. Who lets too many events wait is dropped; who is being closed gets a last time.
    fn wait_for_socket(&mut self, now: Now, index: u32) {
        let connection = &self.post.connections[index as usize];
        let waiting = connection.events_waiting();
        if waiting > self.config.send_queue_bytes as usize {
            self.overflowed.push((connection.id, waiting));
        } else if connection.phase == Phase::Flushing {
            self.set_timer(index, Some(now.ms + FLUSH_STALL_MS));
        } else if connection.queue.answers() <= ANSWERS_WAITING_MAX {
            self.go_on(now, index);
        }
    }

    fn all_sent(&mut self, now: Now, index: u32) {
        let connection = &mut self.post.connections[index as usize];
        match connection.phase {
            // Most who are sent something have not been waiting for it.
            Phase::Open if connection.halted => self.go_on(now, index),
            Phase::Open => {}
            Phase::Flushing if connection.peer == Peer::Finished => self.finish(index),
            Phase::Flushing => {
                connection.phase = Phase::Lingering;
                if connection.socket.end().is_err() {
                    return self.finish(index);
                }
                let may_have_sent = connection.readable;
                self.set_timer(index, Some(now.ms + LINGER_MS));
                if may_have_sent {
                    self.list(index);
                }
            }
            Phase::Lingering => {}
        }
    }
}
