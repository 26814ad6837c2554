#!/usr/bin/env bash
# Builds what a test guest boots from: Debian's cloud kernel and an initramfs of busybox,
# e2fsprogs and sqlite3, taken from this machine's packages.
#
#   build.sh DIR     leaves DIR/vmlinuz and DIR/initrd; does nothing where they are up to date
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
# Several tests may want it at the same time: the first one builds.
exec 9>"$dir/lock"
flock 9
[ "$dir/initrd" -nt "$here/init" ] && [ "$dir/initrd" -nt "$here/build.sh" ] &&
    [ -s "$dir/vmlinuz" ] && exit 0

work=$dir/work
rm -rf "$work"
mkdir -p "$work/root"/{bin,dev,proc,sys,mnt,tmp,lib/modules}

fetch_kernel() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image-/{print $2; exit}')
    [ -n "$package" ] || { echo "no package linux-image-cloud-amd64: run apt-get update" >&2; exit 1; }
    (cd "$work" && apt-get download "$package" >/dev/null 2>&1)
    dpkg-deb -x "$work/$package"_*.deb "$work/kernel"
}

# Copies a program and the libraries that it is linked to.
add_program() {
    local lib
    cp -L "$1" "$work/root/bin/"
    for lib in $(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true); do
        mkdir -p "$work/root$(dirname "$lib")"
        cp -L "$lib" "$work/root$lib"
    done
}

fetch_kernel
cp "$work"/kernel/boot/vmlinuz-* "$dir/vmlinuz"
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk; do
    cp "$(find "$work/kernel/lib/modules" -name "$module.ko")" "$work/root/lib/modules/"
done
add_program "$(command -v busybox)"
for program in mkfs.ext4 e2fsck sqlite3; do
    add_program "$(PATH=$PATH:/usr/sbin:/sbin command -v "$program")"
done
cp /bin/sync "$work/root/bin/fsync" # coreutils' own syncs the files that it is given
install -m 755 "$here/init" "$work/root/init"
(cd "$work/root" && find . | cpio --quiet -o -H newc | gzip -1) >"$dir/initrd.part"
mv "$dir/initrd.part" "$dir/initrd"
rm -rf "$work"
