"""What a programme can never do, always does, and gives back at most: proved for every purchase, or shown by one.

`loyalty check FILE --prove` and `loyalty prove FILE` ask a solver, the optional extra `prove`. An answer is yes
(proved), no (with a purchase that shows it, judged by the evaluator before it is shown), or unknown when it was not
settled within its seconds.

**Proved of rules**, for every event they stand on: that a rule can never fire, that it only fires when another does,
that two always fire together. Firing is meant before limits, caps and `max_return` look, and a multiplier fires where
it has a whole unit to add. A perk is out of reach when no rule that can fire gives its unit, or when a cap per `ever`
lies below its price.

**Proved of two versions**: that for everything that can happen, to any member, whatever limits have let through before,
both give as many units of each kind and do the same other things, whichever rules that comes from.

**Proved of what is given back**: that no purchase of at least so much gives back more than a share of its total.
Counted are stacking, groups, multipliers, rounding, the limits of rules, the caps of units and `max_return`, whatever
they have let through before; and vouchers that a rule grants.

What is taken for granted:

- A purchase is one that a till has closed: lines add up to the total, hold at least one item each, cost nothing or
  more, and have no more tax in them than they cost. Nothing has been given back yet: a refund only takes back.
- An item costs at least what `--item-at-least` says, and nothing where that is not said. Quantities are not bounded.
- The date lies in the years 2000 to 2199. Days since joining or since the last purchase are at most 40 000 either way.
- On a member's first purchase there was no purchase before. Nothing else is assumed of members: tier, tags, balance
  and counts may be anything, even what no real member has at once.
- A unit is worth its part of the best perk it buys, one without perks nothing, or what `--value` says. A percentage
  off is taken to come off a purchase as large as the one judged. What units are spent on later is no part of the share.
- What a referral gives, adjustments by hand, and awards for events other than purchases are not counted.

What is said less exactly, never falsely: first nothing is rounded and of a group any rule may give, which is quick and
an upper bound; what that does not settle is asked once more to the last unit. SKUs that a programme does not name may
or may not be the same ones. Where a programme mentions so many categories, SKUs and tags that lines would be of more
than 160 kinds, its pickiest conditions on goods may hold or not, each as a whole; so may a condition that no encoding
is written for. A proof covers both, and a purchase found that does not come true is not shown: the answer is unknown.
"""
