//! Completion for zsh, by its `_arguments`.

use crate::words::{
    Takes, commands_with_options, first_words, listeners, one_line, options_of, settings, takes,
    worded_commands,
};
use mecd::args::OptionHelp;
use std::fmt::Write;

const HEAD: &str =
    "#compdef mecd\n\nlocal curcontext=$curcontext state line\nlocal -a given words_here\n\n";

const ARGUMENTS: &str = "
_arguments -C -s -S $given '1: :->first' '2: :->second' '3: :->third' && return

case $state in
";

/// The whole file.
pub(crate) fn completion() -> String {
    let mut text = HEAD.to_owned();
    text += "given=(\n";
    for option in options_of(None) {
        text += &specifications(&option);
    }
    text += ")\n";
    for command in commands_with_options() {
        let words: Vec<_> =
            command.split(' ').map(|word| format!("${{words[(r){word}]}} == {word}")).collect();
        writeln!(text, "[[ {} ]] && given+=(", words.join(" && ")).expect("a string takes it");
        for option in options_of(Some(command)) {
            text += &specifications(&option);
        }
        text += ")\n";
    }
    text += ARGUMENTS;
    push_words(&mut text);
    text + "esac\n"
}

/// The option as `_arguments` wants it: what excludes it, its names, what it does, and what its value is.
fn specifications(option: &OptionHelp) -> String {
    let value = option.value.map_or(String::new(), |value| action(value, takes(value)));
    let about = literal(option.about);
    let long = match option.value {
        Some(_) => format!("--{}=", option.name),
        None => format!("--{}", option.name),
    };
    match (option.letter, option.value) {
        (Some(letter), _) => {
            let name = option.name;
            format!("  '(-{letter} --{name})'{{-{letter},{long}}}'[{about}]{value}'\n")
        }
        (None, Some(value_name)) if value_name.contains('=') => {
            format!("  '*{long}[{about}]{value}'\n")
        }
        (None, _) => format!("  '{long}[{about}]{value}'\n"),
    }
}

fn action(called: &str, takes: Takes) -> String {
    let listed = |words: Vec<&str>| format!("compadd -S= -- {}", words.join(" "));
    let how = match takes {
        Takes::File => "_files".to_owned(),
        Takes::Directory => "_files -/".to_owned(),
        Takes::Listener => listed(listeners()),
        Takes::Setting => listed(settings()),
        Takes::Free => " ".to_owned(),
    };
    format!(":{}:{how}", called.replace(':', "\\:"))
}

/// Without what means something to `_arguments`, `_describe` or the quotes around it.
fn literal(text: &str) -> String {
    let text = one_line(text).replace('\\', "\\\\").replace('\'', "'\\''");
    text.replace('[', "\\[").replace(']', "\\]").replace(':', "\\:")
}

fn push_words(text: &mut String) {
    let described = |words: Vec<(&str, String)>| {
        let words: Vec<_> =
            words.iter().map(|(word, about)| format!("'{word}:{}'", literal(about))).collect();
        format!("words_here=({})\n", words.join(" "))
    };
    writeln!(text, "first)\n  {}  _describe command words_here\n  ;;", described(first_words()))
        .expect("a string takes it");
    *text += "second)\n  case $line[1] in\n";
    for (first, _) in first_words() {
        let of_first = worded_commands().into_iter().filter(|command| command.first == first);
        let (seconds, wholes): (Vec<_>, Vec<_>) =
            of_first.partition(|command| command.second.is_some());
        if !seconds.is_empty() {
            let words = seconds.into_iter().filter_map(|it| Some((it.second?, it.about))).collect();
            writeln!(
                text,
                "  {first})\n    {}    _describe command words_here\n    ;;",
                described(words)
            )
            .expect("a string takes it");
        } else if wholes.iter().any(|command| command.argument == Some(Takes::File)) {
            writeln!(text, "  {first}) _files ;;").expect("a string takes it");
        }
    }
    *text += "  esac\n  ;;\nthird)\n  case \"$line[1] $line[2]\" in\n";
    for command in worded_commands() {
        if let (Some(second), Some(Takes::File)) = (command.second, command.argument) {
            writeln!(text, "  '{} {second}') _files ;;", command.first).expect("a string takes it");
        }
    }
    *text += "  esac\n  ;;\n";
}
