//! The numbers of `@status`: how a command ended (seed 000, `error_def.h`; spec `mec.md` 4).

/// How a command ended. A client's mistake is ordinary data, never an error of the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// 0: done.
    Ok,
    /// -1: malformed or missing arguments.
    Unknown,
    /// -2: a limit is reached, or the disk is full.
    NoMemory,
    /// -3: what was named is not there.
    NotFound,
    /// -4: a name that cannot be one.
    InvalidName,
    /// -5: somebody is still in it.
    NotEmpty,
    /// 3000: the login says neither `anon` nor `regd`.
    NoUserType,
    /// 3001: no such account.
    NoAccount,
    /// 3002: wrong password of an account.
    WrongPassword,
    /// 3003: another anonymous user has the name.
    NameInUse,
    /// 3004: the name belongs to an account.
    NameRegistered,
    /// 3100: no such room.
    NoRoom,
    /// 3101: wrong password of a room.
    WrongRoomPassword,
    /// 3102: a room has the name already.
    RoomExists,
    /// 3103: only the owner may.
    NotOwner,
    /// 3200: a message command outside a group.
    NoGroup,
    /// 3201: wrong password of a group.
    WrongGroupPassword,
    /// 3500: not logged in.
    NoLogin,
    /// 3501: not for this user (anonymous, kicked, or switched off).
    NoAccess,
    /// 3502: no such command.
    NoCommand,
    /// 3503: its time is over; it goes with the next sweep.
    Expired,
    /// The user stands in that room already.
    AlreadyIn,
    /// The user does not stand in that room.
    NotIn,
    /// Who owns the room may not leave it.
    OwnerStays,
    /// It may not be done to oneself.
    Oneself,
    /// It was asked in the name of somebody else.
    NotYou,
    /// The user was sent away from that room.
    Banned,
}

impl Status {
    /// Every status that the source lists, in its order.
    pub const ALL: [Self; 21] = [
        Self::Ok,
        Self::Unknown,
        Self::NoMemory,
        Self::NotFound,
        Self::InvalidName,
        Self::NotEmpty,
        Self::NoUserType,
        Self::NoAccount,
        Self::WrongPassword,
        Self::NameInUse,
        Self::NameRegistered,
        Self::NoRoom,
        Self::WrongRoomPassword,
        Self::RoomExists,
        Self::NotOwner,
        Self::NoGroup,
        Self::WrongGroupPassword,
        Self::NoLogin,
        Self::NoAccess,
        Self::NoCommand,
        Self::Expired,
    ];

    /// The number as the MEC source lists it; -1 for what no MEC command comes to.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Unknown
            | Self::AlreadyIn
            | Self::NotIn
            | Self::OwnerStays
            | Self::Oneself
            | Self::NotYou
            | Self::Banned => -1,
            Self::NoMemory => -2,
            Self::NotFound => -3,
            Self::InvalidName => -4,
            Self::NotEmpty => -5,
            Self::NoUserType => 3000,
            Self::NoAccount => 3001,
            Self::WrongPassword => 3002,
            Self::NameInUse => 3003,
            Self::NameRegistered => 3004,
            Self::NoRoom => 3100,
            Self::WrongRoomPassword => 3101,
            Self::RoomExists => 3102,
            Self::NotOwner => 3103,
            Self::NoGroup => 3200,
            Self::WrongGroupPassword => 3201,
            Self::NoLogin => 3500,
            Self::NoAccess => 3501,
            Self::NoCommand => 3502,
            Self::Expired => 3503,
        }
    }
}
