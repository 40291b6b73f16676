"""A client of the chatapp protocol, written after its document, and what several of them do with a server.

    chatapp.py HOST PORT MEC_PORT

Needs Python 3 and nothing else. Ends with status 0 if everything was as the document says.
"""

import json
import socket
import sys
from datetime import datetime

MAX_MSG = 2000
MAX_NAME = 50
DATA_MAX = 1000
HEADER_LEN = 20
TIME = "%d/%m/%Y %H:%M:%S"


class Message:
    def __init__(self, timestamp=None, sender=None, dest=None, data=None):
        if timestamp is None:
            timestamp = datetime.now().strftime(TIME)
        self.timestamp = timestamp
        self.sender = sender
        self.dest = dest
        self.data = data


class ConnectionMessage(Message):
    pass


class CreateRoomMessage(Message):
    pass


class JoinMessage(Message):
    pass


class LeaveMessage(Message):
    pass


class ChatMessage(Message):
    pass


class Error:
    def __init__(self, code=99, data="ERROR UNSPECIFIED"):
        self.code = code
        self.data = data


KINDS = {kind.__name__: kind for kind in
         (ConnectionMessage, CreateRoomMessage, JoinMessage, LeaveMessage, ChatMessage, Error)}


def encode(message):
    """A message as a JSON object in bytes; its class stands under __type__."""
    return json.dumps({"__type__": type(message).__name__, **vars(message)}).encode("utf-8")


def decode(body):
    """The message that a body is; it has exactly the attributes of its class."""
    fields = json.loads(body.decode("utf-8"))
    kind = KINDS[fields.pop("__type__")]
    message = kind(**fields)
    assert set(fields) == set(vars(message)), f"{kind.__name__} with {sorted(fields)}"
    if kind is not Error:
        for value in fields.values():
            assert isinstance(value, str) and value, fields
        assert len(message.data.encode("utf-8")) <= DATA_MAX
        assert len(message.sender.encode("utf-8")) <= MAX_NAME
    else:
        assert isinstance(message.code, int), "a code is a number"
    return message


class Client:
    """One user at a console: what it knows of the rooms is what it was told."""

    def __init__(self, address, name):
        self.name = name
        self.all_rooms = {}
        self.my_rooms = {}
        self.errors = []
        self.closed = False
        self.socket = socket.create_connection(address)
        self.socket.settimeout(30)
        self.send(ConnectionMessage(sender=name, dest="Server", data="CONNECT"))

    # What is sent.

    def send(self, message):
        self.send_body(encode(message))

    def send_body(self, body):
        header = f"{len(body):<{HEADER_LEN}}".encode("utf-8")
        self.socket.sendall(header + body)

    def create(self, room):
        self.send(CreateRoomMessage(sender=self.name, dest="Server", data=room))

    def join(self, rooms):
        for room in rooms.split(","):
            self.send(JoinMessage(sender=self.name, dest="Server", data=room.strip()))

    def leave(self, rooms):
        for room in rooms.split(","):
            self.send(LeaveMessage(sender=self.name, dest="Server", data=room.strip()))

    def chat(self, text, *rooms):
        for room in rooms or list(self.my_rooms):
            self.send(ChatMessage(sender=self.name, dest=room, data=text))

    def quit(self):
        self.send(ConnectionMessage(sender=self.name, dest="Server", data="QUIT"))

    # What is received. A header is read by one call and a body by another, as simple clients do: whatever comes in
    # pieces would be taken for broken.

    def receive(self):
        header = self.socket.recv(HEADER_LEN)
        if not header:
            self.closed = True
            return None
        assert len(header) == HEADER_LEN, f"{self.name}: a header of {header!r}"
        length = int(header.decode("utf-8"))
        assert header == f"{length:<{HEADER_LEN}}".encode("utf-8"), header
        assert 0 < length <= MAX_MSG
        body = self.socket.recv(length)
        assert len(body) == length, f"{self.name}: {len(body)} bytes of a body of {length}"
        message = decode(body)
        self.learn(message)
        return message

    def learn(self, message):
        if isinstance(message, CreateRoomMessage):
            assert message.data not in self.all_rooms, f"{self.name}: client server mismatch"
            assert message.sender == "Server" and message.dest in ("ALL", self.name)
            datetime.strptime(message.timestamp, TIME)
            self.all_rooms[message.data] = []
        elif isinstance(message, JoinMessage):
            members = self.all_rooms[message.data]
            assert message.sender not in members, f"{self.name}: {message.sender} has joined twice"
            assert message.dest in ("Server", self.name)
            datetime.strptime(message.timestamp, TIME)
            members.append(message.sender)
            if message.sender == self.name:
                self.my_rooms[message.data] = []
        elif isinstance(message, LeaveMessage):
            self.all_rooms[message.data].remove(message.sender)
            datetime.strptime(message.timestamp, TIME)
            if message.sender == self.name:
                del self.my_rooms[message.data]
        elif isinstance(message, ChatMessage):
            said = (message.sender, message.timestamp, message.data)
            self.my_rooms[message.dest].append(said)
        elif isinstance(message, Error):
            self.errors.append((message.code, message.data))

    def wait(self, done):
        """Receives until `done` of the client is true."""
        while not done(self):
            assert self.receive() is not None, f"{self.name} was closed, with {self.errors}"

    def wait_for_rooms(self, **rooms):
        expected = {room: sorted(members) for room, members in rooms.items()}
        self.wait(lambda it: {room: sorted(it.all_rooms.get(room, ["nowhere"]))
                              for room in expected} == expected)

    def wait_for_text(self, room, text):
        self.wait(lambda it: any(said[2] == text for said in it.my_rooms.get(room, [])))

    def expect_error(self, code, words):
        self.wait(lambda it: it.errors)
        assert self.errors == [(code, words)], self.errors
        self.errors = []

    def expect_end(self):
        while not self.closed:
            self.receive()
        self.socket.close()


class MecClient:
    """A user of the other protocol."""

    def __init__(self, address, name):
        self.socket = socket.create_connection(address)
        self.socket.settimeout(30)
        self.lines = self.socket.makefile("r", encoding="utf-8", newline="\r\n")
        self.ask(f"#login anon {name}", "@status 0")

    def ask(self, line, *answers):
        self.socket.sendall(f"{line}\r\n".encode("utf-8"))
        for answer in answers:
            self.hear(answer)

    def hear(self, expected):
        line = self.lines.readline().rstrip("\r\n")
        assert line == expected, f"{line!r}, not {expected!r}"


def refused(address, name, code, words):
    client = Client(address, name)
    client.expect_end()
    assert client.errors == [(code, words)], client.errors


def names(address):
    amy = Client(address, "amy")
    amy.wait_for_rooms(Home=[])
    refused(address, "amy", 3, "CONNECTION ERROR: amy username already in use")
    refused(address, "", 20, "ERROR: empty string submitted")
    refused(address, "x" * 31, 21, "ERROR: name exceeds MAX length 30")
    refused(address, "x" * 51, 21, "ERROR: name exceeds MAX length 30")
    # Whoever does not begin by CONNECT is not served.
    other = Client(address, "other")
    other.wait_for_rooms(Home=[])
    other.send(ConnectionMessage(sender="other", dest="Server", data="CONNECT"))
    other.expect_error(99, "ERROR: this connection has its username already")
    other.quit()
    other.expect_end()
    return amy


def rooms(address, amy):
    zoe = Client(address, "zoe")
    zoe.wait_for_rooms(Home=[])
    zoe.create("tea")
    zoe.create("cake")
    for client in (amy, zoe):
        client.wait_for_rooms(tea=[], cake=[])
    zoe.create("tea")
    zoe.expect_error(25, "ROOM ERROR: tea name already in use")
    zoe.create("")
    zoe.expect_error(20, "ERROR: empty string submitted")
    zoe.create("r" * 31)
    zoe.expect_error(21, "ERROR: name exceeds MAX length 30")
    zoe.join("tea, cake")
    for client in (amy, zoe):
        client.wait_for_rooms(tea=["zoe"], cake=["zoe"])
    assert list(zoe.my_rooms) == ["tea", "cake"] and not amy.my_rooms
    zoe.join("tea")
    zoe.expect_error(24, "ROOM ERROR: zoe username already joined to tea")
    zoe.join("pie")
    zoe.expect_error(22, "ROOM ERROR: pie does not exist")
    zoe.leave("pie")
    zoe.expect_error(22, "ROOM ERROR: pie does not exist")
    amy.leave("tea")
    amy.expect_error(27, "ROOM ERROR: amy username not joined to tea")
    return zoe


def talk(amy, zoe):
    amy.chat("hello", "tea")
    amy.expect_error(27, "ROOM ERROR: amy username not joined to tea")
    zoe.chat("hello", "pie")
    zoe.expect_error(25, "ROOM ERROR: pie does not exist")
    zoe.chat("", "tea")
    zoe.expect_error(20, "ERROR: empty string submitted")
    zoe.chat("x" * (DATA_MAX + 1), "tea")
    zoe.expect_error(26, f"MSG ERROR: data in message exceeds {DATA_MAX}")
    for text in ("x" * DATA_MAX, "größe € \U0001f600", '"quoted" \\ </b>'):
        zoe.chat(text, "tea")
        zoe.wait_for_text("tea", text)
    # To all rooms that one has joined.
    zoe.chat("to both")
    for room in ("tea", "cake"):
        zoe.wait_for_text(room, "to both")
    for number in range(20):
        zoe.chat(f"line {number}", "cake")
    zoe.wait_for_text("cake", "line 19")
    # Who joins is told the last ten, with the times of their senders.
    amy.join("cake")
    amy.wait_for_text("cake", "line 19")
    assert amy.my_rooms["cake"] == zoe.my_rooms["cake"][-10:]
    amy.chat("I am here", "cake")
    for client in (amy, zoe):
        client.wait_for_text("cake", "I am here")
    mismatch = "USER ERROR: username does not match username associated with connection"
    for message in (JoinMessage(sender="zoe", dest="Server", data="tea"),
                    LeaveMessage(sender="zoe", dest="Server", data="cake"),
                    ChatMessage(sender="zoe", dest="cake", data="x")):
        amy.send(message)
        amy.expect_error(23, mismatch)
    amy.leave("cake")
    for client in (amy, zoe):
        client.wait_for_rooms(cake=["zoe"])
    assert not amy.my_rooms


def many_messages(amy, zoe):
    """Bursts, so that many frames wait for one read: none may come in pieces."""
    amy.join("tea")
    for client in (amy, zoe):
        client.wait_for_rooms(tea=["zoe", "amy"])
    for burst in range(20):
        for number in range(15):
            zoe.chat(f"{burst}/{number} {'y' * 100}", "tea")
        for client in (amy, zoe):
            client.wait_for_text("tea", f"{burst}/14 {'y' * 100}")
    heard = [said[2] for said in amy.my_rooms["tea"]][-300:]
    assert heard == [f"{burst}/{number} {'y' * 100}" for burst in range(20) for number in range(15)]


def another_protocol(mec_address, amy, zoe):
    bob = MecClient(mec_address, "bob")
    for client in (amy, zoe):
        client.wait_for_rooms(Home=["bob"])
    bob.ask("#changeroom tea", "@status 0")
    for client in (amy, zoe):
        client.wait_for_rooms(Home=[], tea=["amy", "bob", "zoe"])
    bob.ask('#broadcast "good \\"day\\""', '@mess #broadcast bob "good \\"day\\""')
    for client in (amy, zoe):
        client.wait_for_text("tea", 'good "day"')
        datetime.strptime(client.my_rooms["tea"][-1][1], TIME)
    zoe.chat("and to you,\nbob", "tea")
    bob.hear('@mess #broadcast zoe "and to you, bob"')
    bob.ask("#quit", "@status 0")
    for client in (amy, zoe):
        client.wait_for_rooms(tea=["amy", "zoe"])


def nonsense(address, zoe):
    """What is no message ends the connection with an error, and disturbs nobody else."""
    cases = (
        (b"2001".ljust(HEADER_LEN), 4, f"MSG ERROR: msg in message exceeds {MAX_MSG}"),
        (b"many".ljust(HEADER_LEN), 99, None),
        (b"5".ljust(HEADER_LEN) + b"hello", 99, None),
        (b"0".ljust(HEADER_LEN), 99, None),
    )
    for sent, code, words in cases:
        client = Client(address, "nobody")
        client.wait_for_rooms(Home=[])
        client.socket.sendall(sent)
        client.expect_end()
        assert len(client.errors) == 1 and client.errors[0][0] == code, client.errors
        assert words in (None, client.errors[0][1])
    zoe.send_body(b'{"__type__": "NoMessage"}')
    zoe.expect_error(99, "ERROR: there is no such __type__")
    zoe.send_body(json.dumps({"__type__": "CreateRoomMessage", "sender": "zoe"}).encode("utf-8"))
    zoe.expect_error(20, "ERROR: empty string submitted")


def end(amy, zoe):
    zoe.quit()
    zoe.expect_end()
    amy.wait_for_rooms(tea=["amy"], cake=[])
    # A connection that is lost is left as one that quits.
    eve = Client(amy.socket.getpeername(), "eve")
    eve.wait_for_rooms(tea=["amy"])
    eve.join("cake")
    amy.wait_for_rooms(cake=["eve"])
    eve.socket.close()
    amy.wait_for_rooms(cake=[])
    amy.quit()
    amy.expect_end()


def main():
    host, port, mec_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    amy = names((host, port))
    zoe = rooms((host, port), amy)
    talk(amy, zoe)
    many_messages(amy, zoe)
    another_protocol((host, mec_port), amy, zoe)
    nonsense((host, port), zoe)
    end(amy, zoe)


if __name__ == "__main__":
    main()
