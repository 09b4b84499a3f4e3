#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# debug.t: `skep debug`: transcripts of the debugger's command line, forwards and backwards,
# on a program with subprograms, a loop, a callback and a fault (test/obj/debug.c) and on the
# firewall. Addresses differ from run to run: they are ADDR here.
. test/tap.sh
obj=test/obj/debug.o
fw=examples/firewall/firewall.o
cap=test/obj/debug.pcap	# the first packets of the firewall's traffic

# COMMANDS, one a line, without the notes that come before; errors too.
commands() # COMMANDS OPERAND...
{
	printf '%s\n' "$1" >"$tmp/commands"
	shift
	timeout 120 $SKEP debug -q --cpus 2 -batch -x "$tmp/commands" "$@" 2>&1 </dev/null |
		sed 's/0x[0-9a-f]\{9,\}/ADDR/g; s/[ 	]*$//; /WARNING: ASan/d'
}
debug() # PROG COMMANDS [OPTION...]
{
	dbg_prog=$1 dbg_cmds=$2
	shift 2
	commands "$dbg_cmds" $obj $cap --prog "$dbg_prog" "$@"
}
firewall() { commands "$1" $fw $cap; }

case $($SKEP debug -q $obj $cap --prog walk -batch -ex start -ex 'info args' 2>&1) in
*'ctx = '*) ;;
*) skip_all "no libdw" ;;
esac

same 'breakpoint, backtrace, next, finish, step' 'Breakpoint 1 at sum+1: file test/obj/debug.c, line 41.
Num     Type           Disp Enb What
1       breakpoint     keep y   sum+1: file test/obj/debug.c, line 41.

Breakpoint 1, sum (data=ADDR <packet>, n=5) at test/obj/debug.c:41
41		for (int i = 0; i < n; i++) {
#0  sum (data=ADDR <packet>, n=5) at test/obj/debug.c:41
#1  walk+13 in walk (ctx=<optimized out>) at test/obj/debug.c:74
data = (const __u8 *) ADDR <packet>
n = 5
42			s += data[i];
43			total += data[i];
Run till exit from #0  sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:43
walk+14 in walk (ctx=<optimized out>) at test/obj/debug.c:74
74		s = sum(data, limit);
Value returned is $1 = 1275
75		if (remember(ip->saddr, end - data))
remember (source=0, bytes=42) at test/obj/debug.c:52
52		last_kind = bytes > 100 ? KIND_LONG : KIND_SHORT;
f = {source = 0, bytes = 0, seen = 0, name = ""}' "$(debug walk 'break sum
info breakpoints
run
backtrace
info args
next
next
finish
step
step
info locals')"

same 'each reverse command' 'Temporary breakpoint 1 at remember+1: file test/obj/debug.c, line 52.

Breakpoint 1, remember (source=0, bytes=42) at test/obj/debug.c:52
52		last_kind = bytes > 100 ? KIND_LONG : KIND_SHORT;
$1 = {source = 0, bytes = 0, seen = 0, name = ""}
$2 = 0x2a
walk (ctx=<optimized out>) at test/obj/debug.c:75
75		if (remember(ip->saddr, end - data))
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:45
45		return s;
42			s += data[i];
sum+11	43			total += data[i];
$3 = 55
42			s += data[i];
sum+11	43			total += data[i];
Run back to call of #0  sum+11 in sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:43
walk+13 in walk (ctx=<optimized out>) at test/obj/debug.c:74
74		s = sum(data, limit);
Breakpoint 2 at sum+1: file test/obj/debug.c, line 41.

No more reverse-execution history.
walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

No more reverse-execution history.
walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
[Packet 1: XDP_PASS, 129 instructions]

Breakpoint 2, sum (data=ADDR <packet>, n=5) at test/obj/debug.c:41
41		for (int i = 0; i < n; i++) {
walk (ctx=<optimized out>) at test/obj/debug.c:74
74		s = sum(data, limit);' "$(debug walk 'tbreak remember
run
p f
p/x bytes
reverse-next
reverse-step
rs 2
reverse-stepi
p $_time
stepi
reverse-nexti
reverse-finish
break *sum+1
reverse-continue
reverse-continue
goto 129
rc
rn')"

same 'over calls, by instructions' 'Breakpoint 1 at walk+9: file test/obj/debug.c, line 74.

Breakpoint 1, walk (ctx=<optimized out>) at test/obj/debug.c:74
74		s = sum(data, limit);
walk+13	74		s = sum(data, limit);
sum (data=ADDR <packet>, n=5) at test/obj/debug.c:37
37	static __attribute__((noinline)) int sum(const __u8 *data, int n)
=> 45 <sum>:	w0 = 0x0
   46 <sum+1>:	if w2 s< 0x1 goto +0xd	# sum+15
walk+12 in walk (ctx=<optimized out>) at test/obj/debug.c:74
74		s = sum(data, limit);
75		if (remember(ip->saddr, end - data))
80			*n += s + acc;
82	}
Temporary breakpoint 2 at walk: file test/obj/debug.c, line 65.
Line 82 of "test/obj/debug.c" is at walk+44, instructions 44 to 44.' "$(debug walk 'break 74
run
nexti 3
stepi
x/2i $pc
reverse-nexti 2
until
advance 80
until
tbreak *0
info line')"

same 'watches forwards and backwards' 'walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
Watchpoint 1: total

Watchpoint 1: total

Old value = 0
New value = 255
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:42
42			s += data[i];

Watchpoint 1: total

Old value = 255
New value = 510
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:42
42			s += data[i];

Watchpoint 1: total

Old value = 510
New value = 255
sum+11 in sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:43
43			total += data[i];

Watchpoint 1: total

Old value = 255
New value = 0
sum+11 in sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:43
43			total += data[i];

No more reverse-execution history.
walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
Watchpoint 2: counts[0]

Watchpoint 2: counts[0]

Old value = 0
New value = 1278
walk (ctx=<optimized out>) at test/obj/debug.c:82
82	}
Num     Type           Disp Enb What
2       watchpoint     keep y   counts[0]
	breakpoint already hit 1 time' "$(debug walk 'start
watch total
continue
c
reverse-continue
rc
rc
delete
watch counts[0]
c
info breakpoints')"

same 'a watch of a global stops on changes only, in each packet' 'Watchpoint 1: packets_seen

Watchpoint 1: packets_seen

Old value = 0
New value = 1
firewall+6 in firewall (ctx=<optimized out>) at examples/firewall/firewall.c:212
212		__sync_fetch_and_add(&packets_seen, 1);
[Packet 1: XDP_PASS, 48 instructions]

Watchpoint 1: packets_seen

Old value = 1
New value = 2
firewall+6 in firewall (ctx=<optimized out>) at examples/firewall/firewall.c:212
212		__sync_fetch_and_add(&packets_seen, 1);

Watchpoint 1: packets_seen

Old value = 0
New value = 1
firewall+6 in firewall (ctx=<optimized out>) at examples/firewall/firewall.c:212
212		__sync_fetch_and_add(&packets_seen, 1);' "$(firewall 'watch packets_seen
run
c
run')"

same 'a register changes within a packet, not between them' 'walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
Watchpoint 1: $r6

Watchpoint 1: $r6

Old value = 0
New value = 1275
walk (ctx=<optimized out>) at test/obj/debug.c:75
75		if (remember(ip->saddr, end - data))
[Packet 1: XDP_PASS, 129 instructions]

Watchpoint 1: $r6

Old value = 0
New value = 655
walk (ctx=<optimized out>) at test/obj/debug.c:75
75		if (remember(ip->saddr, end - data))' "$(debug walk 'start
watch $r6
c
c')"

same 'watches of comparisons, not of constants; conditions of watches' 'Watchpoint 1: total == 510
Watchpoint 2: total
Will ignore next 1 crossings of breakpoint 2.
Cannot watch constant value `3 + sizeof(int)'"'"'. [SKEP-E0830]
No symbol "nothing" in current context. [SKEP-E0830]
    1 | nothing > 1
      | ^

Watchpoint 1: total == 510

Old value = 0
New value = 1
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:42
42			s += data[i];

Watchpoint 1: total == 510

Old value = 1
New value = 0
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:42
42			s += data[i];

Watchpoint 2: total

Old value = 1020
New value = 1275
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:42
42			s += data[i];
Num     Type           Disp Enb What
1       watchpoint     keep y   total == 510
	breakpoint already hit 2 times
2       watchpoint     keep y   total
	stop only if total > 1000
	breakpoint already hit 2 times' "$(debug walk 'watch total == 510
watch total
condition 2 total > 1000
ignore 2 1
watch 3 + sizeof(int)
condition 2 nothing > 1
run
c
c
info breakpoints')"

same 'no time before 0, and no packet ends what is there' 'walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
there is no time before 0 [SKEP-E0833]
there is no packet 6 [SKEP-E0836]
help: the last one is packet 5
$1 = 0' "$(debug walk 'start
goto -1
run 6
p $_time')"

same 'a watch of a variable ends with its function' 'Breakpoint 1 at sum+1: file test/obj/debug.c, line 41.

Breakpoint 1, sum (data=ADDR <packet>, n=5) at test/obj/debug.c:41
41		for (int i = 0; i < n; i++) {
Watchpoint 2: s

Watchpoint 2: s

Old value = 0
New value = 255
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:41
41		for (int i = 0; i < n; i++) {

Watchpoint 2 deleted because the program has left the block in
which its expression is valid.
walk+14 in walk (ctx=<optimized out>) at test/obj/debug.c:74
74		s = sum(data, limit);' "$(debug walk 'break sum
run
watch s
c
delete 1
disable
enable 2
c 6')"

same 'a callback and who called it' 'Breakpoint 1 at each: file test/obj/debug.c, line 58.

Breakpoint 1, each (i=2, ctx=ADDR <frame 0 r10-8>) at test/obj/debug.c:58
58		*(int *)ctx += i;
#0  each (i=2, ctx=ADDR <frame 0 r10-8>) at test/obj/debug.c:58
    <called by a helper>
#1  walk+28 in walk (ctx=<optimized out>) at test/obj/debug.c:77
$1 = 1
#1  walk+28 in walk (ctx=<optimized out>) at test/obj/debug.c:77
77		bpf_loop(3, each, &acc, 0);
$2 = 1
zero = 0
acc = 1
ip = (struct iphdr *) ADDR <packet+14>
eth = (struct ethhdr *) ADDR <packet>
data = (void *) ADDR <packet>
end = <optimized out>
s = 1275
n = <optimized out>
#0  each (i=2, ctx=ADDR <frame 0 r10-8>) at test/obj/debug.c:58
58		*(int *)ctx += i;
Will ignore next 1 crossings of breakpoint 1.
[Packet 1: XDP_PASS, 129 instructions]
[Packet 3]

Breakpoint 1, each (i=2, ctx=ADDR <frame 0 r10-8>) at test/obj/debug.c:58
58		*(int *)ctx += i;
Breakpoint 1 now unconditional.
[Packet 3: XDP_PASS, 129 instructions]

Breakpoint 1, each (i=0, ctx=ADDR <frame 0 r10-8>) at test/obj/debug.c:58
58		*(int *)ctx += i;' "$(debug walk 'break each if i == 2
run
bt
p *(int *)ctx
up
p acc
info locals
down
ignore 1 1
c
condition 1
c')"

same 'catchpoints' 'Catchpoint 1 (map flows)
Catchpoint 2 (helper bpf_map_lookup_elem)
Catchpoint 3 (verdict XDP_PASS)

Catchpoint 1 (map flows[134927559], old value = none, new value = {source = 134927559, bytes = 42, seen = 1, name = "eth"}), remember+26 in remember (source=134927559, bytes=<optimized out>) at test/obj/debug.c:53
53		return bpf_map_update_elem(&flows, &source, &f, BPF_ANY);

Catchpoint 2 (call of bpf_map_lookup_elem(ADDR, ADDR, ADDR, 0x0, 0x4fb), returned ADDR), walk+34 in walk (ctx=<optimized out>) at test/obj/debug.c:78
78		n = bpf_map_lookup_elem(&counts, &zero);

Catchpoint 3 (verdict XDP_PASS), walk (ctx=<optimized out>) at test/obj/debug.c:82
82	}

Catchpoint 2 (call of bpf_map_lookup_elem(ADDR, ADDR, ADDR, 0x0, 0x4fb), returned ADDR), walk+34 in walk (ctx=<optimized out>) at test/obj/debug.c:78
78		n = bpf_map_lookup_elem(&counts, &zero);
Num     Type           Disp Enb What
1       catchpoint     keep y   map flows
	breakpoint already hit 1 time
2       catchpoint     keep y   helper bpf_map_lookup_elem
	breakpoint already hit 2 times
3       catchpoint     del  y   verdict XDP_PASS
	breakpoint already hit 1 time' "$(debug walk 'catch map flows
catch helper bpf_map_lookup_elem
tcatch verdict XDP_PASS
run
c
c
rc
info breakpoints')"

same 'a fault is a stop where it happens' '
Program received fault SKEP-E0801: a NULL pointer is written (offset 0, 8 bytes)
reach+9 in reach (ctx=<optimized out>) at test/obj/debug.c:92
92		*n = ip->ttl;
$1 = (__u64 *) 0x0
92		*n = ip->ttl;
90		__u64 *n = bpf_map_lookup_elem(&counts, &key);
92		*n = ip->ttl;

Program received fault SKEP-E0801: a NULL pointer is written (offset 0, 8 bytes)
reach+9 in reach (ctx=<optimized out>) at test/obj/debug.c:92
92		*n = ip->ttl;
[Packet 1: stopped by a fault, 9 instructions]

Program received fault SKEP-E0801: a NULL pointer is written (offset 0, 8 bytes)
reach+9 in reach (ctx=<optimized out>) at test/obj/debug.c:92
92		*n = ip->ttl;
reach, type xdp, 12 instructions, verdict: rejected
test/obj/debug.c:92:11: error: byte 22 of the packet is read, and no check against data_end is on this path [SKEP-E0201]
   92 | 	*n = ip->ttl;
      | 	         ^
test/obj/debug.c:87:34: note: no check of this pointer against data_end is on this path
help: before line 92: if ((void *)(ip + 1) > data_end) return XDP_PASS;
kernel: invalid access to packet, off=22 size=1, R6(id=0,off=22,r=0)
Packet 2, 8 instructions executed.' "$(debug reach 'run
p n
rs
rs
next
next
c
info program')"

same 'a run without an end' '
Program received fault SKEP-E0802: 1000 instructions executed and no end
endless (ctx=<optimized out>) at test/obj/debug.c:102
102			total++;
#0  endless (ctx=<optimized out>) at test/obj/debug.c:102
endless+9	101		while (go)
$1 = 998' "$(debug endless 'run
bt
rsi
p $_time' --budget 1000)"

same 'packets one after the other' '[Packet 5: XDP_PASS, 129 instructions]
[The input has ended]
$1 = 5
Breakpoint 1 at walk+37: file test/obj/debug.c, line 80.
[Packet 2]

Breakpoint 1, walk (ctx=<optimized out>) at test/obj/debug.c:80
80			*n += s + acc;
$2 = 2
$3 = array {[0] = 1278, [1] = 0, [2] = 0, [3] = 0}
[Packet 2: XDP_PASS, 129 instructions]
[Packet 5: XDP_PASS, 129 instructions]
[The input has ended]
$4 = 2
walk (ctx=<optimized out>) at test/obj/debug.c:82
82	}
[Packet 5: XDP_PASS, 129 instructions]
there is no packet 99999999 [SKEP-E0836]
help: the last one is packet 5' "$(debug walk 'run 3
p $_packet
break 80 if $_packet == 2
run
p $_packet
p counts
c
p $_exitcode
rsi
next
run 99999999')"

same 'expressions' 'Breakpoint 1 at walk+24: file test/obj/debug.c, line 77.

Breakpoint 1, walk (ctx=<optimized out>) at test/obj/debug.c:77
77		bpf_loop(3, each, &acc, 0);
$1 = {ihl = 0 '\''\000'\'', version = 0 '\''\000'\'', tos = 1 '\''\001'\'', tot_len = 8, id = 1030, frag_off = 256, ttl = 22 '\''\026'\'', protocol = 161 '\''\241'\'', check = 48213, {{saddr = 134927559, daddr = 512}, addrs = {saddr = 134927559, daddr = 512}}}
$2 = 134927559
$3 = 0x80ad4c7
$4 = 1010
$5 = {255 '\''\377'\'', 255 '\''\377'\'', 255 '\''\377'\'', 255 '\''\377'\'', 255 '\''\377'\'', 255 '\''\377'\''}
$6 = (unsigned char (*)[6]) ADDR <packet>
$7 = {255 '\''\377'\'', 255 '\''\377'\'', 255 '\''\377'\''}
$8 = hash {[134927559] = {source = 134927559, bytes = 42, seen = 1, name = "eth"}}
$9 = KIND_SHORT
$10 = KIND_LONG
$11 = 8
$12 = 16
$13 = 65 '\''A'\''
$14 = 1
$15 = 1
$16 = 2
$17 = 255 '\''\377'\''
$18 = 65535
$19 = 65535
$20 = {ihl = 0 '\''\000'\'', version = 0 '\''\000'\'', tos = 1 '\''\001'\'', tot_len = 8, id = 1030, frag_off = 256, ttl = 22 '\''\026'\'', protocol = 161 '\''\241'\'', check = 48213, {{saddr = 134927559, daddr = 512}, addrs = {saddr = 134927559, daddr = 512}}}
$21 = 20
$22 = 1
$23 = 14
Cannot access memory at address 0x0 [SKEP-E0831]
No symbol "nothing" in current context. [SKEP-E0830]
    1 | nothing
      | ^
There is no member named h_dst. [SKEP-E0830]
help: did you mean '\''h_dest'\''?
    1 | eth->h_dst
      |      ^
the expression ends too early [SKEP-E0830]
    1 | 1 +
Division by zero [SKEP-E0830]
    1 | 1 / 0
what is stopped cannot be changed: only $NAME is assigned to [SKEP-E0830]
    1 | limit = 3
      |       ^
the program'\''s memory and registers cannot be changed: its run could not be had again; $NAME can be set [SKEP-E0838]
functions cannot be called: the program is stopped [SKEP-E0830]
    1 | sum(1)
      |    ^
$24 = 0
Attempt to take address of value not located in memory. [SKEP-E0830]
    1 | &limit
type = unsigned char[6]
type = struct iphdr *
type = struct flow {
	__u32 source;
	__u16 bytes:12;
	__u16 seen:4;
	char name[8];
}
type = unsigned int
map '\''flows'\'' has no such key [SKEP-E0832]
$25 = 5
ADDR <packet>:	0xff	0xff	0xff	0xff
ADDR <packet>:	-1	-1
No symbol "f" in current context. [SKEP-E0830]
    1 | f
      | ^
Name             Type               Entries  Key                  Value
counts           array                    4  __u32                __u64
flows            hash                    16  __u32                struct flow
last_kind = KIND_SHORT
limit = 5
talk.____fmt = "first"
talk.____fmt.1 = "second %d"
total = 1275' "$(debug walk 'break 77
run
p *ip
p ip->saddr
p/x ip->saddr
p/t 10
p eth->h_dest
p &eth->h_dest
p *eth->h_dest@3
p flows
p last_kind
p (enum kind)7
p KIND_LONG + 1
p sizeof(struct flow)
p (char)65
p -1 > 1u
p 7 / 2 * 2 == 6 && !0
p 1 ? 2 : 3
p ((unsigned char *)data)[1]
p {unsigned short} data
p $
p $1
set var $k = 5 << 2
p $k

p eth == data
p (void *)ip - (void *)eth
p *(struct flow *)0
p nothing
p eth->h_dst
p 1 +
p 1 / 0
p limit = 3
set var limit = 3
p sum(1)
p walk
p &limit
whatis eth->h_dest
whatis ip
ptype struct flow
ptype ip->saddr
p flows[12345]
p limit
x/4xb data
x/2dh data
x/s f
info maps
info variables')"

same 'what the verifier knows, beside what is' 'Breakpoint 1 at sum+1: file test/obj/debug.c, line 41.

Breakpoint 1, sum (data=ADDR <packet>, n=5) at test/obj/debug.c:41
41		for (int i = 0; i < n; i++) {
      value                is                       verifier
r0    0x0                  0                        number 0
r1    ADDR       packet                   packet at 0, 34 bytes
r2    0x5                  5                        number 5
r3    0x0                  0                        -
r4    0x0                  0                        -
r5    0x0                  0                        -
r6    0x0                  0                        -
r7    ADDR       packet end               -
r8    ADDR       packet                   -
r9    0x0                  0                        -
r10   ADDR       frame 1 r10              stack at 0
pc    46
r3    0x0                  0                        -
#1  walk+13 in walk (ctx=<optimized out>) at test/obj/debug.c:74
74		s = sum(data, limit);
r7    ADDR       packet end               packet end' "$(debug walk 'break sum
run
info registers
info registers r3
up
info registers r7')"

same 'lists and code' '69		__u64 *n;
70		int s, acc = 0;
71
72		if ((void *)(ip + 1) > end)
73			return XDP_DROP;
74		s = sum(data, limit);
75		if (remember(ip->saddr, end - data))
76			return XDP_ABORTED;
77		bpf_loop(3, each, &acc, 0);
78		n = bpf_map_lookup_elem(&counts, &zero);
79		if (n)
80			*n += s + acc;
81		return XDP_PASS;
82	}
83
84	SEC("xdp")
85	int reach(struct xdp_md *ctx)
86	{
87		void *data = (void *)(long)ctx->data;
88		struct iphdr *ip = data + 14;
69		__u64 *n;
70		int s, acc = 0;
71
72		if ((void *)(ip + 1) > end)
73			return XDP_DROP;
74		s = sum(data, limit);
75		if (remember(ip->saddr, end - data))
76			return XDP_ABORTED;
77		bpf_loop(3, each, &acc, 0);
78		n = bpf_map_lookup_elem(&counts, &zero);
53		return bpf_map_update_elem(&flows, &source, &f, BPF_ANY);
54	}
55
56	static int each(__u32 i, void *ctx)
57	{
58		*(int *)ctx += i;
59		return 0;
60	}
61
62	SEC("xdp")
1	/* SPDX-License-Identifier: BSD-2-Clause */
2	/*
3	 * debug.c: for the debugger: subprograms, a loop, a callback, inlined code, bit fields,
walk                     program    *0	test/obj/debug.c:65
sum                      subprogram walk*45	test/obj/debug.c:37
remember                 subprogram walk*61	test/obj/debug.c:48
each                     subprogram walk*88	test/obj/debug.c:58
reach                    program    *0	test/obj/debug.c:87
endless                  program    *0	test/obj/debug.c:97
talk                     program    *0	test/obj/debug.c:109
Dump of code for function each:
     88 <+0>:	w3 = *(u32 *)(r2 + 0x0)
     89 <+1>:	w3 += w1
     90 <+2>:	*(u32 *)(r2 + 0x0) = w3
     91 <+3>:	w0 = 0x0
     92 <+4>:	exit
End of dump.
Dump of code for function remember:
48	static __attribute__((noinline)) int remember(__u32 source, int bytes)
     61 <+0>:	w3 = 0x7

52		last_kind = bytes > 100 ? KIND_LONG : KIND_SHORT;
     62 <+1>:	if w2 s> 0x64 goto +0x1	# remember+3
     63 <+2>:	w3 = 0x1

52		last_kind = bytes > 100 ? KIND_LONG : KIND_SHORT;
     64 <+3>:	r4 = map[idx:0x2][0]+0x0	# map .data
     66 <+5>:	*(u32 *)(r4 + 0x0) = w3
     67 <+6>:	*(u32 *)(r10 - 0x4) = w1
     68 <+7>:	r3 = 0x0

50		struct flow f = { .source = source, .bytes = bytes, .seen = 1, .name = "eth" };
     69 <+8>:	*(u16 *)(r10 - 0x8) = w3
     70 <+9>:	*(u16 *)(r10 - 0xa) = w3
     71 <+10>:	r3 = 0x68
     72 <+11>:	*(u16 *)(r10 - 0xc) = w3
     73 <+12>:	r3 = 0x7465
     74 <+13>:	*(u16 *)(r10 - 0xe) = w3

50		struct flow f = { .source = source, .bytes = bytes, .seen = 1, .name = "eth" };
     75 <+14>:	w2 &= 0xfff
     76 <+15>:	w2 |= 0x1000
     77 <+16>:	*(u16 *)(r10 - 0x10) = w2
     78 <+17>:	*(u32 *)(r10 - 0x14) = w1
     79 <+18>:	r2 = r10
     80 <+19>:	r2 += -0x4
     81 <+20>:	r3 = r10
     82 <+21>:	r3 += -0x14

53		return bpf_map_update_elem(&flows, &source, &f, BPF_ANY);
     83 <+22>:	r1 = map[idx:0x1]	# map flows
     85 <+24>:	r4 = 0x0
     86 <+25>:	call 0x2	# bpf_map_update_elem

53		return bpf_map_update_elem(&flows, &source, &f, BPF_ANY);
     87 <+26>:	exit
End of dump.
The program is not being run. [SKEP-E0835]' "$(debug walk 'list 74
list
list -
list each
list 1,3
info functions
disassemble each
disassemble /s remember
info frame')"

same 'words and what is wrong' 'reverse-step (rs):
Usage: reverse-step [N]
Back to the beginning of the line before, into functions.
info takes args, breakpoints, display, frame, functions, line, locals, maps, packet, program, registers or variables [SKEP-E0833]
Undefined command: "foo".  Try "help". [SKEP-E0833]
The program is not being run. [SKEP-E0835]
Ambiguous command "re": reverse-continue, reverse-finish, reverse-next, reverse-nexti, reverse-step, reverse-stepi. [SKEP-E0833]
No line 9999 in file "test/obj/debug.c". [SKEP-E0834]
No line 3 in file "foo.c". [SKEP-E0834]
Function "nothing" not defined. [SKEP-E0834]
'\''walk'\'' has no instruction *999, it has 93 slots [SKEP-E0834]
The program is not being run. [SKEP-E0835]
walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
1: limit = 5
2: /x limit = 0x5
walk+1	65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
1: limit = 5
2: /x limit = 0x5
walk+2	65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
2: /x limit = 0x5
2:   limit
a	b
No breakpoint number 5. [SKEP-E0833]
No symbol "nonsense" in current context. [SKEP-E0830]
    1 | nonsense
      | ^
No frame at level 7. [SKEP-E0833]
catch fault, catch verdict [NAME], catch helper [NAME], catch map [NAME]; not '\''nonsense'\'' [SKEP-E0833]
no map is called '\''none'\'' [SKEP-E0833]
x takes a count, one of x d u o t c a z s i and one of b h w g, not '\''q'\'' [SKEP-E0833]
run takes a number, not '\''x'\'' [SKEP-E0833]
Initial frame selected; you can'\''t go up. [SKEP-E0833]' "$(debug walk 'help reverse-step
info
foo
s
re
break 9999
break foo.c:3
break nothing
break *999
finish
display limit
start
display/x limit
si
undisplay 1
si
info display
echo a\tb\n
delete 5
break sum if nonsense
frame 7
catch nonsense
catch map none
x/q 1
run x
up')"

same 'the packet' 'walk (ctx=ADDR <ctx>) at test/obj/debug.c:65
65		void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
42 bytes
Ethernet 92:63:1b:aa:2f:59 > 16:a1:55:bc:c7:d4, type 0x0806
ARP      reply, 10.8.0.1 > 10.8.0.2
0000  16 a1 55 bc c7 d4 92 63 1b aa 2f 59 08 06 00 01  ..U....c../Y....
0010  08 00 06 04 00 02 92 63 1b aa 2f 59 0a 08 00 01  .......c../Y....
0020  16 a1 55 bc c7 d4 0a 08 00 02                    ..U.......' "$(debug walk 'start 2
info packet')"

same 'what the program prints is told once, however often it runs' 'talk (ctx=<optimized out>) at test/obj/debug.c:109
109		bpf_printk("first");
first
second 1
[Packet 1: XDP_PASS, 12 instructions]
talk (ctx=<optimized out>) at test/obj/debug.c:109
109		bpf_printk("first");
[Packet 1: XDP_PASS, 12 instructions]
talk (ctx=<optimized out>) at test/obj/debug.c:109
109		bpf_printk("first");
first
110		total++;' "$(debug talk 'start
next 9
goto 0
next 9
start
next')"

same 'inlined functions are frames' 'Breakpoint 1 at firewall+73: file examples/firewall/firewall.c, line 140.
[Packet 3]

Breakpoint 1, check_ipv4 (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:140
140			source.s6_addr32[2] = bpf_htonl(0xffff);
#0  check_ipv4 (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:140
#1  classify (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:199
#2  firewall (ctx=<optimized out>) at examples/firewall/firewall.c:213
source = {in6_u = {u6_addr8 = {0 '\''\000'\'' <repeats 12 times>, 10 '\''\n'\'', 8 '\''\b'\'', 0 '\''\000'\'', 2 '\''\002'\''}, u6_addr16 = {0, 0, 0, 0, 0, 0, 2058, 512}, u6_addr32 = {0, 0, 0, 33556490}}}
ip = (struct iphdr *) ADDR <packet+14>
key = {prefixlen = 32, addr = 33556490}
hits = <optimized out>
at = (void *) ADDR <packet+14>
end = <optimized out>
bytes = <optimized out>
#1  classify (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:199
199			return check_ipv4(at, end, bytes);
eth = <optimized out>
tag = <optimized out>
Run till exit from #1  classify (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:199
firewall (ctx=<optimized out>) at examples/firewall/firewall.c:213
213		return verdict(classify(data, end, bytes), bytes);
Breakpoint 2 at count_source+10: file examples/firewall/firewall.c, line 92.
[Packet 3: XDP_PASS, 102 instructions]

Breakpoint 1, check_ipv4 (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:140
140			source.s6_addr32[2] = bpf_htonl(0xffff);
#0  check_ipv4 (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:140
#1  classify (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:199
(More stack frames follow...)
Run back to call of #0  check_ipv4 (at=ADDR <packet+14>, end=<optimized out>, bytes=<optimized out>) at examples/firewall/firewall.c:140
firewall+48 in classify (at=ADDR <packet+14>, end=ADDR <packet end>, bytes=99) at examples/firewall/firewall.c:198
198		if (proto == bpf_htons(ETH_P_IP))
No symbol "key" in current context. [SKEP-E0830]
    1 | key
      | ^
$1 = {{packets = 2, bytes = 84}, {packets = 0, bytes = 0}}' "$(firewall 'break 140
run
bt
info locals
info args
up
info locals
finish
break counter_add
c
bt 2
reverse-finish
p key
p stats[0]')"

# ---- before it begins: verdicts, and what is missing
out=$($SKEP debug $obj $cap --prog reach -batch 2>&1)
has "a rejected program is said so" "error: byte 22 of the packet is read" "$out"
has "and may be debugged" "'reach' is rejected; each of its accesses is checked when it is made" "$out"
same "nothing is said of one that is not" "" "$($SKEP debug $obj $cap --prog walk -batch 2>&1)"
out=$($SKEP debug test/obj/maps.o $cap -batch -ex start -ex 'info locals' -ex 'next' 2>&1)
has "without DWARF" "local variables are not known" "$out"
has "what is needed is said" "compile with -g" "$out"
out=$($SKEP debug -q test/obj/gcc.o $cap -batch -ex 'break small' -ex 'break 3' -ex run -ex bt -ex stepi \
	-ex step -ex list 2>&1)
has "without lines: functions" "Breakpoint 1, small in small ()" "$out"
has "what lines need" "the object has no line information (.BTF.ext): compile with -g" "$out"
has "instructions are shown" "=> 37" "$($SKEP debug -q test/obj/gcc.o $cap -batch -ex 'tbreak *37' -ex run -ex 'x/i $pc' 2>&1)"
has "steps go to the end" "Single stepping until exit from function small," "$out"
status "packets without a capture" 2 $SKEP debug $obj --prog walk -batch
has "a capture is asked for" "gets packets: give a capture [SKEP-E0836]" \
	"$($SKEP debug $obj --prog walk -batch 2>&1)"
status "several programs" 2 $SKEP debug $obj $cap -batch
status "a program that is not there" 2 $SKEP debug $obj $cap --prog none -batch
status "no such file" 2 $SKEP debug "$tmp/none.o"
status "no operands" 2 $SKEP debug
status "what is no object" 2 $SKEP debug README.md $cap -batch
status "a wrong command is no answer" 2 $SKEP debug -q $obj $cap --prog walk -batch -ex nonsense
status "a right one is" 0 $SKEP debug -q $obj $cap --prog walk -batch -ex start
status "a file of commands that is not there" 2 $SKEP debug -q $obj $cap --prog walk -batch \
	-x "$tmp/none"
echo "source $tmp/again" >"$tmp/again"
has "one that reads itself ends" "command files that read each other" \
	"$($SKEP debug -q $obj $cap --prog walk -batch -x "$tmp/again" 2>&1)"
head -c 60 $cap >"$tmp/cut.pcap"
has "a capture that is cut" "SKEP-E05" "$($SKEP debug -q $obj "$tmp/cut.pcap" --prog walk -batch \
	-ex run 2>&1)"
printf '[{"key": 0, "value": 41}]' >"$tmp/counts.json"
has "a condition on what is known when it runs" '$1 = 3' "$(debug walk 'break each if $_packet == 3 && 4 / i == 2
run
p $_packet')"
has "and on the time" '$1 = 60' "$(debug walk 'break remember if $_time > 50
run
goto 60
p $_time')"
has "maps are filled before" '[0] = 41' "$(debug walk 'start
p counts' --map counts="$tmp/counts.json")"
has "constants are set before" '= 2' "$(debug walk 'break sum
run
p n' --set limit=2)"

# ---- commands from a pipe; the last one again
out=$(printf 'start\nstepi\n\n\np $_time\nquit\nnonsense\n' | $SKEP debug -q $obj $cap --prog walk 2>&1)
has "an empty line says it again" '$1 = 3' "$out"
same "quit is the end" "" "$(printf '%s\n' "$out" | grep nonsense)"

# ---- Ctrl-C at the prompt: what is typed is dropped, and nothing else
# shellcheck disable=SC2086
$CC -O1 -o "$tmp/pty" test/cli/pty.c || exit 2
cat >"$tmp/typed" <<'E'
< (skep)
^ c
< Quit
< (skep)
+ p 1 + 7
< + 7
^ c
< Quit
< (skep)
> p 3 * 7
< $1 = 21
> start
< at test/obj/debug.c:65
< (skep)
> stepi 5
^ c
< (skep)
> p 6 * 7
< $2 = 42
< (skep)
^ c
< Quit
< (skep)
> quit
E
on_terminal() { timeout 100 "$tmp/pty" "$@" $SKEP debug -q $obj $cap --prog walk <"$tmp/typed"; }
out=$(on_terminal env)
status=$?
same "Ctrl-C at the prompt does not end the session" 0 $status
has "half a line is dropped" 'p 1 + 7' "$out"
same "and is not done" "" "$(printf '%s\n' "$out" | grep '= 8')"
out=$(on_terminal sh -c 'trap "" INT; "$@" | cat' sh)
status=$?
same "Ctrl-C at the prompt without an editor" 0 $status
has "which says Quit, too" Quit "$out"

# ---- Ctrl-C
mkfifo "$tmp/in"
$SKEP debug -q $obj $cap --prog endless --budget 100000000000 <"$tmp/in" >"$tmp/out" 2>&1 &
pid=$!
exec 3>"$tmp/in"
echo run >&3
sleep 1
kill -INT $pid
printf 'bt\nquit\n' >&3
exec 3>&-
wait $pid
has "Ctrl-C stops a run without an end" "Program received signal SIGINT, Interrupt." "$(cat "$tmp/out")"
has "where it is" "#0  endless" "$(cat "$tmp/out")"

# Moves back and repeated ones, goto: interrupted, they stand somewhere.
for back in 'reverse-stepi 100000000' 'reverse-next 100000000' 'goto 900000000' 'stepi 900000000'; do
	printf '%s\n' 'start 1' 'goto 3000000' "$back" 'p 40 + 2' > "$tmp/endless"
	timeout -k 5 -s INT 3 $SKEP debug -q $obj $cap --prog endless --budget 4000000000 -batch \
		-x "$tmp/endless" > "$tmp/out" 2>&1 < /dev/null
	has "Ctrl-C stops $back" '$1 = 42' "$(cat "$tmp/out")"
	has "and says so: $back" "Program received signal SIGINT, Interrupt." "$(cat "$tmp/out")"
done

# Runs of a few instructions each: it is between two of them that Ctrl-C comes.
(head -c 24 $cap; for i in $(seq 2000); do tail -c +25 $cap; done) >"$tmp/many.pcap"
printf '%s\n' 'start 4000' reverse-continue 'p 40 + 2' >"$tmp/between"
timeout -k 5 -s INT 3 $SKEP debug -q $obj "$tmp/many.pcap" --prog walk -batch -x "$tmp/between" \
	>"$tmp/out" 2>&1 </dev/null
has "Ctrl-C between packets, on the way back, says where" yes \
	"$(grep -A1 '^Program received signal SIGINT' "$tmp/out" |
		grep -q '^\[Packet [0-9]*: XDP_PASS, [0-9]* inst\|at test/obj/debug.c' && echo yes)"
has "and what comes next is done" '$1 = 42' "$(cat "$tmp/out")"

same "back from a packet's beginning to the end of the one before" '$1 = 3
[Packet 2]
$2 = 2
[Packet 2: XDP_PASS, 129 instructions]
$3 = 3
Breakpoint 1 at remember+1: file test/obj/debug.c, line 52.
[Packet 2]
Breakpoint 1, remember (source=0, bytes=42) at test/obj/debug.c:52
$4 = 2
[Packet 1]
Breakpoint 1, remember (source=0, bytes=42) at test/obj/debug.c:52
$5 = 1
No more reverse-execution history.
$6 = 1' "$(debug walk 'start 3
p $_packet
reverse-stepi
p $_packet
stepi
stepi
p $_packet
break remember
reverse-continue
p $_packet
reverse-continue
p $_packet
reverse-continue
p $_packet' | grep '^\[\|^\$\|Break\|No more')"
has "of a pipe there is no packet before" "No more reverse-execution history." \
	"$(cat $cap | timeout 60 $SKEP debug -q $obj --prog walk /dev/stdin -batch -ex 'start 2' \
	-ex reverse-stepi 2>&1)"

# ---- a recording
if $SKEP run -q --record "$tmp/walk.rec" --prog walk $obj $cap >/dev/null 2>&1; then
	same "a recorded run is debugged like another" 'Breakpoint 1 at remember+1: file test/obj/debug.c, line 52.

Breakpoint 1, remember (source=0, bytes=95) at test/obj/debug.c:52
52		last_kind = bytes > 100 ? KIND_LONG : KIND_SHORT;
$1 = 3
sum (data=ADDR <packet>, n=<optimized out>) at test/obj/debug.c:45
45		return s;' "$(commands 'break remember
run 3
p $_packet
reverse-next
reverse-step' "$tmp/walk.rec" | grep -v '^75\|^walk')"
	same "runs of a recording, forwards and backwards" '$1 = 4
$2 = 5
$3 = 4
$4 = 5' "$(commands 'catch verdict
start 4
p $_packet
continue
continue
p $_packet
reverse-continue
p $_packet
continue
continue
p $_packet' "$tmp/walk.rec" | grep '^\$')"
	same "run for run the same end as from the first" \
		"$(commands 'run 1' "$tmp/walk.rec" | grep '^\[Run' | tail -n 3)" \
		"$(commands 'run 2' "$tmp/walk.rec" | grep '^\[Run' | tail -n 3)"
	mkfifo "$tmp/pipe"
	cat "$tmp/walk.rec" > "$tmp/pipe" 2> /dev/null &
	has "a recording from a pipe" "a recording is read several times: put it in a file" \
		"$(timeout 20 $SKEP debug -q "$tmp/pipe" -batch -ex start 2>&1)"
	kill $! 2> /dev/null
	has "a recording that is cut" "SKEP-E" "$(head -c 200 "$tmp/walk.rec" >"$tmp/cut.rec"
		$SKEP debug "$tmp/cut.rec" -batch -ex run 2>&1)"
else
	skip "a recording" "not recorded"
fi

[ -n "$CLANG" ] || { skip "C sources" "no clang"; done_testing; }
export CLANG
sed 's/int total;/int total, more;/' test/obj/debug.c >"$tmp/walk.c"
has "C is compiled" "sum (data=ADDR <packet>, n=5) at $tmp/walk.c:41" \
	"$(commands 'break sum
run' "$tmp/walk.c" $cap --prog walk)"

# Copies of an inlined call that unrolling makes, floats, prefixes, programs in slots.
cat > "$tmp/show.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct lk { __u32 prefixlen; __u8 addr[4]; };
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, 1);
	__type(key, struct lk); __type(value, double); } lpm SEC(".maps");
SEC("xdp") int other(struct xdp_md *c) { return 1; }
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
	__array(values, int (void *)); } next SEC(".maps") = { .values = { [1] = (void *)other } };
float f = 1.5, fs[2] = { 0.1, 3 };
double g = -2.25e10;
static __always_inline int twice(int i)
{
	volatile int x = i;
	return x + (bpf_get_prandom_u32() & 1);
}
static __noinline int add(int i) { volatile int x = i; return x + 1; }
SEC("xdp") int e(struct xdp_md *c)
{
	struct lk k = { 24, { 10, 1, 2, 0 } };
	__u64 half = 0x3fe0000000000000;
	int s = 0;

	bpf_map_update_elem(&lpm, &k, &half, 0);
	for (int i = 0; i < 3; i++) {
		s += twice(i);
		s += add(i);
	}
	bpf_tail_call(c, &next, 1);
	return s;
}
X
out=$(commands 'start 1
break twice
continue
continue
continue
p f
p fs
p g
p lpm
p next' "$tmp/show.c" $cap --prog e)
has "a function that is inlined in an unrolled loop" "(3 locations)" "$out"
same "stops in each copy" 'Breakpoint 1, twice (i=0)
Breakpoint 1, twice (i=1)
Breakpoint 1, twice (i=2)' "$(printf '%s\n' "$out" | sed -n 's/^\(Breakpoint 1, .*)\) at .*/\1/p')"
same "floats, prefixes, programs" '$1 = 1.5
$2 = {0.100000001, 3}
$3 = -22500000000
$4 = lpm_trie {[10.1.2.0/24] = 0.5}
$5 = prog_array {[1] = other}' "$(printf '%s\n' "$out" | grep '^\$')"

# C's arithmetic of float and double; formats show the bits.
same "floats in expressions" '$1 = 3
$2 = -1.5
$3 = 1
$4 = 1
$5 = 3.5
$6 = 0x3fc00000
$7 = ADDR
$8 = -22499999998.5
$9 = 254
$10 = 0.33333333333333331
$11 = 0.333333343
$12 = 1
$13 = 0
$14 = 1
$15 = 9223372036854775807
$16 = 1.10000002
$17 = 5
$18 = 0.5
$19 = 30
$20 = inf' "$(commands 'start 1
p f * 2
p -f
p (int)f
p f == 1.5
p 1.5 + 2
p/x f
p/x g
p f + g
p/u (unsigned char)254.7
p (double)1 / 3
p (float)1 / 3
p f ? 1 : 2
p f && 0.0
p !0.0
p (long)1e30
p 1 + *fs
p ($x = 2.5) * 2
p .5f
p 0x1e
p f / 0' "$tmp/show.c" $cap --prog e | grep '^\$')"
out=$(commands 'start 1
p f % 2
p ~f
p fs[f]
p (char *)f
p 1.5.2
p lpm[1.5]
p 1e' "$tmp/show.c" $cap --prog e)
same "what floats are not for" "Integer-only operation: its operands are float or double.
Argument to complement operation not an integer, boolean.
a value of type 'float' is no integer: cast it
Invalid cast.
Invalid number
a value of type 'double' is no integer: cast it
Invalid number" "$(printf '%s\n' "$out" | sed -n 's/ \[SKEP-E08.*//p')"

# Keys in braces.
cat > "$tmp/keys.c" <<'X'
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct in { __u8 a[2]; };
struct k { __u32 x; __u16 y; struct in in; unsigned lo:4, hi:12; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8);
	__type(key, struct k); __type(value, __u64); } h SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8);
	__type(key, __u32); __type(value, __u64); } n SEC(".maps");
struct k like = { 1, 2, {{ 3, 4 }}, 5, 6 };
SEC("xdp") int e(struct xdp_md *c)
{
	struct k k;
	__u64 v = 42;

	__builtin_memset(&k, 0, sizeof(k));
	k.x = 1; k.y = 2; k.in.a[0] = 3; k.in.a[1] = 4; k.lo = 5; k.hi = 6;
	bpf_map_update_elem(&h, &k, &v, 0);
	v = 43;
	__builtin_memset(&k, 0, sizeof(k));
	k.x = 1; k.y = 2;
	bpf_map_update_elem(&h, &k, &v, 0);
	return bpf_get_prandom_u32() & 1;
}
X
out=$(commands 'catch verdict
run
p h[{1, 2, {{3, 4}}, 5, 6}]
p h[(struct k){1, 2}]
p h[{.y = 2, .x = 1,}]
p h[{1, 2, 0}]
p h[{1, 2, 3, 4, 5, 6}]
p/x (struct k){1, 2, like.in, 7}
p h[{struct k} &like]
p (struct k){1, 3} , 1
p n[{1}]
p h[{1 2}]
p h[{1, 2
p h[{.z = 1}]
p h[{1, 2, {{1, 2, 3}}}]
p h[{1, 3}]
p (int){1}
ptype struct nope
p sizeof(union nope)
p {struct nope} 0' "$tmp/keys.c" $cap --prog e)
same "keys in braces" '$1 = 42
$2 = 43
$3 = 43
$4 = 43
$5 = 42
$6 = {x = 0x1, y = 0x2, in = {a = {0x3, 0x4}}, lo = 0x7, hi = 0x0}
$7 = 42' "$(printf '%s\n' "$out" | grep '^\$')"
same "wrong ones" "A syntax error in expression
Braces are for structs, unions and arrays
A '}' is missing
the expression ends too early
There is no such member.
There are more values than members
map 'h' has no such key
Braces are for structs, unions and arrays
No struct type named nope.
No union type named nope.
No struct type named nope." "$(printf '%s\n' "$out" | sed -n 's/ \[SKEP-E08.*//p')"
done_testing
