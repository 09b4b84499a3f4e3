# SPDX-License-Identifier: BSD-2-Clause
#
# make helper-types   what writes src/model/helper_types.def, helper_attach.def
# make ctx-probe      what writes src/model/access.def

.PHONY: helper-types ctx-probe
helper-types: $(O)/helper-types
$(O)/helper-types: tools/helper-types.c test/unit/helper_probe.h test/unit/ctx_probe.h $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(ALLCFLAGS) -Itest/unit $(LDFLAGS) -o $@ $< $(LIB_OBJ) $(LDLIBS)
ctx-probe: $(O)/ctx-probe
$(O)/ctx-probe: tools/ctx-probe.c test/unit/ctx_probe.h $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(ALLCFLAGS) -Itest/unit $(LDFLAGS) -o $@ $< $(LIB_OBJ) $(LDLIBS)
