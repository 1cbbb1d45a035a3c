"""The plain judgement of a purchase: walk the tree of every rule, then settle. The generated function is
tested against it.
"""

from rules.facts import MemberFacts, Purchase
from rules.order import settle
from rules.outcome import Outcome
from rules.plan import Found, Plan
from rules.programme import Programme
from rules.scene import Scene


def evaluate_tree(programme: Programme, event: Purchase, member: MemberFacts) -> Outcome:
    """What comes of a purchase, by the plain reference."""
    scene = programme.scene(event, member)
    return settle(Plan(programme), found(programme, scene), member, scene.counted, scene.today)


def found(programme: Programme, scene: Scene) -> Found:
    """The rules that stand on the event, are within their dates, hold, and would give something."""
    answer = Found([], [], [], {})
    for number, rule in enumerate(programme.rules):
        if not (rule.in_force(scene.today) and rule.when.holds(scene)):
            continue
        award = rule.award
        if award is None:
            answer.multiplying.append(number)
            continue
        worth = award.worth(scene)
        if worth == 0:
            continue
        (answer.given if rule.group is None else answer.grouped).append(number)
        if award.proportional:
            answer.amounts[number] = worth
    return answer
