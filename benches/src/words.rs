//! What is said to each kind of server, and how its answers are counted. Knows no sockets.
//!
//! Every text that is delivered is [`TEXT_BYTES`] long and has exactly one [`MARK`]; nothing else that is said after
//! the log-ins has one, so that counting deliveries is counting marks.

/// Bytes of a text that people say.
pub const TEXT_BYTES: usize = 64;

/// The byte by which a delivery is recognised.
pub const MARK: u8 = b'%';

/// A protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Words {
    /// The protocol of mecd.
    Mec,
    /// The limit's lines.
    Raw,
    /// MQTT 3.1.1 with quality of service 0.
    Mqtt,
    /// IRC.
    Irc,
    /// Redis publish/subscribe, with commands as lines.
    Redis,
    /// NATS.
    Nats,
}

/// What a connection is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Logged in, and no more.
    Idle,
    /// In the room.
    Listener,
    /// Speaks to the room.
    Speaker,
    /// Takes private messages.
    Receiver,
}

/// What is sent, and what ends the answer to it.
#[derive(Debug)]
pub struct Step {
    /// What is sent.
    pub ask: Vec<u8>,
    /// When this has come, it is answered.
    pub until: Vec<u8>,
}

fn step(ask: impl Into<Vec<u8>>, until: impl Into<Vec<u8>>) -> Step {
    Step { ask: ask.into(), until: until.into() }
}

/// A text of the right length that carries a number.
#[must_use]
pub fn text(number: u64) -> String {
    let text = format!("{}{number:016x}{:x<1$}", MARK as char, TEXT_BYTES - 17);
    assert_eq!(text.len(), TEXT_BYTES);
    text
}

/// The numbers of the texts in what was received, of those that are there whole.
pub fn numbers(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let marks = bytes.iter().enumerate().filter(|&(_, &byte)| byte == MARK);
    marks.filter_map(|(at, _)| {
        let digits = std::str::from_utf8(bytes.get(at + 1..at + 17)?).ok()?;
        u64::from_str_radix(digits, 16).ok()
    })
}

impl Words {
    /// What logs a connection in; one after the other.
    #[must_use]
    pub fn log_in(self, who: usize, part: Part) -> Vec<Step> {
        let subject = if part == Part::Receiver { format!("u{who}") } else { "room".to_owned() };
        let hears = part != Part::Idle && (part != Part::Speaker || self.speakers_hear());
        let (login, join) = match self {
            Self::Mec => {
                let login = step(format!("#login anon u{who}\r\n"), "@status 0\r\n");
                return vec![login];
            }
            Self::Raw => return vec![step("e\r\n", "e\r\n")],
            Self::Mqtt => {
                let subscribe = packet(0x82, &[&[0, 1], &string(&subject), &[0]]);
                (step(mqtt_connect(who), [0x20, 2, 0, 0]), step(subscribe, [0x90, 3, 0, 1, 0]))
            }
            Self::Irc => {
                let login = step(format!("NICK u{who}\r\nUSER u{who} 0 * :u\r\n"), IRC_MOTD_END);
                let join = step("JOIN #room\r\n", " 366 ");
                let stands = matches!(part, Part::Listener | Part::Speaker);
                return if stands { vec![login, join] } else { vec![login] };
            }
            Self::Redis => {
                let join = step(format!("SUBSCRIBE {subject}\r\n"), ":1\r\n");
                (step("PING\r\n", "+PONG\r\n"), join)
            }
            Self::Nats => {
                let login = step("CONNECT {\"verbose\":false}\r\nPING\r\n", "PONG\r\n");
                (login, step(format!("SUB {subject} 1\r\nPING\r\n"), "PONG\r\n"))
            }
        };
        if hears { vec![login, join] } else { vec![login] }
    }

    /// Whether who speaks may be one of those who hear: on a Redis connection that subscribes nothing else can be
    /// asked.
    #[must_use]
    pub fn speakers_hear(self) -> bool {
        self != Self::Redis
    }

    /// Whether who speaks hears itself.
    #[must_use]
    pub fn echoes(self) -> bool {
        matches!(self, Self::Mec | Self::Raw | Self::Mqtt | Self::Nats)
    }

    /// Says something to the room.
    #[must_use]
    pub fn publish(self, text: &str) -> Vec<u8> {
        match self {
            Self::Mec => format!("#broadcast {text}\r\n").into_bytes(),
            Self::Raw => format!("b{text}\r\n").into_bytes(),
            Self::Mqtt => packet(0x30, &[&string("room"), text.as_bytes()]),
            Self::Irc => format!("PRIVMSG #room :{text}\r\n").into_bytes(),
            Self::Redis => format!("PUBLISH room {text}\r\n").into_bytes(),
            Self::Nats => format!("PUB room {}\r\n{text}\r\n", text.len()).into_bytes(),
        }
    }

    /// Says something to one person, who for the limit's lines must be the next one after the sender.
    #[must_use]
    pub fn whisper(self, to: usize, text: &str) -> Vec<u8> {
        match self {
            Self::Mec => format!("#sendto u{to} {text}\r\n").into_bytes(),
            Self::Raw => format!("p{text}\r\n").into_bytes(),
            Self::Mqtt => packet(0x30, &[&string(&format!("u{to}")), text.as_bytes()]),
            Self::Irc => format!("PRIVMSG u{to} :{text}\r\n").into_bytes(),
            Self::Redis => format!("PUBLISH u{to} {text}\r\n").into_bytes(),
            Self::Nats => format!("PUB u{to} {}\r\n{text}\r\n", text.len()).into_bytes(),
        }
    }

    /// A small request, answered by [`Words::answer_units`].
    #[must_use]
    pub fn request(self) -> &'static [u8] {
        match self {
            Self::Mec => b"#roomstatus\r\n",
            Self::Raw => b"e----------\r\n",
            Self::Mqtt => &[0xc0, 0],
            Self::Irc => b"PING x\r\n",
            Self::Redis | Self::Nats => b"PING\r\n",
        }
    }

    /// How many units of [`Words::units`] an answer has.
    #[must_use]
    pub fn answer_units(self) -> u64 {
        if self == Self::Mqtt { 2 } else { 1 }
    }

    /// What of `bytes` counts as parts of answers: lines, or bytes where there are none. NATS asks back with `PING` when
    /// it likes; an answer is a `PONG`.
    #[must_use]
    pub fn units(self, bytes: &[u8]) -> u64 {
        match self {
            Self::Mqtt => bytes.len() as u64,
            Self::Nats => count(bytes, b'O'),
            Self::Mec | Self::Raw | Self::Irc | Self::Redis => count(bytes, b'\n'),
        }
    }
}

/// The end of the message of the day, or word that there is none.
const IRC_MOTD_END: &str = " 422 ";

/// How often a byte stands in others.
#[must_use]
pub fn count(bytes: &[u8], wanted: u8) -> u64 {
    // In pieces that a byte can count, which compiles to vector instructions.
    let pieces = bytes.chunks(255);
    pieces
        .map(|piece| u64::from(piece.iter().map(|&byte| u8::from(byte == wanted)).sum::<u8>()))
        .sum()
}

fn string(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("topics are short").to_be_bytes();
    [&length[..], text.as_bytes()].concat()
}

/// An MQTT packet, short enough for one byte of length.
fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
    let rest = parts.concat();
    let length = u8::try_from(rest.len()).expect("packets are short");
    assert!(length < 128 && length != MARK, "the length is one byte and no mark");
    [&[first, length][..], &rest].concat()
}

fn mqtt_connect(who: usize) -> Vec<u8> {
    const CLEAN: u8 = 2;
    packet(0x10, &[&string("MQTT"), &[4, CLEAN, 0, 0], &string(&format!("u{who}"))])
}
