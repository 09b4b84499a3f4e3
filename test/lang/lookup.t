#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# lookup.t: how often the code of a script looks a key up. run.txt has what comes out.
. test/tap.sh

calls() { $SKEP trace -d ir -e "$1" 2>&1 | grep -c 'call 1 '; }

same "a predicate and its block" 1 "$(calls 'begin /@a[pid]/ { print(nsecs - @a[pid]); delete(@a, pid); }
	end { @a[pid] = 1 }')"
same "twice in a row, and each once more when it was not there" 3 "$(calls 'begin { @a[1]++; @a[1]++; }')"
same "several keys" 1 "$(calls 'begin { if (@a[pid, cpu]) { print(@a[pid, cpu]); } } end { @a[1, 2] = 1; }')"
same "an update between" 2 "$(calls 'begin { if (@a[1]) { @a[1] = 2; print(@a[1]); } }')"
same "another map is updated" 1 "$(calls 'begin { if (@a[1]) { @b[1] = 2; print(@a[1]); } } end { @a[1] = 1 }')"
same "deleted between" 2 "$(calls 'begin { if (@a[1]) { delete(@a, 1); print(@a[1]); } } end { @a[1] = 1 }')"
same "deleted on one of two ways" 2 "$(calls 'begin { $x = @a[1]; if (rand) { delete(@a, 1); }
	print($x + @a[1]); } end { @a[1] = 1 }')"
same "nothing happens on two ways" 1 "$(calls 'begin { $x = @a[1]; if (rand) { print(1); }
	print($x + @a[1]); } end { @a[1] = 1 }')"
same "another key" 2 "$(calls 'begin { print(@a[1] + @a[2]); } end { @a[1] = 1 }')"
same "another round" 2 "$(calls 'begin { $x = @a[1]; for ($i : 0..2) { $x += @a[1]; delete(@a, 1); }
	print($x); } end { @a[1] = 1 }')"
done_testing
