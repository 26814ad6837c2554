#!/usr/bin/env bash
# The launcher finds a JDK by itself, the CLI answers fast and says what is wrong.
. "$(dirname "$0")/../lib.sh"

say "help and version"
comet --help | grep -q volume
comet --version | grep -q '^comet '
comet volume --help | grep -q create

say "also where the default java is another"
env -u JAVA_HOME PATH=/usr/bin:/bin "$COMET_ROOT/comet" --version | grep -q '^comet '

say "wrong usage"
refused 2 "unknown|unmatched" comet volume frobnicate
refused 2 "which command" comet volume
refused 2 "size" comet volume create a --size 10X
refused 2 "missing" comet volume create a

say "no cluster there"
refused 1 "no answer from the admin API" comet cluster status --data "$IT_DIR/none"
refused 1 "token" comet cluster status --admin 127.0.0.1:1
COMET_TOKEN=x refused 1 "no answer from the admin API" comet cluster status --admin 127.0.0.1:1
