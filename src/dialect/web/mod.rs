//! The MEC dialect in a browser: its lines as text messages of a WebSocket (spec `web.md`, RFC 6455), and the HTTP that
//! leads there (`http.rs`).
//!
//! A message holds one or more lines, whole ones; lines are cut and read by the MEC reader as they come, however the
//! message is cut into frames and the frames into segments. A message out holds one or more whole lines.
//!
//! Invariant: what has been taken from the input has been read; a reader never keeps lines back.

mod assets;
mod frame;
pub mod http;
#[cfg(test)]
mod tests;
mod utf8;

use zeroize::Zeroizing;

use crate::core::event::{Event, MessageRow, Reply, Warning};
use crate::core::{Command, Standing, Status};
use crate::dialect::mec;
use crate::dialect::web::frame::{Fragment, Head, Heading, Opcode};
use crate::dialect::web::utf8::Utf8;
use crate::dialect::{Asked as AnyAsked, Context, Input, Next, Request};
use crate::limits::{
    CONTROL_BYTES_MAX, READ_BYTES_MAX, WEB_MESSAGE_BYTES_MAX, WEB_PING_MS, WEB_SILENCE_MS,
};

/// Why a WebSocket is closed, as RFC 6455 7.4.1 numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// 1000: the user has left.
    Normal,
    /// 1001: the server stops, or does not wait any longer.
    GoingAway,
    /// 1002: the client breaks the protocol.
    Protocol,
    /// 1003: the message is not text.
    NotText,
    /// 1007: the text is not UTF-8.
    NotUtf8,
    /// 1008: the client does what it may not.
    Policy,
    /// 1009: the message is too long.
    TooLong,
}

/// One connection's state between segments.
#[derive(Debug, Default)]
pub struct Reader {
    lines: mec::Reader,
    heading: Heading,
    frame: Option<Frame>,
    message: Option<Message>,
    /// The payload of a frame of control.
    control: heapless::Vec<u8, CONTROL_BYTES_MAX>,
    /// The payload that is being read, without its mask; owns nothing between reads. Passwords come this way.
    unmasked: Zeroizing<Vec<u8>>,
    phase: Phase,
    /// When something came last, in ms of the server's clock.
    heard: u64,
    /// When a ping was sent last.
    pinged: u64,
}

/// A frame of which not all has been read.
#[derive(Debug)]
struct Frame {
    head: Head,
    /// Bytes of the payload that have been read.
    read: u64,
    /// Bytes of the payload that are known to be text.
    checked: u64,
}

/// A message of which not all has been read.
#[derive(Debug, Default)]
struct Message {
    /// Bytes in all its frames so far.
    bytes: u64,
    utf8: Utf8,
    line: LineEnd,
}

/// How what was read of a message ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum LineEnd {
    /// With a line.
    #[default]
    Whole,
    /// Within a line, which the end of the message ends.
    Partial,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    #[default]
    Open,
    Closed,
}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// What is answered by lines of MEC.
    Lines(mec::Asked),
    /// To leave.
    Quit,
    /// Whether we are there.
    Ping(&'a [u8]),
    /// Nothing: we ask whether the client is there.
    Silence,
    /// To end the conversation, or what ends it.
    Close(Code),
}

/// What is to be read next.
enum Part {
    /// Nothing that is there.
    Nothing,
    /// The text of a message.
    Text,
    /// A frame of control.
    Control(Opcode),
    /// What ends the connection.
    Wrong(Code),
}

impl Code {
    fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::Protocol => 1002,
            Self::NotText => 1003,
            Self::NotUtf8 => 1007,
            Self::Policy => 1008,
            Self::TooLong => 1009,
        }
    }
}

impl Asked<'_> {
    /// Appends the answer.
    pub fn answer(&self, out: &mut Vec<u8>, status: Status) -> Next {
        match self {
            Self::Lines(asked) => {
                frame::text(out, |out| {
                    asked.answer(out, status);
                });
                Next::Stay
            }
            Self::Quit => {
                frame::text(out, |out| mec::render::reply(out, &Reply::Status(status)));
                close(out, Code::Normal);
                Next::Stay
            }
            Self::Ping(payload) => {
                frame::control(out, Opcode::Pong, payload);
                Next::Stay
            }
            Self::Silence => {
                frame::control(out, Opcode::Ping, b"");
                Next::Stay
            }
            Self::Close(code) => {
                close(out, *code);
                Next::Close
            }
        }
    }
}

fn close(out: &mut Vec<u8>, code: Code) {
    frame::control(out, Opcode::Close, &code.number().to_be_bytes());
}

/// Appends an answer that the house gives, or a row of one.
pub fn reply(out: &mut Vec<u8>, reply: &Reply<'_>) {
    frame::text(out, |out| mec::render::reply(out, reply));
}

/// Appends the answer to `#getmessage`; see [`mec::render::message`].
pub fn message(out: &mut Vec<u8>, head: &MessageRow<'_>, parts: u32, text: &str) {
    frame::text(out, |out| mec::render::message(out, head, parts, text));
}

/// Appends lines of a message's text; see [`mec::render::lines`].
pub fn lines(out: &mut Vec<u8>, text: &str) {
    frame::text(out, |out| mec::render::lines(out, text));
}

/// Appends an event; the last word of the server is followed by the end of the conversation.
pub fn event(out: &mut Vec<u8>, event: &Event<'_>) {
    frame::text(out, |out| mec::render::event(out, event));
    if let Event::Warning(warning) = event
        && warning.is_last()
    {
        close(out, code(warning));
    }
}

fn code(warning: &Warning<'_>) -> Code {
    match warning {
        Warning::LineTooLong | Warning::TooManyLines => Code::TooLong,
        // Nobody should come back of his own accord.
        Warning::WrongPasswords
        | Warning::LoggedInElsewhere
        | Warning::TooSlow
        | Warning::Idle
        | Warning::Kicked { .. } => Code::Policy,
        Warning::LoginTimeout | Warning::ServerFull | Warning::AddressFull | Warning::Stopping => {
            Code::GoingAway
        }
    }
}

impl Reader {
    /// A WebSocket that was opened at `now_ms` of the server's clock.
    #[must_use]
    pub fn opened(now_ms: u64) -> Self {
        let lines = mec::Reader::bare();
        Self { lines, heard: now_ms, pinged: now_ms, ..Self::default() }
    }

    /// See [`crate::dialect::Reader::next`].
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        if !input.is_empty() {
            self.heard = context.now_ms;
        }
        match self.next_part(input) {
            Part::Nothing => {
                self.unmasked = Zeroizing::default();
                None
            }
            Part::Text => Some(self.text(input, standing, context)),
            Part::Control(opcode) => Some(self.control(opcode)),
            Part::Wrong(code) => Some(self.fail(code)),
        }
    }

    /// See [`crate::dialect::Reader::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match self.phase {
            Phase::Open => Some((self.pinged + WEB_PING_MS).min(self.heard + WEB_SILENCE_MS)),
            Phase::Closed => None,
        }
    }

    /// See [`crate::dialect::Reader::due`].
    pub fn due(&mut self, now_ms: u64) -> Option<Request<'_>> {
        if self.phase == Phase::Closed {
            return None;
        }
        if now_ms >= self.heard + WEB_SILENCE_MS {
            return Some(self.fail(Code::GoingAway));
        }
        if now_ms < self.pinged + WEB_PING_MS {
            return None;
        }
        self.pinged = now_ms;
        Some(answer(Asked::Silence))
    }

    /// See [`crate::dialect::Reader::release`].
    pub fn release(&mut self, context: &mut Context<'_>) {
        self.lines.release(context);
        self.phase = Phase::Closed;
    }

    /// The reader of the lines.
    pub fn lines_mut(&mut self) -> &mut mec::Reader {
        &mut self.lines
    }

    /// The reader of the lines.
    #[must_use]
    pub fn lines(&self) -> &mec::Reader {
        &self.lines
    }

    fn fail(&mut self, code: Code) -> Request<'static> {
        self.phase = Phase::Closed;
        answer(Asked::Close(code))
    }

    /// Goes through heads and frames of control up to something to do.
    fn next_part(&mut self, input: &mut &[u8]) -> Part {
        if self.phase == Phase::Closed {
            *input = &[];
            return Part::Nothing;
        }
        loop {
            let Some(frame) = &mut self.frame else {
                let Some(head) = self.heading.take(input) else { return Part::Nothing };
                match head.map_err(|_| Code::Protocol).and_then(|head| self.begin(head)) {
                    Ok(()) => continue,
                    Err(code) => return Part::Wrong(code),
                }
            };
            let left = frame.head.length - frame.read;
            match frame.head.opcode {
                opcode @ (Opcode::Close | Opcode::Ping | Opcode::Pong) => {
                    let count = input.len().min(left as usize);
                    let (bytes, rest) = input.split_at(count);
                    *input = rest;
                    self.control.extend_from_slice(bytes).expect("its head was short enough");
                    frame.read += count as u64;
                    if frame.read < frame.head.length {
                        return Part::Nothing;
                    }
                    frame::unmask(&mut self.control, frame.head.mask, 0);
                    self.frame = None;
                    return Part::Control(opcode);
                }
                Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                    let message = self.message.as_ref().expect("a frame belongs to a message");
                    let owes_line =
                        message.line == LineEnd::Partial && frame.head.fragment == Fragment::Last;
                    if left > 0 && input.is_empty() {
                        return Part::Nothing;
                    }
                    if left > 0 || owes_line {
                        return Part::Text;
                    }
                    if let Err(code) = self.end_frame() {
                        return Part::Wrong(code);
                    }
                }
            }
        }
    }

    /// A frame begins, if it may.
    fn begin(&mut self, head: Head) -> Result<(), Code> {
        match (head.opcode, &self.message) {
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => self.control.clear(),
            (Opcode::Text, None) => self.message = Some(Message::default()),
            (Opcode::Continuation, Some(_)) => {}
            (Opcode::Binary, None) => return Err(Code::NotText),
            (Opcode::Text | Opcode::Binary, Some(_)) | (Opcode::Continuation, None) => {
                return Err(Code::Protocol);
            }
        }
        if let (false, Some(message)) = (head.opcode.is_control(), &mut self.message) {
            message.bytes = message.bytes.saturating_add(head.length);
            if message.bytes > WEB_MESSAGE_BYTES_MAX {
                return Err(Code::TooLong);
            }
        }
        self.frame = Some(Frame { head, read: 0, checked: 0 });
        Ok(())
    }

    /// All of a frame of text has been read.
    fn end_frame(&mut self) -> Result<(), Code> {
        let frame = self.frame.take().expect("asked only within a frame");
        if frame.head.fragment == Fragment::Last {
            let mut message = self.message.take().expect("a frame belongs to a message");
            message.utf8.end().map_err(|_| Code::NotUtf8)?;
        }
        Ok(())
    }

    /// Reads one request from the text that is there; nothing if it ends within a line.
    fn text<'a>(
        &'a mut self,
        input: &mut &[u8],
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Request<'a> {
        let Self { lines, frame, message, unmasked, phase, .. } = self;
        let frame = frame.as_mut().expect("text is in a frame");
        let message = message.as_mut().expect("a frame belongs to a message");
        let left = usize::try_from(frame.head.length - frame.read).unwrap_or(usize::MAX);
        let count = input.len().min(left).min(READ_BYTES_MAX);
        unmasked.clear();
        // With a line end behind it, it never grows: that would leave a copy which nobody wipes.
        unmasked.reserve(READ_BYTES_MAX + 1);
        unmasked.extend_from_slice(&input[..count]);
        frame::unmask(unmasked, frame.head.mask, frame.read);
        let known = (frame.checked - frame.read) as usize;
        frame.checked = frame.read + count as u64;
        let is_last = count == left && frame.head.fragment == Fragment::Last;
        let mut is_text = message.utf8.check(&unmasked[known..]);
        if is_last {
            is_text = is_text.and(message.utf8.end());
        }
        if is_text.is_err() {
            *phase = Phase::Closed;
            return answer(Asked::Close(Code::NotUtf8));
        }
        let ends_within_line = match unmasked.last() {
            Some(byte) => *byte != b'\n',
            None => message.line == LineEnd::Partial,
        };
        if is_last && ends_within_line {
            unmasked.push(b'\n');
        }
        let mut input_of_lines = Input::new(unmasked);
        let request = lines.next(&mut input_of_lines, standing, context);
        let read = unmasked.len() - input_of_lines.rest.len();
        if let Some(at) = read.checked_sub(1) {
            message.line = if unmasked[at] == b'\n' { LineEnd::Whole } else { LineEnd::Partial };
        }
        let read = read.min(count);
        *input = &input[read..];
        frame.read += read as u64;
        request.map_or(Request::Nothing, framed)
    }

    fn control(&mut self, opcode: Opcode) -> Request<'_> {
        match opcode {
            Opcode::Ping => answer(Asked::Ping(&self.control)),
            Opcode::Close => {
                let code = closing(&self.control);
                self.fail(code)
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary | Opcode::Pong => Request::Nothing,
        }
    }
}

/// How a close is answered: in kind, unless it is none that a client may send.
fn closing(payload: &[u8]) -> Code {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return if payload.is_empty() { Code::Normal } else { Code::Protocol };
    };
    match u16::from_be_bytes(*code) {
        1000..=1003 | 1007..=1014 | 3000..=4999 if str::from_utf8(reason).is_ok() => Code::Normal,
        1000..=1003 | 1007..=1014 | 3000..=4999 => Code::NotUtf8,
        _ => Code::Protocol,
    }
}

fn answer(asked: Asked<'_>) -> Request<'_> {
    Request::Answer(Status::Ok, AnyAsked::Web(asked))
}

/// A request of the MEC reader, whose answer goes into a frame.
fn framed(request: Request<'_>) -> Request<'_> {
    match request {
        Request::Do(Command::Quit, _) => Request::Do(Command::Quit, AnyAsked::Web(Asked::Quit)),
        Request::Do(command, AnyAsked::Mec(asked)) => {
            Request::Do(command, AnyAsked::Web(Asked::Lines(asked)))
        }
        Request::Answer(status, AnyAsked::Mec(asked)) => {
            Request::Answer(status, AnyAsked::Web(Asked::Lines(asked)))
        }
        other => other,
    }
}
