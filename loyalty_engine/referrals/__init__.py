"""Members bring friends: who brought whom, whether it counts, and what both are given for it.

A friend is named, joins, buys what qualifies, and both are credited when the goods can no longer come back; each step
is written down with its reason. Invariant: a person is credited as a friend once for ever, also after they were erased
and joined again; nobody is their own friend, and the graph of who brought whom has no cycle.
"""
