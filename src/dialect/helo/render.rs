//! Rendering: answers and events in the words of the `helo` dialect.

use crate::core::event::{Event, Reply};

/// Appends an answer that the house gives, or a row of one.
pub fn reply(_out: &mut Vec<u8>, _reply: &Reply<'_>) {}

/// Appends an event; nothing if its users do not hear of such things.
pub fn event(_out: &mut Vec<u8>, _event: &Event<'_>) {}
