# Fuzzing: the harnesses of tests/fuzz. Included by the Makefile.
#
#   make fuzz              each harness for a minute, one after another; FUZZ_S=n: for n seconds;
#                          FUZZ=json: that one alone
#
# Two builds of one harness: with libFuzzer (build/fuzz-clang), and with a main() that reads files
# (every other build), for which no clang is needed.

FUZZ_S ?= 60
FUZZERS = $(patsubst tests/fuzz/fuzz_%.c,%,$(filter-out %/fuzz_main.c,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_PROGRAMS = $(FUZZERS:%=$(O)/tests/fuzz_%)
OBJ_FUZZ_MAIN = $(if $(FUZZER),,$(O)/tests/fuzz/fuzz_main.o)
LINK_FUZZ = $(LINK) $(if $(FUZZER),-fsanitize=fuzzer)

# What comes before the library is taken in its place.
$(O)/tests/fuzz_exchange: $(O)/tests/sim/tls_plain.o
$(O)/tests/fuzz_agent: $(O)/tests/sim/sign_fake.o
$(O)/tests/fuzz_flash: $(O)/tests/flash/flash_sim.o $(patsubst %.c,$(O)/%.o,$(SRC_PORT_FLASH))
$(O)/tests/fuzz_keyfile: $(O)/tools/lwacme/keyfile.o
$(O)/tests/fuzz/fuzz_keyfile.o: CPPFLAGS_tests += -Itools/lwacme
$(O)/tests/fuzz_pretty: $(O)/tools/lwacme/pretty.o
$(O)/tests/fuzz/fuzz_pretty.o: CPPFLAGS_tests += -Itools/lwacme
$(O)/tests/fuzz_conf: $(O)/tools/lwacme/conf_line.o
$(FUZZ_PROGRAMS): $(O)/tests/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(OBJ_FUZZ_MAIN) $(LIB) $(LIB_WOLFSSL)
	@echo "  LINK    $@"
	@$(LINK_FUZZ) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)

.PHONY: fuzz fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
programs: $(if $(SAN),fuzz-programs)
fuzz:
	@tools/setup.sh fuzz
	@$(MAKE) --no-print-directory CC=clang SAN= STATIC= FUZZER=1 fuzz-programs
	@tests/fuzz/run.py --seconds $(FUZZ_S) $(FUZZ)
