# The simulation: port/sim, the lying CA, the runner. Included by the Makefile.
#
#   make sim               about two minutes of seeds, each twice; SECONDS=n: so long; FROM=n: from there
#   make sim SEED=n        one seed, with all its events
#   make sim CUTS=all      one power cut at each moment of a first issue and a renewal; CUTS=pairs: two
#   make sim-long          for an hour (HOURS=n) from where the last one ended; adds to build/sim.log

OBJ_SIM_PORT = $(patsubst %.c,$(O)/%.o,$(wildcard port/sim/*.c))
SIM_MAINS = tests/sim/main.c tests/sim/quick.c
OBJ_SIM = $(patsubst %.c,$(O)/%.o,$(filter-out $(SIM_MAINS) tests/sim/sign_fake.c,\
	$(wildcard tests/sim/*.c))) $(OBJ_SIM_PORT)
# What comes before the library is taken in its place: a plain session for TLS (tls_plain.o, in
# every simulation), keyed hashes for signatures (sign_fake.o).
SIM = $(O)/tests/sim_fast
SIM_REAL = $(O)/tests/sim_real
SIM_QUICK = $(O)/tests/sim_quick
OBJ_FAKE = $(O)/tests/sim/sign_fake.o
HOURS ?= 1
SECONDS ?= 110
CPPFLAGS += -Iport/sim

$(SIM): $(O)/tests/sim/main.o $(OBJ_SIM) $(OBJ_FAKE) $(LIB) $(LIB_WOLFSSL)
$(SIM_REAL): $(O)/tests/sim/main.o $(OBJ_SIM) $(LIB) $(LIB_WOLFSSL)
$(SIM_QUICK): $(O)/tests/sim/quick.o $(OBJ_SIM) $(LIB) $(LIB_WOLFSSL)
$(SIM) $(SIM_REAL) $(SIM_QUICK):
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

.PHONY: sim sim-long sim-programs
sim-programs: $(SIM) $(SIM_REAL) $(SIM_QUICK)
programs: $(SIM_QUICK)
sim: $(SIM) $(SIM_REAL)
	@$(if $(SEED),$(SIM) --seed $(SEED) || $(SIM_REAL) --seed $(SEED),\
		$(if $(CUTS),$(SIM_REAL) --cuts $(CUTS),\
		$(SIM_REAL) --from 900000001 --count 50 && $(SIM) --seconds $(SECONDS) --from $(or $(FROM),1) --list))
sim-long: $(SIM)
	@tests/sim/long.py $(SIM) build/sim.log $(HOURS)

# ---- a fleet: the same core, small bounds, ten thousand agents -----------------------------------
#
#   make sim-fleet AGENTS=10000 YEARS=1   figures F1 to F11 as a table, pictures in build/fleet-*.svg
#   ... ONLY=storm SEED=2                 one scenario, another seed

FLEET = $(O)/tests/sim_fleet
FLEET_QUICK = $(O)/tests/sim_fleet_quick
FLEET_MAINS = tests/sim/fleet/fleet_main.c tests/sim/fleet/fleet_quick.c
FLEET_CPPFLAGS = $(CPPFLAGS) $(CPPFLAGS_tests) -isystem $(CJSON_DIR) -DACME_BOARD_CONFIG -Itests/sim/fleet
# The CA's keys, certificates and CSRs are those of make sim; the linker takes what it needs.
FLEET_LIB = $(O)/fleet/libfleet.a
OBJ_FLEET_LIB = $(patsubst %.c,$(O)/fleet/%.o,$(SRC_PORT) $(SRC_CORE) $(SRC_SOLVERS) \
	$(wildcard port/sim/*.c) $(filter-out $(SIM_MAINS) tests/sim/sign_fake.c tests/sim/tls_plain.c,$(wildcard tests/sim/*.c)))
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
		--svg build $(if $(ONLY),--only $(ONLY))
