//! More messages are begun than may be sent at one time: some are given up, and which, the model says.

use mecd::config::Config;
use mecd::dialect::Options;
use mecd::store::Shape;

use crate::driver::Driver;
use crate::plan::{Flavour, Op, Plan};
use crate::random::Random;

const SENDERS: usize = 28;
const LINES: usize = 400;
const LINE_BYTES: usize = 930;

/// Sends them all, in turns that the seed decides. How many were given up, and how many posted.
pub fn crowd(seed: u64) -> (usize, usize) {
    let config = Config {
        connections_per_address: 0,
        lines_per_second: 0,
        dialects: Options { message_lines_max: LINES as u32, ..Options::default() },
        ..Config::default()
    };
    let (flavour, shape) = (Flavour::Crowd, Shape::STANDARD);
    let plan = Plan { seed, flavour, config, shape, sector_bytes: 512, ops: Vec::new() };
    let mut driver = Driver::new(plan).expect("an empty server starts");
    let mut random = Random::new(seed);
    let mut act = |op: Op| driver.act(&op).unwrap_or_else(|what| panic!("{op}: {what}"));
    let say = |act: &mut dyn FnMut(Op), client: usize, text: &str| {
        act(Op::Send { client, bytes: format!("{text}\r\n").into_bytes() });
        act(Op::Deliver { client, count: usize::MAX });
    };
    for client in 0..SENDERS {
        act(Op::Connect { address: 1, room: None });
        say(&mut act, client, &format!("#login anon u{client}\r\n#creategroup x \"\" anon"));
        say(&mut act, client, &format!("#joingroup x\r\n#postmessage long 0 {LINES}"));
    }
    act(Op::Settle);
    let line = "x".repeat(LINE_BYTES);
    let mut left = [LINES; SENDERS];
    while left.iter().any(|left| *left > 0) {
        let client = random.below(SENDERS as u64) as usize;
        // A few hang behind the others, so that all are under way at once.
        let lines = left[client].min(random.within(1, 60) as usize);
        if lines == 0 || left[client] == lines && left.iter().any(|left| *left > 60) {
            continue;
        }
        left[client] -= lines;
        say(&mut act, client, &vec![line.as_str(); lines].join("\r\n"));
        let ms = random.choose(&[0, 1, 20, 300]);
        act(Op::Wait { ms });
    }
    act(Op::Drain);
    let posted = driver.hub().house().census().messages;
    (driver.model.given_up, posted)
}
