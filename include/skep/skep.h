/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SKEP_SKEP_H
#define SKEP_SKEP_H
const char *skep_version(void);
#endif
