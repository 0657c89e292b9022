# board.mk - what all boards without an OS have in common
#
# A board's own board.mk says what is different and then includes this page. It sets:
#   CROSS, BOARD_CPU        the compiler's prefix, and the processor
#   BOARD_LIBC              the C library (specs), and SRC_BOARD_LIBC: what stands in for parts of it
#   BOARD_LD                the linker script
#   SRC_BOARD               its own files
#   BOARD_WOLFSSL_DROP, _ADD  what of tools/deps.mk's list it does not need, and what it has more
#   BOARD_CORE_DROP, _ADD   the same for the agent (RSA keys or not)
#   BOARD_OPT_MORE, BOARD_DEFS_MORE  compiler flags beside -Os, macros
#   BOARD_IPV6, BOARD_EAB, BOARD_ARI, BOARD_CHAIN  1 where IPv6, external account binding, renewal
#                           information, a choice of chains is the default
# Choices on the command line:
#   CONFIG=FILE compiles a CONFIG record in (tools/mkconfig --record). LTO= links without link-time
#   optimization, IPV6=1 adds IPv6 (IPV6= leaves it out), SERVER= leaves the server side of TLS out,
#   EAB=1 adds external account binding (EAB= leaves it out); in the same way ARI renewal information
#   (RFC 9773), CHAIN a choice of the CA's chains, JOB revocation and what belongs to an account,
#   SERVERS several CAs and a staging CA,
#   RECENT the memory of certificates that were made though none was due.
#   SOLVERS: how names are proved: http-01, tls-alpn-01, dns-01, external (over the UART), or several with
#   commas between them, tried in that order.
#   CHOICE= with several SOLVERS leaves the memory of those that failed out.

BD := boards/$(BOARD)
LTO ?= 1
SERVER ?= 1
IPV6 ?= $(BOARD_IPV6)
EAB ?= $(BOARD_EAB)
ARI ?= $(BOARD_ARI)
CHAIN ?= $(BOARD_CHAIN)
JOB ?= $(BOARD_JOB)
SERVERS ?= $(BOARD_SERVERS)
RECENT ?= $(BOARD_RECENT)
SOLVERS ?= http-01
BOARD_PROVES := $(subst $(comma), ,$(SOLVERS))
$(if $(filter-out http-01 tls-alpn-01 dns-01 external,$(BOARD_PROVES)),$(error SOLVERS: http-01, tls-alpn-01, dns-01, external))
PROVES_NAME := $(patsubst %,-%,$(filter-out http-01,$(subst $(comma),-,$(SOLVERS))))
PROVES_TLS := $(filter tls-alpn-01,$(BOARD_PROVES))
CHOICE ?= $(BOARD_CHOICE)
BOARD_CHOICE := $(if $(word 2,$(BOARD_PROVES)),1)
BO := build/$(BOARD)$(if $(filter 8,$(RECORDS)),-records8)$(if $(LTO),,-nolto)$(if \
	$(IPV6),$(if $(BOARD_IPV6),,-ipv6),$(if \
	$(BOARD_IPV6),-ipv4))$(if $(SERVER),,-client)$(if $(EAB),$(if \
	$(BOARD_EAB),,-eab),$(if $(BOARD_EAB),-noeab))$(if $(ARI),$(if \
	$(BOARD_ARI),,-ari),$(if $(BOARD_ARI),-noari))$(if $(CHAIN),$(if \
	$(BOARD_CHAIN),,-chain),$(if $(BOARD_CHAIN),-nochain))$(if $(JOB),$(if \
	$(BOARD_JOB),,-job),$(if $(BOARD_JOB),-nojob))$(if $(SERVERS),$(if \
	$(BOARD_SERVERS),,-servers),$(if $(BOARD_SERVERS),-noservers))$(if $(RECENT),$(if \
	$(BOARD_RECENT),,-recent),$(if $(BOARD_RECENT),-norecent))$(if $(CHOICE),$(if \
	$(BOARD_CHOICE),,-choice),$(if $(BOARD_CHOICE),-nochoice))$(if $(PACE),-pace)$(PROVES_NAME)
BCC = $(CROSS)gcc

# Inlining that makes frames grow is bounded: what a function needs for a moment would stand on the stack
# under the deepest call of another one.
BOARD_OPT = -Os -g -ffunction-sections -fdata-sections -fno-common $(BOARD_OPT_MORE) \
	$(if $(LTO),-flto -flto-partition=one --param large-stack-frame-growth=50)
BOARD_WARN = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
# The floor of the clock is the commit's time: two builds of one commit are the same.
BOARD_TIME := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)
# lwIP's assertions cost 10 KB; the conformance test runs with all of them on.
BOARD_DEFS = -DNDEBUG -DLWIP_NOASSERT -DACME_BOARD_CONFIG -DWOLFSSL_USER_SETTINGS -DBOARD_EMULATED \
	-DACME_MAX_CERT_ID=$(if $(ARI),56,1) -DACME_MAX_SERVERS=$(if $(SERVERS),3,1) \
	-DACME_MAX_FAILED_WAYS=$(if $(CHOICE),4,1) -DBOARD_NAME='"$(BOARD)"' $(if $(IPV6),-DLWIP_IPV6=1) \
	$(if $(SERVER),-DBOARD_HTTPS) $(if $(SERVER)$(PROVES_TLS),-DBOARD_TLS_SERVER) \
	$(if $(PROVES_TLS),-DBOARD_TLS_ALPN) $(BOARD_DEFS_MORE) \
	$(if $(filter 8,$(RECORDS)),-DBOARD_RECORDS_8K) $(BOARD_EXTRA)
BOARD_INC = -I$(BD) -Iboards/common -Iport -Iport/lwip -Iport/flash -Icore -Isolvers \
	-isystem $(LWIP_DIR)/src/include -isystem $(WOLFSSL_DIR) -isystem $(CJSON_DIR)
BOARD_COMPILE = $(BCC) $(BOARD_CPU) $(BOARD_LIBC) $(BOARD_OPT) $(BOARD_DEFS) $(BOARD_INC) -MD -MP
BOARD_LINK = $(BCC) $(BOARD_CPU) $(BOARD_LIBC) $(BOARD_OPT) -nostartfiles -T $(BOARD_LD) \
	-Wl,--gc-sections -Wl,--no-warn-rwx-segments

SRC_BOARD_COMMON = $(addprefix boards/common/, board_clock.c board_libc.c board_lwip.c board_pool.c \
	board_print.c board_ram.c board_rng.c board_wolfssl.c) $(SRC_BOARD_LIBC)
SRC_BOARD_PORT = $(SRC_PORT) $(SRC_PORT_LWIP) $(SRC_PORT_FLASH)
SRC_LWIP = $(addprefix src/core/, def.c dns.c inet_chksum.c init.c ip.c mem.c memp.c netif.c \
	pbuf.c tcp.c tcp_in.c tcp_out.c timeouts.c udp.c ipv4/acd.c ipv4/dhcp.c ipv4/etharp.c \
	ipv4/icmp.c ipv4/ip4.c ipv4/ip4_addr.c) src/netif/ethernet.c src/apps/sntp/sntp.c \
	$(if $(IPV6),$(addprefix src/core/ipv6/, ethip6.c icmp6.c ip6.c ip6_addr.c mld6.c nd6.c))
# As the hosts' list, without what is for their processors, with the board's own.
SRC_BOARD_WOLFSSL = $(filter-out %sp_x86_64.c %sp_c64.c %cpuid.c $(BOARD_WOLFSSL_DROP),$(SRC_WOLFSSL)) \
	$(BOARD_WOLFSSL_ADD)

# What only the agent's image has.
SRC_BOARD_AGENT = $(filter-out core/acme_store.c core/acme_buf.c $(BOARD_CORE_DROP) \
	$(if $(EAB),,$(SRC_EAB)) $(if $(ARI),,$(SRC_ARI)) $(if $(CHAIN),,$(SRC_CHAIN)) \
	$(if $(JOB),,$(SRC_JOB)) $(if $(RECENT),,$(SRC_RECENT)) $(if $(CHOICE),,$(SRC_CHOICE)) $(if $(SERVERS),,$(SRC_SERVERS)) $(if $(PACE),,$(SRC_PACE)) \
	$(if $(PROVES_TLS),,$(SRC_TLS_SERVER)) $(SRC_CSR),$(SRC_CORE)) \
	$(if $(EAB),,core/acme_steps_noeab.c) $(if $(ARI),,core/acme_steps_noari.c) \
	$(if $(CHAIN),,core/acme_steps_nochain.c) $(if $(JOB),,core/acme_steps_nojob.c) \
	$(if $(RECENT),,core/acme_steps_norecent.c) $(if $(CHOICE),,core/acme_steps_nochoice.c) \
	$(if $(SERVERS),,core/acme_steps_noservers.c) core/acme_csr_noread.c \
	$(if $(PACE),,core/acme_steps_nopace.c) \
	$(BOARD_CORE_ADD) $(filter-out $(if $(PROVES_TLS),,$(SRC_TLS_ALPN01)) $(SRC_DNS_ACCOUNT) \
	$(SRC_DNS_PERSIST) $(SRC_ACMEDNS),$(SRC_SOLVERS)) solvers/dns_label_noaccount.c $(BD)/main.c \
	$(addprefix boards/common/, board_console.c board_event.c board_figures.c board_net.c \
	board_solvers.c board_start.c $(if $(SERVER),https_server.c $(if $(PROVES_TLS),,https_noproof.c),https_none.c) \
	$(foreach solver,$(BOARD_PROVES),$(if $(SERVER)$(filter-out tls-alpn-01,$(solver)),$(BOARD_$(solver)),solver_tls_alpn01.c)) \
	$(if $(filter dns-01,$(BOARD_PROVES)),,solver_no_dns01.c) \
	$(if $(filter external,$(BOARD_PROVES)),,solver_no_external.c)) \
	$(if $(filter external,$(BOARD_PROVES)),solvers/external.c solvers/external_format.c)

BOARD_http-01 = solver_http01.c
BOARD_tls-alpn-01 = https_proof.c
BOARD_dns-01 = solver_dns01.c
BOARD_external = solver_external.c

OBJ_BOARD = $(patsubst %.c,$(BO)/%.o,$(SRC_BOARD) $(SRC_BOARD_COMMON) $(SRC_BOARD_PORT) \
	core/acme_store.c core/acme_buf.c) $(SRC_LWIP:%.c=$(BO)/lwip/%.o) \
	$(SRC_BOARD_WOLFSSL:%.c=$(BO)/wolfssl/%.o)
OBJ_BOARD_AGENT = $(SRC_BOARD_AGENT:%.c=$(BO)/%.o) $(BO)/cjson/cJSON.o

.PHONY: firmware bringup size demo
firmware: $(BO)/firmware.elf $(BO)/boards/common/bringup.o # compiled, so that it stays right
bringup: $(BO)/bringup.elf
size: $(BO)/firmware.elf
	@CROSS=$(CROSS) python3 boards/common/board_size.py $(BOARD) $< $(BD)/budget \
		$(if $(SERVER),server,agent)$(filter 8,$(RECORDS))$(PROVES_NAME)

$(BO)/firmware.elf: $(OBJ_BOARD) $(OBJ_BOARD_AGENT) $(BO)/config.o
$(BO)/bringup.elf: $(OBJ_BOARD) $(BO)/boards/common/bringup.o $(BO)/anchor.o
$(BO)/firmware.elf $(BO)/bringup.elf: $(BOARD_LD)
	@echo "  LINK    $@"
	@$(BOARD_LINK) -Wl,-Map=$(@:.elf=.map) -o $@ $(filter %.o,$^)
	@$(CROSS)size $@
	@if $(CROSS)nm $@ | grep -qwE 'malloc|free|_sbrk|_malloc_r'; then \
		echo "$@: something allocates from the heap" >&2; rm -f $@; exit 1; fi

demo: $(BO)/firmware.elf $(MKCONFIG)
	@tools/get_pebble.py
	@BOARD_ELF=$< tests/boards/demo.py $(BOARD)

# blob SYMBOL, FILE
board_blob = $(BCC) $(BOARD_CPU) -DBLOB_NAME=$(1) -DBLOB_FILE='"$(2)"' -c -o $@ $<
$(BO)/anchor.o: boards/common/blob.S $(ANCHOR)
	@mkdir -p $(@D)
	@$(call board_blob,bringup_anchor,$(ANCHOR))
$(BO)/config.o: boards/common/blob.S $(CONFIG) $(BO)/config-name
	@$(call board_blob,board_default_config,$(or $(CONFIG),$(BO)/no-config))
$(BO)/config-name: FORCE_BOARD
	@mkdir -p $(@D)
	@: >$(BO)/no-config
	@echo '$(CONFIG)' | cmp -s - $@ || echo '$(CONFIG)' >$@

$(BO)/cjson/%.o: $(CJSON_DIR)/%.c $(BO)/board-flags | $(CJSON_DIR)/.version
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(BOARD_COMPILE) -std=gnu11 -w $(CJSON_DEFS) -c -o $@ $<

$(BO)/lwip/%.o: $(LWIP_DIR)/%.c $(BO)/board-flags | $(LWIP_DIR)/.version
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(BOARD_COMPILE) -std=gnu11 -w -c -o $@ $<

$(BO)/wolfssl/%.o: $(WOLFSSL_DIR)/%.c $(BO)/board-flags $(BD)/user_settings.h | $(WOLFSSL_DIR)/.version
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(BOARD_COMPILE) -std=gnu11 -w -c -o $@ $<

$(BO)/%.o: %.c $(BO)/board-flags | $(LWIP_DIR)/.version $(WOLFSSL_DIR)/.version $(CJSON_DIR)/.version
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(BOARD_COMPILE) -std=c11 $(BOARD_WARN) -c -o $@ $<

$(BO)/boards/common/board_solvers.o: private BOARD_DEFS += \
	-DBOARD_SOLVERS=$(subst $(empty) $(empty),$(comma),$(patsubst %,board_%,$(subst -,,$(BOARD_PROVES:tls-alpn-01=tls_alpn01))))
# A new commit compiles only the clock anew.
$(BO)/boards/common/board_clock.o: private BOARD_DEFS += -DBOARD_BUILD_TIME=$(BOARD_TIME)
$(BO)/boards/common/board_clock.o: $(BO)/build-time
$(BO)/build-time: FORCE_BOARD
	@mkdir -p $(@D)
	@echo '$(BOARD_TIME)' | cmp -s - $@ || echo '$(BOARD_TIME)' >$@

# Everything is compiled anew when the flags are not those of the last time.
$(BO)/board-flags: FORCE_BOARD
	@mkdir -p $(@D)
	@echo '$(BOARD_CPU) $(BOARD_LIBC) $(BOARD_OPT) $(BOARD_DEFS) $(SOLVERS)' | cmp -s - $@ || \
		echo '$(BOARD_CPU) $(BOARD_LIBC) $(BOARD_OPT) $(BOARD_DEFS) $(SOLVERS)' >$@
.PHONY: FORCE_BOARD
FORCE_BOARD:

-include $(shell find $(BO) -name '*.d' 2>/dev/null)
