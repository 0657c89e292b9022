#!/bin/sh
# setup.sh GROUP... - install, with apt, what a target needs and this machine lacks
#
# Groups: build (compile), demo, test, fuzz, boards, bench, check, all; cross (compile for and test other
# processors), or only the compiler for one of them, by its name. Says nothing and asks nothing
# when everything is there.
set -eu

# What each group needs: a command or a file, and the Debian package that has it.
needs() {
    case $1 in
    build) echo "gcc=gcc ar=binutils /usr/include/stdio.h=libc6-dev xz=xz-utils" ;;
    demo) echo "$(needs build) python3=python3 openssl=openssl ar=binutils" ;;
    bench) echo "$(needs demo) musl-gcc=musl-tools valgrind=valgrind ip=iproute2" ;;
    check) echo "$(needs build) python3=python3 clang-format=clang-format clang-tidy=clang-tidy cppcheck=cppcheck" ;;
    fuzz) echo "$(needs build) python3=python3 clang=clang openssl=openssl $(needs_runtime)" ;;
    test) echo "$(needs demo) clang=clang musl-gcc=musl-tools ip=iproute2 unshare=util-linux setpriv=util-linux named=bind9 knotd=knot" ;;
    boards) echo "$(needs demo) qemu-system-arm=qemu-system-arm arm-none-eabi-gcc=gcc-arm-none-eabi /usr/lib/arm-none-eabi/newlib/libc_nano.a=libnewlib-arm-none-eabi qemu-system-riscv32=qemu-system-misc riscv64-unknown-elf-gcc=gcc-riscv64-unknown-elf /usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs=picolibc-riscv64-unknown-elf ip=iproute2 unshare=util-linux" ;;
    cross)
        for target in mips-linux-gnu mipsel-linux-gnu arm-linux-gnueabihf aarch64-linux-gnu \
            riscv64-linux-gnu; do
            needs $target
        done
        echo "qemu-mips=qemu-user"
        ;;
    mips-linux-gnu | mipsel-linux-gnu | riscv64-linux-gnu) needs_target "$1" "${1%%-*}" ;;
    arm-linux-gnueabihf) needs_target "$1" armhf ;;
    aarch64-linux-gnu) needs_target "$1" arm64 ;;
    all) echo "$(needs test) $(needs fuzz) $(needs boards) $(needs cross) $(needs bench) $(needs check)" ;;
    *)
        echo "setup: no group $1" >&2
        exit 1
        ;;
    esac
}

# needs_target TARGET ARCHITECTURE: compiler and C library for another processor
needs_target() {
    echo "$(needs build) $1-gcc=gcc-$1 /usr/$1/include/stdio.h=libc6-dev-$2-cross"
}

# clang's sanitizers and libFuzzer are in a package of the compiler's own version.
needs_runtime() {
    version=$(clang -dumpversion 2>/dev/null || echo 14)
    echo "$(clang --print-resource-dir 2>/dev/null || echo /nonexistent)/lib/linux/libclang_rt.fuzzer-$(uname -m).a=libclang-rt-${version%%.*}-dev"
}

missing=
for group in "$@"; do
    for need in $(needs "$group"); do
        what=${need%%=*} package=${need#*=}
        case $what in
        /*) [ -e "$what" ] && continue ;;
        *) command -v "$what" >/dev/null 2>&1 && continue ;;
        esac
        case " $missing " in
        *" $package "*) ;;
        *) missing="$missing $package" ;;
        esac
    done
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    root=
elif command -v sudo >/dev/null 2>&1; then
    root=sudo
else
    echo "setup: missing packages:$missing" >&2
    echo "setup: as root, run: apt-get install$missing" >&2
    exit 1
fi
command -v apt-get >/dev/null 2>&1 || {
    echo "setup: no apt here; install by hand what these Debian packages have:$missing" >&2
    exit 1
}

echo "setup: installing$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Another apt may be at work: wait for its lock.
apt="$root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300"
# shellcheck disable=SC2086 # words are wanted
if ! { $apt update && $apt install --no-install-recommends $missing; } </dev/null >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "setup: apt-get could not install$missing" >&2
    exit 1
fi
