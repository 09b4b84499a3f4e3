# SPDX-License-Identifier: BSD-2-Clause
#
# make examples      compiles the BPF objects of examples/ anew. They are in the
#                    repository, so that nothing else needs clang.
#
# The objects name no folder of the machine that built them.

# No BPF programs: two that run one, and one that reads its maps.
EXAMPLE_SRC := $(filter-out %/counter.c %/reader.c %/host.c,$(sort $(wildcard examples/*/*.c)))
BPF_CC      ?= $(CLANG)
BPF_FLAGS   := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror \
	-I/usr/include/$(shell uname -m)-linux-gnu -ffile-prefix-map=$(CURDIR)=.

.PHONY: examples
examples: $(EXAMPLE_SRC:.c=.o)

examples/%.o: examples/%.c
	$(BPF_CC) $(BPF_FLAGS) -fdebug-compilation-dir=. -c -o $@ $<
