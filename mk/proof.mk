# SPDX-License-Identifier: BSD-2-Clause
#
# make check-proof   asks for counterexamples of test/proof/lemmas.c: what the
#                    scalar domain promises, for all words. Opt-in: clang,
#                    python3, z3 or cvc5 or both, and some minutes
# T=word             only the lemmas whose name contains word
# PROOF_SECONDS=60   processor time for each and each solver
#
# Optimising turns each lemma into loop-free arithmetic without memory, which
# test/proof/prove translates. The scripts stay in $(O)/proof.

PROOF_SECONDS ?= 60
PROOF_FLAGS   := -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc -O3 -fno-vectorize \
	-fno-slp-vectorize -mllvm -inline-threshold=100000 -Wno-unused-function

PROOF_LL := $(patsubst test/proof/%.c,$(O)/proof/%.ll,$(sort $(wildcard test/proof/*.c)))

.PHONY: check-proof
check-proof: $(PROOF_LL)
	PROOF_SECONDS=$(PROOF_SECONDS) test/proof/prove '$(T)' $^ $(sort $(wildcard test/proof/*.smt2))

$(PROOF_LL): $(O)/proof/%.ll: test/proof/%.c test/proof/lemma.h mk/proof.mk $(wildcard src/verify/*.[ch]) src/isa/insn.def
	@mkdir -p $(@D)
	$(CLANG) $(PROOF_FLAGS) -S -emit-llvm -o $@ $<
