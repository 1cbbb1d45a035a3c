"""Conditions on an event's own fields, as the business sends them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from msgspec import Meta

from rules.facts import Attribute
from rules.judging import Code, Condition
from rules.names import Name, Range
from rules.narrowing import Choices, Claim, span
from rules.scene import Scene
from rules.tongues import spoken
from rules.words import Words

Values = Annotated[tuple[Name | int, ...], Meta(min_length=1)]
Wish = Values | Range | bool


class Attributes(Condition, frozen=True):
    """The event has these fields of its own: one of a list of texts or numbers, a number in a range, or true or
    false. A field that the event does not have matches nothing.
    """

    written = "attributes"
    example = '{ course = ["latte-art", "brewing"], score = { min = 4 }, certified = true }'
    stands_on = "event"
    says = spoken(
        en=("what was told", "with {wants}"),
        nb=("det som ble fortalt,", "med {wants}"),
        nn=("det som vart fortalt,", "med {wants}"),
        sv=("det som berättades", "med {wants}"),
        da=("det, der blev fortalt,", "med {wants}"),
        fi=("kerrotut tiedot", "{wants}"),
    )
    wanted: Annotated[dict[Name, Wish], Meta(min_length=1)]

    def holds(self, scene: Scene) -> bool:
        return self.matches(scene.attributes)

    def matches(self, attributes: Mapping[str, Attribute]) -> bool:
        """Are all the fields as they are wanted?"""
        return all(_fits(wish, attributes.get(name)) for name, wish in self.wanted.items())

    def source(self, code: Code) -> str:
        return f"{code.bind(self.matches)}({code.fact('attributes')})"

    def found(self, scene: Scene) -> str:
        return scene.words.both(f"{name} {_said(scene.attributes.get(name), scene.words)}" for name in self.wanted)

    def wants(self, words: Words) -> str:
        return words.both(f"{name} {_wished(wish, words)}" for name, wish in self.wanted.items())

    def missed(self, words: Words) -> Callable[[Scene], str]:
        t = words.tongue
        around = {
            name: (t.is_.format(name), t.wants.format(_wished(wish, words))) for name, wish in self.wanted.items()
        }

        def why(scene: Scene) -> str:
            found = scene.attributes
            name = next(name for name, wish in self.wanted.items() if not _fits(wish, found.get(name)))
            return _said(found.get(name), words).join(around[name])

        return why

    def claims(self, words: Words) -> Iterator[Claim]:  # noqa: ARG002
        for name, wish in self.wanted.items():
            if isinstance(wish, Range):
                yield Claim(("attribute", name), name, span(wish.min, wish.max))
            elif isinstance(wish, tuple):
                yield Claim(("attribute", name), name, Choices(wish))


def _fits(wish: Wish, value: Attribute | None) -> bool:
    """A number is never true or false here, and true and false are no numbers."""
    if isinstance(wish, bool):
        return value is wish
    if isinstance(value, bool) or value is None:
        return False
    if isinstance(wish, Range):
        return isinstance(value, int) and wish.holds(value)
    return value in wish


def _wished(wish: Wish, words: Words) -> str:
    if isinstance(wish, bool):
        return _said(wish, words)
    return words.range(wish) if isinstance(wish, Range) else words.either(map(str, wish))


def _said(value: Attribute | None, words: Words) -> str:
    if isinstance(value, bool):
        return words.tongue.yes if value else words.tongue.no
    return words.tongue.not_known if value is None else str(value)
