/* SPDX-License-Identifier: BSD-2-Clause */
/* run_opts.h: the rows of the options of `skep run`, of struct job *J, group by group. */
#ifndef CLI_RUN_OPTS_H
#define CLI_RUN_OPTS_H

#include "cli/run_job.h"

#define RUN_WHAT_OPTS(j) \
	{"prog", 0, OPT_LIST, "NAME", \
	 "the program to run, when several could; several of tc in a chain", \
	 &(j)->choice.names}, \
	{"output", 'o', OPT_STR, "FILE", \
	 "write the packets with their verdicts to FILE (pcapng)", &(j)->o.output}

#define RUN_PORT_OPTS(j) \
	{"in", 0, OPT_LIST, "PORT", \
	 "read packets from tap:NAME, packet:IFACE or xdp:IFACE[/QUEUE]", &(j)->o.ports.in}, \
	{"count", 0, OPT_U64, "N", "stop after N packets of live ports", \
	 &(j)->o.ports.count}, \
	{"seconds", 0, OPT_U64, "S", "stop after S seconds of live ports", \
	 &(j)->o.ports.seconds}, \
	{"pass", 0, OPT_STR, "PORT", "give passed packets to a live port", \
	 &(j)->o.ports.pass}, \
	{"port", 0, OPT_LIST, "NAME=IFINDEX[,out=FILE|PORT]", \
	 "where packets redirected to IFINDEX go", &(j)->o.ports.targets}

#define RUN_STATE_OPTS(j) \
	{"routes", 0, OPT_STR, "FILE", \
	 "links, routes and neighbours for programs (JSON of the ip command)", \
	 &(j)->o.routes}, \
	{"pin-dir", 0, OPT_STR, "DIR", "where maps are pinned that want to be", &(j)->o.pins}, \
	{"pin", 0, OPT_FLAG, NULL, \
	 "the same in $XDG_RUNTIME_DIR/skep, of a kernel in /sys/fs/bpf", &(j)->o.pin}, \
	{"map", 'm', OPT_LIST, "NAME=FILE", \
	 "fill map NAME from a JSON file before the run", &(j)->o.maps}, \
	{"sockets", 0, OPT_STR, "FILE", \
	 "sockets that programs find: JSON, or the output of ss -tuaneH", &(j)->o.sockets}, \
	{"record", 0, OPT_LIST, "FILE|MAP=TYPE", \
	 "record all runs for `skep replay`; or show records of a map as TYPE", \
	 &(j)->o.records}

#define RUN_SHOW_OPTS(j) \
	{"net", 0, OPT_LIST, "NAME", \
	 "show what is called NAME as an address (IPv4, IPv6, MAC)", &(j)->o.net}, \
	{"verdicts", 0, OPT_STR, "FILE", \
	 "write one line NUMBER VERDICT per packet", &(j)->o.verdicts}, \
	{"expect", 0, OPT_STR, "FILE", \
	 "compare with such a file; exit status 1 if any differs", &(j)->o.expect}

#define RUN_HOW_OPTS(j) \
	{"on", 0, OPT_STR, "ENGINE", \
	 "user (default), kernel by bpf(2), or both and compare", &(j)->o.on}, \
	{"repeat", 0, OPT_U64, "N", "run the program N times on each packet", \
	 &(j)->o.repeat}, \
	{"coverage", 0, OPT_STR, "FILE", "write which lines ran to FILE (LCOV)", \
	 &(j)->o.coverage}

#define RUN_ENGINE_OPTS(j) \
	{"jit", 0, OPT_STR, "HOW", \
	 "native code: off, fast (in one pass), opt (default: opt, or fast when big)", \
	 &(j)->o.jit_name}, \
	{"stats", 0, OPT_FLAG, NULL, "say how programs ran and maps were used", &(j)->o.stats}, \
	{"unverified", 0, OPT_FLAG, NULL, "check accesses as they come", &(j)->o.unverified}, \
	{"budget", 0, OPT_U64, "N", \
	 "instructions that one run may take, see skep-run(1)", &(j)->o.budget}, \
	{"clock", 0, OPT_STR, "WHICH", \
	 "what programs see: real (default), or capture: the packets' times", \
	 &(j)->o.clock}, \
	{"linger", 0, OPT_U64, "MS", \
	 "with --clock capture, time for timers after the last packet", &(j)->o.linger}, \
	{"cpus", 0, OPT_U64, "N", \
	 "values of a per-cpu map (default: cpus of the machine)", &(j)->o.cpus}

#define RUN_PACKET_OPTS(j) \
	{"ifindex", 0, OPT_U64, "N", "the interface that packets come from", \
	 &(j)->meta.o.ifindex}, \
	{"queue", 0, OPT_U64, "N", "its receive queue", &(j)->meta.o.queue}, \
	{"mark", 0, OPT_U64, "N", "skb->mark of every packet", &(j)->meta.o.mark}, \
	{"priority", 0, OPT_U64, "N", "skb->priority of every packet", \
	 &(j)->meta.o.priority}, \
	{"skb", 0, OPT_LIST, "NAME=N", \
	 "what every packet belongs to: socket_cookie, route_realm ...", \
	 &(j)->meta.o.owner}, \
	{"tstamp", 0, OPT_STR, "capture", \
	 "skb->tstamp of a packet is when it was captured (default: 0)", \
	 &(j)->meta.o.tstamp}, \
	{"flow-flags", 0, OPT_U64, "N", "flags of struct bpf_flow_keys (BPF_FLOW_...)", \
	 &(j)->meta.o.flow_flags}

#define RUN_PRINT_OPTS(j) \
	{"json", 'j', OPT_FLAG, NULL, "print JSON; with -v one object per line", \
	 &(j)->o.json}, \
	{"verbose", 'v', OPT_FLAG, NULL, "print one line per packet", \
	 &(j)->o.verbose}, \
	{"quiet", 'q', OPT_FLAG, NULL, \
	 "print no summary, notes or bpf_printk messages", &(j)->o.quiet}

#endif
