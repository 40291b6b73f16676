//! Every option in one table: its key, what it means, what it may be, and where its value lives in a [`Config`].
//!
//! Reading the file, `--set`, `mecd config` and `config/mecd.toml` all follow from this table: a new option is one
//! row here and one field there. The table knows values, not files or lines.

use super::environment::is_host_name;
use super::options::{Kind, Opt, number, switch};
use super::value::{MS, duration_text, milliseconds, port_range, port_range_text};
use super::{Config, SyncMode};
use crate::dialect::{Dialect, Service};
use crate::limits::{self, COUNT_MAX, HOST_NAME_BYTES_MAX, SECONDS_MAX};
use std::path::PathBuf;
use std::time::Duration;

const KIB: u64 = 1024;
const TIB: u64 = KIB * KIB * KIB * KIB;
const YEAR: u64 = 365 * 24 * 3600;

/// The sections, in the order in which they are shown.
pub(super) static SECTIONS: &[(&str, &str)] = &[
    ("listen", "Where clients connect."),
    ("server", "The server itself."),
    ("limits", "How much of everything."),
    ("rooms", "Rooms and what was said in them."),
    ("groups", "Groups, the places of stored messages."),
    ("messages", "Stored messages."),
    ("security", "Who may do what."),
    ("storage", "The data directory."),
    ("helo", "The protocol of listen.helo."),
    ("chatapp", "The protocol of listen.chatapp."),
    ("json", "The protocol of listen.json."),
    ("web", "The page of listen.web."),
];

/// The options, those of a section together.
pub(super) static OPTIONS: &[Opt] = &[
    Opt {
        key: "listen.mec",
        about: "The MEC protocol: an address with its port, or a list of them. Port 0 takes\n\
                a free port. Of the two built-in addresses, that of IPv6 is left out where the\n\
                machine has no IPv6. []: not served.",
        kind: Kind::Addresses {
            example: "0.0.0.0:6500",
            get: |c| c.listen.of(Dialect::Mec),
            set: |c, addresses| c.listen.set(Dialect::Mec, addresses),
        },
    },
    Opt {
        key: "listen.helo",
        about: "The protocol whose lines begin with HELO, BCST, PM and the like: as above.",
        kind: Kind::Addresses {
            example: "0.0.0.0:1337",
            get: |c| c.listen.of(Dialect::Helo),
            set: |c, addresses| c.listen.set(Dialect::Helo, addresses),
        },
    },
    Opt {
        key: "listen.chatapp",
        about: "The chatapp protocol, JSON behind a header of 20 bytes.",
        kind: Kind::Addresses {
            example: "0.0.0.0:1234",
            get: |c| c.listen.of(Dialect::Chatapp),
            set: |c, addresses| c.listen.set(Dialect::Chatapp, addresses),
        },
    },
    Opt {
        key: "listen.crimp",
        about: "The CRIMP protocol of 4-letter codes: addresses as above.",
        kind: Kind::Addresses {
            example: "0.0.0.0:6789",
            get: |c| c.listen.of(Dialect::Crimp),
            set: |c, addresses| c.listen.set(Dialect::Crimp, addresses),
        },
    },
    Opt {
        key: "listen.json",
        about: "The protocol of JSON objects.",
        kind: Kind::Addresses {
            example: "0.0.0.0:4532",
            get: |c| c.listen.of(Dialect::Json),
            set: |c, addresses| c.listen.set(Dialect::Json, addresses),
        },
    },
    Opt {
        key: "listen.web",
        about: "The page for browsers, which the MEC port serves too.",
        kind: Kind::Addresses {
            example: "0.0.0.0:6580",
            get: |c| c.listen.of(Dialect::Web),
            set: |c, addresses| c.listen.set(Dialect::Web, addresses),
        },
    },
    Opt {
        key: "listen.metrics",
        about: "Numbers for those who watch over the server, at /metrics as OpenMetrics text.",
        kind: Kind::Addresses {
            example: "127.0.0.1:6590",
            get: |c| c.listen.of(Service::Metrics),
            set: |c, addresses| c.listen.set(Service::Metrics, addresses),
        },
    },
    Opt {
        key: "server.data_dir",
        about: "Where everything is kept; made at the first start, with mode 0700.\n\
                Not set: $STATE_DIRECTORY (from systemd), else ./mecd-data.",
        kind: Kind::Text {
            example: "/var/lib/mecd",
            get: |c| c.data_dir.as_deref().map(path_text),
            set: |c, text| path(text).map(|path| c.data_dir = Some(path)),
        },
    },
    Opt {
        key: "server.name",
        about: "The server's name, as users meet it. Not set: the host's name.",
        kind: Kind::Text {
            example: "chat.example.org",
            get: |c| c.server_name.clone(),
            set: |c, text| host_name(text).map(|name| c.server_name = Some(name)),
        },
    },
    number(
        "limits.connections",
        "Connections, all together. The file descriptor limit is raised as far as\n\
         needed and allowed.",
        1..=COUNT_MAX,
        |c| c.connections.into(),
        |c, n| c.connections = small(n),
    ),
    number(
        "limits.connections_per_address",
        "Connections from one address. 0: no limit.",
        0..=COUNT_MAX,
        |c| c.connections_per_address.into(),
        |c, n| c.connections_per_address = small(n),
    ),
    number(
        "limits.login_seconds",
        "A connection that has not logged in by then is closed.",
        1..=24 * 3600,
        |c| c.settings.login_ms / MS,
        |c, n| c.settings.login_ms = n * MS,
    ),
    number(
        "limits.idle_seconds",
        "A logged-in connection that is silent for so long is closed. 0: never; TCP\n\
         keep-alive finds dead peers either way.",
        0..=YEAR,
        |c| c.idle_seconds.into(),
        |c, n| c.idle_seconds = small(n),
    ),
    number(
        "limits.lines_per_second",
        "Lines taken from one connection. Over it the connection is read more slowly;\n\
         nothing is dropped. 0: no limit.",
        0..=COUNT_MAX,
        |c| c.lines_per_second.into(),
        |c, n| c.lines_per_second = small(n),
    ),
    number(
        "limits.lines_burst",
        "Lines taken at once before limits.lines_per_second counts. 0: no limit.",
        0..=COUNT_MAX,
        |c| c.lines_burst.into(),
        |c, n| c.lines_burst = small(n),
    ),
    number(
        "limits.send_queue_bytes",
        "A connection with more than this waiting to be sent is closed.",
        limits::BLOCK_BYTES as u64..=64 * KIB * KIB,
        |c| c.send_queue_bytes.into(),
        |c, n| c.send_queue_bytes = small(n),
    ),
    number(
        "limits.accounts",
        "Registered users.",
        0..=COUNT_MAX,
        |c| c.settings.accounts_max.into(),
        |c, n| c.settings.accounts_max = small(n),
    ),
    number(
        "limits.rooms",
        "Rooms, Home not counted.",
        0..=COUNT_MAX,
        |c| c.settings.rooms_max.into(),
        |c, n| c.settings.rooms_max = small(n),
    ),
    number(
        "limits.groups",
        "Groups.",
        0..=COUNT_MAX,
        |c| c.settings.groups_max.into(),
        |c, n| c.settings.groups_max = small(n),
    ),
    number(
        "limits.messages_per_group",
        "Stored messages of one group, replies counted.",
        0..=COUNT_MAX,
        |c| c.settings.messages_per_group_max.into(),
        |c, n| c.settings.messages_per_group_max = small(n),
    ),
    number(
        "limits.message_lines",
        "Lines of one stored message. Who announces more is disconnected.",
        1..=1000,
        |c| c.dialects.message_lines_max.into(),
        |c, n| c.dialects.message_lines_max = small(n),
    ),
    number(
        "limits.offline_messages",
        "Private messages kept for one account until it logs in.",
        0..=10_000,
        |c| c.settings.letters_max.into(),
        |c, n| c.settings.letters_max = small(n),
    ),
    number(
        "limits.wrong_passwords",
        "A connection is closed after so many wrong passwords.",
        1..=1000,
        |c| c.settings.wrong_passwords_max.into(),
        |c, n| c.settings.wrong_passwords_max = small(n),
    ),
    number(
        "rooms.expire_seconds",
        "An empty room goes after so long.",
        1..=SECONDS_MAX,
        |c| c.settings.room_expire_ms / MS,
        |c, n| c.settings.room_expire_ms = n * MS,
    ),
    number(
        "rooms.expire_seconds_other",
        "The same for a room that was made in another protocol than MEC. 0: never.",
        0..=SECONDS_MAX,
        |c| c.settings.other_room_expire_ms.map_or(0, |ms| ms / MS),
        |c, n| c.settings.other_room_expire_ms = (n > 0).then_some(n * MS),
    ),
    number(
        "rooms.history_lines",
        "Lines kept of what was said in a room. 0: none.",
        0..=10_000,
        |c| c.settings.history_lines.into(),
        |c, n| c.settings.history_lines = small(n),
    ),
    number(
        "rooms.history_bytes",
        "Bytes of these lines, in each room; the oldest go first.",
        limits::TEXT_BYTES_MAX as u64..=KIB * KIB,
        |c| c.settings.history_bytes.into(),
        |c, n| c.settings.history_bytes = small(n),
    ),
    switch(
        "rooms.history_saved",
        "Whether these lines outlive a restart.",
        |c| c.settings.history_saved,
        |c, on| c.settings.history_saved = on,
    ),
    number(
        "groups.expire_seconds",
        "How long a group lasts for which nobody says how long.",
        1..=SECONDS_MAX,
        |c| c.settings.group_seconds.into(),
        |c, n| c.settings.group_seconds = small(n),
    ),
    number(
        "groups.expire_seconds_max",
        "The longest that a group lasts, whatever is asked for.",
        1..=SECONDS_MAX,
        |c| c.settings.group_seconds_max.into(),
        |c, n| c.settings.group_seconds_max = small(n),
    ),
    number(
        "messages.expire_seconds",
        "How long a message lasts, with its replies, for which nobody says how long.",
        1..=SECONDS_MAX,
        |c| c.settings.message_seconds.into(),
        |c, n| c.settings.message_seconds = small(n),
    ),
    number(
        "messages.expire_seconds_max",
        "The longest that a message lasts, whatever is asked for.",
        1..=SECONDS_MAX,
        |c| c.settings.message_seconds_max.into(),
        |c, n| c.settings.message_seconds_max = small(n),
    ),
    switch(
        "security.anonymous_may_create",
        "Whether users without an account may make rooms and groups.",
        |c| c.settings.anonymous_may_create,
        |c, on| c.settings.anonymous_may_create = on,
    ),
    switch(
        "security.registration",
        "Whether users may make accounts; `mecd account add` always can.",
        |c| c.settings.registration,
        |c, on| c.settings.registration = on,
    ),
    Opt {
        key: "security.passwords",
        about: "How passwords are kept, sealed like everything else: \"recoverable\", which a\n\
                login by challenge needs, or \"argon2id\", only a hash of each.",
        kind: Kind::Text { example: "", get: |c| Some(passwords_text(c)), set: set_passwords },
    },
    switch(
        "security.require_challenge",
        "Whether logins that send the password itself are refused.",
        |c| c.settings.require_challenge,
        |c, on| c.settings.require_challenge = on,
    ),
    Opt {
        key: "security.wrong_password_delay",
        about: "How much longer each wrong password from an address makes its next attempt\n\
                wait. \"0s\" to \"1m\".",
        kind: Kind::Text {
            example: "",
            get: |c| Some(duration_text(c.settings.wrong_password_delay_ms)),
            set: set_wrong_password_delay,
        },
    },
    Opt {
        key: "storage.sync",
        about: "How much a loss of power may cost: \"always\" (nothing; every change waits for\n\
                the disk), or a time such as \"500ms\", \"1s\", \"2m\". \"1ms\" to \"1h\".",
        kind: Kind::Text { example: "", get: |c| Some(sync_text(c.sync)), set: set_sync },
    },
    number(
        "storage.bytes_max",
        "Bytes of the data directory. Changes that need more are refused with -2.",
        limits::STORAGE_BYTES_MIN..=TIB,
        |c| c.bytes_max,
        |c, n| c.bytes_max = n,
    ),
    Opt {
        key: "storage.key_file",
        about: "The key, 32 hexadecimal digits. Not set: mecd.key among the credentials from\n\
                systemd, else key in the data directory, made at the first start.",
        kind: Kind::Text {
            example: "/etc/mecd/mecd.key",
            get: |c| c.key_file.as_deref().map(path_text),
            set: |c, text| path(text).map(|path| c.key_file = Some(path)),
        },
    },
    number(
        "helo.ping_seconds",
        "How often a client is asked whether it is there. 0: never.",
        0..=24 * 3600,
        |c| c.dialects.helo.ping_seconds.into(),
        |c, n| c.dialects.helo.ping_seconds = small(n),
    ),
    number(
        "helo.pong_seconds",
        "A client that has not answered by then is disconnected.",
        1..=24 * 3600,
        |c| c.dialects.helo.pong_seconds.into(),
        |c, n| c.dialects.helo.pong_seconds = small(n),
    ),
    number(
        "helo.file_bytes_max",
        "Bytes of the largest file that users send each other.",
        1..=TIB,
        |c| c.dialects.helo.file_bytes_max,
        |c, n| c.dialects.helo.file_bytes_max = n,
    ),
    number(
        "helo.file_seconds",
        "A file that has stood still for so long is given up.",
        1..=24 * 3600,
        |c| c.dialects.helo.file_seconds.into(),
        |c, n| c.dialects.helo.file_seconds = small(n),
    ),
    Opt {
        key: "helo.file_ports",
        about: "The ports that files are sent over, one for each: the first and the last one.\n\
                Not set: any that are free.",
        kind: Kind::Text {
            example: "20000-20999",
            get: |c| c.dialects.helo.file_ports.map(port_range_text),
            set: |c, text| port_range(text).map(|range| c.dialects.helo.file_ports = Some(range)),
        },
    },
    switch(
        "chatapp.connected",
        "Whether who connects is told so by a ConnectionMessage, before the rooms.",
        |c| c.dialects.chatapp.connected,
        |c, on| c.dialects.chatapp.connected = on,
    ),
    number(
        "json.ping_seconds",
        "A user of this protocol who is silent for so long is sent a ping. 0: never.",
        0..=YEAR,
        |c| c.dialects.json.ping_ms.map_or(0, |ms| ms / MS),
        |c, n| c.dialects.json.ping_ms = (n > 0).then_some(n * MS),
    ),
    number(
        "json.pong_seconds",
        "Who then sends nothing for so long is closed.",
        1..=3600,
        |c| c.dialects.json.pong_ms / MS,
        |c, n| c.dialects.json.pong_ms = n * MS,
    ),
    Opt {
        key: "web.origins",
        about: "Pages of other hosts that may open a WebSocket here, parted by blanks. The\n\
                page that this server serves always may.",
        kind: Kind::Text {
            example: "https://chat.example.org",
            get: |c| (!c.dialects.web.origins.is_empty()).then(|| c.dialects.web.origins.join(" ")),
            set: |c, text| origins(text).map(|origins| c.dialects.web.origins = origins),
        },
    },
];

fn small(n: u64) -> u32 {
    u32::try_from(n).expect("the range of its option ends below 2^32")
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() || text.contains('\0') {
        return Err("wants a path".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn path_text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Each as browsers send it: a scheme and a host, no path.
fn origins(text: &str) -> Result<Vec<String>, String> {
    let is_origin = |word: &&str| {
        let host = word.split_once("://").map_or("", |(_, host)| host);
        !host.is_empty() && !host.contains('/') && word.is_ascii()
    };
    match text.split_whitespace().find(|word| !is_origin(word)) {
        Some(word) => Err(format!("{word:?} is no origin, such as https://chat.example.org")),
        None => Ok(text.split_whitespace().map(str::to_owned).collect()),
    }
}

fn host_name(text: &str) -> Result<String, String> {
    if !is_host_name(text) {
        return Err(format!(
            "wants 1 to {HOST_NAME_BYTES_MAX} letters, digits, dots, hyphens and underscores"
        ));
    }
    Ok(text.to_owned())
}

fn passwords_text(config: &Config) -> String {
    if config.settings.hash_passwords { "argon2id".to_owned() } else { "recoverable".to_owned() }
}

fn set_passwords(config: &mut Config, text: &str) -> Result<(), String> {
    config.settings.hash_passwords = match text {
        "argon2id" => true,
        "recoverable" => false,
        _ => {
            let sentence = format!("wants \"recoverable\" or \"argon2id\", not {text:?}");
            return Err(sentence);
        }
    };
    Ok(())
}

fn set_wrong_password_delay(config: &mut Config, text: &str) -> Result<(), String> {
    config.settings.wrong_password_delay_ms = milliseconds(text)
        .filter(|ms| (0..=60 * MS).contains(ms))
        .ok_or_else(|| format!("wants a time from \"0s\" to \"1m\", not {text:?}"))?;
    Ok(())
}

fn set_sync(config: &mut Config, text: &str) -> Result<(), String> {
    // What was said in a room is written behind in either mode: nobody was told that it is kept.
    let (sync, history_delay_ms) = if text == "always" {
        (SyncMode::Always, MS)
    } else {
        let ms = milliseconds(text).filter(|ms| (1..=3600 * MS).contains(ms)).ok_or_else(|| {
            format!("wants \"always\" or a time from \"1ms\" to \"1h\", not {text:?}")
        })?;
        (SyncMode::Interval(Duration::from_millis(ms)), ms)
    };
    config.sync = sync;
    config.settings.history_delay_ms = history_delay_ms;
    Ok(())
}

fn sync_text(sync: SyncMode) -> String {
    match sync {
        SyncMode::Always => "always".to_owned(),
        SyncMode::Interval(time) => {
            let ms = u64::try_from(time.as_millis()).expect("an interval is at most an hour");
            duration_text(ms)
        }
    }
}
