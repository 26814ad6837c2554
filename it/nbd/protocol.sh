#!/usr/bin/env bash
# Corner cases of the protocol with libnbd, which says exactly what a server sent.
. "$(dirname "$0")/lib.sh"
# The module belongs to the system's own Python, which need not be the first one.
for python in python3 /usr/bin/python3; do
    if "$python" -c 'import nbd' 2>/dev/null; then
        "$python" "$NBD_HERE/protocol.py"
        exit
    fi
done
echo "not installed: python3-libnbd"
exit 77
