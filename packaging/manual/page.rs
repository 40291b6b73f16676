//! The two manual pages: the tables of the command line and of the configuration, and around them what no table says.

use crate::roff::Page;
use mecd::args::{OptionHelp, PARAGRAPHS, VERSION, commands, options};
use mecd::config::{Shown, describe};

/// What a signal does.
const SIGNALS: [(&str, &str); 2] = [
    (
        "SIGTERM, SIGINT",
        "Take no more connections, tell the users, write everything down, and end within 5\nseconds.",
    ),
    (
        "SIGHUP",
        "Read the configuration again, all or nothing: a file with a fault changes nothing and\n\
         is logged. Nobody is disconnected.",
    ),
];

const FILES: [(&str, &str); 4] = [
    (
        "/etc/mecd/mecd.toml",
        "The configuration, as the Debian package has it: every option with its default.",
    ),
    ("/var/lib/mecd", "The data directory, as the Debian package has it."),
    (
        "/var/lib/mecd/key",
        "The key that the data is sealed with, made at the first start. Without it the data is lost.",
    ),
    ("./mecd-data", "The data directory where nothing names another one."),
];

const ENVIRONMENT: [(&str, &str); 6] = [
    ("RUST_LOG", "What is logged: error, warn, info, debug or trace."),
    ("STATE_DIRECTORY", "The data directory, from systemd."),
    ("CREDENTIALS_DIRECTORY", "Where systemd puts the key, as mecd.key."),
    (
        "NOTIFY_SOCKET",
        "Where systemd is told that the server is ready, reloads, stops, and how it is.",
    ),
    ("WATCHDOG_USEC", "How often systemd wants to hear that the server lives."),
    ("JOURNAL_STREAM", "Log lines that go there bear no time: the journal has its own."),
];

/// mecd(8)
pub(crate) fn program(date: &str) -> String {
    let mut page = Page::new("mecd", 8, date, VERSION);
    page.section("NAME");
    page.text("mecd - a chat server for small hardware");
    page.section("SYNOPSIS");
    page.styled_line("mecd [OPTION]... [COMMAND]");
    page.section("DESCRIPTION");
    page.text(
        "A chat server for a campus, on one thread. Users reach it with a browser, telnet or netcat, all on\n\
         port 6500, and need nothing else. It has public and private rooms, whispers, groups of stored messages,\n\
         accounts and anonymous users. What should last is kept in encrypted files.",
    );
    page.paragraph(
        "The addresses that it listens on are written to standard output, one line each; everything else is\n\
         logged to standard error. Log lines about wrong passwords end with \"wrong password from ADDRESS\".",
    );
    page.section("COMMANDS");
    for command in commands() {
        page.entry(format!("mecd {}", command.words).trim_end(), command.about);
    }
    page.section("OPTIONS");
    for option in options().filter(|option| option.command.is_none()) {
        page.entry(&usage(&option), option.about);
    }
    for command in crate::words::commands_with_options() {
        page.subsection(&format!("Of {command} only"));
        for option in options().filter(|option| option.command == Some(command)) {
            page.entry(&usage(&option), option.about);
        }
    }
    page.section("NOTES");
    let [first, rest @ ..] = &PARAGRAPHS;
    page.text(first);
    for paragraph in rest {
        page.paragraph(paragraph);
    }
    entries(&mut page, "SIGNALS", &SIGNALS);
    entries(&mut page, "ENVIRONMENT", &ENVIRONMENT);
    entries(&mut page, "FILES", &FILES);
    page.section("EXAMPLES");
    page.text("A server that keeps its data in the current directory, and another that is out of its way:");
    page.example(&["mecd", "mecd --data-dir /tmp/chat --listen mec=127.0.0.1:7000"]);
    page.paragraph("An account on the server of the Debian package, while it stands still:");
    page.example(&[
        "sudo systemctl stop mecd",
        "sudo -u mecd mecd --config /etc/mecd/mecd.toml account add bob",
        "sudo systemctl start mecd",
    ]);
    page.section("SEE ALSO");
    page.styled_line("mecd.toml(5), nc(1), telnet(1), avahi-daemon(8), fail2ban(1)");
    page.finish()
}

fn entries(page: &mut Page, title: &str, entries: &[(&str, &str)]) {
    page.section(title);
    for (term, meaning) in entries {
        page.entry(term, meaning);
    }
}

fn usage(option: &OptionHelp) -> String {
    let letter = option.letter.map_or(String::new(), |letter| format!("-{letter}, "));
    let value = option.value.map_or(String::new(), |value| format!(" {value}"));
    format!("{letter}--{}{value}", option.name)
}

/// mecd.toml(5)
pub(crate) fn configuration(date: &str) -> String {
    let mut page = Page::new("mecd.toml", 5, date, VERSION);
    page.section("NAME");
    page.text("mecd.toml - configuration of mecd");
    page.section("DESCRIPTION");
    page.text(
        "A file in TOML that mecd is given by --config. An option that is left out has its default; an option\n\
         that does not exist is a fault. The file may be empty.",
    );
    page.paragraph(
        "`mecd check --config FILE` says what is wrong with a file, with the line of each fault; `mecd config`\n\
         prints one with every option. A running server reads its file again on SIGHUP. On the command line,\n\
         --set SECTION.NAME=VALUE wins over the file.",
    );
    page.paragraph("An option SECTION.NAME stands in its section:");
    page.example(&["[rooms]", "expire_seconds = 600"]);
    page.section("OPTIONS");
    for section in describe() {
        page.subsection(&format!("[{}]", section.name));
        page.text(section.about);
        for option in section.options {
            page.entry(option.key, option.about);
            if let Some(range) = option.range {
                page.text(&format!("From {} to {}.", range.start(), range.end()));
            }
            match option.default {
                Shown::Value(value) => page.line(&format!("Default: {value}")),
                Shown::Example(example) => {
                    page.line(&format!("Not set by default; may be {example}"))
                }
            }
        }
    }
    page.section("FILES");
    page.entry("/etc/mecd/mecd.toml", "The configuration, as the Debian package has it.");
    page.section("SEE ALSO");
    page.styled_line("mecd(8)");
    page.finish()
}
