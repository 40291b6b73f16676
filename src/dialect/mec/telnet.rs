//! Telnet in the input: takes out every IAC sequence and refuses every option, byte by byte.
//!
//! Owns where in a sequence the connection stands, and which options were answered. Knows nothing of lines.
//! Spec `mec.md` 1.
//!
//! Invariants: what it does with a byte does not depend on where a segment ends; an option is refused once per
//! direction and connection (`DO TIMING-MARK` every time: after Ctrl-C a client shows nothing until it is answered),
//! so a peer cannot be drawn into an endless exchange. A sub-negotiation of any length takes no memory.

/// Begins every telnet sequence. Never a byte of UTF-8 text.
pub(super) const IAC: u8 = 0xff;
const DONT: u8 = 0xfe;
const DO: u8 = 0xfd;
const WONT: u8 = 0xfc;
const WILL: u8 = 0xfb;
const SB: u8 = 0xfa;
const AYT: u8 = 0xf6;
const SE: u8 = 0xf0;
const TIMING_MARK: u8 = 6;

/// One connection's telnet state.
#[derive(Debug, Default)]
pub(super) struct Telnet {
    /// Options that were refused; absent while none was offered.
    refused: Option<Box<Refused>>,
    state: State,
}

/// What became of a byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// It is the user's.
    Data,
    /// It belonged to a telnet sequence.
    Taken,
    /// It ended one that is answered by these bytes.
    Answer([u8; 3]),
    /// It ended an "are you there".
    AreYouThere,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Data,
    Command,
    Will,
    Do,
    /// `WONT` and `DONT`: the option follows, and needs no answer.
    Refusal,
    Sub,
    SubCommand,
}

/// A bit for each option, offered by `WILL` and asked for by `DO`.
#[derive(Debug, Default)]
struct Refused {
    will: [u64; 4],
    r#do: [u64; 4],
}

impl Telnet {
    /// Whether the next byte stands outside of any sequence.
    pub(super) fn is_at_data(&self) -> bool {
        self.state == State::Data
    }

    /// Takes the next byte of the connection.
    pub(super) fn step(&mut self, byte: u8) -> Step {
        let (next, step) = match self.state {
            State::Data if byte == IAC => (State::Command, Step::Taken),
            State::Data => (State::Data, Step::Data),
            State::Command => command(byte),
            State::Will => (State::Data, self.refuse_will(byte)),
            State::Do => (State::Data, self.refuse_do(byte)),
            State::Refusal => (State::Data, Step::Taken),
            State::Sub if byte == IAC => (State::SubCommand, Step::Taken),
            State::SubCommand if byte == SE => (State::Data, Step::Taken),
            State::Sub | State::SubCommand => (State::Sub, Step::Taken),
        };
        self.state = next;
        step
    }

    fn refuse_will(&mut self, option: u8) -> Step {
        let refused = self.refused.get_or_insert_default();
        if first_time(&mut refused.will, option) {
            Step::Answer([IAC, DONT, option])
        } else {
            Step::Taken
        }
    }

    fn refuse_do(&mut self, option: u8) -> Step {
        if option == TIMING_MARK {
            return Step::Answer([IAC, WONT, TIMING_MARK]);
        }
        let refused = self.refused.get_or_insert_default();
        if first_time(&mut refused.r#do, option) {
            Step::Answer([IAC, WONT, option])
        } else {
            Step::Taken
        }
    }
}

fn command(byte: u8) -> (State, Step) {
    match byte {
        WILL => (State::Will, Step::Taken),
        DO => (State::Do, Step::Taken),
        WONT | DONT => (State::Refusal, Step::Taken),
        SB => (State::Sub, Step::Taken),
        AYT => (State::Data, Step::AreYouThere),
        _ => (State::Data, Step::Taken),
    }
}

/// Marks `option`; whether it was not marked before.
fn first_time(marks: &mut [u64; 4], option: u8) -> bool {
    let word = &mut marks[usize::from(option / 64)];
    let bit = 1_u64 << (option % 64);
    let first = *word & bit == 0;
    *word |= bit;
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of `bytes`, and what was answered.
    fn run(telnet: &mut Telnet, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut data, mut answers) = (Vec::new(), Vec::new());
        for &byte in bytes {
            match telnet.step(byte) {
                Step::Data => data.push(byte),
                Step::Taken => {}
                Step::Answer(bytes) => answers.extend(bytes),
                Step::AreYouThere => answers.extend(b"[alive]"),
            }
        }
        (data, answers)
    }

    fn fresh(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        run(&mut Telnet::default(), bytes)
    }

    #[test]
    fn text_passes_untouched() {
        assert_eq!(fresh("grün\0\r\n".as_bytes()), ("grün\0\r\n".as_bytes().to_vec(), vec![]));
    }

    #[test]
    fn every_option_is_refused_once_in_each_direction() {
        let mut telnet = Telnet::default();
        for option in 0..=255 {
            let refusal = run(&mut telnet, &[IAC, WILL, option]);
            assert_eq!(refusal, (vec![], vec![IAC, DONT, option]));
            let refusal = run(&mut telnet, &[IAC, DO, option]);
            assert_eq!(refusal, (vec![], vec![IAC, WONT, option]));
        }
        for option in (0..=255).filter(|&option| option != TIMING_MARK) {
            assert_eq!(run(&mut telnet, &[IAC, WILL, option, IAC, DO, option]), (vec![], vec![]));
        }
    }

    #[test]
    fn a_timing_mark_is_answered_every_time() {
        let mut telnet = Telnet::default();
        for _ in 0..3 {
            let ctrl_c = [IAC, 0xf4, IAC, DO, TIMING_MARK];
            assert_eq!(run(&mut telnet, &ctrl_c), (vec![], vec![IAC, WONT, TIMING_MARK]));
        }
        assert!(telnet.refused.is_none());
    }

    #[test]
    fn refusals_by_the_client_are_not_answered() {
        assert_eq!(fresh(&[IAC, WONT, 1, IAC, DONT, 1, b'x']), (b"x".to_vec(), vec![]));
    }

    #[test]
    fn single_commands_and_a_doubled_iac_are_removed() {
        for byte in (0..=255_u8).filter(|byte| !(SB..=0xfe).contains(byte) && *byte != AYT) {
            assert_eq!(fresh(&[b'a', IAC, byte, b'b']), (b"ab".to_vec(), vec![]), "{byte:#x}");
        }
    }

    #[test]
    fn are_you_there_is_told() {
        assert_eq!(fresh(&[b'a', IAC, AYT, b'b']), (b"ab".to_vec(), b"[alive]".to_vec()));
    }

    #[test]
    fn a_sub_negotiation_of_any_length_is_removed() {
        let mut bytes = vec![b'a', IAC, SB, 24];
        bytes.extend([b'x'; 10_000]);
        bytes.extend([IAC, IAC, SE, b'\n', IAC, b'y', IAC, SE, b'b']);
        assert_eq!(fresh(&bytes), (b"ab".to_vec(), vec![]));
    }

    #[test]
    fn the_opening_of_putty_is_refused_option_by_option() {
        let opening = [(WILL, 31), (WILL, 32), (WILL, 24), (WILL, 39), (DO, 1), (WILL, 3), (DO, 3)];
        let bytes: Vec<u8> =
            opening.iter().flat_map(|&(verb, option)| [IAC, verb, option]).collect();
        let refusals: Vec<u8> = opening
            .iter()
            .flat_map(|&(verb, option)| [IAC, if verb == WILL { DONT } else { WONT }, option])
            .collect();
        assert_eq!(fresh(&bytes), (vec![], refusals));
    }
}
