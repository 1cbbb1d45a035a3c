"""What the auditor asks of webhooks: every event that somebody subscribed to waits for them or was told, and no other.

The journal is the outbox (decision 30): of lines that are younger than a round and its overlap nothing is asked yet.
"""

from __future__ import annotations

from typing import Final

from loyalty_engine.webhooks.subscriptions import KINDS, TEST
from loyalty_engine.webhooks.telling import LATE

_KINDS: Final = ", ".join(f"'{kind}'" for kind in KINDS)
_TOLD_AS: Final = "CASE j.kind " + " ".join(f"WHEN '{kind}' THEN '{told}'" for kind, told in KINDS.items()) + " END"
_WANTED: Final = f"(w.kinds = '' OR ' ' || w.kinds || ' ' LIKE '% ' || {_TOLD_AS} || ' %')"
_I22: Final = (
    "SELECT j.business_id, j.id, w.id FROM webhooks w JOIN journal j ON j.business_id = w.business_id "
    f"AND j.recorded_at > w.created_at AND j.recorded_at < w.seen_until - {LATE} AND j.status < 300 "
    f"AND j.kind IN ({_KINDS}) AND {_WANTED} LEFT JOIN webhook_deliveries d ON d.business_id = w.business_id "
    "AND d.webhook_id = w.id AND d.event_id = j.id WHERE d.event_id IS NULL "
    "UNION ALL SELECT d.business_id, d.event_id, d.webhook_id FROM webhook_deliveries d LEFT JOIN webhooks w "
    "ON w.business_id = d.business_id AND w.id = d.webhook_id LEFT JOIN journal j ON j.business_id = d.business_id "
    f"AND j.id = d.event_id AND j.status < 300 AND {_TOLD_AS} = d.kind "
    f"WHERE d.kind <> '{TEST}' AND (w.id IS NULL OR j.id IS NULL OR NOT {_WANTED})"
)
# Identity, sentence and query; the first two columns are business and row.
QUERIES: Final = (("I22", "an event with subscribers is queued once for each of them, and nothing else is", _I22),)
