/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_rate: packets per second out of a veth pair in a network namespace of
 * the bench's own: by a packet socket and by an AF_XDP socket of ours, and by
 * libpcap's live loop, each reading the first byte of each packet. One thread
 * sends as fast as it can; what is not read is lost and counted. Prints the
 * median of received packets a second, the share that was lost, and the cpu
 * time of the reading thread for a packet. Needs root, else prints why not.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#ifndef NO_PCAP
#define bpf_insn pcap_insn	/* libpcap has a structure of that name, too */
#include <pcap/pcap.h>
#undef bpf_insn
#endif
#include "bench.h"
#include "base/os.h"
#include "host/port.h"

enum { BYTES = 60, ROUNDS = 5, MS = 400 };

struct result { double rate, lost, ns; };

static bool stop_sending;

static void *send_packets(void *arg)
{
	struct port *p = arg;
	u8 data[BYTES] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

	while (!__atomic_load_n(&stop_sending, __ATOMIC_RELAXED)) {
		for (u32 i = 0; i < PORT_BATCH; i++)
			port_send(p, data, BYTES);
		port_flush(p);
	}
	return NULL;
}

static u64 thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

static void result(struct result *to, u64 got, u64 lost, u64 wall, u64 cpu)
{
	to->rate = (double)got * 1000 / (double)wall;
	to->lost = got + lost ? 100.0 * (double)lost / (double)(got + lost) : 0;
	to->ns = got ? (double)cpu / (double)got : 0;
}

static void wait_for(int fd)
{
	struct pollfd f = { .fd = fd, .events = POLLIN };

	poll(&f, 1, 10);
}

static void pass_own(const char *name, struct result *to)
{
	struct packet p[PORT_BATCH];
	struct skep_err err;
	struct port *port;
	u64 start, cpu, sum = 0;

	must(port_open(&port, name, PORT_IN, &err), &err);
	start = os_clock_ns();
	cpu = thread_ns();
	while (os_clock_ns() - start < MS * 1000000ull) {
		int n = port_recv(port, p, PORT_BATCH, &err);

		must(n, &err);
		if (!n)
			wait_for(port->fd);
		for (int i = 0; i < n; i++)
			sum += p[i].data[0];
	}
	cpu = thread_ns() - cpu;
	start = os_clock_ns() - start;
	port_stats(port);
	if (sum != port->stats.received * 2)
		abort();
	result(to, port->stats.received, port->stats.lost, start, cpu);
	port_close(port);
}

#ifndef NO_PCAP
static void on_packet(u_char *sum, const struct pcap_pkthdr *h, const u_char *data)
{
	*(u64 *)(void *)sum += data[0];
}

static void pass_libpcap(const char *name, struct result *to)
{
	char text[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_create(name, text);
	struct pcap_stat st;
	u64 start, cpu, sum = 0;

	if (!pcap || pcap_set_buffer_size(pcap, 8 << 20) || pcap_set_promisc(pcap, 1) ||
	    pcap_set_timeout(pcap, 1) || pcap_activate(pcap) < 0 ||
	    pcap_setnonblock(pcap, 1, text))
		abort();
	start = os_clock_ns();
	cpu = thread_ns();
	while (os_clock_ns() - start < MS * 1000000ull) {
		int n = pcap_dispatch(pcap, PORT_BATCH, on_packet, (u_char *)&sum);

		if (n < 0)
			abort();
		if (!n)
			wait_for(pcap_get_selectable_fd(pcap));
	}
	cpu = thread_ns() - cpu;
	start = os_clock_ns() - start;
	if (pcap_stats(pcap, &st))
		abort();
	result(to, sum / 2, st.ps_drop, start, cpu);
	pcap_close(pcap);
}
#endif

static void show(const char *what, struct result *r)
{
	double rate[ROUNDS], lost[ROUNDS], ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		rate[i] = r[i].rate;
		lost[i] = r[i].lost;
		ns[i] = r[i].ns;
	}
	printf("%s: %.2f Mpps received, %.1f %% lost, %.0f ns of cpu time a packet "
	       "[medians of %d, packets of %d bytes]\n", what, median(rate, ROUNDS),
	       median(lost, ROUNDS), median(ns, ROUNDS), ROUNDS, BYTES);
}

static bool make_pair(void)
{
	return !unshare(CLONE_NEWNET) &&
	       !system("ip link add skep0 type veth peer name skep1 2>/dev/null && "
		       "ip link set skep0 addrgenmode none up && "
		       "ip link set skep1 addrgenmode none up");
}

int main(void)
{
	struct result packet[ROUNDS], xdp[ROUNDS], pcap[ROUNDS];
	bool have_xdp;
	struct skep_err err;
	struct port *out, *probe;
	pthread_t sender;

	if (!make_pair()) {
		puts("skipped: no network namespace with a veth pair of one's own");
		return 0;
	}
	have_xdp = !port_open(&probe, "xdp:skep1", PORT_IN, &err);
	port_close(probe);
	must(port_open(&out, "packet:skep0", PORT_OUT, &err), &err);
	if (pthread_create(&sender, NULL, send_packets, out))
		abort();
	for (int i = 0; i < ROUNDS; i++) {
		pass_own("packet:skep1", &packet[i]);
		if (have_xdp)
			pass_own("xdp:skep1", &xdp[i]);
#ifndef NO_PCAP
		pass_libpcap("skep1", &pcap[i]);
#endif
	}
	__atomic_store_n(&stop_sending, true, __ATOMIC_RELAXED);
	pthread_join(sender, NULL);
	port_close(out);
	show("packet socket", packet);
	if (have_xdp)
		show("AF_XDP, generic", xdp);
#ifndef NO_PCAP
	show("libpcap, live", pcap);
#endif
	return 0;
}
