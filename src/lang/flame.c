/* SPDX-License-Identifier: BSD-2-Clause */
/* flame.c: a tree of frames from folded stacks, drawn as rectangles; the page's script. */
#include "lang/flame.h"
#include "base/arena.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROW = 17, WIDTH = 1200, TOP = 58, DEPTH_MAX = 2048 };

struct frame {
	const char *name;
	u64 n, before;
	struct frame *first, *next;
};

struct flame {
	struct arena arena;
	struct frame root;
	u32 depth, frames, stacks;
	bool compares;
	u64 all_before;
	struct strbuf *out;
};

/* ---- the tree ---------------------------------------------------------------- */

static struct frame *child(struct flame *f, struct frame *of, const char *name, size_t n)
{
	struct frame **at = &of->first, *made;
	int order = -1;

	for (; *at; at = &(*at)->next) {
		order = strncmp((*at)->name, name, n);
		if (!order && (*at)->name[n])
			order = 1;
		if (order >= 0)
			break;
	}
	if (*at && !order)
		return *at;
	made = arena_new(&f->arena, struct frame);
	made->name = arena_strndup(&f->arena, name, n);
	made->next = *at;
	*at = made;
	f->frames++;
	return made;
}

static void add_line(struct flame *f, const char *line, size_t n, bool before)
{
	struct frame *at = &f->root;
	const char *end = line + n, *count = end;
	u32 depth = 0;
	u64 v;

	while (count > line && count[-1] != ' ')
		count--;
	v = count > line ? strtoull(count, NULL, 10) : 0;
	if (!v)
		return;
	end = count - 1;
	f->stacks += !before;
	for (;;) {
		const char *semi = memchr(line, ';', (size_t)(end - line));
		const size_t len = semi ? (size_t)(semi - line) : (size_t)(end - line);

		at->n += before ? 0 : v;
		at->before += before ? v : 0;
		if (line >= end || ++depth > DEPTH_MAX)
			break;
		at = child(f, at, line, len);
		line = semi ? semi + 1 : end;
	}
	f->depth = depth > f->depth ? depth : f->depth;
}

const char *flame_bad_line(const char *folded)
{
	while (*folded) {
		const size_t n = strcspn(folded, "\n");
		size_t digits = 0;

		while (digits < n && isdigit((unsigned char)folded[n - 1 - digits]))
			digits++;
		if (n && (!digits || digits + 1 >= n || folded[n - 1 - digits] != ' '))
			return folded;
		folded += n + (folded[n] == '\n');
	}
	return NULL;
}

static void add_all(struct flame *f, const char *folded, bool before)
{
	while (*folded) {
		const size_t n = strcspn(folded, "\n");

		add_line(f, folded, n, before);
		folded += n + (folded[n] == '\n');
	}
}

/* ---- drawing ----------------------------------------------------------------- */

static void escaped(struct strbuf *b, const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&': sb_puts(b, "&amp;"); break;
		case '<': sb_puts(b, "&lt;"); break;
		case '>': sb_puts(b, "&gt;"); break;
		case '"': sb_puts(b, "&quot;"); break;
		default:
			if ((u8)*s >= 32)
				sb_putc(b, *s);
		}
}

static u32 hash(const char *s)
{
	u32 h = 2166136261u;

	while (*s)
		h = (h ^ (u8)*s++) * 16777619u;
	return h;
}

/* Kernel orange, inlined green, addresses without name grey, others red to yellow. */
static void colour(const struct flame *f, const struct frame *at, char out[16])
{
	const u32 h = hash(at->name), a = h % 56, b = h / 64 % 56;
	const size_t n = strlen(at->name);
	double was, is, d;

	if (f->compares) {
		was = f->all_before ? (double)at->before / (double)f->all_before : 0;
		is = f->root.n ? (double)at->n / (double)f->root.n : 0;
		d = was + is > 0 ? (is - was) / (was + is) : 0;
		if (d >= 0)
			snprintf(out, 16, "#ff%02x%02x", (u32)(240 - 160 * d),
				 (u32)(240 - 160 * d));
		else
			snprintf(out, 16, "#%02x%02xff", (u32)(240 + 160 * d),
				 (u32)(240 + 160 * d));
		return;
	}
	if (n > 4 && !strcmp(at->name + n - 4, "_[k]"))
		snprintf(out, 16, "#%02x%02x28", 220 + a / 2, 120 + b);
	else if (n > 4 && !strcmp(at->name + n - 4, "_[i]"))
		snprintf(out, 16, "#%02x%02x50", 90 + a, 190 + b);
	else if (at->name[0] == '0' && at->name[1] == 'x')
		snprintf(out, 16, "#c8c8c8");
	else
		snprintf(out, 16, "#%02x%02x37", 200 + a, 80 + b * 2);
}

/* AT, whose left end is X of the root's samples, at DEPTH. */
static void draw(struct flame *f, const struct frame *at, u64 x, u32 depth)
{
	const u64 all = f->root.n;
	const double left = (double)x / (double)all, part = (double)at->n / (double)all;
	const u32 y = TOP + (f->depth - depth) * ROW;
	char fill[16];

	if (part * WIDTH < 0.1)
		return;
	colour(f, at, fill);
	sb_printf(f->out, "<g class=\"f\" data-x=\"%.7f\" data-w=\"%.7f\" data-d=\"%u\"><title>",
		  left, part, depth);
	escaped(f->out, at->name);
	sb_printf(f->out, " (%" PRIu64 " samples, %.2f%%", at->n, 100 * part);
	if (f->compares)
		sb_printf(f->out, "; %+.2f%%", 100 * part - (f->all_before ? 100 *
			  (double)at->before / (double)f->all_before : 0));
	sb_printf(f->out,
		  ")</title><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%u\" fill=\"%s\" "
		  "rx=\"2\"/><text x=\"%.2f\" y=\"%u\"></text></g>\n",
		  left * WIDTH, y, part * WIDTH, ROW - 1, fill, left * WIDTH + 3, y + 12);
	for (const struct frame *c = at->first; c; c = c->next) {
		draw(f, c, x, depth + 1);
		x += c->n;
	}
}

static const char style[] =
"body{margin:0;font:12px Verdana,sans-serif;background:#fff}"
"svg{display:block;margin:auto;max-width:100%}"
"text{pointer-events:none;font-size:11px}"
".f{cursor:pointer}.f:hover rect{stroke:#000;stroke-width:.6}"
".off{opacity:.35}.hit rect{fill:#d040e0}";

/* What a click, a search and the first look do: places are fractions of the whole. */
static const char script[] =
"const W=1200,fs=[...document.querySelectorAll('.f')].map(g=>({g,r:g.querySelector('rect'),"
"t:g.querySelector('text'),x:+g.dataset.x,w:+g.dataset.w,d:+g.dataset.d,"
"n:g.querySelector('title').textContent}));\n"
"const info=document.getElementById('info'),found=document.getElementById('found'),"
"back=document.getElementById('back');\n"
"function fit(f,w){const s=f.n.replace(/ \\([^(]*\\)$/,''),c=Math.floor((w-6)/6.6);"
"f.t.textContent=c<3?'':s.length<=c?s:s.slice(0,c-2)+'..';}\n"
"function zoom(z){back.style.display=z.d?'':'none';for(const f of fs){"
"const up=f.x<=z.x+1e-7&&f.x+f.w>=z.x+z.w-1e-7&&f.d<=z.d;"
"const inside=f.x>=z.x-1e-7&&f.x+f.w<=z.x+z.w+1e-7&&f.d>=z.d;"
"f.g.style.display=up||inside?'':'none';f.g.classList.toggle('off',up&&f!==z&&f.d<z.d);"
"if(!up&&!inside)continue;const x=up&&f.d<z.d?0:(f.x-z.x)/z.w*W,w=up&&f.d<z.d?W:f.w/z.w*W;"
"f.r.setAttribute('x',x);f.r.setAttribute('width',Math.max(w-.3,.1));f.t.setAttribute('x',x+3);"
"fit(f,w);}}\n"
"function search(){const s=prompt('Search for (regular expression):','');if(s===null)return;"
"let re;try{re=new RegExp(s)}catch(e){return}let hits=[];"
"for(const f of fs){const h=s!==''&&re.test(f.n.replace(/ \\([^(]*\\)$/,''));"
"f.g.classList.toggle('hit',h);if(h)hits.push(f);}"
"hits.sort((a,b)=>a.x-b.x||b.w-a.w);let sum=0,end=-1;for(const h of hits)if(h.x>=end-1e-9)"
"{sum+=h.w;end=h.x+h.w;}found.textContent=s===''?'':'matched: '+(100*sum).toFixed(1)+'%';}\n"
"for(const f of fs){f.g.onclick=()=>zoom(f);f.g.onmouseover=()=>info.textContent=f.n;}\n"
"back.onclick=()=>zoom(fs[0]);document.getElementById('search').onclick=search;\n"
"addEventListener('keydown',e=>{if((e.ctrlKey||e.metaKey)&&e.key==='f'){e.preventDefault();"
"search();}if(e.key==='Escape')zoom(fs[0]);});\nif(fs.length)zoom(fs[0]);\n";

static void page(struct flame *f, const char *title)
{
	const u32 height = TOP + (f->depth + 2) * ROW;

	sb_puts(f->out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
	escaped(f->out, title);
	sb_printf(f->out,
		  "</title><style>%s</style></head><body>\n<svg "
		  "xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %u\" width=\"%u\">\n",
		  style, WIDTH, height, WIDTH);
	sb_printf(f->out,
		  "<text x=\"%u\" y=\"20\" text-anchor=\"middle\" style=\"font-size:16px\">",
		  WIDTH / 2);
	escaped(f->out, title);
	sb_printf(
		f->out,
		"</text>\n<text id=\"info\" x=\"10\" y=\"46\"></text>\n"
		"<text id=\"found\" x=\"%u\" y=\"46\" text-anchor=\"end\"></text>\n"
		"<text id=\"back\" x=\"10\" y=\"20\" style=\"pointer-events:all;cursor:pointer;"
		"display:none\">back</text>\n<text id=\"search\" x=\"%u\" y=\"20\" "
		"text-anchor=\"end\" "
		"style=\"pointer-events:all;cursor:pointer\">search</text>\n",
		WIDTH - 10, WIDTH - 10);
	f->root.name = "all";
	if (f->root.n)
		draw(f, &f->root, 0, 0);
	sb_printf(f->out, "</svg>\n<script>\n%s</script>\n</body></html>\n", script);
}

void flame_html(struct strbuf *out, const char *title, const char *folded, const char *before,
		struct flame_stats *s)
{
	struct flame f = { .out = out, .compares = before != NULL };

	add_all(&f, folded, false);
	if (before)
		add_all(&f, before, true);
	f.all_before = f.root.before;
	page(&f, title);
	*s = (struct flame_stats){ f.root.n, f.stacks, f.frames };
	arena_free(&f.arena);
}
