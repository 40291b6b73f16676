//! What the configuration leaves to the surroundings: where the data lies, where the key is, what the host is called.
//!
//! The surroundings are an argument, read once by [`Environment::read`], so that every rule can be tested
//! without touching the process's own.

use super::Config;
use crate::limits::HOST_NAME_BYTES_MAX;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The file of the key, in the data directory or among systemd's credentials.
const KEY_FILE: &str = "key";
const KEY_CREDENTIAL: &str = "mecd.key";
const DATA_DIR: &str = "./mecd-data";
const HOST_NAME: &str = "localhost";

/// What the service manager and the kernel say about where the program runs (spec `program.md`).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Environment {
    /// `$STATE_DIRECTORY`: one directory, or several with colons between them.
    pub state_directory: Option<OsString>,
    /// `$CREDENTIALS_DIRECTORY`
    pub credentials_directory: Option<OsString>,
    /// `$NOTIFY_SOCKET`: where the service manager wants to be told how the server is doing.
    pub notify_socket: Option<OsString>,
    /// `$WATCHDOG_USEC`: by when it wants to hear from it again, in microseconds.
    pub watchdog_usec: Option<OsString>,
    /// `$WATCHDOG_PID`: the process that it wants to hear from, if it says so.
    pub watchdog_pid: Option<OsString>,
    /// The host's name as the kernel has it; empty where it is not known.
    pub host_name: String,
}

impl Environment {
    /// Of this process.
    #[must_use]
    pub fn read() -> Self {
        Self {
            state_directory: std::env::var_os("STATE_DIRECTORY"),
            credentials_directory: std::env::var_os("CREDENTIALS_DIRECTORY"),
            notify_socket: std::env::var_os("NOTIFY_SOCKET"),
            watchdog_usec: std::env::var_os("WATCHDOG_USEC"),
            watchdog_pid: std::env::var_os("WATCHDOG_PID"),
            host_name: host_name(),
        }
    }
}

impl Config {
    /// The data directory: `flag` (`--data-dir`), else `server.data_dir`, else the first of `$STATE_DIRECTORY`,
    /// else `./mecd-data`.
    #[must_use]
    pub fn resolved_data_dir(&self, flag: Option<&Path>, environment: &Environment) -> PathBuf {
        flag.or(self.data_dir.as_deref())
            .map(Path::to_path_buf)
            .or_else(|| first_path(environment.state_directory.as_ref()?))
            .unwrap_or_else(|| PathBuf::from(DATA_DIR))
    }

    /// The key's file: `storage.key_file`, else `$CREDENTIALS_DIRECTORY/mecd.key` where that exists, else `key` in
    /// the data directory. It need not exist yet.
    #[must_use]
    pub fn resolved_key_file(&self, data_dir: &Path, environment: &Environment) -> PathBuf {
        if let Some(file) = &self.key_file {
            return file.clone();
        }
        let credential = environment
            .credentials_directory
            .as_ref()
            .filter(|directory| !directory.is_empty())
            .map(|directory| Path::new(directory).join(KEY_CREDENTIAL))
            .filter(|file| file.exists());
        credential.unwrap_or_else(|| data_dir.join(KEY_FILE))
    }

    /// The server's name: `server.name`, else the host's, else (where that is no host name) `localhost`.
    #[must_use]
    pub fn resolved_server_name(&self, environment: &Environment) -> String {
        let host = Some(&environment.host_name).filter(|name| is_host_name(name));
        let name = self.server_name.as_ref().or(host);
        name.map_or_else(|| HOST_NAME.to_owned(), Clone::clone)
    }

    /// Tells the dialects the server's name.
    pub fn name_host(&mut self) {
        self.dialects.host = self.resolved_server_name(&Environment::read()).into();
    }

    /// Fills in `data_dir`, `key_file` and `server_name`, for `mecd config`.
    pub fn resolve(&mut self, data_dir_flag: Option<&Path>, environment: &Environment) {
        let data_dir = self.resolved_data_dir(data_dir_flag, environment);
        self.key_file = Some(self.resolved_key_file(&data_dir, environment));
        self.server_name = Some(self.resolved_server_name(environment));
        self.data_dir = Some(data_dir);
    }
}

/// Whether `name` can stand for the server in greetings and after the `@` of a UID.
pub(super) fn is_host_name(name: &str) -> bool {
    let part = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    (1..=HOST_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(part)
}

fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

fn first_path(list: &OsString) -> Option<PathBuf> {
    let first = list.as_bytes().split(|b| *b == b':').next()?;
    (!first.is_empty()).then(|| PathBuf::from(OsString::from_vec(first.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_state(directory: &str) -> Environment {
        Environment { state_directory: Some(directory.into()), ..Environment::default() }
    }

    #[test]
    fn data_directory_comes_from_the_nearest_who_names_one() {
        let unset = Config::default();
        let set = Config { data_dir: Some("/from/file".into()), ..Config::default() };
        let flag = Some(Path::new("/from/flag"));
        let none = Environment::default();
        let table = [
            (&set, flag, with_state("/from/state"), "/from/flag"),
            (&set, None, with_state("/from/state"), "/from/file"),
            (&unset, None, with_state("/from/state"), "/from/state"),
            (&unset, None, with_state("/first:/second"), "/first"),
            (&unset, None, with_state(""), "./mecd-data"),
            (&unset, None, none, "./mecd-data"),
        ];
        for (config, flag, environment, wanted) in table {
            let found = config.resolved_data_dir(flag, &environment);
            assert_eq!(found, Path::new(wanted));
        }
    }

    #[test]
    fn key_file_is_the_credential_only_where_that_exists() {
        let credentials = tempfile::tempdir().unwrap();
        let environment = Environment {
            credentials_directory: Some(credentials.path().into()),
            ..Environment::default()
        };
        let data_dir = Path::new("/data");
        let mut config = Config::default();
        let found = config.resolved_key_file(data_dir, &environment);
        assert_eq!(found, Path::new("/data/key"));

        let credential = credentials.path().join("mecd.key");
        std::fs::write(&credential, "00").unwrap();
        let found = config.resolved_key_file(data_dir, &environment);
        assert_eq!(found, credential);

        config.key_file = Some("/etc/mecd.key".into());
        let found = config.resolved_key_file(data_dir, &environment);
        assert_eq!(found, Path::new("/etc/mecd.key"));
    }

    #[test]
    fn server_name_is_the_hosts_where_that_is_a_name() {
        let mut config = Config::default();
        let named =
            |name: &str| Environment { host_name: name.to_owned(), ..Environment::default() };
        let long = "n".repeat(HOST_NAME_BYTES_MAX + 1);
        assert_eq!(config.resolved_server_name(&named("pi")), "pi");
        assert_eq!(config.resolved_server_name(&named("")), "localhost");
        assert_eq!(config.resolved_server_name(&named("a b")), "localhost");
        assert_eq!(config.resolved_server_name(&named(&long)), "localhost");
        config.server_name = Some("chat".into());
        assert_eq!(config.resolved_server_name(&named("pi")), "chat");
    }

    #[test]
    fn the_kernel_knows_a_host_name() {
        assert!(!Environment::read().host_name.is_empty());
    }
}
