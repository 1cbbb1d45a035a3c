"""Where a member stands: the ladder of tiers, how it is climbed, and who is put on a step by hand."""
