//! The network: sockets as mio would show them, edge-triggered, with every way in which a peer can be slow or gone.
//!
//! An edge comes when something changes that the reader or writer has been told is not there: new bytes after it saw
//! `WouldBlock` or a short read, room after a short write. The end of a peer is always an edge. What the hub does with
//! its sockets is written down in the order in which it does it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

use mecd::server::hub::Readiness;
use mecd::server::socket::Socket;
use mecd::store::memory::MemoryDisk;

/// What the hub did to a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// It read these bytes.
    Read(Vec<u8>),
    /// It read the end.
    ReadEnd,
    /// It was told, reading, that the connection is broken.
    ReadBroken,
    /// It was told, writing, that the connection is broken.
    WriteBroken,
    /// It wrote these bytes.
    Wrote(Vec<u8>),
    /// It ended its side.
    Ended,
    /// It let the socket go.
    Dropped,
}

/// One connection, seen from both sides.
#[derive(Debug, Default)]
struct Pipe {
    /// On the way to the server.
    flight: VecDeque<u8>,
    /// With the server's kernel, not read yet.
    arrived: VecDeque<u8>,
    /// The peer's end is to come behind what is in flight.
    fin_sent: bool,
    fin_arrived: bool,
    reset: bool,
    /// The peer is gone without a word: nothing comes from it, and it acknowledges nothing.
    vanished: bool,
    /// The reader has been told that there is nothing more.
    drained: bool,
    /// Bytes the server may still write.
    room: usize,
    eager: bool,
    /// The writer has been told that there is no room.
    full: bool,
    /// The next call is interrupted by a signal.
    interrupted: bool,
    ended: bool,
    dropped: bool,
}

#[derive(Debug, Default)]
struct State {
    pipes: Vec<Pipe>,
    acts: Vec<(usize, Act)>,
    edges: Vec<(usize, Readiness)>,
    writes: usize,
    /// At this write of the turn, the disk is copied as it is then.
    copy_at: Option<(usize, MemoryDisk)>,
    copied: Option<MemoryDisk>,
}

/// The whole network. A handle: clones are the same network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network(Rc<RefCell<State>>);

/// The server's end of a connection.
#[derive(Debug)]
pub(crate) struct VirtualSocket {
    network: Network,
    number: usize,
}

impl Network {
    /// A connection. `room` is what the server may write before the peer reads; `None`: the peer always reads.
    pub(crate) fn connect(&self, room: Option<usize>) -> (usize, VirtualSocket) {
        let mut state = self.0.borrow_mut();
        let number = state.pipes.len();
        state.pipes.push(Pipe {
            room: room.unwrap_or(usize::MAX),
            eager: room.is_none(),
            drained: true,
            ..Pipe::default()
        });
        // A poll tells of a new socket that it can be written to.
        state.edges.push((number, Readiness { writable: true, ..Readiness::default() }));
        (number, VirtualSocket { network: self.clone(), number })
    }

    /// The peer sends bytes; they are on the way.
    pub(crate) fn send(&self, number: usize, bytes: &[u8]) {
        let mut state = self.0.borrow_mut();
        let pipe = &mut state.pipes[number];
        if !pipe.fin_sent && !pipe.reset && !pipe.vanished {
            pipe.flight.extend(bytes);
        }
    }

    /// Up to `count` bytes arrive.
    pub(crate) fn deliver(&self, number: usize, count: usize) {
        let mut state = self.0.borrow_mut();
        let pipe = &mut state.pipes[number];
        if pipe.dropped || pipe.reset || count == 0 {
            return;
        }
        let count = count.min(pipe.flight.len());
        pipe.arrived.extend(pipe.flight.drain(..count).collect::<Vec<u8>>());
        let ends = pipe.fin_sent && pipe.flight.is_empty() && !pipe.fin_arrived;
        pipe.fin_arrived |= ends;
        if ends || count > 0 && pipe.drained {
            pipe.drained = false;
            let edge = Readiness { readable: true, writable: false, hung_up: ends };
            state.edges.push((number, edge));
        }
    }

    /// The peer ends its side, behind what it has sent.
    pub(crate) fn end(&self, number: usize) {
        let mut state = self.0.borrow_mut();
        let pipe = &mut state.pipes[number];
        pipe.fin_sent |= !pipe.vanished;
    }

    /// The peer's machine or network is gone. The kernel takes `room` bytes more, and then none; what was on the way
    /// does not arrive. A reset may follow, when keep-alive has found out.
    pub(crate) fn vanish(&self, number: usize, room: usize) {
        let mut state = self.0.borrow_mut();
        let pipe = &mut state.pipes[number];
        pipe.vanished = true;
        pipe.fin_sent = pipe.fin_arrived;
        pipe.flight.clear();
        pipe.eager = false;
        pipe.room = pipe.room.min(room);
    }

    /// The connection breaks. What had arrived may be lost with it.
    pub(crate) fn reset(&self, number: usize, loses: bool) {
        let mut state = self.0.borrow_mut();
        let pipe = &mut state.pipes[number];
        if pipe.reset || pipe.dropped {
            return;
        }
        pipe.reset = true;
        pipe.flight.clear();
        if loses {
            pipe.arrived.clear();
        }
        state.edges.push((number, Readiness { readable: true, writable: true, hung_up: true }));
    }

    /// The peer reads: the server may write `count` bytes more.
    pub(crate) fn make_room(&self, number: usize, count: usize) {
        let mut state = self.0.borrow_mut();
        let pipe = &mut state.pipes[number];
        if pipe.vanished {
            return;
        }
        pipe.room = pipe.room.saturating_add(count);
        if pipe.full && !pipe.dropped && count > 0 {
            pipe.full = false;
            state.edges.push((number, Readiness { writable: true, ..Readiness::default() }));
        }
    }

    /// From now on the peer reads at once what comes.
    pub(crate) fn become_eager(&self, number: usize) {
        let vanished = self.has_vanished(number);
        self.0.borrow_mut().pipes[number].eager = !vanished;
        self.make_room(number, usize::MAX);
    }

    pub(crate) fn interrupt(&self, number: usize) {
        self.0.borrow_mut().pipes[number].interrupted = true;
    }

    pub(crate) fn is_eager(&self, number: usize) -> bool {
        self.0.borrow().pipes[number].eager
    }

    pub(crate) fn has_vanished(&self, number: usize) -> bool {
        self.0.borrow().pipes[number].vanished
    }

    pub(crate) fn is_full(&self, number: usize) -> bool {
        self.0.borrow().pipes[number].full
    }

    pub(crate) fn is_dropped(&self, number: usize) -> bool {
        self.0.borrow().pipes[number].dropped
    }

    /// Bytes on the way or arrived, that the server has not read.
    pub(crate) fn unread(&self, number: usize) -> usize {
        let state = self.0.borrow();
        state.pipes[number].flight.len() + state.pipes[number].arrived.len()
    }

    pub(crate) fn take_edges(&self) -> Vec<(usize, Readiness)> {
        std::mem::take(&mut self.0.borrow_mut().edges)
    }

    pub(crate) fn has_edges(&self) -> bool {
        !self.0.borrow().edges.is_empty()
    }

    /// What the hub did since this was asked last.
    pub(crate) fn take_acts(&self) -> Vec<(usize, Act)> {
        let mut state = self.0.borrow_mut();
        state.writes = 0;
        std::mem::take(&mut state.acts)
    }

    /// At the write of this number in the next turn, copies the disk: a process that is killed just then leaves that.
    pub(crate) fn copy_disk_at(&self, write: usize, disk: &MemoryDisk) {
        self.0.borrow_mut().copy_at = Some((write, disk.clone()));
    }

    pub(crate) fn take_copy(&self) -> Option<MemoryDisk> {
        let mut state = self.0.borrow_mut();
        state.copy_at = None;
        state.copied.take()
    }

    /// The server's machine or process is gone, with all its ends.
    pub(crate) fn forget(&self) {
        let mut state = self.0.borrow_mut();
        state.edges.clear();
        state.acts.clear();
        for pipe in &mut state.pipes {
            pipe.dropped = true;
            pipe.arrived = VecDeque::new();
            pipe.flight = VecDeque::new();
        }
    }
}

impl State {
    fn act(&mut self, number: usize, act: Act) {
        self.acts.push((number, act));
    }

    fn read(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<usize> {
        let pipe = &mut self.pipes[number];
        if std::mem::take(&mut pipe.interrupted) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if pipe.arrived.is_empty() {
            if pipe.reset {
                self.act(number, Act::ReadBroken);
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            if pipe.fin_arrived {
                self.act(number, Act::ReadEnd);
                return Ok(0);
            }
            pipe.drained = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = buffer.len().min(pipe.arrived.len());
        for (to, from) in buffer.iter_mut().zip(pipe.arrived.drain(..count)) {
            *to = from;
        }
        pipe.drained = count < buffer.len();
        self.act(number, Act::Read(buffer[..count].to_vec()));
        Ok(count)
    }

    fn write(&mut self, number: usize, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let pipe = &mut self.pipes[number];
        if std::mem::take(&mut pipe.interrupted) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if pipe.reset {
            self.act(number, Act::WriteBroken);
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        assert!(!pipe.ended, "written behind the end");
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        let count = offered.min(pipe.room);
        pipe.full = count < offered;
        if !pipe.eager {
            pipe.room -= count;
        }
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut bytes = Vec::with_capacity(count);
        for slice in slices {
            bytes.extend_from_slice(&slice[..slice.len().min(count - bytes.len())]);
        }
        self.act(number, Act::Wrote(bytes));
        self.writes += 1;
        if let Some((_, disk)) = self.copy_at.as_ref().filter(|(at, _)| *at == self.writes) {
            self.copied = Some(disk.fork());
        }
        Ok(count)
    }
}

impl Read for VirtualSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.network.0.borrow_mut().read(self.number, buffer)
    }
}

impl Write for VirtualSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[io::IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.network.0.borrow_mut().write(self.number, slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for VirtualSocket {
    fn end(&mut self) -> io::Result<()> {
        let mut state = self.network.0.borrow_mut();
        let pipe = &mut state.pipes[self.number];
        assert!(!std::mem::replace(&mut pipe.ended, true), "a side ends once");
        if pipe.reset {
            return Err(io::ErrorKind::NotConnected.into());
        }
        state.act(self.number, Act::Ended);
        Ok(())
    }
}

impl Drop for VirtualSocket {
    fn drop(&mut self) {
        let mut state = self.network.0.borrow_mut();
        let pipe = &mut state.pipes[self.number];
        pipe.dropped = true;
        pipe.arrived = VecDeque::new();
        pipe.flight = VecDeque::new();
        state.act(self.number, Act::Dropped);
    }
}
