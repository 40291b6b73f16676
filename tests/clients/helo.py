#!/usr/bin/env python3
"""A client of the helo dialect as its document describes one, and a session with it.

Usage: helo.py ADDRESS:PORT SECONDS

Holds the whole session of the document against a server that pings every SECONDS: logging in and its errors,
broadcasts, private messages encrypted from end to end, groups, kicking, the heartbeat, and a file of 5 MB. Each client
has a thread that reads what the server sends and acts on it. Ends with status 0 if all went as the document says.

The ciphers are toys of the right shape (a modulus of 512 bits, a key stream of hashes): what matters here is that the
server carries them unseen and unchanged.
"""

import base64
import hashlib
import queue
import random
import secrets
import socket
import sys
import threading
import time

PATIENCE = 30
FILE_BYTES = 5_000_000
GREETING = "HELO Welkom to WhatsUpp!"


def encode(data):
    return base64.b64encode(data).decode("ascii")


# Toy ciphers.


def is_prime(candidate):
    odd, twos = candidate - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(24):
        power = pow(random.randrange(2, candidate - 1), odd, candidate)
        if power in (1, candidate - 1):
            continue
        for _ in range(twos - 1):
            power = pow(power, 2, candidate)
            if power == candidate - 1:
                break
        else:
            return False
    return True


def prime(bits):
    while True:
        candidate = secrets.randbits(bits) | 1 | (3 << (bits - 2))
        if candidate % 65537 != 1 and is_prime(candidate):
            return candidate


class KeyPair:
    BYTES = 64

    def __init__(self):
        first, second = prime(256), prime(256)
        self.modulus = first * second
        self.private = pow(65537, -1, (first - 1) * (second - 1))

    def public(self):
        return encode(self.modulus.to_bytes(self.BYTES, "big"))

    def open(self, sealed):
        number = int.from_bytes(base64.b64decode(sealed), "big")
        return pow(number, self.private, self.modulus).to_bytes(self.BYTES, "big")[-16:]


def seal_for(public, session_key):
    modulus = int.from_bytes(base64.b64decode(public), "big")
    padded = int.from_bytes(b"\0\1" + secrets.token_bytes(46) + session_key, "big")
    return encode(pow(padded, 65537, modulus).to_bytes(KeyPair.BYTES, "big"))


def cipher(session_key, data):
    stream = bytearray()
    while len(stream) < len(data):
        block = session_key + len(stream).to_bytes(8, "big")
        stream += hashlib.sha256(block).digest()
    return bytes(a ^ b for a, b in zip(data, stream))


# A file and what is known of it.


def checksum(data):
    return hashlib.md5(data).hexdigest()


def metadata(name, data):
    return f"{len(data)};{name};{checksum(data)}"


class Client:
    """One user: what it types are its methods, what it sees comes out of `seen`."""

    def __init__(self, address, answers_pings=True):
        self.address = address
        self.answers_pings = answers_pings
        self.socket = socket.create_connection(address, PATIENCE)
        self.reader = self.socket.makefile("r", encoding="utf-8", newline="\n")
        self.seen = queue.Queue()
        self.pings = 0
        self.keys = KeyPair()
        self.sessions = {}
        self.waiting_messages = {}
        self.offered_files = {}
        self.expected_files = []
        self.received = queue.Queue()
        self.name = None
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        self.sees(GREETING)

    # What the user types.

    def send(self, line):
        self.socket.sendall((line + "\n").encode("utf-8"))

    def log_in(self, name):
        self.name = name
        self.send(f"HELO {name}")
        self.sees(f"+OK HELO {name}")

    def message(self, user, text):
        if user in self.sessions:
            sealed = encode(cipher(self.sessions[user], text.encode("utf-8")))
            self.send(f"PM @{user} {sealed}")
        else:
            stamp = str(time.time_ns() // 1000)
            self.waiting_messages[stamp] = text
            self.send(f"REQUEST_PUBLIC_KEY @{user} {stamp}")

    def send_file(self, user, name, data):
        self.offered_files[metadata(name, data)] = data
        self.send(f"FILE_TRANS /send_file @{user} {metadata(name, data)}")

    # What the server says.

    def listen(self):
        try:
            for line in self.reader:
                assert line.endswith("\n") and "\r" not in line, line
                self.interpret(line[:-1])
        except OSError:
            pass
        self.seen.put(None)

    def interpret(self, line):
        word, _, rest = line.partition(" ")
        if word == "PING":
            self.pings += 1
            if self.answers_pings:
                self.send("PONG")
        elif word == "PM":
            self.take_message(rest)
        elif word == "REQUEST_PUBLIC_KEY":
            user, stamp = rest.split(" ")
            self.send(f"PUBLIC_KEY {user} {self.keys.public()} {stamp}")
        elif word == "PUBLIC_KEY":
            self.take_key(rest)
        elif word == "FILE_TRANS":
            user, meta = rest.split(" ")
            self.expected_files.append(meta)
            self.seen.put(f'User "{user[1:]}" sends you a file!')
            self.send(f"READY_FOR_FILE {user} {meta}")
        elif word == "READY_FOR_FILE":
            user, meta, port = rest.split(" ")
            start(self.deliver, user[1:], meta, int(port))
        elif word == "OPEN_PORT_TO_RECEIVE":
            start(self.receive, int(rest))
        else:
            self.seen.put(line)

    def take_message(self, rest):
        sender, sealed, *keys = rest.split(" ")
        if keys:
            self.sessions[sender] = self.keys.open(keys[0])
        text = cipher(self.sessions[sender], base64.b64decode(sealed)).decode("utf-8")
        self.seen.put(f"[{sender}] {text}")

    def take_key(self, rest):
        user, public, stamp = rest.split(" ")
        text = self.waiting_messages.pop(stamp)
        session_key = secrets.token_bytes(16)
        self.sessions[user[1:]] = session_key
        sealed = encode(cipher(session_key, text.encode("utf-8")))
        self.send(f"PM {user} {sealed} {seal_for(public, session_key)}")

    # Files, each on a connection of its own.

    def deliver(self, receiver, meta, port):
        data = self.offered_files[meta]
        with socket.create_connection((self.address[0], port), PATIENCE) as connection:
            line = f"FILE <{self.name} @{receiver} {meta} {encode(data)}\n"
            connection.sendall(line.encode("ascii"))
            status = connection.makefile("r", encoding="utf-8").readline()
            self.seen.put(status.removeprefix("FILE_STATUS ").rstrip("\n"))

    def receive(self, port):
        with socket.create_connection((self.address[0], port), PATIENCE) as connection:
            connection.sendall(f"OPEN_PORT_TO_RECEIVE {self.name}\n".encode("ascii"))
            line = connection.makefile("r", encoding="ascii", newline="\n").readline()
            assert line.endswith("\n"), "the whole line has come"
            word, mark, user, meta, content = line[:-1].split(" ")
            assert (word, mark, user) == ("FILE", f"<{mark[1:]}", f"@{mark[1:]}")
            data = base64.b64decode(content, validate=True)
            name = meta.split(";")[1]
            if meta in self.expected_files and metadata(name, data) == meta:
                self.received.put(data)
                status = "file has successfully been delivered!"
            else:
                status = "File has been corrupted and not delivered!"
            self.expected_files.remove(meta)
            connection.sendall(f"FILE_STATUS {status} {user}\n".encode("ascii"))

    # What a session is checked with.

    def sees(self, wanted):
        line = self.seen.get(timeout=PATIENCE)
        assert line == wanted, f"{self.name} sees {line!r} instead of {wanted!r}"

    def asks(self, line, wanted):
        self.send(line)
        self.sees(wanted)

    def sees_the_end(self):
        self.sees(None)
        self.thread.join(PATIENCE)
        self.socket.close()


def start(act, *args):
    threading.Thread(target=act, args=args, daemon=True).start()


# The session, chapter by chapter.


def logging_in(address):
    amy = Client(address)
    amy.asks("BCST hello", "-SOFT_ERR you are not logged in")
    amy.log_in("amy")
    for name, error in [
        ("amy", "user already logged in"),
        (
            "a.m.y",
            "username has an invalid format (only characters, numbers and underscores are allowed)",
        ),
    ]:
        other = Client(address)
        other.asks(f"HELO {name}", f"-ERR {error}")
        other.sees_the_end()
    return amy


def talking(amy, bob):
    amy.asks("BCST hello everyone", "+OK BCST hello everyone")
    bob.sees("BCST [amy] hello everyone")
    stranger = Client(amy.address)
    amy.send("GET_USERS *all")
    users = amy.seen.get(timeout=PATIENCE)
    names = users.removeprefix("+SUCCESS [").removesuffix("]").split(", ")
    assert sorted(names) == ["amy", "bob", "unknown"], users
    stranger.asks("QUIT q", "+OK Goodbye")
    stranger.sees_the_end()


def whispering(amy, bob):
    amy.asks("PM @nobody text", "-SOFT_ERR no such user!")
    amy.asks("REQUEST_PUBLIC_KEY @nobody 1", "-SOFT_ERR no such user!")
    amy.message("bob", "a secret: grüße")
    bob.sees("[amy] a secret: grüße")
    amy.message("bob", "another one " * 100)
    bob.sees("[amy] " + "another one " * 100)
    bob.message("amy", "and back")
    amy.sees("[bob] and back")
    assert amy.sessions["bob"] == bob.sessions["amy"]


def grouping(amy, bob, eve):
    amy.asks("CREATE_GROUP /create_group chess", '+SUCCESS group "chess" has been created!')
    bob.asks(
        "CREATE_GROUP /create_group chess",
        "-SOFT_ERR a group with that name already exists!",
    )
    bob.asks("JOIN_GROUP /join cards", "-SOFT_ERR no such group!")
    bob.asks("GROUP_MESSAGE @@chess hi", "-SOFT_ERR you are not allowed to write in that group!")
    for user in (bob, eve):
        user.asks(
            "JOIN_GROUP /join chess",
            '+SUCCESS you have successfully entered group "chess"',
        )
    bob.asks("JOIN_GROUP /join chess", "-SOFT_ERR you are already a member of that group!")
    amy.asks("GET_GROUPS *groups", "+SUCCESS [Home, chess]")
    bob.send("GROUP_MESSAGE @@chess e2e4 of course")
    for user in (amy, eve):
        user.sees("GROUP_MESSAGE [bob] e2e4 of course")
    amy.asks("LEAVE_GROUP /leave chess", "-SOFT_ERR you are an admin, you can't leave the group!")
    eve.asks("LEAVE_GROUP /leave cards", "-SOFT_ERR no such group!")


def kicking(amy, bob, eve):
    amy.asks("KICK /kick cards eve", "-SOFT_ERR no such group!")
    bob.asks("KICK /kick chess eve", "-SOFT_ERR you are not allowed to kick members out that group!")
    amy.asks("KICK /kick chess amy", "-SOFT_ERR why would you kick yourself out of your group :)?")
    amy.asks("KICK /kick chess nobody", "-SOFT_ERR user nobody is not a member of group chess")
    amy.asks("KICK /kick chess eve", "+SUCCESS user eve has been kicked out of group chess")
    bob.sees("GROUP_MESSAGE user eve has been kicked out of group chess")
    eve.sees("+SUCCESS you have been kicked out of the group chess")
    eve.asks("JOIN_GROUP /join chess", "-SOFT_ERR you are banned from that group!")
    bob.asks("LEAVE_GROUP /leave chess", '+SUCCESS you have successfully left the group "chess"')
    bob.asks("LEAVE_GROUP /leave chess", "-SOFT_ERR you are not a member of that group!")


def sending_files(amy, bob):
    data = secrets.token_bytes(FILE_BYTES)
    amy.asks("FILE_TRANS /send_file @nobody 1;a;b", "-SOFT_ERR no such user!")
    amy.asks("FILE_TRANS /send_file @amy 1;a;b", "-SOFT_ERR you can't send a file to yourself!")
    amy.send_file("bob", "image.png", data)
    bob.sees('User "amy" sends you a file!')
    received = bob.received.get(timeout=PATIENCE)
    assert checksum(received) == checksum(data), "the file is what was sent"
    amy.sees("file has successfully been delivered!")
    # What is not what was announced is not kept.
    amy.offered_files[metadata("image.png", b"what was meant")] = b"what was sent"
    amy.send(f"FILE_TRANS /send_file @bob {metadata('image.png', b'what was meant')}")
    bob.sees('User "amy" sends you a file!')
    amy.sees("File has been corrupted and not delivered!")


def being_there(address, amy, seconds):
    silent = Client(address, answers_pings=False)
    silent.log_in("silent")
    silent.sees("DSCN Pong timeout")
    silent.sees_the_end()
    assert silent.pings == 1
    end = time.monotonic() + PATIENCE
    while amy.pings < 3:
        assert time.monotonic() < end, "a ping every few seconds"
        time.sleep(0.05)
    assert amy.pings >= 3 and seconds > 0


def main():
    host, _, port = sys.argv[1].rpartition(":")
    address, seconds = (host.strip("[]"), int(port)), int(sys.argv[2])
    amy = logging_in(address)
    bob = Client(address)
    bob.log_in("bob")
    talking(amy, bob)
    whispering(amy, bob)
    eve = Client(address)
    eve.log_in("eve")
    grouping(amy, bob, eve)
    kicking(amy, bob, eve)
    sending_files(amy, bob)
    being_there(address, amy, seconds)
    for user in (amy, bob, eve):
        user.asks("QUIT q", "+OK Goodbye")
        user.sees_the_end()
    print("all as the document says")


if __name__ == "__main__":
    main()
