# SPDX-License-Identifier: BSD-2-Clause
#
# make bench         builds bench/*.c and runs them, then bench/*.sh, in order
# B=word             only those whose name contains word
#
# Each prints its own figures, one a line. A bench/*.sh finds the command in
# SKEP and the built programs in BUILD/bench.

BENCH_SRC := $(sort $(wildcard bench/*.c))
BENCH_BIN := $(BENCH_SRC:%.c=$(O)/%)
BENCH_SH  := $(sort $(wildcard bench/*.sh))
BENCH_ALL  = $(foreach b,$(BENCH_BIN) $(BENCH_SH),$(if $(B),$(if $(findstring $(B),$b),$b),$b))

$(O)/bench/%.o: private ALLCFLAGS += -Itest $(if $(TEST_PCAP),,-DNO_PCAP) \
	$(if $(TEST_BPF),-DHAVE_LIBBPF)

$(BENCH_BIN): $(O)/%: $(O)/%.o $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ -lm $(if $(TEST_PCAP),-lpcap) $(if $(TEST_BPF),-lbpf) $(LDLIBS)

bench: all $(BENCH_BIN)
	@set -e; export SKEP='$(CURDIR)/$(O)/skep' BUILD='$(CURDIR)/$(O)' LC_ALL=C; \
	for b in $(BENCH_ALL); do echo "== $${b##*/}"; "./$$b"; done

.SECONDARY: $(BENCH_SRC:%.c=$(O)/%.o)
-include $(BENCH_SRC:%.c=$(O)/%.d)
