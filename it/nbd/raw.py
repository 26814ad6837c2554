"""NBD on a plain socket, for what no decent client would send."""

import os
import socket
import struct
from urllib.parse import parse_qs, unquote, urlparse

URI = urlparse(os.environ["NBD_URI"])
NAME = unquote(URI.path.lstrip("/"))
OPTION = 0x49484156454F5054


def connect():
    if "unix" in URI.scheme:
        s = socket.socket(socket.AF_UNIX)
        # Blocking: with a time limit, a full queue of connections would be an error.
        s.connect(parse_qs(URI.query)["socket"][0])
        s.settimeout(30)
    else:
        s = socket.create_connection((URI.hostname, URI.port or 10809), 30)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def option(number, data=b""):
    return struct.pack(">QII", OPTION, number, len(data)) + data


def go(name=NAME):
    name = name.encode()
    return option(7, struct.pack(">I", len(name)) + name + struct.pack(">H", 0))


def request(command, cookie, offset=0, length=0, flags=0, data=b""):
    return struct.pack(">IHHQQI", 0x25609513, flags, command, cookie, offset, length) + data


def read(s, count):
    data = b""
    while len(data) < count:
        part = s.recv(count - len(data))
        if not part:
            raise EOFError(f"closed after {len(data)} of {count} bytes")
        data += part
    return data


def begin():
    """A connection that is ready for options."""
    s = connect()
    read(s, 18)
    s.sendall(struct.pack(">I", 3))
    return s


def enter():
    """A connection that is ready for requests, with simple replies."""
    s = begin()
    s.sendall(go())
    read(s, 20 + 12 + 20)
    return s


def replies(s):
    """All replies to an option, the last one included: (type, data)."""
    found = []
    while not found or found[-1][0] != 1 and not found[-1][0] & 0x80000000:
        magic, _, kind, length = struct.unpack(">QIII", read(s, 20))
        assert magic == 0x3E889045565A9
        found.append((kind, read(s, length)))
    return found


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
