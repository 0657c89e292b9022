# The simulation: port/sim, the lying CA, the runner. Included by the Makefile.
#
#   make sim               about two minutes of seeds, each twice; SECONDS=n: so long
#   make sim SEED=n        one seed, with all its events
#   make sim CUTS=all      one power cut at each moment of a first issue and a renewal; CUTS=pairs: two

OBJ_SIM_PORT = $(patsubst %.c,$(O)/%.o,$(wildcard port/sim/*.c))
OBJ_SIM = $(patsubst %.c,$(O)/%.o,$(filter-out tests/sim/main.c tests/sim/quick.c tests/sim/sign_fake.c,\
	$(wildcard tests/sim/*.c))) $(OBJ_SIM_PORT)
SIM_REAL = $(O)/tests/sim_real
SIM_ARGS = $(if $(SEED),--seed $(SEED),$(if $(CUTS),--cuts $(CUTS),--seconds $(or $(SECONDS),110) --list))
CPPFLAGS += -Iport/sim

# tls_plain.o comes before the library, so that the library's TLS stays where it is.
$(SIM_REAL): $(O)/tests/sim/main.o $(OBJ_SIM) $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK) -o $@ $^ $(LDLIBS)

.PHONY: sim
sim: $(SIM_REAL)
	@$(SIM_REAL) $(SIM_ARGS)
