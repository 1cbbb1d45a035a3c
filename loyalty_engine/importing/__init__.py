"""A shop brings its history: purchases from a file of any till, read, put in order, and recorded one by one.

    mapping     which column means what, and how the file writes dates and money
    files       CSV or Parquet, row after row, never the whole file in memory
    fields      where a field stands in a row
    gathering   the rows of one receipt together, the receipts in the order they happened
    cells       what stands in one cell: an amount, a quantity, an instant
    lines       a line of a receipt, and the many that are alike
    receipts    a receipt as the command a till would have sent
    running     every command through the same door as a till's, many members at a time
    report      what was recorded, and what was not and why
    command     `loyalty import purchases`
    club        an existing club's members, balances and consents
    members_command  `loyalty import members`

Invariant: an import records what a till would have recorded, by the version valid then, and a second run of the
same file records nothing: the receipt is the natural key, and the journal is the only checkpoint.
"""

from loyalty_engine.importing.command import purchases_command
from loyalty_engine.importing.members_command import members_command

__all__ = ["members_command", "purchases_command"]
