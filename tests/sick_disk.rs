//! Sick disks under the real program: full, read-only, cut and deleted while it runs. The chat goes on where it can,
//! nothing is promised that is not kept, and the next start opens the data or refuses with a sentence.
//!
//! Some need a file system of their own; where the machine allows none they say so and are skipped. A file-size limit
//! does for the rest what a full disk does, and needs no privilege.

mod program_support;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use program_support::runner::left_out;
use program_support::{Client, Ended, LOOK_AGAIN, Server, Start, temporary, wait_until};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

const DONE: &str = "@status 0";
const FULL: &str = "@status -2";

/// A start that was refused, or an end that was not asked for: exit status 1, and one sentence with a name in it.
fn assert_sentence(ended: &Ended, names: &str) {
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    let sentence = ended.err.lines().last().unwrap_or_default();
    assert!(sentence.contains(names), "{names} is not named: {}", ended.err);
}

/// Runs a command that may not be there or not be allowed.
fn succeeds(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a temporary path is text")
}

/// A file system of our own, mounted until this is dropped.
struct Mount {
    at: PathBuf,
}

impl Mount {
    /// A file system in memory of two megabytes.
    fn small(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).expect("a directory can be made");
        let mounted =
            succeeds("mount", &["-t", "tmpfs", "-o", "size=2m,mode=0700", "none", text(at)]);
        mounted.then(|| Self { at: at.to_path_buf() })
    }

    /// The file system in an image, which becomes read-only at the first error.
    fn image(image: &Path, at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a directory can be made");
        let mounted = succeeds("mount", &["-o", "loop,errors=remount-ro", text(image), text(at)]);
        mounted.then(|| Self { at: at.to_path_buf() })
    }

    /// Makes the kernel find an error in it, on purpose.
    fn break_down(&self) -> bool {
        let Ok(mounts) = std::fs::read_to_string("/proc/self/mounts") else { return false };
        let mine = mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ');
            Some((fields.next()?, fields.next()?))
        });
        let mut device = mine.filter(|(_, at)| Path::new(at) == self.at).map(|(device, _)| device);
        let Some(device) = device.next_back().and_then(|device| device.strip_prefix("/dev/"))
        else {
            return false;
        };
        let trigger = format!("/sys/fs/ext4/{device}/trigger_fs_error");
        std::fs::write(trigger, "broken on purpose").is_ok()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = succeeds("umount", &[text(&self.at)]);
        if !unmounted {
            // Something in it is still open: it goes when that is closed.
            succeeds("umount", &["-l", text(&self.at)]);
        }
    }
}

/// Takes all the space that is left in a directory.
fn fill(directory: &Path) -> PathBuf {
    let path = directory.join("filler");
    let mut file = File::create(&path).expect("a file can be made");
    let mut bytes = 65_536;
    while bytes > 0 {
        match file.write(&vec![1; bytes]) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => bytes /= 2,
            Err(error) => panic!("the file system is not full, but: {error}"),
        }
    }
    path
}

/// A user in a room and a group of her own, who has said and posted something.
fn settle_in(server: &Server) -> Client {
    let mut amy = server.user("amy");
    amy.expect("#createlogin ann secret Ann ann@example.org", DONE);
    amy.expect("#createroom attic", DONE);
    amy.expect("#creategroup board \"\" anon", DONE);
    amy.expect("#joingroup board", DONE);
    amy.expect("#postmessage first 0 1\r\nkept", DONE);
    amy
}

/// What [`settle_in`] left is there.
fn assert_kept(server: &Server) {
    let mut ann = server.client();
    ann.expect("#login regd ann secret", DONE);
    assert!(ann.list("#listrooms").iter().any(|row| row.starts_with("attic ")));
    ann.expect("#joingroup board", DONE);
    assert!(ann.ask("#getmessage 1").starts_with("@ret #getmessage first 1 1 0 "));
    assert_eq!(ann.line(), "kept");
}

/// Posts until nothing is taken any more, not even the smallest. Says how many were.
fn post_until_full(amy: &mut Client) -> usize {
    let mut posted = 0;
    for lines in [99, 9, 1, 0] {
        let body = format!("\r\n{}", "x".repeat(990)).repeat(lines);
        let post = format!("#postmessage more 0 {lines}{body}");
        loop {
            match amy.ask(&post).as_str() {
                DONE => posted += 1,
                answer => break assert_eq!(answer, FULL),
            }
            assert!(posted < 20_000, "more is taken than there is room for");
        }
    }
    posted
}

/// What needs no disk.
fn assert_chat_goes_on(server: &Server, amy: &mut Client, name: &str) {
    let mut bob = server.user(name);
    bob.expect("#changeroom attic", DONE);
    amy.expect("#changeroom attic", DONE);
    let said = format!("@mess #broadcast {name} \"hello\"");
    bob.expect("#broadcast hello", &said);
    assert_eq!(amy.line(), said);
    bob.expect("#sendto amy psst", DONE);
    assert_eq!(amy.line(), format!("@mess #sendto {name} \"psst\""));
    assert!(bob.list("#listusers").len() == 2 && bob.list("#history").len() == 1);
    assert_kept(server);
    for command in ["#createroom x", "#creategroup x", "#createlogin x pw Real mail@example.org"] {
        bob.expect(command, FULL);
    }
    bob.expect("#quit", DONE);
    assert!(bob.has_ended());
    amy.expect("#changeroom Home", DONE);
}

#[test]
fn a_full_file_system_refuses_changes_until_there_is_room_and_the_chat_goes_on() {
    let dir = temporary();
    let data = dir.path().join("data");
    let Some(mount) = Mount::small(&data) else {
        left_out("this machine allows no file system of its own");
        return;
    };
    let start = || Start::in_dir(dir.path()).unhurried().set("limits.messages_per_group=100000");
    let server = start().serve();
    let mut amy = settle_in(&server);
    let filler = fill(&data);
    let posted = post_until_full(&mut amy);
    assert_chat_goes_on(&server, &mut amy, "bob");
    server.wait_for_log("-2");

    // Killed, and started again while the file system is as full as before.
    server.kill();
    let server = start().serve();
    assert_kept(&server);
    let mut amy = server.user("amy");
    amy.expect("#joingroup board", DONE);
    assert_eq!(amy.list("#listmessages").len(), 1 + posted);
    let posted = posted + post_until_full(&mut amy);

    std::fs::remove_file(filler).expect("our own file can be removed");
    wait_until("there is room again", || amy.ask("#createroom roomy") == DONE);
    server.wait_for_log("there is space");
    amy.expect("#postmessage last 0 1\r\nkept", DONE);

    // An orderly stop needs no room either.
    let filler = fill(&data);
    let posted = posted + 1 + post_until_full(&mut amy);
    server.stop();
    let server = start().serve();
    assert_kept(&server);
    let mut amy = server.user("amy");
    amy.expect("#joingroup board", DONE);
    assert_eq!(amy.list("#listmessages").len(), 1 + posted);
    server.stop();
    std::fs::remove_file(filler).expect("our own file can be removed");
    drop(mount);
}

#[test]
fn a_file_system_that_is_full_from_the_start_is_a_sentence() {
    let dir = temporary();
    let data = dir.path().join("data");
    let Some(mount) = Mount::small(&data) else {
        left_out("this machine allows no file system of its own");
        return;
    };
    let filler = fill(&data);
    // Ours in its looks, so that it is not refused as somebody else's directory.
    File::create(data.join("lock")).expect("an empty file needs no room");
    let ended = Start::in_dir(dir.path()).run();
    assert_sentence(&ended, "data/");
    std::fs::remove_file(filler).expect("our own file can be removed");
    drop(settle_in(&Start::in_dir(dir.path()).serve()));
    drop(mount);
}

// A limit on the size of files.

/// What becomes of the signal that the kernel sends with a file-size limit.
enum SizeSignal {
    Ignored,
    AsItComes,
}

fn start_limited(dir: &Path, signal: &SizeSignal) -> Start {
    let trap = match signal {
        SizeSignal::Ignored => "trap '' XFSZ; ",
        SizeSignal::AsItComes => "",
    };
    let start = Start::script(&format!("{trap}exec \"$@\""), dir);
    start.args(["--data-dir", "data", "--listen", "mec=127.0.0.1:0"]).unhurried()
}

/// Allows our child files of so many bytes; no limit if nothing.
fn limit_files(server: &Server, bytes: Option<u64>) {
    let id = i32::try_from(server.id()).ok().and_then(Pid::from_raw);
    let limit = Rlimit { current: bytes, maximum: None };
    prlimit(id, Resource::Fsize, limit).expect("a child's limit can be set");
}

fn grow_into_limit(signal: &SizeSignal) {
    let dir = temporary();
    let start = start_limited(dir.path(), signal);
    let server = start.set("limits.messages_per_group=100000").serve();
    let mut amy = settle_in(&server);
    limit_files(&server, Some(300_000));
    post_until_full(&mut amy);
    assert_chat_goes_on(&server, &mut amy, "bob");
    limit_files(&server, None);
    wait_until("there is room again", || amy.ask("#createroom roomy") == DONE);
    server.kill();
    let server = Start::in_dir(dir.path()).serve();
    assert_kept(&server);
    assert!(server.user("bob").list("#listrooms").iter().any(|row| row.starts_with("roomy ")));
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk() {
    grow_into_limit(&SizeSignal::Ignored);
}

#[test]
fn the_signal_that_comes_with_a_file_size_limit_does_not_kill_the_server() {
    grow_into_limit(&SizeSignal::AsItComes);
}

#[test]
fn a_write_that_fails_ends_the_server_with_a_sentence_and_without_a_promise() {
    let dir = temporary();
    let server = start_limited(dir.path(), &SizeSignal::Ignored).serve();
    let mut amy = settle_in(&server);
    limit_files(&server, Some(100));
    amy.send("#createroom lost");
    let answer = amy.try_line();
    assert!(!matches!(&answer, Ok(Some(line)) if line == DONE), "{answer:?}");
    let ended = server.ended();
    assert_sentence(&ended, "00000001.log");
    let server = Start::in_dir(dir.path()).serve();
    assert_kept(&server);
    let rooms = server.user("bob").list("#listrooms");
    assert!(!rooms.iter().any(|row| row.starts_with("lost ")), "{rooms:?}");
}

// Read-only.

#[test]
fn a_file_system_that_becomes_read_only_keeps_what_was_promised() {
    let dir = temporary();
    let (image, data) = (dir.path().join("image"), dir.path().join("data"));
    File::create(&image).and_then(|file| file.set_len(24 << 20)).expect("a file can be made");
    let made = succeeds("mkfs.ext4", &["-q", text(&image)]);
    let Some(mount) = made.then(|| Mount::image(&image, &data)).flatten() else {
        left_out("this machine allows no file system of its own");
        return;
    };
    let server = Start::in_dir(dir.path()).set("storage.sync=always").serve();
    let mut amy = settle_in(&server);
    if !mount.break_down() {
        left_out("the kernel breaks no file system on purpose");
        return;
    }
    amy.send("#createroom lost");
    let answer = amy.try_line();
    assert!(!matches!(&answer, Ok(Some(line)) if line == DONE), "{answer:?}");
    if matches!(&answer, Ok(Some(line)) if line == FULL) {
        amy.expect("#broadcast hello", "@mess #broadcast amy \"hello\"");
        server.kill();
    } else {
        assert_sentence(&server.ended(), "data/00000001.log");
    }
    assert_sentence(&Start::in_dir(dir.path()).run(), "data");

    // Mended and mounted again.
    drop(mount);
    succeeds("e2fsck", &["-fy", text(&image)]);
    let mount = Mount::image(&image, &data).expect("it was mounted before");
    let server = Start::in_dir(dir.path()).serve();
    assert_kept(&server);
    server.stop();
    drop(mount);
}

// What an administrator should not do while the server runs.

#[test]
fn a_data_directory_that_is_deleted_is_noticed_and_the_chat_goes_on_or_ends_with_a_sentence() {
    let dir = temporary();
    let data = dir.path().join("data");
    let server = Start::in_dir(dir.path()).unhurried().set("storage.sync=100ms").serve();
    let mut amy = settle_in(&server);
    std::fs::remove_dir_all(&data).expect("our own directory can be removed");
    // A promise that the disk does not keep must not be given for ever.
    let mut noticed = false;
    for n in 0..300 {
        amy.send(&format!("#createroom lost{n}"));
        noticed = !matches!(amy.try_line(), Ok(Some(line)) if line == DONE);
        if noticed {
            break;
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    let log = server.log();
    server.kill();
    // There is nothing left to be opened, so this is a first start again.
    let server = Start::in_dir(dir.path()).serve();
    server.client().expect("#login regd ann secret", "@status 3001");
    server.stop();
    assert!(noticed, "300 changes in a directory that is not there were promised to last:\n{log}");
}

/// Cuts the log under a running server, has it go on, and starts it again after `end`.
fn cut_log(length: u64, end: fn(Server) -> Ended) -> Option<String> {
    let dir = temporary();
    let file = dir.path().join("data/00000001.log");
    let server = Start::in_dir(dir.path()).unhurried().set("storage.sync=always").serve();
    let mut amy = settle_in(&server);
    for n in 0..20 {
        amy.expect(&format!("#createroom before{n}"), DONE);
    }
    let log = OpenOptions::new().write(true).open(&file).expect("the log is there");
    log.set_len(length).expect("our own file can be cut");
    let head = amy.ask("#getmessage 1");
    if head.starts_with("@ret ") {
        assert_eq!(amy.line(), "kept");
    } else {
        assert_eq!(head, "@status -1", "it cannot be read any more");
    }
    // A record verifies by what stands in front of it, so the first behind the gap proves nothing yet.
    for n in 0..3 {
        amy.expect(&format!("#createroom after{n}"), DONE);
    }
    amy.expect("#broadcast hello", "@mess #broadcast amy \"hello\"");
    end(server);
    let again = Start::in_dir(dir.path()).try_serve();
    again.err().map(|refused| {
        assert_sentence(&refused, "00000001.log");
        refused.err
    })
}

#[test]
fn a_log_that_was_cut_under_the_server_is_refused_with_file_and_place() {
    for length in [0, 64, 200, 700] {
        for end in [Server::stop as fn(Server) -> Ended, Server::kill] {
            let sentence =
                cut_log(length, end).unwrap_or_else(|| panic!("cut to {length}: silently opened"));
            println!("cut to {length} bytes: {}", sentence.lines().last().unwrap_or_default());
            assert!(sentence.contains("byte"), "{sentence}");
        }
    }
}

#[test]
fn a_key_file_that_was_removed_is_missed_at_the_next_start_and_no_other_is_made() {
    let dir = temporary();
    let key = dir.path().join("data/key");
    let server = Start::in_dir(dir.path()).serve();
    let mut amy = settle_in(&server);
    let digits = std::fs::read_to_string(&key).expect("the key is there");
    std::fs::remove_file(&key).expect("our own file can be removed");
    amy.expect("#createroom after", DONE);
    server.stop();
    assert_sentence(&Start::in_dir(dir.path()).run(), "data/key");
    assert!(!key.exists(), "another key would open nothing");
    let mut file = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    let mut file = file.write(true).create_new(true).open(&key).expect("a file can be made");
    file.write_all(digits.as_bytes()).expect("it can be written");
    let server = Start::in_dir(dir.path()).serve();
    assert_kept(&server);
    assert!(server.user("bob").list("#listrooms").iter().any(|row| row.starts_with("after ")));
}

#[test]
fn a_log_file_that_was_removed_under_the_server_is_a_sentence_at_the_next_start() {
    let dir = temporary();
    let server =
        Start::in_dir(dir.path()).unhurried().set("limits.messages_per_group=100000").serve();
    let mut amy = settle_in(&server);
    // Into the second file.
    let body = format!("\r\n{}", "x".repeat(990)).repeat(99);
    let second = dir.path().join("data/00000002.log");
    for _ in 0..100 {
        amy.expect(&format!("#postmessage more 0 99{body}"), DONE);
    }
    assert!(second.exists());
    std::fs::remove_file(dir.path().join("data/00000001.log")).expect("it can be removed");
    amy.expect("#broadcast hello", "@mess #broadcast amy \"hello\"");
    assert!(amy.ask("#createroom after") == DONE);
    server.stop();
    assert_sentence(&Start::in_dir(dir.path()).run(), "00000001.log");
}

#[test]
fn a_data_directory_that_cannot_be_one_is_a_sentence() {
    let dir = temporary();
    std::fs::write(dir.path().join("data"), "a file").expect("a file can be written");
    assert_sentence(&Start::in_dir(dir.path()).run(), "data");
    let nowhere = Start::bare(dir.path()).args(["--data-dir", "/proc/self/nowhere"]);
    assert_sentence(&nowhere.args(["--listen", "mec=127.0.0.1:0"]).run(), "/proc/self/nowhere");
}

#[test]
fn a_full_disk_for_the_log_of_the_program_itself_does_not_stop_it() {
    let dir = temporary();
    let start = Start::script("exec \"$@\" 2>/dev/full", dir.path());
    let start = start.args(["--data-dir", "data", "-v", "--listen", "mec=127.0.0.1:0"]);
    let server = start.serve();
    drop(settle_in(&server));
    std::thread::sleep(Duration::from_millis(100));
    server.stop();
    assert_kept(&Start::in_dir(dir.path()).serve());
}
