#!/bin/sh
# fetch.sh DIR POOL FILE:SHA256 [FILE:SHA256 ...] - unpack the first file that can be had into DIR
#
# A file is looked for in build/dl (from an earlier run), then in $DEPS_DIR if that is set, else in
# folder POOL of every mirror that this machine's apt knows. It is used only when its SHA-256 is
# the pinned one: a wrong hash ends the build, it is not a reason to try the next pin. The name of
# what was taken is left in DIR/.version.
set -eu

dir=$1 pool=$2
shift 2
dl=build/dl
mkdir -p "$dl"

# Two makes at once (make -j sim-programs fuzz): the second waits, and finds what the first unpacked.
exec 9>"$dl/lock"
! command -v flock >/dev/null || flock 9
if [ -f "$dir/.version" ] && [ ! tools/deps.mk -nt "$dir/.version" ] && [ ! "$0" -nt "$dir/.version" ]; then
    exit 0
fi

die() {
    echo "fetch: $*" >&2
    exit 1
}

# check FILE EXPECTED NAME - refuse FILE, whose right name is NAME, unless its hash is as pinned
check() {
    got=$(sha256sum "$1" | cut -d' ' -f1)
    [ "$got" = "$2" ] && return 0
    echo "fetch: $3: wrong SHA-256, the file is not used" >&2
    echo "  file:     $4" >&2
    echo "  expected: $2" >&2
    echo "  got:      $got" >&2
    [ "$1" = "$4" ] || rm -f "$1"
    exit 1
}

# The addresses of the archives that apt uses, each once.
mirrors() {
    apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | awk '!seen[$0]++'
}

# get NAME HASH - put NAME into $dl, or fail when it cannot be had
get() {
    if [ -f "$dl/$1" ]; then
        check "$dl/$1" "$2" "$1" "$dl/$1"
        return 0
    fi
    if [ -n "${DEPS_DIR:-}" ]; then
        [ -f "$DEPS_DIR/$1" ] || return 1
        check "$DEPS_DIR/$1" "$2" "$1" "$DEPS_DIR/$1"
        cp "$DEPS_DIR/$1" "$dl/$1.part"
        mv "$dl/$1.part" "$dl/$1"
        return 0
    fi
    for mirror in $(mirrors); do
        url="${mirror%/}/$pool/$1"
        rm -f "$dl/$1.part"
        download "$url" "$dl/$1.part" || continue
        check "$dl/$1.part" "$2" "$1" "$url"
        mv "$dl/$1.part" "$dl/$1"
        return 0
    done
    return 1
}

# download URL FILE - with apt's own downloader: it is there, and it knows apt's proxy settings
download() {
    case $1 in
    http://* | https://*) ;;
    *) return 1 ;;
    esac
    echo "fetch: $1"
    /usr/lib/apt/apt-helper -qq -o Acquire::Retries=2 download-file "$1" "$2" >"$dl/log" 2>&1 &&
        [ -s "$2" ]
}

names=
for pin in "$@"; do
    name=${pin%%:*} hash=${pin#*:}
    names="$names $name"
    get "$name" "$hash" || continue
    rm -rf "$dir" "$dir.part"
    mkdir -p "$dir.part"
    tar -xmf "$dl/$name" -C "$dir.part" --strip-components=1 --no-same-owner ||
        die "$name cannot be unpacked (is xz-utils installed?)"
    echo "$name" >"$dir.part/.version"
    mv "$dir.part" "$dir"
    echo "fetch: $name is unpacked in $dir"
    exit 0
done

if [ -n "${DEPS_DIR:-}" ]; then
    die "DEPS_DIR=$DEPS_DIR has none of:$names"
fi
[ -x /usr/lib/apt/apt-helper ] || die "no apt here; put one of these into DEPS_DIR=...:$names"
[ ! -s "$dl/log" ] || tail -n 3 "$dl/log" >&2
die "no mirror of this machine's apt has any of:$names (DEPS_DIR=... takes them from a folder)"
