# SPDX-License-Identifier: BSD-2-Clause
#
# make install uninstall    PREFIX, DESTDIR; the folders below can be given too
# make man                  the man pages, when scdoc is installed
#
# Everything that install writes is named in one list, which uninstall removes.

BINDIR     ?= $(PREFIX)/bin
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
BASHDIR    ?= $(PREFIX)/share/bash-completion/completions
TRACEDIR   ?= $(PREFIX)/share/skep/trace
SCDOC      ?= $(shell command -v scdoc 2>/dev/null)

MAN_SRC := $(sort $(wildcard man/*.scd man/tools/*.scd))
MAN_OUT := $(if $(SCDOC),$(MAN_SRC:%.scd=$(O)/%))
HEADERS := $(sort $(wildcard include/skep/*.h))
SCRIPTS := $(sort $(wildcard tools/trace/*.bt))
INSTALLED := $(BINDIR)/skep $(LIBDIR)/libskep.a $(LIBDIR)/libskep.so \
	$(LIBDIR)/libskep.so.$(SOVERSION) $(LIBDIR)/pkgconfig/skep.pc \
	$(HEADERS:include/%=$(INCLUDEDIR)/%) $(BASHDIR)/skep \
	$(SCRIPTS:tools/trace/%=$(TRACEDIR)/%) \
	$(foreach m,$(notdir $(MAN_SRC:.scd=)),$(MANDIR)/man$(patsubst .%,%,$(suffix $m))/$m)

$(O)/man/%: man/%.scd
	@mkdir -p $(@D)
	$(SCDOC) < $< > $@

man: $(MAN_OUT)
	$(if $(SCDOC),@:,@echo 'man pages skipped: scdoc is not installed' >&2)

install: all man
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(LIBDIR)/pkgconfig' \
		'$(DESTDIR)$(INCLUDEDIR)/skep' '$(DESTDIR)$(BASHDIR)' '$(DESTDIR)$(TRACEDIR)'
	install -m 755 $(O)/skep '$(DESTDIR)$(BINDIR)/skep'
	install -m 644 $(O)/libskep.a '$(DESTDIR)$(LIBDIR)/libskep.a'
	install -m 755 $(O)/libskep.so.$(SOVERSION) '$(DESTDIR)$(LIBDIR)/libskep.so.$(SOVERSION)'
	ln -sf libskep.so.$(SOVERSION) '$(DESTDIR)$(LIBDIR)/libskep.so'
	sed -e 's|^prefix=.*|prefix=$(PREFIX)|' -e 's|^libdir=.*|libdir=$(LIBDIR)|' \
		-e 's|^includedir=.*|includedir=$(INCLUDEDIR)|' $(O)/skep.pc \
		> '$(DESTDIR)$(LIBDIR)/pkgconfig/skep.pc'
	chmod 644 '$(DESTDIR)$(LIBDIR)/pkgconfig/skep.pc'
	install -m 644 $(HEADERS) '$(DESTDIR)$(INCLUDEDIR)/skep'
	install -m 644 completion/skep '$(DESTDIR)$(BASHDIR)/skep'
	install -m 755 $(SCRIPTS) '$(DESTDIR)$(TRACEDIR)'
	@set -e; for m in $(MAN_OUT); do \
		install -d '$(DESTDIR)$(MANDIR)'/man$${m##*.}; \
		install -m 644 $$m '$(DESTDIR)$(MANDIR)'/man$${m##*.}; done

uninstall:
	rm -f $(INSTALLED:%='$(DESTDIR)%')
	-rmdir '$(DESTDIR)$(INCLUDEDIR)/skep' '$(DESTDIR)$(TRACEDIR)' 2>/dev/null
