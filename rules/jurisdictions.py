"""What the law of each country asks of whoever wants to write to a member or watch what they do, each with its source.

A programme is strict by default: what one country forbids is refused everywhere. A programme that is not strict gets
what its own country's law says, and no less.
"""

from typing import Final, Literal

import msgspec

from rules.findings import Severity
from rules.periods import Period, TimeWindow

Code = Literal["NO", "SE", "DK", "FI", "EU", "UK", "US"]


class Jurisdiction(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between countries. `rewarded` and `tied` say what becomes of a rule that pays for consent to
    marketing, or keeps a general benefit behind a consent; `profiling` whether choosing by behaviour needs consent;
    `age` from which somebody can agree alone; `lasts` after how long a consent is asked for anew, which a programme
    may set longer unless `lasts_at_most`; `quiet` when nobody is sent marketing, which is law where `quiet_is_law`;
    `kept_for` how long the proof of a consent is kept after its end.
    """

    code: Code
    name: str
    rewarded: Severity
    tied: Severity
    profiling: Severity
    age: int
    lasts: Period
    lasts_at_most: bool = False
    quiet: TimeWindow
    quiet_is_law: bool = False
    kept_for: Period
    sources: dict[str, str]


_TWO_YEARS: Final = Period(24, "month")
_NIGHT: Final = TimeWindow(21 * 60, 8 * 60)
_GDPR: Final = {
    "rewarded": "GDPR art. 7(4) and recital 42: a consent that is paid for, or missed to one's cost, is not free",
    "tied": "GDPR art. 7(4) and recital 43: what everybody gets may not depend on a consent it does not need",
    "profiling": "GDPR art. 4(4) and 6(1)(a), EDPB guidelines 05/2020: choosing by behaviour asks for its own consent",
    "lasts": "GDPR art. 5(1)(e) names no period, EDPB guidelines 05/2020 advise to ask anew; two years is our own",
    "quiet": "no hours in the law; nights are our own",
    "kept_for": "GDPR art. 7(1) and 17(3)(e): the proof is kept while a claim can be made; three years is our own",
}


def _european(code: Code, name: str, *, years: int, lenient: bool = False, **sources: str) -> Jurisdiction:
    return Jurisdiction(
        code=code, name=name, rewarded="warned" if lenient else "refused", tied="refused",
        profiling="refused", age=years, lasts=_TWO_YEARS,
        lasts_at_most=code == "DK", quiet=_NIGHT, kept_for=Period(3, "year"), sources={**_GDPR, **sources},
    )  # fmt: skip


JURISDICTIONS: Final[dict[str, Jurisdiction]] = {
    each.code: each
    for each in (
        _european(
            "NO", "Norway", years=13,
            marketing="markedsføringsloven § 15: prior consent for texts and e-mail to natural persons",
            age="personopplysningsloven § 5: 13 years",
        ),
        _european(
            "SE", "Sweden", years=13,
            marketing="marknadsföringslagen (2008:486) § 19: prior consent for texts and e-mail to natural persons",
            age="lag (2018:218) 2 kap. 4 §: 13 years",
        ),
        _european(
            "DK", "Denmark", years=15,
            marketing="markedsføringsloven § 10: prior consent, and asking for it by text is marketing itself",
            age="databeskyttelsesloven § 6, 2: 15 years",
            lasts="Danish practice: a consent is deleted after two years unless it has been renewed",
        ),
        _european(
            "FI", "Finland", years=13,
            marketing="laki sähköisen viestinnän palveluista 917/2014 § 200: prior consent of natural persons",
            age="tietosuojalaki 1050/2018 § 5: 13 years",
        ),
        _european(
            "EU", "European Union", years=16,
            marketing="directive 2002/58/EC art. 13(1): prior consent for texts and e-mail",
            age="GDPR art. 8(1): 16 years where a country says nothing else",
        ),
        _european(
            "UK", "United Kingdom", years=13, lenient=True,
            marketing="Privacy and Electronic Communications Regulations 2003, reg. 22: prior consent",
            age="Data Protection Act 2018, s. 9: 13 years",
            rewarded="UK GDPR art. 7(4); the regulator's guidance leaves room for a modest incentive",
        ),
        Jurisdiction(
            code="US", name="United States", rewarded="warned", tied="warned", profiling="warned", age=13,
            lasts=_TWO_YEARS, quiet=_NIGHT, quiet_is_law=True, kept_for=Period(5, "year"),
            sources={
                "marketing": "47 CFR 64.1200(f)(9): prior express written consent for marketing texts",
                "rewarded": "47 CFR 64.1200(f)(9): never a condition of a purchase; an incentive is not forbidden",
                "tied": "47 CFR 64.1200(f)(9): never a condition of a purchase",
                "profiling": "no federal consent; state laws give a right to object",
                "age": "16 CFR 312.2: 13 years",
                "lasts": "no period in the law; two years is our own",
                "quiet": "47 CFR 64.1200(c)(1): not before 8 or after 21 where the person is",
                "kept_for": "16 CFR 310.5: five years",
            },
        ),
    )
}  # fmt: skip

CONFIRMED: Final = {
    "DE": "BGH, 10.02.2011, I ZR 164/09: who advertises proves the yes of each address by asking it once more",
    "AT": "Datenschutzbehörde, DSB-D130.073/0008-DSB/2019: a sign-up without a second yes is not secure",
}
"""Countries where a yes to texts and letters is confirmed from the number or address itself, each with its source."""

_BY_COUNTRY: Final = {"NO": "NO", "SE": "SE", "DK": "DK", "FI": "FI", "GB": "UK", "US": "US"}


def jurisdiction_of(country: str) -> Jurisdiction:
    """The jurisdiction a business of this country is under when its programme names none: the strictest that fits."""
    return JURISDICTIONS[_BY_COUNTRY.get(country, "EU")]
