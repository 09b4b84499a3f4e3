#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# zip.t: functions of libraries that lie in zip archives, as Android's packages have them.
# The archive is written here; a program maps the library from it and calls the function.
. test/tap.sh

$SKEP trace -q -e 'begin { exit(); }' >/dev/null 2>&1 ||
	skip_all "this system lets nobody run a script"
$SKEP trace --dry-run -e "uprobe:$SKEP:main { }" >/dev/null 2>&1 || skip_all "no uprobes"

# ZIP AT ADDRESS: maps what is AT ZIP and calls the function at ADDRESS of it
cat > "$tmp/run.c" <<'END'
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
int main(int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY);
	long at = atol(argv[2]), addr = strtol(argv[3], NULL, 16);
	char *head = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, at);
	char *base = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	Elf64_Ehdr *eh = (void *)head;
	Elf64_Phdr *ph = (void *)(head + eh->e_phoff);
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_flags & PF_X)
			mmap(base + (ph[i].p_vaddr & -4096), ph[i].p_memsz + (ph[i].p_vaddr & 4095),
			     PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd,
			     at + (ph[i].p_offset & -4096));
	return ((int (*)(int))(base + addr))(21) != 42;
}
END
echo 'int twice(int x) { return 2 * x; }' > "$tmp/x.c"
cc=${CC:-cc}
{ $cc -O2 -g -fPIC -shared -nostdlib -o "$tmp/libx.so" "$tmp/x.c" && $cc -w -o "$tmp/mk" test/lang/mkzip.c &&
	$cc -w -o "$tmp/run" "$tmp/run.c"; } 2>/dev/null || skip_all "no compiler"
addr=$(nm "$tmp/libx.so" | sed -n 's/ T twice$//p')
pad=$((4096 - 30 - 1 - 30 - 11))
"$tmp/mk" "$tmp/x.apk" "$tmp/libx.so" $pad 0
ok "the library runs from the archive" "$tmp/run" "$tmp/x.apk" 4096 "$addr"

run="$tmp/run $tmp/x.apk 4096 $addr"
same "uprobe and uretprobe" "twice 21
gives 42" "$($SKEP trace -q -e "uprobe:\"$tmp/x.apk!/lib/libx.so\":twice { printf(\"%s %d\\n\", func, arg0); }
	uretprobe:\"$tmp/x.apk!/lib/libx.so\":twice { printf(\"gives %d\\n\", retval); }" -c "$run" 2>&1 | sed '/^$/d')"
same "arguments by debug information" "21" "$($SKEP trace -q -e "uprobe:$tmp/x.apk!/lib/libx.so:twice { print(args.x); }" -c "$run" 2>&1 | sed "/^\$/d")"
same "with a pattern" "@[uprobe:x.apk!/lib/libx.so:twice]: 1" \
	"$($SKEP trace -q -e "uprobe:$tmp/x.apk!/lib/libx.so:tw* { @[probe] = count(); }" -c "$run" 2>&1 |
	sed "/^\$/d; s|$tmp/||")"
has "no such function" "did you mean 'twice'?" \
	"$($SKEP trace -q -e "uprobe:$tmp/x.apk!/lib/libx.so:twize { }" 2>&1)"
has "no such member" "has no such member" \
	"$($SKEP trace -q -e "uprobe:$tmp/x.apk!/lib/liby.so:twice { }" 2>&1)"
has "no such archive" "No such file" \
	"$($SKEP trace -q -e "uprobe:$tmp/y.apk!/lib/libx.so:twice { }" 2>&1)"
has "no archive" "no zip archive" \
	"$($SKEP trace -q -e "uprobe:$tmp/x.c!/lib/libx.so:twice { }" 2>&1)"
"$tmp/mk" "$tmp/packed.apk" "$tmp/libx.so" $pad 8
has "a compressed one" "is compressed: nobody can run it from there; zip -0 stores it, then zipalign -p 4" \
	"$($SKEP trace -q -e "uprobe:$tmp/packed.apk!/lib/libx.so:twice { }" 2>&1)"
"$tmp/mk" "$tmp/odd.apk" "$tmp/libx.so" 5 0
has "one that begins at no page" "does not begin at a page" \
	"$($SKEP trace -q -e "uprobe:$tmp/odd.apk!/lib/libx.so:twice { }" 2>&1)"
# Every cut and every changed byte of its table: a message or the library, nothing else.
size=$(stat -c %s "$tmp/x.apk")
bad=
for n in 1 21 22 23 60 100 118 119; do
	head -c $((size - n)) "$tmp/x.apk" > "$tmp/cut.apk"
	$SKEP trace --dry-run -e "uprobe:$tmp/cut.apk!/lib/libx.so:twice { }" > /dev/null 2>&1
	[ $? = 1 ] || bad="$bad $n"
done
same "archives that were cut" "" "$bad"
done_testing
