"""How code is written in this house: short functions, whole numbers, no clock, one door to the database."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatchcase
from typing import TypeGuard

import pytest

from tests.house.tree import Module, counting_rooms, dotted, modules, nothing

LONGEST_FUNCTION = 70
LONGEST_FILE = 300

# Files with one reason to change that may be longer, each with that reason.
LONGER = {
    "loyalty_engine/errors.py": (450, "all that is refused is one tree, drawn and read in one place"),
}

# What is a float and counts nothing of a member's, each with what it is; * stands for anything.
COUNTS_NOTHING = {
    "rules/findings.py 0.6": "how alike two words must be for one to be suggested, as difflib measures it",
    "rules/findings.py 0.85": "how alike they must be for one to be a slip of the pen",
    "loyalty_engine/database/bridge.py float": "Piccolo's own signatures",
    "loyalty_engine/database/postgres.py float": "asyncpg's own signatures",
    "loyalty_engine/database/*.py * / 1000": "milliseconds as the seconds that the event loop pauses for",
}

CLOCKS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
    "datetime.datetime.utcnow", "datetime.date.today", "time.time", "time.time_ns", "time.localtime",
    "time.gmtime", "time.ctime", "time.strftime", "uuid.uuid1", "uuid.uuid7", "uuid1", "uuid7",
}  # fmt: skip
SQL_CLOCK = re.compile(
    r"\b(current_timestamp|current_date|current_time|localtimestamp|clock_timestamp|unixepoch)\b|\bnow\(\)|'now'",
    re.IGNORECASE,
)
MAY_READ_THE_CLOCK = {
    "loyalty_engine/terminal.py": "it is run by a person, now",
    "loyalty_engine/upkeep.py": "timed jobs are about what is due now",
}
MAY_OPEN_A_TRANSACTION = ("loyalty_engine/database.py", "loyalty_engine/database/")


def long_functions(module: Module) -> list[str]:
    return [
        f"{module.path}:{node.lineno} {node.name} has {length} lines"
        for node in ast.walk(module.tree())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]


def long_file(module: Module) -> list[str]:
    length = len(module.text.splitlines())
    limit, _ = LONGER.get(module.path, (LONGEST_FILE, ""))
    return [f"{module.path} has {length} lines"] if length > limit else []


def floats(module: Module) -> list[str]:
    found = [(node.lineno, ast.unparse(node)) for node in ast.walk(module.tree()) if _is_float(node)]
    return [f"{module.path}:{line} {what}" for line, what in found if not _counts_nothing(f"{module.path} {what}")]


def _counts_nothing(place: str) -> bool:
    return any(fnmatchcase(place, pattern) for pattern in COUNTS_NOTHING)


def _is_float(node: ast.AST) -> TypeGuard[ast.expr | ast.stmt]:
    """A float literal, the type's name, or a division of numbers. What is divided by a text is a path."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float | complex)
    if isinstance(node, ast.Name):
        return node.id in {"float", "complex"}
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Div)
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _is_text(node.right)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def clocks(module: Module) -> list[str]:
    found = []
    for node in ast.walk(module.tree()):
        if isinstance(node, ast.Attribute | ast.Name) and dotted(node) in CLOCKS:
            found.append(f"{module.path}:{node.lineno} {dotted(node)}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL_CLOCK.search(node.value):
            found.append(f"{module.path}:{node.lineno} {SQL_CLOCK.search(node.value)}")
    return found


def transactions(module: Module) -> list[str]:
    return [
        f"{module.path}:{node.lineno} {ast.unparse(node.func)}()"
        for node in ast.walk(module.tree())
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"transaction", "atomic"}
    ]


def test_no_function_is_longer_than_a_page() -> None:
    nothing([finding for module in modules() for finding in long_functions(module)])


def test_no_file_is_longer_than_a_room() -> None:
    nothing([finding for module in modules() for finding in long_file(module)])


def test_points_and_money_are_whole_numbers() -> None:
    nothing([finding for module in counting_rooms() for finding in floats(module)])


def test_every_float_that_counts_nothing_is_still_there() -> None:
    written = {
        f"{module.path} {ast.unparse(node)}"
        for module in counting_rooms()
        for node in ast.walk(module.tree())
        if _is_float(node)
    }

    unused = [pattern for pattern in COUNTS_NOTHING if not any(fnmatchcase(place, pattern) for place in written)]
    assert unused == []


def test_only_the_doors_read_the_clock() -> None:
    timeless = [module for module in counting_rooms() if module.path not in MAY_READ_THE_CLOCK]

    nothing([finding for module in timeless for finding in clocks(module)])


def test_only_the_database_room_opens_a_transaction() -> None:
    others = [module for module in modules() if not module.path.startswith(MAY_OPEN_A_TRANSACTION)]

    nothing([finding for module in others for finding in transactions(module)])


# --- each rule above can fail


def planted(text: str) -> Module:
    return Module("loyalty_engine/planted.py", text)


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_long_function_is_found(kind: str) -> None:
    body = "    pass\n" * LONGEST_FUNCTION

    assert long_functions(planted(f"{kind} award():\n{body}")) == ["loyalty_engine/planted.py:1 award has 71 lines"]
    assert long_functions(planted(f"{kind} award():\n{body.removesuffix('    pass' + chr(10))}")) == []


def test_a_long_file_is_found() -> None:
    assert long_file(planted("#\n" * 301)) == ["loyalty_engine/planted.py has 301 lines"]
    assert long_file(planted("#\n" * 300)) == []


@pytest.mark.parametrize(
    "text", ["x = 0.1", "x = 1e2", "x: float", "x = float('1')", "x = spend / 10", "x /= 2", "x = 1j"]
)
def test_a_float_is_found(text: str) -> None:
    assert len(floats(planted(text))) == 1
    assert floats(planted("x: int = spend // 10 + round(7); y = folder / 'x' / f'{x}.db'")) == []


@pytest.mark.parametrize(
    "text",
    ["at = datetime.now(UTC)", "day = date.today()", "at = time.time()", "clock = time.time",
     "x = 'SELECT now()'", "x = f'{a} > CURRENT_TIMESTAMP'", "x = \"strftime('%s', 'now')\""],
)  # fmt: skip
def test_a_clock_is_found(text: str) -> None:
    assert len(clocks(planted(text))) == 1
    assert clocks(planted("at = datetime.fromtimestamp(recorded_at); x = 'from now on'")) == []


@pytest.mark.parametrize("text", ["async def f():\n async with engine.transaction(): pass", "DB.atomic()"])
def test_a_transaction_elsewhere_is_found(text: str) -> None:
    assert len(transactions(planted(text))) == 1
