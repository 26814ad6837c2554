#!/usr/bin/env bash
# Clients that break off, send rubbish or never read, beside one that must not notice them.
. "$(dirname "$0")/lib.sh"
python3 "$NBD_HERE/hostile.py"
