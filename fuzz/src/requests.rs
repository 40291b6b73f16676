//! Requests as text, so that they can be compared after what they borrow from has gone.

use mecd::core::command::{Body, Password};
use mecd::core::{Command, Standing};
use mecd::dialect::mec::{self, Reader};
use mecd::dialect::{Asked, Input, Options, Request, Shared};
use mecd::limits::{BODY_BYTES_MAX, LINE_BYTES_MAX, TEXT_BYTES_MAX};

/// Lines that a message may have here: few, so that bodies end.
pub const MESSAGE_LINES_MAX: u32 = 5;

/// How a browser begins.
pub const BROWSER: &[u8] = b"GET ";

/// What a browser's beginning asks for.
pub const HTTP: &str = "HTTP";

/// One connection's reading side, and all it says.
pub struct Talk {
    reader: Reader,
    shared: Shared,
    options: Options,
    standing: Standing,
    /// It was a browser, and is no connection of this dialect any more.
    has_left: bool,
    /// What was asked for.
    pub requests: Vec<String>,
}

impl Talk {
    /// A fresh connection.
    #[must_use]
    pub fn new(standing: Standing) -> Self {
        let options = Options { message_lines_max: MESSAGE_LINES_MAX, ..Options::default() };
        Self {
            reader: Reader::new(),
            shared: Shared::new(),
            options,
            standing,
            has_left: false,
            requests: Vec::new(),
        }
    }

    /// Reads a segment.
    pub fn read(&mut self, segment: &[u8]) {
        if self.has_left {
            return;
        }
        let mut input = Input::of_text(segment);
        let mut context = self.shared.context(&self.options, 0);
        while let Some(request) = self.reader.next(&mut input, self.standing, &mut context) {
            if let Request::Http(taken) = request {
                let begin = [taken.as_bytes(), input.rest].concat();
                assert!(begin.starts_with(BROWSER), "nothing of it is lost");
                self.has_left = true;
            }
            self.requests.push(described(&request));
            if self.has_left {
                return;
            }
        }
        assert!(input.rest.is_empty(), "reading ends with the segment");
        let bodies_max = LINE_BYTES_MAX * 3 * MESSAGE_LINES_MAX as usize;
        assert!(self.shared.bodies_bytes <= bodies_max, "a body is no longer than its lines");
    }

    /// Ends the connection, which gives everything back.
    #[must_use]
    pub fn end(mut self) -> Vec<String> {
        self.reader.release(&mut self.shared.context(&self.options, 0));
        assert_eq!(self.shared.bodies_bytes, 0, "a body's bytes are given back");
        assert!(self.shared.park.spare() <= 1, "one connection parks in one block");
        self.requests
    }
}

/// A request with all that it says, passwords too, and without who words its answer, which is always MEC.
#[must_use]
pub fn described(request: &Request<'_>) -> String {
    match request {
        Request::Do(command, _) => {
            check(command);
            let secret = password(command).map(Password::as_str);
            format!("{command:?} {secret:?}")
        }
        Request::Answer(status, Asked::Mec(mec::Asked::Command)) => format!("Refuse({status:?})"),
        Request::Answer(_, Asked::Mec(asked)) => format!("{asked:?}"),
        // How much of it was taken before depends on the segments.
        Request::Http(_) => HTTP.to_owned(),
        other => format!("{other:?}"),
    }
}

fn password<'a>(command: &Command<'a>) -> Option<Password<'a>> {
    match *command {
        Command::LoginRegistered { password, .. } | Command::CreateLogin { password, .. } => {
            Some(password)
        }
        Command::CreateRoom { password, .. }
        | Command::RemoveRoom { password, .. }
        | Command::ChangeRoom { password, .. }
        | Command::CreateGroup { password, .. }
        | Command::JoinGroup { password, .. }
        | Command::RemoveGroup { password, .. } => password,
        _ => None,
    }
}

/// What the house relies on.
fn check(command: &Command<'_>) {
    let is_clean = |text: &str| text.chars().all(|c| !c.is_control() || c == '\t');
    match command {
        Command::Broadcast { text } | Command::SendTo { text, .. } => {
            assert!(!text.is_empty() && text.len() <= TEXT_BYTES_MAX && is_clean(text));
        }
        Command::CreateLogin { real_name, email, .. } => {
            assert!([real_name, email].iter().all(|text| (1..=64).contains(&text.len())));
            assert!(is_clean(real_name) && is_clean(email));
        }
        Command::PeerToPeer { port, .. } => assert_ne!(*port, 0),
        Command::PostMessage { body: Body::Lines { parts, text }, .. } => {
            assert!(*parts <= MESSAGE_LINES_MAX && text.len() <= BODY_BYTES_MAX);
            assert_eq!(text.matches('\n').count(), *parts as usize, "a line end for each line");
            assert!(text.lines().all(is_clean) && !text.contains('\r'));
        }
        _ => {}
    }
}
