# The simulation: port/sim, the lying CA, the runner. Included by the Makefile.
#
#   make sim               about two minutes of seeds, each twice; SECONDS=n: so long; FROM=n: from there
#   make sim SEED=n        one seed, with all its events: with TLS or wolfCrypt where make sim had it so
#   make sim TLS=1 SEED=n  the same with real TLS
#   make sim CUTS=all      one power cut at each moment of a first issue, of a renewal, of each job;
#                          CUTS=pairs: two; AT=FLOW.FIRST.SECOND: that one, with all its events
#   make sim-long          for an hour (HOURS=n) from where the last one ended, and then each fuzzer for
#                          FUZZ_S seconds; adds to tests/sim/long.log (LOG=file)

OBJ_SIM_PORT = $(patsubst %.c,$(O)/%.o,$(wildcard port/sim/*.c))
SIM_MAINS = tests/sim/main.c tests/sim/quick.c tests/sim/year.c
SIM_CHOICES = $(addprefix tests/sim/,sign_fake.c sign_real.c tls_plain.c ca_stream_plain.c ca_stream_tls.c crc_fast.c)
OBJ_SIM = $(patsubst %.c,$(O)/%.o,$(filter-out $(SIM_MAINS) $(SIM_CHOICES),\
	$(wildcard tests/sim/*.c))) $(OBJ_SIM_PORT) $(O)/tests/flash/flash_sim.o \
	$(patsubst %.c,$(O)/%.o,$(SRC_PORT_FLASH)) \
	$(O)/tests/sim/crc_fast.o
# What comes before the library is taken in its place: a plain session for TLS (in all but sim_tls),
# keyed hashes for signatures (sign_fake.o), a fast checksum for the flash.
SIM = $(O)/tests/sim_fast
SIM_REAL = $(O)/tests/sim_real
SIM_QUICK = $(O)/tests/sim_quick
SIM_TLS = $(O)/tests/sim_tls
SIM_TLS_QUICK = $(O)/tests/sim_tls_quick
SIM_YEAR = $(O)/tests/sim_year
OBJ_FAKE = $(O)/tests/sim/sign_fake.o
OBJ_REAL = $(O)/tests/sim/sign_real.o
OBJ_PLAIN = $(O)/tests/sim/tls_plain.o $(O)/tests/sim/ca_stream_plain.o
OBJ_TLS = $(O)/tests/sim/ca_stream_tls.o
HOURS ?= 1
LOG ?= tests/sim/long.log
SECONDS ?= 110
# Seeds that make sim runs with TLS, and with wolfCrypt: each from its own number on.
SEEDS_TLS = 800000001
SEEDS_REAL = 900000001
seed_in = $(shell [ "$(SEED)" -ge $(1) ] 2>/dev/null && [ "$(SEED)" -lt $$(($(1) + 50)) ] && echo yes)
SIM_OF_SEED = $(if $(TLS)$(call seed_in,$(SEEDS_TLS)),$(SIM_TLS),$(if $(call seed_in,$(SEEDS_REAL)),$(SIM_REAL),$(SIM)))
CPPFLAGS += -Iport/sim

$(SIM): $(O)/tests/sim/main.o $(OBJ_SIM) $(OBJ_PLAIN) $(OBJ_FAKE) $(LIB) $(LIB_WOLFSSL)
$(SIM_REAL): $(O)/tests/sim/main.o $(OBJ_SIM) $(OBJ_PLAIN) $(OBJ_REAL) $(LIB) $(LIB_WOLFSSL)
$(SIM_TLS): $(O)/tests/sim/main.o $(OBJ_SIM) $(OBJ_TLS) $(OBJ_REAL) $(LIB) $(LIB_WOLFSSL)
$(SIM_QUICK): $(O)/tests/sim/quick.o $(OBJ_SIM) $(OBJ_PLAIN) $(OBJ_REAL) $(LIB) $(LIB_WOLFSSL)
$(SIM_TLS_QUICK): $(O)/tests/sim/quick.o $(OBJ_SIM) $(OBJ_TLS) $(OBJ_REAL) $(LIB) $(LIB_WOLFSSL)
$(SIM_YEAR): $(O)/tests/sim/year.o $(OBJ_SIM) $(OBJ_PLAIN) $(OBJ_REAL) $(LIB) $(LIB_WOLFSSL)
$(SIM) $(SIM_REAL) $(SIM_TLS) $(SIM_QUICK) $(SIM_TLS_QUICK) $(SIM_YEAR):
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

.PHONY: sim sim-long sim-programs sim-year
sim-programs: $(SIM) $(SIM_REAL) $(SIM_TLS) $(SIM_QUICK)
programs: $(SIM_QUICK) $(SIM_TLS_QUICK) $(SIM_YEAR)
sim: $(SIM) $(SIM_REAL) $(SIM_TLS)
	@$(if $(AT),$(if $(CUTS),,$(error AT=FLOW.FIRST.SECOND goes with CUTS=all or CUTS=pairs)))
	@$(if $(TLS),$(if $(SEED),,$(error TLS=1 goes with SEED=n)))
	@$(if $(SEED),$(SIM_OF_SEED) --seed $(SEED),\
		$(if $(CUTS),$(SIM_REAL) --cuts $(CUTS) $(if $(AT),--at $(AT)),\
		$(SIM_REAL) --from $(SEEDS_REAL) --count 50 && $(SIM_TLS) --from $(SEEDS_TLS) --count 50 && $(SIM) --seconds $(SECONDS) --from $(or $(FROM),1) --list))
sim-year: $(SIM_YEAR)
	@time $(SIM_YEAR)
sim-long: $(SIM) $(SIM_REAL)
	@tests/sim/long.py $(SIM) $(SIM_REAL) $(LOG) $(HOURS) $(FUZZ_S)

include tests/sim/fleet/fleet.mk
