# Static programs for Linux machines of other kinds: make TARGET=mips-linux-gnu
#
# Debian's cross compilers and their glibc; tools/setup.sh cross installs them. The program needs
# nothing but a kernel (3.2 or newer), so it can be copied to a machine with any C library.

CROSS_TARGETS = mips-linux-gnu mipsel-linux-gnu arm-linux-gnueabihf aarch64-linux-gnu riscv64-linux-gnu

# The programs of qemu-user that run them here.
QEMU_mips-linux-gnu = qemu-mips
QEMU_mipsel-linux-gnu = qemu-mipsel
QEMU_arm-linux-gnueabihf = qemu-arm
QEMU_aarch64-linux-gnu = qemu-aarch64
QEMU_riscv64-linux-gnu = qemu-riscv64

ifdef TARGET
ifeq ($(filter $(CROSS_TARGETS),$(TARGET)),)
$(error TARGET=$(TARGET): known are $(CROSS_TARGETS))
endif
NAME := $(TARGET)
CC := $(TARGET)-gcc
AR = $(TARGET)-ar
STRIP = $(TARGET)-strip
CFLAGS = -Os -g
HARDENING = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fno-asynchronous-unwind-tables
LDFLAGS = -static -Wl,-z,relro
WOLFSSL_DEFS = -DACME_SMALL_BINARY
# The linker warns of getaddrinfo in static programs: modules of the name service are loaded at run
# time from a glibc of the same version. That holds for extra modules only; /etc/hosts and DNS have
# been part of glibc itself since 2.34 (boards/linux/README.md). Everything else it says is shown.
LINK_MESSAGES = 2>$@.said || { cat $@.said >&2; exit 1; }; grep -v getaddrinfo $@.said >&2 || :
endif
