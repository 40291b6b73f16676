//! What the kernel tells of a running server: time on the processor, memory, wake-ups, bytes written.

use std::fs;

/// A process that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its number.
    pub pid: u32,
}

impl Process {
    /// Nanoseconds that all its threads have spent on a processor, in the program and in the kernel.
    #[must_use]
    pub fn cpu_ns(self) -> u64 {
        let threads = self.threads("schedstat");
        threads.iter().map(|line| number(line.split(' ').next().unwrap_or_default())).sum()
    }

    /// How often any of its threads has given the processor up or lost it.
    #[must_use]
    pub fn switches(self) -> u64 {
        let threads = self.threads("status");
        let lines = threads.iter().flat_map(|status| status.lines());
        lines.filter(|line| line.contains("voluntary_ctxt_switches:")).map(last_number).sum()
    }

    /// Bytes of memory of its own that it uses, without what is mapped from files.
    #[must_use]
    pub fn memory(self) -> u64 {
        self.status_bytes("RssAnon:")
    }

    /// Bytes of memory that it uses, with what is mapped from files: its program and the C library.
    #[must_use]
    pub fn resident(self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    fn status_bytes(self, name: &str) -> u64 {
        let status = self.read("status");
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)).expect("the kernel counts");
        number(kib) * 1024
    }

    /// Bytes that it has handed to `write` and the like, and how often; what went out by `send` is not counted.
    #[must_use]
    pub fn written(self) -> (u64, u64) {
        let io = self.read("io");
        let count = |name| io.lines().find(|line| line.starts_with(name)).map_or(0, last_number);
        (count("wchar:"), count("syscw:"))
    }

    /// Bytes that it has taken by `read` and the like; what came in by `recv` is not counted.
    #[must_use]
    pub fn read_bytes(self) -> u64 {
        let io = self.read("io");
        io.lines().find(|line| line.starts_with("rchar:")).map_or(0, last_number)
    }

    fn read(self, name: &str) -> String {
        let path = format!("/proc/{}/{name}", self.pid);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn threads(self, name: &str) -> Vec<String> {
        let path = format!("/proc/{}/task", self.pid);
        let tasks = fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        // A thread may end while we look.
        let files = tasks.flatten().map(|task| fs::read_to_string(task.path().join(name)));
        files.flatten().collect()
    }
}

fn last_number(line: &str) -> u64 {
    number(line.split_whitespace().last().unwrap_or_default())
}

fn number(word: &str) -> u64 {
    word.trim().parse().unwrap_or_else(|_| panic!("the kernel says {word:?}, which is no number"))
}
