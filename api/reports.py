"""The books told in figures: what is owed, what moved, what each rule gave."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from litestar import get
from litestar.types import ASGIApp

from api.asking import Ask, reply
from api.calls import READ, promised
from loyalty_engine import reports
from loyalty_engine.errors import ParameterMalformed, ProgrammeMissing
from loyalty_engine.mending.asked import ActivityReport, LiabilityReport, RulesReport
from loyalty_engine.referrals import report
from loyalty_engine.referrals.answers import AmbassadorsReport

_INSTANT: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})"
_SPAN: Final = {"since": _INSTANT, "until": _INSTANT}
# A report that is asked for without a time tells of so many days.
_USUAL_DAYS: Final = 30


@get(
    "/reports/liability",
    **promised(scopes=READ, answers={200: LiabilityReport}, refusals=(ProgrammeMissing,)),
)
async def report_liability(request: Ask) -> ASGIApp:
    """Tell what is owed to members: by unit and age, with the breakage that the business's own history lets expect."""
    return reply(await reports.liability(request.house, request.caller, at=request.received_at))


@get(
    "/reports/activity",
    **promised(
        scopes=READ, answers={200: ActivityReport}, refusals=(ParameterMalformed,),
        asks=_SPAN | {"closed": "[1-9][0-9]{0,11}"},
    ),
)  # fmt: skip
async def report_activity(request: Ask) -> ASGIApp:
    """Tell what was issued, spent and expired in a time, and how many members bought; `closed` is all purchases."""
    since, until, given = _span(request)
    closed = int(given["closed"]) if "closed" in given else None
    return reply(await reports.activity(request.house, request.caller, since=since, until=until, closed=closed))


@get(
    "/reports/rules",
    **promised(scopes=READ, answers={200: RulesReport}, refusals=(ParameterMalformed, ProgrammeMissing), asks=_SPAN),
)
async def report_rules(request: Ask) -> ASGIApp:
    """Tell what each rule gave in a time, to how many members, and what that is worth."""
    since, until, _ = _span(request)
    return reply(await reports.rules_gave(request.house, request.caller, since=since, until=until))


@get(
    "/reports/ambassadors",
    **promised(
        scopes=READ, answers={200: AmbassadorsReport}, refusals=(ParameterMalformed, ProgrammeMissing), asks=_SPAN
    ),
)  # fmt: skip
async def report_ambassadors(request: Ask) -> ASGIApp:
    """Tell who brought whom, what it gave and what friends spent, what was refused and why, with the graph in SVG."""
    since, until, _ = _span(request)
    return reply(await report.ambassadors(request.house, request.caller, since=since, until=until))


def _span(request: Ask) -> tuple[datetime, datetime, dict[str, str]]:
    """Read `?since=&until=`: the last thirty days where nothing is said."""
    given = request.asked()
    until = _instant(given["until"]) if "until" in given else request.received_at
    since = _instant(given["since"]) if "since" in given else until - timedelta(days=_USUAL_DAYS)
    if since >= until:
        raise ParameterMalformed("since comes before until.")
    return since, until, given


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterMalformed("since and until are RFC 3339 times with a zone.") from None


ROUTES = [report_liability, report_activity, report_rules, report_ambassadors]
