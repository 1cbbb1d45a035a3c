"""Every table is registered: what a merge, an erasure and an export do with a member's rows in it."""

from __future__ import annotations

import pytest
from piccolo.columns import Text
from piccolo.table import Table

from loyalty_engine.piccolo_conf import DB
from loyalty_engine.privacy.belongings import BELONGINGS, NOT_A_MEMBERS
from loyalty_engine.tables import TABLES

REGISTERED = {one.table for one in BELONGINGS} | NOT_A_MEMBERS.keys()


def forgotten(schema: tuple[type[Table], ...]) -> list[str]:
    """Give the tables that nobody has said anything about, and those of a member's said to be nobody's."""
    found = []
    for table in schema:
        name = table._meta.tablename
        columns = {column._meta.db_column_name for column in table._meta.columns}
        if name not in REGISTERED:
            found.append(f"{name}: say in loyalty_engine/privacy/belongings.py what becomes of its rows")
        elif name in NOT_A_MEMBERS and "member_id" in columns:
            found.append(f"{name}: has a member_id, and is said to be nobody's")
    return found


def test_every_table_says_what_becomes_of_a_members_rows() -> None:
    assert forgotten(TABLES) == []


def test_what_is_registered_is_in_the_schema() -> None:
    columns = {t._meta.tablename: {c._meta.db_column_name for c in t._meta.columns} for t in TABLES}

    assert columns.keys() >= REGISTERED
    for one in BELONGINGS:
        named = {one.column, *one.key, *one.empties, *one.hidden, *one.sealed, *one.instants, *one.texts}
        assert named <= columns[one.table], one.table


def test_a_table_that_is_forgotten_is_found() -> None:
    class Wish(Table, tablename="wishes", db=DB):
        member_id = Text()

    assert len(forgotten((*TABLES, Wish))) == 1


@pytest.mark.parametrize("table", sorted(NOT_A_MEMBERS))
def test_a_members_table_said_to_be_nobodys_is_found(table: str) -> None:
    planted = type("Planted", (Table,), {"member_id": Text()}, tablename=table, db=DB)

    assert len(forgotten((planted,))) == 1
