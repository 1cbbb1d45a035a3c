"""A business tests its own rules: a pytest plugin in which a member buys, time passes, and the programme says why.

It is switched on by the tests that use it, in their `conftest.py`:

    pytest_plugins = ["loyalty_engine.testing"]

Nothing is stored and no server runs: the fixtures judge with the evaluator that answers tills.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import rules
from loyalty_engine.testing.clock import Clock

if TYPE_CHECKING:
    from loyalty_engine.testing.member import Member, Story

__all__ = ["Clock", "line"]

_FILE = "loyalty_programme"
_SET_OFF = datetime(2026, 1, 5, 12)  # noqa: DTZ001 - by the programme's own clock: a Monday at noon
_UNTIMED = datetime(1970, 1, 1, tzinfo=UTC)
_story: pytest.StashKey[Story] = pytest.StashKey()


def line(category: str | None, amount_minor: int, **more: Any) -> rules.Line:
    """Give one line of a receipt: what it is, and what was paid for all of it: `line("coffee", 9800, quantity=2)`.

    Further facts are those of a purchase: `sku`, `quantity`, `discount_minor`, `tax_minor`, `tags`, and `line`, its
    number on the receipt.
    """
    tags = tuple(more.pop("tags", ()))
    return rules.Line(**{"line": ""} | more, category=category, amount_minor=amount_minor, tags=tags)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project name its programme once, in its pytest settings."""
    parser.addini(_FILE, "the programme file that the fixture `programme` reads, from the project's root")


def pytest_configure(config: pytest.Config) -> None:
    """Let a test name a programme of its own."""
    config.addinivalue_line("markers", "programme(file): the programme file of this test, from the project's root")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a test that failed what came of everything in it, rule by rule."""
    report = yield
    if report.failed and (story := item.stash.get(_story, None)):
        report.sections.append(("what came of it", "\n".join(story)))
    return report


@pytest.fixture
def programme_file(request: pytest.FixtureRequest) -> Path:
    """The programme file: the one the test is marked with, else the one the project's pytest settings name."""
    marked = request.node.get_closest_marker("programme")
    named = str(marked.args[0]) if marked else str(request.config.getini(_FILE) or "")
    if not named:
        pytest.fail(f'which programme? Say {_FILE} = "programme.toml" in the pytest settings', pytrace=False)
    return request.config.rootpath.joinpath(named)


@pytest.fixture
def programme(programme_file: Path) -> rules.Programme:
    """The programme, checked as it would be before it is published: its own examples must come true."""
    from loyalty_engine.programmes import check_text, refused_by

    source = programme_file.read_text(encoding="utf-8-sig")
    read, findings = check_text(source, "json" if programme_file.suffix == ".json" else "toml")
    refused = refused_by(findings)
    if read is None or refused:
        said = "\n".join(f"{one.place}: {one.says}" for one in refused)
        pytest.fail(f"{programme_file} cannot be published:\n{said}", pytrace=False)
    return read


@pytest.fixture
def clock(programme: rules.Programme) -> Clock:
    """The clock on the shop's wall: it shows Monday 5 January 2026 at noon until it is set, and stands still."""
    return Clock(programme.zone, _SET_OFF)


@pytest.fixture
def member(request: pytest.FixtureRequest, programme: rules.Programme, clock: Clock) -> Callable[..., Member]:
    """A member as they are when the test begins: `member(tier="gold", visits=3)`; nothing said is somebody new.

    What may be said is what a rule may ask of a member, by the names of an example in a programme file.
    """
    from loyalty_engine.shelf import Edition
    from loyalty_engine.testing.member import Member, Story

    edition, story = Edition(1, 0, rules.compile_programme(programme)), Story()
    request.node.stash[_story] = story
    return lambda **known: Member(edition, clock, story, known)


@pytest.fixture
def purchase() -> Callable[..., rules.Purchase]:
    """A purchase: `purchase(4900)` is its money alone, `purchase(line("coffee", 4900))` what was bought.

    Further facts: `location`, `till`, `staff`, `channel`, `codes`, `refunded_minor`. It happens when somebody buys it.
    """

    def bought(*of: int | rules.Line, **more: Any) -> rules.Purchase:
        lines = tuple(one for one in of if isinstance(one, rules.Line))
        money = [one for one in of if isinstance(one, int)]
        if len(money) + bool(lines) != 1:
            raise TypeError("a purchase is either its money or its lines: purchase(4900) or purchase(line(...), ...)")
        total = money[0] if money else sum(one.amount_minor for one in lines)
        codes = tuple(more.pop("codes", ()))
        return rules.Purchase(
            occurred_at=_UNTIMED, total_minor=total, lines=_numbered(lines) if lines else None, codes=codes, **more
        )

    return bought


@pytest.fixture
def event() -> Callable[..., rules.Event]:
    """Something else that happens: `event("feedback", score=2)`; what follows its name are its own attributes.

    `location`, `staff` and `reference` are those of the event itself. It happens when somebody meets it.
    """

    def told(kind: str, **attributes: Any) -> rules.Event:
        own = {name: attributes.pop(name) for name in ("location", "staff", "reference") if name in attributes}
        return rules.Event(kind=kind, occurred_at=_UNTIMED, attributes=attributes, **own)

    return told


def _numbered(lines: tuple[rules.Line, ...]) -> tuple[rules.Line, ...]:
    """Number the lines that have no number yet, as a receipt does."""
    facts = [{name: getattr(one, name) for name in one.__struct_fields__} for one in lines]
    return tuple(rules.Line(**{**told, "line": told["line"] or str(n)}) for n, told in enumerate(facts, start=1))
