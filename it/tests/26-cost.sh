#!/usr/bin/env bash
# What a request costs all processes together has not grown: system calls, wake-ups, bytes allocated.
# optimised
# timeout: 300
. "$(dirname "$0")/../lib.sh"

strace -o /dev/null true || skip "strace may not trace here"
"$COMET_ROOT/bench/cost" --check --runtime 2
