# lwacme - build, test, measure. `make help` lists the targets.
#
#   make                  build/host/lwacme and build/host/liblwacme.a
#   make CC=clang         the same with clang, in build/host-clang
#   make SAN=1            with AddressSanitizer and UndefinedBehaviorSanitizer, in build/san
#   make STATIC=musl      one small static program, in build/musl
#   make DEPS_DIR=DIR     take the tarballs of tools/deps.mk from DIR: nothing is downloaded
#   make WOLFSSL=5.7.2    build with the fallback wolfSSL

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

# As many jobs as the machine has processors, unless told otherwise (make -j1).
ifeq ($(filter -j% --jobserver%,$(MAKEFLAGS)),)
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

# The folder tells compilers and wolfSSL versions apart: build/host, build/san-clang, ...
O := build/$(NAME)$(if $(findstring clang,$(CC)),-$(notdir $(CC)))$(WOLFSSL:%=-wolfssl-%)

CPPFLAGS = -D_GNU_SOURCE -Iport -Icore -Isolvers -Iport/posix -Iport/sockets
WOLFSSL_CPPFLAGS = -DWOLFSSL_USER_SETTINGS -Iboards/linux -Icore $(WOLFSSL_DEFS) \
	-isystem $(WOLFSSL_DIR)
SECTIONS = -ffunction-sections -fdata-sections
COMPILE = $(CC) $(CFLAGS) $(SECTIONS) $(HARDENING) $(SANITIZE) -MMD -MP
LINK = $(CC) $(CFLAGS) $(SANITIZE) $(LDFLAGS) -Wl,--gc-sections

# ---- what is built ---------------------------------------------------------------------------

LIB := $(O)/liblwacme.a
LIB_WOLFSSL := $(O)/libwolfssl.a
TOOL := $(O)/lwacme

OBJ_CORE = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_PORT) $(SRC_CORE)))
OBJ_SOLVERS = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_SOLVERS)))
OBJ_PORT = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_PORT_POSIX)))
OBJ_TOOL = $(patsubst %.c,$(O)/%.o,$(wildcard $(SRC_TOOL)))
OBJ_CJSON = $(O)/cjson/cJSON.o

# wolfSSL has assembler for this processor; it asks at run time what the processor can do.
ifneq ($(filter x86_64%,$(shell $(CC) -dumpmachine 2>/dev/null)),)
OBJ_WOLFSSL_S = $(SRC_WOLFSSL_X86_64:%.S=$(O)/wolfssl/%.o)
$(O)/wolfssl/wolfcrypt/src/aes.o: WOLFSSL_MACHINE = -maes
endif
OBJ_WOLFSSL_C = $(SRC_WOLFSSL:%.c=$(O)/wolfssl/%.o)
OBJ_WOLFSSL = $(OBJ_WOLFSSL_C) $(OBJ_WOLFSSL_S)

UNIT = $(patsubst tests/unit/%.c,$(O)/tests/%,$(wildcard tests/unit/test_*.c))
CONFORMANCE = $(patsubst tests/conformance/main_%.c,$(O)/tests/conformance_%,\
	$(wildcard tests/conformance/main_*.c))

.PHONY: all lib unit-programs conformance-programs
all: lib $(if $(OBJ_TOOL),$(TOOL))
lib: $(LIB) $(LIB_WOLFSSL)
unit-programs: $(UNIT)
conformance-programs: $(CONFORMANCE)

# ---- how -------------------------------------------------------------------------------------

# Everything is compiled anew when the flags are not those of the last time.
FLAGS := $(CC) $(CFLAGS) $(HARDENING) $(SANITIZE) $(LDFLAGS) $(WARNINGS) $(WOLFSSL_DEFS)
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

$(TOOL): $(OBJ_TOOL) $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

$(O)/tests/test_%: $(O)/tests/unit/test_%.o $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

$(O)/tests/conformance_%: $(O)/tests/conformance/main_%.o \
		$(patsubst %.c,$(O)/%.o,$(filter-out tests/conformance/main_%,$(wildcard tests/conformance/*.c))) \
		$(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

$(O)/%.o: %.c $(O)/flags | $(WOLFSSL_DIR)/.version $(CJSON_DIR)/.version
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE) -std=c11 $(WARNINGS) $(CPPFLAGS) $(CPPFLAGS_$(firstword $(subst /, ,$<))) -o $@ -c $<

# Who may see what, beside the public headers.
CPPFLAGS_core = $(WOLFSSL_CPPFLAGS) -isystem $(CJSON_DIR)
CPPFLAGS_tests = $(WOLFSSL_CPPFLAGS) -Itests -Itests/unit -Itests/conformance

# Other people's code: our flags, without our warnings.
$(OBJ_WOLFSSL_C): $(O)/wolfssl/%.o: $(WOLFSSL_DIR)/%.c $(O)/flags boards/linux/user_settings.h core/acme_wolfssl.h
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE) -std=gnu11 -w $(WOLFSSL_CPPFLAGS) $(WOLFSSL_MACHINE) -o $@ -c $<
$(OBJ_WOLFSSL_S): $(O)/wolfssl/%.o: $(WOLFSSL_DIR)/%.S $(O)/flags boards/linux/user_settings.h core/acme_wolfssl.h
	@mkdir -p $(@D)
	@echo "  AS      $<"
	@$(COMPILE) -std=gnu11 -w $(WOLFSSL_CPPFLAGS) -DWOLFSSL_X86_64_BUILD -o $@ -c $<
$(O)/cjson/%.o: $(CJSON_DIR)/%.c $(O)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(COMPILE) -std=gnu11 -w $(CJSON_DEFS) -o $@ -c $<

-include $(shell find $(O) -name '*.d' 2>/dev/null)
