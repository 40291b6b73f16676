//! Reads the configuration file and `--set`: TOML to values of the option table, every fault with its place.
//!
//! Goes on after a fault, so that an administrator hears of all of them at once. Knows no single option, but for the
//! few that bear on each other.

use super::fault::{Fault, Place};
use super::options::{self, Kind, Opt};
use super::table::{OPTIONS, SECTIONS};
use super::{Config, Listen, ListenAt};
use crate::limits::{ADDRESSES_MAX, CONFIG_BYTES_MAX, GUESSED_BYTES_MAX};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// What the parser says of a key or a section that is there a second time.
const DUPLICATE: &str = "duplicate key";

/// A configuration on its way.
#[derive(Default)]
pub(super) struct Reader {
    config: Config,
    faults: Vec<Fault>,
    /// Where each option was last set.
    places: BTreeMap<&'static str, Place>,
}

impl Reader {
    /// Takes in the file, on top of what is there.
    pub(super) fn file(&mut self, path: &Path) {
        let place = |line| Place::File { path: path.to_path_buf(), line };
        let bytes = match read_bounded(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.fault(place(None), format!("cannot be read: {error}")),
        };
        if bytes.len() > CONFIG_BYTES_MAX {
            let sentence = format!("is longer than {CONFIG_BYTES_MAX} bytes");
            return self.fault(place(None), sentence);
        }
        match str::from_utf8(&bytes) {
            Ok(text) => Document::new(path, text).read_into(self),
            Err(error) => {
                let line = Lines::new(&bytes).line_of(error.valid_up_to());
                self.fault(place(Some(line)), "is not UTF-8 text".to_owned());
            }
        }
    }

    /// Takes in `--set KEY=VALUE`. The value stands as it would in the file, where a string may go without quotes.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        let place = Place::Set { key: key.to_owned(), value: value.to_owned() };
        let Some(option) = options::find(key) else {
            return self.fault(place, unknown_option(key));
        };
        self.places.insert(option.key, place.clone());
        let value = argument_value(option, value);
        let refused = option.set(&mut self.config, &value);
        for refusal in refused.err().unwrap_or_default() {
            self.fault(place.clone(), refusal.sentence);
        }
    }

    /// Takes in every `--listen`; where there is one, nothing of the configured listeners is left.
    pub(super) fn listens(&mut self, listens: &[ListenAt]) {
        if listens.is_empty() {
            return;
        }
        let mut all = Listen::nowhere();
        for listen in listens {
            let ListenAt { service, address } = *listen;
            let mut addresses = all.of(service).to_vec();
            if addresses.len() == ADDRESSES_MAX {
                let sentence = format!("is one more than {ADDRESSES_MAX} addresses");
                self.fault(Place::Listen(listen.to_string()), sentence);
            } else {
                addresses.push(address);
                all.set(service, addresses);
            }
        }
        self.config.listen = all;
    }

    /// The configuration, or all that is wrong with it.
    pub(super) fn finish(mut self) -> Result<Config, Vec<Fault>> {
        let settings = &mut self.config.settings;
        // What nobody asked for more closely lasts no longer than what somebody did.
        settings.group_seconds = settings.group_seconds.min(settings.group_seconds_max);
        settings.message_seconds = settings.message_seconds.min(settings.message_seconds_max);
        if settings.require_challenge && settings.hash_passwords {
            const KEY: &str = "security.require_challenge";
            let place = self.places.get(KEY).cloned();
            let place = place.expect("it is off unless it was set");
            let sentence = "leaves no way to log in to an account while security.passwords is \
                            \"argon2id\", which cannot check a challenge";
            self.faults.push(Fault {
                place,
                key: Some(KEY.to_owned()),
                sentence: sentence.to_owned(),
            });
        }
        if self.config.listen.all().next().is_none() {
            const KEY: &str = "listen.mec";
            let place = self.places.get(KEY).cloned().expect("it is served unless it was set");
            let sentence = "leaves nothing that is served: no listener has an address".to_owned();
            self.faults.push(Fault { place, key: Some(KEY.to_owned()), sentence });
        }
        if self.faults.is_empty() { Ok(self.config) } else { Err(self.faults) }
    }

    fn fault(&mut self, place: Place, sentence: String) {
        let key = match &place {
            Place::File { .. } => None,
            Place::Set { key, .. } => Some(key.clone()),
            Place::Listen(_) => Some("listen".to_owned()),
        };
        self.faults.push(Fault { place, key, sentence });
    }
}

/// One file while it is read.
struct Document<'a> {
    path: &'a Path,
    text: &'a str,
    lines: Lines,
    /// Where each section begins, and its name.
    headers: Vec<(usize, &'a str)>,
    faults: Vec<Fault>,
    /// Lines that TOML itself refuses: what was made of the rest of such a line is not worth a second fault.
    broken: BTreeSet<usize>,
    syntax: Syntax,
}

/// What the parser thought of the file.
#[derive(PartialEq, Eq)]
enum Syntax {
    Sound,
    /// A later line may have ended up in the wrong section, so that nothing is to be said of unknown keys.
    Broken,
}

impl<'a> Document<'a> {
    fn new(path: &'a Path, text: &'a str) -> Self {
        Self {
            path,
            text,
            lines: Lines::new(text.as_bytes()),
            headers: headers(text),
            faults: Vec::new(),
            broken: BTreeSet::new(),
            syntax: Syntax::Sound,
        }
    }

    fn read_into(mut self, reader: &mut Reader) {
        let (root, errors) = DeTable::parse_recoverable(self.text);
        let root = root.get_ref();
        for error in &errors {
            self.syntax_error(error, root);
        }
        for (key, value) in root {
            self.section(key, value, reader);
        }
        self.faults.sort_by_key(line_of_fault);
        reader.faults.append(&mut self.faults);
    }

    fn syntax_error(&mut self, error: &toml::de::Error, root: &DeTable<'_>) {
        let span = error.span().unwrap_or_default();
        let line = self.lines.line_of(span.start);
        if !self.broken.insert(line) {
            return;
        }
        if error.message() != DUPLICATE {
            self.syntax = Syntax::Broken;
            let sentence = format!("is not TOML: {}", error.message());
            return self.fault(span.start, None, sentence);
        }
        let line_start = memchr::memrchr(b'\n', &self.text.as_bytes()[..span.start]);
        let line_start = line_start.map_or(0, |end| end + 1);
        let written = self.text[line_start..span.end].trim();
        if let Some(section) = written.strip_prefix('[') {
            let sentence = "is there twice; put its options together".to_owned();
            return self.fault(span.start, Some(section.trim().to_owned()), sentence);
        }
        let key = match self.section_before(line_start) {
            Some(section) => format!("{section}.{written}"),
            None => written.to_owned(),
        };
        let sentence = match self.first_line_of(&key, root) {
            Some(first) => format!("is set already in line {first}"),
            None => "is there twice".to_owned(),
        };
        self.fault(span.start, Some(key), sentence);
    }

    /// The section whose header is the last before byte `at`.
    fn section_before(&self, at: usize) -> Option<&'a str> {
        let count = self.headers.partition_point(|(start, _)| *start < at);
        let (_, name) = self.headers[..count].last()?;
        Some(name)
    }

    /// The line in which the option `key` was first set.
    fn first_line_of(&self, key: &str, root: &DeTable<'_>) -> Option<usize> {
        let (section, name) = key.split_once('.')?;
        let table = root.get(section)?.get_ref().as_table()?;
        let (first, _) = table.get_key_value(name)?;
        Some(self.lines.line_of(first.span().start))
    }

    fn section(
        &mut self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        reader: &mut Reader,
    ) {
        let (name, at) = (key.get_ref().as_ref(), key.span().start);
        let known = SECTIONS.iter().any(|(section, _)| *section == name);
        match (known, value.get_ref()) {
            (true, DeValue::Table(table)) => {
                for (key, value) in table {
                    self.option(name, key, value, reader);
                }
            }
            (true, _) => {
                let sentence = format!("is a section: its options stand below a line [{name}]");
                self.fault(at, Some(name.to_owned()), sentence);
            }
            (false, DeValue::Table(_)) => self.unknown(at, name, unknown_section(name)),
            (false, _) => self.unknown(at, name, unknown_option(name)),
        }
    }

    fn option(
        &mut self,
        section: &str,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        reader: &mut Reader,
    ) {
        let at = key.span().start;
        if self.broken.contains(&self.lines.line_of(at)) {
            return;
        }
        let name = format!("{section}.{}", key.get_ref());
        let Some(option) = options::find(&name) else {
            return self.unknown(at, &name, unknown_option(&name));
        };
        let place = self.place(at);
        reader.places.insert(option.key, place);
        let refused = option.set(&mut reader.config, value.get_ref());
        for refusal in refused.err().unwrap_or_default() {
            let at = refusal.at.unwrap_or(at);
            if !self.broken.contains(&self.lines.line_of(at)) {
                self.fault(at, Some(name.clone()), refusal.sentence);
            }
        }
    }

    fn unknown(&mut self, at: usize, key: &str, sentence: String) {
        if self.syntax == Syntax::Sound {
            self.fault(at, Some(key.to_owned()), sentence);
        }
    }

    fn fault(&mut self, at: usize, key: Option<String>, sentence: String) {
        let key = key.map(|key| key.escape_debug().to_string());
        self.faults.push(Fault { place: self.place(at), key, sentence });
    }

    fn place(&self, at: usize) -> Place {
        Place::File { path: self.path.to_path_buf(), line: Some(self.lines.line_of(at)) }
    }
}

/// Where the lines of a text end.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &[u8]) -> Self {
        Self(memchr::memchr_iter(b'\n', text).collect())
    }

    /// The line of byte `at`, from 1; past the end, the last one.
    fn line_of(&self, at: usize) -> usize {
        1 + self.0.partition_point(|end| *end < at)
    }
}

/// Each line that looks like the header of a section: where it starts, and the name in it.
fn headers(text: &str) -> Vec<(usize, &str)> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(header) = line.trim_start().strip_prefix('[') {
            let name = header.split(']').next().unwrap_or(header);
            found.push((start, name.trim()));
        }
        start += line.len();
    }
    found
}

fn line_of_fault(fault: &Fault) -> Option<usize> {
    match fault.place {
        Place::File { line, .. } => line,
        Place::Set { .. } | Place::Listen(_) => None,
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = CONFIG_BYTES_MAX as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The value of `--set`, for an option that may take a string without its quotes.
fn argument_value<'v>(option: &Opt, text: &'v str) -> DeValue<'v> {
    let bare = || DeValue::String(text.into());
    let Ok(value) = DeValue::parse(text) else {
        return bare();
    };
    let value = value.into_inner();
    match option.kind {
        Kind::Text { .. } if !value.is_str() => bare(),
        Kind::Text { .. } | Kind::Addresses { .. } | Kind::Switch { .. } | Kind::Number { .. } => {
            value
        }
    }
}

fn unknown_option(key: &str) -> String {
    match nearest(key, OPTIONS.iter().map(|option| option.key)) {
        Some(option) => format!("is no option; did you mean {option}?"),
        None => "is no option; `mecd config` shows all there are".to_owned(),
    }
}

fn unknown_section(name: &str) -> String {
    match nearest(name, SECTIONS.iter().map(|(section, _)| *section)) {
        Some(section) => format!("is no section; did you mean [{section}]?"),
        None => {
            let names: Vec<_> = SECTIONS.iter().map(|(section, _)| *section).collect();
            format!("is no section; there are {}", names.join(", "))
        }
    }
}

/// The key that was probably meant: the same name in another section, or one with few letters wrong.
fn nearest(wrong: &str, keys: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    if wrong.len() > GUESSED_BYTES_MAX {
        return None;
    }
    let wrong = wrong.to_ascii_lowercase();
    let letters_wrong_max = 1 + leaf(&wrong).len() / 4;
    keys.map(|key| {
        let elsewhere = 1 + distance(leaf(&wrong), leaf(key));
        (distance(&wrong, key).min(elsewhere), key)
    })
    .min()
    .filter(|(letters, _)| *letters <= letters_wrong_max)
    .map(|(_, key)| key)
}

fn leaf(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Bytes to insert, remove or replace to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let lines = Lines::new(b"ab\n\ncd");
        let found: Vec<_> = (0..8).map(|at| lines.line_of(at)).collect();
        assert_eq!(found, [1, 1, 1, 2, 3, 3, 3, 3]);
    }

    #[test]
    fn distance_counts_letters() {
        let table = [("", "abc", 3), ("abc", "abc", 0), ("kitten", "sitting", 3)];
        for (a, b, wanted) in table {
            assert_eq!(distance(a, b), wanted);
            assert_eq!(distance(b, a), wanted);
        }
    }

    #[test]
    fn the_nearest_key_is_the_one_meant() {
        let keys = || OPTIONS.iter().map(|option| option.key);
        let table = [
            ("limits.conections", Some("limits.connections")),
            ("limit.connections", Some("limits.connections")),
            ("Limits.Rooms", Some("limits.rooms")),
            ("connections", Some("limits.connections")),
            ("server.key_file", Some("storage.key_file")),
            ("rooms.expire_second", Some("rooms.expire_seconds")),
            ("limits.colour", None),
            ("", None),
        ];
        for (wrong, wanted) in table {
            assert_eq!(nearest(wrong, keys()), wanted, "{wrong}");
        }
    }
}
