"""What members agreed to: records that are only ever added to, what they come to, and the proof of it.

A record says who decided what, for which purpose and channel, in which exact words, when, and through whom; it carries
the hash of the member's record before it. What holds now is the fold of the records and nothing else: the table of
current states can be dropped and made again unchanged.
"""
