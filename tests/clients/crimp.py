"""Clients of the CRIMP dialect, as the document's readers would write them, and one session of everything it has.

usage: crimp.py HOST PORT

Three kinds: one that writes and reads strings as Java's data streams do and waits for each answer, one that reads and
writes lines, and one that sends its command as it is and takes what the next read brings, as a person with netcat does.
The server must be fresh: nobody else is on it, and there is no room but Home.
"""

import re
import socket
import struct
import sys
import threading

PATIENCE_SECONDS = 30
STAMP = r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d\]"


def write_utf(text):
    """The bytes that DataOutputStream.writeUTF writes."""
    body = bytearray()
    units = text.encode("utf-16-be", "surrogatepass")
    for (unit,) in struct.iter_unpack(">H", units):
        if 1 <= unit <= 0x7F:
            body.append(unit)
        elif unit <= 0x7FF:
            body += bytes([0xC0 | unit >> 6, 0x80 | unit & 0x3F])
        else:
            body += bytes([0xE0 | unit >> 12, 0x80 | unit >> 6 & 0x3F, 0x80 | unit & 0x3F])
    return struct.pack(">H", len(body)) + bytes(body)


def read_modified(body):
    """The text that DataInputStream.readUTF makes of a frame's bytes; it fails on what Java fails on."""
    units, at = [], 0
    while at < len(body):
        first = body[at]
        if first < 0x80:
            length, unit = 1, first
        elif first >> 5 == 0b110:
            length, unit = 2, first & 0x1F
        elif first >> 4 == 0b1110:
            length, unit = 3, first & 0x0F
        else:
            raise ValueError(f"malformed input around byte {at}")
        rest = body[at + 1 : at + length]
        if len(rest) + 1 != length or any(byte >> 6 != 0b10 for byte in rest):
            raise ValueError(f"malformed input around byte {at}")
        for byte in rest:
            unit = unit << 6 | byte & 0x3F
        units.append(unit)
        at += length
    return struct.pack(f">{len(units)}H", *units).decode("utf-16-be")


class Client:
    """A user with a connection. What the kinds differ in is how a command is sent and an answer is read."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.create_connection(ADDRESS, PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, command):
        self.send(f"{self.name} {command}")
        return self.receive()

    def create(self, room):
        return self.ask(f"CTRM {room}")

    def join(self, room):
        return self.ask(f"JOIN {room}")

    def leave(self, room):
        return self.ask(f"LEAV {room}")

    def post(self, room, message):
        return self.ask(f"POST {room} {message}")

    def rooms(self):
        return self.ask("LSRM").split(self.separator)

    def members(self, room):
        return self.ask(f"LSMB {room}").split(self.separator)

    def messages(self, room):
        """What was said, without the times, which must be there."""
        answer = self.ask(f"RETV {room}")
        if answer.startswith("ERR_"):
            return answer
        said = []
        for line in answer.split("\n"):
            match = re.fullmatch(f"{STAMP} (.*)", line)
            assert match, line
            said.append(match[1])
        return said

    def rest(self, data):
        """A long answer may come in pieces: what follows it without a pause belongs to it."""
        if len(data) < 1000:
            return data
        self.socket.settimeout(0.2)
        try:
            while more := self.socket.recv(1 << 20):
                data += more
        except TimeoutError:
            pass
        self.socket.settimeout(PATIENCE_SECONDS)
        return data

    def disconnect(self):
        """Leaves: the server answers nothing and closes."""
        self.send(f"{self.name} DSCT")
        assert self.socket.recv(1) == b""
        self.socket.close()


class JavaClient(Client):
    """Writes with writeUTF, reads with readUTF, blocks in between."""

    separator = "\n"

    def send(self, text):
        self.socket.sendall(write_utf(text))

    def receive(self):
        (length,) = struct.unpack(">H", self.exactly(2))
        return read_modified(self.exactly(length))

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError(f"{self.name} was closed behind {data!r}")
            data += more
        return data


class LineClient(Client):
    """println and readLine; a history has as many lines as it has."""

    separator = ", "

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def receive(self):
        data = self.socket.recv(1 << 20)
        while not data.endswith(b"\n"):
            data += self.socket.recv(1 << 20)
        return self.rest(data).decode()[:-1]


class CrLfClient(LineClient):
    """The same on a system whose lines end with two characters."""

    def send(self, text):
        self.socket.sendall(text.encode() + b"\r\n")

    def receive(self):
        text = super().receive()
        assert text.endswith("\r")
        return text[:-1].replace("\r\n", "\n")


class BareClient(Client):
    """write(command.getBytes()) and one read: what it brings is the answer."""

    separator = ", "

    def send(self, text):
        self.socket.sendall(text.encode())

    def receive(self):
        data = self.rest(self.socket.recv(1 << 20))
        assert data and not data.endswith(b"\n")
        return data.decode()


def expect(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r}, not {expected!r}")


def one_user_does_everything(kind, room):
    """Section 3 of the document from its beginning to its end, with every error."""
    amy = kind("amy")
    expect(amy.join(room), "ERR_NONEXISTENTROOM")
    expect(amy.leave(room), "ERR_NONEXISTENTROOM")
    expect(amy.members(room), ["ERR_NONEXISTENTROOM"])
    expect(amy.post(room, "hello"), "ERR_NONEXISTENTROOM")
    expect(amy.messages(room), "ERR_NONEXISTENTROOM")
    before = amy.rooms()
    expect(amy.create(room), "OK_CTRM")
    expect(amy.create(room), "ERR_DUPLICATEROOM")
    expect(amy.rooms(), before + [room])
    expect(amy.ask("LIST").split(amy.separator), before + [room])
    expect(amy.members(room), ["ERR_ROOMEMPTY"])
    expect(amy.leave(room), "ERR_NOTINROOM")
    expect(amy.post(room, "hello"), "ERR_NOTINROOM")
    expect(amy.messages(room), "ERR_NOTINROOM")
    expect(amy.join(room), "OK_JOIN")
    expect(amy.join(room), "ERR_ALREADYJOINED")
    expect(amy.members(room), ["amy"])
    expect(amy.messages(room), "ERR_NOMESSAGES")
    said = ["hello", " two  blanks ", "größe 漢字 \U0001f600", "x" * 8000]
    for message in said:
        expect(amy.post(room, message), "OK_POST")
    expect(amy.messages(room), [f"amy: {message}" for message in said])
    too_long = "JOIN " + "x" * 31
    for wrong in [f"POST {room}", f"POST {room} ", "POST", "JOIN", "NONE", "lsrm", too_long]:
        expect(amy.ask(wrong), "ERR_ILLEGALCOMMAND")
    expect(amy.post(room, "y" * 20000), "ERR_ILLEGALCOMMAND")
    expect(amy.leave(room), "OK_LEAV")
    expect(amy.messages(room), "ERR_NOTINROOM")
    amy.disconnect()


def names_are_unique(kind):
    amy, other = kind("amy"), kind("amy")
    amy.rooms()
    expect(other.rooms(), ["ERR_USERNAMEINUSE"])
    other.name = "eve"
    assert "Home" in other.rooms()
    other.name = "amy"
    expect(other.rooms(), ["ERR_USERNAMEINUSE"])
    other.name = "eve"
    other.disconnect()
    amy.disconnect()


def all_kinds_share_a_room():
    """Whoever is in a room gets what the others said, and a client that crashes is no member any more."""
    users = [kind(name) for kind, name in zip(KINDS, ["ann", "ben", "cleo", "dan"])]
    expect(users[0].create("common"), "OK_CTRM")
    for user in users:
        expect(user.join("common"), "OK_JOIN")
    names = [user.name for user in users]
    for user in users:
        expect(user.members("common"), names)
        expect(user.post("common", f"I am {user.name} \U0001f600"), "OK_POST")
    for user in users:
        expect(user.messages("common"), [f"{name}: I am {name} \U0001f600" for name in names])
    users[1].socket.close()
    while users[0].members("common") == names:
        pass
    expect(users[0].members("common"), [name for name in names if name != "ben"])
    for user in [users[0], *users[2:]]:
        user.disconnect()


def many_talk_at_once():
    """Each in its own thread, as the document's server has it; nothing is lost and everybody's order is kept."""
    count, lines = 12, 4
    failed = []

    def talk(number):
        try:
            user = KINDS[number % 3](f"user{number}")
            expect(user.join("crowd"), "OK_JOIN")
            for line in range(lines):
                expect(user.post("crowd", f"{line}"), "OK_POST")
            said = user.messages("crowd")
            mine = [it for it in said if it.startswith(f"user{number}:")]
            expect(mine, [f"user{number}: {line}" for line in range(lines)])
            user.disconnect()
        except Exception as why:
            failed.append(f"user{number}: {why!r}")

    maker = JavaClient("maker")
    expect(maker.create("crowd"), "OK_CTRM")
    threads = [threading.Thread(target=talk, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expect(failed, [])
    expect(maker.join("crowd"), "OK_JOIN")
    expect(len(maker.messages("crowd")), count * lines)
    maker.disconnect()


def a_long_list_comes_as_one_frame():
    """And one may be in a hundred rooms."""
    maker = JavaClient("maker")
    for number in range(150):
        expect(maker.create(f"room{number}"), "OK_CTRM")
    reader = JavaClient("reader")
    rooms = reader.rooms()
    expect(rooms[-150:], [f"room{number}" for number in range(150)])
    for number in range(100):
        expect(reader.join(f"room{number}"), "OK_JOIN")
    expect(reader.join("room100"), "ERR_ILLEGALCOMMAND")
    expect(reader.leave("room0"), "OK_LEAV")
    expect(reader.join("room100"), "OK_JOIN")
    maker.disconnect()
    reader.disconnect()


def netcat_closes_its_side_behind_a_command():
    """printf 'amy LSRM' | nc -N: the end of what is sent ends the command too."""
    with socket.create_connection(ADDRESS, PATIENCE_SECONDS) as connection:
        connection.sendall(b"amy LSMB Home")
        connection.shutdown(socket.SHUT_WR)
        data = b""
        while more := connection.recv(4096):
            data += more
        expect(data, b"ERR_ROOMEMPTY")


KINDS = [JavaClient, LineClient, CrLfClient, BareClient]
ADDRESS = (sys.argv[1], int(sys.argv[2]))

for kind in KINDS:
    one_user_does_everything(kind, f"den-{kind.__name__}")
    names_are_unique(kind)
all_kinds_share_a_room()
many_talk_at_once()
a_long_list_comes_as_one_frame()
netcat_closes_its_side_behind_a_command()
print("everything was as the document says")
