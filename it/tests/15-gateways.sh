#!/usr/bin/env bash
# Two gateways: a volume migrates between them while a client writes and verifies; takeover, pinning,
# detaching by force, the grace period of deleted volumes, metrics, and a gateway that cannot flush.
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$COMET_ROOT/it/byhand.sh"

by_hand 64M "moved taken pinned forced dropped gone kept"

cat >"$IT_DIR/two.py" <<'PYTHON'
# A client at each gateway: two("moved") has .one and .two; patterns are kept in .blocks.
import errno, json, nbd, random, subprocess, sys
BLOCK = 4096

class Two:
    def __init__(self, volume):
        self.one, self.two = (self.connect(volume, g) for g in ("g1", "g2"))
        self.blocks = {}
        self.random = random.Random(7)

    @staticmethod
    def connect(volume, gateway):
        h = nbd.NBD()
        h.connect_uri(f"nbd+unix:///{volume}?socket={sys.argv[1]}/{gateway}/nbd.sock")
        return h

    def write(self, h, count):
        for _ in range(count):
            at = self.random.randrange(8192)
            self.blocks[at] = self.random.randbytes(BLOCK)
            h.pwrite(self.blocks[at], at * BLOCK)
            some = self.random.choice(sorted(self.blocks))
            assert h.pread(BLOCK, some * BLOCK) == self.blocks[some], f"block {some} differs"

    def verify(self, h):
        for at, data in self.blocks.items():
            assert h.pread(BLOCK, at * BLOCK) == data, f"block {at} is not what was written"

def fails(call, *errors):
    try:
        call()
    except nbd.Error as e:
        assert e.errnum in errors, f"{e} is not among {errors}"
        return
    raise AssertionError("went through, but must not")

def cli(gateway, *words):
    return subprocess.run([sys.argv[2], *words, "--admin", f"{sys.argv[1]}/{gateway}/admin.sock"],
                          check=True, stdout=subprocess.PIPE, text=True).stdout

def held_by(volume, gateway):
    info = json.loads(cli(gateway, "volume", "info", volume, "--json"))
    assert (info["gateway"], info["migrateTo"]) == (gateway, None), info
PYTHON
client() { (cd "$IT_DIR" && PYTHONPATH=$IT_DIR python3 - "$IT_DIR" "$COMET_ROOT/comet"); }

say "migrate: the source writes on until the target's first write"
client <<'PYTHON'
import subprocess
from two import *
t = Two("moved")
t.write(t.one, 300)
t.one.flush()
fails(lambda: t.two.pwrite(b"x" * BLOCK, 0), errno.EPERM, errno.EIO)
t.verify(t.two)
mark = subprocess.Popen([sys.argv[2], "volume", "migrate", "moved", "--to", "g2", "--admin",
                         f"{sys.argv[1]}/g1/admin.sock"], stdout=subprocess.DEVNULL)
while mark.poll() is None:
    t.write(t.one, 20)
assert mark.returncode == 0
t.write(t.one, 200)
t.one.flush()
t.verify(t.two)
t.write(t.two, 300)
t.verify(t.two)
fails(lambda: t.one.pwrite(b"late" * 1024, 0), errno.ESHUTDOWN, errno.EPERM, errno.EIO, errno.ENOTCONN)
t.verify(t.two)
again = Two.connect("moved", "g1")
assert again.pread(BLOCK, BLOCK * min(t.blocks)) == t.blocks[min(t.blocks)]
fails(lambda: again.pwrite(b"x" * BLOCK, 0), errno.EPERM, errno.EIO)
t.two.flush()
t.verify(t.two)
held_by("moved", "g2")
PYTHON
refused 1 "no gateway" at g1 volume migrate moved --to g9

say "takeover"
client <<'PYTHON'
from two import *
t = Two("taken")
t.write(t.one, 100)
t.one.flush()
try:
    subprocess.run([sys.argv[2], "volume", "attach", "taken", "--admin", f"{sys.argv[1]}/g2/admin.sock"],
                   check=True, stderr=subprocess.PIPE, text=True)
    raise AssertionError("attached although another gateway holds it")
except subprocess.CalledProcessError as e:
    assert "takeover" in e.stderr or "take it over" in e.stderr, e.stderr
cli("g2", "volume", "attach", "taken", "--takeover")
fails(lambda: t.one.pwrite(b"late" * 1024, 0), errno.ESHUTDOWN, errno.EPERM, errno.EIO, errno.ENOTCONN)
t.verify(t.two)
t.write(t.two, 50)
t.two.flush()
held_by("taken", "g2")
PYTHON
refused 1 "this is gateway g1" at g1 volume attach taken --gateway g2

say "attach pins a volume, detach ends it; others go when nobody uses them"
at g2 volume attach pinned
IT_WAIT=20 await is moved state detached
is pinned state attached || fail "a pinned volume was detached"
is taken state attached || fail "a volume that was taken over is not pinned"
at g2 volume detach pinned
is pinned state detached || fail "pinned is still attached"
at g2 volume detach taken

say "detach by force, of a gateway that lives"
client <<'PYTHON'
from two import *
t = Two("dropped")
t.write(t.one, 50)
t.one.flush()
cli("g2", "volume", "detach", "dropped", "--force")
t.verify(t.two)
t.write(t.two, 50)
fails(lambda: t.one.pwrite(b"late" * 1024, 0), errno.ESHUTDOWN, errno.EPERM, errno.EIO, errno.ENOTCONN)
t.two.flush()
t.verify(t.two)
PYTHON

say "and of one that is gone"
qemu-io -f raw -c 'write -P 0x41 0 8M' -c flush "nbd+unix:///forced?socket=$IT_DIR/g1/nbd.sock"
at g1 volume attach forced
kill9 "${PID[g1]}"
refused 1 "attached to gateway g1.*--force" at g2 volume detach forced
at g2 volume detach forced --force
is forced state detached || fail "forced is still attached"
qemu-io -f raw -c 'read -P 0x41 0 8M' -c 'write -P 0x42 4M 4M' -c flush "nbd+unix:///forced?socket=$IT_DIR/g2/nbd.sock"
begin gateway g1
begun g1
qemu-io -r -f raw -c 'read -P 0x42 4M 4M' "nbd+unix:///forced?socket=$IT_DIR/g1/nbd.sock"

say "deleted volumes: restored, purged, and purged when their time is over"
qemu-io -f raw -c 'write -P 0x51 0 8M' -c flush "nbd+unix:///kept?socket=$IT_DIR/g1/nbd.sock"
at g1 volume delete kept
is kept state deleted || fail "kept is not deleted"
at g2 volume create kept --size 4M
refused 1 "already|taken" at g2 volume restore kept
at g2 volume delete kept
at g2 volume purge kept
at g1 volume restore kept
qemu-io -r -f raw -c 'read -P 0x51 0 8M' "nbd+unix:///kept?socket=$IT_DIR/g2/nbd.sock"
stop "${PID[n1]}"
begin node n1 --set meta.grace-period=1s
begun n1
at g1 volume delete gone
purged() { ! at g1 volume info gone; }
IT_WAIT=20 await purged
is kept state detached || is kept state attached || fail "kept is gone, too"
IT_WAIT=30 await at g1 cluster health

say "metrics of each process, as Prometheus reads them"
metrics() { # NAME WANTED…
    curl -s --unix-socket "$IT_DIR/$1/admin.sock" http://localhost/metrics >"$IT_DIR/metrics"
    "$COMET_ROOT/it/tools/check-metrics" "${@:2}" <"$IT_DIR/metrics" || fail "metrics of $1: see above"
}
volume='volume="kept",operation'
metrics g1 "comet_volume_operation_seconds_count{$volume=\"write\"}" "comet_volume_operation_seconds_count{$volume=\"flush\"}" \
    "comet_volume_bytes_total{$volume=\"write\"}" 'comet_volume_unsynced_bytes{volume="kept"}=0'
metrics g2 "comet_volume_operation_seconds_bucket{$volume=\"read\"}" "comet_volume_bytes_total{$volume=\"read\"}"
for disk in 1 2; do
    metrics n$disk "comet_disk_operations_total{operation=\"read\"}=0" "comet_disk_operations_total{operation=\"write\"}=0" \
        'comet_disk_operation_seconds_bucket{operation="read"}=0' 'comet_disk_capacity_bytes' \
        'comet_disk_used_bytes=0' 'comet_disk_journal_used_ratio=0' 'comet_disk_unsynced_bytes=0'
done

say "every process says how full all disks are"
for name in n1 n2 g1 g2; do
    [[ $(at $name disk list --json | jq '[.disks[] | select(.capacityBytes > 0 and .level != null)] | length') == 2 ]] ||
        fail "$name does not know the use of all disks: $(at $name disk list)"
    [[ $(at $name node list --json | jq '[.nodes[] | select(.capacityBytes > 0)] | length') == 2 ]]
    [[ $(at $name cluster status --json | jq '.usedBytes != null and .capacityBytes > 0') == true ]]
done

say "a gateway that cannot flush says so, and a second signal ends it at once"
kill9 "${PID[n2]}"
kill9 "${PID[n1]}"
qemu-io -f raw -c 'write -P 0x61 0 4M' "nbd+unix:///kept?socket=$IT_DIR/g1/nbd.sock" >/dev/null 2>&1 &
own $!
busy() {
    curl -s --unix-socket "$IT_DIR/g1/admin.sock" http://localhost/metrics | grep -q '^comet_nbd_requests_in_flight{.* [1-9]'
}
IT_WAIT=20 await busy
kill -TERM "${PID[g1]}"
await_line "${PID[g1]}" "$IT_DIR/g1.log" 'event=draining requests=[1-9]'
kill -TERM "${PID[g1]}"
wait_gone "${PID[g1]}" 5 || fail "the second signal did not end the gateway"
status=0
wait "${PID[g1]}" || status=$?
((status == 1)) || fail "status $status after the second signal"
grep -q 'a second signal: stopping at once' "$IT_DIR/g1.log"
