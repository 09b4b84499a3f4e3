# SPDX-License-Identifier: BSD-2-Clause
#
# make helper-types   what writes src/model/helper_types.def

.PHONY: helper-types
helper-types: $(O)/helper-types
$(O)/helper-types: tools/helper-types.c test/unit/helper_probe.h $(LIB_OBJ)
	@$(SAY) LD $@
	$(Q)$(CC) $(ALLCFLAGS) -Itest/unit $(LDFLAGS) -o $@ $< $(LIB_OBJ) $(LDLIBS)
