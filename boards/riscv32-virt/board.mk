# board.mk - riscv32-virt: QEMU's `virt` with RV32IMAC, virtio network card, CFI flash; IPv4 and IPv6
#
#   make BOARD=riscv32-virt firmware                  the agent: build/riscv32-virt/firmware.elf
#   make BOARD=riscv32-virt demo                      boots it in QEMU and gets a certificate
#   make BOARD=riscv32-virt size                      flash and RAM, and the budget
#   make BOARD=riscv32-virt bringup ANCHOR=root.der   boards/common/bringup.c: does it work?
#
# boards/common/board.mk has the choices that can be made on the command line.

CROSS ?= riscv64-unknown-elf-
BOARD_CPU = -march=rv32imac -misa-spec=2.2 -mabi=ilp32 -mcmodel=medany
# Compressed, because the linker takes a debug section that begins with "ZLIB" (asn.c has such a word)
# for a compressed one.
BOARD_CPU += -gz
BOARD_LIBC = --specs=picolibc.specs
BOARD_LD = $(BD)/virt.ld
BOARD_IPV6 = 1
BOARD_EAB = 1
SRC_BOARD = $(addprefix $(BD)/, virt_start.c virt_system.c virt_flash.c virt_net.c) \
	boards/common/board_fiber_none.c

include boards/common/board.mk
