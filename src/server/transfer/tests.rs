//! Files on their way, with ports and sockets in memory.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::rc::Rc;

use super::*;
use crate::dialect::helo::file::base64_bytes;
use crate::limits::{HELO_LINE_BYTES_MAX, LINGER_MS, TRANSFER_BUFFER_BYTES};
use crate::server::socket::Port;

/// A connection, seen from its peer.
#[derive(Debug, Default)]
struct Line {
    /// On the way to the server.
    sent: VecDeque<u8>,
    has_ended: bool,
    /// What the peer has got.
    got: Vec<u8>,
    /// Bytes that the peer's side takes.
    room: usize,
    /// Whether the server has closed it.
    is_closed: bool,
}

#[derive(Clone, Debug)]
struct Peer(Rc<RefCell<Line>>);

#[derive(Debug)]
struct Side(Rc<RefCell<Line>>);

/// Who waits at each port.
type Doors = Rc<RefCell<Vec<Option<VecDeque<(Side, IpAddr)>>>>>;

#[derive(Debug)]
struct Street(Doors);

#[derive(Debug)]
struct House {
    doors: Doors,
    number: usize,
}

impl Read for Side {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut line = self.0.borrow_mut();
        if line.sent.is_empty() && !line.has_ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        line.sent.read(into)
    }
}

impl Write for Side {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut line = self.0.borrow_mut();
        if line.has_ended && line.room == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(line.room);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        line.got.extend(&bytes[..count]);
        line.room -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Side {
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.0.borrow_mut().is_closed = true;
    }
}

impl Ports<Side> for Street {
    fn open(&mut self, _wanted: &Wanted, _token: usize) -> io::Result<(u16, Box<dyn Port<Side>>)> {
        let mut doors = self.0.borrow_mut();
        doors.push(Some(VecDeque::new()));
        let number = doors.len() - 1;
        Ok((number as u16, Box::new(House { doors: Rc::clone(&self.0), number })))
    }
}

impl Port<Side> for House {
    fn accept(&mut self, _token: usize) -> io::Result<(Side, IpAddr)> {
        let mut doors = self.doors.borrow_mut();
        let waiting = doors[self.number].as_mut().expect("it is open");
        waiting.pop_front().ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.doors.borrow_mut()[self.number] = None;
    }
}

impl Peer {
    fn send(&self, bytes: impl AsRef<[u8]>) {
        self.0.borrow_mut().sent.extend(bytes.as_ref());
    }

    fn end(&self) {
        self.0.borrow_mut().has_ended = true;
    }

    fn give_room(&self, room: usize) {
        self.0.borrow_mut().room = room;
    }

    fn got(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.borrow_mut().got)).unwrap()
    }

    fn unread(&self) -> usize {
        self.0.borrow().sent.len()
    }

    fn is_closed(&self) -> bool {
        self.0.borrow().is_closed
    }
}

const ZOE_AT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const ANN_AT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

const READY: &str = "OPEN_PORT_TO_RECEIVE ann\n";
const HEAD: &str = "FILE <zoe @ann 5;a b;9 ";
const HEAD_ON: &str = "FILE <zoe @zoe 5;a b;9 ";

fn between(sender: &str, receiver: &str) -> Between {
    let name = |text| UserName::new(text).unwrap();
    let (sender, receiver) = (name(sender), name(receiver));
    Between { sender, sender_at: ZOE_AT, receiver, receiver_at: ANN_AT }
}

/// All that is there, and the time.
struct Scene {
    transfers: Transfers<Side>,
    doors: Doors,
    options: Options,
    now: Now,
}

impl Scene {
    fn new() -> Self {
        let doors = Doors::default();
        let transfers = Transfers::new(Box::new(Street(Rc::clone(&doors))));
        let options = Options { file_bytes_max: 300, ..Options::default() };
        Self { transfers, doors, options, now: Now { ms: 5000, wall: 0 } }
    }

    /// With a file from zoe to ann expected.
    fn expecting() -> Self {
        let mut scene = Self::new();
        assert_eq!(scene.open("zoe", "ann"), Ok(0));
        scene
    }

    fn open(&mut self, sender: &str, receiver: &str) -> Result<u16, Status> {
        self.transfers.open(self.now, between(sender, receiver), &[], &self.options)
    }

    fn come(&mut self, from: IpAddr) -> Peer {
        let line = Rc::new(RefCell::new(Line { room: usize::MAX, ..Line::default() }));
        let mut doors = self.doors.borrow_mut();
        let door = doors[0].as_mut().expect("the port is open");
        door.push_back((Side(Rc::clone(&line)), from));
        Peer(line)
    }

    fn zoe(&mut self) -> Peer {
        self.come(ZOE_AT)
    }

    fn ann(&mut self) -> Peer {
        let ann = self.come(ANN_AT);
        ann.send(READY);
        ann
    }

    /// Every edge that there may be, and turns until there is nothing to be done.
    fn turns(&mut self) {
        let all = Readiness { readable: true, writable: true, hung_up: false };
        (0..self.transfers.slab.capacity() * TOKENS)
            .for_each(|token| self.transfers.note(token, all));
        for _ in 0..100 {
            self.transfers.run(self.now, &self.options);
            if !self.transfers.is_waiting() {
                return;
            }
        }
        panic!("it never rests");
    }

    fn is_open(&self) -> bool {
        self.doors.borrow()[0].is_some()
    }

    fn pass(&mut self, ms: u64) {
        self.now.ms += ms;
        self.turns();
    }
}

#[test]
fn a_file_goes_from_one_to_the_other_whoever_comes_first() {
    for sender_first in [true, false] {
        let mut scene = Scene::expecting();
        let (zoe, ann);
        if sender_first {
            zoe = scene.zoe();
            zoe.send(format!("{HEAD}QUJDRA==\n"));
            scene.turns();
            ann = scene.ann();
        } else {
            ann = scene.ann();
            scene.turns();
            zoe = scene.zoe();
            zoe.send(format!("{HEAD}QUJDRA==\n"));
        }
        scene.turns();
        assert!(!scene.is_open(), "nobody else is waited for");
        assert_eq!(ann.got(), format!("{HEAD_ON}QUJDRA==\n"));
        assert_eq!(zoe.got(), "");
        ann.send("FILE_STATUS file has successfully been delivered! @zoe\n");
        scene.turns();
        assert!(ann.is_closed());
        assert_eq!(zoe.got(), "FILE_STATUS file has successfully been delivered!\n");
        assert!(!zoe.is_closed(), "it is left the time to read that");
        assert!(scene.open("zoe", "ann").is_ok(), "and the next one may come");
        assert_eq!(scene.open("zoe", "ann"), Err(Status::AlreadyIn));
        zoe.end();
        scene.turns();
        assert!(zoe.is_closed());
        assert_eq!(scene.transfers.count(), 1);
    }
}

#[test]
fn a_file_is_the_same_however_it_is_cut() {
    let line = format!("{HEAD}QUJDREVGR0hJSktM\r\n");
    for size in 1..line.len() {
        let mut scene = Scene::expecting();
        let (zoe, ann) = (scene.zoe(), scene.come(ANN_AT));
        for byte in READY.as_bytes() {
            ann.send([*byte]);
            scene.turns();
        }
        for piece in line.as_bytes().chunks(size) {
            zoe.send(piece);
            scene.turns();
        }
        assert_eq!(ann.got(), format!("{HEAD_ON}QUJDREVGR0hJSktM\n"), "{size}");
        for byte in b"FILE_STATUS no @zoe\r\n" {
            ann.send([*byte]);
            scene.turns();
        }
        assert_eq!(zoe.got(), "FILE_STATUS no\n");
    }
}

#[test]
fn a_sender_is_read_only_as_fast_as_the_receiver_takes_it() {
    let mut scene = Scene::expecting();
    scene.options.file_bytes_max = 3_000_000;
    let (zoe, ann) = (scene.zoe(), scene.ann());
    ann.give_room(100);
    let file = "A".repeat(1_000_000);
    zoe.send(format!("{HEAD}{file}\n"));
    scene.turns();
    let taken = HEAD.len() + file.len() + 1 - zoe.unread();
    assert!(taken <= HELO_LINE_BYTES_MAX + TRANSFER_BUFFER_BYTES, "{taken}");
    let mut got = ann.got();
    while got.len() < HEAD_ON.len() + file.len() + 1 {
        ann.give_room(99_999);
        scene.turns();
        let more = ann.got();
        assert!(!more.is_empty(), "it goes on");
        got.push_str(&more);
    }
    assert!(got == format!("{HEAD_ON}{file}\n"));
}

#[test]
fn nothing_in_the_file_ends_a_line_of_the_receivers() {
    let mut scene = Scene::expecting();
    let (zoe, ann) = (scene.zoe(), scene.ann());
    zoe.send(format!("{HEAD}QU\rJD\r\nFILE <zoe @ann more\n"));
    scene.turns();
    assert_eq!(ann.got(), format!("{HEAD_ON}QUJD\n"));
}

#[test]
fn only_the_two_are_let_in() {
    let mut scene = Scene::expecting();
    let outsider = scene.come(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)));
    outsider.send(READY);
    let liar = scene.come(ANN_AT);
    liar.send("FILE <eve @ann m QUJD\n");
    let scanner = scene.come(ZOE_AT);
    scanner.send("GET / HTTP/1.1\r\n");
    let gone = scene.come(ZOE_AT);
    gone.end();
    scene.turns();
    for stranger in [&outsider, &liar, &scanner, &gone] {
        assert!(stranger.is_closed());
        assert_eq!(stranger.got(), "");
    }
    assert!(scene.is_open());
    // The first who says who it is has the seat.
    let (ann, second) = (scene.ann(), scene.ann());
    scene.turns();
    assert!(!ann.is_closed() && second.is_closed());
}

#[test]
fn of_those_who_say_nothing_the_one_silent_longest_makes_room() {
    let mut scene = Scene::expecting();
    let ann = scene.ann();
    scene.turns();
    let mut silent = Vec::new();
    for _ in 0..TRANSFER_SEATS {
        scene.now.ms += 1;
        silent.push(scene.zoe());
        scene.turns();
    }
    assert!(silent[0].is_closed() && !silent[1].is_closed());
    assert!(!ann.is_closed(), "who is known stays");
    let zoe = scene.zoe();
    zoe.send(format!("{HEAD}QUJD\n"));
    scene.turns();
    assert!(silent.iter().all(Peer::is_closed), "and then nobody else is waited for");
    assert_eq!(ann.got(), format!("{HEAD_ON}QUJD\n"));
}

#[test]
fn who_comes_with_words_in_a_crowd_keeps_its_seat() {
    for silent in 0..4 * TRANSFER_SEATS {
        let mut scene = Scene::expecting();
        let silent: Vec<_> = (0..silent).map(|_| scene.zoe()).collect();
        let (ann, zoe) = (scene.ann(), scene.zoe());
        zoe.send(format!("{HEAD}QUJD\n"));
        scene.turns();
        assert_eq!(ann.got(), format!("{HEAD_ON}QUJD\n"), "behind {} others", silent.len());
        assert!(silent.iter().all(Peer::is_closed));
    }
}

#[test]
fn who_speaks_a_moment_after_a_crowd_has_come_still_has_its_seat() {
    for silent in 0..4 * TRANSFER_SEATS {
        let mut scene = Scene::expecting();
        let silent: Vec<_> = (0..silent).map(|_| scene.zoe()).collect();
        let (ann, zoe) = (scene.come(ANN_AT), scene.zoe());
        scene.turns();
        ann.send(READY);
        zoe.send(format!("{HEAD}QUJD\n"));
        scene.turns();
        assert_eq!(ann.got(), format!("{HEAD_ON}QUJD\n"), "behind {} others", silent.len());
    }
}

#[test]
fn a_file_as_large_as_allowed_passes_and_a_larger_one_is_told_to_be_too_large() {
    let most = base64_bytes(300) as usize;
    for (length, fits) in [(most, true), (most + 1, false)] {
        let mut scene = Scene::expecting();
        let (zoe, ann) = (scene.zoe(), scene.ann());
        zoe.send(format!("{HEAD}{}\n", "A".repeat(length)));
        scene.turns();
        assert_eq!(ann.got().ends_with("A\n"), fits);
        let told =
            if fits { "" } else { "FILE_STATUS the file is too large and was not delivered!\n" };
        assert_eq!((zoe.got().as_str(), ann.is_closed()), (told, !fits));
        // What a sender still sends is thrown away for a while, so that it reads why.
        if !fits {
            zoe.send("A".repeat(100_000));
            scene.turns();
            assert_eq!((zoe.unread(), zoe.is_closed()), (0, false));
            scene.pass(LINGER_MS);
            assert!(zoe.is_closed());
            assert_eq!(scene.transfers.count(), 0);
        }
    }
}

#[test]
fn a_port_is_closed_when_nobody_comes_in_time() {
    let mut scene = Scene::expecting();
    scene.pass(59_999);
    assert!(scene.is_open());
    assert_eq!(scene.transfers.next_deadline(&scene.options), Some(scene.now.ms + 1));
    scene.pass(1);
    assert!(!scene.is_open());
    assert_eq!(scene.transfers.count(), 0);
    assert_eq!(scene.transfers.next_deadline(&scene.options), None);
}

#[test]
fn a_file_that_stands_still_is_given_up_and_each_byte_counts() {
    let mut scene = Scene::expecting();
    let (zoe, ann) = (scene.zoe(), scene.ann());
    zoe.send(HEAD);
    scene.turns();
    for _ in 0..3 {
        scene.pass(59_999);
        zoe.send("A");
        scene.turns();
    }
    scene.pass(59_999);
    assert!(!ann.is_closed());
    scene.pass(1);
    assert!(ann.is_closed());
    let told = "FILE_STATUS the file stood still for too long and was not delivered!\n";
    assert_eq!(zoe.got(), told);
}

#[test]
fn a_sender_hears_that_its_receiver_has_gone() {
    let gone = "FILE_STATUS the receiver has gone and the file was not delivered!\n";
    let unsure = "FILE_STATUS the receiver has gone and may not have the file!\n";
    let mut scene = Scene::expecting();
    let (zoe, ann) = (scene.zoe(), scene.ann());
    zoe.send(HEAD);
    scene.turns();
    ann.end();
    ann.give_room(0);
    zoe.send("QUJD");
    scene.turns();
    assert_eq!(zoe.got(), gone);

    let longest = format!("FILE_STATUS {}", "x".repeat(HELO_LINE_BYTES_MAX - 12));
    let told = format!("{longest}\n");
    for (status, wanted) in [
        ("", unsure),
        ("PM @zoe hi\n", unsure),
        (&format!("{longest}x\n"), unsure),
        (&format!("{longest}x"), unsure),
        (&told, &told),
    ] {
        let mut scene = Scene::expecting();
        let (zoe, ann) = (scene.zoe(), scene.ann());
        zoe.send(format!("{HEAD}QUJD\n"));
        scene.turns();
        ann.send(status);
        ann.end();
        scene.turns();
        assert_eq!(zoe.got(), wanted, "{}", status.len());
        assert!(ann.is_closed());
    }
}

#[test]
fn a_sender_that_goes_in_the_middle_takes_the_file_with_it() {
    let mut scene = Scene::expecting();
    let (zoe, ann) = (scene.zoe(), scene.ann());
    zoe.send(format!("{HEAD}QUJD"));
    zoe.end();
    scene.turns();
    assert!(zoe.is_closed() && ann.is_closed());
    assert_eq!(scene.transfers.count(), 0);
}

#[test]
fn there_are_32_files_at_once_and_4_to_one_receiver_and_one_between_two() {
    let mut scene = Scene::new();
    for nth in 0..TRANSFERS_PER_RECEIVER_MAX {
        assert!(scene.open(&format!("s{nth}"), "ann").is_ok());
    }
    assert_eq!(scene.open("zoe", "Ann"), Err(Status::NoMemory));
    assert_eq!(scene.open("S0", "Ann"), Err(Status::AlreadyIn));
    assert!(scene.open("ann", "s0").is_ok(), "the way back is another way");
    for nth in scene.transfers.count()..TRANSFERS_MAX {
        assert!(scene.open("zoe", &format!("r{nth}")).is_ok());
    }
    assert_eq!(scene.open("zoe", "max"), Err(Status::NoMemory));
    scene.transfers.clear();
    assert!(scene.open("zoe", "max").is_ok());
}

#[test]
fn who_has_no_ports_says_so() {
    let mut transfers: Transfers<Side> = Transfers::new(Box::new(NoPorts));
    let now = Now { ms: 0, wall: 0 };
    let opened = transfers.open(now, between("zoe", "ann"), &[], &Options::default());
    assert_eq!(opened, Err(Status::NoMemory));
    assert_eq!(transfers.count(), 0);
}

#[test]
fn a_port_is_where_the_two_came_in() {
    let of = |sender_at: &str, receiver_at: &str, listen: &[&str]| {
        let (sender_at, receiver_at) = (sender_at.parse().unwrap(), receiver_at.parse().unwrap());
        let between = Between { sender_at, receiver_at, ..between("zoe", "ann") };
        let listen: Vec<SocketAddr> = listen.iter().map(|at| at.parse().unwrap()).collect();
        let wanted = between.wanted(&listen, None);
        (wanted.address.to_string(), wanted.families)
    };
    let one = |address: &str| (address.to_owned(), Families::One);
    let both = ("::".to_owned(), Families::Both);
    let listen = ["10.0.0.9:1337", "[::1]:1337"];
    assert_eq!(of("10.0.0.1", "10.0.0.2", &listen), one("10.0.0.9"));
    assert_eq!(of("::1", "::1", &listen), one("::1"));
    assert_eq!(of("10.0.0.1", "::1", &listen), both);
    assert_eq!(of("10.0.0.1", "127.0.0.1", &["10.0.0.9:1337", "127.0.0.1:1337"]), one("0.0.0.0"));
    assert_eq!(of("10.0.0.1", "10.0.0.2", &["[::]:1337"]), one("0.0.0.0"));
    assert_eq!(of("::1", "::1", &[]), one("::"));
}
