/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_out.c: what the tracer is asked to do: records of the ring buffer, built where
 * they will be read. A record that finds no room is counted.
 */
#include "lang/format.h"
#include "lang/lower.h"
#include <stdio.h>
#include <stdlib.h>

/* "stdin:1:9-12", and the calls of macros that it is in. */
static void place_text(struct low *w, const struct node *n, struct lang_record *r)
{
	const struct source *src = n->at.src;
	const char *kind = r->action == LA_WARNF ? "WARNING" : "ERROR";
	struct strbuf b = { 0 };
	u32 col;

	if (!src)
		return;
	col = source_col(src, n->at.from);
	r->where = arena_printf(w->l->arena, "%s:%u:%u-%u", src->name,
				source_line(src, n->at.from), col,
				col + (n->at.to > n->at.from ? n->at.to - n->at.from : 1));
	diag_calls(&b, n->at, kind);
	if (b.n)
		r->source = arena_strdup(w->l->arena, b.s);
	sb_free(&b);
}

/* A record with arguments of ARGS' types behind FIXED bytes. */
static u32 record_add(struct low *w, const struct node *n, struct lang_record r, struct node *args)
{
	u32 at = r.bytes, nr = 0;

	for (const struct node *a = args; a; a = a->next)
		nr++;
	r.args = arena_news(w->l->arena, nr + 1, struct lang_arg);
	for (const struct node *a = args; a; a = a->next) {
		const struct ty *t = ty_stored(w->l, a->ty);

		at = (u32)round_up(at, t->align ? t->align : 1);
		r.args[r.nr_args++] = (struct lang_arg){ t, at };
		at += t->bytes;
	}
	r.bytes = (u32)round_up(at, 8);
	place_text(w, n, &r);
	*vec_push(&w->l->unit->records) = r;
	return (u32)w->l->unit->records.n - 1;
}

static struct ir_block *open_record(struct low *w, u32 index, u32 bytes)
{
	struct ir_block *has = low_block_new(w), *none = low_block_new(w), *end = low_block_new(w);
	struct ir_insn *p;

	p = ir_call(w->f, BPF_FUNC_ringbuf_reserve, 3, ir_map(w->f, low_ring(w->l)),
		    num(w, bytes), num(w, 0));
	ir_br(w->f, CC_NE, 64, p, num(w, 0), has, none);
	low_at(w, none);
	low_count(w, LC_LOST);
	ir_jmp(w->f, end);
	low_at(w, has);
	ir_store(w->f, 8, p, 0, num(w, index));
	w->record = p;
	return end;
}

static void close_record(struct low *w, struct ir_block *end)
{
	ir_call(w->f, BPF_FUNC_ringbuf_submit, 2, w->record, num(w, 0));
	w->record = NULL;
	ir_jmp(w->f, end);
	low_at(w, end);
}

/* Arguments that open records themselves are evaluated before this one is. */
static bool opens_records(const struct node *n)
{
	for (; n; n = n->next)
		if (n->kind == N_BLOCK || n->kind == N_IF || n->kind == N_FNCALL ||
		    (n->a && opens_records(n->a)) ||
		    (n->b && opens_records(n->b)) || (n->c && opens_records(n->c)) ||
		    (n->kind != N_BLOCK && n->list && opens_records(n->list)))
			return true;
	return false;
}

static void send(struct low *w, u32 index, struct node *args)
{
	const struct lang_record r = w->l->unit->records.v[index];
	struct val early[64];
	const bool before = opens_records(args);
	struct ir_block *end;
	u32 i = 0;

	for (struct node *a = args; before && a && i < ARRAY_LEN(early); a = a->next)
		early[i++] = low_expr(w, a);
	end = open_record(w, index, r.bytes);
	i = 0;
	for (struct node *a = args; a; a = a->next, i++) {
		if (before && i < ARRAY_LEN(early))
			low_store(w, early[i], r.args[i].ty, w->record, (s32)r.args[i].off, false);
		else
			low_into(w, a, r.args[i].ty, w->record, (s32)r.args[i].off, false);
	}
	close_record(w, end);
}

/* ---- each kind --------------------------------------------------------------- */

static void formatted(struct low *w, struct node *n, enum lang_action action)
{
	struct node *args = n->list->next;

	send(w, record_add(w, n, (struct lang_record){ .action = action, .map = -1, .bytes = 8,
			   .format = n->list->text }, args), args);
}

/* A record of one number, or of none. */
static void number_record(struct low *w, struct node *n, struct lang_record r,
			  struct ir_insn *v, struct ir_insn *v2)
{
	struct ir_block *end;

	r.bytes = 8 + (v ? 8 : 0) + (v2 ? 8 : 0);
	r.args = arena_news(w->l->arena, 2, struct lang_arg);
	if (v)
		r.args[r.nr_args++] = (struct lang_arg){ ty_int(&w->l->types, 8, false), 8 };
	if (v2)
		r.args[r.nr_args++] = (struct lang_arg){ ty_int(&w->l->types, 8, false), 16 };
	place_text(w, n, &r);
	*vec_push(&w->l->unit->records) = r;
	end = open_record(w, (u32)w->l->unit->records.n - 1, r.bytes);
	if (v)
		ir_store(w->f, 8, w->record, 8, v);
	if (v2)
		ir_store(w->f, 8, w->record, 16, v2);
	close_record(w, end);
}

/* -k: what a helper answered, when that is an error. */
void low_helper_error(struct low *w, struct ir_insn *code, const char *helper)
{
	struct ir_block *bad, *good;
	struct ir_insn *outer = w->record;

	if (!w->l->opts->report_errors || !w->at)
		return;
	bad = low_block_new(w), good = low_block_new(w);
	ir_br(w->f, CC_SLT, 64, code, num(w, 0), bad, good);
	low_at(w, bad);
	number_record(w, w->at, (struct lang_record){ .action = LA_HELPER_ERROR, .map = -1,
						      .format = helper }, code, NULL);
	w->record = outer;
	ir_jmp(w->f, good);
	low_at(w, good);
}

/* A warning of the statement that is made, when it runs. */
void low_complain(struct low *w, const char *text)
{
	struct ir_insn *outer = w->record;

	number_record(w, w->at, (struct lang_record){ .action = LA_WARNF, .map = -1,
						      .format = text }, NULL, NULL);
	w->record = outer;
}

static void print(struct low *w, struct node *n)
{
	struct node *a = n->list;
	struct ir_insn *top = a->next ? low_num(w, a->next) : num(w, 0);
	struct ir_insn *div = a->next && a->next->next ? low_num(w, a->next->next) : num(w, 0);

	if (a->kind == N_MAP && !a->a) {
		number_record(w, n, (struct lang_record){ .action = LA_PRINT_MAP,
			      .map = (s32)((struct map_var *)a->sem)->index }, top, div);
		return;
	}
	send(w, record_add(w, n, (struct lang_record){ .action = LA_PRINT, .map = -1, .bytes = 8 },
			   a), a);
}

static void of_map(struct low *w, struct node *n, enum lang_action action)
{
	number_record(w, n, (struct lang_record){ .action = action,
		      .map = (s32)((struct map_var *)n->list->sem)->index }, NULL, NULL);
}

/* The strings that an array of pointers points to, packed; up to 16 and 4 KB in all. */
static void join(struct low *w, struct node *n)
{
	enum { NR = 16, ROOM = 4096 };
	const u32 max = (u32)w->l->config.max_strlen + 1 > 1024 ? 1024 :
			(u32)w->l->config.max_strlen + 1;
	const enum ty_space space = n->list->ty->kind == TY_PTR && n->list->ty->space ?
				    n->list->ty->space : SPACE_USER;
	struct ir_insn *argv = low_num(w, n->list), *buf, *ptr = low_temp(w, 8), *p, *got;
	struct ir_block *end = low_block_new(w);
	const u32 used = ir_var(w->f);
	struct lang_record r = { .action = LA_JOIN,
				 .map = -1,
				 .bytes = 16,
				 .format = n->list->next && n->list->next->kind == N_STR
						   ? n->list->next->text
						   : " " };

	place_text(w, n, &r);
	*vec_push(&w->l->unit->records) = r;
	buf = low_temp(w, 16 + ROOM + 1024);
	ir_store(w->f, 8, buf, 0, num(w, (s64)w->l->unit->records.n - 1));
	ir_write(w->f, used, num(w, 0));
	for (u32 i = 0; i < NR; i++) {
		struct ir_block *some = low_block_new(w), *room = low_block_new(w);
		struct ir_block *good = low_block_new(w);

		low_read(w, ptr, 8, ir_addi(w->f, argv, 8 * i), space);
		p = ir_load(w->f, 8, false, ptr, 0);
		ir_br(w->f, CC_NE, 64, p, num(w, 0), some, end);
		low_at(w, some);
		ir_br(w->f, CC_ULT, 64, ir_read(w->f, used), num(w, ROOM), room, end);
		low_at(w, room);
		got = low_read_str(w, ir_op2(w->f, IR_ADD, 64, ir_addi(w->f, buf, 16),
					     ir_read(w->f, used)), 0, max, p, space);
		ir_br(w->f, CC_SGT, 64, got, num(w, 0), good, end);
		low_at(w, good);
		ir_write(w->f, used, ir_op2(w->f, IR_AND, 64, ir_op2(w->f, IR_ADD, 64,
			 ir_read(w->f, used), got), num(w, 2 * ROOM - 1)));
	}
	ir_jmp(w->f, end);
	low_at(w, end);
	got = ir_op2(w->f, IR_AND, 64, ir_read(w->f, used), num(w, 2 * ROOM - 1));
	ir_store(w->f, 8, buf, 8, got);
	{
		struct ir_block *fits = low_block_new(w), *big = low_block_new(w);
		struct ir_block *lost = low_block_new(w), *done = low_block_new(w);

		ir_br(w->f, CC_ULE, 64, got, num(w, ROOM + 1024), fits, big);
		low_at(w, big);
		ir_jmp(w->f, done);
		low_at(w, fits);
		p = ir_call(w->f, BPF_FUNC_ringbuf_output, 4, ir_map(w->f, low_ring(w->l)), buf,
			    ir_addi(w->f, got, 16), num(w, 0));
		ir_br(w->f, CC_EQ, 64, p, num(w, 0), done, lost);
		low_at(w, lost);
		low_count(w, LC_LOST);
		ir_jmp(w->f, done);
		low_at(w, done);
	}
}

/* ---- packets ----------------------------------------------------------------- */

static u32 packet_map(struct lang *l)
{
	u32 pages = 64;

	if (l->unit->packets)
		return l->packet_map;
	while (pages < l->config.perf_rb_pages && pages < 1u << 16)
		pages *= 2;
	l->unit->packet_pages = pages;
	l->unit->packets = "skep_packets";
	l->packet_map = ir_map_add(&l->ir, &(struct ir_map){ .name = l->unit->packets,
				   .type = BPF_MAP_TYPE_PERF_EVENT_ARRAY, .key_bytes = 4,
				   .value_bytes = 4, .max_entries = l->cpus });
	return l->packet_map;
}

struct ir_insn *low_skboutput(struct low *w, struct node *n)
{
	struct node *path = n->list, *skb = path->next;
	struct lang_record r = { .action = LA_SKBOUTPUT, .map = -1, .format = path->text,
				 .skip = (u32)n->num };
	struct ir_insn *len = low_at_most(w, low_num(w, skb->next), LANG_PACKET_MAX), *head;

	place_text(w, n, &r);
	*vec_push(&w->l->unit->records) = r;
	head = low_temp(w, sizeof(struct lang_packet));
	ir_store(w->f, 8, head, offsetof(struct lang_packet, index),
		 num(w, (s64)w->l->unit->records.n - 1));
	ir_store(w->f, 8, head, offsetof(struct lang_packet, time),
		 ir_call(w->f, BPF_FUNC_ktime_get_boot_ns, 0));
	ir_store(w->f, 8, head, offsetof(struct lang_packet, bytes), len);
	return ir_call(w->f, BPF_FUNC_skb_output, 5, low_num(w, skb),
		       ir_map(w->f, packet_map(w->l)),
		       ir_op2(w->f, IR_OR, 64, ir_op2(w->f, IR_SHL, 64, len, num(w, 32)),
			      num(w, BPF_F_CURRENT_CPU)), head,
		       num(w, sizeof(struct lang_packet)));
}

static void go_dead(struct low *w)
{
	low_at(w, low_block_new(w));
}

static void low_exit(struct low *w, struct node *n)
{
	struct ir_insn *v = n->list ? low_num(w, n->list) : num(w, 0);

	number_record(w, n, (struct lang_record){ .action = LA_EXIT, .map = -1 }, v, NULL);
	low_return(w);
	go_dead(w);
}

static void low_assert(struct low *w, struct node *n)
{
	struct ir_block *good = low_block_new(w), *bad = low_block_new(w);

	low_cond(w, n->list, good, bad);
	low_at(w, bad);
	number_record(w, n, (struct lang_record){ .action = LA_ASSERT, .map = -1,
		      .format = n->list->next->text }, NULL, NULL);
	low_return(w);
	low_at(w, good);
}

void low_output(struct low *w, struct node *n, int f)
{
	switch (f) {
	case F_printf:
		formatted(w, n, LA_PRINTF);
		break;
	case F_errorf:
		formatted(w, n, LA_ERRORF);
		break;
	case F_warnf:
		formatted(w, n, LA_WARNF);
		break;
	case F_cat:
		formatted(w, n, LA_CAT);
		break;
	case F_system:
		formatted(w, n, LA_SYSTEM);
		break;
	case F_print:
		print(w, n);
		break;
	case F_clear:
		of_map(w, n, LA_CLEAR);
		break;
	case F_zero:
		of_map(w, n, LA_ZERO);
		break;
	case F_time:
		number_record(w, n, (struct lang_record){ .action = LA_TIME, .map = -1,
			      .format = n->list && n->list->kind == N_STR ? n->list->text :
					"%H:%M:%S\n" }, NULL, NULL);
		break;
	case F_join:
		join(w, n);
		break;
	case F_exit:
		low_exit(w, n);
		break;
	case F_unwatch:
		number_record(w, n, (struct lang_record){ .action = LA_UNWATCH, .map = -1 },
			      low_num(w, n->list), NULL);
		break;
	default:
		low_assert(w, n);
	}
}
