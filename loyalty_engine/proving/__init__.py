"""What a programme can never do, always does, and gives back at most: proved for every purchase, or shown by one.

The solver is the optional extra `prove`; this room is the only one that speaks to it.
"""
