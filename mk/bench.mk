# SPDX-License-Identifier: BSD-2-Clause
#
# make bench         builds bench/*.c and runs them, then bench/*.sh, in order
# B=word             only those whose name contains word
# LIBBPF=DIR         with another libbpf than the system's: DIR/libbpf.a, DIR/include/bpf
#
# Each prints its own figures, one a line. A bench/*.sh finds the command in
# SKEP and the built programs in BUILD/bench. The BPF objects of bench/programs are
# compiled there, where clang is installed.

BENCH_SRC := $(sort $(wildcard bench/*.c))
BENCH_BIN := $(BENCH_SRC:%.c=$(O)/%)
BENCH_SH  := $(sort $(wildcard bench/*.sh))
BENCH_OBJ := $(if $(CLANG),$(patsubst %.c,$(O)/%.o,$(wildcard bench/programs/*.c)))
BENCH_ALL  = $(foreach b,$(BENCH_BIN) $(BENCH_SH),$(if $(B),$(if $(findstring $(B),$b),$b),$b))

$(O)/bench/%.o: private ALLCFLAGS += -Itest $(if $(TEST_PCAP),,-DNO_PCAP) \
	$(if $(TEST_BPF),-DHAVE_LIBBPF) $(if $(LIBBPF),-I$(LIBBPF)/include)

$(BENCH_BIN): $(O)/%: $(O)/%.o $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ -lm $(if $(TEST_PCAP),-lpcap) \
		$(if $(LIBBPF),$(LIBBPF)/libbpf.a,$(if $(TEST_BPF),-lbpf)) $(LDLIBS) $(if $(LIBBPF),-lz)

$(O)/bench/replay $(O)/bench/record: $(patsubst %.c,$(O)/%.o,$(wildcard src/replay/*.c))

# clang unrolls only so much of its own accord.
$(O)/bench/programs/%.o: bench/programs/%.c bench/programs/common.h
	@mkdir -p $(@D)
	@$(SAY) CLANG $<
	$(Q)$(CLANG) -target bpf -O2 -g -mcpu=v3 -mllvm -pragma-unroll-threshold=1000000 \
		-I/usr/include/$(shell uname -m)-linux-gnu -c -o $@ $<

bench: all $(BENCH_BIN) $(BENCH_OBJ)
	@set -e; export SKEP='$(CURDIR)/$(O)/skep' BUILD='$(CURDIR)/$(O)' LC_ALL=C; \
	for b in $(BENCH_ALL); do echo "== $${b##*/}"; "./$$b"; done

.SECONDARY: $(BENCH_SRC:%.c=$(O)/%.o)
-include $(BENCH_SRC:%.c=$(O)/%.d)
