#!/usr/bin/env bash
# nbdinfo: what the server says about its exports, and that a map covers everything.
. "$(dirname "$0")/lib.sh"
need nbdinfo jq

size=$(size_of "$NBD_URI")
nbdinfo --json "$NBD_URI" >"$NBD_DIR/info"
jq -e --argjson size "$size" '.protocol == "newstyle-fixed" and .structured and (.exports | length == 1)
    and (.exports[0] | ."export-size" == $size and .is_read_only == false and .can_flush and .can_fua
        and .can_trim and .can_zero and .can_fast_zero and .can_df and .can_cache and .can_multi_conn
        and .block_size_minimum == 1 and .block_size_preferred == 4096
        and .block_size_maximum == 33554432 and .contexts == ["base:allocation"])' \
    "$NBD_DIR/info" >/dev/null || fail "unexpected: $(cat "$NBD_DIR/info")"

nbdinfo --list --json "$NBD_URI" |
    jq -e --arg name "$(export_name)" '.exports | any(."export-name" == $name)' >/dev/null ||
    fail "the export is not in the list"

nbdinfo --map --json "$NBD_URI" | jq -e --argjson size "$size" '
    (map(.length) | add) == $size and (map(.length) | all(. > 0)) and .[0].offset == 0' >/dev/null ||
    fail "the map does not cover the export: $(nbdinfo --map "$NBD_URI" | head)"

if nbdinfo --size "$(other_export no-such-export)" 2>"$NBD_DIR/error"; then
    fail "an export that does not exist was opened"
fi
grep -qi "no such\|not found\|unknown\|ENOENT\|requested export" "$NBD_DIR/error" ||
    fail "strange error: $(cat "$NBD_DIR/error")"

if [[ -n $NBD_URI_READ_ONLY ]]; then
    nbdinfo --json "$NBD_URI_READ_ONLY" |
        jq -e '.exports[0] | .is_read_only and .can_multi_conn and (.can_trim or .can_zero | not)' >/dev/null ||
        fail "wrong flags of the read-only export: $(nbdinfo "$NBD_URI_READ_ONLY")"
    nbdinfo --is read-only "$NBD_URI_READ_ONLY"
fi

# Another client's way to ask for the list.
case $NBD_URI in
nbd://*)
    if PATH=$PATH:/usr/sbin command -v nbd-client >/dev/null; then
        address=${NBD_URI#nbd://}
        address=${address%%/*}
        PATH=$PATH:/usr/sbin nbd-client -l "${address%:*}" "${address##*:}" >"$NBD_DIR/list" 2>&1 || true
        grep -q "^$(export_name)" "$NBD_DIR/list" || fail "nbd-client -l: $(cat "$NBD_DIR/list")"
    fi
    ;;
esac
