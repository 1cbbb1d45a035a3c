"""A programme as the source of one Python function for each kind of event, which finds the rules that hold, as a
person in a hurry would write it.

Invariant: the source consists of our own words and numbered names only. Every constant of the programme, down
to the numbers of the rules, is bound to such a name; no text of a file ever reaches the compiler.

Facts are fetched once into locals; one pass over the lines fills quantity, money and different goods per
category, SKU and tag, so that a condition on goods is a look-up; a condition that many rules share is asked
once, around all of them.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from rules.conditions.moment import DateSpan
from rules.facts import Purchase
from rules.fetching import Writer
from rules.programme import Programme, Rule

DEEPEST: Final = 30
SWITCH_AT: Final = 8
"""From so many different values on, a look-up is cheaper than asking for each."""
Subject: TypeAlias = tuple[bool, str]
Fire: TypeAlias = Callable[[int], Iterable[str]]
"""What is written where a rule holds, by its number."""
_LISTS: Final = ("grouped", "multiplying", "doing")


class Candidate(NamedTuple):
    """A rule with what is still to be asked before it holds."""

    number: int
    asked: tuple[str, ...]


def generate(programme: Programme, kind: str) -> tuple[str, dict[str, Any]]:
    """The source of the function `judge(event, member)` for one kind of event and the constants it is bound to.

    The function for purchases hands any other event on to `elsewhere`.
    """
    bought = kind == Purchase.kind
    writer = Writer(programme, bought=bought)
    standing = [number for number, rule in enumerate(programme.rules) if rule.on == kind]
    body = list(judged(writer, programme, standing, lambda number: _fire(writer, programme.rules[number], number)))
    restrained = any(rule.limit for rule in programme.rules) or any(unit.cap for unit in programme.units.values())
    filled = {_list_of(rule) for rule in programme.rules if rule.on == kind}
    lists = {name: do for name, do in zip(_LISTS, ("compete", "multiply", "do"), strict=True) if name in filled}
    held = {name: name if name in lists else "empty" for name in _LISTS}
    if restrained or programme.max_return is not None:
        restrained = True
        writer.fact("today")
    paid = ", event.total_minor - event.refunded_minor" if bought and programme.max_return is not None else ""
    lines = [
        *(["if event.__class__ is Event:", "    return elsewhere(event, member)"] if bought else []),
        *writer.prologue(),
        "given, amounts = [], {}",
        "give = given.append",
        *(line for name, do in lists.items() for line in (f"{name} = []", f"{do} = {name}.append")),
        *body,
        f"found = given, {held['grouped']}, {held['multiplying']}, amounts, {held['doing']}",
        f"return settle(plan, found, member, counted, {'today' if restrained else 'no_day'}{paid})",
    ]
    return "\n".join(["def judge(event, member):", *(f"    {line}" for line in lines), ""]), writer.bound


def _list_of(rule: Rule) -> str:
    """Where a rule that holds is told to the settlement; only the lists that some rule needs are made."""
    if rule.award is None:
        return "doing" if rule.multiply is None else "multiplying"
    return "given" if rule.group is None else "grouped"


def judged(writer: Writer, programme: Programme, numbers: Iterable[int], fire: Fire) -> Iterator[str]:
    """The lines that ask whether these rules hold, and do what `fire` writes for each that does."""
    return _nested(writer, fire, [Candidate(number, _asked(writer, programme.rules[number])) for number in numbers], 0)


def _asked(writer: Writer, rule: Rule) -> tuple[str, ...]:
    """Everything that must hold for a rule, each thing once."""
    asked = [question for part in rule.when.conjuncts() for question in part.questions(writer)]
    if rule.from_ is not None or rule.until is not None:
        asked.append(DateSpan(rule.from_, rule.until).source(writer))
    if rule.award is not None and rule.award.per_item is not None:
        asked.append(writer.present(rule.award.per_item))
    return tuple(dict.fromkeys(asked))


def _nested(writer: Writer, fire: Fire, candidates: Sequence[Candidate], depth: int) -> Iterator[str]:
    """Rules under shared questions: the question that most rules ask is asked once, around all of them."""
    for number, asked in candidates:
        if not asked:
            yield from fire(number)
    waiting = [candidate for candidate in candidates if candidate.asked]
    while (subject := _switch_subject(writer, waiting)) is not None and depth < DEEPEST:
        sections, waiting = _sections(writer, waiting, subject)
        yield from _switch(writer, fire, sections, subject, depth)
    while waiting:
        question, asked_by = Counter(asked for candidate in waiting for asked in candidate.asked).most_common(1)[0]
        if asked_by == 1 or depth >= DEEPEST:
            for number, asked in waiting:
                yield f"if {' and '.join(f'({one})' for one in asked)}:"
                yield from indented(fire(number))
            return
        inside = [_without(candidate, question) for candidate in waiting if question in candidate.asked]
        yield f"if {question}:"
        yield from indented(_nested(writer, fire, inside, depth + 1))
        waiting = [candidate for candidate in waiting if question not in candidate.asked]


def _without(candidate: Candidate, question: str) -> Candidate:
    return Candidate(candidate.number, tuple(one for one in candidate.asked if one != question))


def indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)


def _switch_subject(writer: Writer, waiting: Sequence[Candidate]) -> Subject | None:
    """A fact or table that is asked for so many different values that looking the value up pays."""
    values: dict[Subject, set[str]] = {}
    for candidate in waiting:
        for question in candidate.asked:
            if (switchable := writer.switchable.get(question)) is not None:
                values.setdefault((switchable.each, switchable.subject), set()).add(switchable.value)
    return min((subject for subject, asked in values.items() if len(asked) >= SWITCH_AT), default=None)


def _sections(
    writer: Writer, waiting: Sequence[Candidate], subject: Subject
) -> tuple[dict[str, list[Candidate]], list[Candidate]]:
    """The rules that ask for a value of the subject, by that value, and the other rules."""
    sections: dict[str, list[Candidate]] = {}
    others = []
    for candidate in waiting:
        for question in candidate.asked:
            switchable = writer.switchable.get(question)
            if switchable is not None and switchable[:2] == subject:
                sections.setdefault(switchable.value, []).append(_without(candidate, question))
                break
        else:
            others.append(candidate)
    return sections, others


def _switch(
    writer: Writer, fire: Fire, sections: dict[str, list[Candidate]], subject: Subject, depth: int
) -> Iterator[str]:
    """Goes straight to the rules of the value that is there, or of each value of the table that is there."""
    each, name = subject
    index = writer.bind_index({value: number for number, value in enumerate(sections)})
    at = f"at{depth}"
    blocks = [list(_nested(writer, fire, section, depth + 1)) for section in sections.values()]
    steps = [
        f"{at} = {index}.get({f'value{depth}' if each else name}, nowhere)",
        f"if {at} >= zero:",
        *indented(_halved(writer, blocks, at, 0)),
    ]
    if each:
        yield f"for value{depth} in {name}:"
        yield from indented(steps)
    else:
        yield from steps


def _halved(writer: Writer, blocks: Sequence[list[str]], at: str, first: int) -> Iterator[str]:
    """The block whose number is in `at`, found by halving."""
    if len(blocks) == 1:
        yield from blocks[0]
        return
    half = len(blocks) // 2
    yield f"if {at} < {writer.bind(first + half)}:"
    yield from indented(_halved(writer, blocks[:half], at, first))
    yield "else:"
    yield from indented(_halved(writer, blocks[half:], at, first + half))


def _fire(writer: Writer, rule: Rule, number: int) -> Iterator[str]:
    """What a rule that holds tells the settlement. An award that comes to nothing is not given."""
    this, award = writer.bind(number), rule.award
    if award is None:
        yield f"do({this})" if rule.multiply is None else f"multiply({this})"
        return
    give, times = f"{'give' if rule.group is None else 'compete'}({this})", award.times(writer)
    if times is None:
        yield give
        return
    yield f"n = {times}"
    yield "if n:"
    yield f"    amounts[{this}] = n" + ("" if award.amount == 1 else f" * {writer.bind(award.amount)}")
    yield f"    {give}"
