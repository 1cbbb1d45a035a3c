"""What the auditor asks of texts: one that came in is there once for its business and gateway, and answered once."""

from __future__ import annotations

from typing import Final

# The key of a text in the journal has line breaks in it, so that no till can send the same one.
_I19: Final = (
    "SELECT t.business_id, t.message_id FROM inbound_texts t LEFT JOIN journal j "
    "ON j.business_id = t.business_id AND j.id = t.journal_id AND j.kind = 'text' "
    "AND j.key = 'text\n' || t.gateway || '\n' || t.message_id WHERE j.id IS NULL "
    "UNION ALL SELECT business_id, min(message_id) FROM inbound_texts "
    "GROUP BY business_id, journal_id HAVING count(*) > 1 "
    "UNION ALL SELECT t.business_id, t.message_id FROM inbound_texts t JOIN messages m "
    "ON m.business_id = t.business_id AND m.id = t.answer_id WHERE m.journal_id IS NULL OR m.journal_id <> t.journal_id"
)
# Identity, sentence and query; the first two columns are business and row.
QUERIES: Final = (("I19", "a text that came in is there once for its business and gateway, and answered once", _I19),)
