//! The configuration as an administrator meets it: a file, `--set`, `--listen`, the faults, and the file shown.

use mecd::config::{Config, Environment, ListenAt, SyncMode, load};
use mecd::dialect::{Dialect, Service};
use mecd::limits::{ADDRESSES_MAX, CONFIG_BYTES_MAX};
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;
use tempfile::NamedTempFile;

/// The shipped file.
const SHIPPED: &str = include_str!("../config/mecd.toml");

fn file_of(text: impl AsRef<[u8]>) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file can be made");
    let written = file.write_all(text.as_ref());
    written.expect("a temporary file can be written");
    file
}

fn from_file(text: impl AsRef<[u8]>) -> Result<Config, Vec<String>> {
    let file = file_of(text);
    let name = file.path().display().to_string();
    load(Some(file.path()), &[], &[]).map_err(|faults| {
        let shown = faults.iter().map(ToString::to_string);
        shown.map(|fault| fault.replacen(&name, "FILE", 1)).collect()
    })
}

fn from_sets(sets: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let owned: Vec<_> =
        sets.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let shown = |faults: Vec<mecd::config::Fault>| faults.iter().map(ToString::to_string).collect();
    load(None, &owned, &[]).map_err(shown)
}

/// An option, a value other than its default (as in the file), and what it changes.
type Row = (&'static str, &'static str, fn(&mut Config));

const EVERY_OPTION: &[Row] = &[
    ("listen.mec", "\"127.0.0.1:7000\"", |c| {
        c.listen.set(Dialect::Mec, vec![(Ipv4Addr::LOCALHOST, 7000).into()]);
    }),
    ("listen.helo", "\"127.0.0.1:7001\"", |c| {
        c.listen.set(Dialect::Helo, vec![(Ipv4Addr::LOCALHOST, 7001).into()]);
    }),
    ("listen.chatapp", "\"127.0.0.1:7002\"", |c| {
        c.listen.set(Dialect::Chatapp, vec![(Ipv4Addr::LOCALHOST, 7002).into()]);
    }),
    ("listen.crimp", "\"127.0.0.1:7004\"", |c| {
        c.listen.set(Dialect::Crimp, vec![(Ipv4Addr::LOCALHOST, 7004).into()]);
    }),
    ("listen.json", "\"127.0.0.1:7005\"", |c| {
        c.listen.set(Dialect::Json, vec![(Ipv4Addr::LOCALHOST, 7005).into()]);
    }),
    ("listen.web", "\"127.0.0.1:7006\"", |c| {
        c.listen.set(Dialect::Web, vec![(Ipv4Addr::LOCALHOST, 7006).into()]);
    }),
    ("listen.metrics", "\"127.0.0.1:7007\"", |c| {
        c.listen.set(Service::Metrics, vec![(Ipv4Addr::LOCALHOST, 7007).into()]);
    }),
    ("server.data_dir", "\"/srv/chat\"", |c| c.data_dir = Some("/srv/chat".into())),
    ("server.name", "\"chat.example.org\"", |c| c.server_name = Some("chat.example.org".into())),
    ("limits.connections", "5", |c| c.connections = 5),
    ("limits.connections_per_address", "0", |c| c.connections_per_address = 0),
    ("limits.login_seconds", "5", |c| c.settings.login_ms = 5000),
    ("limits.idle_seconds", "5", |c| c.idle_seconds = 5),
    ("limits.lines_per_second", "0", |c| c.lines_per_second = 0),
    ("limits.lines_burst", "0", |c| c.lines_burst = 0),
    ("limits.send_queue_bytes", "10_000", |c| c.send_queue_bytes = 10_000),
    ("limits.accounts", "0x10", |c| c.settings.accounts_max = 16),
    ("limits.rooms", "0", |c| c.settings.rooms_max = 0),
    ("limits.groups", "2", |c| c.settings.groups_max = 2),
    ("limits.messages_per_group", "3", |c| c.settings.messages_per_group_max = 3),
    ("limits.message_lines", "1000", |c| c.dialects.message_lines_max = 1000),
    ("limits.offline_messages", "7", |c| c.settings.letters_max = 7),
    ("limits.wrong_passwords", "1", |c| c.settings.wrong_passwords_max = 1),
    ("rooms.expire_seconds", "5", |c| c.settings.room_expire_ms = 5000),
    ("rooms.expire_seconds_other", "0", |c| c.settings.other_room_expire_ms = None),
    ("rooms.history_lines", "0", |c| c.settings.history_lines = 0),
    ("rooms.history_bytes", "3000", |c| c.settings.history_bytes = 3000),
    ("rooms.history_saved", "false", |c| c.settings.history_saved = false),
    ("groups.expire_seconds", "6", |c| c.settings.group_seconds = 6),
    ("groups.expire_seconds_max", "31536001", |c| c.settings.group_seconds_max = 31_536_001),
    ("messages.expire_seconds", "7", |c| c.settings.message_seconds = 7),
    ("messages.expire_seconds_max", "31536002", |c| c.settings.message_seconds_max = 31_536_002),
    ("security.anonymous_may_create", "false", |c| c.settings.anonymous_may_create = false),
    ("security.registration", "false", |c| c.settings.registration = false),
    ("security.passwords", "\"argon2id\"", |c| c.settings.hash_passwords = true),
    ("security.require_challenge", "true", |c| c.settings.require_challenge = true),
    ("security.wrong_password_delay", "\"250ms\"", |c| c.settings.wrong_password_delay_ms = 250),
    ("storage.sync", "\"2m\"", |c| {
        c.sync = SyncMode::Interval(Duration::from_secs(120));
        c.settings.history_delay_ms = 120_000;
    }),
    ("storage.bytes_max", "100000000", |c| c.bytes_max = 100_000_000),
    ("storage.key_file", "\"/etc/mecd/mecd.key\"", |c| {
        c.key_file = Some("/etc/mecd/mecd.key".into());
    }),
    ("helo.ping_seconds", "0", |c| c.dialects.helo.ping_seconds = 0),
    ("helo.pong_seconds", "5", |c| c.dialects.helo.pong_seconds = 5),
    ("helo.file_bytes_max", "1000", |c| c.dialects.helo.file_bytes_max = 1000),
    ("helo.file_seconds", "5", |c| c.dialects.helo.file_seconds = 5),
    ("helo.file_ports", "\"20000-20009\"", |c| {
        c.dialects.helo.file_ports = Some((20_000, 20_009));
    }),
    ("chatapp.connected", "true", |c| c.dialects.chatapp.connected = true),
    ("json.ping_seconds", "0", |c| c.dialects.json.ping_ms = None),
    ("json.pong_seconds", "3", |c| c.dialects.json.pong_ms = 3000),
    ("web.origins", "\"https://a.example http://b\"", |c| {
        c.dialects.web.origins = vec!["https://a.example".into(), "http://b".into()];
    }),
];

#[test]
fn every_shipped_option_is_tried_here() {
    let mut section = "";
    let mut shipped = Vec::new();
    for line in SHIPPED.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((name, _)) = line.split_once(" = ") {
            shipped.push(format!("{section}.{}", name.trim_start_matches('#')));
        }
    }
    let tried: Vec<_> = EVERY_OPTION.iter().map(|(key, ..)| *key).collect();
    assert_eq!(shipped, tried);
}

#[test]
fn every_option_is_taken_from_the_file_and_from_set() {
    for (key, value, change) in EVERY_OPTION {
        let mut wanted = Config::default();
        change(&mut wanted);
        assert_ne!(wanted, Config::default(), "{key}");
        let (section, name) = key.split_once('.').unwrap();
        let in_section = format!("[{section}]\n{name} = {value}\n");
        assert_eq!(from_file(in_section).as_ref(), Ok(&wanted), "{key}");
        let dotted = format!("{key} = {value}\n");
        assert_eq!(from_file(dotted).as_ref(), Ok(&wanted), "{key}");
        assert_eq!(from_sets(&[(key, value)]).as_ref(), Ok(&wanted), "{key}");
        let bare = value.trim_matches('"');
        assert_eq!(from_sets(&[(key, bare)]).as_ref(), Ok(&wanted), "{key}");
    }
}

#[test]
fn every_option_is_shown_so_that_it_reads_back() {
    let mut all = Config::default();
    for (key, value, change) in EVERY_OPTION {
        let one = from_sets(&[(key, value)]).unwrap();
        assert_eq!(from_file(one.to_toml()), Ok(one), "{key}");
        if *key != "security.require_challenge" {
            change(&mut all);
        }
    }
    assert_eq!(from_file(all.to_toml()), Ok(all));
}

#[test]
fn the_shipped_file_is_the_built_in_defaults() {
    let defaults = Config::default().to_toml();
    assert!(
        SHIPPED == defaults,
        "config/mecd.toml must be what `mecd config` prints of the defaults:\n{defaults}"
    );
    assert_eq!(from_file(SHIPPED), Ok(Config::default()));
    assert_eq!(from_file(""), Ok(Config::default()));
    assert_eq!(load(None, &[], &[]), Ok(Config::default()));
}

#[test]
fn every_commented_example_of_the_shipped_file_is_valid() {
    let active: String = SHIPPED
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(example) if !example.starts_with(' ') => example,
            Some(_) | None => line,
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let config = from_file(active).unwrap();
    assert!(config.data_dir.is_some() && config.key_file.is_some() && config.server_name.is_some());
}

#[test]
fn the_built_in_listeners_are_known_as_such_wherever_they_are_written() {
    let built_in = Config::default().listen;
    let ipv6 = built_in.of(Dialect::Mec)[1];
    assert!(built_in.can_do_without(Dialect::Mec, ipv6));
    assert!(!built_in.can_do_without(Dialect::Mec, built_in.of(Dialect::Mec)[0]));
    assert!(!built_in.can_do_without(Dialect::Helo, ipv6));
    let shown: Vec<_> = built_in.of(Dialect::Mec).iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["0.0.0.0:6500", "[::]:6500"]);
    let one = from_sets(&[("listen.mec", "0.0.0.0:6500")]).unwrap();
    assert!(!one.listen.can_do_without(Dialect::Mec, ipv6));
}

#[test]
fn addresses_are_a_string_or_an_array() {
    let several = from_file("[listen]\nmec = [\n  '127.0.0.1:0',\n  '[::1]:7000',\n]\n").unwrap();
    assert_eq!(several.listen.of(Dialect::Mec).len(), 2);
    let same = from_sets(&[("listen.mec", "[\"127.0.0.1:0\", \"[::1]:7000\"]")]).unwrap();
    assert_eq!(same, several);
    let bare = from_sets(&[("listen.mec", "[::1]:7000")]).unwrap();
    assert_eq!(bare.listen.of(Dialect::Mec), &several.listen.of(Dialect::Mec)[1..]);
}

#[test]
fn mec_is_served_unless_a_file_says_otherwise_and_something_has_to_be() {
    let text = "[listen]\nmec = []\nhelo = '[::1]:7000'\ncrimp = []\n";
    let without = from_file(text).unwrap();
    let served: Vec<_> = without.listen.all().map(|(service, _)| service.name()).collect();
    assert_eq!(served, ["helo"]);
    assert_eq!(from_file(without.to_toml()), Ok(without.clone()));
    let sets = [("listen.mec", "[]"), ("listen.helo", "[::1]:7000")];
    assert_eq!(from_sets(&sets), Ok(without));
    let sentence = "leaves nothing that is served: no listener has an address";
    let faults = from_file("[listen]\nhelo = []\nmec = []\n").unwrap_err();
    assert_eq!(faults, [format!("FILE:3: listen.mec: {sentence}")]);
    let faults = from_sets(&[("listen.mec", "[]")]).unwrap_err();
    assert_eq!(faults, [format!("--set listen.mec=[]: {sentence}")]);
    let listen: ListenAt = "helo=127.0.0.1:0".parse().unwrap();
    let file = file_of("[listen]\nmec = []\n");
    assert!(load(Some(file.path()), &[], &[listen]).is_ok(), "there is one after all");
}

#[test]
fn every_fault_of_a_file_is_told_in_the_order_of_its_lines() {
    let text = "\
[limits]
connections = 0
conections = 5
rooms = \"many\"
rooms = 5
message_lines = 1001
accounts = 1.5

[limit]
groups = 1
messages_per_group = 1

[storage]
sync = \"soon\"
bytes_max = 99999999999999999999

[listen]
metrics = \"0.0.0.0:1337\"
mec = [
  \"127.0.0.1:6500\",
  \"localhost:6500\",
  6500,
]

[security]
registration = \"yes\"
passwords = \"md5\"
wrong_password_delay = \"61s\"

[server]
name = \"a b\"
data_dir = \"\"

[limits]
groups = -1
";
    let wanted = [
        "FILE:2: limits.connections: wants a whole number from 1 to 1000000, not 0",
        "FILE:3: limits.conections: is no option; did you mean limits.connections?",
        "FILE:4: limits.rooms: wants a whole number from 0 to 1000000, not a string",
        "FILE:5: limits.rooms: is set already in line 4",
        "FILE:6: limits.message_lines: wants a whole number from 1 to 1000, not 1001",
        "FILE:7: limits.accounts: wants a whole number from 0 to 1000000, not a float",
        "FILE:9: limit: is no section; did you mean [limits]?",
        "FILE:14: storage.sync: wants \"always\" or a time from \"1ms\" to \"1h\", not \"soon\"",
        "FILE:15: storage.bytes_max: wants a whole number from 17825792 to 1099511627776, \
         not 99999999999999999999",
        "FILE:21: listen.mec: \"localhost:6500\" is no address with a port, \
         such as 0.0.0.0:6500 or [::]:6500",
        "FILE:22: listen.mec: wants an address in a string, or an array of them, not an integer",
        "FILE:26: security.registration: wants true or false, not a string",
        "FILE:27: security.passwords: wants \"recoverable\" or \"argon2id\", not \"md5\"",
        "FILE:28: security.wrong_password_delay: wants a time from \"0s\" to \"1m\", not \"61s\"",
        "FILE:31: server.name: wants 1 to 253 letters, digits, dots, hyphens and underscores",
        "FILE:32: server.data_dir: wants a path",
        "FILE:34: limits: is there twice; put its options together",
        "FILE:35: limits.groups: wants a whole number from 0 to 1000000, not -1",
    ];
    assert_eq!(from_file(text).unwrap_err(), wanted);
}

#[test]
fn broken_syntax_is_told_with_its_line_and_other_faults_with_theirs() {
    let text = "[limits]\nconnections =\nrooms = 5\n[groups\n[messages]\nexpire_seconds = 0\n";
    let faults = from_file(text).unwrap_err();
    let starts = ["FILE:2: is not TOML: ", "FILE:4: is not TOML: ", "FILE:6: messages.expire_"];
    assert_eq!(faults.len(), starts.len(), "{faults:?}");
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.starts_with(start), "{fault}");
    }
}

#[test]
fn what_is_set_twice_is_told_however_it_is_written() {
    let table = [
        ("limits.rooms = 1\nlimits.rooms = 2\n", "FILE:2: limits.rooms: is set already in line 1"),
        (
            "[rooms]\n\n[limits]\nrooms = 1\n rooms = 1\n",
            "FILE:5: limits.rooms: is set already in line 4",
        ),
        (
            "limits.rooms = 1\n[limits]\n",
            "FILE:2: limits: is there twice; put its options together",
        ),
    ];
    for (text, wanted) in table {
        assert_eq!(from_file(text).unwrap_err(), [wanted]);
    }
}

#[test]
fn sections_and_options_are_not_taken_for_each_other() {
    let text = "limits = 5\nconnections = 5\n'odd key\\' = 1\n[[rooms]]\nhistory_lines = 1\n\
                [groups.expire_seconds]\na = 1\n[toys]\n";
    let wanted = [
        "FILE:1: limits: is a section: its options stand below a line [limits]",
        "FILE:2: connections: is no option; did you mean limits.connections?",
        "FILE:3: odd key\\\\: is no option; `mecd config` shows all there are",
        "FILE:4: rooms: is a section: its options stand below a line [rooms]",
        "FILE:6: groups.expire_seconds: wants a whole number from 1 to 2147483647, not a table",
        "FILE:8: toys: is no section; there are listen, server, limits, rooms, groups, messages, \
         security, storage, helo, chatapp, json, web",
    ];
    assert_eq!(from_file(text).unwrap_err(), wanted);
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault() {
    let faults = load(Some(Path::new("/nonexistent/mecd.toml")), &[], &[]).unwrap_err();
    let wanted = "/nonexistent/mecd.toml: cannot be read: No such file or directory (os error 2)";
    assert_eq!(faults[0].to_string(), wanted);
    assert_eq!(faults.len(), 1);
    let faults = from_file(b"[server]\nname = \"\xff\"\n").unwrap_err();
    assert_eq!(faults, ["FILE:2: is not UTF-8 text"]);
}

#[test]
fn a_file_of_the_greatest_length_is_read_and_one_byte_more_refused() {
    let longest = "#".repeat(CONFIG_BYTES_MAX);
    assert!(from_file(&longest).is_ok());
    let faults = from_file(longest + "#").unwrap_err();
    assert_eq!(faults, ["FILE: is longer than 65536 bytes"]);
}

#[test]
fn a_file_with_a_byte_order_mark_and_crlf_is_read() {
    let config = from_file("\u{feff}[limits]\r\nconnections = 5\r\n").unwrap();
    assert_eq!(config.connections, 5);
    let faults = from_file("\u{feff}[limits]\r\nconnections = 0\r\n").unwrap_err();
    assert!(faults[0].starts_with("FILE:2: limits.connections: "));
}

#[test]
fn every_fault_of_set_is_told_and_the_file_is_not_forgotten() {
    let file = file_of("[limits]\nrooms = -1\n");
    let sets = [
        ("limits.rooms".to_owned(), "5".to_owned()),
        ("limits.romos".to_owned(), "5".to_owned()),
        ("limits".to_owned(), "5".to_owned()),
        ("limits.rooms".to_owned(), "many".to_owned()),
        ("listen.web".to_owned(), "[::]:80".to_owned()),
    ];
    let listens = ["metrics=[::]:1337".parse().unwrap()];
    let faults = load(Some(file.path()), &sets, &listens).unwrap_err();
    let shown: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let first = format!(
        "{}:2: limits.rooms: wants a whole number from 0 to 1000000, not -1",
        file.path().display()
    );
    let wanted = [
        first.as_str(),
        "--set limits.romos=5: is no option; did you mean limits.rooms?",
        "--set limits=5: is no option; `mecd config` shows all there are",
        "--set limits.rooms=many: wants a whole number from 0 to 1000000, not a string",
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn set_wins_over_the_file_and_the_last_of_a_key_over_the_others() {
    let file = file_of("[limits]\nrooms = 1\ngroups = 1\n");
    let set = |value: &str| ("limits.rooms".to_owned(), value.to_owned());
    let config = load(Some(file.path()), &[set("2"), set("3")], &[]).unwrap();
    assert_eq!(config.settings.rooms_max, 3);
    assert_eq!(config.settings.groups_max, 1);
}

#[test]
fn listen_arguments_replace_every_configured_listener() {
    let file = file_of("[listen]\nmec = ['127.0.0.1:1', '127.0.0.1:2']\n");
    let listen: ListenAt = "mec=127.0.0.1:0".parse().unwrap();
    let config = load(Some(file.path()), &[], &[listen]).unwrap();
    assert_eq!(config.listen.of(Dialect::Mec), [listen.address]);
    assert!(!config.listen.can_do_without(Dialect::Mec, "[::]:6500".parse().unwrap()));

    let most = vec![listen; ADDRESSES_MAX];
    assert_eq!(load(None, &[], &most).unwrap().listen.of(Dialect::Mec).len(), ADDRESSES_MAX);
    let faults = load(None, &[], &vec![listen; ADDRESSES_MAX + 1]).unwrap_err();
    let wanted = "--listen mec=127.0.0.1:0: is one more than 16 addresses";
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].to_string(), wanted);
}

#[test]
fn times_are_taken_at_their_bounds_and_refused_past_them() {
    let table = [
        ("storage.sync", ["1ms", "1h"], ["0ms", "3600001ms"]),
        ("security.wrong_password_delay", ["0s", "1m"], ["-1s", "60001ms"]),
    ];
    for (key, taken, refused) in table {
        for value in taken {
            assert!(from_sets(&[(key, value)]).is_ok(), "{key}={value}");
        }
        for value in refused {
            assert!(from_sets(&[(key, value)]).is_err(), "{key}={value}");
        }
    }
}

#[test]
fn sync_always_leaves_history_a_second_behind() {
    let config = from_sets(&[("storage.sync", "2m"), ("storage.sync", "always")]).unwrap();
    assert_eq!(config.sync, SyncMode::Always);
    assert_eq!(config.settings.history_delay_ms, 1000);
}

#[test]
fn server_names_are_taken_up_to_253_bytes() {
    let name = |bytes: usize| from_sets(&[("server.name", &"n".repeat(bytes))]);
    assert!(name(0).is_err() && name(1).is_ok());
    assert!(name(253).is_ok() && name(254).is_err());
}

#[test]
fn a_default_time_above_its_maximum_is_that_maximum() {
    let config =
        from_sets(&[("groups.expire_seconds_max", "10"), ("messages.expire_seconds_max", "20")])
            .unwrap();
    assert_eq!(config.settings.group_seconds, 10);
    assert_eq!(config.settings.message_seconds, 20);
}

#[test]
fn hashes_and_required_challenges_exclude_each_other() {
    let text = "[security]\npasswords = 'argon2id'\nrequire_challenge = true\n";
    let faults = from_file(text).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].starts_with("FILE:3: security.require_challenge: "));
}

#[test]
fn the_effective_configuration_names_what_follows_from_the_surroundings() {
    let environment = Environment {
        state_directory: Some("/var/lib/mecd".into()),
        host_name: "pi".to_owned(),
        ..Environment::default()
    };
    let mut config = Config::default();
    config.resolve(None, &environment);
    let text = config.to_toml();
    for line in
        ["data_dir = \"/var/lib/mecd\"", "name = \"pi\"", "key_file = \"/var/lib/mecd/key\""]
    {
        assert!(text.lines().any(|shown| shown == line), "{line}");
    }
    assert_eq!(from_file(text), Ok(config));
}
