# SPDX-License-Identifier: BSD-2-Clause
# parts.awk: what owing.awk and lent.awk put their programs together with: -f parts.awk
# before either of them.

function any(n) { return int(rand() * n) }

# One of the parts of GOOD, or, seldom, of BAD; between parts stands @.
function one(good, bad,   v, n)
{
	n = split(bad != "" && rand() < (wrong ? wrong : 0.05) ? bad : good, v, "@")
	return v[1 + any(n)]
}

function which(text, name) { gsub(/V/, name any(2), text); return text " " }
