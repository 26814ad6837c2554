"""What the measurements share: the targets, each started in a folder of its own, and one fio job."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")

# Whoever ends a measurement gets its processes ended as well: `finally` runs.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
JOURNAL = 1 << 30  # bytes of a disk's journal, where the config says nothing

# name, rw, block size, depth, jobs, fsync
MATRIX = [
    ("randread-q1", "randread", "4k", 1, 1, 0),
    ("randread-q32", "randread", "4k", 32, 1, 0),
    ("randwrite-q1", "randwrite", "4k", 1, 1, 0),
    ("randwrite-q32", "randwrite", "4k", 32, 1, 0),
    ("mixed70-q32", "randrw", "4k", 32, 1, 0),
    ("randwrite-flush", "randwrite", "4k", 1, 1, 1),
    ("read128k-q8", "read", "128k", 8, 1, 0),
    ("write128k-q8", "write", "128k", 8, 1, 0),
    ("read4m-q4", "read", "4m", 4, 1, 0),
    ("write4m-q4", "write", "4m", 4, 1, 0),
    ("randread-t4", "randread", "4k", 1, 4, 0),
    ("randread-t16", "randread", "4k", 1, 16, 0),
    ("randwrite-t4", "randwrite", "4k", 1, 4, 0),
    ("randwrite-t16", "randwrite", "4k", 1, 16, 0),
    ("read128k-t16", "read", "128k", 1, 16, 0),
    ("write128k-t16", "write", "128k", 1, 16, 0),
]

# Where large writes are worth their own way: --sizes of bench/compare.
SIZES = [
    (f"{rw}-{bs}", rw, bs, 8, 1, 0) for bs in ("16k", "32k", "64k", "128k") for rw in ("write", "randwrite")
]


def size_bytes(text):
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    return int(text[:-1]) * units[text[-1].lower()] if text[-1].lower() in units else int(text)


def cpu_seconds(pids):
    """User and system time of processes so far, and of the whole machine."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        total += int(fields[11]) + int(fields[12])
    machine = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    busy = sum(int(machine[i]) for i in (1, 2, 3, 6, 7, 8))
    return total / TICKS, busy / TICKS


class Nbdkit:
    name = "nbdkit"

    def __init__(self, work, size):
        self.raw = work / "nbdkit.raw"
        subprocess.run(["fallocate", "-l", str(size), self.raw], check=True)
        self.socket = work / "nbdkit.sock"
        self.process = subprocess.Popen(
            ["nbdkit", "-f", "-U", self.socket, "file", self.raw]
        )
        wait_for(self.socket.exists, "nbdkit's socket")
        self.uri = f"nbd+unix:///?socket={self.socket}"
        self.pids = [self.process.pid]

    def settle(self):
        """Waits until nothing is left to be done of earlier jobs."""
        os.sync()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def remove(self):
        self.raw.unlink()


class Comet:
    def __init__(self, work, size, nodes, settings=(), name=None):
        self.name = name or ("comet" if nodes else "embedded")
        self.data = work / self.name
        command = [ROOT / "comet", "up", "--data", self.data, "--size", str(size)]
        command += ["--nbd", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        if nodes:
            command += ["--nodes", str(nodes)]
        for setting in settings:
            command += ["--set", setting]
        self.log = open(work / f"{self.name}.log", "w")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, start_new_session=True
        )
        for line in self.process.stdout:
            if line.startswith("ready "):
                break
        else:
            sys.exit(f"comet did not start: see {self.log.name}")
        socket = self.data / "nbd.sock"
        if not socket.exists():
            socket = next(self.data.glob("gateway-*/nbd.sock"))
        self.uri = f"nbd+unix:///disk0?socket={socket}"
        run = self.data / "run"
        self.processes = {p.stem: int(p.read_text()) for p in sorted(run.glob("*.pid")) if nodes}
        self.pids = list(self.processes.values()) or [self.process.pid]

    def settle(self):
        """Waits until everything has gone from the journals to its place."""
        for folder in self.folders():
            wait_for(
                lambda: metric(folder, "comet_disk_journal_used_ratio") == 0, f"{folder}'s checkpoint", 300
            )
        os.sync()

    def folders(self):
        """Where processes with disks answer on their admin sockets."""
        return [self.data / name for name in self.processes if name.startswith("node")] or [self.data]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)

    def remove(self):
        shutil.rmtree(self.data)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def metric(folder, name):
    """Sum of a metric of one process."""
    connection = UnixConnection(folder / "admin.sock")
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(float(value) for value in re.findall(rf"^{name}\S* (\S+)$", text, re.M))


def wait_for(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {seconds} s for {what}")
        time.sleep(0.05)


def by_second(lines):
    """Bandwidth of each second from the first to the last in fio's logs of one job, a log for each stream.

    fio writes a line for each second and direction, some milliseconds early or late, and none where
    nothing completed: such a second counts as 0."""
    seconds = {}
    for line in lines:
        when, bandwidth = (int(x) for x in line.split(",")[:2])
        second = (when + 500) // 1000
        seconds[second] = seconds.get(second, 0) + bandwidth
    return [seconds.get(t, 0) for t in range(min(seconds), max(seconds) + 1)] if seconds else []


def fio(target, name, rw, bs, depth, jobs, fsync, size, runtime=None, ramp=1, extra=()):
    """One job; with `runtime`, for so many seconds after `ramp` unmeasured ones, else once over `size`."""
    part = size // jobs
    options = [f"--name={name}", "--ioengine=nbd", f"--uri={target.uri}", f"--rw={rw}", f"--bs={bs}"]
    options += [f"--iodepth={depth}", f"--numjobs={jobs}", "--group_reporting", "--randrepeat=0"]
    if rw in ("read", "write"):
        options += [f"--size={part}", f"--offset_increment={part}"]
    else:
        options += [f"--size={size}", "--norandommap"]
    if rw == "randrw":
        options.append("--rwmixread=70")
    if fsync:
        options.append(f"--fsync={fsync}")
    if runtime:
        options += ["--time_based", f"--runtime={runtime}", f"--ramp_time={ramp}"]
    options += ["--lat_percentiles=1", "--clat_percentiles=0", "--percentile_list=50:99:99.9"]
    options += ["--refill_buffers", "--output-format=json", *extra]
    servers, machine = cpu_seconds(target.pids)
    children = os.times()
    started = time.monotonic()
    run = subprocess.run(["fio", *options], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"fio failed on {target.name}, {name}:\n{run.stderr}\n{run.stdout[-2000:]}")
    wall = time.monotonic() - started
    servers2, machine2 = cpu_seconds(target.pids)
    now = os.times()
    client = now.children_user + now.children_system - children.children_user - children.children_system
    job = json.loads(run.stdout[run.stdout.index("{"):])["jobs"][0]
    sides = [job[s] for s in ("read", "write") if job[s]["total_ios"]]
    ops = sum(s["iops"] for s in sides)
    # The CPU time is of the ramp, too.
    requests = ops * (runtime + ramp) if runtime and ramp else sum(s["total_ios"] for s in sides)
    cpu = client + servers2 - servers
    timed = [job["sync"]] if fsync else sides  # a flush takes longer than the write before it
    percentile = {
        p: max(s["lat_ns"].get("percentile", {}).get(p, 0) for s in timed) / 1000
        for p in ("50.000000", "99.000000", "99.900000")
    }
    return {
        "requests": requests,
        "iops": ops,
        "mbps": sum(s["bw_bytes"] for s in sides) / 1e6,
        "cpu_us": cpu / requests * 1e6 if requests else 0,
        "oth": 100 * (machine2 - machine - cpu) / wall,
        "p50": percentile["50.000000"],
        "p99": percentile["99.000000"],
        "p999": percentile["99.900000"],
    }
