//! The post: takes what the house says and brings it to connections and to the log.
//!
//! An event is rendered once for each dialect among its readers and goes into each queue as a reference. Nothing is
//! sent before [`Post::commit`] has returned. The post never calls back into the house.

use std::io;

use log::{debug, error, warn};
use slab::Slab;

use crate::core::event::{Event, Letter, MessageRow, Reply};
use crate::core::outbox::{Full, Purpose};
use crate::core::record::{Place, Record};
use crate::core::{Member, Now, Outbox, SessionId, Status};
use crate::dialect::{self, Dialect, Lists, Voice, wipe};
use crate::limits::{MESSAGE_PIECE_BYTES, SLICES_PER_WRITE};
use crate::server::connection::{Connection, MessageRest, Phase};
use crate::server::entropy::Entropy;
use crate::server::hub::keep_room;
use crate::server::pool::{Origin, Pool, Stretch};
use crate::server::socket::Socket;
use crate::server::tally::Tally;
use crate::store::{self, Store, StoreError};

/// What came of sending to a connection.
#[derive(Debug)]
pub(super) enum Sent {
    /// Nothing waits any more.
    All,
    /// The socket is full.
    Some,
    /// The connection is broken.
    Lost(io::Error),
}

/// Connections, what waits for them, and the log.
#[derive(Debug)]
pub(super) struct Post<S> {
    pub(super) connections: Slab<Connection<S>>,
    pub(super) store: Store,
    entropy: Entropy,
    pub(super) pool: Pool,
    /// Connections that got something in this turn.
    touched: Vec<u32>,
    encoded: Vec<u8>,
    /// The message record that was read last, and where it stands: its next piece is mostly what is read next.
    body: Vec<u8>,
    body_place: Option<Place>,
    /// The server's name, of which what it says may tell.
    pub(super) host: Box<str>,
    /// Whether records were appended since the last commit.
    uncommitted: bool,
    /// Whether the log said that the disk is full; said once, not for every record.
    full: bool,
    pub(super) tally: Tally,
}

impl<S: Socket> Post<S> {
    pub(super) fn new(store: Store, entropy: Entropy, host: &str) -> Self {
        Self {
            connections: Slab::new(),
            store,
            entropy,
            pool: Pool::new(),
            touched: Vec::new(),
            encoded: Vec::new(),
            body: Vec::new(),
            body_place: None,
            host: host.into(),
            uncommitted: false,
            full: false,
            tally: Tally::default(),
        }
    }

    /// Writes what was recorded in this turn; only then may any of its output be sent.
    pub(super) fn commit(&mut self, now: Now) -> Result<(), StoreError> {
        self.uncommitted = false;
        self.store.commit(now.ms)
    }

    /// Whether anything was said or recorded that no turn has dealt with yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.uncommitted || !self.touched.is_empty()
    }

    /// The connection of a session, if it is still the same one.
    pub(super) fn connection(&mut self, id: SessionId) -> Option<&mut Connection<S>> {
        self.connections.get_mut(id.index as usize).filter(|connection| connection.id == id)
    }

    /// Connections that got something since this was asked last.
    pub(super) fn take_touched(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.touched)
    }

    /// Gives the emptied list back, so that the next turn need not allocate one.
    pub(super) fn give_touched(&mut self, mut list: Vec<u32>) {
        list.clear();
        keep_room(&mut self.touched, list);
    }

    /// Has a connection looked at when this turn's output is sent.
    pub(super) fn touch(&mut self, index: u32) {
        touch(&mut self.touched, &mut self.connections[index as usize]);
    }

    /// Answers a session with bytes of its dialect.
    pub(super) fn answer(&mut self, to: SessionId, render: impl FnOnce(&mut Vec<u8>)) {
        if let Some((connection, mut tray)) = self.tray(to) {
            let stretch = tray.pool.write(render);
            tray.put(connection, stretch, Origin::Answer);
        }
    }

    /// The connection of a session, if it is still the same one, and what is needed to bring it something.
    fn tray(&mut self, to: SessionId) -> Option<(&mut Connection<S>, Tray<'_>)> {
        let Self { connections, pool, touched, tally, host, .. } = self;
        let connection = connections.get_mut(to.index as usize).filter(|it| it.id == to)?;
        Some((connection, Tray { pool, touched, tally, host }))
    }

    /// Tells one session of an event.
    fn tell(&mut self, to: SessionId, event: &Event<'_>, origin: Origin) {
        let Some((connection, mut tray)) = self.tray(to) else { return };
        let stretch = tray.render(connection.voice.dialect(), event);
        tray.put(connection, stretch, origin);
    }

    /// How a session is spoken to.
    fn voice(&mut self, id: SessionId) -> Voice {
        self.connection(id).map_or(Voice::Mec, |connection| connection.voice)
    }

    /// How a session is spoken to from now on.
    pub(super) fn speak_to(&mut self, id: SessionId, voice: Voice) {
        if let Some(connection) = self.connection(id) {
            connection.voice = voice;
        }
    }

    /// A long answer is going to be sent: events wait until it is complete.
    pub(super) fn defer_events(&mut self, index: u32) {
        self.connections[index as usize].deferred.get_or_insert_default();
    }

    /// A part of a list that is to leave as a whole, to a session whose connection is there. It goes on as a long
    /// answer does, though nothing of it is sent before its end.
    fn gather(&mut self, to: SessionId, voice: Voice, reply: &Reply<'_>) {
        let connection = &mut self.connections[to.index as usize];
        let deferred = connection.deferred.get_or_insert_default();
        voice.reply(&mut deferred.gathered, reply, &self.host);
        touch(&mut self.touched, connection);
        if matches!(reply, Reply::End(_)) {
            let whole = connection.deferred.as_mut().map(|it| std::mem::take(&mut it.gathered));
            self.answer(to, |out| out.extend(whole.unwrap_or_default()));
            self.deliver_deferred(to.index);
        }
    }

    /// A long answer will never be complete. Its reader is told why at once, and nothing else.
    fn break_off(&mut self, to: SessionId) {
        let connection = self.connections.get_mut(to.index as usize).filter(|it| it.id == to);
        let Some(connection) = connection else { return };
        let voice = connection.voice;
        if let Some(deferred) = connection.deferred.as_mut() {
            self.pool.clear(&mut deferred.events);
            self.answer(to, |out| voice.cut_short(out));
        }
    }

    /// A long answer is complete: what waited for that follows.
    pub(super) fn deliver_deferred(&mut self, index: u32) {
        let connection = &mut self.connections[index as usize];
        if let Some(mut deferred) = connection.deferred.take() {
            self.pool.join(&mut connection.queue, &mut deferred.events);
            touch(&mut self.touched, connection);
        }
    }

    /// Sends what waits, as far as the socket takes it.
    pub(super) fn send_waiting(&mut self, index: u32) -> Sent {
        let connection = &mut self.connections[index as usize];
        while !connection.queue.is_empty() {
            if connection.blocked {
                self.pool.settle(&mut connection.queue);
                return Sent::Some;
            }
            let (offered, result) = write_once(&self.pool, connection);
            match result {
                Ok(sent) => {
                    self.tally.bytes_out += sent as u64;
                    self.pool.advance(&mut connection.queue, sent);
                    // A short write says that the socket is full; it tells when that changes.
                    connection.blocked = sent < offered;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    connection.blocked = true
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Sent::Lost(error),
            }
        }
        Sent::All
    }

    /// The turn's output has been sent as far as it could be.
    pub(super) fn turn_page(&mut self) {
        self.pool.turn_page();
    }

    /// Takes a connection out, with all that waits for it.
    pub(super) fn remove(&mut self, index: u32) -> Connection<S> {
        let mut connection = self.connections.remove(index as usize);
        self.pool.clear(&mut connection.queue);
        if let Some(mut deferred) = connection.deferred.take() {
            self.pool.clear(&mut deferred.events);
        }
        connection
    }

    /// Answers with a message, or with its first piece if it is long.
    fn message(
        &mut self,
        to: SessionId,
        head: &MessageRow<'_>,
        group: u32,
        parts: u32,
        place: Place,
    ) {
        let mut body = std::mem::take(&mut self.body);
        match self.read_message(place, &mut body) {
            Some(text) if text.len() <= MESSAGE_PIECE_BYTES => {
                let voice = self.voice(to);
                self.answer(to, |out| voice.message(out, head, parts, text));
            }
            Some(text) => {
                let whole = Reply::Message { head: *head, group, parts, place };
                let voice = self.voice(to);
                // The head of a message names nobody, and so no server.
                self.answer(to, |out| voice.reply(out, &whole, ""));
                self.defer_events(to.index);
                self.piece(to, MessageRest { group, id: head.id, from: 0 }, text);
            }
            None => self.reply(to, &Reply::Status(Status::Unknown)),
        }
        self.body = body;
    }

    /// Sends the next piece of a message, which stands at `place` now. False if it cannot be read.
    pub(super) fn next_piece(&mut self, to: SessionId, rest: MessageRest, place: Place) -> bool {
        let mut body = std::mem::take(&mut self.body);
        let text = self.read_message(place, &mut body);
        if let Some(text) = text {
            self.piece(to, rest, text);
        }
        let sent = text.is_some();
        self.body = body;
        sent
    }

    fn piece(&mut self, to: SessionId, rest: MessageRest, text: &str) {
        let next = &text.as_bytes()[rest.from..];
        // A quarter of a very long one, because its record is opened as a whole each time.
        let piece = MESSAGE_PIECE_BYTES.max(text.len() / 4);
        let window = &next[..next.len().min(piece)];
        let end = memchr::memrchr(b'\n', window).expect("a line is shorter than a piece") + 1;
        let end = rest.from + end;
        let voice = self.voice(to);
        self.answer(to, |out| voice.lines(out, &text[rest.from..end]));
        let follows = (end < text.len()).then_some(MessageRest { from: end, ..rest });
        if let Some(deferred) = self.connection(to).and_then(|it| it.deferred.as_mut()) {
            deferred.message = follows;
        }
    }

    /// The text of the message at `place`, by way of `body`.
    fn read_message<'b>(&mut self, place: Place, body: &'b mut Vec<u8>) -> Option<&'b str> {
        if self.body_place != Some(place) {
            self.body_place = None;
            if let Err(error) = self.store.read(store_place(place), body) {
                error!("{error}");
                return None;
            }
            self.body_place = Some(place);
        }
        match Record::decode(body) {
            Ok(Record::Message { text, .. }) => Some(text),
            Ok(_) | Err(_) => {
                let Place { file, offset, .. } = place;
                error!("the record in log file {file} at byte {offset} is no message");
                None
            }
        }
    }

    fn note_full(&mut self, full: store::Full) {
        self.tally.records_refused += 1;
        if !std::mem::replace(&mut self.full, true) {
            warn!("changes are refused with -2: {full}");
        }
    }

    fn note_room(&mut self) {
        if std::mem::replace(&mut self.full, false) {
            warn!("changes are taken again: there is space");
        }
    }
}

/// What is needed to bring something to a connection.
struct Tray<'p> {
    pool: &'p mut Pool,
    touched: &'p mut Vec<u32>,
    tally: &'p mut Tally,
    host: &'p str,
}

impl Tray<'_> {
    /// An event in the words of a dialect; empty if it has none for it.
    fn render(&mut self, dialect: Dialect, event: &Event<'_>) -> Stretch {
        self.tally.renderings += 1;
        self.pool.write(|out| dialect::event(dialect, out, event, self.host))
    }

    /// Puts it at the end of what waits; a dialect that has no word for something has said nothing.
    fn put<S>(&mut self, connection: &mut Connection<S>, stretch: Stretch, origin: Origin) {
        if stretch.is_empty() {
            return;
        }
        self.tally.lines_out += 1;
        let queue = match (&mut connection.deferred, origin) {
            (Some(deferred), Origin::Event) => &mut deferred.events,
            _ => &mut connection.queue,
        };
        self.pool.push(queue, stretch, origin);
        touch(self.touched, connection);
    }
}

impl<S: Socket> Outbox for Post<S> {
    fn reply(&mut self, to: SessionId, reply: &Reply<'_>) {
        match *reply {
            Reply::Message { ref head, group, parts, place } => {
                return self.message(to, head, group, parts, place);
            }
            Reply::Status(Status::WrongPassword) => {
                self.tally.wrong_passwords += 1;
                if let Some(connection) = self.connection(to) {
                    warn!("wrong password from {}", connection.address.ip());
                }
            }
            _ => {}
        }
        let Some((connection, mut tray)) = self.tray(to) else { return };
        let voice = connection.voice;
        match (voice.lists(), reply) {
            (Lists::Gathered, Reply::List(..) | Reply::Row(..) | Reply::End(_)) => {
                self.gather(to, voice, reply);
            }
            (Lists::Gathered | Lists::Streamed, _) => {
                let stretch = tray.pool.write(|out| voice.reply(out, reply, tray.host));
                tray.put(connection, stretch, Origin::Answer);
            }
        }
    }

    fn letter(&mut self, to: SessionId, letter: &Letter<'_>) -> bool {
        let mut body = std::mem::take(&mut self.body);
        self.body_place = None;
        let read = self.store.read(store_place(letter.place), &mut body);
        let record = match &read {
            Ok(()) => Record::decode(&body).ok(),
            Err(error) => {
                error!("{error}");
                None
            }
        };
        let event = record.as_ref().and_then(|record| kept_event(record, letter));
        if let Some(event) = &event {
            self.recall(to, event);
        }
        let is_read = event.is_some();
        self.body = body;
        is_read
    }

    fn recall(&mut self, to: SessionId, event: &Event<'_>) {
        self.tell(to, event, Origin::Answer);
    }

    fn send(&mut self, to: SessionId, event: &Event<'_>) {
        if matches!(event, Event::Warning(warning) if warning.is_last()) {
            self.break_off(to);
        }
        self.tell(to, event, Origin::Event);
    }

    fn broadcast(&mut self, to: &[Member], except: Option<u32>, event: &Event<'_>) {
        let mut rendered = [None; Dialect::COUNT];
        let except = except.unwrap_or(Member::GONE);
        let to = to.iter().map(|member| member.session);
        let Self { connections, pool, touched, tally, host, .. } = self;
        let mut tray = Tray { pool, touched, tally, host };
        for index in to.filter(|&index| index != Member::GONE && index != except) {
            let connection = &mut connections[index as usize];
            let dialect = connection.voice.dialect();
            let stretch =
                *rendered[dialect.number()].get_or_insert_with(|| tray.render(dialect, event));
            tray.put(connection, stretch, Origin::Event);
        }
    }

    fn record(&mut self, record: &Record<'_>, purpose: Purpose) -> Result<Place, Full> {
        self.encoded.clear();
        record.encode(&mut self.encoded);
        let purpose = match purpose {
            Purpose::Fact => store::Purpose::Fact,
            Purpose::Upkeep => store::Purpose::Housekeeping,
            Purpose::Bound => {
                self.store.sync_at_commit();
                store::Purpose::Housekeeping
            }
            Purpose::Copy => store::Purpose::Copy,
        };
        let result = self.store.append(&self.encoded, purpose);
        // A record may hold a password; what is sealed by now need not stay readable here.
        wipe(&mut self.encoded);
        match result {
            Ok(place) => {
                self.uncommitted = true;
                if purpose == store::Purpose::Fact {
                    self.note_room();
                }
                Ok(core_place(place))
            }
            Err(full) => {
                self.note_full(full);
                Err(Full)
            }
        }
    }

    fn retire(&mut self, place: Place) {
        self.store.retire(store_place(place));
    }

    fn close(&mut self, session: SessionId) {
        let Some(connection) = self.connection(session) else { return };
        debug!("closing {}", connection.address);
        connection.phase = Phase::Flushing;
        connection.held = Vec::new();
        self.deliver_deferred(session.index);
        self.touch(session.index);
    }

    fn entropy(&mut self) -> [u8; 16] {
        self.entropy.next()
    }
}

#[inline]
fn touch<S>(touched: &mut Vec<u32>, connection: &mut Connection<S>) {
    if !std::mem::replace(&mut connection.touched, true) {
        touched.push(connection.id.index);
    }
}

/// What its receiver hears of a letter.
fn kept_event<'a>(record: &'a Record<'_>, letter: &Letter<'a>) -> Option<Event<'a>> {
    let Letter { receiver, nickname, .. } = *letter;
    match record {
        Record::Letter { time, sender, text, .. } => {
            let (sender, time) = (&sender.name, *time);
            Some(Event::Whispered { receiver, sender, text, time, nickname })
        }
        Record::Invitation { time, sender, room, .. } => {
            let (sender, time) = (&sender.name, *time);
            Some(Event::Invited { receiver, room, sender, nickname, time })
        }
        _ => None,
    }
}

/// One system call with as much as it takes. Says how much was offered to it.
fn write_once<S: Socket>(
    pool: &Pool,
    connection: &mut Connection<S>,
) -> (usize, io::Result<usize>) {
    let mut slices = heapless::Vec::<io::IoSlice<'_>, SLICES_PER_WRITE>::new();
    pool.gather(&connection.queue, &mut slices);
    let offered = slices.iter().map(|slice| slice.len()).sum();
    let result = match slices.as_slice() {
        [one] => connection.socket.write(one),
        many => connection.socket.write_vectored(many),
    };
    (offered, result)
}

/// The place as the store calls it.
#[must_use]
pub fn store_place(place: Place) -> store::Place {
    store::Place { file: place.file, offset: place.offset, bytes: place.bytes }
}

/// The place as the house calls it.
#[must_use]
pub fn core_place(place: store::Place) -> Place {
    Place { file: place.file, offset: place.offset, bytes: place.bytes }
}
