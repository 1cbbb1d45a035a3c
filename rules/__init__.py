"""The front door of the rule book: read a programme, check it, compile it, judge a purchase by it, and say
why.

This is the only import others use. Everything behind it is a pure function of what it is told: no clock, no
file, no chance.
"""

from rules.bounds import Cap, Limit, Share
from rules.check import check
from rules.compile import Compiled, compile_programme
from rules.contact import CHANNELS, PURPOSES, SERVICE, Consent, Messages, Most, Wording
from rules.discounts import Discount, Part, Units, discounts, judged, paid
from rules.effects.deeds import GrantPerk, NotifySystems, SendMessage, TagMember
from rules.example import Example
from rules.facts import Event, Line, MemberFacts, Purchase, Return, without
from rules.findings import Finding, ProgrammeInvalid
from rules.form import Form, FormField, FormPart, form
from rules.judge import evaluate_tree
from rules.jurisdictions import CONFIRMED, JURISDICTIONS, Jurisdiction
from rules.known import EVENTS
from rules.lengths import Length, measure, plain, sms_parts
from rules.needs import Needs
from rules.outcome import Award, Because, Happening, Outcome, Use
from rules.periods import END, Period, TimeWindow, end_of, window
from rules.perks import FreeItem, Gives, Perk, Price, StepUp
from rules.programme import Programme, Rule, Settings, Unit
from rules.reading import read, schema, write_toml
from rules.remainder import check_source
from rules.rewards import Qualifies, Referral, Tier
from rules.sentences import sentence
from rules.tongues import TONGUES

__all__ = [
    "CHANNELS",
    "CONFIRMED",
    "END",
    "EVENTS",
    "JURISDICTIONS",
    "PURPOSES",
    "SERVICE",
    "TONGUES",
    "Award",
    "Because",
    "Cap",
    "Compiled",
    "Consent",
    "Discount",
    "Event",
    "Example",
    "Finding",
    "Form",
    "FormField",
    "FormPart",
    "FreeItem",
    "Gives",
    "GrantPerk",
    "Happening",
    "Jurisdiction",
    "Length",
    "Limit",
    "Line",
    "MemberFacts",
    "Messages",
    "Most",
    "Needs",
    "NotifySystems",
    "Outcome",
    "Part",
    "Period",
    "Perk",
    "Price",
    "Programme",
    "ProgrammeInvalid",
    "Purchase",
    "Qualifies",
    "Referral",
    "Return",
    "Rule",
    "SendMessage",
    "Settings",
    "Share",
    "StepUp",
    "TagMember",
    "Tier",
    "TimeWindow",
    "Unit",
    "Units",
    "Use",
    "Wording",
    "check",
    "check_source",
    "compile_programme",
    "discounts",
    "end_of",
    "evaluate_tree",
    "form",
    "judged",
    "measure",
    "paid",
    "plain",
    "read",
    "schema",
    "sentence",
    "sms_parts",
    "window",
    "without",
    "write_toml",
]
