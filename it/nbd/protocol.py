"""Corner cases, spoken by libnbd. Everything is one function; all of them run."""

import errno
import os
import sys

import nbd

URI = os.environ["NBD_URI"]
READ_ONLY = os.environ.get("NBD_URI_READ_ONLY")
NAME = URI.split("?")[0].rsplit("/", 1)[1]
MIB = 1 << 20


def connect(uri=URI, options=False, structured=True, context=True, strict=False):
    h = nbd.NBD()
    h.set_request_structured_replies(structured)
    if context:
        h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    h.set_opt_mode(options)
    h.set_pread_initialize(False)
    h.set_uri_allow_local_file(True)
    h.connect_uri(uri)
    if not strict:
        h.set_strict_mode(0)
    return h


def fails(want, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except nbd.Error as e:
        assert e.errnum == want, f"{call} {args}: {e}, not {errno.errorcode[want]}"
        return
    raise AssertionError(f"{call} {args} did not fail")


def test_flags_and_sizes():
    for structured in (True, False):
        h = connect(structured=structured)
        assert h.get_protocol() == "newstyle-fixed"
        assert h.get_structured_replies_negotiated() == structured
        assert h.can_df() == structured
        assert h.can_meta_context("base:allocation") == structured
        for offered in (h.can_flush, h.can_fua, h.can_trim, h.can_zero, h.can_fast_zero,
                        h.can_cache, h.can_multi_conn):
            assert offered(), offered
        assert not h.is_read_only() and not h.is_rotational()
        assert h.get_block_size(nbd.SIZE_MINIMUM) == 1
        assert h.get_block_size(nbd.SIZE_PREFERRED) == 4096
        assert h.get_block_size(nbd.SIZE_MAXIMUM) == 32 * MIB
        h.shutdown()


def test_options():
    h = connect(options=True)
    names = []
    assert h.opt_list(lambda name, description: names.append(name)) == len(names)
    assert NAME in names
    h.set_export_name("no such export")
    fails(errno.ENOENT, h.opt_info)
    fails(errno.ENOENT, h.opt_go)
    h.set_export_name(NAME)
    h.opt_info()
    size, flags = h.get_size(), (h.can_trim(), h.can_multi_conn(), h.can_df())
    found = []
    h.clear_meta_contexts()
    h.opt_list_meta_context(found.append)
    assert found == ["base:allocation"], found
    h.add_meta_context("base:")
    h.add_meta_context("x-unknown:thing")
    found.clear()
    h.opt_list_meta_context(found.append)
    assert found == ["base:allocation"], found
    h.clear_meta_contexts()
    h.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    h.opt_go()
    assert (size, flags) == (h.get_size(), (h.can_trim(), h.can_multi_conn(), h.can_df()))
    assert h.can_meta_context("base:allocation")
    h.shutdown()


def test_abort():
    h = connect(options=True)
    h.opt_abort()
    assert h.aio_is_closed() or h.aio_is_dead()


def test_past_the_end():
    for structured in (True, False):
        h = connect(structured=structured)
        size = h.get_size()
        data = b"x" * 1024
        for offset in (size - 512, size, size + 1, 1 << 62, (1 << 63) - 1024):
            fails(errno.EINVAL, h.pread, 1024, offset)
            fails(errno.ENOSPC, h.pwrite, data, offset)
            fails(errno.ENOSPC, h.zero, 1024, offset)
            fails(errno.EINVAL, h.trim, 1024, offset)
            fails(errno.EINVAL, h.cache, 1024, offset)
            if structured:
                fails(errno.EINVAL, h.block_status, 1024, offset, lambda *_: 0)
        h.pwrite(data, size - 1024)
        assert h.pread(1024, size - 1024) == data
        h.shutdown()


def test_flags():
    h = connect()
    for flag in (2, 8, 16, 64, 0x8000):
        fails(errno.EINVAL, h.pread, 512, 0, flag)
    for flag in (2, 4, 8, 16, 64):
        fails(errno.EINVAL, h.pwrite, b"y" * 5000, 0, flag)
    for flag in (4, 8, 64):
        fails(errno.EINVAL, h.zero, 512, 0, flag)
    fails(errno.EINVAL, h.flush, 2)
    fails(errno.EINVAL, h.trim, 512, 0, 16)
    fails(errno.EINVAL, h.cache, 512, 0, 4)
    fails(errno.EINVAL, h.block_status, 512, 0, lambda *_: 0, 4)
    # FUA is offered, so it is right on everything.
    h.pwrite(b"z" * 512, 0, nbd.CMD_FLAG_FUA)
    assert h.pread(512, 0, nbd.CMD_FLAG_FUA) == b"z" * 512
    h.flush(nbd.CMD_FLAG_FUA)
    h.trim(4096, 0, nbd.CMD_FLAG_FUA)
    h.cache(512, 0, nbd.CMD_FLAG_FUA)
    h.zero(512, 0, nbd.CMD_FLAG_FUA)
    h.block_status(512, 0, lambda *_: 0, nbd.CMD_FLAG_FUA)
    h.shutdown()
    h = connect(structured=False)
    fails(errno.EINVAL, h.pread, 512, 0, nbd.CMD_FLAG_DF)
    h.shutdown()


def test_length_zero():
    for structured in (True, False):
        h = connect(structured=structured)
        assert h.pread(0, 0) == b""
        h.pwrite(b"", 0)
        h.zero(0, 0)
        h.trim(0, 0)
        h.cache(0, 0)
        if structured:
            fails(errno.EINVAL, h.block_status, 0, 0, lambda *_: 0)
        h.flush()
        h.shutdown()


def test_zeroes():
    h = connect()
    pattern = os.urandom(3 * MIB)
    h.pwrite(pattern, MIB)
    h.zero(5000, MIB + 777)
    want = pattern[:777] + bytes(5000) + pattern[5777:]
    assert h.pread(3 * MIB, MIB) == want
    h.zero(4096, MIB, nbd.CMD_FLAG_NO_HOLE)
    assert h.pread(4096, MIB) == bytes(4096)
    h.pwrite(b"k" * 8192, MIB)
    try:
        h.zero(8192, MIB, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FAST_ZERO)
        assert h.pread(8192, MIB) == bytes(8192)
    except nbd.Error as e:
        assert e.errnum == errno.ENOTSUP, e
        assert h.pread(8192, MIB) == b"k" * 8192
    # All of it, in one request without payload.
    h.zero(min(h.get_size(), (1 << 32) - 4096), 0)
    assert h.pread(3 * MIB, MIB) == bytes(3 * MIB)
    h.shutdown()


def read_chunks(h, length, offset, flags=0):
    """The chunks of a structured read, each (offset, length, is hole)."""
    chunks = []

    def chunk(data, at, status, error):
        chunks.append((at, len(data), status == nbd.READ_HOLE))
        assert status != nbd.READ_ERROR

    data = h.pread_structured(length, offset, chunk, flags)
    covered = sum(c[1] for c in chunks)
    assert covered == length, chunks
    end = offset
    for at, n, _ in sorted(chunks):
        assert at == end and n > 0, chunks
        end = at + n
    return data, chunks


def test_structured_reads():
    h = connect()
    h.zero(20 * MIB, 0)
    data = os.urandom(MIB)
    h.pwrite(data, 9 * MIB)
    got, chunks = read_chunks(h, 16 * MIB, 0)
    assert got == bytes(9 * MIB) + data + bytes(6 * MIB)
    got, chunks = read_chunks(h, 16 * MIB, 0, nbd.CMD_FLAG_DF)
    assert got == bytes(9 * MIB) + data + bytes(6 * MIB)
    assert len(chunks) == 1 and not chunks[0][2], chunks
    got, chunks = read_chunks(h, 65536, 9 * MIB - 1, nbd.CMD_FLAG_DF)
    assert got == b"\0" + data[:65535] and len(chunks) == 1
    got, chunks = read_chunks(h, 32 * MIB, 1)
    assert got[9 * MIB - 1:10 * MIB - 1] == data
    h.shutdown()


def status(h, length, offset, flags=0):
    found = []

    def extent(context, at, entries, error):
        assert context == "base:allocation" and at == offset, (context, at)
        found.extend(entries)

    h.block_status(length, offset, extent, flags)
    lengths, states = found[0::2], found[1::2]
    assert lengths and all(n > 0 for n in lengths), found
    assert sum(lengths[:-1]) < length
    if flags & nbd.CMD_FLAG_REQ_ONE:
        assert len(lengths) == 1 and lengths[0] <= length, found
    return list(zip(lengths, states))


def test_status():
    h = connect()
    size = h.get_size()
    h.zero(min(size, 48 * MIB), 0)
    h.pwrite(os.urandom(4 * MIB), 8 * MIB)
    data = 0
    at = 0
    while at < 32 * MIB:
        for n, state in status(h, 32 * MIB - at, at):
            if state & nbd.STATE_ZERO:
                assert h.pread(min(n, 65536), at) == bytes(min(n, 65536))
            else:
                data += n
            at += n
    assert data >= 4 * MIB
    status(h, 16 * MIB, 0, nbd.CMD_FLAG_REQ_ONE)
    status(h, 1, 8 * MIB + 7, nbd.CMD_FLAG_REQ_ONE)
    status(h, 512, size - 512)
    status(h, min(size, (1 << 32) - 512), 0)
    h.shutdown()


def test_read_only():
    if not READ_ONLY:
        return
    h = connect(READ_ONLY)
    assert h.is_read_only()
    for call in (lambda: h.pwrite(b"x" * 512, 0), lambda: h.zero(512, 0), lambda: h.trim(512, 0)):
        fails(errno.EPERM, call)
    h.flush()
    h.pread(512, 0)
    h.shutdown()


def test_the_largest_payload():
    h = connect()
    data = os.urandom(32 * MIB)
    h.pwrite(data, 12345)
    assert h.pread(len(data), 12345) == data
    h.shutdown()


def test_disconnect_finishes_what_is_in_flight():
    h = connect()
    data = [os.urandom(200_000) for _ in range(40)]
    done = []
    cookies = [h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray(d)), i * 300_000,
                            completion=lambda error: done.append(error.value) or 0)
               for i, d in enumerate(data)]
    h.aio_disconnect()
    while not (h.aio_is_closed() or h.aio_is_dead()):
        h.poll(-1)
    assert done == [0] * len(cookies), done
    h = connect()
    for i, d in enumerate(data):
        assert h.pread(len(d), i * 300_000) == d
    h.shutdown()


def test_several_connections_see_each_other():
    handles = [connect() for _ in range(4)]
    assert all(h.can_multi_conn() for h in handles)
    for i, h in enumerate(handles):
        h.pwrite(bytes([i + 1]) * 4096, i * 4096)
    handles[0].flush()
    for h in handles:
        for i in range(4):
            assert h.pread(4096, i * 4096) == bytes([i + 1]) * 4096
    for h in handles:
        h.shutdown()


def test_many_requests_at_once():
    h = connect()
    done = []
    for i in range(400):
        buffer = nbd.Buffer.from_bytearray(bytearray([i % 256]) * 4096)
        h.aio_pwrite(buffer, i * 4096, completion=lambda error: done.append(error.value) or 1)
    while len(done) < 400:
        h.poll(-1)
    assert done == [0] * 400
    for i in range(0, 400, 37):
        assert h.pread(4096, i * 4096) == bytes([i % 256]) * 4096
    h.shutdown()


failed = 0
for name, test in list(globals().items()):
    if name.startswith("test_"):
        try:
            test()
            print("pass", name)
        except (AssertionError, nbd.Error) as e:
            failed += 1
            print("FAIL", name, repr(e))
sys.exit(1 if failed else 0)
