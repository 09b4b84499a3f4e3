#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The bash completion parses and offers commands, options, files and names, and
# every option that the command has; so do the man pages.
. test/tap.sh
command -v bash >/dev/null || skip_all "bash is not installed"

script=$PWD/completion/skep
: >"$tmp/fw.o"
: >"$tmp/fw.c"
: >"$tmp/in.pcap"
: >"$tmp/deny.json"
: >"$tmp/other.txt"
mkdir "$tmp/dir"

# The completions of the last word, in order, on one line.
complete_words() # WORD...
{
	(cd "$tmp" && bash -c '
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_skep
		printf "%s\n" "${COMPREPLY[@]}"' bash "$script" "$@" 2>&1 |
		LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')
}

ok "parses" bash -n completion/skep
same "commands" "--help --version -h aot asm attach btf cc cgroup cover debug diff disasm explain feature gen help inspect iter link map net perf profile prog replay run struct_ops test trace verify" \
	"$(complete_words skep '')"
same "a command" "disasm" "$(complete_words skep disa)"
same "a command for help" "inspect" "$(complete_words skep help in)"
same "options" "--record --repeat" "$(complete_words skep run --re)"
same "descriptions of a network" "deny.json dir" "$(complete_words skep run --routes '')"
same "operands of run" "dir fw.c fw.o in.pcap" "$(complete_words skep run '')"
same "operands of inspect" "dir fw.c fw.o" "$(complete_words skep inspect '')"
same "operands of cc" "fw.c" "$(complete_words skep cc f)"
same "processors of aot" "baseline native" "$(complete_words skep aot --cpu '')"
same "what btf does" "dump gen help list show" "$(complete_words skep btf '')"
same "formats" "c raw" "$(complete_words skep btf dump fw.o format '')"
same "words of btf dump" "format root_id" "$(complete_words skep btf dump fw.o '')"
same "what map does" "peek pin pop push" "$(complete_words skep map p)"
same "which map" "id name pinned" "$(complete_words skep map dump '')"
same "what net does" "attach detach help list show" "$(complete_words skep net '')"
same "what XDP is attached as" "xdp xdpdrv xdpgeneric xdpoffload" "$(complete_words skep net attach x)"
same "which program" "id name pinned tag" "$(complete_words skep net attach xdp '')"
same "what cgroup does" "tree" "$(complete_words skep cgroup t)"
same "words of feature" "macros" "$(complete_words skep feature probe m)"
same "what prog does" "pin profile" "$(complete_words skep prog p)"
same "which program" "id name pinned tag" "$(complete_words skep prog run '')"
same "words of load" "map offload_dev pinmaps type" "$(complete_words skep prog load fw.o dir '' | tr ' ' '\n' | grep -v '^[akx]' | tr '\n' ' ' | sed 's/ $//')"
same "what struct_ops does" "register" "$(complete_words skep struct_ops r)"
same "what iter does" "help pin" "$(complete_words skep iter '')"
same "a number has no completion" "" "$(complete_words skep run --repeat '')"
same "a map file" "deny.json dir" "$(complete_words skep run --map deny = d)"
same "right after the sign" "deny.json dir" "$(complete_words skep run --map deny =)"

# What "skep COMMAND --help" lists is in the page and in the completion.
for page in man/skep-*.1.scd; do
	command=${page#man/skep-}
	command=${command%.1.scd}
	offered=" $(complete_words skep "$command" -) "
	text=$(sed -n '/^# OPTIONS/,/^# [A-P]/s/\*\(--*[a-z-]*\)\*/ & /gp' "$page")
	for option in $("$SKEP" "$command" --help |
		sed -n 's/^  \(-. *,\)\{0,1\} *\(--[a-z-]*\).*/\1 \2/p' | tr -d ,); do
		has "completion: skep $command $option" " $option " "$offered"
		case $option in
		-h | --help | --version) ;;
		*) has "page: skep $command $option" "*$option*" "$text" ;;
		esac
	done
done
done_testing
