"""The plain judgement of an event: walk the tree of every rule, then settle. The generated functions are tested
against it.
"""

from rules.facts import Event, MemberFacts, Purchase
from rules.order import settle
from rules.outcome import Outcome
from rules.plan import Found, Plan
from rules.programme import Programme
from rules.scene import Scene


def evaluate_tree(programme: Programme, event: Purchase | Event, member: MemberFacts) -> Outcome:
    """What comes of an event, by the plain reference."""
    scene = programme.scene(event, member)
    return settle(Plan(programme), found(programme, scene), member, scene.counted, scene.today, scene.paid)


def found(programme: Programme, scene: Scene) -> Found:
    """The rules that stand on the event, are within their dates, hold, and would give something."""
    given: list[int] = []
    grouped: list[int] = []
    multiplying: list[int] = []
    amounts: dict[int, int] = {}
    doing: list[int] = []
    for number, rule in enumerate(programme.rules):
        if rule.on != scene.event.kind or not (rule.in_force(scene.today) and rule.when.holds(scene)):
            continue
        award = rule.award
        if award is None:
            (doing if rule.multiply is None else multiplying).append(number)
            continue
        worth = award.worth(scene)
        if worth == 0:
            continue
        (given if rule.group is None else grouped).append(number)
        if award.proportional:
            amounts[number] = worth
    return Found(given, grouped, multiplying, amounts, doing)
