/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flame.h: folded stacks ("name;outer;inner 12", a line each) as one HTML file with a
 * flame graph in SVG: click zooms, Ctrl-F searches, colours say where code is, and with a
 * second set of stacks what became more (red) and less (blue).
 */
#ifndef LANG_FLAME_H
#define LANG_FLAME_H

#include "base/strbuf.h"

struct flame_stats { u64 samples; u32 stacks, frames; };

/* Appends the file. BEFORE: folded stacks to compare with, or NULL. Lines that are none are
 * left out; S: what was in it. */
void flame_html(struct strbuf *out, const char *title, const char *folded, const char *before,
		struct flame_stats *s);

/* The first line that is no folded stack; NULL: all are. */
const char *flame_bad_line(const char *folded);

#endif
