/* SPDX-License-Identifier: BSD-2-Clause */
/* cpumask.h: bodies of the kernel's functions on sets of cpus. */
#ifndef CALL_CPUMASK_H
#define CALL_CPUMASK_H

#include "call/bodies.h"

HELPER_BODY(kfunc_cpumask_create);
HELPER_BODY(kfunc_cpumask_acquire);
HELPER_BODY(kfunc_cpumask_release);
HELPER_BODY(kfunc_cpumask_set_cpu);
HELPER_BODY(kfunc_cpumask_clear_cpu);
HELPER_BODY(kfunc_cpumask_test_and_set_cpu);
HELPER_BODY(kfunc_cpumask_test_and_clear_cpu);
HELPER_BODY(kfunc_cpumask_test_cpu);
HELPER_BODY(kfunc_cpumask_first);
HELPER_BODY(kfunc_cpumask_first_zero);
HELPER_BODY(kfunc_cpumask_first_and);
HELPER_BODY(kfunc_cpumask_any_distribute);
HELPER_BODY(kfunc_cpumask_any_and_distribute);
HELPER_BODY(kfunc_cpumask_setall);
HELPER_BODY(kfunc_cpumask_clear);
HELPER_BODY(kfunc_cpumask_and);
HELPER_BODY(kfunc_cpumask_or);
HELPER_BODY(kfunc_cpumask_xor);
HELPER_BODY(kfunc_cpumask_copy);
HELPER_BODY(kfunc_cpumask_equal);
HELPER_BODY(kfunc_cpumask_intersects);
HELPER_BODY(kfunc_cpumask_subset);
HELPER_BODY(kfunc_cpumask_empty);
HELPER_BODY(kfunc_cpumask_full);
HELPER_BODY(kfunc_cpumask_weight);

#endif
