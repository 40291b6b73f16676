//! Ten thousand connections at once: what they cost, that they all hear, and that they may all vanish.

mod program_support;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use program_support::{Client, Server, Start, temporary, wait_until};
use rustix::process::{Resource, getrlimit, setrlimit};

const CONNECTIONS: usize = 10_000;

/// Loopback addresses over which the connections are spread: one has not ports for many more.
const ADDRESSES: usize = 8;

/// There are not descriptors enough for two of these tests at once.
static TURN: Mutex<()> = Mutex::new(());

/// Waits until no other test here runs, and raises our own descriptor limit.
fn make_room() -> MutexGuard<'static, ()> {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let needed = CONNECTIONS as u64 + 100;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        limit.current = Some(needed);
        setrlimit(Resource::Nofile, limit)
            .unwrap_or_else(|error| panic!("this test needs {needed} descriptors: {error}"));
    }
    turn
}

fn start(dir: &std::path::Path) -> Server {
    let start = Start::with_data(dir).args(["--listen", "mec=0.0.0.0:0"]).unhurried();
    start.set("limits.connections=12000").set("limits.login_seconds=600").serve()
}

fn address(server: &Server, number: usize) -> SocketAddr {
    let last = u8::try_from(number % ADDRESSES + 1).expect("there are few");
    (Ipv4Addr::new(127, 0, 0, last), server.address().port()).into()
}

/// Everybody, logged in as `user0` and so on.
fn everybody(server: &Server) -> Vec<Client> {
    let mut all = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        let mut client = Client::connect(address(server, number));
        client.send(&format!("#login anon user{number}"));
        all.push(client);
    }
    all.iter_mut().for_each(|client| assert_eq!(client.line(), "@status 0"));
    all
}

#[test]
#[ignore = "takes 10 000 descriptors for the test and as many for the server"]
fn ten_thousand_connections_stand_idle_for_nothing_and_all_hear_a_broadcast() {
    let _turn = make_room();
    let dir = temporary();
    let server = start(dir.path());
    let before = server.status_number("RssAnon");
    let mut all = everybody(&server);
    let whoami = format!("@ret #whoami user0 Home {CONNECTIONS} - 0");
    all[0].expect("#whoami", &whoami);
    server.assert_one_thread();
    let sleeps = server.can_sleep_for(Duration::from_secs(5));
    assert!(sleeps, "it woke up in each stretch of 5 s in which nothing happened");
    let idle = server.status_number("RssAnon");
    let each = (idle - before) as f64 * 1024.0 / CONNECTIONS as f64;
    println!("anonymous memory: {before} kB empty, {idle} kB idle, {each:.0} bytes a connection");

    let begun = Instant::now();
    all[0].send("#broadcast \"can everybody hear me\"");
    for client in &mut all {
        assert_eq!(client.line(), "@mess #broadcast user0 \"can everybody hear me\"");
    }
    println!("a broadcast was read by all after {:?}", begun.elapsed());
    println!("anonymous memory: {} kB thereafter", server.status_number("RssAnon"));
    server.stop();
}

#[test]
#[ignore = "takes 10 000 descriptors for the test and as many for the server"]
fn ten_thousand_connections_that_are_reset_at_once_leave_a_server_that_serves() {
    let _turn = make_room();
    let dir = temporary();
    let server = start(dir.path());
    for round in 0..2 {
        let all = everybody(&server);
        let mut amy = server.user("amy");
        all.into_iter().for_each(Client::reset);
        wait_until("all of them have gone", || {
            amy.ask("#whoami").starts_with("@ret #whoami amy Home 1 ")
        });
        println!("round {round}: {} kB of anonymous memory", server.status_number("RssAnon"));
    }
    server.stop();
}
