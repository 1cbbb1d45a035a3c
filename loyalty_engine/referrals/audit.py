"""What must hold of referrals on a live database: each query returns no rows, or what is broken."""

from __future__ import annotations

from typing import Final

_GIVEN: Final = "('credited', 'returning', 'clawed_back')"
_ON_THE_WAY: Final = "('joined', 'held', 'credited', 'returning', 'clawed_back')"

_ONCE: Final = (
    "SELECT business_id, mark FROM referral_marks GROUP BY business_id, mark HAVING count(*) > 1 "
    "UNION ALL SELECT r.business_id, r.id FROM referrals r LEFT JOIN referral_marks m "
    "ON m.business_id = r.business_id AND m.referral_id = r.id "
    f"WHERE r.state IN {_GIVEN} AND m.mark IS NULL "
    f"UNION ALL SELECT business_id, friend_id FROM referrals WHERE state IN {_GIVEN} "
    "GROUP BY business_id, friend_id HAVING count(*) > 1"
)
_OF_A_REFERRAL: Final = (
    "SELECT e.business_id, e.id FROM entries e JOIN journal j ON j.business_id = e.business_id "
    "AND j.id = e.journal_id WHERE e.kind = 'referral_credit' "
    "AND coalesce(j.\"natural\", '') NOT LIKE 'referral:%:credited' "
    "UNION ALL SELECT business_id, journal_id FROM entries WHERE kind = 'referral_credit' "
    "GROUP BY business_id, journal_id HAVING count(*) > 1"
)
_TAKEN_BACK: Final = "SELECT business_id, id FROM referrals WHERE state = 'returning'"
_TWO_PEOPLE: Final = (
    "WITH RECURSIVE above (business_id, friend, ambassador) AS (SELECT business_id, friend_id, ambassador_id "
    f"FROM referrals WHERE state IN {_ON_THE_WAY} UNION SELECT a.business_id, a.friend, r.ambassador_id "
    "FROM above a JOIN referrals r ON r.business_id = a.business_id AND r.friend_id = a.ambassador "
    f"AND r.state IN {_ON_THE_WAY}) SELECT business_id, friend FROM above WHERE friend = ambassador"
)

QUERIES: Final = (
    ("I14", "a friend is credited once for ever, and for each credit a mark of them is kept", _ONCE),
    ("I14b", "what stands on the ledger as a referral credit is that of a referral, once at each end", _OF_A_REFERRAL),
    ("I14c", "where what qualified a friend came back, what both were given is taken back", _TAKEN_BACK),
    ("I15", "ambassador and friend are two people, and nobody stands above themselves", _TWO_PEOPLE),
)
