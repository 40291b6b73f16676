//! The options of the configuration that the house obeys (spec `program.md`). May change while it runs.

/// What the administrator decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `limits.accounts`
    pub accounts_max: u32,
    /// `limits.rooms`, `Home` not counted
    pub rooms_max: u32,
    /// `limits.groups`
    pub groups_max: u32,
    /// `limits.messages_per_group`
    pub messages_per_group_max: u32,
    /// `limits.offline_messages`: letters kept for one account
    pub letters_max: u32,
    /// `limits.login_seconds`, in ms
    pub login_ms: u64,
    /// `limits.wrong_passwords`
    pub wrong_passwords_max: u32,
    /// `security.wrong_password_delay`, in ms: what each failure from an address adds to the wait of its next attempt
    pub wrong_password_delay_ms: u64,
    /// `rooms.expire_seconds`, in ms
    pub room_expire_ms: u64,
    /// `rooms.expire_seconds_other`, in ms; never if there is none
    pub other_room_expire_ms: Option<u64>,
    /// `rooms.history_lines`
    pub history_lines: u32,
    /// `rooms.history_bytes`: of the texts of one room
    pub history_bytes: u32,
    /// `rooms.history_saved`
    pub history_saved: bool,
    /// How long after it was said a line is written, in ms: `storage.sync`, 1 s if that is `always`
    pub history_delay_ms: u64,
    /// `groups.expire_seconds`
    pub group_seconds: u32,
    /// `groups.expire_seconds_max`
    pub group_seconds_max: u32,
    /// `messages.expire_seconds`
    pub message_seconds: u32,
    /// `messages.expire_seconds_max`
    pub message_seconds_max: u32,
    /// `security.anonymous_may_create`
    pub anonymous_may_create: bool,
    /// `security.registration`
    pub registration: bool,
    /// `security.passwords` is `"argon2id"`
    pub hash_passwords: bool,
    /// `security.require_challenge`
    pub require_challenge: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            accounts_max: 10_000,
            rooms_max: 1000,
            groups_max: 1000,
            messages_per_group_max: 10_000,
            letters_max: 100,
            login_ms: 60_000,
            wrong_passwords_max: 5,
            wrong_password_delay_ms: 1000,
            room_expire_ms: 3_600_000,
            other_room_expire_ms: Some(2_592_000_000),
            history_lines: 50,
            history_bytes: 32 * 1024,
            history_saved: true,
            history_delay_ms: 1000,
            group_seconds: 2_592_000,
            group_seconds_max: 31_536_000,
            message_seconds: 604_800,
            message_seconds_max: 31_536_000,
            anonymous_may_create: true,
            registration: true,
            hash_passwords: false,
            require_challenge: false,
        }
    }
}
