/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing captures: what comes back through our reader, through libpcap and
 * through tshark; errors of the file system.
 */
#include "unit/capture_bytes.h"
#include <dirent.h>
#ifndef NO_PCAP
#include <pcap/pcap.h>
#endif

static char dir[] = "/tmp/capture-out.XXXXXX";
static char path[64];

static int setup(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/out.pcapng", dir);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(dir);	/* fails when something was left behind */
}

static struct capture_out *started(const char *to)
{
	struct capture_out *w;

	assert_int_equal(capture_out_open(&w, to, &err), 0);
	return w;
}

static u32 iface(struct capture_out *w, u32 link, u32 snaplen, const char *name)
{
	struct capture_iface i = { link, snaplen, name };
	u32 n;

	assert_int_equal(capture_out_iface(w, &i, &n, &err), 0);
	return n;
}

static int out(struct capture_out *w, u32 on, u64 time_ns, u32 bytes, u32 wire,
	       enum capture_verdict kind, u64 verdict)
{
	struct bytes b = { 0 };
	struct packet p = {
		.bytes = bytes, .wire_bytes = wire, .time_ns = time_ns,
		.iface = on,
	};
	int r;

	add_data(&b, bytes);
	p.data = b.v;
	r = capture_out_write(w, &p, kind, verdict, &err);
	vec_free(&b);
	return r;
}

/* Three packets on two interfaces. */
static void write_some(void)
{
	struct capture_out *w;
	u32 a, b;

	unlink(path);
	w = started(path);
	a = iface(w, LINK_ETHERNET, 0, "veth0");
	assert_int_equal(out(w, a, 1700000000123456789, 60, 60, VERDICT_XDP, 1),
			 0);
	b = iface(w, LINK_RAW, 96, NULL);
	assert_int_not_equal(a, b);
	assert_int_equal(out(w, b, 1700000000123456790, 61, 1500, VERDICT_TC,
			     UINT64_MAX), 0);
	assert_int_equal(out(w, a, 0, 0, 0, VERDICT_NONE, 9), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(capture_out_commit(w, &err), 0);
}

static void reads_back(void **state)
{
	struct capture *c;

	write_some();
	assert_int_equal(capture_open(&c, path, &err), 0);
	want(c, 1700000000123456789, 60, 60, LINK_ETHERNET, 0);
	want(c, 1700000000123456790, 61, 1500, LINK_RAW, 1);
	want(c, 0, 0, 0, LINK_ETHERNET, 0);
	assert_string_equal(capture_iface(c, 0)->name, "veth0");
	assert_null(capture_iface(c, 1)->name);
	assert_int_equal(capture_iface(c, 1)->snaplen, 96);
	want_end(c);
}

static void same_interface_once(void **state)
{
	struct capture_out *w = started(path);
	u32 a = iface(w, 1, 0, "veth0");

	assert_int_equal(iface(w, 1, 0, "veth0"), a);
	assert_int_not_equal(iface(w, 1, 0, "veth1"), a);
	assert_int_not_equal(iface(w, 1, 0, ""), iface(w, 1, 0, NULL));
	assert_int_not_equal(iface(w, 1, 1, "veth0"), a);
	assert_int_not_equal(iface(w, 2, 0, "veth0"), a);
	assert_int_equal(iface(w, 1, 0, "veth0"), a);
	capture_out_abort(w);
	capture_out_abort(NULL);
}

/* Finds the bytes of the option: code 7, 9 bytes, type 2, the value. */
static void verdict_bytes(void **state)
{
	struct bytes b = { 0 };
	u8 got[4096];
	size_t n;
	FILE *f;
	u16 one = 1;

	write_some();
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(got, 1, sizeof(got), f);
	fclose(f);
	b.big = *(u8 *)&one == 0;
	add16(&b, 7);
	add16(&b, 9);
	add(&b, "\2", 1);
	add64(&b, 1);
	add(&b, "\0\0\0", 3);
	add32(&b, 0);			/* end of options */
	assert_non_null(memmem(got, n, b.v, b.n));
	assert_non_null(memmem(got, n, "skep " SKEP_VERSION,
			       strlen("skep " SKEP_VERSION)));
	vec_free(&b);
}

static void large(void **state)
{
	enum { PACKETS = 5000 };
	struct capture_out *w = started(path);
	struct capture *c;
	u32 on = iface(w, 1, 0, NULL);

	for (u32 i = 0; i < PACKETS; i++)
		assert_int_equal(out(w, on, i, i % 1500, 1500, i % 3, i), 0);
	assert_int_equal(out(w, on, 7, CAPTURE_PACKET_MAX, 0, VERDICT_TC, 0),
			 0);
	assert_int_equal(capture_out_commit(w, &err), 0);
	assert_int_equal(capture_open(&c, path, &err), 0);
	for (u32 i = 0; i < PACKETS; i++)
		want(c, i, i % 1500, 1500, 1, 0);
	want(c, 7, CAPTURE_PACKET_MAX, CAPTURE_PACKET_MAX, 1, 0);
	want_end(c);
}

static void refuses(void **state)
{
	struct capture_iface wide = { .link = 65536 };
	struct capture_out *w = started(path);
	struct packet p = { .iface = 0 };
	u32 n;

	want_text(capture_out_write(w, &p, 0, 0, &err), ERR_PCAP,
		  "on interface 0: at most 262144 bytes and 0 interfaces");
	want_text(capture_out_iface(w, &wide, &n, &err), ERR_PCAP,
		  "link type 65536");
	iface(w, 1, 0, NULL);
	p.bytes = CAPTURE_PACKET_MAX + 1;
	want_text(capture_out_write(w, &p, 0, 0, &err), ERR_PCAP,
		  "packet of 262145 bytes");
	p.bytes = 0;
	assert_int_equal(capture_out_write(w, &p, 0, 0, &err), 0);
	assert_int_equal(capture_out_commit(w, &err), 0);
}

static void abort_leaves_nothing(void **state)
{
	struct capture_out *w;
	struct dirent **names;

	unlink(path);
	w = started(path);
	iface(w, 1, 0, NULL);
	for (u32 i = 0; i < 1000; i++)
		assert_int_equal(out(w, 0, 0, 1000, 1000, VERDICT_XDP, 2), 0);
	capture_out_abort(w);
	assert_int_equal(scandir(dir, &names, NULL, NULL), 2);	/* . and .. */
	free(names[0]);
	free(names[1]);
	free(names);
}

static void write_errors(void **state)
{
	struct capture_out *w;
	int r = 0;

	want_text(capture_out_open(&w, "/nonexistent/x.pcapng", &err),
		  ERR_FILE_WRITE, "No such file");
	assert_null(w);
	w = started("/dev/full");	/* a short capture fails at the end */
	iface(w, 1, 0, NULL);
	want_text(capture_out_commit(w, &err), ERR_FILE_WRITE,
		  "/dev/full: error: No space left");
	w = started("/dev/full");	/* a long one on the way, and again */
	iface(w, 1, 0, NULL);
	for (u32 i = 0; i < 1000 && !r; i++)
		r = out(w, 0, 0, 1000, 1000, VERDICT_XDP, 2);
	want_text(r, ERR_FILE_WRITE, "No space left");
	want_text(capture_out_commit(w, &err), ERR_FILE_WRITE, "No space left");
}

/* ---- second opinions ---------------------------------------------------- */

static void as_libpcap(void **state)
{
#ifdef NO_PCAP
	print_message("built without libpcap\n");
	skip();
#else
	char text[PCAP_ERRBUF_SIZE];
	struct capture_out *w = started(path);
	struct pcap_pkthdr *h;
	const u_char *data;
	pcap_t *pcap;
	u32 on = iface(w, 1, 262144, "veth0");

	for (u32 i = 0; i < 100; i++)
		assert_int_equal(out(w, on, i * 1000000001ull, i, 100, i % 3, i),
				 0);
	assert_int_equal(capture_out_commit(w, &err), 0);
	pcap = pcap_open_offline_with_tstamp_precision(path,
			PCAP_TSTAMP_PRECISION_NANO, text);
	assert_non_null(pcap);
	assert_int_equal(pcap_datalink(pcap), DLT_EN10MB);
	for (u32 i = 0; i < 100; i++) {
		assert_int_equal(pcap_next_ex(pcap, &h, &data), 1);
		assert_int_equal(h->caplen, i);
		assert_int_equal(h->len, 100);
		assert_int_equal(h->ts.tv_sec, i);
		assert_int_equal(h->ts.tv_usec, i);
	}
	assert_int_equal(pcap_next_ex(pcap, &h, &data), PCAP_ERROR_BREAK);
	pcap_close(pcap);
#endif
}

/* The output of COMMAND FILE, or NULL with the test skipped. */
static char *output_of(const char *tool, const char *args)
{
	static char text[4096];
	char command[512];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command), "command -v %s >/dev/null", tool);
	if (system(command)) {
		print_message("no %s\n", tool);
		return NULL;
	}
	snprintf(command, sizeof(command), "%s -r %s %s 2>/dev/null", tool,
		 path, args);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	assert_int_equal(pclose(f), 0);
	return text;
}

static void as_tshark(void **state)
{
	char *text;

	write_some();
	text = output_of("tshark", "-T fields -E separator=, -e frame.number "
			 "-e frame.time_epoch -e frame.cap_len -e frame.len "
			 "-e frame.interface_id "
			 "-e frame.verdict.ebpf_xdp -e frame.verdict.ebpf_tc");
	if (!text)
		skip();
	assert_string_equal(text,
		"1,1700000000.123456789,60,60,0,1,\n"
		"2,1700000000.123456790,61,1500,1,,-1\n"
		"3,0.000000000,0,0,0,,\n");
}

static void as_tcpdump(void **state)
{
	struct capture_out *w = started(path);
	char *text;

	iface(w, LINK_ETHERNET, 0, "veth0");
	assert_int_equal(out(w, 0, 1500000000, 60, 60, VERDICT_XDP, 2), 0);
	assert_int_equal(capture_out_commit(w, &err), 0);
	text = output_of("tcpdump", "-tt -n -e");
	if (!text)
		skip();
	assert_non_null(strstr(text, "1.500000 "));
	assert_non_null(strstr(text, "length 60"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back),
		cmocka_unit_test(same_interface_once),
		cmocka_unit_test(verdict_bytes),
		cmocka_unit_test(large),
		cmocka_unit_test(refuses),
		cmocka_unit_test(abort_leaves_nothing),
		cmocka_unit_test(write_errors),
		cmocka_unit_test(as_libpcap),
		cmocka_unit_test(as_tshark),
		cmocka_unit_test(as_tcpdump),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
