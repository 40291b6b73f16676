//! Files between two `helo` users, in the storm: the quay has the ports, and a parcel is one file, offered, accepted,
//! and then delivered, given up by one of the two, or never called for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use mecd::server::hub::Readiness;
use mecd::server::socket::{Port, Ports, Wanted};

use crate::common::framing::Speech;
use crate::common::network::VirtualSocket;
use crate::model::Expected;
use crate::storm::{Step, Stop, Storm};
use crate::wire::{Order, Reads, Share, Wire};

/// Milliseconds until a file that nobody comes for is given up, and until a sender that was told has gone.
const FILE_MS: u64 = 60_000;
const LINGER_MS: u64 = 2000;

/// Bytes of most files, and of the longest: more than is held of one.
const FILE_BYTES: u64 = 3000;
const FILE_BYTES_MAX: u64 = 100_000;

/// An open port.
#[derive(Debug)]
struct Open {
    /// What the server knows it by.
    token: usize,
    /// Who waits there: connections by their numbers.
    waiting: VecDeque<(usize, VirtualSocket)>,
}

#[derive(Debug, Default)]
struct State {
    /// The ports that were ever opened. None when one is closed.
    berths: Vec<Option<Open>>,
    /// What connections were taken in as.
    tokens: Vec<(usize, usize)>,
}

/// All ports. A handle: clones are the same quay.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quay(Rc<RefCell<State>>);

#[derive(Debug)]
struct Berth {
    quay: Quay,
    no: usize,
}

impl Quay {
    /// What the server knows a connection by.
    pub(crate) fn token(&self, number: usize) -> Option<usize> {
        let state = self.0.borrow();
        state.tokens.iter().find(|(other, _)| *other == number).map(|&(_, token)| token)
    }

    /// The server has gone, with all its ports.
    pub(crate) fn forget(&self) {
        self.0.borrow_mut().tokens.clear();
    }

    /// Somebody connects to a port. What the server knows the port by, if it is open.
    fn knock(&self, port: u16, number: usize, socket: VirtualSocket) -> Option<usize> {
        let mut state = self.0.borrow_mut();
        let open = state.berths.get_mut(usize::from(port))?.as_mut()?;
        open.waiting.push_back((number, socket));
        Some(open.token)
    }

    fn is_open(&self, port: u16) -> bool {
        self.0.borrow().berths[usize::from(port)].is_some()
    }
}

impl Ports<VirtualSocket> for Quay {
    fn open(
        &mut self,
        _wanted: &Wanted,
        token: usize,
    ) -> io::Result<(u16, Box<dyn Port<VirtualSocket>>)> {
        let mut state = self.0.borrow_mut();
        state.berths.push(Some(Open { token, waiting: VecDeque::new() }));
        let no = state.berths.len() - 1;
        let port = u16::try_from(no).map_err(io::Error::other)?;
        Ok((port, Box::new(Berth { quay: self.clone(), no })))
    }
}

impl Port<VirtualSocket> for Berth {
    fn accept(&mut self, token: usize) -> io::Result<(VirtualSocket, IpAddr)> {
        let mut state = self.quay.0.borrow_mut();
        let open = state.berths[self.no].as_mut().expect("it is open");
        let (number, socket) = open.waiting.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        state.tokens.push((number, token));
        Ok((socket, IpAddr::V4(Ipv4Addr::LOCALHOST)))
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        let berth = self.quay.0.borrow_mut().berths[self.no].take();
        // Sockets that were never taken in tell the network that they have gone, which is free only now.
        drop(berth);
    }
}

/// How it goes with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lot {
    Delivered,
    NobodyComes,
    SenderGoes,
    ReceiverGoes,
}

impl Storm {
    /// One `helo` user sends another a file.
    pub(crate) fn send_parcel(&mut self, sender: &'static str, receiver: &'static str) -> Step {
        let lots = [Lot::Delivered, Lot::NobodyComes, Lot::SenderGoes, Lot::ReceiverGoes];
        let lot = self.random.choose(&lots);
        let most = if self.random.once_in(16) { FILE_BYTES_MAX } else { FILE_BYTES };
        let length = self.random.within(1, most) as usize;
        let port = self.agree_on_parcel(sender, receiver, &format!("{length};a file.txt;9"))?;
        let head = format!("FILE <{sender} @{receiver} {length};a file.txt;9 ");
        let line = format!("{head}{}\n", "A".repeat(length));
        if lot != Lot::NobodyComes {
            let sends = self.come_for_parcel(port)?;
            let takes = self.come_for_parcel(port)?;
            self.bring(takes, format!("OPEN_PORT_TO_RECEIVE {receiver}\n").as_bytes())?;
            match lot {
                Lot::Delivered => self.deliver_parcel(sender, sends, takes, &line)?,
                Lot::SenderGoes => {
                    // All of its words that come before the file are there.
                    let at = head.len() + self.random.below(length as u64) as usize;
                    self.bring(sends, &line.as_bytes()[..at])?;
                    self.network.reset(sends, self.random.once_in(2));
                    self.rest("a sender goes")?;
                    self.is_over(takes, Share::Some)?;
                }
                Lot::ReceiverGoes => self.lose_receiver(sends, takes, &line)?,
                Lot::NobodyComes => {}
            }
            self.ends.clear();
        }
        self.pass(FILE_MS + LINGER_MS)?;
        if self.hub().transfers() > 0 || self.quay.is_open(port) {
            return Err(Stop::Wrong(format!("{lot:?}: the file is still under way")));
        }
        self.tally.count("parcels");
        Ok(())
    }

    /// The chat's part of it; which port it is.
    fn agree_on_parcel(&mut self, sender: &str, receiver: &str, meta: &str) -> Step<u16> {
        self.want(&Expected::only(receiver, format!("FILE_TRANS @{sender} {meta}")));
        self.arrive(sender, format!("FILE_TRANS @{receiver} {meta}\n").as_bytes());
        self.rest("an offer")?;
        let port = self.quay.0.borrow().berths.len() as u16;
        let ready = format!("READY_FOR_FILE @{receiver} {meta} {port}");
        self.want(&Expected::only(sender, ready));
        self.want(&Expected::only(receiver, format!("OPEN_PORT_TO_RECEIVE {port}")));
        self.arrive(receiver, format!("READY_FOR_FILE @{sender} {meta}\n").as_bytes());
        self.rest("an acceptance")?;
        Ok(port)
    }

    fn come_for_parcel(&mut self, port: u16) -> Step<usize> {
        let gulps = self.random.choose(&[10_000, 40_000, 200_000]);
        let (number, socket) = self.network.connect(Some(0));
        self.ends.insert(number, Wire::new(number, Speech::Helo, Reads::Gulps(gulps)));
        let token = self.quay.knock(port, number, socket);
        let token = token.ok_or_else(|| format!("port {port} is closed"))?;
        self.hub().note_transfer(token, Readiness { readable: true, ..Readiness::default() });
        self.rest("a knock")?;
        Ok(number)
    }

    /// What one of the two sends arrives in pieces.
    fn bring(&mut self, number: usize, bytes: &[u8]) -> Step {
        let most = self.random.choose(&[300, 20_000, 200_000]);
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.random.within(1, most).min(rest.len() as u64) as usize;
            self.network.send(number, &rest[..count]);
            self.network.deliver(number, usize::MAX);
            rest = &rest[count..];
            self.rest("a piece of a file")?;
        }
        Ok(())
    }

    fn deliver_parcel(&mut self, sender: &str, sends: usize, takes: usize, line: &str) -> Step {
        self.bring(sends, line.as_bytes())?;
        let file = line.trim_end().splitn(4, ' ').nth(3).unwrap_or_default();
        self.hears(takes, format!("FILE <{sender} @{sender} {file}"))?;
        self.bring(takes, format!("FILE_STATUS it is here! @{sender}\n").as_bytes())?;
        self.hears(sends, "FILE_STATUS it is here!".to_owned())?;
        self.is_over(takes, Share::All)?;
        self.is_over(sends, Share::All)
    }

    /// The receiver goes in the middle, which the sender is told, whatever of the file was still to come.
    fn lose_receiver(&mut self, sends: usize, takes: usize, line: &str) -> Step {
        let at = line.len() - self.random.within(1, 100).min(line.len() as u64 / 2) as usize;
        self.bring(sends, &line.as_bytes()[..at])?;
        self.network.reset(takes, self.random.once_in(2));
        self.rest("a receiver goes")?;
        self.bring(sends, &line.as_bytes()[at..])?;
        let told = "FILE_STATUS the receiver has gone and the file was not delivered!";
        self.hears(sends, told.to_owned())?;
        self.is_over(sends, Share::All)
    }

    fn hears(&mut self, number: usize, text: String) -> Step {
        let end = self.ends.get_mut(&number).expect("it is an end");
        end.want(&[text], Order::AsTold);
        Ok(end.compare(Share::All)?)
    }

    /// The server has ended a connection.
    fn is_over(&mut self, number: usize, share: Share) -> Step {
        let end = self.ends.get_mut(&number).expect("it is an end");
        if share == Share::All {
            end.compare(share)?;
        }
        if end.has_ended { Ok(()) } else { Err(Stop::Wrong("an end is still open".to_owned())) }
    }
}
