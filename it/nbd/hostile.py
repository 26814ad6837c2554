"""Broken and hostile clients on plain sockets, beside a good one that must not notice them."""

import os
import random
import struct
import sys
import time

from raw import OPTION, connect, enter, go, option, read, request, reset


class Good:
    """Writes and reads one block of its own for ever; any wrong answer is a failure."""

    def __init__(self):
        self.socket = enter()
        self.count = 0

    def check(self):
        self.count += 1
        data = os.urandom(4096)
        self.socket.sendall(request(1, self.count, 40 << 20, 4096, data=data))
        assert read(self.socket, 16) == struct.pack(">IIQ", 0x67446698, 0, self.count)
        self.socket.sendall(request(0, self.count, 40 << 20, 4096))
        assert read(self.socket, 16) == struct.pack(">IIQ", 0x67446698, 0, self.count)
        assert read(self.socket, 4096) == data


def cut_sessions(good):
    session = (struct.pack(">I", 3) + option(3) + option(8) + go()
               + request(1, 1, 0, 600, data=b"a" * 600) + request(0, 2, 0, 4096, 4) + request(3, 3))
    for length in range(0, len(session) + 1, 3):
        s = connect()
        s.sendall(session[:length])
        if length % 2:
            reset(s)
        else:
            s.close()
        if length % 60 == 0:
            good.check()


def reset_with_replies_pending(good):
    for i in range(40):
        s = enter()
        s.sendall(b"".join(request(0, n, n << 16, 1 << 20) for n in range(30)))
        s.sendall(b"".join(request(1, n, n << 16, 4096, data=bytes(4096)) for n in range(30)))
        if i % 3 == 0:
            read(s, 50_000)
        reset(s)
        good.check()


def noise(good):
    rng = random.Random(1)
    for i in range(60):
        s = connect()
        try:
            if i % 2:
                s.sendall(struct.pack(">I", 3))
            s.sendall(rng.randbytes(rng.randrange(1, 5000)))
            if i % 3:
                s.sendall(request(rng.randrange(10), i, rng.randrange(1 << 60), rng.randrange(1 << 32)))
        except (ConnectionError, BrokenPipeError):
            pass
        s.close()
    good.check()


def oversized(good):
    # Lengths that are lies: of an option, of a name, of queries, of a write.
    for message in (
        struct.pack(">QII", OPTION, 7, 0xFFFFFFFF),
        struct.pack(">QII", OPTION, 1, 0xFFFFFFFF),
        option(7, struct.pack(">I", 0xFFFFFFFF) + b"disk0"),
        option(6, struct.pack(">I", 5) + b"disk0" + struct.pack(">H", 0xFFFF)),
        option(8) + option(10, struct.pack(">I", 5) + b"disk0" + struct.pack(">I", 0xFFFFFFFF)),
        option(1, b"x" * 5000),
    ):
        s = connect()
        s.sendall(struct.pack(">I", 3) + message + bytes(1000))
        s.close()
    s = enter()
    s.sendall(request(1, 1, 0, 0xFFFFFFFF) + bytes(100_000))
    good.check()
    s.close()
    # The data of a refused write is taken off the wire, and the next request is understood.
    s = enter()
    s.sendall(request(1, 1, 1 << 60, 40 << 20) + bytes(40 << 20) + request(3, 2))
    assert read(s, 16) == struct.pack(">IIQ", 0x67446698, 28, 1)
    assert read(s, 16) == struct.pack(">IIQ", 0x67446698, 0, 2)
    s.close()


def never_reading(good):
    held = []
    for _ in range(3):
        s = enter()
        s.sendall(b"".join(request(0, n, 0, 16 << 20) for n in range(20)))
        held.append(s)
    for _ in range(20):
        good.check()
        time.sleep(0.01)
    for s in held:
        reset(s)
    good.check()


def half_a_write(good):
    held = []
    for _ in range(20):
        s = enter()
        s.sendall(request(1, 1, 0, 8 << 20) + bytes(100_000))
        held.append(s)
    good.check()
    for s in held:
        s.close()
    good.check()


well = Good()
for test in (cut_sessions, reset_with_replies_pending, noise, oversized, never_reading, half_a_write):
    test(well)
    print("pass", test.__name__)
sys.exit(0)
