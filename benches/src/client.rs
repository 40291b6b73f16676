//! One person who speaks MEC and waits for every answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Somebody who waits for every answer.
pub struct Client {
    socket: BufReader<TcpStream>,
}

impl Client {
    /// Comes, and logs in as `u` with a number.
    #[must_use]
    pub fn log_in(server: SocketAddr, who: usize) -> Self {
        let mut client = Self::connect(server);
        client.introduce(who);
        client
    }

    /// Comes, and says nothing.
    #[must_use]
    pub fn connect(server: SocketAddr) -> Self {
        let socket = TcpStream::connect(server).expect("the server listens");
        socket.set_nodelay(true).expect("it is a TCP socket");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("it is a socket");
        Self { socket: BufReader::new(socket) }
    }

    /// Logs in as `u` with a number.
    pub fn introduce(&mut self, who: usize) {
        self.ask(&format!("#login anon u{who}\r\n"), 1);
    }

    /// Sends something.
    pub fn say(&mut self, words: &str) {
        self.socket.get_mut().write_all(words.as_bytes()).expect("the server takes it");
    }

    /// Reads so many lines, none of which is a refusal.
    pub fn hear(&mut self, lines: usize) {
        let mut line = String::new();
        for _ in 0..lines {
            line.clear();
            self.socket.read_line(&mut line).expect("the server answers");
            assert!(line.ends_with('\n') && !line.starts_with("@status -"), "heard {line:?}");
        }
    }

    /// Sends something and waits for so many lines.
    pub fn ask(&mut self, words: &str, lines: usize) {
        self.say(words);
        self.hear(lines);
    }

    /// Sends a request for a list and reads all of it; says how many rows there were.
    pub fn list(&mut self, words: &str) -> usize {
        self.say(words);
        self.hear_list()
    }

    /// Reads a list that was asked for; says how many rows there were.
    pub fn hear_list(&mut self) -> usize {
        let mut head = String::new();
        self.socket.read_line(&mut head).expect("the server answers");
        let rows = head.split_whitespace().last().and_then(|rows| rows.parse().ok());
        let rows = rows.unwrap_or_else(|| panic!("{head:?} is no list"));
        self.hear(rows);
        rows
    }

    /// Waits until the server closes its side.
    pub fn hear_the_end(&mut self) {
        let bytes = self.socket.read(&mut [0]).expect("the server closes");
        assert_eq!(bytes, 0, "nothing more is said");
    }
}
