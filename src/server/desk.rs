//! The desk: has a request carried out, by the house, by the dialect itself or by a transfer, and tells how it ended.

use crate::config::Config;
use crate::core::event::Event;
use crate::core::name::UserName;
use crate::core::{House, Now, Outbox, SessionId, Status};
use crate::dialect::helo::Fetch;
use crate::dialect::{Asked, Next, Request};
use crate::server::post::Post;
use crate::server::socket::Socket;
use crate::server::transfer::{Between, Transfers};

/// One session's turn at the desk.
pub(super) struct Desk<'d, S> {
    pub(super) house: &'d mut House,
    pub(super) post: &'d mut Post<S>,
    pub(super) transfers: &'d mut Transfers<S>,
    pub(super) config: &'d Config,
    pub(super) now: Now,
    pub(super) id: SessionId,
}

impl<S: Socket> Desk<'_, S> {
    /// Does what is asked, and answers it if that is due. False if nothing is asked.
    pub(super) fn carry_out(mut self, request: Option<Request<'_>>) -> bool {
        let (now, id) = (self.now, self.id);
        match request {
            None => return false,
            Some(Request::Nothing) => {}
            Some(Request::Do(command, asked)) => {
                self.post.speak_to(id, asked.voice());
                let status = self.house.handle(now, id, command, self.post);
                if self.house.is_listing(id) {
                    self.post.defer_events(id.index);
                }
                if let Some(status) = status {
                    self.answer(asked, status);
                }
            }
            Some(Request::Answer(status, asked)) => self.answer(asked, status),
            Some(Request::Fetch(fetch)) => self.fetch(&fetch),
            Some(Request::Notice(notice)) => self.post.send(id, &Event::Notice(notice)),
            Some(Request::Close(warning)) => self.house.dismiss(now, id, &warning, self.post),
            Some(Request::Leave) => self.answer_with(|_| Next::Close),
            Some(Request::Http(_) | Request::Upgrade(_) | Request::Metrics(_)) => {
                unreachable!("only what was read asks for that")
            }
        }
        true
    }

    /// Tells how something has ended, and ends the connection if that was its end.
    fn answer(&mut self, asked: Asked<'_>, status: Status) {
        self.answer_with(|out| asked.answer(out, status));
    }

    /// Answers what is not for the house, and ends the connection if that was its end.
    pub(super) fn answer_with(&mut self, render: impl FnOnce(&mut Vec<u8>) -> Next) {
        let mut next = Next::Stay;
        self.post.answer(self.id, |out| next = render(out));
        if next == Next::Close {
            self.house.disconnect(self.now, self.id, self.post);
            self.post.close(self.id);
        }
    }

    /// Opens a port for a file, and tells both users.
    fn fetch(&mut self, fetch: &Fetch<'_>) {
        match self.open_port(&fetch.sender) {
            Ok((sender, receiver, port)) => {
                let after = fetch.after(port);
                let ready =
                    Event::PassedOn { before: Fetch::BEFORE, sender: &receiver, after: &after };
                self.post.send(sender, &ready);
                self.post.answer(self.id, |out| fetch.answer(out, port));
            }
            Err(status) => self.post.answer(self.id, |out| fetch.refuse(out, status)),
        }
    }

    /// Opens a port over which a user sends a file to the caller. Says whose session the user's is, what the caller is
    /// called, and which port it is.
    fn open_port(&mut self, user: &UserName) -> Result<(SessionId, UserName, u16), Status> {
        let receiver = self.house.user_name(self.id).ok_or(Status::NoLogin)?.clone();
        let sender_id = self.house.kin(self.id, user).ok_or(Status::NotFound)?;
        if sender_id == self.id {
            return Err(Status::Oneself);
        }
        let sender = self.house.user_name(sender_id).ok_or(Status::NotFound)?.clone();
        let sender_at = self.post.connection(sender_id).ok_or(Status::NotFound)?.address.ip();
        let connection = self.post.connection(self.id).ok_or(Status::NoLogin)?;
        let receiver_at = connection.address.ip();
        let listen = self.config.listen.of(connection.voice.dialect());
        let between = Between { sender, sender_at, receiver: receiver.clone(), receiver_at };
        let port = self.transfers.open(self.now, between, listen, &self.config.dialects.helo)?;
        Ok((sender_id, receiver, port))
    }
}
