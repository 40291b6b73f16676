//! The `crimp` dialect: codes of four letters, in Java's frames or in lines (spec `dialects.md`, seed 003;
//! `docs/protocol-crimp.md` for who writes a client).
//!
//! The road of a byte: `cut` finds where a command ends, `modified` decodes a frame, `order` reads the words. `render`
//! goes the other way. Nothing here knows a socket, or who else is there.
//!
//! Invariants: what is asked does not depend on where a segment ends. Each command has one answer, but
//! `Act::Disconnect`, which has none. A connection between commands owns no memory but its [`Reader`].

mod cut;
mod modified;
mod order;
pub mod render;
#[cfg(test)]
mod tests;

use crate::core::command::{Admits, Claim, Company, OwnerMay, Then};
use crate::core::manner::{Hearing, Kin, Lifetime, Manner, Sees, Stands};
use crate::core::name::UserName;
use crate::core::{Command, Standing, Status};
use crate::dialect::crimp::cut::{Cut, Cutter, Ending};
use crate::dialect::crimp::order::{Act, Order};
use crate::dialect::{Context, Next, Request};

/// How its users live in the house.
pub const MANNER: Manner = Manner {
    stands: Stands::Nowhere,
    sees: Sees::OpenInOneWord,
    whispers: Hearing::Unheard,
    echo: Hearing::Unheard,
    news: Hearing::Unheard,
    recalls: 0,
    rooms: Lifetime::Long,
    kin: Kin(3),
};

/// One connection's state between segments.
#[derive(Debug, Default)]
pub struct Reader {
    cutter: Cutter,
    /// The connection's user, once a command in its name was carried out.
    user: Option<UserName>,
    /// The command that waits until its user is logged in.
    first: Option<Box<(Order, Ending)>>,
    /// What is said by the command that was handed out last.
    said: String,
}

/// What has to be known of a connection to word what it is told later than at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Voice {
    ending: Ending,
}

/// What was asked, and how that ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    what: What,
    ending: Ending,
}

/// What was asked, as far as its answer depends on that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    /// For what succeeds without a word: a login, because the command that brought the name is answered next, and a
    /// list, which is its own answer.
    Wordless,
    Create,
    Join,
    Leave,
    Post,
    Disconnect,
}

impl Reader {
    /// See [`crate::dialect::Reader::next`].
    pub fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        if let Some((order, ending)) = self.take_first(standing) {
            return Some(self.carry_out(order, ending));
        }
        match self.cutter.cut(input, context.now_ms)? {
            Cut::Whole(ending) => Some(self.whole(ending, standing)),
            // The connection is not silent.
            Cut::Begun => Some(Request::Nothing),
        }
    }

    /// See [`crate::dialect::Reader::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        match &self.first {
            Some(_) => Some(0),
            None => self.cutter.deadline(),
        }
    }

    /// See [`crate::dialect::Reader::due`].
    pub fn due<'a>(
        &'a mut self,
        standing: Standing,
        context: &'a mut Context<'_>,
    ) -> Option<Request<'a>> {
        if let Some((order, ending)) = self.take_first(standing) {
            return Some(self.carry_out(order, ending));
        }
        let ending = self.cutter.silence(context.now_ms)?;
        Some(self.whole(ending, standing))
    }

    /// See [`crate::dialect::Reader::finish`].
    pub fn finish<'a>(&'a mut self, standing: Standing) -> Option<Request<'a>> {
        if let Some((order, ending)) = self.take_first(standing) {
            return Some(self.carry_out(order, ending));
        }
        let ending = self.cutter.end()?;
        Some(self.whole(ending, standing))
    }

    /// The command that has waited for the login of its user, which has succeeded; nothing if there was none, or if the
    /// name could not be had, which was the answer.
    fn take_first(&mut self, standing: Standing) -> Option<(Order, Ending)> {
        self.said = String::new();
        let first = self.first.take()?;
        match standing {
            Standing::Stranger => None,
            Standing::User => Some(*first),
        }
    }

    /// A command has come.
    fn whole(&mut self, ending: Ending, standing: Standing) -> Request<'_> {
        let command = self.cutter.command(ending);
        self.cutter.forget();
        let Some(order) = command.and_then(|command| Order::read(&command)) else {
            return refuse(Status::NoCommand, ending);
        };
        match standing {
            Standing::Stranger if order.act != Act::Disconnect => {
                let name = order.user.clone();
                self.first = Some(Box::new((order, ending)));
                Request::Do(Command::LoginAnonymous { name }, asked(What::Wordless, ending))
            }
            Standing::Stranger | Standing::User => self.carry_out(order, ending),
        }
    }

    fn carry_out(&mut self, order: Order, ending: Ending) -> Request<'_> {
        let user = self.user.get_or_insert(order.user.clone());
        if user.folded() != order.user.folded() {
            return refuse(Status::NotYou, ending);
        }
        let (command, what) = match order.act {
            Act::Rooms => (Command::ListRooms, What::Wordless),
            Act::Create(name) => {
                let (password, admits, then) = (None, Admits::Anonymous, Then::Stay);
                (Command::CreateRoom { name, password, admits, then }, What::Create)
            }
            Act::Join(name) => {
                (Command::Company(Company::Enter { name, claim: Claim::Own }), What::Join)
            }
            Act::Leave(name) => {
                (Command::Company(Company::Leave { name, owner: OwnerMay::Go }), What::Leave)
            }
            Act::Members(room) => (Command::Company(Company::ListMembers { room }), What::Wordless),
            Act::Post(room, said) => {
                self.said = said;
                let (claim, text, stamp) = (Claim::Own, Ok(self.said.as_str()), None);
                (Command::Company(Company::Say { room, claim, text, stamp }), What::Post)
            }
            Act::Retrieve(room) => (Command::Company(Company::Recall { room }), What::Wordless),
            Act::Disconnect => (Command::Quit, What::Disconnect),
        };
        Request::Do(command, asked(what, ending))
    }
}

impl Asked {
    /// Appends the answer: how what was asked has ended.
    pub fn answer(&self, out: &mut Vec<u8>, status: Status) -> Next {
        render::answer(out, self, status);
        Next::Stay
    }

    /// How the connection is spoken to from now on.
    #[must_use]
    pub fn voice(&self) -> Voice {
        Voice { ending: self.ending }
    }
}

fn asked<'a>(what: What, ending: Ending) -> crate::dialect::Asked<'a> {
    crate::dialect::Asked::Crimp(Asked { what, ending })
}

fn refuse<'a>(status: Status, ending: Ending) -> Request<'a> {
    Request::Answer(status, asked(What::Wordless, ending))
}
