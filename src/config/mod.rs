//! The configuration: what the administrator decided, from the built-in defaults, the file and the command line.
//!
//! One table (`options`) knows every option; reading the file and `--set`, `mecd config` and `config/mecd.toml` follow
//! from it. This module does not know how an option is obeyed, opens no socket and no data directory, and prints
//! nothing. A [`Config`] that [`load`] returned is within all bounds; nobody checks again.

mod describe;
mod dump;
mod environment;
mod fault;
mod options;
mod read;
mod table;
mod value;

pub use describe::{OptionHelp, SectionHelp, describe};
pub use dump::Shown;
pub use environment::Environment;
pub use fault::{Fault, Place};

use crate::core::settings::Settings;
use crate::dialect::{self, Dialect, Service};
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// The port of MEC (spec `mec.md` 1).
const MEC_PORT: u16 = 6500;

/// Everything the administrator can decide (spec `program.md`). Equal to another when both do the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// `listen.*` or `--listen`
    pub listen: Listen,
    /// `server.data_dir`; see [`Config::resolved_data_dir`]
    pub data_dir: Option<PathBuf>,
    /// `server.name`; see [`Config::resolved_server_name`]
    pub server_name: Option<String>,
    /// `limits.connections`
    pub connections: u32,
    /// `limits.connections_per_address`; 0: no limit
    pub connections_per_address: u32,
    /// `limits.idle_seconds`; 0: never
    pub idle_seconds: u32,
    /// `limits.lines_per_second`; see [`Config::line_rate`]
    pub lines_per_second: u32,
    /// `limits.lines_burst`; see [`Config::line_rate`]
    pub lines_burst: u32,
    /// `limits.send_queue_bytes`
    pub send_queue_bytes: u32,
    /// `storage.sync`
    pub sync: SyncMode,
    /// `storage.bytes_max`, of the data directory
    pub bytes_max: u64,
    /// `storage.key_file`; see [`Config::resolved_key_file`]
    pub key_file: Option<PathBuf>,
    /// What the dialects obey.
    pub dialects: dialect::Options,
    /// What the house obeys.
    pub settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            data_dir: None,
            server_name: None,
            connections: 4096,
            connections_per_address: 64,
            idle_seconds: 0,
            lines_per_second: 50,
            lines_burst: 200,
            send_queue_bytes: 65_536,
            sync: SyncMode::Interval(Duration::from_secs(1)),
            bytes_max: 1024 * 1024 * 1024,
            key_file: None,
            dialects: dialect::Options::default(),
            settings: Settings::default(),
        }
    }
}

impl Config {
    /// How fast lines are taken from one connection; `None` where either number is 0: no limit.
    #[must_use]
    pub fn line_rate(&self) -> Option<LineRate> {
        let limited = self.lines_per_second > 0 && self.lines_burst > 0;
        limited.then_some(LineRate { per_second: self.lines_per_second, burst: self.lines_burst })
    }

    /// As a TOML file with every option and its comment; [`load`] makes the same `Config` of it. What is not set
    /// and follows from the surroundings stands behind a `#`.
    #[must_use]
    pub fn to_toml(&self) -> String {
        dump::to_toml(self)
    }
}

/// A bucket of `burst` lines that fills by `per_second`; neither is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineRate {
    /// Lines.
    pub per_second: u32,
    /// Lines.
    pub burst: u32,
}

/// Where clients are waited for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    /// `listen.mec` and so on, by the service's number: up to [`crate::limits::ADDRESSES_MAX`] addresses each, and at
    /// least one of them all
    addresses: [Vec<SocketAddr>; Service::COUNT],
    /// Whether anybody asked for those of MEC.
    source: ListenSource,
}

/// Who chose the addresses. A machine may lack IPv6: of the built-in ones that of IPv4 is enough there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ListenSource {
    /// Nobody, or somebody who wrote exactly the built-in ones (as `mecd config` does).
    BuiltIn,
    /// The administrator.
    Configured,
}

impl Listen {
    /// Nowhere at all.
    fn nowhere() -> Self {
        Self { addresses: Default::default(), source: ListenSource::Configured }
    }

    /// The addresses of one service.
    #[must_use]
    pub fn of(&self, service: impl Into<Service>) -> &[SocketAddr] {
        &self.addresses[service.into().number()]
    }

    /// Whether it is enough to listen elsewhere on a machine that has no addresses of this kind.
    #[must_use]
    pub fn can_do_without(&self, service: impl Into<Service>, address: SocketAddr) -> bool {
        let is_mec = service.into() == Dialect::Mec.into();
        self.source == ListenSource::BuiltIn && is_mec && address.is_ipv6()
    }

    /// Every address, and what can be had there.
    pub fn all(&self) -> impl Iterator<Item = (Service, SocketAddr)> + '_ {
        let of = |service| self.of(service).iter().map(move |&address| (service, address));
        Service::ALL.into_iter().flat_map(of)
    }

    /// Replaces the addresses of one service.
    pub fn set(&mut self, service: impl Into<Service>, addresses: Vec<SocketAddr>) {
        self.addresses[service.into().number()] = addresses;
        let is_built_in = self.of(Dialect::Mec) == built_in_addresses();
        self.source = if is_built_in { ListenSource::BuiltIn } else { ListenSource::Configured };
    }
}

impl Default for Listen {
    fn default() -> Self {
        let mut listen = Self::nowhere();
        listen.set(Dialect::Mec, built_in_addresses().to_vec());
        listen
    }
}

fn built_in_addresses() -> [SocketAddr; 2] {
    [(Ipv4Addr::UNSPECIFIED, MEC_PORT).into(), (Ipv6Addr::UNSPECIFIED, MEC_PORT).into()]
}

/// When the log is synced to the disk (`storage.sync`, spec `mec.md` 11).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncMode {
    /// Before a change is acknowledged.
    Always,
    /// At most so long after it was written; never zero.
    Interval(Duration),
}

/// `--listen DIALECT=ADDR:PORT`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenAt {
    /// What can be had there.
    pub service: Service,
    /// Port 0 takes a free port.
    pub address: SocketAddr,
}

impl FromStr for ListenAt {
    type Err = String;

    /// # Errors
    /// A sentence: no `=`, a dialect that nobody knows, or no address with a port.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, address)) = text.split_once('=') else {
            return Err(format!("wants DIALECT=ADDR:PORT, not {text:?}"));
        };
        let service = Service::ALL
            .into_iter()
            .find(|service| service.name() == name)
            .ok_or_else(|| format!("there is no dialect {name:?}, only {}", dialect_names()))?;
        let address = parse_address(address)?;
        Ok(Self { service, address })
    }
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.service.name(), self.address)
    }
}

/// The configuration from the built-in defaults, then `file`, then each of `sets` (the last of a key wins), then
/// `listens`, which replace every configured listener. Touches nothing but `file`.
///
/// # Errors
/// Every fault there is, in the order in which they stand in the file and on the command line; never an empty list.
pub fn load(
    file: Option<&Path>,
    sets: &[(String, String)],
    listens: &[ListenAt],
) -> Result<Config, Vec<Fault>> {
    let mut reader = read::Reader::default();
    if let Some(file) = file {
        reader.file(file);
    }
    for (key, value) in sets {
        reader.set(key, value);
    }
    reader.listens(listens);
    reader.finish()
}

fn dialect_names() -> String {
    Service::ALL.map(Service::name).join(", ")
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!("{text:?} is no address with a port, such as 0.0.0.0:6500 or [::]:6500")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_argument_is_read_and_shown_alike() {
        for text in ["mec=127.0.0.1:0", "helo=[::1]:1337", "web=0.0.0.0:80"] {
            let parsed: ListenAt = text.parse().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn listen_argument_without_dialect_or_port_is_refused() {
        for text in [
            "",
            "mec",
            "127.0.0.1:1",
            "irc=127.0.0.1:1",
            "mec=",
            "mec=127.0.0.1",
            "mec=:6500",
            "mec=127.0.0.1:65536",
            "mec=localhost:6500",
        ] {
            assert!(text.parse::<ListenAt>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_of_nought_in_either_number_is_no_limit() {
        let rate = |lines_per_second, lines_burst| {
            Config { lines_per_second, lines_burst, ..Config::default() }.line_rate()
        };
        assert_eq!(rate(0, 5), None);
        assert_eq!(rate(5, 0), None);
        let limited = LineRate { per_second: 1, burst: 2 };
        assert_eq!(rate(1, 2), Some(limited));
    }

    #[test]
    fn history_follows_the_sync_interval_by_default() {
        let config = Config::default();
        let delay = Duration::from_millis(config.settings.history_delay_ms);
        assert_eq!(config.sync, SyncMode::Interval(delay));
    }
}
