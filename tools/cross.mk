# Static programs for Linux machines of other kinds: make TARGET=mips-linux-gnu
#
# Debian's cross compilers and their glibc; tools/setup.sh cross installs them. The program needs
# nothing but a kernel (3.2 or newer), so it can be copied to a machine with any C library.

CROSS_TARGETS = mips-linux-gnu mipsel-linux-gnu arm-linux-gnueabihf aarch64-linux-gnu riscv64-linux-gnu

ifdef TARGET
ifeq ($(filter $(CROSS_TARGETS),$(TARGET)),)
$(error TARGET=$(TARGET): known are $(CROSS_TARGETS))
endif
NAME := $(TARGET)
CC := $(TARGET)-gcc
AR = $(TARGET)-ar
STRIP = $(TARGET)-strip
CFLAGS = -Os -g
# A static program stands at a fixed address: code for any address would only be larger.
HARDENING = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fno-pie -fno-unwind-tables \
	-fno-asynchronous-unwind-tables
LDFLAGS = -static -no-pie -Wl,-z,relro
WOLFSSL_DEFS = -DACME_SMALL_BINARY
# The linker warns of getaddrinfo and getpwnam in static programs: modules of the name service are
# loaded at run time from a glibc of the same version. That holds for extra modules only; /etc/hosts,
# /etc/passwd and DNS have been part of glibc itself since 2.34 (boards/linux/README.md). Everything
# else it says is shown.
LINK_MESSAGES = 2>$@.said || { cat $@.said >&2; exit 1; }; grep -v "getaddrinfo\|getpwnam" $@.said >&2 || :

ifeq ($(CC),$(TARGET)-gcc)
$(O)/flags: | cross-compiler
endif
.PHONY: cross-compiler
cross-compiler:
	@tools/setup.sh $(TARGET)
endif

# On the big-endian machine also the units of all that packs, unpacks or computes; those that sign
# all the time are left out, because an emulated processor takes minutes for them.
CROSS_BIG = mips-linux-gnu
CROSS_UNITS = b64 buf crypto der exchange http json name objects sched store time url
CROSS_UNIT_PROGRAMS = $(CROSS_UNITS:%=build/$(CROSS_BIG)/tests/test_%)
cross_suites = "env LWACME=build/host/lwacme tests/interop/test_cross.py" \
	@$(CROSS_BIG): $(CROSS_UNIT_PROGRAMS:%="qemu-mips %") \
	"qemu-mips build/$(CROSS_BIG)/tests/conformance_sockets"

.PHONY: cross test-cross
cross:
	@tools/setup.sh cross
	@set -e; for target in $(CROSS_TARGETS); do \
		$(MAKE) --no-print-directory TARGET=$$target CC=$$target-gcc SAN= STATIC= all; done
	@$(MAKE) --no-print-directory TARGET=$(CROSS_BIG) CC=$(CROSS_BIG)-gcc SAN= STATIC= \
		$(CROSS_UNIT_PROGRAMS) build/$(CROSS_BIG)/tests/conformance_sockets
test-cross: cross
	@$(MAKE) --no-print-directory CC=gcc SAN= STATIC= TARGET= all
	@tools/get_pebble.py newest >/dev/null
	@tests/run.py $(cross_suites)
