#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# ci.t: examples/ci: the hook stops what is not safe, and the workflow is one.
. test/tap.sh
[ -n "$CLANG" ] || skip_all "no clang"
command -v git >/dev/null || skip_all "no git"
export CLANG SKEP
case $SKEP in /*) ;; *) SKEP=$PWD/$SKEP ;; esac
hook=$PWD/examples/ci/pre-commit
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q "$tmp/repo"
cp "$hook" "$tmp/repo/.git/hooks/"
cd "$tmp/repo" || exit 2

cat >a.bpf.c <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <skep/test.h>
SEC("xdp") __test("passes", "retval=XDP_PASS") int pass(struct xdp_md *ctx) { return XDP_PASS; }
char _license[] SEC("license") = "GPL";
EOF
echo text >README
git add .
status "a commit that is well" 0 git commit -qm first
echo more >>README
git add .
status "one without programs" 0 git commit -qm second
sed -i 's/XDP_PASS; }/XDP_DROP; }/' a.bpf.c
git add .
status "a test that fails" 1 git commit -qm third
has "is told" "it returns XDP_DROP, expected XDP_PASS" "$(git commit -qm third 2>&1)"
echo 'SEC("xdp") int f(struct xdp_md *c) { return *(char *)(long)c->data; }' >b.bpf.c
sed -i '1i #include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>' b.bpf.c
git checkout -q HEAD a.bpf.c
git add .
status "a program that is not safe" 1 git commit -qm fourth
has "with its reason" "[SKEP-E0201]" "$(git commit -qm fourth 2>&1)"
sed -i 's/return .*/return 0; }/' b.bpf.c
status "what is staged counts" 1 git commit -qm fifth
git add .
status "when that is staged it is well" 0 git commit -qm sixth
cat >c.bpf.c <<'EOF'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int when(struct xdp_md *ctx) { return bpf_ktime_get_tai_ns() & 1; }
EOF
git add .
git config skep.kernels 5.15,6.18
status "not for a kernel that is supported" 1 git commit -qm seventh
git config skep.kernels 6.6,6.18
status "but for newer ones" 0 git commit -qm eighth
echo '#define WHAT XDP_PASS' >made.h
echo made.h >.gitignore
printf '#include "made.h"\n#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n%s\n' \
	'SEC("xdp") int made(struct xdp_md *ctx) { return WHAT; }' >'a name.bpf.c'
git add .
status "a header that git ignores, a name with a space" 0 git commit -qm ninth
cd - >/dev/null || exit 2
if command -v python3 >/dev/null && python3 -c 'import yaml' 2>/dev/null; then
	status "the workflow is YAML" 0 python3 -c \
		'import yaml, sys; yaml.safe_load(open(sys.argv[1]))["jobs"]["bpf"]["steps"]' \
		examples/ci/workflow.yml
else
	skip "the workflow is YAML" "no PyYAML"
fi
done_testing
