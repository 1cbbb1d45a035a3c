"""The programme document as a JSON Schema (draft 2020-12), made from the same types that read it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

from rules.expecting import Kind, choices, fields_of, type_of
from rules.programme import Programme

_PLAIN: dict[type[inspect.Type], dict[str, Any]] = {
    inspect.BoolType: {"type": "boolean"},
    inspect.DecimalType: {"type": "number"},
    inspect.DateType: {"type": "string", "format": "date"},
    inspect.DateTimeType: {
        # An editor knows a time of TOML's own by these formats; one without an offset is local.
        "anyOf": [
            {"type": "string", "format": form, "pattern": r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"}
            for form in ("date-time-local", "date-time")
        ]
    },
}


def schema() -> dict[str, Any]:
    """The schema of a programme as a JSON document. It names shapes and limits; `check` judges the rest."""
    describer = _Describer()
    root = describer.record(Programme)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": describer.definitions}


class _Describer:
    """Describes types; each table is described once, under its class's name."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def __call__(self, kind: Kind) -> dict[str, Any]:
        return self._typed(type_of(kind), {})

    def record(self, kind: type[msgspec.Struct]) -> dict[str, Any]:
        fields = fields_of(kind)
        described = {
            "type": "object",
            "description": _first_paragraph(kind),
            "properties": {field.encode_name: self._typed(field.type, {}) for field in fields},
            "additionalProperties": False,
        }
        required = [field.encode_name for field in fields if field.required]
        return described | ({"required": required} if required else {})

    def _named(self, kind: Kind) -> dict[str, Any]:
        if kind.__name__ not in self.definitions:
            self.definitions[kind.__name__] = {}
            described = kind.describe(self) if hasattr(kind, "describe") else self.record(kind)
            self.definitions[kind.__name__] = {"description": _first_paragraph(kind)} | described
        return {"$ref": f"#/$defs/{kind.__name__}"}

    def _typed(self, shape: inspect.Type, extra: Mapping[str, Any]) -> dict[str, Any]:
        if isinstance(shape, inspect.Metadata):
            described = self._typed(shape.type, {**extra, **(shape.extra or {})})
            return described | (shape.extra_json_schema or {})
        if isinstance(shape, inspect.UnionType):
            kinds = [self._typed(kind, extra) for kind in choices(shape)]
            return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        cls: Kind = getattr(shape, "cls", None)
        if hasattr(cls, "parse"):
            return {"type": "string", "pattern": cls.pattern, "description": cls.expected}
        if isinstance(shape, inspect.StructType):
            return self._named(shape.cls)
        if isinstance(shape, inspect.VarTupleType):
            return self._several(shape, one_or_many=bool(extra.get("one_or_many")))
        if isinstance(shape, inspect.TupleType):
            items = [self._typed(kind, {}) for kind in shape.item_types]
            return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        if isinstance(shape, inspect.DictType):
            return self._table(shape)
        return _plain(shape)

    def _several(self, shape: inspect.VarTupleType, *, one_or_many: bool) -> dict[str, Any]:
        item = self._typed(shape.item_type, {})
        several: dict[str, Any] = {"type": "array", "items": item}
        if shape.min_length:
            several["minItems"] = shape.min_length
        return {"anyOf": [item, several]} if one_or_many else several

    def _table(self, shape: inspect.DictType) -> dict[str, Any]:
        table = {
            "type": "object",
            "propertyNames": self._typed(shape.key_type, {}),
            "additionalProperties": self._typed(shape.value_type, {}),
        }
        return table | ({"minProperties": shape.min_length} if shape.min_length else {})


def _plain(shape: inspect.Type) -> dict[str, Any]:
    if isinstance(shape, inspect.LiteralType):
        return {"enum": list(shape.values)}
    if isinstance(shape, inspect.IntType):
        return {"type": "integer"} | _said({"minimum": shape.ge, "maximum": shape.le})
    if isinstance(shape, inspect.StrType):
        limits = {"pattern": shape.pattern, "minLength": shape.min_length, "maxLength": shape.max_length}
        return {"type": "string"} | _said(limits)
    return dict(_PLAIN[type(shape)])


def _said(limits: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in limits.items() if value is not None}


def _first_paragraph(kind: Kind) -> str:
    return " ".join((kind.__doc__ or "").split("\n\n")[0].split())
