//! An hour on campus: ten people of five dialects in the same rooms, one action a second, seed by seed. After each
//! action everybody has received exactly what the rules say, in the words of their own dialect, and nothing else; and
//! all of it goes on after a `kill -9` in the middle (spec `dialects.md`, "One house").

mod common;
#[path = "campus/model.rs"]
mod model;
#[path = "campus/people.rs"]
mod people;
mod program_support;

use std::path::Path;
use std::thread;
use std::time::Duration;

use model::{Campus, Expected};
use people::{Crowd, PEOPLE};
use program_support::{Server, Start, temporary};

/// Seconds of an hour; one action each.
const ACTIONS: u32 = 3600;

/// Longer than it takes until what was said is in the log, twice.
const WRITTEN: Duration = Duration::from_millis(2500);

/// Numbers that look random and are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_of<'a>(&mut self, names: &'a [String]) -> Option<&'a str> {
        (!names.is_empty()).then(|| names[self.below(names.len())].as_str())
    }
}

fn serve(cwd: &Path) -> Server {
    let mut start = Start::in_dir(cwd).listeners(5).unhurried();
    for dialect in ["helo", "chatapp", "crimp", "json"] {
        start = start.args(["--listen", &format!("{dialect}=127.0.0.1:0")]);
    }
    start.set("server.name=campus").set("helo.ping_seconds=0").serve()
}

/// Carries out what was decided, and sees that everybody hears what they should, and nobody anything else.
fn act(crowd: &mut Crowd, (who, request, expected): (&str, String, Expected)) {
    crowd.send(who, &request);
    crowd.hear(&request, &expected);
    crowd.nothing_else(&request);
}

/// One second of the hour.
fn second(random: &mut Random, campus: &mut Campus, crowd: &mut Crowd, no: u32) {
    let who = PEOPLE[random.below(PEOPLE.len())].0;
    let text = format!("n{no} h\u{e9} {}", random.below(1000));
    let rooms = campus.rooms_of(who);
    match random.below(20) {
        0..=8 => {
            if let Some(room) = random.one_of(&rooms) {
                act(crowd, campus.say(who, room, &text));
            }
        }
        9..=11 => {
            let receiver = PEOPLE[random.below(PEOPLE.len())].0;
            if receiver != who && campus.can_tell(who) {
                act(crowd, campus.tell(who, receiver, &text));
            }
        }
        12..=14 => {
            if let Some(room) = random.one_of(&campus.other_rooms(who)) {
                act(crowd, campus.enter(who, room));
            }
        }
        15 | 16 => {
            if let Some(room) = random.one_of(&rooms)
                && campus.can_leave(who, room)
            {
                act(crowd, campus.leave(who, room));
            }
        }
        17 | 18 => {
            if let Some(room) = random.one_of(&rooms)
                && campus.can_look_back(who)
            {
                act(crowd, campus.look_back(who, room));
            }
        }
        _ => come_and_go(campus, crowd, who),
    }
}

/// Somebody leaves the server and comes back.
fn come_and_go(campus: &mut Campus, crowd: &mut Crowd, who: &str) {
    let expected = campus.quit(who);
    crowd.quit(who);
    crowd.hear("a farewell", &expected);
    crowd.nothing_else("a farewell");
    arrive(campus, crowd, who);
}

fn arrive(campus: &mut Campus, crowd: &mut Crowd, who: &str) {
    crowd.connect(who);
    act(crowd, campus.log_in(who));
}

/// Everybody registers who has to, makes a room who likes to, and joins what there is.
fn open_the_campus(campus: &mut Campus, crowd: &mut Crowd) {
    for (who, _) in PEOPLE {
        crowd.connect(who);
        act(crowd, campus.arrive_first(who));
    }
    for (who, room) in [("hel1", "chess"), ("app1", "tea"), ("cri1", "go"), ("tel1", "lab")] {
        act(crowd, campus.make_room(who, room));
    }
}

/// What was said to somebody who is away is there after a kill, and so is everything else but who stood where.
fn kill_in_the_middle(
    server: Server,
    cwd: &Path,
    campus: &mut Campus,
    crowd: &mut Crowd,
) -> Server {
    let expected = campus.quit("jay2");
    crowd.quit("jay2");
    crowd.hear("jay2 goes", &expected);
    act(crowd, campus.tell_absent("jay1", "jay2", "for later \u{1f600}"));
    thread::sleep(WRITTEN);
    server.kill();
    let server = serve(cwd);
    crowd.forget(&server.addresses);
    campus.forget_who_is_there();
    for (who, _) in PEOPLE {
        arrive(campus, crowd, who);
    }
    server
}

fn an_hour(seed: u64) {
    let cwd = temporary();
    let mut server = serve(cwd.path());
    let mut crowd = Crowd::new(&server.addresses);
    let mut campus = Campus::new();
    let mut random = Random(seed);
    open_the_campus(&mut campus, &mut crowd);
    for no in 0..ACTIONS {
        if no == ACTIONS / 2 {
            server = kill_in_the_middle(server, cwd.path(), &mut campus, &mut crowd);
        }
        second(&mut random, &mut campus, &mut crowd, no);
    }
    assert_eq!(server.stop().status.code(), Some(0));
}

#[test]
fn ten_people_of_five_dialects_hear_what_they_should_and_nothing_else() {
    an_hour(1);
}

#[test]
#[ignore = "takes minutes; for every change of the main branch"]
fn more_hours_on_campus() {
    (2..7).for_each(an_hour);
}
