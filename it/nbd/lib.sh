# shellcheck shell=bash
# Shared by the scripts here. Each is one test of an NBD server with a real client:
#
#   it/nbd/NAME.sh URI [URI_READ_ONLY]         or with NBD_URI and NBD_URI_READ_ONLY in the environment
#
# URI names an export that may be overwritten, of 64 MiB or more. A script exits with 0 if the server
# did all right, with 77 if this machine lacks the client, else with something else, and says why.
set -euo pipefail

NBD_URI=${1:-${NBD_URI:-}}
NBD_URI_READ_ONLY=${2:-${NBD_URI_READ_ONLY:-}}
[[ -n $NBD_URI ]] || {
    echo "usage: $(basename "$0") URI [URI_READ_ONLY]" >&2
    exit 2
}
export NBD_URI NBD_URI_READ_ONLY PYTHONDONTWRITEBYTECODE=1
NBD_DIR=$(mktemp -d "${TMPDIR:-/tmp}/nbd.XXXXXX")
NBD_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
trap 'rm -rf "$NBD_DIR"' EXIT

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

need() {
    local command
    for command; do
        PATH=$PATH:/usr/sbin command -v "$command" >/dev/null || {
            echo "not installed: $command"
            exit 77
        }
    done
}

# The same server, another export: other_export NAME
other_export() {
    case $NBD_URI in
    *\?*) echo "${NBD_URI%%:*}:///$1?${NBD_URI#*\?}" ;;
    *) echo "${NBD_URI%/*}/$1" ;;
    esac
}

export_name() {
    local path=${NBD_URI%%\?*}
    echo "${path##*/}"
}

size_of() { nbdinfo --size "$1"; }
