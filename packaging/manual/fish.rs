//! Completion for fish: one `complete` for each word and option.

use crate::words::{Takes, first_words, listeners, one_line, settings, takes, worded_commands};
use mecd::args::{OptionHelp, options};
use std::fmt::Write;

/// The whole file.
pub(crate) fn completion() -> String {
    let mut text = "# fish completion of mecd\n\ncomplete -c mecd -f\n".to_owned();
    let firsts: Vec<_> = first_words();
    let words: Vec<_> = firsts.iter().map(|(word, _)| *word).collect();
    let none = format!("not __fish_seen_subcommand_from {}", words.join(" "));
    for (word, about) in &firsts {
        push_word(&mut text, &none, word, about);
    }
    for (first, _) in &firsts {
        let of_first: Vec<_> =
            worded_commands().into_iter().filter(|command| command.first == *first).collect();
        let seconds: Vec<_> = of_first.iter().filter_map(|command| command.second).collect();
        for command in of_first {
            let mut seen = format!("__fish_seen_subcommand_from {first}");
            if let Some(second) = command.second {
                let not_yet =
                    format!("{seen}; and not __fish_seen_subcommand_from {}", seconds.join(" "));
                push_word(&mut text, &not_yet, second, &command.about);
                seen += &format!("; and __fish_seen_subcommand_from {second}");
            }
            if command.argument == Some(Takes::File) {
                writeln!(text, "complete -c mecd -n '{seen}' -F").expect("a string takes it");
            }
        }
    }
    for option in options() {
        text += &line(&option);
    }
    text
}

fn push_word(text: &mut String, when: &str, word: &str, about: &str) {
    writeln!(text, "complete -c mecd -n '{when}' -a {word} -d '{}'", quoted(about))
        .expect("a string takes it");
}

fn line(option: &OptionHelp) -> String {
    let mut line = format!("complete -c mecd -l {}", option.name);
    if let Some(letter) = option.letter {
        line += &format!(" -s {letter}");
    }
    if let Some(command) = option.command {
        let seen: Vec<_> =
            command.split(' ').map(|word| format!("__fish_seen_subcommand_from {word}")).collect();
        line += &format!(" -n '{}'", seen.join("; and "));
    }
    let listed = |words: Vec<&str>| {
        let words: Vec<_> = words.iter().map(|word| format!("{word}=")).collect();
        format!(" -x -a '{}'", words.join(" "))
    };
    line += &match option.value.map(takes) {
        None => String::new(),
        Some(Takes::File) => " -r -F".to_owned(),
        Some(Takes::Directory) => " -x -a '(__fish_complete_directories)'".to_owned(),
        Some(Takes::Listener) => listed(listeners()),
        Some(Takes::Setting) => listed(settings()),
        Some(Takes::Free) => " -x".to_owned(),
    };
    format!("{line} -d '{}'\n", quoted(option.about))
}

fn quoted(text: &str) -> String {
    one_line(text).replace('\\', "\\\\").replace('\'', "\\'")
}
