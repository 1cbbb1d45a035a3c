"""The ambassadors' report and the picture in it: who brought whom, what it gave, and what it cost."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from loyalty_engine.house import House
from loyalty_engine.referrals import report, rounds
from loyalty_engine.referrals.picture import Edge, draw, places
from tests.engine.shop import INGRID, MONDAY, OLAV, buys, flat_whites, open_shop
from tests.engine.test_referrals import IN_TWO_WEEKS, KARI, WITH_FRIENDS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.anyio
async def test_the_report_says_who_brought_whom_and_what_it_came_to(house: House) -> None:
    cafe = await open_shop(house, source=WITH_FRIENDS)
    ingrid = (await buys(house, cafe, flat_whites("1", phone=INGRID))).member.id
    await buys(house, cafe, flat_whites("2", phone=OLAV, referred_by={"phone": INGRID}))
    await buys(house, cafe, flat_whites("3", 1, phone=KARI, referred_by={"phone": INGRID}))
    await buys(house, cafe, flat_whites("4", phone=OLAV, referred_by={"phone": INGRID}))
    await buys(house, cafe, flat_whites("5", phone=INGRID, referred_by={"phone": INGRID}))
    await rounds.go(house, at=IN_TWO_WEEKS)

    told = await report.ambassadors(house, cafe, since=MONDAY - timedelta(days=1), until=IN_TWO_WEEKS)

    # Olav bought 98 kr twice, Kari 49 kr once, which does not qualify; the other two named members.
    assert (told.named, told.joined, told.credited) == (3, 2, 1)
    assert (told.joined_permille, told.credited_permille) == (666, 500)
    assert told.given == {"points": 150}
    assert told.friends_spent_minor == 2 * 9800 + 4900
    assert [(why.reason, why.count) for why in told.refused] == [("self", 1)]
    (best,) = told.ambassadors
    assert (best.member, best.masked, best.earned) == (ingrid, "+47 ••• •• 201", {"points": 100})
    assert [(friend.masked, friend.state) for friend in best.friends[:2]] == [
        ("+47 ••• •• 202", "credited"), ("+47 ••• •• 203", "joined"),
    ]  # fmt: skip
    drawn = ET.fromstring(told.picture)  # noqa: S314  # we drew it
    assert len(drawn.findall(f"{SVG}circle")) == 3
    assert "+47" not in told.picture.replace("+47 •••", "")


def test_a_family_is_drawn_from_left_to_right_without_anybody_on_another() -> None:
    edges = [Edge("a", "b", "credited"), Edge("a", "c", "held"), Edge("b", "d", "joined"), Edge("x", "y", "credited")]

    found = places(edges)

    assert {(place.member, place.column) for place in found} == {
        ("a", 0), ("b", 1), ("c", 1), ("d", 2), ("x", 0), ("y", 1),
    }  # fmt: skip
    assert len({(place.column, place.row) for place in found}) == len(found)


def test_no_word_in_the_picture_is_markup() -> None:
    drawn = draw([Edge("a", "b", "credited")], {"a": "<script>x</script>", "b": '"&'}, title="<b>Café & co</b>")

    read = ET.fromstring(drawn)  # noqa: S314  # we drew it
    assert {element.tag.removeprefix(SVG) for element in read.iter()} == {
        "svg",
        "title",
        "rect",
        "text",
        "path",
        "circle",
    }
