//! One file on its way: the two connections are waited for, the line is handed on as fast as the receiver takes it, and
//! what the receiver says of it goes back.
//!
//! ```text
//! gathering ▶ relaying ▶ judging ▶ telling ▶ ending
//!                └── too large, broken, too slow ──▶ telling
//! ```

use std::io;
use std::net::IpAddr;

use crate::core::Now;
use crate::dialect::helo::Options;
use crate::dialect::helo::file::{self, First, Measure, TooLarge};
use crate::limits::{
    DISCARDS_PER_TURN, HELO_LINE_BYTES_MAX, LINGER_MS, TRANSFER_BUFFER_BYTES, TRANSFER_SEATS,
};
use crate::server::accept::is_of_the_connection;
use crate::server::hub::Readiness;
use crate::server::socket::{Port, Socket};
use crate::server::transfer::Between;
use crate::server::transfer::seat::{Broken, Heard, Seat};

/// Whether a transfer is still there after its turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    GoesOn,
    Over,
}

/// Why there is nothing more to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// It is over.
    Over,
    /// The file does not arrive, and the sender is told why.
    Failed(&'static str),
}

/// What is being done.
#[derive(Debug)]
enum Stage {
    /// The two connections are waited for.
    Gathering,
    /// The file is handed on.
    Relaying(Pipe),
    /// The receiver is to say how it arrived.
    Judging,
    /// The sender is being told; from that byte on.
    Telling(String, usize),
    /// The sender has been told and is waited for to go; until then at the latest.
    Ending(u64),
}

/// What is between the sender and the receiver.
#[derive(Debug)]
struct Pipe {
    /// Bytes for the receiver, those before `from` sent.
    bytes: Vec<u8>,
    from: usize,
    measure: Measure,
    /// Whether the end of the line is among the bytes.
    flow: Flow,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flow {
    Open,
    Ended,
}

/// A file on its way.
#[derive(Debug)]
pub(super) struct Transfer<S> {
    pub(super) between: Between,
    /// Open until both are there.
    port: Option<Box<dyn Port<S>>>,
    /// Connections may be waiting at the port.
    is_arriving: bool,
    /// How many have come so far.
    arrivals: u64,
    seats: [Option<Seat<S>>; TRANSFER_SEATS],
    sender: Option<usize>,
    receiver: Option<usize>,
    stage: Stage,
    /// When a byte moved last, in ms of the server's clock.
    moved: u64,
}

impl<S: Socket> Transfer<S> {
    pub(super) fn new(between: Between, port: Box<dyn Port<S>>, now: u64) -> Self {
        Self {
            between,
            port: Some(port),
            is_arriving: true,
            arrivals: 0,
            seats: [const { None }; TRANSFER_SEATS],
            sender: None,
            receiver: None,
            stage: Stage::Gathering,
            moved: now,
        }
    }

    pub(super) fn note_arrival(&mut self) {
        self.is_arriving = true;
    }

    pub(super) fn note(&mut self, seat: usize, readiness: Readiness) {
        if let Some(seat) = &mut self.seats[seat] {
            seat.note(readiness);
        }
    }

    /// Whether only its sender is still told how it went: the next one may come.
    pub(super) fn is_decided(&self) -> bool {
        match self.stage {
            Stage::Gathering | Stage::Relaying(_) | Stage::Judging => false,
            Stage::Telling(..) | Stage::Ending(_) => true,
        }
    }

    /// When it is given up, if nothing moves.
    pub(super) fn deadline(&self, options: &Options) -> u64 {
        match self.stage {
            Stage::Ending(until) => until,
            Stage::Gathering | Stage::Relaying(_) | Stage::Judging | Stage::Telling(..) => {
                self.moved + u64::from(options.file_seconds) * 1000
            }
        }
    }

    /// Whether it can go on at once.
    pub(super) fn has_work(&self) -> bool {
        let readable = |who: Option<usize>| self.seat(who).is_some_and(|seat| seat.readable);
        let takes = |who: Option<usize>| self.seat(who).is_some_and(|seat| !seat.blocked);
        match &self.stage {
            Stage::Gathering => {
                let newcomers = (0..TRANSFER_SEATS).filter(|&index| self.is_newcomer(index));
                self.is_arriving || newcomers.map(Some).any(readable)
            }
            Stage::Relaying(pipe) if pipe.is_empty() => {
                pipe.flow == Flow::Ended || readable(self.sender)
            }
            Stage::Relaying(_) => takes(self.receiver),
            Stage::Judging => readable(self.receiver),
            Stage::Telling(..) => takes(self.sender),
            Stage::Ending(_) => readable(self.sender),
        }
    }

    /// Goes on, a bounded piece. Its seats have the tokens from `tokens` on.
    pub(super) fn run(&mut self, now: Now, tokens: usize, options: &Options) -> Fate {
        let went = if now.ms >= self.deadline(options) {
            Err(End::Failed("the file stood still for too long and was not delivered!"))
        } else {
            self.step(now, tokens, options)
        };
        match went {
            Ok(()) => Fate::GoesOn,
            Err(End::Over) => Fate::Over,
            Err(End::Failed(why)) => self.fail(now, why),
        }
    }

    fn step(&mut self, now: Now, tokens: usize, options: &Options) -> Result<(), End> {
        match &self.stage {
            Stage::Gathering => {
                self.accept(now, tokens)?;
                (0..TRANSFER_SEATS).for_each(|index| self.recognize(now, index));
                self.begin(options)
            }
            Stage::Relaying(_) => self.relay(now, options),
            Stage::Judging => self.judge(now),
            Stage::Telling(..) => self.tell(now),
            Stage::Ending(_) => self.discard(),
        }
    }

    /// The file does not arrive. The sender is told, if it is there and is not being told anything yet.
    fn fail(&mut self, now: Now, why: &str) -> Fate {
        let is_told = matches!(self.stage, Stage::Telling(..) | Stage::Ending(_));
        if is_told || self.sender.is_none() {
            return Fate::Over;
        }
        self.dismiss_receiver();
        self.port = None;
        self.stage = Stage::Telling(file::failure(why), 0);
        self.moved = now.ms;
        Fate::GoesOn
    }

    fn seat(&self, who: Option<usize>) -> Option<&Seat<S>> {
        who.and_then(|index| self.seats[index].as_ref())
    }

    fn seat_mut(&mut self, who: Option<usize>) -> Option<&mut Seat<S>> {
        who.and_then(|index| self.seats[index].as_mut())
    }

    /// Whether somebody has the seat who has not said who it is.
    fn is_newcomer(&self, index: usize) -> bool {
        self.seats[index].is_some() && ![self.sender, self.receiver].contains(&Some(index))
    }

    fn dismiss_receiver(&mut self) {
        if let Some(index) = self.receiver.take() {
            self.seats[index] = None;
        }
    }

    /// Takes in who has come from where one of the two is.
    fn accept(&mut self, now: Now, tokens: usize) -> Result<(), End> {
        for _ in 0..TRANSFER_SEATS {
            if !self.is_arriving {
                break;
            }
            let Some(index) = self.free_seat() else { break };
            let Some(port) = &mut self.port else { break };
            match port.accept(tokens + index) {
                Ok((socket, from)) if self.between.is_from(from) => {
                    self.arrivals += 1;
                    self.seats[index] = Some(Seat::new(socket, self.arrivals, now.ms));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_arriving = false,
                Err(error) if is_of_the_connection(&error) => {}
                Err(_) => return Err(End::Failed("the server could not take the file!")),
            }
        }
        Ok(())
    }

    /// A seat for one more: of newcomers, the one that has been silent longest loses it, and of those who have been so
    /// since the same millisecond the one that came first. Who was not listened to yet is not known to be silent.
    fn free_seat(&self) -> Option<usize> {
        let free = (0..TRANSFER_SEATS).find(|&index| self.seats[index].is_none());
        let newcomers = (0..TRANSFER_SEATS).filter(|&index| self.is_newcomer(index));
        let since = |index| self.seat(Some(index)).map(|seat| (seat.heard, seat.number));
        let is_silent = |index| self.seat(Some(index)).is_some_and(|seat| !seat.readable);
        free.or_else(|| {
            newcomers.filter(|&index| is_silent(index)).min_by_key(|&index| since(index))
        })
    }

    /// Finds out who has a seat by its first words; a stranger loses it.
    fn recognize(&mut self, now: Now, index: usize) {
        if !self.is_newcomer(index) {
            return;
        }
        let Some(seat) = &mut self.seats[index] else { return };
        let heard = seat.listen(HELO_LINE_BYTES_MAX, now.ms);
        let (sender, receiver) = (&self.between.sender, &self.between.receiver);
        match file::first_words(&seat.said, sender, receiver) {
            First::Partial if heard != Heard::End => return,
            First::Receiver(length) if self.receiver.is_none() => {
                seat.said.drain(..length);
                self.receiver = Some(index);
                self.moved = now.ms;
                return;
            }
            First::Sender(..) if self.sender.is_none() => {
                self.sender = Some(index);
                self.moved = now.ms;
                return;
            }
            First::Partial | First::Receiver(_) | First::Sender(..) | First::Stranger => {}
        }
        self.seats[index] = None;
    }

    /// Begins to hand on once both are there; nobody else is waited for any more.
    fn begin(&mut self, options: &Options) -> Result<(), End> {
        if self.sender.is_none() || self.receiver.is_none() {
            return Ok(());
        }
        self.port = None;
        for index in 0..TRANSFER_SEATS {
            if self.is_newcomer(index) {
                self.seats[index] = None;
            }
        }
        let said = self.seat_mut(self.sender).map(|seat| std::mem::take(&mut seat.said));
        let said = said.unwrap_or_default();
        let (sender, receiver) = (&self.between.sender, &self.between.receiver);
        let First::Sender(mark, length) = file::first_words(&said, sender, receiver) else {
            return Err(End::Over);
        };
        let mut pipe = Pipe::new(file::head(mark, sender));
        let taken = pipe.take(said[length..].to_vec(), options);
        self.stage = Stage::Relaying(pipe);
        taken
    }

    /// Hands a piece on.
    fn relay(&mut self, now: Now, options: &Options) -> Result<(), End> {
        let (sender, receiver) = (self.sender, self.receiver);
        let (Some(sender), Some(receiver)) = (sender, receiver) else { return Err(End::Over) };
        let Stage::Relaying(pipe) = &mut self.stage else { return Ok(()) };
        if pipe.is_empty() && pipe.flow == Flow::Open {
            let Some(seat) = &mut self.seats[sender] else { return Err(End::Over) };
            let mut bytes = pipe.emptied();
            match seat.read(&mut bytes, TRANSFER_BUFFER_BYTES) {
                Heard::Bytes(_) => self.moved = now.ms,
                Heard::Nothing => {}
                Heard::End => return Err(End::Over),
            }
            pipe.take(bytes, options)?;
        }
        let Some(seat) = &mut self.seats[receiver] else { return Err(End::Over) };
        let gone = End::Failed("the receiver has gone and the file was not delivered!");
        let count = seat.write(&pipe.bytes[pipe.from..]).map_err(|Broken| gone)?;
        pipe.from += count;
        if count > 0 {
            self.moved = now.ms;
        }
        if pipe.is_empty() && pipe.flow == Flow::Ended {
            self.stage = Stage::Judging;
        }
        Ok(())
    }

    /// Waits for the receiver's word.
    fn judge(&mut self, now: Now) -> Result<(), End> {
        let gone = End::Failed("the receiver has gone and may not have the file!");
        let index = self.receiver.ok_or(gone)?;
        let Some(seat) = &mut self.seats[index] else { return Err(gone) };
        // One byte more than the longest line, for its end.
        let heard = seat.listen(HELO_LINE_BYTES_MAX + 1, now.ms);
        let Some(end) = memchr::memchr(b'\n', &seat.said) else {
            let is_over = heard == Heard::End || seat.said.len() > HELO_LINE_BYTES_MAX;
            return if is_over { Err(gone) } else { Ok(()) };
        };
        let line = file::status(&seat.said[..end], &self.between.sender);
        self.dismiss_receiver();
        self.moved = now.ms;
        self.stage = Stage::Telling(line.ok_or(gone)?, 0);
        Ok(())
    }

    /// Tells the sender how it ended.
    fn tell(&mut self, now: Now) -> Result<(), End> {
        let Stage::Telling(line, from) = &mut self.stage else { return Ok(()) };
        let seat = self.sender.and_then(|index| self.seats[index].as_mut()).ok_or(End::Over)?;
        let count = seat.write(&line.as_bytes()[*from..]).map_err(|Broken| End::Over)?;
        *from += count;
        if *from == line.len() {
            seat.socket.end().map_err(|_| End::Over)?;
            self.stage = Stage::Ending(now.ms + LINGER_MS);
        }
        Ok(())
    }

    /// Throws away what the sender still sends, so that it is not kept from reading what it was told.
    fn discard(&mut self) -> Result<(), End> {
        let seat = self.seat_mut(self.sender).ok_or(End::Over)?;
        let mut bytes = Vec::new();
        for _ in 0..DISCARDS_PER_TURN {
            match seat.read(&mut bytes, TRANSFER_BUFFER_BYTES) {
                Heard::Bytes(_) => bytes.clear(),
                Heard::Nothing => return Ok(()),
                Heard::End => return Err(End::Over),
            }
        }
        Ok(())
    }
}

impl Between {
    /// Whether one of the two chats from there.
    fn is_from(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        [self.sender_at, self.receiver_at].iter().any(|other| other.to_canonical() == address)
    }
}

impl Pipe {
    fn new(head: Vec<u8>) -> Self {
        Self { bytes: head, from: 0, measure: Measure::default(), flow: Flow::Open }
    }

    fn is_empty(&self) -> bool {
        self.from == self.bytes.len()
    }

    /// Its memory, for what follows.
    fn emptied(&mut self) -> Vec<u8> {
        self.from = 0;
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes
    }

    /// Takes what follows of the line, up to its end; what comes behind that is nobody's. A carriage return ends a line
    /// for some readers, so none is handed on.
    fn take(&mut self, mut bytes: Vec<u8>, options: &Options) -> Result<(), End> {
        if let Some(end) = memchr::memchr(b'\n', &bytes) {
            bytes.truncate(end);
            self.flow = Flow::Ended;
        }
        if memchr::memchr(b'\r', &bytes).is_some() {
            bytes.retain(|&byte| byte != b'\r');
        }
        let most = file::base64_bytes(options.file_bytes_max);
        let too_large = End::Failed("the file is too large and was not delivered!");
        self.measure.take(&bytes, most).map_err(|TooLarge| too_large)?;
        if self.flow == Flow::Ended {
            self.measure.end(most).map_err(|TooLarge| too_large)?;
            bytes.push(b'\n');
        }
        if self.is_empty() {
            (self.bytes, self.from) = (bytes, 0);
        } else {
            self.bytes.append(&mut bytes);
        }
        Ok(())
    }
}
