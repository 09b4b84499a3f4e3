/* SPDX-License-Identifier: BSD-2-Clause */
/* out_in.h: what the files that print maps share: histograms and time series. */
#ifndef LANG_OUT_IN_H
#define LANG_OUT_IN_H

#include "lang/out.h"

/* The counts at P of a TY_HIST or TY_LHIST: a line for each bucket; an array. */
void out_hist_text(struct strbuf *b, const struct ty *ty, const u8 *p, u64 div);
void out_hist_json(struct strbuf *b, const struct ty *ty, const u8 *p, u64 div);
/* The intervals at P of a TY_TSERIES; LAST is the newest of all that the map has. */
void out_series_text(struct out *o, const struct ty *ty, const u8 *p, u64 last);
void out_series_json(struct out *o, const struct ty *ty, const u8 *p, u64 last);
/* The newest at P; 0: there is none. */
u64 out_series_last(const struct ty *ty, const u8 *p);

#endif
