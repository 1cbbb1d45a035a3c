"""The gateways there are: each file in this folder brings its own, and nobody keeps a list."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any, Final

import msgspec

from api import texts
from api.texts.gateway import Gateway
from loyalty_engine.errors import Detail
from loyalty_engine.texts.errors import GatewayRefused

# A setting ends up in headers and addresses: neither nothing, nor a novel, nor a line break that begins a new header.
_SETTING: Final = re.compile("[^\\x00-\\x1f\\x7f]{1,2000}")


@cache
def gateways() -> dict[str, type[Gateway]]:
    """Give every gateway by its name."""
    found: dict[str, type[Gateway]] = {}
    for file in pkgutil.iter_modules(texts.__path__):
        module = import_module(f"{texts.__name__}.{file.name}")
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Gateway) and kind.__module__ == module.__name__:
                found[kind.name] = kind
    del found[Gateway.name]
    return found


def set_up(name: str, settings: dict[str, Any]) -> Gateway:
    """Open a gateway with its settings; raise GatewayRefused, naming what is missing, where that cannot be."""
    kind = gateways().get(name)
    if kind is None:
        known = ", ".join(sorted(gateways()))
        raise GatewayRefused(f"There is no gateway of this name; there are {known}.", pointer="/gateway")
    if not all(_SETTING.fullmatch(text) for text in _texts(settings)):
        raise GatewayRefused(
            "A setting is 1 to 2000 characters on one line; leave out what there is nothing to say for.",
            pointer="/settings",
        )
    try:
        return msgspec.convert(settings, kind)
    except msgspec.ValidationError as problem:
        says = str(problem).replace("`", "").replace("$.", "")
        raise GatewayRefused(details=(Detail("/settings", "gateway_refused", says),)) from None


def _texts(settings: Any) -> Iterator[str]:
    """Give every text in the settings, however deep; what they are called is for the gateway to know."""
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, dict):
        for value in settings.values():
            yield from _texts(value)
    elif isinstance(settings, list | tuple):
        for value in settings:
            yield from _texts(value)
