#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# trace_parse.t: scripts in files: "#!", imports and headers and where they are looked for,
# --fmt of files, what is no script. cases.t in test/lang has the language itself.
. test/tap.sh

ast() { $SKEP trace -d ast "$@" 2>&1; }

# "#!"
printf '#!%s trace --fmt\nbegin{exit()}\n' "$(command -v "$SKEP")" > "$tmp/run.bt"
chmod +x "$tmp/run.bt"
same "a file that is a command" "#!$(command -v "$SKEP") trace --fmt
begin
{
  exit();
}" "$(env -S "$SKEP" trace --fmt "$tmp/run.bt")"

# import
mkdir "$tmp/lib" "$tmp/lib/sub" "$tmp/inc"
cat > "$tmp/main.bt" <<'EOF'
import "lib/a.bt";
import "lib/sub";
begin { hello(); print(sizeof(struct here)); }
EOF
cat > "$tmp/lib/a.bt" <<'EOF'
import "b.bt";
macro hello { import "c.bt"; say("a") }
EOF
cat > "$tmp/lib/b.bt" <<'EOF'
import "../main.bt";
import "a.bt";
macro say(x) { print(x) }
EOF
echo 'end { 1 }' > "$tmp/lib/c.bt"
echo 'struct here { int x; };' > "$tmp/lib/sub/h.h"
echo 'begin { 2 }' > "$tmp/lib/sub/z.bt"
echo 'no script' > "$tmp/lib/sub/readme"
same "files import each other, each is read once, before who imports it" \
	'probe end
  1
c "struct here { int x; };\n"
probe begin
  2
probe begin
  block
    (call print "a")
  (call print (sizeof struct.here))' "$(ast "$tmp/main.bt")"
status "what is not there cannot be imported" 1 $SKEP trace -d ast -e 'import "nowhere.bt"; begin {}'
has "the place and the reason" 'stdin:1:1-21: ERROR: cannot import nowhere.bt: No such file' \
	"$(ast -e 'import "nowhere.bt"; begin {}')"
has "what is imported has no config" "an imported script cannot have config" "$(
	echo 'config = { a = 1 }' > "$tmp/lib/conf.bt"
	ast -I "$tmp/lib" -e 'import "conf.bt"; begin {}')"
has "errors in what is imported have its name" "lib/bad.bt:1:11-12: ERROR: syntax: expected" "$(
	echo 'begin { ( }' > "$tmp/lib/bad.bt"
	ast -I "$tmp/lib" -e 'import "bad.bt"; begin {}')"
mkdir "$tmp/open"
chmod 777 "$tmp/open"
cp "$tmp/lib/c.bt" "$tmp/open"
has "nobody else decides what is imported" "which everybody may write" \
	"$(ast -I "$tmp/open" -e 'import "c.bt"; begin {}')"

# headers
echo '#define SEVEN 7
#include "more.h"' > "$tmp/inc/x.h"
echo '#define EIGHT (SEVEN + 1)' > "$tmp/inc/more.h"
same "a header's constants" 'c "#include \"x.h\""
probe begin
  (call print (tuple 7 (+ 7 1)))' \
	"$(ast -I "$tmp/inc" --include x.h -e 'begin { print((SEVEN, EIGHT)); }')"
same "beside the script" 'c "#include \"inc/x.h\""
probe begin
  7' "$(printf '#include "inc/x.h"\nbegin { SEVEN }' > "$tmp/h.bt"; ast "$tmp/h.bt")"
has "headers that include each other" "headers include each other without end" "$(
	echo '#include "b.h"' > "$tmp/inc/a.h"
	echo '#include "a.h"' > "$tmp/inc/b.h"
	ast -I "$tmp/inc" -e '#include "a.h"
begin {}')"
has "a header that is not there" 'cannot include ' "$(ast -e '#include "nowhere.h"
begin {}')"
same "headers of the system are not read" 'c "#include <nowhere.h>"
probe begin' "$(ast -e '#include <nowhere.h>
begin {}')"

# what is no script
printf 'begin { exit(); }\0' > "$tmp/nul.bt"
has "a byte that is 0" "this is no script: a byte of it is 0" "$(ast "$tmp/nul.bt")"
status "no file" 1 $SKEP trace "$tmp/nowhere.bt"
status "nothing" 1 $SKEP trace
status "--fmt of what is wrong" 1 $SKEP trace --fmt -e 'begin {'
same "and prints nothing" "" "$($SKEP trace --fmt -e 'begin {' 2>/dev/null)"

# size
awk 'BEGIN { for (i = 0; i < 40000; i++) print "kprobe:f" i " /pid == 1/ { @x[comm, " i "] = count(); }" }' \
	> "$tmp/big.bt"
ok "40,000 probes are read" $SKEP trace -d parse "$tmp/big.bt"
done_testing
