//! Rendering: answers and events in the words of the `crimp` dialect.

use crate::core::event::Reply;
use crate::dialect::crimp::Voice;

/// Appends an answer that the house gives, or a row of one.
pub fn reply(_out: &mut Vec<u8>, _voice: Voice, _reply: &Reply<'_>) {}
