# SPDX-License-Identifier: BSD-2-Clause
"""Places of the verifier's source that can be broken, each by itself.

places(PATH) reads one file and gives its places in order; write() makes a copy in
which each of them is asked whether it is the broken one:

    reject   a call that refuses (REFUSES) does nothing
    check    a call of a check_* function does nothing, and says that all is well
    term     one of the conditions "a || b" before a rejection never holds
    admit    a predicate that admits (ADMITS) asks one thing less
    deny     a predicate that denies (DENIES) overlooks one thing
    mark     a call that forgets, releases or marks (MARKS) does nothing
    set      a field of a register, slot or state keeps its value (SETS: files)

The source is looked at as text: house style makes that enough. Nothing is written
but the copies.
"""
import re

REFUSES = {"reject", "reject_or_warn", "arg_wrong", "wrong_object", "bad_range",
           "not_judged", "inv_refuse"}

# True is what makes a program pass.
ADMITS = re.compile(r"""(?x) ^(may_move | near | inside | takes_packet | takes_map | changes_sockets |
    is_object | is_sock | is_half | is_iter | is_plain | is_plain_ctx | is_ctx | is_start |
    ends_packet | never_null | in_read_section | kobject_trusted | listed | kept_by_sections |
    stack_constant | elides_null | packet_written | writes_packet | load_frozen | arg_takes_null |
    null_ok | prog_sleeps | knows_function | begins_with | btf_holds | is_unread | btf_holds |
    \w*covers?|as_number | \w*same\w* | refs_same | iterates_on | goes_on | nullable | loops_has |
    trips_bounded | nest_bounded | comes_back | check_\w+ | arg_field | object_ok | place_of |
    initialized | byte_known | trips_back | around | is_run | has | stays | ends_anyway |
    uses_more)$""")
# True is what makes it fail.
DENIES = re.compile(r"""(?x) ^(touches | overlaps | is_special | is_tagged | unknown_fields |
    is_rewritten | must_align | lock_held | of_sockets | changes_map | moves_\w+ | no_number |
    has_iter | repeats | free_way | circle | far | below | is_any | has_none | kfunc_moves_packet |
    kfunc_iterates | may_be_null | needs_trust | writes | only_watches | ret_limits | is_head |
    begins | iterates_untrusted | before | is_other_object | back_to)$""")

MARKS = re.compile(r"""(?x) ^(reg_mark | def_mark | def_read | mark_\w+ | slot_read | slot_written |
    forget\w* | clobber | ref_release | scrub | reg_unlink | reg_set_none | reg_set_unknown |
    object_overwrite | overwrite\w* | touch | leave_\w+ | take_over\w* | dynptr_release | destroy |
    slot_clear | state_each | set_any | join_\w+ | widen_\w+ | trips_\w+ | narrow | note_other |
    note_beyond | put_bytes | callback_enter | enter\w* | meet_at | budgets | joins | depths |
    kept_close | step_out | maybe_byte | helper_writes | spill | memset | mem_unknown |
    set_frame | set_half | set_kinds | ref_acquire | body_add |
    body_walk | set_u32 | tail_call | call_\w+ | mem_access | stack_helper_access |
    stack_access | check_own_refs | find_movers | inv_adopt | paths_drop | global_args)$""")

KEPT = re.compile(r"why\.|why->|e->|.*(->|\.)(at|insn|text|path|log\w*|name|trace|construct\w*|"
                  r"stop|ns|result|hits|misses|peak_kept|most_kept|states|nr_kept|crowded|was_crowded|"
                  r"nr_jumps|cap_refs|movers_known|visited)\s|.*(->|\.)(hits|misses|nr_kept|"
                  r"states|visited)(\+\+|--)|\*store ")
SETS = {"args.c", "call.c", "callback.c", "cfg.c", "dynptr.c", "explore.c", "global.c", "inv.c",
        "inv_join.c", "inv_trips.c", "kfunc.c", "kobject.c", "kptr.c", "mem.c", "prune.c",
        "regions.c", "stack.c", "state.c", "step.c", "step_alu.c", "step_jump.c", "step_ptr.c",
        "subprog.c", "typedcall.c", "walk.c", "def.c"}
# What only makes messages, and arithmetic that is proved elsewhere (test/proof, scalar_test).
LEFT_OUT = {"log.c", "names.c", "notes.c", "reject.c", "scalar.c", "scalar_alu.c",
            "scalar_branch.c", "scalar_text.c", "tnum.c"}
# Functions whose loss costs time or memory, and nothing else.
COSTS = re.compile(r"""(?x) ^(state_unlink_single | count_id | clear_id | swap | queue | take | before |
    note_crowd | paths_drop | state_new | drop_dead | fold_elements | depths |
    mark_points | thresholds | steps_of | collect | add_to)$""")

DECLARES = re.compile(r"(const|static|struct|enum|unsigned|bool|int|u8|u16|u32|u64|s32|s64|size_t|"
                      r"char|return|goto|break|continue|if|for|while|do|switch|else)\b")


class Place:
    """Text from START to END becomes BEFORE + text + AFTER."""

    def __init__(self, kind, func, start, end, before, after):
        self.kind, self.func, self.start, self.end = kind, func, start, end
        self.before, self.after = before, after


def masked(text):
    """TEXT with blanks for comments and what is between quotes."""
    def blank(m):
        s = m.group(0)
        if s[0] in "\"'":
            return s[0] + "_" * (len(s) - 2) + s[0]
        return re.sub(r"[^\n]", " ", s)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', blank, text,
                  flags=re.S)


def closing(m, at):
    """Where the bracket that opens at AT closes."""
    pairs, depth = {"(": ")", "{": "}", "[": "]"}, 0
    for i in range(at, len(m)):
        if m[i] in pairs:
            depth += 1
        elif m[i] in pairs.values():
            depth -= 1
            if not depth:
                return i
    raise ValueError("a bracket stays open")


def split(m, start, end, mark):
    """The parts of START..END between MARK outside of brackets."""
    parts, depth, at = [], 0, start
    i = start
    while i < end:
        if m[i] in "([{":
            depth += 1
        elif m[i] in ")]}":
            depth -= 1
        elif not depth and m.startswith(mark, i):
            parts.append((at, i))
            i += len(mark)
            at = i
            continue
        i += 1
    parts.append((at, end))
    return [strip(m, a, b) for a, b in parts]


def strip(m, start, end):
    while start < end and m[start].isspace():
        start += 1
    while end > start and m[end - 1].isspace():
        end -= 1
    return start, end


def functions(m):
    """Result, name, start and end of the body of each function."""
    for f in re.finditer(r"^(?:static )?(?:inline )?([\w *]+?)\b(\w+)\([^;{}]*\)\n\{", m, re.M):
        end = m.find("\n}", f.end())
        yield f.group(1).strip(), f.group(2), f.end(), end


def statements(m, start, end):
    """Expression statements, their comma operands one by one."""
    at = start
    while at < end:
        at, _ = strip(m, at, end)
        label = re.compile(r"(case [^;{}?]*?|default):(?!:)").match(m, at)
        head = re.compile(r"(?:else\s+)?(?:if|for|while|switch) \(|else\b|do\b").match(m, at)
        if at >= end:
            return
        if label:
            at = label.end()
        elif head and m[head.end() - 1] == "(":
            at = closing(m, head.end() - 1) + 1
        elif head:
            at = head.end()
        elif m[at] in "{};":
            at += 1
        else:
            stop = end_of(m, at, end)
            if not DECLARES.match(m, at):
                yield from split(m, at, stop, ",")
            at = stop + 1


def end_of(m, at, end):
    depth = 0
    for i in range(at, end):
        depth += (m[i] in "([{") - (m[i] in ")]}")
        if m[i] == ";" and not depth:
            return i
    return end


# ---- what can be broken ------------------------------------------------------

def drop(kind, func, start, end):
    return Place(kind, func, start, end, "(broken(%d) ? (void)0 : (void)(", "))")


def force(kind, func, start, end, value):
    if value:
        return Place(kind, func, start, end, "(broken(%d) || (", "))")
    return Place(kind, func, start, end, "(!broken(%d) && (", "))")


def calls(m, start, end):
    for c in re.finditer(r"\b(\w+)\(", m[start:end]):
        at = start + c.start()
        yield c.group(1), at, closing(m, start + c.end() - 1) + 1


def call_places(m, func, start, end, types):
    """Calls that refuse, check or mark."""
    whole = set(statements(m, start, end))
    for name, a, b in calls(m, start, end):
        kind = "reject" if name in REFUSES else "check" if name in types else \
            "mark" if MARKS.match(name) else None
        if not kind:
            continue
        if (a, b) in whole:
            yield drop(kind, func, a, b)
        elif kind == "reject":
            yield Place(kind, func, a, b, "(broken(%d) ? 0 : (", "))")
        elif kind == "check" and types[name] == "bool":
            yield force(kind, func, a, b, True)
        elif kind == "check" and types[name] == "int":
            yield Place(kind, func, a, b, "(broken(%d) ? 0 : (", "))")


def set_places(m, func, start, end):
    assign = re.compile(r"(?:\*|[\w>\-.\[\]()&+ ]*?(?:->|\.|\]))[\w>\-.\[\]+ ]*?"
                        r"( (?:[|&+\-]|<<|>>)?= |\+\+|--)")
    for a, b in statements(m, start, end):
        s = assign.match(m, a, b)
        if s and not KEPT.match(m[a:b] + " "):
            yield drop("set", func, a, b)


def weaken(m, start, end, value):
    """The operands of START..END that make it VALUE more seldom when left out."""
    start, end = strip(m, start, end)
    while m[start] == "(" and closing(m, start) == end - 1:
        start, end = strip(m, start + 1, end - 1)
    if m[start] == "!" and m[start + 1] == "(" and closing(m, start + 1) == end - 1:
        yield from weaken(m, start + 2, end - 1, not value)
        return
    ors, ands = split(m, start, end, "||"), split(m, start, end, "&&")
    if len(split(m, start, end, "?")) > 1:
        yield start, end, not value
    elif len(ors) > 1:
        if value:
            for a, b in ors:
                yield from weaken(m, a, b, value)
        else:
            for a, b in ors:
                yield from nested(m, a, b, value)
            yield start, end, True
    elif len(ands) > 1:
        if value:
            for a, b in ands:
                yield from nested(m, a, b, value)
            yield start, end, False
        else:
            for a, b in ands:
                yield from weaken(m, a, b, value)
    else:
        yield start, end, not value


def nested(m, start, end, value):
    """Only what lies in brackets."""
    got = list(weaken(m, start, end, value))
    if len(got) > 1:
        yield from got


def conditions(m, start, end):
    """Each "if": its condition, and what follows."""
    for c in re.finditer(r"\bif \(", m[start:end]):
        a = start + c.end() - 1
        b = closing(m, a)
        yield a + 1, b, strip(m, b + 1, end)[0]


def refuses_at(m, at):
    body = re.compile(r"\{?\s*(?:struct why why[^;]*;\s*)?(?:return )?(\w+)\(").match(m, at)
    return body and (body.group(1) in REFUSES)


def term_places(m, func, start, end):
    for a, b, then in conditions(m, start, end):
        if not refuses_at(m, then):
            continue
        parts = list(weaken(m, a, b, True))
        if len(parts) == 1 and parts[0][:2] == strip(m, a, b):
            continue		# as the rejection itself
        for x, y, value in parts:
            yield force("term", func, x, y, value)


def predicate_places(m, func, start, end, admits):
    """What FUNC asks before it says ADMITS."""
    kind = "admit" if admits else "deny"
    for a, b, then in conditions(m, start, end):
        if re.compile("return %s;" % ("false" if admits else "true")).match(m, then):
            for x, y, value in weaken(m, a, b, True):
                yield force(kind, func, x, y, value)
    for r in re.finditer(r"\breturn ", m[start:end]):
        a = start + r.end()
        b = end_of(m, a, end)
        if m[a:b] in ("true", "false") or "reject(" in m[a:b]:
            continue
        for x, y, value in weaken(m, a, b, not admits):
            yield force(kind, func, x, y, value)


def places(path, types):
    """The places of a file, by where they begin. TYPES: results of check_* functions."""
    with open(path, encoding="utf-8") as f:
        m = masked(f.read())
    got = []
    for result, func, start, end in functions(m):
        if COSTS.match(func):
            continue
        got += call_places(m, func, start, end, types)
        got += term_places(m, func, start, end)
        if result == "bool" and ADMITS.match(func):
            got += predicate_places(m, func, start, end, True)
        elif result == "bool" and DENIES.match(func):
            got += predicate_places(m, func, start, end, False)
        if path.name in SETS:
            got += set_places(m, func, start, end)
    return sorted(got, key=lambda p: (p.start, -p.end))


def check_types(paths):
    """The result of each check_* function."""
    types = {}
    for path in paths:
        m = masked(path.read_text(encoding="utf-8"))
        for result, func, _, _ in functions(m):
            if re.match(r"check_|args_check|\w+_check$", func):
                types[func] = result
    return types


def broken_copy(text, todo):
    """TEXT in which each place of TODO, pairs of number and place, may be broken."""
    cuts = []
    for n, p in todo:
        before = p.before % n
        cuts.append((p.start, 1, -p.end, before))
        cuts.append((p.end, 0, -p.start, p.after))
    for at, _, _, s in sorted(cuts, reverse=True):
        text = text[:at] + s + text[at:]
    return text
