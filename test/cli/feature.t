#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# feature.t: `skep feature`: what the running kernel can do; where bpftool is installed,
# it has no key that we lack, and the same answers, but for those that it gets wrong.
. test/tap.sh

status "a command that is none" 2 $SKEP feature prob3
status "nothing to list" 2 $SKEP feature list_builtins
has "no group" "did you mean map_types?" "$($SKEP feature list_builtins map_type_s 2>&1)"
has "a word that is none" "'fool' is none of kernel" "$($SKEP feature probe fool 2>&1)"
has "prefix without macros" "prefix comes behind macros" "$($SKEP feature probe prefix A_ 2>&1)"
status "prefix of what" 2 $SKEP feature probe macros prefix
has "no name" "begins with 'a b'" "$($SKEP feature probe macros prefix 'a b' 2>&1)"
has "two at once" "not both" "$($SKEP feature probe kernel dev lo 2>&1)"
has "no device" "no network device 'none'" "$($SKEP feature probe dev none 2>&1)"
has "help" "skep feature list_builtins prog_types|map_types" "$($SKEP feature help)"
same "program types" "unspec socket_filter kprobe" \
	"$($SKEP feature list_builtins prog_types | head -n 3 | tr '\n' ' ' | sed 's/ $//')"
same "as JSON" '["unspec","raw_tracepoint","tracing"' "$($SKEP feature -j list_builtins link | cut -c1-36)"
same "helpers" "212" "$($SKEP feature list_builtins helpers | wc -l | tr -d ' ')"

if [ "$(id -u)" != 0 ] || ! $SKEP feature probe >"$tmp/out" 2>"$tmp/err"; then
	skip "the kernel's answers" "$(head -n 1 "$tmp/err") (as root)"
	done_testing
	exit
fi
has "an answer" "eBPF map_type hash is available" "$(cat "$tmp/out")"
has "without privileges" "eBPF program_type xdp is NOT available" "$($SKEP feature probe unprivileged)"
$SKEP feature probe macros prefix SK_ full >"$tmp/has.h"
cat > "$tmp/has.c" <<'EOF2'
#include "has.h"
#ifndef SK_HAVE_HASH_MAP_TYPE
#error hash
#endif
#if !SK_HAVE_PROG_TYPE_HELPER(xdp, bpf_xdp_adjust_head)
#error adjust_head
#endif
#if SK_HAVE_PROG_TYPE_HELPER(socket_filter, bpf_xdp_adjust_head)
#error of another type
#endif
EOF2
ok "macros for C" ${CC:-cc} -fsyntax-only "$tmp/has.c"
command -v bpftool >/dev/null || why="no bpftool"
command -v python3 >/dev/null || why="no python3"
if [ -n "${why-}" ]; then
	skip "bpftool says the same" "$why"
	done_testing
	exit
fi
cat > "$tmp/same.py" <<'EOF2'
import json, subprocess, sys
skep = sys.argv[1]
def run(*words): return subprocess.run(words, capture_output=True, text=True, check=True).stdout
def both(*words):
    return (json.loads(run('bpftool', '-j', 'feature', *words)),
            json.loads(run(skep, 'feature', '-j', *words)))
for how in ((), ('full',), ('unprivileged',), ('dev', 'lo')):
    theirs, ours = both('probe', *how)
    for section, members in theirs.items():
        keys = [k for k in ours[section] if k in members]
        if keys != list(members):
            print(how, section, 'keys', set(members) - set(keys))
        for key, value in members.items():
            if section == 'helpers':
                # bpftool 7.1 does not know how newer kernels say no
                newer = {'bpf_cgrp_storage_get', 'bpf_cgrp_storage_delete'}
                if value and set(ours[section][key]) - set(value) - newer:
                    print(how, key, set(ours[section][key]) - set(value))
            elif ours[section][key] != value and key != 'have_tracing_prog_type':
                print(how, key, value, ours[section][key])
for group in ('prog_types', 'map_types', 'attach_types', 'link_types', 'helpers'):
    theirs, ours = both('list_builtins', group)
    if ours[:len(theirs)] != theirs:
        print(group, theirs, ours)
    text = run(skep, 'feature', 'list_builtins', group).split('\n')
    if text[:-1] != ours:
        print(group, 'as text')
theirs, ours = (set(run(*words, 'feature', 'probe').split('\n'))
                for words in (('bpftool',), (skep,)))
for line in theirs - ours:
    if not line.startswith('\t- ') and line != 'eBPF program_type tracing is NOT available':
        print('text', line)
theirs, ours = (set(run(*words, 'feature', 'probe', 'macros', 'prefix', 'A_').split('\n'))
                for words in (('bpftool',), (skep,)))
for line in theirs - ours:
    if '__HELPER_' not in line and line != '#define A_NO_HAVE_TRACING_PROG_TYPE':
        print('macros', line)
EOF2
same "bpftool says the same" "" "$(python3 "$tmp/same.py" "$SKEP" 2>&1)"
done_testing
