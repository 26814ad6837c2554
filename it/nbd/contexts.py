"""Which selection of metadata contexts counts in the end: the last one, also if it failed."""

import struct

from raw import NAME, begin, go, option, read, replies, request


def meta(name, *queries, number=10):
    data = struct.pack(">I", len(name)) + name.encode() + struct.pack(">I", len(queries))
    for query in queries:
        data += struct.pack(">I", len(query)) + query.encode()
    return option(number, data)


def selects(s, message):
    """Whether SET_META_CONTEXT was acknowledged with a context."""
    s.sendall(message)
    found = replies(s)
    return [kind for kind, _ in found] == [4, 1] and found[0][1][4:] == b"base:allocation"


def status_works(s, name=NAME):
    s.sendall(go(name))
    assert replies(s)[-1][0] == 1
    s.sendall(request(7, 99, 0, 4096))
    magic, _, kind, cookie, length = struct.unpack(">IHHQI", read(s, 20))
    assert magic == 0x668E33EF and cookie == 99
    payload = read(s, length)
    if kind == 5:
        return True
    assert kind == 0x8001 and struct.unpack(">I", payload[:4]) == (22,), (kind, payload)
    return False


def session(structured=True):
    s = begin()
    if structured:
        s.sendall(option(8))
        assert replies(s) == [(1, b"")]
    return s


good = meta(NAME, "base:allocation")

s = session(structured=False)
s.sendall(good)
assert replies(s)[-1][0] == 0x80000003

s = session()
assert selects(s, good) and status_works(s)
s = session()
assert not status_works(s)

for worse in (
    meta(NAME),
    meta(NAME, "base:"),
    meta(NAME, "x-unknown:thing"),
    meta("no such export", "base:allocation"),
    option(10, struct.pack(">I", 1000)),
    option(10, struct.pack(">I", len(NAME)) + NAME.encode() + struct.pack(">II", 1, 1000)),
):
    s = session()
    assert selects(s, good)
    assert not selects(s, worse)
    assert not status_works(s), worse
    s = session()
    assert not selects(s, worse)
    assert selects(s, good)
    assert status_works(s)

# What is no selection leaves it alone.
s = session()
assert selects(s, good)
for harmless in (meta(NAME, "base:", number=9), meta("no such export", number=9), option(3),
                 go("no such export"), option(4711, b"data")):
    s.sendall(harmless)
    replies(s)
assert status_works(s)
print("pass")
