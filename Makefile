# SPDX-License-Identifier: BSD-2-Clause
#
# make              skep, libskep.so, libskep.a under build/
# make check        all tests; closes with "N passed, N failed, N skipped"
# make bench        the figures, both sides of each ratio
# make check-arm64  the same engines for another processor, in an emulator
# make check-proof  what the verifier's numbers promise, proved by z3 or cvc5
# make fuzz         each fuzz target for FUZZ_SECONDS (300) under ASan and UBSan
# make install      PREFIX (/usr/local), DESTDIR
# make static       build/static/skep: one file without shared libraries
# SAN=1             with AddressSanitizer and UndefinedBehaviorSanitizer
# SAN=thread        with ThreadSanitizer: make check T=stress SAN=thread
# CROSS=triplet-    cross compiler prefix, e.g. CROSS=aarch64-linux-gnu-; ROOT has its
#                   libraries (build/root/triplet: ./bootstrap arm64 fetches them)
# V=1               show the commands
# WERROR=1          warnings are errors

VERSION   := 0.1.0
SOVERSION := 0
PREFIX    ?= /usr/local
DESTDIR   ?=
CROSS     ?=
COMMA     := ,
TRIPLET   := $(CROSS:-=)
ROOT      ?= $(if $(CROSS),build/root/$(TRIPLET))
root_use   = $(if $(wildcard $(1)),-isystem $(1)/usr/include -L$(1)/usr/lib/$(2) -L$(1)/lib/$(2) -Wl$(COMMA)-rpath-link$(COMMA)$(1)/lib/$(2))
CC        := $(if $(filter default undefined,$(origin CC)),$(strip $(CROSS)gcc $(call root_use,$(ROOT),$(TRIPLET))),$(CC))
AR        := $(if $(filter default undefined,$(origin AR)),$(CROSS)ar,$(AR))
OBJCOPY   := $(if $(filter default undefined,$(origin OBJCOPY)),$(CROSS)objcopy,$(OBJCOPY))
PKGCONFIG ?= $(CROSS)pkg-config
CLANG     ?= $(firstword $(foreach c,clang-19 clang-18 clang-17 clang,$(shell command -v $(c) 2>/dev/null)))
O         := build$(if $(SAN),-$(if $(findstring thread,$(SAN)),tsan,san))$(if $(CROSS),/$(TRIPLET))

Q   := $(if $(V),,@)
SAY := $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),true,echo "  ")

HASH  := \#
have = $(shell printf '$(HASH)include <$(1)>\nint main(void){return 0;}\n' | $(CC) -x c -fsyntax-only - 2>/dev/null && echo 1)

# Asked once: each is a run of the compiler.
HAVE    := $(if $(call have,jansson.h),-DHAVE_JANSSON) $(if $(call have,elfutils/libdwfl.h),-DHAVE_LIBDW) \
	$(if $(call have,capstone/capstone.h),-DHAVE_CAPSTONE)

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wundef -Wno-unused-parameter
CFLAGS  ?= -O2 -g
ALLCFLAGS = -std=gnu11 -D_GNU_SOURCE -DSKEP_VERSION='"$(VERSION)"' \
	-Iinclude -Isrc -fPIC -fvisibility=hidden -fno-semantic-interposition -ffunction-sections -fdata-sections \
	$(WARN) $(if $(WERROR),-Werror) $(SANFLAGS) $(CFLAGS) $(HAVE)
# What ThreadSanitizer does not know, fences, orders only accesses that are atomic.
SANFLAGS := $(if $(findstring thread,$(SAN)),-fsanitize=thread -Wno-tsan -fno-omit-frame-pointer,$(if \
	$(SAN),-fsanitize=address$(COMMA)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer))
LDLIBS   := -lelf -ldl -lpthread

LIB_LAYERS := base isa btf sym model obj verify vm jit maps call runtime host kernel api
LIB_SRC := $(sort $(wildcard $(addprefix src/,$(addsuffix /*.c,$(LIB_LAYERS) jit/x64 jit/a64 jit/opt))))
CLI_SRC := $(sort $(wildcard src/cli/*.c src/lang/*.c src/replay/*.c src/debug/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(O)/%.o)

.PHONY: all check bench fuzz install uninstall static clean man
.DELETE_ON_ERROR:
all: $(O)/skep $(O)/libskep.so.$(SOVERSION) $(O)/libskep.a $(O)/skep.pc

# Compiled with other flags, or before a library was there, is out of date.
FLAGS := $(O)/flags
.PHONY: FORCE
$(FLAGS): FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CC) $(ALLCFLAGS))' | cmp -s - $@ || \
		printf '%s\n' '$(subst ','\'',$(CC) $(ALLCFLAGS))' > $@

$(O)/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	@$(SAY) CC $<
	$(Q)$(CC) $(ALLCFLAGS) -MMD -MP -c -o $@ $<

# What a source includes as bytes.
$(O)/src/cli/cmd_explain.o: src/cli/explain.txt
$(O)/src/cli/cc.o: src/cli/prelude.h include/skep/test.h

# All of the library as one relocatable file in which only skep_* is global.
$(O)/libskep.o: $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) -r -nostdlib -o $@.tmp $^
	$(Q)$(OBJCOPY) --wildcard --keep-global-symbol='skep_*' $@.tmp $@ && rm -f $@.tmp

$(O)/libskep.a: $(O)/libskep.o
	@$(SAY) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $<

$(O)/libskep.so.$(SOVERSION): $(LIB_OBJ) src/api/libskep.map
	@$(SAY) LD $@
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -shared -Wl,-soname,libskep.so.$(SOVERSION) -Wl,--gc-sections \
		-Wl,--version-script=src/api/libskep.map $(if $(SAN),,-Wl$(COMMA)-z$(COMMA)defs) -o $@ $(LIB_OBJ) $(LDLIBS)
	$(Q)ln -sf libskep.so.$(SOVERSION) $(O)/libskep.so

$(O)/skep: $(CLI_OBJ) $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -Wl,--gc-sections -Wl,-z,now -o $@ $^ $(LDLIBS)

$(O)/skep.pc: Makefile
	@mkdir -p $(@D)
	$(Q)printf 'prefix=%s\nincludedir=$${prefix}/include\nlibdir=$${prefix}/lib\n\nName: skep\nDescription: eBPF in user space and on Linux\nVersion: %s\nLibs: -L$${libdir} -lskep\nLibs.private: $(LDLIBS) -lz\nCflags: -I$${includedir}\n' '$(PREFIX)' '$(VERSION)' > $@

static:
	$(MAKE) O=$(O)/static LDFLAGS='-static' CFLAGS='$(CFLAGS) -DSKEP_STATIC' \
		LDLIBS='-lelf -lz $(if $(findstring JANSSON,$(HAVE)),-ljansson) -lpthread' $(O)/static/skep

include $(sort $(wildcard mk/*.mk))

clean:
	rm -rf build build-san build-tsan

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d)
