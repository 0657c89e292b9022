# board.mk - emcraft-sf2: 256 KB of flash, 64 KB of RAM, Cortex-M3, lwIP, SPI NOR; runs in QEMU
#
#   make BOARD=emcraft-sf2 firmware                  the agent: build/emcraft-sf2/firmware.elf
#   make BOARD=emcraft-sf2 demo                      boots it in QEMU and gets a certificate
#   make BOARD=emcraft-sf2 size                      flash and RAM, and the budget
#   make BOARD=emcraft-sf2 bringup ANCHOR=root.der   boards/common/bringup.c: does it work?
#
# boards/common/board.mk has the choices that can be made on the command line.

CROSS ?= arm-none-eabi-
BOARD_CPU = -mcpu=cortex-m3 -mthumb
BOARD_LIBC = --specs=nano.specs
SRC_BOARD_LIBC = boards/common/board_newlib.c
BOARD_OPT_MORE = -finline-limit=2
# Errors by their names only (port/acme_err.h has the words): 2 KB.
BOARD_DEFS_MORE = -DACME_ERR_NO_WORDS
BOARD_LD = $(BD)/sf2.ld
SRC_BOARD = $(addprefix $(BD)/, startup.c sf2_system.c sf2_nor.c sf2_emac.c sf2_fiber.c)
# The assembler of this processor in the place of C; AES has no rival here.
BOARD_WOLFSSL_DROP = %sp_c32.c %chacha.c %chacha20_poly1305.c %poly1305.c
BOARD_WOLFSSL_ADD = wolfcrypt/src/sp_cortexm.c
# Keys are P-256.
BOARD_CORE_DROP = $(SRC_CRYPTO_RSA)
BOARD_CORE_ADD = core/acme_crypto_norsa.c

include boards/common/board.mk
