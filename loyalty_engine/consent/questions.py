"""What the person at the till is to ask the member in front of them."""

from __future__ import annotations

from msgspec import Struct


class ConsentPrompt(Struct, frozen=True):
    """A question for the member in front of the cashier, in the words that must be said; `confirm`: asked twice."""

    purpose: str
    channel: str
    wording: str
    language: str
    says: str
    confirm: bool
