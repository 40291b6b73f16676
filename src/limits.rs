//! Every bound of the program that is not an option of the configuration, with the reason for its number.
//!
//! Owns nothing but constants. Relations between bounds are checked when the program is compiled.
//! What happens *at* a bound stands with the code that meets it, and in `docs/limits.md`.

/// Bytes of one input line, terminator included (spec `mec.md` 1: the input buffer is 1000 bytes).
pub const LINE_BYTES_MAX: usize = 1000;

/// Bytes of text that one line can become: every byte of an invalid sequence may grow to U+FFFD (three bytes).
pub const TEXT_BYTES_MAX: usize = 3 * LINE_BYTES_MAX;

/// Bytes of one line of the `helo` dialect before its line feed: a message, or a private one whose text and session key
/// are in base64.
pub const HELO_LINE_BYTES_MAX: usize = 8 * 1024;

/// Bytes of what is said at once, in any dialect: a JSON object at its longest.
pub const SAID_BYTES_MAX: usize = 8 * 1024;

/// Bytes of the JSON of one `chatapp` frame, in both directions (seed 002, 4.a: what its clients take).
pub const CHATAPP_FRAME_BYTES_MAX: usize = 2000;

/// Bytes of the data of one `chatapp` message (seed 002, 4.a).
pub const CHATAPP_DATA_BYTES_MAX: usize = 1000;

/// Bytes of a command of `crimp` without its frame or end: 8 KiB that are said, which modified UTF-8 makes half as long
/// again, two names and a code. A longer one is read to its end without being kept, and refused.
pub const CRIMP_COMMAND_BYTES_MAX: usize = 12 * 1024 + 128;

/// Bytes of an answer of `crimp`: what the length of a frame can say. Of a room's history the oldest lines are left
/// out, of other lists the rows for which there is no room.
pub const CRIMP_ANSWER_BYTES_MAX: usize = 0xffff;

/// Milliseconds after which a command of `crimp` without an end of line is taken to be whole (spec `dialects.md`).
pub const CRIMP_QUIET_MS: u64 = 150;

/// Bytes of a sender's own words for the time; longer ones are not kept.
pub const STAMP_BYTES_MAX: usize = 64;

/// Bytes of a name of a user, room, group or message (spec `mec.md` 3).
pub const NAME_BYTES_MAX: usize = 30;

/// Bytes of a password, a real name, an e-mail address (spec `mec.md` 3).
pub const SECRET_BYTES_MAX: usize = 64;

/// Bytes of the head of an HTTP request (spec `web.md`): browsers send less than 2 kB.
pub const HTTP_HEAD_BYTES_MAX: usize = 8 * 1024;

/// Fields of the head of an HTTP request; browsers send about twenty.
pub const HTTP_HEADERS_MAX: usize = 64;

/// Milliseconds for which the head of an HTTP request is waited for (spec `web.md`).
pub const HTTP_HEAD_MS: u64 = 10_000;

/// Milliseconds for which a connection may be kept between two HTTP requests.
pub const HTTP_IDLE_MS: u64 = 60_000;

/// Bytes of a message of a WebSocket, all frames together (spec `web.md`).
pub const WEB_MESSAGE_BYTES_MAX: u64 = 64 * 1024;

/// Bytes of the payload of a WebSocket's frame of control (RFC 6455 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Milliseconds between two pings to a browser (spec `web.md`).
pub const WEB_PING_MS: u64 = 30_000;

/// Milliseconds of silence after which a browser is taken to be gone (spec `web.md`).
pub const WEB_SILENCE_MS: u64 = 60_000;

/// Bytes read from one connection in one turn: enough for 64 short requests under way at once, and small enough
/// that a paused connection holds little.
pub const READ_BYTES_MAX: usize = 4096;

/// Events taken from one `poll`: a turn stays short, and what is left is returned by the next call.
pub const EVENTS_PER_TURN: usize = 1024;

/// Blocks for partial lines that are kept when nobody uses them: as many lines are cut in two by a burst of slow
/// networks, and more would be memory held for nothing (64 blocks are 64 kB).
pub const PARKED_SPARE_MAX: usize = 64;

/// Connections accepted from one listener in one turn, so that a flood of them does not starve the others.
pub const ACCEPTS_PER_TURN: usize = 64;

/// Connections that the kernel keeps ready until they are accepted: a lecture hall that arrives at once.
pub const ACCEPT_BACKLOG: i32 = 1024;

/// Sessions whose time has come that are looked at in one turn; the next turn follows at once.
pub const SESSIONS_PER_TURN: usize = 256;

/// Reads thrown away in one turn from a connection that is being closed.
pub const DISCARDS_PER_TURN: usize = 16;

/// Slices handed to one `writev`. The kernel takes 1024; past 64 the gain per slice is lost in the copy of the array.
pub const SLICES_PER_WRITE: usize = 64;

/// Bytes of a shared block of rendered events. A block is freed when its last reader has it, so a small block
/// bounds what one slow reader can pin.
pub const BLOCK_BYTES: usize = 4096;

/// Emptied blocks kept for the next turn.
pub const BLOCKS_SPARE_MAX: usize = 64;

/// Bytes of answers waiting for a connection above which it is not read from.
pub const ANSWERS_WAITING_MAX: usize = 16 * 1024;

/// Rows of a list rendered at once; the next ones follow when the socket has taken these.
pub const LIST_ROWS_PER_STEP: usize = 200;

/// Steps of a list that one connection is given in one turn, so that a quick reader of a long list leaves room for
/// others.
pub const LIST_STEPS_PER_TURN: usize = 4;

/// Bytes of a message's text that are rendered at once; the rest follows when the socket has taken these.
pub const MESSAGE_PIECE_BYTES: usize = 32 * 1024;

/// Rows remembered for lists under way after their item has gone. Over it the oldest list's reader is dropped.
pub const GHOST_ROWS_MAX: usize = 4096;

/// Milliseconds between two sweeps of what has expired (spec `mec.md` 4: one a second at most).
pub const SWEEP_INTERVAL_MS: u64 = 1000;

/// Items deleted in one sweep; what is left goes in the next turn, so that a mass expiry does not hold up the chat.
pub const SWEEP_ITEMS_MAX: usize = 1000;

/// Milliseconds the server's clock may run without being written, while anything waits for it (spec `mec.md` 10:
/// to within a minute).
pub const CLOCK_SAVE_INTERVAL_MS: u64 = 55_000;

/// Status numbers reserved ahead on disk, so that one record covers many changes (spec `mec.md` 8).
pub const STAMPS_RESERVED: u32 = 65_536;

/// Milliseconds for which a challenge's nonce is good (spec `mec.md` 9).
pub const CHALLENGE_MS: u64 = 60_000;

/// Bytes of a challenge's nonce: 32 hex digits on the wire.
pub const NONCE_BYTES: usize = 16;

/// Users kept out of one room by `#kick`; one more is refused with -2.
pub const BANS_PER_ROOM_MAX: usize = 100;

/// Rooms that one user may stand in at once; each costs memory on both sides, and nobody follows so many.
pub const ROOMS_PER_USER_MAX: usize = 100;

/// Rooms that one account may belong to: as many as it may stand in, because it enters them all when it logs in.
pub const MEMBERSHIPS_PER_ACCOUNT_MAX: usize = ROOMS_PER_USER_MAX;

/// Accounts that may belong to one room: a whole year of students, and a list that an administrator can still read.
pub const MEMBERS_PER_ROOM_MAX: usize = 1000;

/// Bytes of a nickname: room for a person's full name.
pub const NICKNAME_BYTES_MAX: usize = 64;

/// Kept letters that are handed over at once; the next ones follow when the socket has taken these. Eight of the
/// longest are 64 KiB.
pub const LETTERS_PER_STEP: usize = 8;

/// Bytes of one JSON object that a client sends (spec `dialects.md`).
pub const OBJECT_BYTES_MAX: usize = 8 * 1024;

/// Levels of brackets in such an object, its own among them (spec `dialects.md`).
pub const OBJECT_LEVELS_MAX: u32 = 16;

/// Addresses remembered for wrong passwords; over it the one that is forgiven soonest is forgotten.
pub const PENALTIES_MAX: usize = 4096;

/// Failures that lengthen an address's delay; later ones add nothing.
pub const PENALTY_STEPS_MAX: u32 = 10;

/// Log-in attempts that may wait for a delay or a hash at once; one more is refused with -2.
pub const ATTEMPTS_WAITING_MAX: usize = 4096;

/// Milliseconds until the log is told again of rooms that became empty or occupied while it was full: so rarely that a
/// full disk does not keep the server awake, and soon enough that a restart seldom takes a wrong time for true.
pub const IDLE_RETRY_MS: u64 = 10_000;

/// History lines written to the log in one turn.
pub const HISTORY_WRITES_PER_TURN: usize = 256;

/// Bytes of one message's text, all lines and their ends together. A longer one is refused with -2.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Bytes of all bodies that are being sent at one time: a few dozen of the longest by default. Near it the one whose
/// sender has been silent longest is given up, of several the largest; it is still read, and then refused with -2.
pub const BODIES_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of a configuration file: ten times one that shows every option with its comment.
pub const CONFIG_BYTES_MAX: usize = 64 * 1024;

/// Addresses of one dialect.
pub const ADDRESSES_MAX: usize = 16;

/// Bytes of `server.name`: what the domain name system allows.
pub const HOST_NAME_BYTES_MAX: usize = 253;

/// Bytes of a key file that are read: the digits and some white space.
pub const KEY_FILE_BYTES_MAX: u64 = 64;

/// Bytes of one record of the log before sealing: a message with the longest body, and its header.
pub const RECORD_BYTES_MAX: usize = BODY_BYTES_MAX + 4096;

/// Bytes of one file of the log: small enough that compaction has something to remove, large enough that a file's
/// header and preallocation do not count.
pub const LOG_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Bytes by which a log file is preallocated.
pub const LOG_PIECE_BYTES: usize = 256 * 1024;

/// Bytes kept free for moving what is still true out of one file of the log while it is removed: a whole file, and
/// what preallocation adds at both ends. Facts leave two of these free, removals one, copies may use both, so that
/// a full store can always be emptied.
pub const LOG_RESERVE_BYTES: usize = LOG_FILE_BYTES + 2 * LOG_PIECE_BYTES;

/// Least bytes that `storage.bytes_max` may be: both reserves, and two files to work with.
pub const STORAGE_BYTES_MIN: u64 = 2 * LOG_RESERVE_BYTES as u64 + 2 * LOG_FILE_BYTES as u64;

/// Log files held open at once: the one that is written, one under compaction, and a few that are read.
pub const LOG_FILES_OPEN_MAX: usize = 8;

/// Bytes of the write buffer of the log kept from one turn to the next; one large message does not stay in memory.
pub const LOG_BATCH_BYTES_KEPT: usize = 16 * 1024;

/// Milliseconds until a file system that had no space is asked again: a refused command stays cheap.
pub const LOG_FULL_RETRY_MS: u64 = 1000;

/// Bytes up to which everything that looks like a record behind a torn end is unsealed. A longer one must also be
/// followed by what looks like a record, so that searching a whole file unseals a few megabytes, not gigabytes.
pub const LOG_SEARCH_BYTES: usize = 8 * 1024;

/// Bytes of records that compaction goes through in one turn, or twice what was appended in it, if that is more, so
/// that it keeps ahead of what makes it necessary. A turn of it takes below a millisecond on a PC; on the slowest
/// board, which is some fifty times slower, nobody should notice one.
pub const COMPACT_BYTES_PER_TURN: usize = 16 * 1024;

/// Milliseconds for which a connection that the server closes is read from, and what it sends thrown away, so that
/// what it was told last is not lost in a reset.
pub const LINGER_MS: u64 = 2000;

/// Milliseconds for which the server tries to deliver what waits when it stops (spec `program.md`: within 5 s).
pub const STOP_MS: u64 = 3000;

/// Milliseconds until a listener that ran out of descriptors is tried again.
pub const ACCEPT_RETRY_MS: u64 = 1000;

const _: () = assert!(LINE_BYTES_MAX <= READ_BYTES_MAX, "a whole line fits in one read");
const _: () = assert!(TEXT_BYTES_MAX <= SAID_BYTES_MAX, "a line can be said as a whole");
const _: () = assert!(CHATAPP_DATA_BYTES_MAX <= SAID_BYTES_MAX, "a `chatapp` message can be said");
const _: () = assert!(HELO_LINE_BYTES_MAX <= SAID_BYTES_MAX, "a line can be said as a whole");
const _: () = assert!(
    3 * (SAID_BYTES_MAX + 2 * NAME_BYTES_MAX) / 2 + " POST  ".len() <= CRIMP_COMMAND_BYTES_MAX,
    "everything that can be said fits in a command"
);
const _: () = assert!(
    CRIMP_COMMAND_BYTES_MAX + 2 * NAME_BYTES_MAX < CRIMP_ANSWER_BYTES_MAX,
    "every line of a history fits in an answer"
);
const _: () = assert!(OBJECT_BYTES_MAX <= SAID_BYTES_MAX, "what an object says can be said");
const _: () = assert!(MEMBERSHIPS_PER_ACCOUNT_MAX <= ROOMS_PER_USER_MAX, "who belongs can stand");
const _: () = assert!(TEXT_BYTES_MAX <= BLOCK_BYTES, "one text fits in one block");
const _: () = assert!(RECORD_BYTES_MAX < LOG_FILE_BYTES, "the largest record fits in a file");
const _: () = assert!(LOG_FILE_BYTES.is_multiple_of(LOG_PIECE_BYTES), "a file is whole pieces");
const _: () = assert!(RECORD_BYTES_MAX < 1 << 21, "a record's length fits in its 21 bits");
const _: () = assert!(CLOCK_SAVE_INTERVAL_MS < 60_000, "the clock is kept to within a minute");
const _: () = assert!(TEXT_BYTES_MAX < MESSAGE_PIECE_BYTES, "a piece has at least one line");
const _: () = assert!(
    BODY_BYTES_MAX + TEXT_BYTES_MAX < BODIES_BYTES_MAX,
    "when bodies are given up, one that goes on is never among them"
);
const _: () = assert!(BODY_BYTES_MAX >= LINE_BYTES_MAX, "a body takes at least one line");

/// History lines that may wait to be written; over it the oldest is not written, only remembered.
pub const HISTORY_UNSAVED_MAX: usize = 65_536;

/// Milliseconds for which a connection that is being closed may take nothing of what waits for it.
pub const FLUSH_STALL_MS: u64 = 30_000;

/// Files that users send each other at once: a lecture hall's worth, and 2 MB of buffers.
pub const TRANSFERS_MAX: usize = 32;

/// Files that one user may be about to receive at once, so that one user cannot keep all others from it.
pub const TRANSFERS_PER_RECEIVER_MAX: usize = 4;

/// Connections to the port of one file: the two that are waited for, and two that have not said yet who they are. One
/// more takes the place of the one of these that has been silent longest.
pub const TRANSFER_SEATS: usize = 4;

/// Bytes of a file held between its sender and its receiver: what keeps a local network busy for a millisecond or so.
pub const TRANSFER_BUFFER_BYTES: usize = 64 * 1024;

/// Ports of a range that are tried for one file: beside our own at most as many that others have.
pub const TRANSFER_PORT_TRIES_MAX: u16 = 2 * TRANSFERS_MAX as u16;

/// Descriptors of all files under way: each has its port and its seats.
pub const TRANSFER_DESCRIPTORS: u64 = (TRANSFERS_MAX * (1 + TRANSFER_SEATS)) as u64;

/// The first second of the year in which this version was made, since 1970: no clock that is right shows less. A
/// constant, so that the same sources always make the same program.
pub const WALL_EARLIEST: u64 = 1_767_225_600;

/// Seconds by which the wall clock may be elsewhere than expected before that is logged: nobody misreads a history for a
/// minute.
pub const WALL_JUMP_SECONDS: u64 = 60;

/// Words for the service manager that wait until it takes them; over it the oldest go. More than one reload and a stop
/// have to say, and what counts is the newest.
pub const NOTICES_WAITING_MAX: usize = 8;

/// Milliseconds until a service manager that took nothing is told again.
pub const NOTICE_RETRY_MS: u64 = 1000;

/// Milliseconds between two signs of life to a watchdog at least, whatever it asks for: more would be all that a small
/// board does.
pub const WATCHDOG_BEAT_MS_MIN: u64 = 50;

/// Descriptors that are neither connections nor listeners: the log's files, its directory and lock, the poll, signals,
/// a second handle of the poll, standard streams, the service manager, one to spare.
pub const DESCRIPTORS_BESIDE_CONNECTIONS: u64 = 18 + LOG_FILES_OPEN_MAX as u64;

/// Quiet time after which an address is forgiven, in ms.
pub const FORGIVEN_AFTER_MS: u64 = 600_000;

/// Argon2id's memory in KiB: what a board with 512 MB computes in one short turn of the loop.
pub const HASH_MEMORY_KIB: u32 = 1024;

/// Argon2id's passes over that memory.
pub const HASH_PASSES: u32 = 3;

/// Bytes of an unknown key for which a similar one is looked for.
pub const GUESSED_BYTES_MAX: usize = 64;

/// Most seconds that anything lasts: clients read them into a signed 32-bit integer.
pub const SECONDS_MAX: u64 = i32::MAX as u64;

/// Most things of one kind that are counted one by one: connections, rooms, lines.
pub const COUNT_MAX: u64 = 1_000_000;

/// Milliseconds of silence after which TCP asks whether the other side is still there.
pub const KEEP_ALIVE_AFTER_MS: u64 = 300_000;

/// Milliseconds between two such questions.
pub const KEEP_ALIVE_EVERY_MS: u64 = 30_000;

/// Questions without an answer after which a connection is broken.
pub const KEEP_ALIVE_TRIES: u32 = 4;

/// Bytes of a line that `mecd import` reads: the longest text with every byte written as `\u00xx`, and room for the
/// other fields.
pub const IMPORT_LINE_BYTES_MAX: usize = 6 * BODY_BYTES_MAX + 64 * 1024;

/// Bytes that `mecd import` appends before they are written to the disk.
pub const IMPORT_BATCH_BYTES: usize = 1024 * 1024;

/// Milliseconds that a clock can show and a time can last: what every reader of JSON keeps exactly, and far from where
/// a sum of two would not fit.
pub const MILLISECONDS_MAX: u64 = 1 << 53;

/// The greatest number of a person, a room or a group; the next one still fits.
pub const NUMBER_MAX: u64 = u32::MAX as u64 - 1;

/// The greatest number of a letter, which leaves more numbers than there will ever be letters.
pub const LETTER_NO_MAX: u64 = 1 << 31;
