# lwacme - build, test, measure
#
#   make                   build/host/lwacme and build/host/liblwacme.a
#   make small             build/host/lwacme-small, without daemon, doctor, metrics and import
#   make demo              get a certificate from a test CA on this machine, and look at it
#   make test              all tests, with gcc, with clang, and with sanitizers
#   make test-all          with one more version of the test CA, and longer series
#   make test-unit         ... test-conformance, test-interop, test-boards: one kind, for the build
#                          chosen below
#   make test-cross        programs for other processors, under qemu-user
#   make sim               the agent against a lying CA, network, clock and storage (tests/sim); sim-fleet,
#                          sim-year, sim-long: ten thousand devices, a year of three, hours of seeds
#   make fuzz              libFuzzer on everything that reads what others wrote (tests/fuzz)
#   make coverage          lines and branches that the tests run
#   make check             the include and name rules; a report on format, lengths and analysers
#   make size              bytes by component
#   make bench             requests, instructions, memory and time of an issuance
#   make setup             install with apt what all of these need; demo, test and bench do it too
#   make deps              fetch and unpack the libraries that tools/deps.mk names
#   make clean             remove what was built; distclean: also what was fetched, and what fuzzing found
#
# Which build:
#   CC=clang               in build/host-clang
#   SAN=1                  AddressSanitizer and UndefinedBehaviorSanitizer, in build/san
#   TARGET=mips-linux-gnu  static, for another processor (tools/cross.mk), in build/mips-linux-gnu
#   STATIC=musl            one small static program, in build/musl
#   DEPS_DIR=DIR           take the tarballs from DIR: nothing is downloaded
#   WOLFSSL=5.7.2          with the fallback wolfSSL, in build/host-wolfssl-5.7.2

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

# As many jobs as the machine has processors, output kept together.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1) --output-sync=target
endif

include tools/sources.mk
include tools/deps.mk

ifdef DEPS_DIR
export DEPS_DIR
endif

# ---- which build -----------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC := gcc
endif
AR = ar
STRIP = strip

CFLAGS = -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
HARDENING = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LDFLAGS = -pie -Wl,-z,relro,-z,now
LDLIBS = -lpthread
NAME := host

ifdef SAN
NAME := san
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS = -O1 -g
HARDENING = -fPIE
endif
ifdef COVERAGE
NAME := cov
CFLAGS = -O1 -g
HARDENING = -fPIE
COUNTED = -O0 --coverage
LDLIBS += --coverage
endif
ifdef FUZZER
NAME := fuzz
SANITIZE = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS = -O1 -g
HARDENING = -fPIE
endif
ifeq ($(STATIC),musl)
NAME := musl
CC := musl-gcc
CFLAGS = -Os -g
HARDENING = -fno-asynchronous-unwind-tables
LDFLAGS = -static
WOLFSSL_DEFS = -DACME_SMALL_BINARY
else ifdef STATIC
$(error STATIC=$(STATIC): only STATIC=musl is known)
endif
include tools/cross.mk

# The folder tells compilers and wolfSSL versions apart: build/host, build/san-clang, ...
O := build/$(NAME)$(if $(findstring clang,$(CC)),-$(notdir $(CC)))$(WOLFSSL:%=-wolfssl-%)

CPPFLAGS = -D_GNU_SOURCE -Iport -Icore -Isolvers -Iport/posix -Iport/sockets \
	-Iport/flash
WOLFSSL_CPPFLAGS = -DWOLFSSL_USER_SETTINGS -Iboards/linux -Icore $(WOLFSSL_DEFS) \
	-isystem $(WOLFSSL_DIR)
SECTIONS = -ffunction-sections -fdata-sections
# Also where long has 32 bits, dates go past 2038 and inode numbers past 2^32.
WIDE = -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
COMPILE = $(CC) $(CFLAGS) $(SECTIONS) $(HARDENING) $(SANITIZE) $(WIDE) -MMD -MP
LINK = $(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -Wl,--gc-sections

# ---- what is built ---------------------------------------------------------------------------

LIB := $(O)/liblwacme.a
LIB_WOLFSSL := $(O)/libwolfssl.a
TOOL := $(O)/lwacme
SMALL := $(O)/lwacme-small
MKCONFIG := $(O)/mkconfig
RECORD_DUMP := $(O)/record_dump
FLASH_TOOL := $(O)/tests/flash_tool
HOST_TRY := $(O)/tests/host_try

OBJ_CORE = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_PORT) $(SRC_CORE)))
OBJ_SOLVERS = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_SOLVERS) $(SRC_EXTERNAL)))
OBJ_PORT = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_PORT_POSIX)))
OBJ_TOOL = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_TOOL)))
OBJ_SMALL = $(SRC_TOOL_SMALL:%.c=$(O)/%.o)
OBJ_CJSON = $(O)/cjson/cJSON.o

# wolfSSL has assembler for this processor; it asks at run time what the processor can do.
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine 2>/dev/null)),)
OBJ_WOLFSSL_S = $(SRC_WOLFSSL_X86_64:%.S=$(O)/wolfssl/%.o)
$(O)/wolfssl/wolfcrypt/src/aes.o: WOLFSSL_EXTRA = -maes
endif
ifeq ($(STATIC),musl) # hashing is a sixth of all instructions of an issuance: worth 4 KB
$(O)/wolfssl/wolfcrypt/src/sha256.o $(O)/wolfssl/wolfcrypt/src/sha512.o: WOLFSSL_EXTRA = -O2
endif
OBJ_WOLFSSL_C = $(SRC_WOLFSSL:%.c=$(O)/wolfssl/%.o)
OBJ_WOLFSSL = $(OBJ_WOLFSSL_C) $(OBJ_WOLFSSL_S)

UNIT = $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))
CONFORMANCE = $(patsubst tests/conformance/main_%.c,$(O)/tests/conformance_%,\
	$(wildcard tests/conformance/main_*.c))

include tests/conformance/lwip/lwip.mk

.PHONY: all small lib programs unit-programs conformance-programs
all: lib $(if $(OBJ_TOOL),$(TOOL)) $(if $(STATIC)$(TARGET),,$(MKCONFIG) $(RECORD_DUMP))
small: $(SMALL)
programs: all small unit-programs conformance-programs
lib: $(LIB) $(LIB_WOLFSSL)
unit-programs: $(UNIT) $(FLASH_TOOL) $(HOST_TRY)
conformance-programs: $(CONFORMANCE)

include tests/sim/sim.mk
include tests/fuzz/fuzz.mk

# ---- how -------------------------------------------------------------------------------------

# Everything is compiled anew when the flags are not those of the last time.
FLAGS := $(CC) $(CFLAGS) $(HARDENING) $(SANITIZE) $(WIDE) $(LDFLAGS) $(WARNINGS) $(WOLFSSL_DEFS) $(CJSON_DEFS)
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' >$@
.PHONY: FORCE
FORCE:

$(LIB): $(OBJ_CORE) $(OBJ_SOLVERS) $(OBJ_PORT) $(OBJ_CJSON)
$(LIB_WOLFSSL): $(OBJ_WOLFSSL)
$(LIB) $(LIB_WOLFSSL):
	@echo "  AR      $@"
	@rm -f $@
	@$(AR) rcs $@ $^

$(TOOL): $(OBJ_TOOL)
$(SMALL): $(OBJ_SMALL)
$(TOOL) $(SMALL): $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -Wl,-Map=$@.map -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) $(LINK_MESSAGES)
	@$(if $(STATIC)$(TARGET),$(STRIP) $@)

$(MKCONFIG): $(SRC_MKCONFIG:%.c=$(O)/%.o)
$(RECORD_DUMP): $(SRC_RECORD_DUMP:%.c=$(O)/%.o)
$(FLASH_TOOL): $(O)/tests/flash/flash_tool.o
$(MKCONFIG) $(RECORD_DUMP) $(FLASH_TOOL): $(SRC_PORT_FLASH:%.c=$(O)/%.o) $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

$(HOST_TRY): $(O)/tests/host/host_try.o $(filter-out %/main.o,$(OBJ_TOOL)) $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS) $(LINK_MESSAGES)

$(O)/tests/test_%: $(O)/tests/unit/test_%.o $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS) $(LINK_MESSAGES)

# Slots over flash are a board's choice: not in the library of a host.
$(filter $(O)/tests/test_flash_%,$(UNIT)): $(O)/tests/%: $(O)/tests/unit/%.o $(O)/tests/flash/flash_sim.o \
		$(patsubst %.c,$(O)/%.o,$(SRC_PORT_FLASH)) $(LIB)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

# The agent's tests bring their own acme_exchange: it must come before the library.
$(filter $(O)/tests/test_agent_%,$(UNIT)): $(O)/tests/%: $(O)/tests/unit/%.o $(O)/tests/unit/agent_exchange.o \
		$(O)/tests/unit/agent_world.o $(O)/tests/unit/agent_ca.o $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

# Parts of the command.
$(filter $(O)/tests/test_tool_%,$(UNIT)): $(O)/tests/%: $(O)/tests/unit/%.o $(filter-out %/main.o,$(OBJ_TOOL)) \
		$(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS) $(LINK_MESSAGES)

$(O)/tests/conformance_flash: $(O)/tests/flash/flash_sim.o $(patsubst %.c,$(O)/%.o,$(SRC_PORT_FLASH))
$(O)/tests/conformance_%: $(O)/tests/conformance/main_%.o \
		$(patsubst %.c,$(O)/%.o,$(filter-out tests/conformance/main_%,$(wildcard tests/conformance/*.c))) \
		$(OBJ_SIM_PORT) $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS) $(LINK_MESSAGES)

$(O)/%.o: %.c $(O)/flags | $(WOLFSSL_DIR)/.version $(CJSON_DIR)/.version
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE) -std=c11 $(WARNINGS) $(CPPFLAGS) $(CPPFLAGS_$(firstword $(subst /, ,$<))) -o $@ -c $<

# Who may see what, beside the public headers; what COVERAGE counts.
CPPFLAGS_core = $(COUNTED) $(WOLFSSL_CPPFLAGS) -isystem $(CJSON_DIR)
CPPFLAGS_solvers = $(COUNTED)
CPPFLAGS_port = $(COUNTED)
CPPFLAGS_tools = -isystem $(WOLFSSL_DIR) -Itools/lwacme
CPPFLAGS_tests = $(WOLFSSL_CPPFLAGS) -Itests -Iboards/common -Itests/unit -Itests/conformance -Itests/sim -Itests/flash \
	-Iport/flash -Itools/lwacme
$(O)/tests/unit/test_tls_alpn01_turns.o: CPPFLAGS_tests += $(COUNTED) # compiles the solver in

# Other people's code: our flags, without our warnings.
$(OBJ_WOLFSSL_C): $(O)/wolfssl/%.o: $(WOLFSSL_DIR)/%.c $(O)/flags boards/linux/user_settings.h core/acme_wolfssl.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE) -std=gnu11 -w $(WOLFSSL_CPPFLAGS) $(WOLFSSL_EXTRA) -o $@ -c $<
$(OBJ_WOLFSSL_S): $(O)/wolfssl/%.o: $(WOLFSSL_DIR)/%.S $(O)/flags boards/linux/user_settings.h core/acme_wolfssl.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(COMPILE) -std=gnu11 -w $(WOLFSSL_CPPFLAGS) -DWOLFSSL_X86_64_BUILD -o $@ -c $<
$(O)/cjson/%.o: $(CJSON_DIR)/%.c $(O)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE) -std=gnu11 -w $(CJSON_DEFS) -o $@ -c $<

# ---- tests -----------------------------------------------------------------------------------

# suites FOLDER: what tests/run.py runs of one build
unit_suites = $(UNIT:$(O)/%=$(1)/%)
sim_suites = $(patsubst $(O)/%,$(1)/%,$(SIM_QUICK) $(SIM_TLS_QUICK) $(SIM_YEAR) $(FLEET_QUICK))
conformance_suites = $(CONFORMANCE:$(O)/%=$(1)/%)
interop_suites = $(foreach suite,$(INTEROP),"env LWACME=$(1)/lwacme $(suite)")
# With clang a taste of it: what the compilers may disagree on is in the units.
interop_taste = "env LWACME=$(1)/lwacme tests/interop/test_pebble.py life 10-names" \
	"env LWACME=$(1)/lwacme tests/interop/test_trust.py" \
	"env LWACME=$(1)/lwacme tests/interop/test_embed.py readme certificate"
csr_suite = "tests/unit/csr_openssl.py $(1)/tests/test_csr"
dump_suite = "tests/unit/record_dump.py $(1)"
fuzz_suite = "tests/fuzz/run.py --seeds $(1)/tests"
check_suites = tools/check_arrows.py "tools/check_names.sh $(1)" "tests/sim/mutants.py --places"
INTEROP = $(if $(OBJ_TOOL),$(filter-out %/test_cross.py,$(wildcard tests/interop/test_*.py)))
PEBBLE = build/pebble

.PHONY: test test-all test-unit test-conformance test-interop test-boards check report
test:
	@tools/setup.sh test boards
	@$(MAKE) --no-print-directory CC=gcc SAN= STATIC= programs
	@$(MAKE) --no-print-directory CC=clang SAN= STATIC= programs
	@$(MAKE) --no-print-directory CC=gcc SAN=1 STATIC= programs
	@$(MAKE) --no-print-directory cross
	@$(if $(INTEROP),tools/get_pebble.py >/dev/null)
	@$(board_image)
	@tests/run.py $(if $(YEAR),--time-limit 2400 "env LWACME=build/host/lwacme tests/interop/daemon_year.py") \
		$(call check_suites,build/host) $(call csr_suite,build/host) $(call fuzz_suite,build/san) \
		$(foreach build,host host-clang san,@$(build): $(call unit_suites,build/$(build)) \
		$(call dump_suite,build/$(build)) \
		$(call conformance_suites,build/$(build)) $(call sim_suites,build/$(build)) \
		$(if $(INTEROP),$(call $(if $(filter %-clang,$(build)),interop_taste,interop_suites),build/$(build)))) \
		@ $(cross_suites) @ $(board_suites)

# The same with one more version of the test CA, and longer series.
test-all:
	@tools/setup.sh test
	@tools/get_pebble.py newest 2.4.0 2.6.0
	@PEBBLE_VERSIONS="newest 2.4.0 2.6.0" BOARD_CUTS=50 BOARD_SOLVERS=1 FIRST_MINUTE=60 YEAR=1 \
		$(MAKE) --no-print-directory test

test-unit: all unit-programs
	@tests/run.py $(call unit_suites,$(O)) $(call csr_suite,$(O)) $(call dump_suite,$(O))
test-conformance: conformance-programs
	@tests/run.py $(call conformance_suites,$(O))
test-interop: all small $(HOST_TRY)
	@tools/get_pebble.py >/dev/null
	@tests/run.py $(call interop_suites,$(O))

# Firmware in QEMU; skipped with a reason where the cross compiler or QEMU is missing.
board_suites = $(sort $(wildcard tests/boards/test_*.py))
comma := ,
empty :=
board_images = emcraft-sf2 emcraft-sf2:RECORDS=8 emcraft-sf2:SOLVERS=tls-alpn-01 \
	emcraft-sf2:SOLVERS=dns-01 riscv32-virt $(if $(BOARD_SOLVERS),emcraft-sf2:SERVER=:SOLVERS=tls-alpn-01 \
	emcraft-sf2:RECORDS=8:SOLVERS=tls-alpn-01 riscv32-virt:SOLVERS=tls-alpn-01 \
	riscv32-virt:SERVER=:SOLVERS=tls-alpn-01$(comma)dns-01 \
	emcraft-sf2:SERVER=:SOLVERS=external riscv32-virt:SERVER=:SOLVERS=external)
board_image = for image in $(board_images); do \
	case $$image in emcraft*) cc=arm-none-eabi-gcc ;; *) cc=riscv64-unknown-elf-gcc ;; esac; \
	if command -v $$cc >/dev/null; then \
	$(MAKE) --no-print-directory CC=gcc SAN= STATIC= BOARD=$$(echo $$image | tr : ' ') firmware || exit; \
	fi; done
test-boards: all $(FLASH_TOOL)
	@tools/setup.sh boards
	@tools/get_pebble.py >/dev/null
	@$(board_image)
	@tests/run.py $(board_suites)

check: lib
	@tests/run.py $(call check_suites,$(O))
	@$(MAKE) --no-print-directory report
report:
	@tools/check_report.py -std=c11 $(CPPFLAGS) $(CPPFLAGS_core) -Itools/lwacme

# Lines and branches of core/, port/flash and solvers/ that the unit, conformance and short
# simulation suites run; FILE=core/acme_json.c: which ones of it they do not.
.PHONY: coverage
coverage:
	@$(MAKE) --no-print-directory CC=gcc SAN= STATIC= COVERAGE=1 programs
	@find build/cov -name '*.gcda' -delete
	@tests/run.py --time-limit 3000 $(call unit_suites,build/cov) $(call conformance_suites,build/cov) \
		$(call sim_suites,build/cov)
	@tests/coverage.py build/cov $(FILE)

# ---- measuring, showing ----------------------------------------------------------------------

.PHONY: size bench demo
ifndef BOARD # a board has its own
$(O)/size_of_agent.o $(O)/size_of_small_agent.o: core/acme_agent.h $(O)/flags
	@mkdir -p $(@D)
	@printf '#include "acme_agent.h"\nchar acme_size_of_agent[sizeof(struct acme_agent)];\n' | \
		$(CC) -std=c11 $(CPPFLAGS) $(SIZE_DEFS) -MMD -MF $(@:.o=.d) -MT $@ -x c - -c -o $@
# The bounds of the reference board, with this compiler's pointers.
$(O)/size_of_small_agent.o: SIZE_DEFS = -DACME_BOARD_CONFIG -DBOARD_BUILD_TIME=0 -Iboards/emcraft-sf2
size: all $(if $(STATIC),small) $(O)/size_of_agent.o $(O)/size_of_small_agent.o
	@tools/size_report.py $(NAME) $(TOOL) $(O)/size_of_agent.o $(O)/size_of_small_agent.o
	@$(if $(STATIC),tools/size_report.py --most 614400 $(NAME)-small $(SMALL) $(O)/size_of_agent.o \
		$(O)/size_of_small_agent.o)

bench:
	@tools/setup.sh bench
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory STATIC=musl all small
	@tools/get_pebble.py >/dev/null
	@tests/interop/bench.py build/host/lwacme build/musl/lwacme build/musl/lwacme-small

demo:
	@tools/setup.sh demo
	@$(MAKE) --no-print-directory all
	@tools/get_pebble.py newest >/dev/null
	@tools/demo.sh $(TOOL) $(PEBBLE)
endif

# ---- the rest --------------------------------------------------------------------------------

.PHONY: setup deps clean distclean help
setup:
	@tools/setup.sh all
deps: $(WOLFSSL_DIR)/.version $(CJSON_DIR)/.version $(LWIP_DIR)/.version
clean:
	rm -rf $(filter-out build/deps build/dl build/pebble build/fuzz,$(wildcard build/*))
distclean:
	rm -rf build

help:
	@sed -n '2,/^$$/s/^# \{0,1\}//p' Makefile

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# ---- boards ----------------------------------------------------------------------------------

ifdef BOARD
include boards/$(BOARD)/board.mk
endif
