#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# skb.t: skboutput(): packets of a process of this test, in a network of its own, as pcap
# files: what is in them byte by byte.
. test/tap.sh

rt='rawtracepoint:net_dev_queue /pid == cpid/'
$SKEP trace -q --dry-run -e "$rt { skboutput(\"x\", args.skb, args.skb.len, 0); }" >/dev/null 2>&1 ||
	skip_all "this kernel takes no such programs"
cat > "$tmp/send.c" <<'END'
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in to = { AF_INET, htons(5555), { htonl(INADDR_LOOPBACK) } };
	struct ifreq up = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	char text[40];
	static char big[40000];

	if (ioctl(s, SIOCSIFFLAGS, &up) || bind(s, (void *)&to, sizeof(to)))
		return 1;
	for (int i = 0; i < 3; i++) {
		int n = sprintf(text, "hello %d", i);
		sendto(s, text, n, 0, (void *)&to, sizeof(to));
	}
	return argc > 1 && sendto(s, big, 40000, 0, (void *)&to, sizeof(to)) < 0;
}
END
${CC:-cc} -o "$tmp/send" "$tmp/send.c" 2>/dev/null || skip_all "no compiler"
unshare -n "$tmp/send" 2>/dev/null || skip_all "no network of its own"
run="unshare -n $tmp/send"
cd "$tmp" || exit 2
case $SKEP in /*) ;; *) SKEP=$OLDPWD/$SKEP ;; esac

same "what it answers" "0 49
0 49
0 49" "$($SKEP trace -q -e "$rt { \$r = skboutput(\"a.pcap\", args.skb, args.skb.len, 14);
	printf(\"%d %d\\n\", \$r, args.skb.len); }" -c "$run" 2>&1 | sed '/^$/d')"
same "the file's header: raw packets" "d4 c3 b2 a1 02 00 04 00 00 00 00 00 00 00 00 00 e8 fd 00 00 65 00 00 00" \
	"$(od -An -v -tx1 -N24 a.pcap | tr -s '\n ' '  ' | sed 's/^ //; s/ $//')"
same "three packets of 35 bytes, nothing else" $((24 + 3 * (16 + 35))) "$(stat -c %s a.pcap)"
same "their lengths" "35 35 35 35 35 35" "$(for i in 0 1 2; do
	od -An -v -tu4 -j$((24 + i * 51 + 8)) -N8 a.pcap; done | tr -s '\n ' '  ' | sed 's/^ //; s/ $//')"
now=$(date +%s)
then=$(od -An -tu4 -j24 -N4 a.pcap)
ok "their time" [ $((now - then)) -ge 0 -a $((now - then)) -lt 60 ]
same "an IPv4 packet first" "45 00 00 23" "$(od -An -tx1 -j40 -N4 a.pcap | sed 's/^ //')"
same "their contents" "hello 0 hello 1 hello 2" "$(for i in 0 1 2; do
	tail -c +$((24 + i * 51 + 16 + 28 + 1)) a.pcap | head -c 7; echo; done | tr '\n' ' ' | sed 's/ $//')"
if command -v tcpdump >/dev/null; then
	same "as tcpdump reads it" "3" "$(tcpdump -nr a.pcap 2>/dev/null | grep -c '127.0.0.1.5555 > 127.0.0.1.5555: UDP, length 7')"
else
	skip "as tcpdump reads it" "no tcpdump"
fi

same "with the link header, and more than there is" "0 -14" \
	"$($SKEP trace -q -e "$rt { \$a = skboutput(\"b.pcap\", args.skb, 20, 0);
	\$b = skboutput(\"c.pcap\", args.skb, args.skb.len + 1, 0); printf(\"%d %d\\n\", \$a, \$b); exit(); }" \
	-c "$run" 2>&1 | sed '/^$/d' | head -n 1)"
same "twenty bytes of the first one" "20 20 00 00 00 00 00 00 00 00 00 00 00 00 08 00" \
	"$(od -An -tu4 -j32 -N8 b.pcap | tr -s ' ' | sed 's/^ //') $(od -An -tx1 -j40 -N14 b.pcap | sed 's/^ //')"
same "a file without a packet" 24 "$(stat -c %s c.pcap)"
same "offsets behind the end write nothing" 24 "$($SKEP trace -q -e "$rt {
	skboutput(\"d.pcap\", args.skb, args.skb.len, 1000); }" -c "$run" >/dev/null 2>&1; stat -c %s d.pcap)"
has "a buffer that is too small is told" "packets: their buffer was full" \
	"$($SKEP trace -q -e "$rt { unroll (40) { skboutput(\"e.pcap\", args.skb, args.skb.len, 0); } }" \
	-c "$run big" 2>&1)"
has "a file that cannot be made" "error: No such file or directory" \
	"$($SKEP trace -q -e "$rt { skboutput(\"no/x.pcap\", args.skb, 4, 0); }" -c "$run" 2>&1)"
done_testing
