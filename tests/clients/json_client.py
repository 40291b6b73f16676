#!/usr/bin/env python3
"""A chat client as the document describes it, and two evenings with it.

json_client.py HOST PORT first | second

Between the two the server may have been restarted. Nothing but the standard library is needed.
"""

import json
import socket
import sys
import time

PATIENCE_SECONDS = 20


class Client:
    """One connection. Objects are cut from the stream by the parser itself, as it has no framing."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), PATIENCE_SECONDS)
        self.buffer = ""
        self.decoder = json.JSONDecoder()
        self.came = []

    def send(self, **fields):
        self.send_bytes(json.dumps(fields).encode())

    def send_bytes(self, data):
        self.socket.sendall(data)

    def receive(self):
        while True:
            self.buffer = self.buffer.lstrip()
            try:
                item, end = self.decoder.raw_decode(self.buffer)
            except ValueError:
                data = self.socket.recv(4096)
                if not data:
                    raise EOFError("the server has closed the connection")
                self.buffer += data.decode()
                continue
            self.buffer = self.buffer[end:]
            return item

    def ask(self, **fields):
        """Sends a command and returns its answer; what comes in between is put aside."""
        self.send(**fields)
        return self.answer(fields["Command"])

    def answer(self, command):
        while True:
            item = self.receive()
            if item["Command"] in ("ok", "error") and item.get("Re") == command.lower():
                return item
            self.came.append(item)

    def done(self, **fields):
        answer = self.ask(**fields)
        assert answer == {"Command": "ok", "Re": fields["Command"].lower()}, answer

    def refused(self, error, **fields):
        answer = self.ask(**fields)
        assert answer["Command"] == "error" and answer["Error"] == error, answer
        assert answer["Message"].endswith("."), answer

    def hears(self, **wanted):
        """The next object that is no answer."""
        item = self.came.pop(0) if self.came else self.receive()
        now = item.pop("Time", None)
        assert now is None or abs(now - time.time()) < 3600, now
        for uid in ("From", "To", "User"):
            if "@" in str(item.get(uid)):
                item[uid] = item[uid].split("@")[0]
        assert item == wanted, (item, wanted)

    def login(self, name, password="secret", **more):
        self.done(Command="login", Username=name, Password=password, **more)

    def close(self):
        self.socket.close()

    def is_closed(self):
        try:
            self.receive()
        except EOFError:
            return True
        return False


def first(connect):
    kieran, ann, bob = connect(), connect(), connect()
    kieran.refused("not-logged-in", Command="msg", To="ann", Type="PM", Message="hello?")
    kieran.done(Command="register", Username="kieran", Password="secret")
    ann.done(Command="Register", Username="ann", Password="secret")
    bob.done(Command="register", Username="bob", Password="secret")
    connect().refused("name-taken", Command="register", Username="Kieran", Password="x")
    connect().refused("wrong-password", Command="login", Username="kieran", Password="x")

    # A private message, with the keys of the document and its own From.
    kieran.done(Command="msg", To="ann", Type="PM", Message="Some Text", From="kieran")
    ann.hears(Command="msg", To="ann", Type="PM", Message="Some Text", **{"From": "kieran"})
    kieran.refused("not-you", Command="msg", To="ann", Type="PM", Message="x", From="bob")
    kieran.refused("no-such-user", Command="msg", To="nobody", Type="PM", Message="x")

    # A group comes to be when somebody is invited.
    kieran.done(Command="invite", User="ann", Group="distributed systems")
    ann.hears(Command="invite", User="ann", Group="distributed systems", **{"From": "kieran"})
    bob.refused("not-a-member", Command="invite", User="bob", Group="distributed systems")
    ann.done(Command="update", Nickname="Ann \u00c1")
    ann.done(Command="msg", To="distributed systems", Type="group-message", Message="hi")
    heard = {"From": "ann", "Nickname": "Ann \u00c1"}
    kieran.hears(Command="msg", To="distributed systems", Type="group-message", Message="hi", **heard)
    kieran.done(Command="msg", Type="distributed systems", Message="welcome \U0001f600")
    ann.hears(
        Command="msg", To="distributed systems", Type="group-message", Message="welcome \U0001f600",
        **{"From": "kieran"}
    )

    # Latecomers ask for what was said.
    ann.done(Command="invite", User="bob", Group="distributed systems")
    bob.hears(Command="invite", User="bob", Group="distributed systems", **heard)
    bob.done(Command="history", Group="distributed systems", N=2)
    story = bob.came.pop(0)
    assert story["Command"] == "history" and story["Group"] == "distributed systems", story
    assert [line["Message"] for line in story["Messages"]] == ["hi", "welcome \U0001f600"], story
    assert story["Messages"][0]["Nickname"] == "Ann \u00c1", story
    bob.done(Command="leave", Group="distributed systems")
    bob.refused("no-such-group", Command="history", Group="distributed systems")

    # Objects in pieces, and many at once.
    bob.send(Command="ping")
    bob.hears(Command="ping")
    for byte in json.dumps({"Command": "ping", "Message": "}{\"\\"}, indent=2).encode():
        bob.send_bytes(bytes([byte]))
    bob.hears(Command="ping")
    bob.send_bytes(b'{"Command":"ping"}' * 10)
    for _ in range(10):
        bob.hears(Command="ping")
    bob.send_bytes(b'{"Command":"ping"\n}{"Command":}\n{"Command":"ping"}')
    bob.hears(Command="ping")
    bad = bob.receive()
    assert bad["Error"] == "bad-json" and "Re" not in bad, bad
    bob.hears(Command="ping")

    # Ann goes, by the book; what is said to her then waits.
    ann.done(Command="update", Status="offline")
    assert ann.is_closed()
    for text in ("one", "two", "three"):
        kieran.done(Command="msg", To="ann", Type="PM", Message=text)
    kieran.done(Command="msg", Type="distributed systems", Message="where is ann?")
    kieran.done(Command="invite", User="ann", Group="late night")
    # History is written behind the chat.
    time.sleep(1.5)


def second(connect):
    ann, kieran = connect(), connect()
    kieran.login("kieran")
    ann.login("ann", Since=time.time() - 3600)
    for text in ("one", "two", "three"):
        ann.hears(Command="msg", To="ann", Type="PM", Message=text, **{"From": "kieran"})
    ann.hears(Command="invite", User="ann", Group="late night", **{"From": "kieran"})
    story = ann.receive()
    assert story["Group"] == "distributed systems", story
    assert story["Messages"][-1]["Message"] == "where is ann?", story

    # Both still belong to both groups.
    for group in ("distributed systems", "late night"):
        ann.done(Command="msg", To=group, Type=group, Message="here")
        heard = {"From": "ann", "Nickname": "Ann \u00c1"}
        kieran.hears(Command="msg", To=group, Type="group-message", Message="here", **heard)

    # What was kept is given once, and a second connection ends the first.
    again = connect()
    again.login("ann")
    again.send(Command="ping")
    again.hears(Command="ping")
    elsewhere = ann.receive()
    assert elsewhere["Error"] == "logged-in-elsewhere", elsewhere
    assert ann.is_closed()

    # A silent client is asked whether it is there. This one is, the next one is not.
    again.hears(Command="ping")
    again.send(Command="ping")
    again.done(Command="update", Status="online")
    idle = kieran
    while True:
        item = idle.receive()
        if item != {"Command": "ping"}:
            break
    assert item["Error"] == "idle", item
    assert idle.is_closed()


def main():
    host, port, evening = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    {"first": first, "second": second}[evening](lambda: Client(host, port))
    print("all is as the document says")


main()
