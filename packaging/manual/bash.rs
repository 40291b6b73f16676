//! Completion for bash, which needs nothing else of it than `compgen` and `compopt`.

use crate::words::{
    Takes, commands_with_options, first_words, listeners, options_of, settings, takes,
    worded_commands,
};
use mecd::args::options;
use std::fmt::Write;

/// What does not depend on the tables. `=` parts words in bash, so that a value may come as a word of its own.
const HEAD: &str = r#"# bash completion of mecd

_mecd() {
  local word option='' value='' first='' second='' skip='' take
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $current == = ]]; then
    value=yes option=$before current=''
  elif [[ $before == = ]]; then
    value=yes option=${COMP_WORDS[COMP_CWORD - 2]}
  elif [[ $before == -* ]]; then
    option=$before
  fi
"#;

const FIND_COMMAND: &str = r#"  for word in "${COMP_WORDS[@]:1:COMP_CWORD - 1}"; do
    if [[ $skip && $word != = ]]; then
      skip=''
      continue
    fi
    case $word in
      TAKING) skip=yes ;;
      -* | =) ;;
      *) if [[ ! $first ]]; then first=$word; elif [[ ! $second ]]; then second=$word; fi ;;
    esac
  done
"#;

const TAIL: &str = r#"  esac
}

complete -F _mecd mecd
"#;

/// The whole file.
pub(crate) fn completion() -> String {
    let mut text = HEAD.to_owned();
    push_values(&mut text);
    let taking: Vec<_> =
        options().filter(|it| it.value.is_some()).map(|it| format!("--{}", it.name)).collect();
    text += &FIND_COMMAND.replace("TAKING", &taking.join(" | "));
    push_options(&mut text);
    push_words(&mut text);
    text + TAIL
}

/// After an option that takes a value: the value.
fn push_values(text: &mut String) {
    *text += "  case $option in\n";
    for option in options() {
        let Some(value) = option.value else { continue };
        writeln!(text, "    --{}) {}; return ;;", option.name, reply(takes(value)))
            .expect("a string takes it");
    }
    *text += "  esac\n  [[ $value ]] && return\n";
}

fn reply(takes: Takes) -> String {
    let listed = |words: Vec<&str>| {
        let words: Vec<_> = words.iter().map(|word| format!("{word}=")).collect();
        format!(
            "compopt -o nospace; mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\")",
            words.join(" ")
        )
    };
    match takes {
        Takes::File => {
            r#"compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$current")"#.to_owned()
        }
        Takes::Directory => {
            r#"compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$current")"#.to_owned()
        }
        Takes::Listener => listed(listeners()),
        Takes::Setting => listed(settings()),
        Takes::Free => ":".to_owned(),
    }
}

/// Where an option begins: those that the command takes.
fn push_options(text: &mut String) {
    *text += "  if [[ $current == -* ]]; then\n";
    let words = |command| {
        let words = options_of(command).into_iter().map(|option| match option.letter {
            Some(letter) => format!("--{} -{letter}", option.name),
            None => format!("--{}", option.name),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    writeln!(text, "    take='{}'", words(None)).expect("a string takes it");
    *text += "    case \"$first $second\" in\n";
    for command in commands_with_options() {
        writeln!(text, "      '{command}') take+=' {}' ;;", words(Some(command)))
            .expect("a string takes it");
    }
    *text += "    esac\n    mapfile -t COMPREPLY < <(compgen -W \"$take\" -- \"$current\")\n    return\n  fi\n";
}

/// Elsewhere: the words of commands, and what they take.
fn push_words(text: &mut String) {
    *text += "  case \"$first $second\" in\n";
    let among = |words: &[&str]| {
        format!("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$current\")", words.join(" "))
    };
    let firsts: Vec<_> = first_words().into_iter().map(|(word, _)| word).collect();
    writeln!(text, "    ' ') {} ;;", among(&firsts)).expect("a string takes it");
    for first in firsts {
        let seconds: Vec<_> = worded_commands()
            .iter()
            .filter(|it| it.first == first)
            .filter_map(|it| it.second)
            .collect();
        if !seconds.is_empty() {
            writeln!(text, "    '{first} ') {} ;;", among(&seconds)).expect("a string takes it");
        }
    }
    for command in worded_commands() {
        if command.argument == Some(Takes::File) {
            let words = format!("{} {}", command.first, command.second.unwrap_or_default());
            writeln!(text, "    '{words}') {} ;;", reply(Takes::File)).expect("a string takes it");
        }
    }
}
