"""The rule language as a form: the fields of every condition and effect, each with its kind, label and help."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import inspect

from rules.bounds import Share
from rules.conditions import CONDITIONS
from rules.effects import EFFECTS, Effect
from rules.expecting import choices, expected, fields_of
from rules.judging import Condition, Stands
from rules.known import EVENTS
from rules.names import WEEKDAYS, Range
from rules.periods import Period, TimeWindow
from rules.tongues import tongue

Kind: TypeAlias = Literal[
    "text",
    "number",
    "decimal",
    "yes_no",
    "date",
    "time",
    "period",
    "share",
    "range",
    "choice",
    "list",
    "names",
    "group",
    "either",
]
"""How a field is filled in. A `list` holds several of `of`, `names` is a table from names to `of`, a `group` has
fields of its own, `either` is any one of `of`."""

_WRITTEN_AS_TEXT: Final[dict[type, Kind]] = {Period: "period", TimeWindow: "time", Share: "share"}
_PLAIN: Final[dict[type[inspect.Type], Kind]] = {
    inspect.BoolType: "yes_no",
    inspect.IntType: "number",
    inspect.DecimalType: "decimal",
    inspect.DateType: "date",
    inspect.StrType: "text",
}


class FormField(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field: `help` says what may be written; `refers` names what a list of choices is filled from."""

    name: str
    label: str
    kind: Kind
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()
    refers: str | None = None
    of: tuple["FormField", ...] = ()


class FormPart(msgspec.Struct, frozen=True, kw_only=True):
    """One condition or effect. A part whose single field has no name of its own is written as that field's value."""

    written: str
    label: str
    help: str
    example: str
    stands_on: Stands
    fields: tuple[FormField, ...]


class Form(msgspec.Struct, frozen=True):
    """Everything a rule can be put together from."""

    events: tuple[tuple[str, str], ...]
    conditions: tuple[FormPart, ...]
    effects: tuple[FormPart, ...]


def form(language: str | None = None) -> Form:
    """The form, with labels in one of the languages; help is in English."""
    spoken = tongue(language)
    heads = {"purchase": spoken.buys, **spoken.events}
    return Form(
        tuple((event, heads[event]) for event in EVENTS),
        tuple(_part(kind, spoken.code, kind.stands_on) for kind in CONDITIONS.values()),
        tuple(_part(kind, spoken.code, "anything") for kind in EFFECTS.values()),
    )


def _part(kind: type[Condition] | type[Effect], language: str, stands_on: Stands) -> FormPart:
    label = kind.says[language][0].strip(",")
    fields = tuple(_field(field, label if field.name == "wanted" else None) for field in fields_of(kind))
    said = " ".join((kind.__doc__ or "").split())
    return FormPart(
        written=kind.written, label=label, help=said, example=kind.example, stands_on=stands_on, fields=fields
    )


def _field(field: inspect.Field, label: str | None) -> FormField:
    name = "" if field.name == "wanted" else field.encode_name
    made = _shaped(name, label or name.replace("_", " "), field.type, {})
    return msgspec.structs.replace(made, required=field.required)


def _in_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Days of the week as they follow each other; what has no order of its own stays as it is."""
    return WEEKDAYS if set(names) == set(WEEKDAYS) else names


def _shaped(name: str, label: str, shape: inspect.Type, extra: Mapping[str, Any]) -> FormField:
    if isinstance(shape, inspect.Metadata):
        return _shaped(name, label, shape.type, {**extra, **(shape.extra or {}), **(shape.extra_json_schema or {})})
    said = extra.get("description") or expected(shape)

    def made(kind: Kind, *of: FormField, names: tuple[str, ...] = ()) -> FormField:
        refers = extra.get("refers")
        return FormField(name=name, label=label, kind=kind, help=said, choices=names, refers=refers, of=of)

    if isinstance(shape, inspect.UnionType):
        kinds = choices(shape)
        if len(kinds) == 1:
            return _shaped(name, label, kinds[0], extra)
        return made("either", *(_shaped(name, label, kind, extra) for kind in kinds))
    cls = getattr(shape, "cls", None)
    if cls in _WRITTEN_AS_TEXT:
        return made(_WRITTEN_AS_TEXT[cls])
    if isinstance(shape, inspect.StructType):
        return made(
            "range" if shape.cls is Range else "group", *(_field(field, None) for field in fields_of(shape.cls))
        )
    if isinstance(shape, inspect.VarTupleType):
        return made("list", _shaped("", label, shape.item_type, {}))
    if isinstance(shape, inspect.DictType):
        return made("names", _shaped("", label, shape.key_type, {}), _shaped("", label, shape.value_type, {}))
    if isinstance(shape, inspect.LiteralType):
        return made("choice", names=_in_order(tuple(map(str, shape.values))))
    return made(_PLAIN[type(shape)])
