//! Holds a conversation in a world, step by step; a failure shows the place in the file, what was expected, what came,
//! and the conversation so far.

use std::time::Duration;

use crate::common::framing::Speech;
use crate::common::pieces::{Notes, fill_in, matches};
use crate::common::script::{Action, Script, Step};

/// A server and those who talk to it, by name.
pub(crate) trait World {
    /// Whether somebody of that name is connected, as far as is known.
    fn is_connected(&self, who: &str) -> bool;

    /// Connects somebody who is not, where that is spoken.
    fn connect(&mut self, who: &str, speech: Speech) -> Result<(), String>;

    /// Waits until the server has noticed a connection that says nothing.
    fn settle(&mut self, who: &str) -> Result<(), String>;

    fn send(&mut self, who: &str, bytes: &[u8]) -> Result<(), String>;

    /// The next line, frame or body that somebody receives, without what ends or heads it.
    fn unit(&mut self, who: &str) -> Result<String, String>;

    /// The next bytes that somebody receives.
    fn bytes(&mut self, who: &str, count: usize) -> Result<Vec<u8>, String>;

    /// Somebody will send nothing more.
    fn half_close(&mut self, who: &str) -> Result<(), String>;

    /// Sees that the server has closed somebody's connection, and has said nothing before that is not accounted for.
    fn end_of(&mut self, who: &str) -> Result<(), String>;

    /// Sees that somebody's last request is not answered yet.
    fn is_waiting(&mut self, who: &str) -> Result<(), String>;

    /// Sees that nobody has received anything that is not accounted for.
    fn quiet(&mut self) -> Result<(), String>;

    fn wait(&mut self, time: Duration) -> Result<(), String>;

    /// Stops the server in order: everybody is warned and closed.
    fn stop(&mut self) -> Result<(), String>;

    /// Ends the server at once.
    fn kill(&mut self) -> Result<(), String>;

    /// Starts the server from what it has kept, with these options.
    fn start(&mut self, options: &[(String, String)]) -> Result<(), String>;

    /// Everybody leaves, and sees that nothing was left unsaid; then the server stops.
    fn finish(&mut self) -> Result<(), String>;

    /// What the server has logged, for the report of a failure.
    fn log(&self) -> String {
        String::new()
    }

    /// Seconds by which a time that is left may be less than expected.
    fn slack(&self) -> u64;
}

/// Holds the conversation from its first step to its last.
pub(crate) fn play(script: &Script, world: &mut dyn World) {
    let mut player = Player {
        script,
        notes: Notes::default(),
        options: Vec::new(),
        is_started: false,
        so_far: String::new(),
    };
    for step in &script.steps {
        if let Err(what) = player.step(step, world) {
            player.fail(step, &what, world);
        }
        player.note(&step.text);
    }
    if let (Err(what), Some(last)) = (world.finish(), script.steps.last()) {
        player.fail(last, &format!("at the end: {what}"), world);
    }
}

struct Player<'s> {
    script: &'s Script,
    notes: Notes,
    options: Vec<(String, String)>,
    is_started: bool,
    so_far: String,
}

impl Player<'_> {
    fn step(&mut self, step: &Step, world: &mut dyn World) -> Result<(), String> {
        if let Action::Set(key, value) = &step.action {
            self.options.push((key.clone(), value.clone()));
            return Ok(());
        }
        if !self.is_started {
            world.start(&self.options)?;
            self.is_started = true;
        }
        match &step.action {
            Action::Set(..) => Ok(()),
            Action::Say(who, pieces) => {
                let text = fill_in(pieces, &self.notes)?;
                self.say(world, who, &self.script.speech(who).encode(&text)?)
            }
            Action::SayBytes(who, bytes) => self.say(world, who, bytes),
            Action::Hear(who, pieces) => {
                self.see_to_connection(world, who)?;
                let unit = world.unit(who)?;
                matches(pieces, &unit, world.slack(), &mut self.notes)
                    .map_err(|why| format!("{who} received {unit:?}: {why}"))
            }
            Action::HearBytes(who, bytes) => {
                let came = world.bytes(who, bytes.len())?;
                if came == *bytes {
                    Ok(())
                } else {
                    Err(format!("{who} received \"{}\"", came.escape_ascii()))
                }
            }
            Action::Connect(who) => {
                world.connect(who, self.script.speech(who))?;
                world.settle(who)
            }
            Action::HalfClose(who) => world.half_close(who),
            Action::HangUp(who) => {
                world.half_close(who)?;
                world.end_of(who)
            }
            Action::Closed(who) => world.end_of(who),
            Action::Waits(who) => world.is_waiting(who),
            Action::Wait(time) => {
                world.quiet()?;
                world.wait(*time)
            }
            Action::Restart => {
                world.quiet()?;
                world.stop()?;
                world.start(&self.options)
            }
            Action::Kill => {
                world.quiet()?;
                world.kill()?;
                world.start(&self.options)
            }
        }
    }

    fn say(&self, world: &mut dyn World, who: &str, bytes: &[u8]) -> Result<(), String> {
        self.see_to_connection(world, who)?;
        world.send(who, bytes)
    }

    fn see_to_connection(&self, world: &mut dyn World, who: &str) -> Result<(), String> {
        if world.is_connected(who) { Ok(()) } else { world.connect(who, self.script.speech(who)) }
    }

    fn note(&mut self, line: &str) {
        self.so_far.push_str("    ");
        self.so_far.push_str(line);
        self.so_far.push('\n');
    }

    fn fail(&self, step: &Step, what: &str, world: &dyn World) -> ! {
        let Self { script, so_far, .. } = self;
        let Step { line, text, .. } = step;
        let (name, log) = (&script.name, world.log());
        panic!("\n{name}.talk:{line}: {text}\n{what}\n\nso far:\n{so_far}\n{log}")
    }
}
