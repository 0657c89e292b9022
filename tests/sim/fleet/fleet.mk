# A fleet. Included by tests/sim/sim.mk.
#
#   make sim-fleet AGENTS=10000 YEARS=1   figures F1 to F11 as a table, pictures in build/fleet-*.svg
#   ... ONLY=storm SEED=2 DEVICE=7        one scenario, another seed, all events of one device

FLEET = $(O)/tests/sim_fleet
FLEET_QUICK = $(O)/tests/sim_fleet_quick
FLEET_MAINS = tests/sim/fleet/fleet_main.c tests/sim/fleet/fleet_quick.c
FLEET_CPPFLAGS = $(CPPFLAGS) $(CPPFLAGS_tests) -isystem $(CJSON_DIR) -DACME_BOARD_CONFIG -Itests/sim/fleet
# The CA's keys, certificates and CSRs are those of make sim; the linker takes what it needs.
FLEET_LIB = $(O)/fleet/libfleet.a
OBJ_FLEET_LIB = $(patsubst %.c,$(O)/fleet/%.o,$(SRC_PORT) $(SRC_CORE) $(SRC_SOLVERS) \
	$(SRC_PORT_FLASH) tests/flash/flash_sim.c $(wildcard port/sim/*.c) \
	$(filter-out $(SIM_MAINS) tests/sim/sign_fake.c tests/sim/tls_plain.c tests/sim/crc_fast.c,$(wildcard tests/sim/*.c)))
OBJ_FLEET = $(patsubst %.c,$(O)/fleet/%.o,tests/sim/sign_fake.c tests/sim/tls_plain.c \
	$(filter-out $(FLEET_MAINS),$(wildcard tests/sim/fleet/*.c)))

$(O)/fleet/%.o: %.c $(O)/flags | $(WOLFSSL_DIR)/.version $(CJSON_DIR)/.version
	@mkdir -p $(@D)
	@echo "  CC      $< (fleet)"
	@$(COMPILE) -std=c11 $(WARNINGS) $(FLEET_CPPFLAGS) -o $@ -c $<
$(FLEET_LIB): $(OBJ_FLEET_LIB) $(OBJ_CJSON)
	@rm -f $@
	@$(AR) rcs $@ $^
$(FLEET): $(O)/fleet/tests/sim/fleet/fleet_main.o $(OBJ_FLEET) $(FLEET_LIB) $(LIB_WOLFSSL)
$(FLEET_QUICK): $(O)/fleet/tests/sim/fleet/fleet_quick.o $(OBJ_FLEET) $(FLEET_LIB) $(LIB_WOLFSSL)
$(FLEET) $(FLEET_QUICK):
	@mkdir -p $(@D)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS) -lm

.PHONY: sim-fleet
sim-fleet: $(FLEET)
	@$(FLEET) --agents $(or $(AGENTS),10000) --years $(or $(YEARS),1) --seed $(or $(SEED),1) \
		--svg build $(if $(ONLY),--only $(ONLY)) $(if $(DEVICE),--log $(DEVICE))
programs: $(FLEET_QUICK)
