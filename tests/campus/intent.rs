//! What somebody is about to ask, apart from what it will come to: that is known only when all of it has arrived.

use crate::common::framing::Speech;
use crate::model::{Campus, Expected};
use crate::people::speech;

/// A request.
#[derive(Clone, Debug)]
pub(crate) enum Intent {
    /// To come in, and to register where that is needed.
    Arrive,
    Say {
        room: String,
        text: String,
    },
    Tell {
        receiver: &'static str,
        text: String,
    },
    Enter(String),
    Leave(String),
    LookBack(String),
    Make(String),
}

impl Intent {
    /// Carries it out in the model: the request's words, and what everybody should hear.
    pub(crate) fn carry_out(&self, campus: &mut Campus, who: &'static str) -> (String, Expected) {
        let (_, request, expected) = match self {
            Self::Arrive if speech(who) == Speech::Json && !campus.has_account(who) => {
                campus.arrive_first(who)
            }
            Self::Arrive => campus.log_in(who),
            Self::Say { room, text } => campus.say(who, room, text),
            Self::Tell { receiver, text } => campus.tell(who, receiver, text),
            Self::Enter(room) => campus.enter(who, room),
            Self::Leave(room) => campus.leave(who, room),
            Self::LookBack(room) => campus.look_back(who, room),
            Self::Make(room) => campus.make_room(who, room),
        };
        (request, expected)
    }

    /// The request's words, while nothing comes of it.
    pub(crate) fn words(&self, campus: &Campus, who: &'static str) -> String {
        self.carry_out(&mut campus.clone(), who).0
    }

    /// How somebody is told that the disk cannot keep what it would come to; nothing if that is nothing to be kept.
    pub(crate) fn refusal(&self, who: &str) -> Option<String> {
        let answer = match (self, speech(who)) {
            (Self::Make(_), Speech::Mec) => "@status -2".to_owned(),
            (Self::Make(_), Speech::Helo) => "-SOFT_ERR no more groups can be created!".to_owned(),
            (Self::Make(_), Speech::Chatapp) => {
                let why = "ERROR: a limit of this server is reached, or its disk is full";
                format!(r#"{{"__type__":"Error","code":99,"data":"{why}"}}"#)
            }
            (Self::Make(_), Speech::CrimpFrames | Speech::CrimpLines | Speech::CrimpBare) => {
                "ERR_ILLEGALCOMMAND".to_owned()
            }
            (Self::Arrive, Speech::Json) => full("register"),
            (Self::Tell { .. }, Speech::Json) => full("msg"),
            (Self::Enter(_), Speech::Json) => full("join"),
            (Self::Leave(_), Speech::Json) => full("leave"),
            (_, _) => return None,
        };
        Some(answer)
    }
}

fn full(verb: &str) -> String {
    let why = "A limit is reached, or the disk is full.";
    format!(r#"{{"Command":"error","Re":"{verb}","Error":"full","Message":"{why}"}}"#)
}
