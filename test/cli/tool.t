#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tool.t: called by the name bpftool, skep takes its command lines: options anywhere,
# shortened words, batch files; where bpftool is installed, output is compared with its.
. test/tap.sh

ln -s "$(realpath "$SKEP")" "$tmp/bpftool"
me=$tmp/bpftool

same "version" "bpftool v7.1.0" "$($me version | head -n 1)"
has "which says who it is" "using skep v" "$($me -V)"
same "shortened" "$($me version)" "$($me ver)"
status "nothing is help" 0 "$me"
has "help" "OBJECT := { prog | map | link" "$($me help)"
has "help of an object" "bpftool prog pin    PROG FILE" "$($me prog help)"
has "shortened, of both" "bpftool prog pin    PROG FILE" "$($me p h)"
has "the second one in the table" "bpftool struct_ops register OBJ" "$($me s help)"
same "help as JSON is none" null "$($me -j prog help)"
status "what fails" 255 $me prog show id 4294967294
has "is an Error" "Error: the kernel has no program" "$($me prog show id 4294967294 2>&1)"
has "a place in it" "Error: $tmp/none.o: No such file" "$($me prog load "$tmp/none.o" x 2>&1)"
status "no such object" 255 $me frob
status "no such option" 255 $me -x
has "which is named" "unrecognized option '-x'" "$($me -x 2>&1)"
has "and a long one" "unrecognized option '--frob'" "$($me --frob 2>&1)"
status "options that an object has no use for" 0 $me -d -L -m -n -l link help
status "of another meaning elsewhere" 0 $me -n map help
status "are none for skep" 2 $SKEP link -L help
status "an option without its value" 255 $me btf dump -B
status "no batch file" 255 $me batch file
status "none there" 255 $me batch file "$tmp/none"
status "a batch of nothing" 0 $me batch file /dev/null
same "which says so" "processed 0 commands" "$($me batch file /dev/null)"
printf '# a comment\n\n  version   # behind\nver\\\nsion\n' >"$tmp/batch"
same "comments, empty lines, long lines" "processed 2 commands" "$($me batch file "$tmp/batch" | tail -n 1)"
same "standard input" "processed 2 commands" "$($me batch file - <"$tmp/batch" | tail -n 1)"
printf 'version\nfrob\nversion\n' >"$tmp/bad"
status "ends at what fails" 255 $me batch file "$tmp/bad"
same "and not later" 1 "$($me batch file "$tmp/bad" 2>/dev/null | grep -c ^bpftool)"
echo "batch file $tmp/loop" >"$tmp/loop"
status "a batch file in itself" 255 $me batch file "$tmp/loop"
yes x | head -n 70 | tr '\n' ' ' >"$tmp/long"
has "a line of too many words" "have up to 64" "$($me batch file "$tmp/long" 2>&1)"
same "under its own name skep is skep" 2 "$($SKEP version >/dev/null 2>&1; echo $?)"
if command -v jq >/dev/null; then
	same "JSON of a batch" '["version"]' "$($me -j batch file "$tmp/batch" | jq -c '.[0].command')"
	same "and what each printed" string "$($me -jp batch file "$tmp/batch" | jq -r '.[1].output.version | type')"
	same "keys" '["features","libbpf_version","skep_version","version"]' "$($me -j version | jq -c keys)"
fi

why=
for tool in bpftool jq; do
	command -v $tool >/dev/null || why="no $tool"
done
if [ -n "$why" ] || [ -z "${CLANG-}" ]; then
	skip "bpftool does the same" "${why:-no clang}"
	done_testing
	exit
fi
export CLANG
cat > "$tmp/code.c" <<'EOF2'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, __u32); __type(value, __u64);
	 __uint(max_entries, 8); } table SEC(".maps");
SEC("xdp") int one(struct xdp_md *ctx) { __u32 k = 1; return !!bpf_map_lookup_elem(&table, &k); }
char _license[] SEC("license") = "GPL";
EOF2
ok "compiles" $SKEP cc "$tmp/code.c" -o "$tmp/code.o"
cat > "$tmp/both" <<'EOF2'
cd "$1" || exit 78
mkdir -p m && mount -t bpf bpf m || exit 77
bpftool prog loadall code.o m/p pinmaps m/m || exit 78
cat >batch <<'EOF3'
# a comment
map show pinned m/m/table

  map update pinned m/m/table key 1 0 0 0 value 1 0 0 0 0 0 0 0   # trailing
map dump pinned m/m/table
prog show pinned m/p/one
map lookup pinned 'm/m/table' key \
  1 0 0 0
map lookup pinned "m/m/table" key 2 0 0 0
map show pinned m/m/table
EOF3
head -n 5 batch >good
n=0
while read -r words; do
	for form in "" -j -jp; do
		bpftool $form $words >theirs 2>/dev/null </dev/null
		[ $? = 0 ] && code=0 || code=255
		./bpftool $form $words >ours 2>ours.err </dev/null
		[ $? = $code ] || echo "status differs: $form $words"
		n=$((n + 1))
		cmp -s theirs ours && continue
		echo "differs: $form $words"
		diff theirs ours | cut -c1-200 | head -n 6
	done
done <<EOF3
batch file batch
batch file good
p s pinned m/p/one
pr sh pinned m/p/one
prog show -f pinned m/p/one
m s pinned m/m/table
map d pinned m/m/table
bt s id $(bpftool -j map show pinned m/m/table | jq .btf_id)
btf dump map pinned m/m/table kv
btf dump map pinned m/m/table kv format raw
btf dump map pinned m/m/table key
btf dump map pinned m/m/table value
btf dump map pinned m/m/table all
btf dump prog pinned m/p/one
btf dump prog name one
btf d id $(bpftool -j map show pinned m/m/table | jq .btf_id)
btf dump file code.o
btf list id 1
prog dump xlated pinned m/p/one
-n prog dump xlated pinned m/p/one opcodes
EOF3
grep -c . ours >/dev/null
echo "compared $n"
bpftool btf dump file /sys/kernel/btf/vmlinux >theirs
./bpftool btf dump id 1 >ours
cmp theirs ours && echo "types of the kernel"
# As C each declaration is the same, but for padding and the size of enums, which this
# bpftool does not keep: that, and what follows from it, is a handful of some 16000.
declarations() # FILE
{
	"$1" btf dump file /sys/kernel/btf/vmlinux format c | awk '
		/^#/ { next }
		{ text = text " " $0; depth += gsub(/{/, "{") - gsub(/}/, "}") }
		!depth && /;[ \t]*$/ {
			gsub(/[a-z][a-z ]*: ?[0-9]+;/, "", text)
			gsub(/__attribute__\(\([a-z_]*(\([A-Za-z0-9_]*\))?\)\)/, "", text)
			gsub(/[ \t]+/, " ", text); gsub(/ ?[*] ?/, "*", text)
			gsub(/ ;/, ";", text); gsub(/{ }/, "{}", text)
			print text
			text = ""
		}' | LC_ALL=C sort -u
}
declarations bpftool >theirs; declarations ./bpftool >ours
LC_ALL=C comm -23 theirs ours >differ
[ "$(grep -c . theirs)" -gt 1000 ] && [ "$(grep -c . differ)" -le 20 ] && echo "declarations of the kernel" ||
	head -n 5 differ
# of maps and programs in bpftool's order, which is that of a hash table
id=$(bpftool -j map show pinned m/m/table | jq .btf_id)	# others come and go
order() { jq -S "map(select(.id == $id or .id == 1) | .prog_ids |= sort | .map_ids |= sort)"; }
bpftool -j btf show | order >theirs; ./bpftool -j btf show | order >ours; cmp theirs ours && echo list
EOF2
out=$(unshare -m sh "$tmp/both" "$tmp" 2>"$tmp/why")
case $? in
77 | 78)
	skip "bpftool does the same" "$(head -n 1 "$tmp/why")"
	done_testing
	exit ;;
esac
same "bpftool does the same" "compared 60
types of the kernel
declarations of the kernel
list" "$out"
done_testing
