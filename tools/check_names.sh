#!/bin/sh
# check_names.sh BUILD - what the objects of core/ and solvers/ in folder BUILD refer to
#
# Core and solvers allocate nothing, wait for nothing, ask no clock and print nothing: of the C
# library they know only the functions on the list below. Every other name must be one that core,
# solvers, acme_err, wolfSSL or our private cJSON defines. So malloc, time, rand, sleep, printf,
# getenv, strtod and all their relatives are refused, and what is wanted of the C library next must
# be put here by hand.
set -eu

build=$1
allowed=' memcpy memmove memset memcmp memchr strlen strcmp strncmp strchr strnlen
 memcpy_chk memmove_chk memset_chk stack_chk_fail
 GLOBAL_OFFSET_TABLE_ '

objects=$(find "$build/core" "$build/solvers" -name '*.o' 2>/dev/null | sort)
[ -n "$objects" ] || {
    echo "not ok names: no objects of core/ or solvers/ in $build"
    exit 1
}

# shellcheck disable=SC2086 # one word for each object
defined=$(nm --defined-only -g $objects "$build/port/acme_err.o" "$build/cjson/cJSON.o" \
    "$build/libwolfssl.a" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u)

status=0
for object in $objects; do
    name=$(echo "${object#"$build/"}" | sed 's/\.o$//')
    bad=$(nm -u "$object" | awk '{print $2}' | while read -r symbol; do
        plain=$(echo "$symbol" | sed 's/^__*//')
        case $(echo "$allowed" | tr '\n' ' ') in
        *" $plain "*) continue ;;
        esac
        echo "$defined" | grep -qxF -e "$symbol" || printf ' %s' "$symbol"
    done)
    if [ -n "$bad" ]; then
        echo "not ok names $name: refers to$bad" | sed 's/names /names_/'
        status=1
    else
        echo "ok names_$name"
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
