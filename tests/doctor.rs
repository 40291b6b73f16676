//! `mecd doctor` with the real program: each finding, the exit status that goes with it, and that nothing is changed.
//!
//! Some findings need a user who is not root, or a file system of their own; where the machine allows neither, the test
//! says so and is skipped.

mod program_support;

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use program_support::runner::left_out;
use program_support::{Ended, Start, files_below, temporary, write_file};
use rustix::process::geteuid;

/// Beyond all ports that the tests or the kernel choose by themselves.
const FREE: &str = "mec=127.0.0.1:0";

fn doctor(directory: &Path) -> Start {
    Start::with_data(directory).args(["doctor", "--listen", FREE])
}

/// What it said, which must end with this status.
#[track_caller]
fn said(start: Start, status: i32) -> String {
    check(&start.run(), status)
}

#[track_caller]
fn check(ended: &Ended, status: i32) -> String {
    assert_eq!(ended.status.code(), Some(status), "{}{}", ended.out, ended.err);
    assert_eq!(ended.err, "", "all of it goes to standard output");
    let last = ended.out.lines().last().unwrap_or_default();
    assert_eq!(last == "all is well", status == 0, "{}", ended.out);
    ended.out.clone()
}

/// A line that begins with this word and has these in it, in order.
#[track_caller]
fn assert_line(said: &str, word: &str, parts: &[&str]) {
    let fits = |line: &str| {
        let mut rest = line;
        line.starts_with(word)
            && parts.iter().all(|part| match rest.split_once(part) {
                Some((_, after)) => {
                    rest = after;
                    true
                }
                None => false,
            })
    };
    assert!(said.lines().any(fits), "{word} {parts:?} is not said:\n{said}");
}

/// A data directory with a log and a key, as a server leaves it.
fn begun(directory: &Path) -> PathBuf {
    Start::in_dir(directory).serve().stop();
    directory.join("data")
}

// Well.

#[test]
fn a_machine_before_the_first_start_is_well_and_stays_as_it_is() {
    let directory = temporary();
    let said = said(doctor(directory.path()), 0);
    assert_line(&said, "well", &["data directory data is not there yet"]);
    assert_line(&said, "well", &["the key data/key is not there yet"]);
    assert_line(&said, "well", &["mec takes any free port"]);
    assert_line(&said, "well", &["the clock shows 20"]);
    assert_line(&said, "well", &["Avahi"]);
    assert!(!directory.path().join("data").exists(), "nothing is made");
}

#[test]
fn a_server_that_runs_is_well_goes_on_and_its_ports_are_its_own() {
    let directory = temporary();
    let server = Start::in_dir(directory.path()).serve();
    let mut amy = server.user("amy");
    let address = server.address().to_string();
    let before = everything(directory.path());
    let listen = format!("mec={address}");
    let start = Start::with_data(directory.path()).args(["--listen", &listen, "doctor"]);
    let said = said(start, 0);
    assert_line(&said, "well", &["a server is running on the data directory data"]);
    assert_line(&said, "well", &["mec", &address, "in use", "the server that is running"]);
    assert_line(&said, "well", &["the key opens the data: data/key"]);
    assert_eq!(everything(directory.path()), before, "nothing is changed");
    amy.expect("#createroom attic", "@status 0");
    server.stop();
    assert_eq!(
        said.lines().filter(|line| line.starts_with("well")).count(),
        said.lines().count() - 1
    );
    Start::in_dir(directory.path()).serve().stop();
}

/// Every file with its bytes, mode and time.
fn everything(directory: &Path) -> Vec<(PathBuf, Vec<u8>, u32, i64)> {
    let describe = |(path, bytes): (PathBuf, Vec<u8>)| {
        let metadata = fs::metadata(&path).expect("it is there");
        (path, bytes, metadata.mode(), metadata.mtime())
    };
    let mut all: Vec<_> = files_below(directory).into_iter().map(describe).collect();
    all.sort();
    all
}

#[test]
fn a_stopped_server_is_well_and_a_quiet_doctor_says_only_that() {
    let directory = temporary();
    begun(directory.path());
    let before = everything(directory.path());
    let loud = said(doctor(directory.path()), 0);
    assert_line(&loud, "well", &["no server is running on the data directory data"]);
    assert_eq!(said(doctor(directory.path()).args(["-q"]), 0), "all is well\n");
    assert_eq!(everything(directory.path()), before);
}

// Wrong now.

#[test]
fn every_fault_of_the_configuration_is_wrong() {
    let directory = temporary();
    write_file(&directory.path().join("f.toml"), "[limits]\nconnections = -1\nnothing = 1\n");
    let said = said(doctor(directory.path()).args(["--config", "f.toml"]), 2);
    assert_line(&said, "wrong", &["f.toml:2: limits.connections"]);
    assert_line(&said, "wrong", &["f.toml:3: limits.nothing"]);
    assert_line(&said, "wrong now: 2; sooner or later: 0", &[]);
}

#[test]
fn a_port_of_another_program_is_wrong() {
    let directory = temporary();
    let other = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let address = other.local_addr().expect("it has an address").to_string();
    let start = Start::with_data(directory.path());
    let said = said(start.args(["doctor", "--listen", &format!("mec={address}")]), 2);
    assert_line(&said, "wrong", &["mec", &address, "in use by another program"]);
}

#[test]
fn an_address_that_is_wanted_twice_or_not_ours_is_wrong() {
    let directory = temporary();
    let probe = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
    let free: SocketAddr = probe.local_addr().expect("it has an address");
    drop(probe);
    let (mec, json) = (format!("mec={free}"), format!("json={free}"));
    let start = Start::with_data(directory.path());
    let twice = said(start.args(["doctor", "--listen", &mec, "--listen", &json]), 2);
    assert_line(&twice, "wrong", &[&free.to_string(), "wanted twice: for mec and for json"]);
    let start = Start::with_data(directory.path());
    let far = said(start.args(["doctor", "--listen", "mec=192.0.2.7:6500"]), 2);
    assert_line(&far, "wrong", &["192.0.2.7:6500", "no network interface"]);
}

#[test]
fn a_privileged_port_is_told_of_to_root_and_wrong_for_others() {
    let directory = temporary();
    let start = |start: Start| start.args(["doctor", "--listen", "mec=127.0.0.1:7"]);
    let file = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
    let first = fs::read_to_string(file).unwrap_or_default();
    if first.trim().parse::<u16>().is_ok_and(|first| first <= 7) {
        return left_out("this machine has no privileged ports");
    }
    let parts = ["127.0.0.1:7", "CAP_NET_BIND_SERVICE"];
    if geteuid().is_root() {
        let said = said(start(Start::with_data(directory.path())), 1);
        assert_line(&said, "soon", &parts);
    }
    let Some(nobody) = nobody(directory.path()) else { return };
    let said = said(start(nobody.args(["--data-dir", "/nowhere/data"])), 2);
    assert_line(&said, "wrong", &parts);
}

/// As a user who is not root.
fn nobody(directory: &Path) -> Option<Start> {
    if !geteuid().is_root() {
        return Some(Start::bare(directory));
    }
    let words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let setpriv = || Start::behind(&words, Path::new("/"));
    // The program must be where that user can reach it.
    let reached = setpriv().args(["--version"]).run();
    if !reached.status.success() {
        left_out("there is no other user who could run the program");
        return None;
    }
    Some(setpriv())
}

#[test]
fn data_of_another_user_or_out_of_reach_is_wrong() {
    let directory = temporary();
    let data = begun(directory.path());
    let Some(asked) = nobody(directory.path()) else { return };
    let text = data.to_str().expect("a path of letters");
    let asked = asked.args(["--data-dir", text, "doctor", "--listen", FREE]);
    let closed = Permissions::from_mode(if geteuid().is_root() { 0o700 } else { 0o500 });
    fs::set_permissions(&data, closed).expect("it is ours");
    if geteuid().is_root() {
        let open = Permissions::from_mode(0o755);
        fs::set_permissions(directory.path(), open).expect("it is ours");
        let said = said(asked, 2);
        assert_line(&said, "wrong", &[text, "belongs to user 0, and this is user 65534"]);
    } else {
        let said = said(asked, 2);
        assert_line(&said, "wrong", &[text, "cannot be written"]);
    }
}

#[test]
fn a_place_where_no_data_can_be_is_wrong() {
    let directory = temporary();
    write_file(&directory.path().join("data"), "a file");
    let file = said(doctor(directory.path()), 2);
    assert_line(&file, "wrong", &["data is no directory"]);
    let Some(asked) = nobody(directory.path()) else { return };
    let words = ["--data-dir", "/sys/data", "doctor", "--listen", FREE];
    let nowhere = said(asked.args(words), 2);
    assert_line(&nowhere, "wrong", &["/sys"]);
}

#[test]
fn a_directory_of_somebody_elses_files_is_wrong() {
    let directory = temporary();
    fs::create_dir(directory.path().join("data")).expect("a directory can be made");
    write_file(&directory.path().join("data/letter.txt"), "dear");
    let said = said(doctor(directory.path()), 2);
    assert_line(&said, "wrong", &["data holds other files"]);
}

#[test]
fn a_file_of_another_user_among_the_data_is_wrong() {
    let directory = temporary();
    let data = begun(directory.path());
    let log = data.join("00000001.log");
    if std::os::unix::fs::chown(&log, Some(65_534), None).is_err() {
        return left_out("only root can give files away");
    }
    let said = said(doctor(directory.path()), 2);
    assert_line(&said, "wrong", &["00000001.log belongs to user 65534", "chown 0 "]);
}

#[test]
fn a_key_that_is_missing_exposed_broken_or_of_another_server_is_wrong() {
    let directory = temporary();
    let data = begun(directory.path());
    let key = data.join("key");
    let digits = fs::read_to_string(&key).expect("there is a key");
    write_file(&key, &digits.replace(|digit: char| digit.is_ascii_hexdigit(), "1"));
    let another = said(doctor(directory.path()), 2);
    assert_line(&another, "wrong", &["the key does not open data/00000001.log", "data/key"]);
    write_file(&key, "not a key");
    let broken = said(doctor(directory.path()), 2);
    assert_line(&broken, "wrong", &["data/key does not hold 32 hex digits"]);
    fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("it is ours");
    let exposed = said(doctor(directory.path()), 2);
    assert_line(&exposed, "wrong", &["data/key has mode 0644", "make it mode 0600"]);
    fs::remove_file(&key).expect("it is ours");
    let missing = said(doctor(directory.path()), 2);
    assert_line(&missing, "wrong", &["data/key is missing"]);
    assert!(!key.exists(), "nothing is made");
}

#[test]
fn a_key_that_the_first_start_cannot_make_is_wrong() {
    let directory = temporary();
    let nowhere = said(doctor(directory.path()).set("storage.key_file=nowhere/key"), 2);
    assert_line(&nowhere, "wrong", &["nowhere/key is not there, and cannot be made"]);
    let start = Start::in_dir(directory.path()).set("storage.key_file=nowhere/key").run();
    assert_eq!(start.status.code(), Some(1), "and so it is: {start:?}");
    fs::create_dir(directory.path().join("nowhere")).expect("a directory can be made");
    let there = said(doctor(directory.path()).set("storage.key_file=nowhere/key"), 0);
    assert_line(&there, "well", &["nowhere/key is not there yet"]);
}

#[test]
fn a_log_at_its_bound_is_wrong_and_near_it_soon() {
    let directory = temporary();
    let data = begun(directory.path());
    // Sparse, so that it costs nothing; a doctor reads no further than the head.
    let log = fs::OpenOptions::new().write(true).open(data.join("00000001.log"));
    let log = log.expect("it is ours");
    let mib = 1024 * 1024;
    let bounded = || doctor(directory.path()).set(&format!("storage.bytes_max={}", 200 * mib));
    log.set_len(180 * mib).expect("a file can be long");
    let near = said(bounded(), 1);
    assert_line(&near, "soon", &["the log takes 180 of the 200 MiB of storage.bytes_max"]);
    log.set_len(195 * mib).expect("a file can be long");
    let full = said(bounded(), 2);
    assert_line(&full, "wrong", &["the log has reached storage.bytes_max (200 MiB)"]);
}

// Wrong sooner or later.

#[test]
fn a_directory_that_others_can_enter_will_be_closed() {
    let directory = temporary();
    let data = begun(directory.path());
    fs::set_permissions(&data, Permissions::from_mode(0o755)).expect("it is ours");
    let said = said(doctor(directory.path()), 1);
    assert_line(&said, "soon", &["data has mode 0755", "the next start makes it 0700"]);
    assert_eq!(fs::metadata(&data).expect("it is there").mode() & 0o777, 0o755);
}

#[test]
fn fewer_descriptors_than_connections_will_be_wrong() {
    let directory = temporary();
    let start = Start::script("ulimit -n 100; exec \"$@\"", directory.path());
    let said = said(start.args(["--data-dir", "data", "doctor", "--listen", FREE]), 1);
    assert_line(
        &said,
        "soon",
        &["100 descriptors", "73 connections", "4096 of limits.connections"],
    );
}

#[test]
fn data_from_the_future_tells_of_a_wrong_clock() {
    let directory = temporary();
    let data = begun(directory.path());
    let log = fs::OpenOptions::new().write(true).open(data.join("00000001.log"));
    // As late as a system with 32 bits for a time can set it.
    let future = UNIX_EPOCH + Duration::from_secs(2_114_380_800);
    log.and_then(|log| log.set_modified(future)).expect("it is ours");
    let said = said(doctor(directory.path()), 1);
    assert_line(&said, "soon", &["the clock shows 20", "last written on 2037-01-01 00:00:00"]);
}

// On a file system of their own.

/// Runs the doctor where `script` has mounted something on `data`, which is undone by itself when it ends.
fn in_a_mount(directory: &Path, script: &str) -> Option<Ended> {
    let data = directory.join("data");
    fs::create_dir_all(&data).expect("a directory can be made");
    let unshare = ["unshare", "--mount", "--map-root-user", "sh", "-c"];
    let can = Start::behind(&[&unshare[..], &["mount -t tmpfs none data"]].concat(), directory);
    if !can.run().status.success() {
        left_out("nothing can be mounted here");
        return None;
    }
    let script = format!("{script} && exec \"$@\"");
    let start = Start::behind(&[&unshare[..], &[&script, "sh"]].concat(), directory);
    Some(start.args(["--data-dir", "data", "doctor", "--listen", FREE]).run())
}

#[test]
fn a_read_only_file_system_is_wrong() {
    let directory = temporary();
    let mount = "mount -t tmpfs -o ro none data";
    let Some(ended) = in_a_mount(directory.path(), mount) else { return };
    assert_line(&check(&ended, 2), "wrong", &["the file system of data is read-only"]);
}

#[test]
fn a_file_system_that_is_full_is_wrong() {
    let directory = temporary();
    let mount = "mount -t tmpfs -o size=2m,mode=0700 none data";
    let Some(ended) = in_a_mount(directory.path(), mount) else { return };
    assert_line(&check(&ended, 2), "wrong", &["the file system of data has 2 MiB left"]);
}

#[test]
fn less_space_than_the_log_may_take_will_be_wrong() {
    let directory = temporary();
    let mount = "mount -t tmpfs -o size=64m,mode=0700 none data";
    let Some(ended) = in_a_mount(directory.path(), mount) else { return };
    let parts = ["the log may grow by 1024 MiB", "the file system of data has 64 MiB left"];
    assert_line(&check(&ended, 1), "soon", &parts);
}
