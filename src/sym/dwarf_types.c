/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dwarf_types.c: one entry of DWARF as BTF. What conv_count says that an entry
 * makes, conv_add adds, whatever the entry holds: numbers were given out by
 * then. Believes no size and no reference; the BTF is checked at the end.
 */
#include "sym/dwarf_priv.h"

#ifdef SYM_LIBDW

enum {
	MAX_CHAIN = 64,		/* typedefs, qualifiers and arrays in a row */
	MAX_DIMS = 64,
	LLVM_ANNOTATION = 0x6000,
};

/* ---- attributes ---------------------------------------------------------------- */

static bool number(struct conv *c, Dwarf_Die *die, unsigned name, u64 *v)
{
	Dwarf_Attribute a;
	Dwarf_Word w;

	if (!c->dw.dwarf_attr_integrate(die, name, &a) || c->dw.dwarf_formudata(&a, &w))
		return false;
	*v = w;
	return true;
}

static bool flag(struct conv *c, Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute a;
	bool v = false;

	return c->dw.dwarf_attr_integrate(die, name, &a) &&
	       !c->dw.dwarf_formflag(&a, &v) && v;
}

static const char *name_of(struct conv *c, Dwarf_Die *die)
{
	const char *s = c->dw.dwarf_diename(die);

	return s ? s : "";
}

bool conv_ref(struct conv *c, Dwarf_Die *die, Dwarf_Die *out)
{
	Dwarf_Attribute a;
	Dwarf_Die whole;

	if (!c->dw.dwarf_attr_integrate(die, DW_AT_type, &a) ||
	    !c->dw.dwarf_formref_die(&a, out))
		return false;
	/* it may only say in which unit the type is */
	if (c->dw.dwarf_attr(out, DW_AT_signature, &a) &&
	    c->dw.dwarf_formref_die(&a, &whole))
		*out = whole;
	return true;
}

bool conv_child(struct conv *c, Dwarf_Die *die, Dwarf_Die *out)
{
	return c->steps++ <= c->max_steps && !c->dw.dwarf_child(die, out);
}

/* Places only grow, so that no damaged file makes a list without end. */
bool conv_sibling(struct conv *c, Dwarf_Die *die)
{
	Dwarf_Die next;

	if (c->steps++ > c->max_steps || c->dw.dwarf_siblingof(die, &next) ||
	    (u8 *)next.addr <= (u8 *)die->addr)
		return false;
	*die = next;
	return true;
}

static void lost(struct conv *c)
{
	c->rep->lost_parts++;
}

/* ---- what BTF has a kind for ------------------------------------------------------ */

static u32 qualifier(int tag)
{
	switch (tag) {
	case DW_TAG_typedef:
		return BTF_KIND_TYPEDEF;
	case DW_TAG_const_type:
		return BTF_KIND_CONST;
	case DW_TAG_volatile_type:
		return BTF_KIND_VOLATILE;
	case DW_TAG_restrict_type:
		return BTF_KIND_RESTRICT;
	default:
		return 0;
	}
}

/* The kind of a base type, or 0; its size and, of integers, its encoding. */
static u32 base_kind(struct conv *c, Dwarf_Die *die, u32 *bytes, u32 *encoding)
{
	u64 size = 0, ate = 0;

	if (!number(c, die, DW_AT_byte_size, &size) || size > 16 ||
	    !number(c, die, DW_AT_encoding, &ate) || !*name_of(c, die))
		return 0;
	*bytes = (u32)size;
	*encoding = 0;
	switch (ate) {
	case DW_ATE_float:
		return size == 12 || (size > 1 && !(size & (size - 1))) ? BTF_KIND_FLOAT : 0;
	case DW_ATE_boolean:
		*encoding = BTF_INT_BOOL;
		break;
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		*encoding = BTF_INT_SIGNED;
		break;
	case DW_ATE_address:
	case DW_ATE_unsigned:
	case DW_ATE_unsigned_char:
	case DW_ATE_UTF:
		break;
	default:
		return 0;
	}
	return size && !(size & (size - 1)) ? BTF_KIND_INT : 0;
}

static bool record_fits(struct conv *c, Dwarf_Die *die)
{
	u64 bytes;

	if (flag(c, die, DW_AT_declaration))
		return *name_of(c, die);
	return number(c, die, DW_AT_byte_size, &bytes) && bytes <= UINT32_MAX;
}

/* Signed when the type below is, or a value below 0 is written as such. */
static bool enum_signed(struct conv *c, Dwarf_Die *die)
{
	Dwarf_Die t;
	u64 ate, v;

	if (conv_ref(c, die, &t))
		return number(c, &t, DW_AT_encoding, &ate) &&
		       (ate == DW_ATE_signed || ate == DW_ATE_signed_char);
	for (bool more = conv_child(c, die, &t); more; more = conv_sibling(c, &t)) {
		Dwarf_Attribute a;

		if (number(c, &t, DW_AT_const_value, &v) && (s64)v < 0 &&
		    c->dw.dwarf_attr(&t, DW_AT_const_value, &a) &&
		    c->dw.dwarf_whatform(&a) == DW_FORM_sdata)
			return true;
	}
	return false;
}

static u32 enum_bytes(struct conv *c, Dwarf_Die *die)
{
	u64 bytes;
	Dwarf_Die t;

	if (!number(c, die, DW_AT_byte_size, &bytes) &&
	    (!conv_ref(c, die, &t) || !number(c, &t, DW_AT_byte_size, &bytes)))
		bytes = 4;
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8 ? (u32)bytes : 0;
}

/* Whether DIE, no chain, is a type; *SIZED when it has values. */
static bool leaf_fits(struct conv *c, Dwarf_Die *die, bool *sized)
{
	u32 bytes, encoding;

	*sized = true;
	switch (c->dw.dwarf_tag(die)) {
	case DW_TAG_base_type:
		return base_kind(c, die, &bytes, &encoding);
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		*sized = !flag(c, die, DW_AT_declaration);
		return record_fits(c, die);
	case DW_TAG_enumeration_type:
		return enum_bytes(c, die) &&
		       (*name_of(c, die) || !flag(c, die, DW_AT_declaration));
	case DW_TAG_subroutine_type:
		*sized = false;
		return true;
	case DW_TAG_pointer_type:
		return true;
	default:
		return false;
	}
}

/* Whether a chain that starts at DIE ends in a type, or in void. */
static bool type_fits(struct conv *c, Dwarf_Die *die, bool want_size)
{
	Dwarf_Die t = *die, to;

	for (int i = 0; i < MAX_CHAIN; i++) {
		int tag = c->dw.dwarf_tag(&t);
		bool sized;

		if (tag == DW_TAG_array_type)
			want_size = true;
		else if (!qualifier(tag) && tag != DW_TAG_atomic_type)
			return leaf_fits(c, &t, &sized) && (sized || !want_size);
		if (tag == DW_TAG_typedef && !*name_of(c, &t))
			return false;
		if (!conv_ref(c, &t, &to))
			return !want_size && !c->dw.dwarf_hasattr(&t, DW_AT_type);
		t = to;
	}
	return false;
}

/* ---- arrays -------------------------------------------------------------------------- */

/* Dimensions of an array; elements of each up to MOST in N. */
static u32 dimensions(struct conv *c, Dwarf_Die *die, u64 *n, u32 most)
{
	Dwarf_Die d;
	u32 dims = 0;

	for (bool more = conv_child(c, die, &d); more; more = conv_sibling(c, &d)) {
		u64 bound = 0, lower = 0;

		if (c->dw.dwarf_tag(&d) != DW_TAG_subrange_type || dims == most)
			continue;
		number(c, &d, DW_AT_lower_bound, &lower);
		if (number(c, &d, DW_AT_upper_bound, &bound))
			bound = bound - lower + 1;
		else
			number(c, &d, DW_AT_count, &bound);
		n[dims++] = bound;
	}
	if (!dims)
		n[dims++] = 0;
	return dims;
}

/* Whether bounds and size are what BTF can say. */
static u32 array_count(struct conv *c, Dwarf_Die *die)
{
	u64 n[MAX_DIMS];
	u32 dims = dimensions(c, die, n, MAX_DIMS);

	for (u32 i = 0; i < dims; i++)
		if (n[i] > UINT32_MAX)
			return 0;
	return dims;
}

static void add_array(struct conv *c, Dwarf_Die *die)
{
	u64 n[MAX_DIMS];
	u32 dims = dimensions(c, die, n, MAX_DIMS), type = conv_type(c, die);

	for (u32 i = 0; i < dims; i++)
		btf_build_array(&c->b, i + 1 < dims ? btf_build_next(&c->b) + 1 :
				type == DW_NONE ? 0 : type, 1, (u32)n[i]);
}

/* ---- tags of clang ---------------------------------------------------------------------- */

/* The text of an annotation NAME, or NULL. */
static const char *annotation(struct conv *c, Dwarf_Die *die, const char *name)
{
	Dwarf_Attribute a;
	const char *text;

	if (c->dw.dwarf_tag(die) != LLVM_ANNOTATION || strcmp(name_of(c, die), name) ||
	    !c->dw.dwarf_attr(die, DW_AT_const_value, &a))
		return NULL;
	text = c->dw.dwarf_formstring(&a);
	return text && *text ? text : NULL;
}

/* Declaration tags of DIE, for type ID. */
static void note_tags(struct conv *c, Dwarf_Die *die, u32 id, s32 component)
{
	Dwarf_Die d;

	for (bool more = conv_child(c, die, &d); more; more = conv_sibling(c, &d)) {
		const char *text = annotation(c, &d, "btf_decl_tag");

		if (text)
			*vec_push(&c->tags) = (struct dw_tag){ text, id, component };
	}
}

static u32 pointer_count(struct conv *c, Dwarf_Die *die)
{
	Dwarf_Die d;
	u32 n = 1;

	for (bool more = conv_child(c, die, &d); more; more = conv_sibling(c, &d))
		n += annotation(c, &d, "btf_type_tag") && n < MAX_CHAIN / 4;
	return n;
}

/* The first tag is the innermost, as clang has it in BTF. */
static void add_pointer(struct conv *c, Dwarf_Die *die)
{
	u32 left = pointer_count(c, die) - 1, type = conv_type(c, die);
	Dwarf_Die d;

	if (type == DW_NONE) {
		lost(c);
		type = 0;
	}
	btf_build_ref(&c->b, BTF_KIND_PTR, "", left ? btf_build_next(&c->b) + left : type);
	for (bool more = left && conv_child(c, die, &d); more && left;
	     more = conv_sibling(c, &d)) {
		const char *text = annotation(c, &d, "btf_type_tag");

		if (text) {
			type = btf_build_ref(&c->b, BTF_KIND_TYPE_TAG, text, type);
			left--;
		}
	}
}

/* ---- structs and unions -------------------------------------------------------------- */

/* A byte offset, a number or in DWARF 2 an expression. */
static bool member_bytes(struct conv *c, Dwarf_Die *m, u64 *bytes)
{
	Dwarf_Attribute a;
	Dwarf_Op *op;
	size_t n;

	*bytes = 0;
	if (!c->dw.dwarf_attr(m, DW_AT_data_member_location, &a))
		return true;
	if (number(c, m, DW_AT_data_member_location, bytes))
		return *bytes <= UINT32_MAX;
	if (c->dw.dwarf_getlocation(&a, &op, &n) || n != 1 || op->atom != DW_OP_plus_uconst)
		return false;
	*bytes = op->number;
	return *bytes <= UINT32_MAX;
}

/* Where M begins, in bits. Up to DWARF 3 bit fields count from the other end. */
static bool member_bits(struct conv *c, Dwarf_Die *m, u32 bit_size, u64 *off)
{
	u64 bytes, bit, unit;
	s64 first;

	if (number(c, m, DW_AT_data_bit_offset, off))
		return *off <= UINT32_MAX;
	if (!member_bytes(c, m, &bytes))
		return false;
	*off = bytes * 8;
	if (!number(c, m, DW_AT_bit_offset, &bit))
		return true;
	if (!number(c, m, DW_AT_byte_size, &unit)) {
		Dwarf_Die t;
		Dwarf_Word size;

		if (!conv_ref(c, m, &t) || c->dw.dwarf_aggregate_size(&t, &size))
			return false;
		unit = size;
	}
	/* negative in packed structs, when it ends behind its unit */
	first = c->big_endian ? (s64)bit : (s64)(unit * 8 - bit - bit_size);
	if (unit > 16 || first < -128 || first > 256 || first < -(s64)*off)
		return false;
	*off += (u64)first;
	return true;
}

static bool add_member(struct conv *c, Dwarf_Die *m)
{
	u64 bits = 0, off;
	Dwarf_Die t;
	u32 type;

	if (!conv_ref(c, m, &t) || !type_fits(c, &t, true))
		return false;
	if (number(c, m, DW_AT_bit_size, &bits) && (!bits || bits > 128))
		return false;
	type = conv_type(c, m);
	return type != DW_NONE && member_bits(c, m, (u32)bits, &off) &&
	       btf_build_member(&c->b, name_of(c, m), type, off, (u32)bits);
}

static void add_record(struct conv *c, Dwarf_Die *die, bool is_union)
{
	u64 bytes = 0;
	u32 id;
	s32 n = 0;
	Dwarf_Die m;

	if (flag(c, die, DW_AT_declaration)) {
		btf_build_fwd(&c->b, name_of(c, die), is_union);
		return;
	}
	number(c, die, DW_AT_byte_size, &bytes);
	id = btf_build_record(&c->b, name_of(c, die), is_union, (u32)bytes);
	note_tags(c, die, id, -1);
	for (bool more = conv_child(c, die, &m); more; more = conv_sibling(c, &m)) {
		if (c->dw.dwarf_tag(&m) != DW_TAG_member)
			continue;
		if (add_member(c, &m))
			note_tags(c, &m, id, n++);
		else
			lost(c);
	}
}

static void add_enum(struct conv *c, Dwarf_Die *die)
{
	Dwarf_Die e;

	btf_build_enum(&c->b, name_of(c, die), enum_bytes(c, die), enum_signed(c, die));
	for (bool more = conv_child(c, die, &e); more; more = conv_sibling(c, &e)) {
		const char *name = name_of(c, &e);
		u64 v;

		if (c->dw.dwarf_tag(&e) == DW_TAG_enumerator &&
		    (!*name || !number(c, &e, DW_AT_const_value, &v) ||
		     !btf_build_value(&c->b, name, v)))
			lost(c);
	}
}

/* ---- functions and variables ----------------------------------------------------------- */

/* FUNC has the declaration tags, 0 for none. */
static void add_params(struct conv *c, Dwarf_Die *die, u32 func)
{
	Dwarf_Die p;
	s32 n = 0;

	for (bool more = conv_child(c, die, &p); more; more = conv_sibling(c, &p)) {
		int tag = c->dw.dwarf_tag(&p);
		u32 type = 0;
		const char *name = "";

		if (tag == DW_TAG_formal_parameter) {
			type = conv_type(c, &p);
			name = name_of(c, &p);
		} else if (tag != DW_TAG_unspecified_parameters) {
			continue;
		}
		/* a parameter of no type would end the list as "..." does */
		if (type == DW_NONE || (!type && *name) ||
		    !btf_build_param(&c->b, name, type))
			lost(c);
		else if (func)
			note_tags(c, &p, func, n++);
	}
}

static void add_proto(struct conv *c, Dwarf_Die *die, u32 func)
{
	u32 type = conv_type(c, die);
	Dwarf_Attribute a;
	Dwarf_Die origin;

	btf_build_proto(&c->b, type == DW_NONE ? 0 : type);
	/* a copy of an inline function may have lost parameters */
	if (c->dw.dwarf_attr(die, DW_AT_abstract_origin, &a) &&
	    c->dw.dwarf_formref_die(&a, &origin))
		add_params(c, &origin, func);
	else
		add_params(c, die, func);
}

static bool has_code(struct conv *c, Dwarf_Die *die)
{
	return *name_of(c, die) && !c->dw.dwarf_hasattr(die, DW_AT_declaration) &&
	       (c->dw.dwarf_hasattr(die, DW_AT_low_pc) ||
		c->dw.dwarf_hasattr(die, DW_AT_ranges));
}

/* Of functions that are equal gcc compiles one; the others, which call it or are
 * it, have a symbol and no place in the debug information. */
static bool has_symbol(struct conv *c, Dwarf_Die *die)
{
	const char *name = name_of(c, die);
	u32 any;

	return *name && flag(c, die, DW_AT_external) &&
	       !c->dw.dwarf_hasattr(die, DW_AT_declaration) &&
	       !c->dw.dwarf_hasattr(die, DW_AT_inline) &&
	       !c->dw.dwarf_hasattr(die, DW_AT_abstract_origin) &&
	       strtab_get(&c->symbols, name, &any);
}

static void add_func(struct conv *c, Dwarf_Die *die)
{
	u32 id = btf_build_func(&c->b, name_of(c, die), btf_build_next(&c->b) + 1,
				flag(c, die, DW_AT_external) ? BTF_FUNC_GLOBAL :
				BTF_FUNC_STATIC);

	note_tags(c, die, id, -1);
	add_proto(c, die, id);
}

/* Only what stands at one address: no locals, nothing per thread. */
static bool var_addr(struct conv *c, Dwarf_Die *die, u64 *addr)
{
	Dwarf_Attribute a, at;
	Dwarf_Op *op;
	size_t n;
	Dwarf_Addr v;

	if (!c->dw.dwarf_attr(die, DW_AT_location, &a) ||
	    c->dw.dwarf_getlocation(&a, &op, &n) || n != 1)
		return false;
	*addr = op->number;
	if (op->atom == DW_OP_addr)
		return true;
	if (op->atom != DW_OP_addrx || c->dw.dwarf_getlocation_attr(&a, op, &at) ||
	    c->dw.dwarf_formaddr(&at, &v))
		return false;
	*addr = v;
	return true;
}

static bool var_fits(struct conv *c, Dwarf_Die *die)
{
	Dwarf_Die t;
	u64 addr;

	return *name_of(c, die) && var_addr(c, die, &addr) &&
	       conv_ref(c, die, &t) && type_fits(c, &t, true);
}

static void add_var(struct conv *c, Dwarf_Die *die)
{
	u32 type = conv_type(c, die);
	u64 addr = 0;
	u32 id = btf_build_var(&c->b, name_of(c, die), type == DW_NONE ? 0 : type,
			       flag(c, die, DW_AT_external) ? BTF_VAR_GLOBAL_ALLOCATED :
			       BTF_VAR_STATIC);

	note_tags(c, die, id, -1);
	if (var_addr(c, die, &addr))
		*vec_push(&c->vars) = (struct dw_var){ addr, id };
}

/* ---- all kinds -------------------------------------------------------------------------- */

u32 conv_count(struct conv *c, Dwarf_Die *die)
{
	u32 n;

	if (c->dw.dwarf_hasattr(die, DW_AT_signature))
		return 0;
	switch (c->dw.dwarf_tag(die)) {
	case DW_TAG_variable:
		return var_fits(c, die);
	case DW_TAG_subprogram:
		return has_code(c, die) || has_symbol(c, die) ? 2 : 0;
	case DW_TAG_array_type:
		n = type_fits(c, die, true) ? array_count(c, die) : 0;
		break;
	case DW_TAG_pointer_type:
		n = pointer_count(c, die);
		break;
	case DW_TAG_base_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_subroutine_type:
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
		n = type_fits(c, die, false);
		break;
	case DW_TAG_unspecified_type:
	case DW_TAG_class_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
	case DW_TAG_ptr_to_member_type:
	case DW_TAG_set_type:
	case DW_TAG_string_type:
	case DW_TAG_interface_type:
		n = 0;
		break;
	default:
		return 0;	/* no type */
	}
	c->rep->lost_types += !n;
	return n;
}

static void add_base(struct conv *c, Dwarf_Die *die)
{
	u32 bytes = 0, encoding = 0;
	const char *name = name_of(c, die);

	if (base_kind(c, die, &bytes, &encoding) == BTF_KIND_FLOAT)
		btf_build_float(&c->b, name, bytes);
	else
		btf_build_int(&c->b, name, bytes, encoding);
}

static void add_qualified(struct conv *c, Dwarf_Die *die, u32 kind)
{
	u32 type = conv_type(c, die);
	const char *name = kind == BTF_KIND_TYPEDEF ? name_of(c, die) : "";
	u32 id = btf_build_ref(&c->b, kind, name, type == DW_NONE ? 0 : type);

	if (kind == BTF_KIND_TYPEDEF)
		note_tags(c, die, id, -1);
}

void conv_add(struct conv *c, Dwarf_Die *die)
{
	int tag = c->dw.dwarf_tag(die);

	switch (tag) {
	case DW_TAG_variable:
		add_var(c, die);
		break;
	case DW_TAG_subprogram:
		add_func(c, die);
		break;
	case DW_TAG_array_type:
		add_array(c, die);
		break;
	case DW_TAG_pointer_type:
		add_pointer(c, die);
		break;
	case DW_TAG_base_type:
		add_base(c, die);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
		add_record(c, die, tag == DW_TAG_union_type);
		break;
	case DW_TAG_enumeration_type:
		add_enum(c, die);
		break;
	case DW_TAG_subroutine_type:
		add_proto(c, die, 0);
		break;
	default:
		add_qualified(c, die, qualifier(tag));
		break;
	}
}

bool conv_enters(struct conv *c, Dwarf_Die *die)
{
	switch (c->dw.dwarf_tag(die)) {
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_imported_unit:
		return true;
	default:
		return false;
	}
}
#endif
