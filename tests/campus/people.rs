//! Ten people with a connection each, who read what comes unit by unit of their dialect, with times left out; and the
//! server they talk to, in memory or the real one.

use std::time::Duration;

use crate::common::framing::Speech;
use crate::common::play::World;
use crate::model::Expected;

/// Longer than it takes until what was said is in the log, twice.
const WRITTEN: Duration = Duration::from_millis(2500);

/// Who there is, and how they speak.
pub(crate) const PEOPLE: [(&str, Speech); 10] = [
    ("tel1", Speech::Mec),
    ("tel2", Speech::Mec),
    ("hel1", Speech::Helo),
    ("hel2", Speech::Helo),
    ("app1", Speech::Chatapp),
    ("app2", Speech::Chatapp),
    ("cri1", Speech::CrimpFrames),
    ("cri2", Speech::CrimpLines),
    ("jay1", Speech::Json),
    ("jay2", Speech::Json),
];

/// How somebody speaks.
pub(crate) fn speech(who: &str) -> Speech {
    PEOPLE.iter().find(|(name, _)| *name == who).expect("one of the ten").1
}

/// All of them, and the server.
pub(crate) struct Crowd {
    world: Box<dyn World>,
    place: Place,
}

/// Where it all happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In memory, where time passes when it is told to, and what was said to whom is known at once.
    Memory,
    /// With the real program over TCP.
    Program,
}

/// How somebody goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Farewell {
    /// With a word.
    Said,
    /// By ending the connection.
    Unsaid,
}

impl Crowd {
    /// A server to which nobody has come yet.
    pub(crate) fn new(mut world: Box<dyn World>, place: Place) -> Self {
        world.start(&options()).unwrap_or_else(|why| panic!("{why}"));
        Self { world, place }
    }

    /// A second passes, where time is not real.
    pub(crate) fn pass_a_second(&mut self) {
        if self.place == Place::Memory {
            self.done("a second", |world| world.wait(Duration::from_secs(1)));
        }
    }

    /// The server is killed when all that was said is in its log, and starts again.
    pub(crate) fn kill(&mut self) {
        self.done("the log", |world| world.wait(WRITTEN));
        self.done("a kill", |world| world.kill());
        self.done("a start", |world| world.start(&options()));
    }

    /// Everybody goes, and the server ends in good order.
    pub(crate) fn finish(mut self) {
        self.done("the end", |world| world.finish());
    }

    pub(crate) fn connect(&mut self, who: &str) {
        self.done(who, |world| world.connect(who, speech(who)));
        if speech(who) == Speech::Helo {
            assert!(self.next(who, "a greeting").starts_with("HELO "));
        }
    }

    pub(crate) fn send(&mut self, who: &str, text: &str) {
        let bytes = speech(who).encode(text).expect("it can be said");
        self.done(who, |world| world.send(who, &bytes));
    }

    /// Everybody receives what is expected. Where somebody receives several things at once whose order is nobody's
    /// concern, they may come in any.
    pub(crate) fn hear(&mut self, why: &str, expected: &Expected) {
        for (who, texts) in expected.by_person() {
            let mut wanted: Vec<String> = texts.clone();
            let mut heard: Vec<String> = texts.iter().map(|_| self.next(who, why)).collect();
            if expected.in_any_order {
                wanted.sort();
                heard.sort();
            }
            assert_eq!(heard, wanted, "{who}, after {why}");
        }
    }

    /// Nobody has received anything else. The program is asked: everybody asks something that has one answer, and that
    /// is what comes next.
    pub(crate) fn nothing_else(&mut self, why: &str) {
        if self.place == Place::Memory {
            return self.done(why, |world| world.quiet());
        }
        let there = PEOPLE.iter().map(|(who, _)| *who).filter(|who| self.world.is_connected(who));
        let there: Vec<&str> = there.collect();
        for who in &there {
            self.send(who, &nonsense(who));
        }
        for who in there {
            let answer = self.next(who, why);
            assert!(answer.starts_with(retort(who)), "{who}, after {why}, was told {answer}");
        }
    }

    /// Somebody goes, and hears the end.
    pub(crate) fn part(&mut self, who: &str, farewell: Farewell) {
        if farewell == Farewell::Unsaid {
            self.done(who, |world| world.half_close(who));
        } else {
            let (words, answer) = farewell_words(who);
            self.send(who, &words);
            if let Some(answer) = answer {
                assert_eq!(self.next(who, "a farewell"), answer);
            }
        }
        self.done(who, |world| world.end_of(who));
    }

    /// The next thing that somebody receives, without times.
    fn next(&mut self, who: &str, why: &str) -> String {
        let text = self.world.unit(who).unwrap_or_else(|what| panic!("after {why}: {what}"));
        timeless(speech(who), &text)
    }

    fn done(&mut self, what: &str, act: impl FnOnce(&mut dyn World) -> Result<(), String>) {
        act(self.world.as_mut()).unwrap_or_else(|why| panic!("{what}: {why}"));
    }
}

fn options() -> Vec<(String, String)> {
    let options = [
        ("server.name", "campus"),
        ("helo.ping_seconds", "0"),
        ("json.ping_seconds", "0"),
        ("limits.lines_per_second", "0"),
        ("limits.connections_per_address", "0"),
    ];
    options.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

/// How somebody says good-bye, and what the answer is.
pub(crate) fn farewell_words(who: &str) -> (String, Option<&'static str>) {
    match speech(who) {
        Speech::Mec => ("#quit".to_owned(), Some("@status 0")),
        Speech::Helo => ("QUIT".to_owned(), Some("+OK Goodbye")),
        Speech::Chatapp => (crate::model::frame("ConnectionMessage", who, "Server", "QUIT"), None),
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
            (format!("{who} DSCT"), None)
        }
        Speech::Json => {
            let words = r#"{"Command":"update","Status":"offline"}"#;
            (words.to_owned(), Some(r#"{"Command":"ok","Re":"update"}"#))
        }
    }
}

/// What nobody understands.
fn nonsense(who: &str) -> String {
    match speech(who) {
        Speech::Mec => "#nonsense".to_owned(),
        Speech::Helo => "NONSENSE".to_owned(),
        Speech::Chatapp => crate::model::frame("JoinMessage", who, "Server", ""),
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => format!("{who} NONSENSE"),
        Speech::Json => r#"{"Command":"ping"}"#.to_owned(),
    }
}

/// How that is answered.
fn retort(who: &str) -> &'static str {
    match speech(who) {
        Speech::Mec => "@status 3502",
        Speech::Helo => "-SOFT_ERR unknown command",
        Speech::Chatapp => "{\"__type__\":\"Error\",\"code\":20,",
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => "ERR_ILLEGALCOMMAND",
        Speech::Json => "{\"Command\":\"ping\"}",
    }
}

/// A text with every time in it replaced.
pub(crate) fn timeless(speech: Speech, text: &str) -> String {
    match speech {
        Speech::Helo => text.to_owned(),
        Speech::Mec => match text.split_once(' ') {
            Some((time, rest)) if time.len() == 10 && time.parse::<u64>().is_ok() => {
                format!("T {rest}")
            }
            _ => text.to_owned(),
        },
        Speech::Chatapp => replaced(text, "\"timestamp\":\"", 19),
        Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare => {
            text.lines().map(|line| replaced(line, "[", 19)).collect::<Vec<_>>().join("\n")
        }
        Speech::Json => replaced(text, "\"Time\":", 10),
    }
}

/// Puts a T in place of the `count` bytes behind each `mark`.
fn replaced(text: &str, mark: &str, count: usize) -> String {
    let mut pieces = text.split(mark);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |done, piece| match piece.get(..count) {
        Some(time) if time.starts_with(|c: char| c.is_ascii_digit()) => {
            format!("{done}{mark}T{}", &piece[count..])
        }
        _ => format!("{done}{mark}{piece}"),
    })
}
