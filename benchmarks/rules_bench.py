"""What judging a purchase by a hundred rules costs, on one core: compiled, by hand, as a tree, in other libraries.

Before anything is timed, every contestant must give the same amounts for every purchase.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import rules
from benchmarks import by_hand, chain, libraries, tables
from benchmarks.chain import Event
from rules import MemberFacts, Purchase

FEW = 5  # purchases for a library that takes milliseconds over each


class Contestant(NamedTuple):
    """Something to be timed: a function, and what it is called with, one by one."""

    name: str
    work: Callable[..., Any]
    given: Sequence[tuple[Any, ...]]


def measure(*, quick: bool) -> None:
    """Check, time and print."""
    events = chain.events(300 if quick else 1000)
    rounds = 5 if quick else 9
    programme = chain.programme()
    compiled = rules.compile_programme(programme)
    known = libraries.every(slow=True)
    lines = sum(len(event.lines or ()) for event, _ in events) / len(events)
    fired = sum(len(compiled.evaluate(*each).fired) for each in events) / len(events)
    print(f"Rules: {len(programme.rules)} rules, baskets of {lines:.1f} lines on the average, {fired:.1f} rules fire")
    print(f"One core, CPU time, medians of {rounds} rounds taken in turn; {tables.load()}\n")

    ready = list(known)
    _check(compiled, ready, events)
    contestants = [*_ours(compiled, programme, events), *_theirs(ready, events)]
    took = time_in_turn(contestants, rounds)
    _print_hundred(took)
    _print_more(compiled, events, rounds)


def _check(compiled: rules.Compiled, ready: Sequence[libraries.Library], events: Sequence[Event]) -> None:
    """Raise AssertionError where two of them disagree on one purchase."""
    for event, member in events:
        outcome = compiled.evaluate(event, member)
        assert by_hand.outcome(event, member) == outcome, "the hand-written form gives another outcome"
        assert rules.evaluate_tree(compiled.programme, event, member) == outcome, "the tree gives another outcome"
    for library in ready:
        for event, member in events[:FEW] if library.few else events:
            given = {award.rule: award.amount for award in compiled.evaluate(event, member).awards}
            wanted = [given.get(name, 0) for name in by_hand.IDS]
            found = library.judge(library.convert(libraries.facts(event, member)))
            assert list(found) == wanted, f"{library.name} gives other amounts"
            assert _with_reasons(library)(event, member) == compiled.evaluate(event, member)
    print(f"Checked: all give the same on each of {len(events)} purchases\n")


def _ours(compiled: rules.Compiled, programme: rules.Programme, events: Sequence[Event]) -> list[Contestant]:
    return [
        Contestant("compiled", compiled.evaluate, events),
        Contestant("by hand", by_hand.outcome, events),
        Contestant("by hand, amounts alone", by_hand.amounts, events),
        Contestant("tree", lambda event, member: rules.evaluate_tree(programme, event, member), events[:50]),
        Contestant("facts for a library", libraries.facts, events),
    ]


def _theirs(ready: Sequence[libraries.Library], events: Sequence[Event]) -> list[Contestant]:
    """Each library on contexts made beforehand, and from the facts on with its conversion."""
    contestants = []
    for library in ready:
        given = events[:FEW] if library.few else events
        plain = [libraries.facts(*event) for event in given]
        contexts = [(library.convert(facts),) for facts in plain]
        contestants.append(Contestant(library.name, library.judge, contexts))
        contestants.append(Contestant(f"{library.name} whole", _whole(library), given))
        contestants.append(Contestant(f"{library.name} with reasons", _with_reasons(library), given))
    return contestants


def _whole(library: libraries.Library) -> Callable[[Purchase, MemberFacts], Any]:
    facts, convert, judge = libraries.facts, library.convert, library.judge
    return lambda event, member: judge(convert(facts(event, member)))


def _with_reasons(library: libraries.Library) -> Callable[[Purchase, MemberFacts], rules.Outcome]:
    """The library's amounts made into the same outcome, in the way of the hand-written form."""
    facts, convert, judge = libraries.facts, library.convert, library.judge

    def work(event: Purchase, member: MemberFacts) -> rules.Outcome:
        known = facts(event, member)
        found = [(number, int(amount)) for number, amount in enumerate(judge(convert(known))) if amount]
        return by_hand.made(found, known["counted"])

    return work


def time_in_turn(contestants: Sequence[Contestant], rounds: int) -> dict[str, float]:
    """Microseconds of CPU per call, for each the median of rounds in which everybody has a turn."""
    found: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    for _ in range(rounds + 1):  # the first round warms caches and is not counted
        for contestant in contestants:
            gc.collect()
            began = time.process_time()
            for given in contestant.given:
                contestant.work(*given)
            found[contestant.name].append((time.process_time() - began) * 1e6 / len(contestant.given))
    return {name: statistics.median(taken[1:]) for name, taken in found.items()}


def _print_hundred(took: dict[str, float]) -> None:
    compiled, facts = took["compiled"], took["facts for a library"]
    rows = []
    for name in ("compiled", "by hand", "tree"):
        same = took[name]
        fewer = took.get(f"{name}, amounts alone")
        rows.append((name, f"{same:.1f}", f"{same / compiled:.2f}", "" if fewer is None else f"{fewer:.1f}", ""))
    for name in [name.removesuffix(" whole") for name in took if name.endswith(" whole")]:
        same, whole, judging = took[f"{name} with reasons"], took[f"{name} whole"], took[name]
        rows.append((name, f"{same:.1f}", f"{same / compiled:.2f}", f"{whole:.1f}", f"{judging:.1f}"))
    tables.show(
        ("100 rules, µs per purchase", "the same outcome", "x compiled", "amounts alone", "judging alone"), rows
    )
    print("The same outcome: from the purchase to awards with reasons. Amounts alone: a number for each rule. Judging")
    print(
        f"alone: without the facts a library must be given ({facts:.1f} µs in plain Python) and its own copy of them.\n"
    )
    reasons = min(micros for name, micros in took.items() if name.endswith(" with reasons"))
    amounts = min(micros for name, micros in took.items() if name.endswith(" whole"))
    tables.ratio("compiled / by hand, the same outcome", compiled / took["by hand"], most=1.5)
    tables.ratio("compiled with reasons / by hand, amounts alone", compiled / took["by hand, amounts alone"])
    tables.ratio("fastest library / compiled, the same outcome", reasons / compiled, least=1.0)
    tables.ratio("fastest library, amounts alone / compiled with reasons", amounts / compiled)
    print()


def _print_more(compiled: rules.Compiled, events: Sequence[Event], rounds: int) -> None:
    """Explaining, limits, a thousand rules, and compiling."""
    outcomes = [(*event, compiled.evaluate(*event)) for event in events[:200]]
    restrained = rules.compile_programme(chain.programme(restrained=True))
    thousand = chain.programme(10)
    large = rules.compile_programme(thousand)
    small = chain.programme()
    took = time_in_turn(
        [
            Contestant("judge by 100 rules", compiled.evaluate, events),
            Contestant("explain 100 rules", compiled.explain, outcomes),
            Contestant("the same with multipliers, groups, limits and caps", restrained.evaluate, events),
            Contestant("judge by 1 000 rules", large.evaluate, events[:300]),
            Contestant("compile 100 rules", rules.compile_programme, [(small,)] * 2),
            Contestant("compile 1 000 rules", rules.compile_programme, [(thousand,)]),
        ],
        min(rounds, 5),
    )
    base = took["judge by 100 rules"]
    tables.show(
        ("further", "µs", "x judging by 100"),
        [(name, f"{micros:.1f}", f"{micros / base:.2f}") for name, micros in took.items()],
    )
