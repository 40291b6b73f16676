//! The shape of the sources: who may name whom, and how long files and functions may be. A failure names the file and
//! the line; a new direction is a decision, to be taken in [`ALLOWED`] and in `docs/architecture.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a file.
const FILE_LINES_MAX: usize = 600;

/// Lines of a function, from its `fn` to its last brace.
const FUNCTION_LINES_MAX: usize = 70;

/// The top-level modules, and which others each may name.
const ALLOWED: [(&str, &[&str]); 8] = [
    ("limits", &[]),
    ("core", &["limits"]),
    ("dialect", &["core", "limits"]),
    ("store", &["limits"]),
    ("config", &["core", "dialect", "limits"]),
    ("args", &["config"]),
    ("server", &["config", "core", "dialect", "limits", "store"]),
    ("admin", &["args", "config", "core", "dialect", "limits", "server", "store"]),
];

/// What of the server the offline tools may use: how the house and the store name places, what the store obeys, and what
/// a start would ask of the machine and say of it.
const SERVER_FOR_ADMIN: [&str; 7] = [
    "store_options",
    "core_place",
    "store_place",
    "can_listen",
    "does_without",
    "descriptors_beside_connections",
    "wrong_clock",
];

/// What the core must not name: it is a function of its inputs.
const OUTSIDE_OF_CORE: [&str; 11] = [
    "std::fs",
    "std::io",
    "std::os",
    "std::env",
    "std::thread",
    "std::process",
    "std::net::Tcp",
    "Instant",
    "SystemTime",
    "log::",
    "getrandom",
];

/// A file of `src`, with comments and the insides of strings and characters blanked out, so that what is left is code.
struct Source {
    path: PathBuf,
    text: String,
    code: String,
}

impl Source {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(src().join(&path)).expect("a source can be read");
        let code = blanked(&text);
        Self { path, text, code }
    }

    /// The top-level module it belongs to; `main` and `lib` for the two roots.
    fn module(&self) -> String {
        let first = self.path.iter().next().expect("a path is not empty");
        Path::new(first).with_extension("").display().to_string()
    }

    /// Modules between the file and the crate's root.
    fn depth(&self) -> usize {
        let is_mod = self.path.file_name().is_some_and(|name| name == "mod.rs");
        self.path.components().count() - usize::from(is_mod)
    }

    fn line_at(&self, position: usize) -> usize {
        1 + self.text[..position].matches('\n').count()
    }

    fn place(&self, position: usize) -> String {
        format!("src/{}:{}", self.path.display(), self.line_at(position))
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&src(), &mut paths);
    paths.sort();
    let root = src();
    let below = |path: PathBuf| path.strip_prefix(&root).expect("it is below").to_path_buf();
    paths.into_iter().map(|path| Source::read(below(path))).collect()
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the sources can be listed") {
        let path = entry.expect("the sources can be listed").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// The text with every byte of a comment, a string or a character replaced by a blank; line ends stay.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    while code.len() < bytes.len() {
        let at = code.len();
        let length = token_length(bytes, at);
        match length {
            0 => code.push(bytes[at]),
            length => {
                let token = &bytes[at..(at + length).min(bytes.len())];
                code.extend(token.iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' }));
            }
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// How long the comment, string or character is that begins at `at`; 0 if none does.
fn token_length(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let part_of_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let find = |needle: &[u8], from: usize| {
        let found = rest[from..].windows(needle.len()).position(|window| window == needle);
        found.map_or(rest.len(), |position| from + position + needle.len())
    };
    match rest {
        [b'/', b'/', ..] => find(b"\n", 0) - 1,
        [b'/', b'*', ..] => find(b"*/", 2),
        [b'r', b'#' | b'"', ..] if !part_of_word => raw_string_length(rest),
        [b'b', b'r', b'#' | b'"', ..] if !part_of_word => 1 + raw_string_length(&rest[1..]),
        [b'"', ..] => quoted_length(rest, b'"'),
        [b'\'', b'\\', ..] => quoted_length(rest, b'\''),
        [b'\'', ..] => character_length(rest),
        _ => 0,
    }
}

fn raw_string_length(rest: &[u8]) -> usize {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    if rest.get(1 + hashes) != Some(&b'"') {
        // A raw identifier, such as `r#do`.
        return 0;
    }
    let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let from = 2 + hashes;
    let found = rest[from..].windows(end.len()).position(|window| window == end);
    found.map_or(rest.len(), |position| from + position + end.len())
}

fn quoted_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// 0 for a lifetime.
fn character_length(rest: &[u8]) -> usize {
    let character = String::from_utf8_lossy(&rest[1..rest.len().min(5)]);
    let length = character.chars().next().map_or(0, char::len_utf8);
    if rest.get(1 + length) == Some(&b'\'') { length + 2 } else { 0 }
}

/// Every path that begins at the crate's root, as far as two names of it, and where it stands.
fn paths_from_root(source: &Source) -> Vec<(usize, Vec<String>)> {
    let mut paths = Vec::new();
    let mut roots: Vec<(usize, usize)> = Vec::new();
    for root in ["crate::", "mecd::"] {
        roots.extend(source.code.match_indices(root).map(|(at, _)| (at, at + root.len())));
    }
    roots.extend(climbs(source));
    for (at, end) in roots {
        for path in names_after(&source.code[end..]) {
            paths.push((at, path));
        }
    }
    paths
}

/// Chains of `super::` that are long enough to reach the crate's root.
fn climbs(source: &Source) -> Vec<(usize, usize)> {
    let mut climbs = Vec::new();
    let mut at = 0;
    while let Some(found) = source.code[at..].find("super::") {
        let start = at + found;
        let mut count = 0;
        at = start;
        while source.code[at..].starts_with("super::") {
            at += "super::".len();
            count += 1;
        }
        if count >= source.depth() {
            climbs.push((start, at));
        }
    }
    climbs
}

/// What `a::b`, `{a::b, c}` or `a::{b, c}` names, each as `[first, second]`.
fn names_after(code: &str) -> Vec<Vec<String>> {
    split_group(code)
        .iter()
        .flat_map(|item| {
            let first = identifier(item);
            let seconds = match item[first.len()..].strip_prefix("::") {
                Some(rest) => split_group(rest).iter().map(|rest| identifier(rest)).collect(),
                None => vec![String::new()],
            };
            seconds.into_iter().map(move |second| vec![first.clone(), second])
        })
        .collect()
}

/// The items of a brace group at the front of `code`, or `code` itself.
fn split_group(code: &str) -> Vec<&str> {
    let Some(inside) = code.strip_prefix('{') else { return vec![code] };
    let mut items = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(inside[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(inside[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

fn identifier(code: &str) -> String {
    code.chars().take_while(|&c| c.is_alphanumeric() || c == '_').collect()
}

fn allowed(module: &str) -> Option<&'static [&'static str]> {
    ALLOWED.iter().find(|(name, _)| *name == module).map(|(_, names)| *names)
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn modules_name_only_those_that_they_may() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| allowed(&source.module()).is_some()) {
        let module = source.module();
        let may = allowed(&module).expect("it was filtered");
        for (at, path) in paths_from_root(source) {
            let (to, what) = (path[0].as_str(), path[1].as_str());
            let is_module = allowed(to).is_some();
            let outside_of_loop =
                module != "admin" || to != "server" || SERVER_FOR_ADMIN.contains(&what);
            if is_module && to != module && !(may.contains(&to) && outside_of_loop) {
                faults.push(format!("{}: {module} names {to}::{what}", source.place(at)));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn every_top_level_module_is_in_the_table() {
    let known: BTreeSet<String> =
        ALLOWED.iter().map(|(name, _)| *name).chain(["main", "lib"]).map(String::from).collect();
    let found: BTreeSet<String> = sources().iter().map(Source::module).collect();
    assert_eq!(found, known);
}

#[test]
fn what_is_at_the_root_is_only_a_map() {
    let lib = Source::read("lib.rs".into());
    let code = lib.code.lines().map(str::trim).filter(|line| !line.is_empty());
    let others: Vec<&str> =
        code.filter(|line| !line.starts_with("pub mod ") && !line.starts_with("#![")).collect();
    assert!(others.is_empty(), "src/lib.rs has code: {others:?}");
}

#[test]
fn only_the_server_names_mio() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.module() != "server") {
        for (at, _) in source.code.match_indices("mio::") {
            faults.push(format!("{}: names mio", source.place(at)));
        }
    }
    assert_none(&faults);
}

#[test]
fn the_core_is_a_function_of_its_inputs() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| source.module() == "core") {
        for name in OUTSIDE_OF_CORE {
            for (at, _) in source.code.match_indices(name) {
                let before = source.code[..at].chars().next_back();
                if !before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    faults.push(format!("{}: the core names {name}", source.place(at)));
                }
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn every_file_says_at_its_beginning_what_it_owns() {
    let sources = sources();
    let silent = sources.iter().filter(|source| !source.text.starts_with("//! "));
    assert_none(&silent.map(|source| source.place(0)).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let mut faults = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("src/{} has {lines} lines", source.path.display()));
        }
    }
    assert_none(&faults);
}

#[test]
fn no_function_is_too_long_to_be_understood() {
    let mut faults = Vec::new();
    for source in sources() {
        for (at, _) in source.code.match_indices("fn ") {
            let word_before = source.code[..at].chars().next_back();
            if word_before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let lines = function_lines(&source.code[at..]);
            if lines > FUNCTION_LINES_MAX {
                let name = identifier(&source.code[at + 3..]);
                faults.push(format!("{}: {name} has {lines} lines", source.place(at)));
            }
        }
    }
    assert_none(&faults);
}

/// Lines from a `fn` to the brace that closes its body; 1 where it has none.
fn function_lines(code: &str) -> usize {
    let mut depth = 0;
    let mut lines = 1;
    for character in code.chars() {
        match character {
            '\n' => lines += 1,
            ';' if depth == 0 => return 1,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth -= 1;
                if depth == 0 && character == '}' {
                    return lines;
                }
            }
            _ => {}
        }
    }
    lines
}

// The readers above, on what they have to tell apart.

#[test]
fn braces_in_strings_characters_and_comments_are_not_code() {
    let text = "a /* { */ \"\\\"{\" '{' '\\'' b'}' 'static r#\"{\"# r#do // }\nb";
    let code: Vec<String> = blanked(text).split_whitespace().map(String::from).collect();
    assert_eq!(code, ["a", "b", "'static", "r#do", "b"]);
}

#[test]
fn grouped_paths_are_taken_apart() {
    let names =
        |code| names_after(code).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(names("core::event::Event;"), ["core::event"]);
    assert_eq!(names("{core::{self, House}, limits};"), ["core::self", "core::House", "limits::"]);
}

#[test]
fn a_function_is_as_long_as_its_body() {
    assert_eq!(
        function_lines("fn a<A, B>(b: [A; 2])\nwhere A: B,\n{\n if b {\n }\n}\nfn c() {}"),
        6
    );
    assert_eq!(function_lines("fn a(&self);\n\nfn b() {\n}"), 1);
}
