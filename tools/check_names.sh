#!/bin/sh
# check_names.sh BUILD - what the objects of core/ and solvers/ in folder BUILD refer to
#
# Core and solvers allocate nothing, wait for nothing, ask no clock and print nothing: of the C
# library they know only the functions on the list below. Every other name must be one that core,
# solvers, acme_crc32, acme_err, wolfSSL or our private cJSON defines. So malloc, time, rand, sleep, printf,
# getenv, strtod and all their relatives are refused, and what is wanted of the C library next must
# be put here by hand.
set -eu
export LC_ALL=C # one order for sort and comm

build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in memcpy memmove memset memcmp memchr strlen strcmp strncmp strchr strnlen \
    __memcpy_chk __memmove_chk __memset_chk __stack_chk_fail _GLOBAL_OFFSET_TABLE_; do
    echo "$name"
done >"$work/known"

objects=$(find "$build/core" "$build/solvers" -name '*.o' 2>/dev/null | sort)
[ -n "$objects" ] || {
    echo "not ok names: no objects of core/ or solvers/ in $build"
    exit 1
}

# shellcheck disable=SC2086 # one word for each object
nm --defined-only -g $objects "$build/port/acme_crc32.o" "$build/port/acme_err.o" "$build/cjson/cJSON.o" \
    "$build/libwolfssl.a" 2>/dev/null | awk 'NF == 3 {print $3}' >>"$work/known"
sort -u "$work/known" >"$work/sorted"

status=0
for object in $objects; do
    name=${object#"$build/"}
    bad=$(nm -u "$object" | awk '{print $2}' | sort -u | comm -23 - "$work/sorted" | tr '\n' ' ')
    if [ -n "$bad" ]; then
        echo "not ok names_${name%.o}: refers to $bad"
        status=1
    else
        echo "ok names_${name%.o}"
    fi
done

# The private cJSON: not even a name of the C library's allocator, numbers or printer is left.
bad=$(nm -u "$build/cjson/cJSON.o" | awk '{print $2}' |
    grep -xE '_*(malloc|calloc|realloc|free|strtod|s?n?printf|sscanf|localeconv)(_chk)?' | tr '\n' ' ' || true)
if [ -n "$bad" ]; then
    echo "not ok names_cjson: refers to $bad"
    status=1
else
    echo "ok names_cjson"
fi
exit $status
