# lwip.mk - conformance_lwip and conformance_lwip4: port/lwip over lwIP itself, with and without IPv6
#
# lwIP is configured for these programs alone, so it is compiled for each of them and is in no
# library.

LWIP_TEST = tests/conformance/lwip
LWIP_TEST_CPPFLAGS = -DLWIP_NET_SOCKS=12 -DLWIP_NET_BACKLOG=4 -Iport -Iport/lwip -I$(LWIP_TEST) \
	-Itests/conformance -isystem $(LWIP_DIR)/src/include
SRC_LWIP_TEST = tests/conformance/main_lwip.c $(wildcard tests/conformance/conf*.c) \
	$(wildcard $(LWIP_TEST)/*.c) $(SRC_PORT_LWIP) $(SRC_PORT)
SRC_LWIP_STACK = $(addprefix src/core/, def.c dns.c inet_chksum.c init.c ip.c mem.c memp.c netif.c \
	pbuf.c stats.c tcp.c tcp_in.c tcp_out.c timeouts.c udp.c \
	ipv4/icmp.c ipv4/ip4.c ipv4/ip4_addr.c ipv4/ip4_frag.c \
	ipv6/icmp6.c ipv6/ip6.c ipv6/ip6_addr.c ipv6/ip6_frag.c ipv6/mld6.c ipv6/nd6.c)

# lwip_rules NAME, FLAGS
define lwip_rules
$(O)/tests/conformance_$(1): $$(SRC_LWIP_TEST:%.c=$(O)/$(1)/%.o) \
		$$(SRC_LWIP_STACK:%.c=$(O)/$(1)/lwip/%.o)
	@echo "  LINK    $$@"
	@mkdir -p $$(@D)
	@$$(LINK) -o $$@ $$^
$(O)/$(1)/lwip/%.o: $$(LWIP_DIR)/%.c $(O)/flags $(LWIP_TEST)/lwipopts.h | $$(LWIP_DIR)/.version
	@mkdir -p $$(@D)
	@echo "  CC      $$<"
	@$$(COMPILE) -std=gnu11 -w $(2) $$(LWIP_TEST_CPPFLAGS) -o $$@ -c $$<
$(O)/$(1)/%.o: %.c $(O)/flags $(LWIP_TEST)/lwipopts.h | $$(LWIP_DIR)/.version
	@mkdir -p $$(@D)
	@echo "  CC      $$<"
	@$$(COMPILE) -std=c11 $$(WARNINGS) $(2) $$(LWIP_TEST_CPPFLAGS) -o $$@ -c $$<
endef

$(eval $(call lwip_rules,lwip,-DLWIP_IPV6=1))
$(eval $(call lwip_rules,lwip4,-DLWIP_IPV6=0))
CONFORMANCE += $(O)/tests/conformance_lwip4
