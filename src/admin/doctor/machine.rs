//! What the doctor says of the machine: addresses, descriptors, the clock, and how the server is announced.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, geteuid, getrlimit};

use crate::admin::Site;
use crate::admin::doctor::{Diagnosis, Server};
use crate::config::Config;
use crate::dialect::calendar::sortable;
use crate::dialect::{Dialect, Service};
use crate::server::{can_listen, descriptors_beside_connections, does_without, wrong_clock};
use crate::store::disk::last_written;

/// Ports below this one are for programs with a privilege, unless the kernel was told another number.
const PRIVILEGED_BELOW: u16 = 1024;
const PRIVILEGED_FILE: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/// What the service file announces (`config/mecd.avahi.service`).
const ANNOUNCED_TYPE: &str = "<type>_mec-chat._tcp</type>";

pub(super) fn examine_addresses(config: &Config, server: Server, found: &mut Diagnosis) {
    let first = std::fs::read_to_string(PRIVILEGED_FILE).ok();
    let first = first.and_then(|text| text.trim().parse().ok()).unwrap_or(PRIVILEGED_BELOW);
    let all: Vec<(Service, SocketAddr)> = config.listen.all().collect();
    for (index, &(service, address)) in all.iter().enumerate() {
        let port = address.port();
        if port == 0 {
            found.well(format!("{service} takes any free port of {}", address.ip()));
            continue;
        }
        let other = all[..index].iter().find(|(_, other)| *other == address);
        if let Some((other, _)) = other {
            found.now(format!("{address} is wanted twice: for {other} and for {service}"));
            continue;
        }
        examine_address(config, server, (service, address), first, found);
    }
}

/// One address with a port; `first` is the first port for everybody.
fn examine_address(
    config: &Config,
    server: Server,
    (service, address): (Service, SocketAddr),
    first: u16,
    found: &mut Diagnosis,
) {
    let port = address.port();
    let error = match can_listen(address) {
        Ok(()) if port < first && geteuid().is_root() => {
            return found.later(format!(
                "{service} {address}: ports below {first} are for root and for programs with CAP_NET_BIND_SERVICE, \
                 which the unit takes away; its comments say how to give it back"
            ));
        }
        Ok(()) => return found.well(format!("{service} {address} is free")),
        Err(error) => error,
    };
    match (error.kind(), server) {
        (ErrorKind::AddrInUse, Server::Runs) => found.well(format!(
            "{service} {address} is in use, as it seems by the server that is running"
        )),
        (ErrorKind::AddrInUse, Server::Rests) => found.now(format!(
            "{service} {address} is in use by another program: ss -ltnp 'sport = :{port}' names it"
        )),
        (_, _) if does_without(&config.listen, service, address, &error) => {
            found.well(format!("{service} {address} cannot be had, and is not needed: {error}"));
        }
        (ErrorKind::PermissionDenied, _) => found.now(format!(
            "{service} {address}: ports below {first} are for root and for programs with CAP_NET_BIND_SERVICE"
        )),
        (ErrorKind::AddrNotAvailable, _) => found.now(format!(
            "{service} {address}: no network interface of this machine has that address now"
        )),
        (_, _) => found.now(format!("{service} {address} cannot be listened on: {error}")),
    }
}

/// The limit of this very process: a service has the one of its unit (`LimitNOFILE`).
pub(super) fn examine_descriptors(config: &Config, found: &mut Diagnosis) {
    let beside = descriptors_beside_connections(&config.listen);
    let wanted = u64::from(config.connections);
    match getrlimit(Resource::Nofile).maximum {
        Some(limit) if limit < wanted + beside => found.later(format!(
            "{limit} descriptors are allowed here, which is enough for {} connections and not for the {wanted} of \
             limits.connections (ulimit -Hn; LimitNOFILE of the unit)",
            limit.saturating_sub(beside).max(1)
        )),
        Some(_) | None => found.well(format!(
            "{} descriptors are allowed here, enough for {wanted} connections",
            getrlimit(Resource::Nofile).maximum.map_or("any number of".into(), |n| n.to_string())
        )),
    }
}

pub(super) fn examine_clock(site: &Site, found: &mut Diagnosis) {
    let shown = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    match wrong_clock(shown, last_written(&site.data_dir)) {
        Some(wrong) => found.later(format!(
            "{wrong}: dates in histories and in the log will be wrong, but nothing expires by them"
        )),
        None => found.well(format!("the clock shows {} UTC", sortable(shown))),
    }
}

/// Whether students find the server by its name in the local network. `root` is where the machine's files begin.
pub(super) fn examine_announcement(root: &Path, config: &Config, found: &mut Diagnosis) {
    let installed = root.join("usr/sbin/avahi-daemon").exists();
    let running = root.join("run/avahi-daemon/socket").exists();
    let services = root.join("etc/avahi/services");
    match (announcement(&services), installed) {
        (None, false) => found.well(
            "Avahi is not installed, so the server is reached by its address, or by a name that somebody else gives it",
        ),
        (None, true) => found.well(format!(
            "Avahi is installed and does not announce the server; config/mecd.avahi.service in {} would have it do so",
            services.display()
        )),
        (Some((file, _)), false) => found.later(format!(
            "{} is to announce the server, but Avahi is not installed (package avahi-daemon)",
            file.display()
        )),
        (Some((file, _)), true) if !running => found.later(format!(
            "{} is to announce the server, but Avahi is not running (systemctl start avahi-daemon)",
            file.display()
        )),
        (Some((file, port)), true) => {
            let served = config.listen.of(Dialect::Mec).iter().any(|it| Some(it.port()) == port);
            if served {
                found.well(format!("Avahi announces the server ({})", file.display()));
            } else {
                let port = port.map_or("no port".to_owned(), |port| format!("port {port}"));
                found.later(format!(
                    "{} announces {port}, where listen.mec is not served",
                    file.display()
                ));
            }
        }
    }
}

/// The file that announces the server, and the port that it names.
fn announcement(services: &Path) -> Option<(PathBuf, Option<u16>)> {
    let files = std::fs::read_dir(services).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let mut services = files.filter(|file| file.extension().is_some_and(|it| it == "service"));
    services.find_map(|file| {
        let text = std::fs::read_to_string(&file).ok()?;
        let (_, after) = text.split_once(ANNOUNCED_TYPE)?;
        let (ours, _) = after.split_once("</service>").unwrap_or((after, ""));
        let port = ours.split_once("<port>").and_then(|(_, rest)| rest.split_once("</port>"));
        Some((file, port.and_then(|(port, _)| port.trim().parse().ok())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Verbosity;

    const SERVICE_FILE: &str = include_str!("../../../config/mecd.avahi.service");

    fn announced(root: &Path) -> (u8, String) {
        let mut found = Diagnosis::default();
        examine_announcement(root, &Config::default(), &mut found);
        (found.status(), found.text(Verbosity::Normal))
    }

    fn put(root: &Path, file: &str, text: &str) {
        let path = root.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn assert_said(root: &Path, status: u8, words: &str) {
        let (found, said) = announced(root);
        assert!(found == status && said.contains(words), "{found}: {said}");
    }

    #[test]
    fn without_a_service_file_nothing_is_wrong_with_avahi_or_without() {
        let root = tempfile::tempdir().unwrap();
        assert_said(root.path(), 0, "Avahi is not installed");
        put(root.path(), "usr/sbin/avahi-daemon", "");
        put(root.path(), "etc/avahi/services/printer.service", "<type>_ipp._tcp</type>");
        assert_said(root.path(), 0, "does not announce the server");
    }

    #[test]
    fn a_service_file_wants_an_avahi_that_runs_and_the_port_that_is_served() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "etc/avahi/services/mecd.service", SERVICE_FILE);
        assert_said(root.path(), 1, "Avahi is not installed");
        put(root.path(), "usr/sbin/avahi-daemon", "");
        assert_said(root.path(), 1, "Avahi is not running");
        put(root.path(), "run/avahi-daemon/socket", "");
        assert_said(root.path(), 0, "Avahi announces the server");
        // The other service of the file may have any port.
        let (before, after) = SERVICE_FILE.split_once("6500").unwrap();
        let other = format!("{before}6501{after}");
        put(root.path(), "etc/avahi/services/mecd.service", &other);
        assert_said(root.path(), 1, "announces port 6501");
        put(root.path(), "etc/avahi/services/mecd.service", ANNOUNCED_TYPE);
        assert_said(root.path(), 1, "announces no port");
    }
}
