# The simulation: port/sim, the lying CA, the runner. Included by the Makefile.

OBJ_SIM_PORT = $(patsubst %.c,$(O)/%.o,$(wildcard port/sim/*.c))
CPPFLAGS += -Iport/sim
