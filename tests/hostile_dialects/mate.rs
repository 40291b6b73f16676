//! One who speaks a dialect to the real program, strictly by its framing, whatever comes.

use std::io::{ErrorKind, Read};

use crate::common::framing::Speech;
use crate::program_support::attack::{Room, connect_from, has_word};
use crate::program_support::{Client, Server};

/// One who speaks a dialect.
pub(crate) struct Mate {
    pub(crate) client: Client,
    pub(crate) speech: Speech,
    pub(crate) came: Vec<u8>,
}

impl Mate {
    pub(crate) fn new(server: &Server, speech: Speech, from: &str, room: Room) -> Self {
        let client = connect_from(from, server.address_of(speech.word()), room);
        Self { client, speech, came: Vec::new() }
    }

    /// One that has come in.
    pub(crate) fn logged_in(
        server: &Server,
        speech: Speech,
        from: &str,
        name: &str,
        room: Room,
    ) -> Self {
        let mut mate = Self::new(server, speech, from, room);
        if speech == Speech::Helo {
            assert_eq!(mate.next().as_deref(), Some("HELO Welkom to WhatsUpp!"));
        }
        match speech {
            Speech::Helo => mate.expect(&format!("HELO {name}"), &format!("+OK HELO {name}")),
            Speech::Chatapp => {
                mate.send(&frame("ConnectionMessage", name, "Server", "CONNECT"));
                mate.send(&frame("JoinMessage", name, "Server", "Home"));
                mate.read_until("\"sender\":\"{name}\"".replace("{name}", name).as_str());
            }
            Speech::Json => mate.expect(
                &format!(r#"{{"Command":"register","Username":"{name}","Password":"pw"}}"#),
                r#"{"Command":"ok","Re":"register"}"#,
            ),
            Speech::CrimpFrames | Speech::CrimpLines => {
                mate.expect(&format!("{name} JOIN Home"), "OK_JOIN");
            }
            Speech::Mec | Speech::CrimpBare => panic!("nobody attacks with these"),
        }
        if speech == Speech::Json {
            mate.expect(r#"{"Command":"join","Group":"Home"}"#, r#"{"Command":"ok","Re":"join"}"#);
        }
        mate
    }

    pub(crate) fn send(&mut self, text: &str) {
        let bytes = self.speech.encode(text).expect("it can be said");
        self.client.send_bytes(&bytes);
    }

    /// The next text that comes; nothing at the end.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            if let Some(text) = self.speech.take(&mut self.came).expect("the framing is right") {
                return Some(text);
            }
            let mut buffer = [0; 4096];
            match self.client.socket().read(&mut buffer) {
                Ok(0) => return None,
                Ok(count) => self.came.extend(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{:?} waits in vain: {error}", self.speech),
            }
        }
    }

    pub(crate) fn expect(&mut self, text: &str, answer: &str) {
        self.send(text);
        assert_eq!(self.next().as_deref(), Some(answer), "{:?}", self.speech);
    }

    pub(crate) fn read_until(&mut self, part: &str) {
        while !self.next().expect("it is not over").contains(part) {}
    }

    /// Everything up to the end, which must come.
    pub(crate) fn rest(mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Takes what has come; whether the end was among it.
    pub(crate) fn has_ended(&mut self) -> bool {
        let mut buffer = [0; 4096];
        while has_word(&self.client) {
            match self.client.socket().read(&mut buffer) {
                Ok(0) | Err(_) => return true,
                Ok(count) => self.came.extend(&buffer[..count]),
            }
        }
        false
    }

    /// Asks something that has one short answer, and reads up to that.
    pub(crate) fn is_served(&mut self, name: &str) {
        match self.speech {
            Speech::Helo => {
                self.send("NONSENSE");
                self.read_until("-SOFT_ERR unknown command");
            }
            Speech::Chatapp => {
                self.send(&frame("JoinMessage", name, "Server", ""));
                self.read_until("\"code\":20");
            }
            Speech::Json => {
                self.send(r#"{"Command":"ping"}"#);
                self.read_until(r#"{"Command":"ping"}"#);
            }
            Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
                self.send(&format!("{name} NONSENSE"));
                self.read_until("ERR_ILLEGALCOMMAND");
            }
            Speech::Mec => panic!("nobody attacks with it"),
        }
    }
}

/// A body of `chatapp`.
pub(crate) fn frame(kind: &str, sender: &str, dest: &str, data: &str) -> String {
    format!(
        r#"{{"__type__":"{kind}","timestamp":"01/01/2026 00:00:00","sender":"{sender}","dest":"{dest}","data":"{data}"}}"#
    )
}
