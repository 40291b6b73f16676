//! HTTP/1.1 (RFC 9112), as much of it as a page, its WebSocket and a probe need (spec `web.md`).
//!
//! Reads heads of requests, one behind the other, and answers them from what is inside the program. A request has no
//! body here: one that brings it is answered and the connection closed. Knows nothing of the house; what a connection
//! turns into is the server's business.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use sha1::{Digest, Sha1};

use crate::core::Status;
use crate::dialect::web::assets::{self, Asset};
use crate::dialect::{Asked as AnyAsked, Context, Next, Request};
use crate::limits::{HTTP_HEAD_BYTES_MAX, HTTP_HEAD_MS, HTTP_HEADERS_MAX, HTTP_IDLE_MS};

/// Bytes of the answer to a WebSocket's key.
pub const ACCEPT_BYTES: usize = 28;

/// What RFC 6455 1.3 has behind a key before it is hashed.
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What is served on a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Site {
    /// The page, and the way to the WebSocket.
    #[default]
    Page,
    /// Numbers for those who watch over the server.
    Metrics,
}

/// One connection's state between segments.
#[derive(Debug, Default)]
pub struct Reader {
    site: Site,
    /// The head that is being read.
    head: Vec<u8>,
    phase: Phase,
    /// When waiting ends, in ms of the server's clock.
    until: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Phase {
    /// Between requests.
    #[default]
    Idle,
    /// Within a head.
    Head,
    Closed,
}

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    answer: Answer,
    body: Body,
    then: Then,
}

/// What is answered.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Asset(&'static Asset, Coding),
    /// The client has it already, under this tag.
    Unchanged(&'static str),
    Alive,
    Wrong(Wrong),
}

/// Whether the client wants the body, or only to know what it would be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Body {
    Sent,
    Left,
}

/// Whether the connection may ask for more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    KeepAlive,
    Close,
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coding {
    Plain,
    Gzip,
}

impl Coding {
    /// A body's tag: the same text written in another way is another one.
    fn tag(self, asset: &Asset) -> &'static str {
        match self {
            Self::Plain => asset.tag,
            Self::Gzip => asset.gzip_tag,
        }
    }
}

/// Why a request is not served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    Malformed,
    Forbidden,
    NotFound,
    Method,
    TooSlow,
    NoUpgrade,
    TooLong,
    Version,
    WebSocketVersion,
}

impl Wrong {
    fn line(self) -> &'static str {
        match self {
            Self::Malformed => "400 Bad Request",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::TooSlow => "408 Request Timeout",
            Self::NoUpgrade | Self::WebSocketVersion => "426 Upgrade Required",
            Self::TooLong => "431 Request Header Fields Too Large",
            Self::Version => "505 HTTP Version Not Supported",
        }
    }

    /// What has to stand in the head besides.
    fn fields(self) -> &'static str {
        match self {
            Self::Method => "Allow: GET, HEAD\r\n",
            Self::NoUpgrade | Self::WebSocketVersion => {
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            }
            Self::Malformed
            | Self::Forbidden
            | Self::NotFound
            | Self::TooSlow
            | Self::TooLong
            | Self::Version => "",
        }
    }
}

impl Reader {
    /// A connection that has come at `now_ms` of the server's clock.
    #[must_use]
    pub fn new(site: Site, now_ms: u64) -> Self {
        Self { site, until: now_ms + HTTP_HEAD_MS, ..Self::default() }
    }

    /// A connection of whose first line this was taken elsewhere.
    #[must_use]
    pub fn begun(taken: &str, now_ms: u64) -> Self {
        Self { head: taken.into(), phase: Phase::Head, ..Self::new(Site::Page, now_ms) }
    }

    /// See [`crate::dialect::Reader::next`].
    pub fn next<'i>(&mut self, input: &mut &'i [u8], context: &Context<'_>) -> Option<Request<'i>> {
        if self.phase == Phase::Closed {
            *input = &[];
            return None;
        }
        if self.phase == Phase::Idle {
            // A line end or two between requests is nothing (RFC 9112 2.2).
            let blank = input.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
            *input = &input[blank..];
            if input.is_empty() {
                return None;
            }
            self.phase = Phase::Head;
            self.until = context.now_ms + HTTP_HEAD_MS;
        }
        if !self.gather(input) {
            return (self.head.len() > HTTP_HEAD_BYTES_MAX).then(|| self.refuse(Wrong::TooLong));
        }
        let head = std::mem::take(&mut self.head);
        let request = if head.len() > HTTP_HEAD_BYTES_MAX {
            Err(Wrong::TooLong)
        } else {
            served(&head, self.site, &context.options.web.origins)
        };
        self.phase = Phase::Idle;
        self.until = context.now_ms + HTTP_IDLE_MS;
        Some(match request {
            Ok(Served::Asked(asked)) => {
                if asked.then == Then::Close {
                    self.phase = Phase::Closed;
                }
                answer(asked)
            }
            Ok(Served::Metrics(asked)) => Request::Metrics(asked),
            Ok(Served::Upgrade(accept)) => Request::Upgrade(accept),
            Err(wrong) => self.refuse(wrong),
        })
    }

    /// See [`crate::dialect::Reader::deadline`].
    #[must_use]
    pub fn deadline(&self) -> Option<u64> {
        (self.phase != Phase::Closed).then_some(self.until)
    }

    /// See [`crate::dialect::Reader::due`].
    pub fn due(&mut self, now_ms: u64) -> Option<Request<'static>> {
        if now_ms < self.until {
            return None;
        }
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Closed => None,
            Phase::Head => Some(self.refuse(Wrong::TooSlow)),
            // Nobody waits for an answer.
            Phase::Idle => Some(Request::Leave),
        }
    }

    fn refuse(&mut self, wrong: Wrong) -> Request<'static> {
        self.phase = Phase::Closed;
        self.head = Vec::new();
        answer(Asked { answer: Answer::Wrong(wrong), body: Body::Sent, then: Then::Close })
    }

    /// Takes what belongs to the head. True once it is complete.
    fn gather(&mut self, input: &mut &[u8]) -> bool {
        while let Some(at) = memchr::memchr(b'\n', input) {
            let (line, rest) = input.split_at(at + 1);
            *input = rest;
            self.head.extend_from_slice(line);
            if self.head.ends_with(b"\r\n\r\n") || self.head.ends_with(b"\n\n") {
                return true;
            }
            if self.head.len() > HTTP_HEAD_BYTES_MAX {
                return false;
            }
        }
        self.head.extend_from_slice(input);
        *input = &[];
        false
    }
}

/// What a request is served with.
enum Served {
    Asked(Asked),
    Metrics(Asked),
    Upgrade([u8; ACCEPT_BYTES]),
}

/// Reads a head, and finds what it asks for.
fn served(head: &[u8], site: Site, origins: &[String]) -> Result<Served, Wrong> {
    let mut headers = [httparse::EMPTY_HEADER; HTTP_HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Wrong::TooLong),
        Err(httparse::Error::Version) => return Err(Wrong::Version),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Wrong::Malformed),
    }
    let fields = Fields(request.headers);
    let is_1_1 = request.version == Some(1);
    if is_1_1 && fields.count("host") != 1 {
        return Err(Wrong::Malformed);
    }
    let has_body = fields.get("transfer-encoding").is_some()
        || fields.get("content-length").is_some_and(|length| length != "0");
    let then = match (is_1_1, has_body) {
        (_, true) => Then::Close,
        (true, false) if fields.has("connection", "close") => Then::Close,
        (false, false) if !fields.has("connection", "keep-alive") => Then::Close,
        (true | false, false) => Then::KeepAlive,
    };
    let body = match request.method {
        Some("GET") => Body::Sent,
        Some("HEAD") => Body::Left,
        _ => return Err(Wrong::Method),
    };
    let target = request.path.unwrap_or_default();
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let answer = match (site, path) {
        (Site::Metrics, "/metrics") => {
            return Ok(Served::Metrics(Asked { answer: Answer::Alive, body, then }));
        }
        (Site::Page, "/mec") => return upgrade(&fields, origins).map(Served::Upgrade),
        (Site::Page | Site::Metrics, "/healthz") => Answer::Alive,
        // A client that asks for what is not there may ask for something else next.
        (Site::Page, path) => page(path, &fields).unwrap_or(Answer::Wrong(Wrong::NotFound)),
        (Site::Metrics, _) => Answer::Wrong(Wrong::NotFound),
    };
    Ok(Served::Asked(Asked { answer, body, then }))
}

/// A part of the page.
fn page(path: &str, fields: &Fields<'_, '_>) -> Option<Answer> {
    let asset = assets::find(path)?;
    let coding = if fields.takes_gzip() { Coding::Gzip } else { Coding::Plain };
    let tag = coding.tag(asset);
    if fields.get("if-none-match").is_some_and(|tags| names_tag(tags, tag)) {
        return Some(Answer::Unchanged(tag));
    }
    Some(Answer::Asset(asset, coding))
}

fn names_tag(tags: &str, tag: &str) -> bool {
    tags.trim() == "*" || tags.split(',').any(|it| it.trim().trim_start_matches("W/") == tag)
}

/// Checks a WebSocket's handshake (RFC 6455 4.2.1), and computes what it is answered.
fn upgrade(fields: &Fields<'_, '_>, origins: &[String]) -> Result<[u8; ACCEPT_BYTES], Wrong> {
    if !fields.has("upgrade", "websocket") || !fields.has("connection", "upgrade") {
        return Err(Wrong::NoUpgrade);
    }
    if fields.get("sec-websocket-version") != Some("13") {
        return Err(Wrong::WebSocketVersion);
    }
    let key = fields.get("sec-websocket-key").ok_or(Wrong::Malformed)?;
    let mut decoded = [0; 18];
    if !Base64::decode(key, &mut decoded).is_ok_and(|key| key.len() == 16) {
        return Err(Wrong::Malformed);
    }
    if !fields.get("origin").is_none_or(|origin| may_come_from(origin, fields, origins)) {
        return Err(Wrong::Forbidden);
    }
    let digest = Sha1::new().chain_update(key).chain_update(KEY_SUFFIX).finalize();
    let mut accept = [0; ACCEPT_BYTES];
    Base64::encode(&digest, &mut accept).expect("20 bytes are 28 digits");
    Ok(accept)
}

/// Whether a page of that origin may talk to us: our own, or one that the administrator named. Programs that are no
/// browsers say none, and could say any.
fn may_come_from(origin: &str, fields: &Fields<'_, '_>, origins: &[String]) -> bool {
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    let is_own = fields.get("host").is_some_and(|own| own.eq_ignore_ascii_case(host));
    is_own || origins.iter().any(|named| named.eq_ignore_ascii_case(origin))
}

/// The fields of a head.
struct Fields<'h, 'b>(&'h [httparse::Header<'b>]);

impl Fields<'_, '_> {
    fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count()
    }

    /// The value of a field; nothing if it is not text.
    fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        str::from_utf8(field.value).ok().map(str::trim)
    }

    /// Whether a word stands in the list that a field is.
    fn has(&self, name: &str, word: &str) -> bool {
        let of_name = self.0.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        let mut words = of_name.flat_map(|field| field.value.split(|&byte| byte == b','));
        words.any(|it| it.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }

    fn takes_gzip(&self) -> bool {
        let Some(codings) = self.get("accept-encoding") else { return false };
        codings.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let is_refused = matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
            name.trim().eq_ignore_ascii_case("gzip") && !is_refused
        })
    }
}

fn answer(asked: Asked) -> Request<'static> {
    Request::Answer(Status::Ok, AnyAsked::Http(asked))
}

impl Asked {
    /// Appends the answer.
    pub fn answer(&self, out: &mut Vec<u8>) -> Next {
        match self.answer {
            Answer::Alive => self.plain(out, "text/plain; charset=utf-8", b"ok\n"),
            Answer::Asset(asset, coding) => self.asset(out, asset, coding),
            Answer::Unchanged(tag) => {
                self.head(out, "304 Not Modified", &format!("ETag: {tag}\r\n"));
            }
            Answer::Wrong(wrong) => {
                let body = format!("{}\n", wrong.line());
                let fields = format!(
                    "{}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n",
                    wrong.fields(),
                    body.len()
                );
                self.head(out, wrong.line(), &fields);
                self.body(out, body.as_bytes());
            }
        }
        self.next()
    }

    /// Appends the numbers for those who watch over the server.
    pub fn metrics(&self, out: &mut Vec<u8>, text: &str) -> Next {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        self.plain(out, kind, text.as_bytes());
        self.next()
    }

    fn next(&self) -> Next {
        match self.then {
            Then::KeepAlive => Next::Stay,
            Then::Close => Next::Close,
        }
    }

    fn plain(&self, out: &mut Vec<u8>, kind: &str, body: &[u8]) {
        let length = body.len();
        let fields = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n");
        self.head(out, "200 OK", &fields);
        self.body(out, body);
    }

    fn asset(&self, out: &mut Vec<u8>, asset: &Asset, coding: Coding) {
        let (bytes, field) = match coding {
            Coding::Plain => (Cow::from(asset.plain()), ""),
            Coding::Gzip => (Cow::from(asset.gzip), "Content-Encoding: gzip\r\n"),
        };
        let (kind, length, tag) = (asset.kind, bytes.len(), coding.tag(asset));
        let fields =
            format!("Content-Type: {kind}\r\n{field}Content-Length: {length}\r\nETag: {tag}\r\n");
        self.head(out, "200 OK", &fields);
        self.body(out, &bytes);
    }

    fn head(&self, out: &mut Vec<u8>, status: &str, fields: &str) {
        let connection = match self.then {
            Then::KeepAlive => "",
            Then::Close => "Connection: close\r\n",
        };
        for part in ["HTTP/1.1 ", status, "\r\n", fields, connection, SECURITY_FIELDS, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
    }

    fn body(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        if self.body == Body::Sent {
            out.extend_from_slice(bytes);
        }
    }
}

/// What every answer says to browsers: only our own parts, no guessing of types, nothing about us to others; and that
/// what they keep is asked for anew.
const SECURITY_FIELDS: &str = "Content-Security-Policy: default-src 'self'\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Referrer-Policy: no-referrer\r\n\
    Cache-Control: no-cache\r\n\
    Vary: Accept-Encoding\r\n";

/// Appends the answer to a WebSocket's handshake.
pub fn switching(out: &mut Vec<u8>, accept: &[u8; ACCEPT_BYTES]) {
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    for part in [head.as_bytes(), accept, b"\r\n\r\n"] {
        out.extend_from_slice(part);
    }
}

/// Appends what is said to a connection for which there is no place.
pub fn unavailable(out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\nContent-Length: 0\r\n\
          Connection: close\r\n\r\n",
    );
}
