//! The directory: a list of all rooms, each followed by its members, for those who want to know what there is.
//!
//! It promises no number of rows, so nothing that goes meanwhile leaves a ghost: `news.rs` tells its reader what the
//! list has shown already and is no longer true.

use crate::core::event::{Reply, Row};
use crate::core::listing::Listing;
use crate::core::room::{Member, Room};
use crate::core::{House, Now, Outbox};
use crate::limits::LIST_ROWS_PER_STEP;

impl Listing {
    /// Whether the directory has shown a room; if `entry` is given, that member of it.
    pub(super) fn has_passed(&self, room: u64, entry: Option<u64>) -> bool {
        self.next > room
            || self.next == room && self.within > 0 && entry.is_some_and(|it| it + 1 < self.within)
    }
}

impl House {
    /// Sends up to [`LIST_ROWS_PER_STEP`] rows. True when there are no more.
    pub(super) fn step_directory(
        &self,
        now: Now,
        listing: &mut Listing,
        out: &mut dyn Outbox,
    ) -> bool {
        let mut left = LIST_ROWS_PER_STEP;
        while left > 0 {
            let Some(room) = self.rooms.next(listing.next) else { return true };
            if u64::from(room.no) != listing.next {
                (listing.next, listing.within) = (u64::from(room.no), 0);
            }
            match self.next_in_room(now, listing, room) {
                Some(row) => {
                    out.reply(listing.reader, &Reply::Row(row, listing.given));
                    listing.given += 1;
                    left -= 1;
                }
                None => (listing.next, listing.within) = (listing.next + 1, 0),
            }
        }
        false
    }

    /// The next row about a room: the room itself, or a member of it.
    fn next_in_room<'h>(
        &'h self,
        now: Now,
        listing: &mut Listing,
        room: &'h Room,
    ) -> Option<Row<'h>> {
        let reader = &self.sessions.user(listing.reader.index).name;
        let row = |member| Row::Place { room: &room.name, member, reader, time: now.wall };
        if listing.within == 0 {
            listing.within = 1;
            return room.is_shown(listing.sees, listing.user_kind).then(|| row(None));
        }
        let from = room.members().partition_point(|member| member.entry + 1 < listing.within);
        let mut rest = room.members()[from..].iter();
        let member = rest.find(|member| member.session != Member::GONE)?;
        listing.within = member.entry + 2;
        Some(row(Some(&self.sessions.user(member.session).name)))
    }
}
