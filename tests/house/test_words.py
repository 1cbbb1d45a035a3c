"""One word per thing: the glossary's last column is refused wherever our code gives something a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.house.tree import ROOT, Module, modules, nothing

# Words of the last column that are right for another thing than the glossary's, each with that thing.
RIGHT_ELSEWHERE = {
    "action": "what an HTTP client or a command line does",
    "add": "what one does to a set of Python's",
    "batch": "a till's purchases sent together when its line is back",
    "bucket": "what a rate limit drips into",
    "contact": "the contact person, who of the staff looks after a member",
    "currency": "of money; a programme has one",
    "grant": "the effect that issues a voucher",
    "handle": "what an exception handler or an open file does",
    "level": "how loud the journal of the process is",
    "locked": "a row of the database that others wait for",
    "log": "what the process says while it runs; the ledger's is the journal",
    "message": "a sentence to a person, or the text of an error",
    "order": "first, second, third",
    "result": "what became of one row of a batch",
    "status": "of an HTTP answer, a hold or a voucher",
    "store": "what one does with an answer to give it again",
    "ticket": "what goes with a command from room to room: its key and the instant it came",
    "transaction": "the database's: all or nothing",
}
# Single names that must keep a refused word, each with the reason.
MUST: dict[tuple[str, str], str] = {}


def never() -> frozenset[str]:
    """Return the glossary's last column, several words of one name joined by underscores."""
    rows = [line.split("|") for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines()]
    cells = [row[3] for row in rows if len(row) == 5 and not row[3].strip().startswith(("never", "-"))]
    return frozenset(re.sub(r"[\s-]+", "_", word.strip()) for cell in cells for word in cell.split(","))


def words(name: str) -> str:
    """`LotStatus` and `lot_status` both become `_lot_status_`, so that whole words can be looked for."""
    return f"_{re.sub(r'(?<=[a-z0-9])(?=[A-Z])', '_', name).lower().strip('_')}_"


def names_given(module: Module) -> Iterator[tuple[int, str]]:
    """Yield each name the module gives: to itself, a class, a function, a parameter, a variable, a field."""
    yield 1, module.name.rpartition(".")[2]
    for node in ast.walk(module.tree()):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def refused(module: Module, never_say: frozenset[str]) -> list[str]:
    found = {}
    for line, name in names_given(module):
        for word in never_say - RIGHT_ELSEWHERE.keys():
            if (f"_{word}_" in words(name) or f"_{word}s_" in words(name)) and (
                module.path,
                name,
            ) not in MUST:
                found[name] = f"{module.path}:{line} {name} says {word!r}: see docs/glossary.md"
    return list(found.values())


def test_our_names_are_the_glossarys_words() -> None:
    nothing([finding for module in modules() for finding in refused(module, never())])


def test_the_list_of_names_that_must_stay_is_no_longer_than_needed() -> None:
    given = {(module.path, name) for module in modules() for _, name in names_given(module)}

    assert MUST.keys() - given == set()


def test_the_glossary_is_read() -> None:
    assert {"merchant", "customer", "coupon", "account_holder", "opt_in_flag", "ticket"} <= never()
    assert RIGHT_ELSEWHERE.keys() - never() == set()


@pytest.mark.parametrize(
    "text",
    ["class Customer: pass", "def find_customer(): pass", "def find(customer_id): pass", "customers = []",
     "class C:\n    customer: str", "for merchant in x: pass", "lambda coupon: 1",
     "class MerchantNotFound(Exception): pass", "account_holder = 1"],
)  # fmt: skip
def test_a_refused_word_is_found(text: str) -> None:
    assert len(refused(Module("rules/planted.py", text), never())) == 1


@pytest.mark.parametrize("text", ["import customer", "x.customer = 1", "customs = 1", "def cost(tiers): pass"])
def test_a_word_that_others_have_given_is_not_ours_to_refuse(text: str) -> None:
    assert refused(Module("rules/planted.py", text), never()) == []
