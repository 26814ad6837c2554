#!/usr/bin/env bash
# What a person can get wrong when starting processes: a clear error, and nothing lost or half done.
# timeout: 600
. "$(dirname "$0")/../lib.sh"

say "flags"
refused 2 "wants an address" comet up --data "$DATA" --nbd nonsense
refused 2 "wants a size" comet up --data "$DATA" --size plenty
refused 2 "must lie between" comet up --data "$DATA" --nodes -1
refused 2 "insecure" comet up --data "$DATA" --nbd 0.0.0.0:0
refused 2 "unknown option" comet up --frobnicate
refused 1 "no config file" comet node --config "$IT_DIR/none.conf"
refused 2 "missing" comet meta
[[ ! -e $DATA ]] || fail "a start that was refused has made $DATA"

say "config files"
cat >"$IT_DIR/node.conf" <<'CONF'
name = node-1
domain = a
group = ["127.0.0.1:1"]
jornal-size = 1G
CONF
refused 1 "node.conf:4: .jornal-size. is no key.*journal-size" comet node --config "$IT_DIR/node.conf"
sed -i 's/jornal-size = 1G/journal-size = much/' "$IT_DIR/node.conf"
refused 1 "node.conf:4: .journal-size. wants a size" comet node --config "$IT_DIR/node.conf"
sed -i 's/journal-size = much/journal-memory = 60G\ndisks = [ { path = d } ]/' "$IT_DIR/node.conf"
refused 1 "journal-memory.* is more than there is" comet node --config "$IT_DIR/node.conf"
sed -i '/^disks/d; s/journal-memory = 60G/listen = "0.0.0.0:7491"/' "$IT_DIR/node.conf"
refused 1 "insecure = true" comet node --config "$IT_DIR/node.conf"

say "a folder with somebody else's files"
mkdir "$IT_DIR/home"
echo precious >"$IT_DIR/home/file"
refused 1 "not empty and not Comet" comet up --data "$IT_DIR/home"
[[ $(ls "$IT_DIR/home") == file ]] || fail "something was left in the folder"

say "a cluster to break"
SIZE=256M start_up
qemu-io -f raw -c 'write -P 0x42 0 4M' -c flush "$URI"

say "folder in use, port in use"
refused 1 "in use by process $UP_PID" comet up --data "$DATA"
refused 1 "$HOST_PORT.*(in use|already)" comet up --data "$IT_DIR/other" --nbd "$HOST_PORT" --admin 127.0.0.1:0
refused 1 "$(cat "$DATA/admin.address").*(in use|already)" \
    comet up --data "$IT_DIR/other" --nbd 127.0.0.1:0 --admin "$(cat "$DATA/admin.address")"
qemu-io -r -f raw -c 'read -P 0x42 0 4M' "$URI"
stop "$UP_PID"

good() {
    start_up
    qemu-io -r -f raw -c 'read -P 0x42 0 4M' "$URI"
    stop "$UP_PID"
}

say "a newer format"
cp -a "$DATA/comet.json" "$IT_DIR/keep.json"
sed -i 's/"format" *: *1/"format" : 99/' "$DATA/comet.json"
refused 1 "format 99" comet up --data "$DATA"
cp -a "$IT_DIR/keep.json" "$DATA/comet.json"
disk=$(find "$DATA" -name disk.json | sort | head -1)
cp -a "$disk" "$IT_DIR/keep-disk.json"
sed -i 's/"format" *: *[0-9]*/"format" : 99/' "$disk"
refused 1 "format|newer" comet up --data "$DATA" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
cp -a "$IT_DIR/keep-disk.json" "$disk"
good

say "a folder of another role, and of another cluster"
refused 1 "belongs to a cluster in one process" comet up --data "$DATA" --nodes 2
cp -a "$DATA/comet.json" "$IT_DIR/keep.json"
sed -i 's/"cluster" *: *"[^"]*"/"cluster" : "00000000-0000-0000-0000-000000000001"/' "$DATA/comet.json"
refused 1 "cluster" comet up --data "$DATA" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
cp -a "$IT_DIR/keep.json" "$DATA/comet.json"
good

say "an older copy of the gateway's identity"
cp -a "$DATA/comet.json" "$IT_DIR/newest.json"
cp -a "$IT_DIR/keep.json" "$DATA/comet.json"
refused 1 "started again since" comet up --data "$DATA" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
cp -a "$IT_DIR/newest.json" "$DATA/comet.json"
good

say "a disk that is not mounted: an empty folder, or none"
disk_folder=$(dirname "$disk")
mv "$disk_folder" "$IT_DIR/away"
refused 1 "mount" comet up --data "$DATA" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
mkdir "$disk_folder"
refused 1 "mount" comet up --data "$DATA" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
[[ -z $(find "$disk_folder" -name disk.json) ]] || fail "an empty folder was made a disk again"
rm -rf "$disk_folder"
mv "$IT_DIR/away" "$disk_folder"
good

say "a disk of another cluster"
(
    DATA=$IT_DIR/foreign
    SIZE=64M start_up
    stop "$UP_PID"
)
mv "$disk_folder" "$IT_DIR/away"
cp -a "$IT_DIR/foreign/${disk_folder#"$DATA/"}" "$disk_folder"
refused 1 "cluster|another disk" comet up --data "$DATA" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
rm -rf "$disk_folder"
mv "$IT_DIR/away" "$disk_folder"
good

say "a read-only data folder"
if ((EUID == 0)); then
    mkdir -p "$IT_DIR/mnt"
    if mount --bind "$DATA" "$IT_DIR/mnt" && mount -o remount,ro,bind "$IT_DIR/mnt"; then
        refused 1 "read-only" comet up --data "$IT_DIR/mnt" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
        umount "$IT_DIR/mnt"
    fi
fi
good

say "a file system that keeps no promises"
if [[ -d /dev/shm && $(stat -f -c %T /dev/shm) == tmpfs ]]; then
    shm=$(mktemp -d /dev/shm/comet-it.XXXXXX)
    status=0
    refused 1 "ext4|file system" comet up --data "$shm/data" --nbd 127.0.0.1:0 --admin 127.0.0.1:0 || status=$?
    rm -rf "$shm"
    ((status == 0))
fi

say "an older copy of the data folder (restored from a backup)"
start_up
stop "$UP_PID"
cp -a "$disk_folder" "$IT_DIR/backup"
good
rm -rf "$disk_folder"
cp -a "$IT_DIR/backup" "$disk_folder"
refused 1 "older|copy" comet up --data "$DATA" --nbd 127.0.0.1:0 --admin 127.0.0.1:0
