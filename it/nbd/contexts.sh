#!/usr/bin/env bash
# Selecting metadata contexts, also with what libnbd would not send.
. "$(dirname "$0")/lib.sh"
python3 "$NBD_HERE/contexts.py"
