/* SPDX-License-Identifier: BSD-2-Clause */
/* demangle_in.h: between demangle.c and rust.c. Nobody else includes it. */
#ifndef SYM_DEMANGLE_IN_H
#define SYM_DEMANGLE_IN_H

#include "sym/names.h"

/* Names as Rust's compiler makes them now (_R...), and made them (_ZN...17h...E); for
 * free(), NULL: it is none. */
char *demangle_rust(const char *name);
char *demangle_rust_old(const char *name);

#endif
