"""Conditions on what is between the member and the business: consent, an open case, who looks after them, how much of
an ambassador they are.
"""

from rules.judging import Code, Condition, Flag, OneOf, Within
from rules.names import Purposes
from rules.scene import Scene
from rules.tongues import spoken
from rules.words import Words


class MemberConsent(Condition, frozen=True):
    """The member has agreed to every one of these purposes. A rule that uses what a member does to choose what
    they get must ask for this; benefits that everybody has stand in rules that do not.
    """

    written = "member.consent"
    example = '["profiling"]'
    reads = ("consents",)
    says = spoken(
        en=("the member's consent", "for members who have agreed to {wants}"),
        nb=("medlemmets samtykke", "for medlemmer som har samtykket til {wants}"),
        nn=("samtykket til medlemmen", "for medlemmer som har samtykt til {wants}"),
        sv=("medlemmens samtycke", "för medlemmar som har samtyckt till {wants}"),
        da=("medlemmets samtykke", "for medlemmer, der har givet samtykke til {wants}"),
        fi=("jäsenen suostumus", "suostumus: {wants}"),
    )
    wanted: Purposes

    def holds(self, scene: Scene) -> bool:
        return set(self.wanted) <= set(scene.consents)

    def source(self, code: Code) -> str:
        return f"{code.bind(frozenset(self.wanted))}.issubset({code.fact('consents')})"

    def found(self, scene: Scene) -> str:
        return ", ".join(scene.consents) or scene.words.tongue.none

    def wants(self, words: Words) -> str:
        return words.both(self.wanted)


class MemberOpenCase(Flag, frozen=True):
    """The member has a case that is being followed up (true), or has none (false)."""

    written = "member.open_case"
    example = "true"
    fact = "open_case"
    reads = ("open_case",)
    says = spoken(
        en=("this", "for {wants}"),
        nb=("dette", "for {wants}"),
        nn=("dette", "for {wants}"),
        sv=("detta", "för {wants}"),
        da=("dette", "for {wants}"),
        fi=("tämä", "{wants}"),
    )
    words_for = spoken(
        en=("a member with an open case", "a member without an open case"),
        nb=("et medlem med en åpen sak", "et medlem uten åpen sak"),
        nn=("ein medlem med ei open sak", "ein medlem utan open sak"),
        sv=("en medlem med ett öppet ärende", "en medlem utan öppet ärende"),
        da=("et medlem med en åben sag", "et medlem uden åben sag"),
        fi=("jäsen, jolla on avoin tapaus", "jäsen, jolla ei ole avointa tapausta"),
    )


class MemberContactPerson(OneOf, frozen=True):
    """The member's contact person among the staff is any of these."""

    written = "member.contact_person"
    example = '["chair-2"]'
    fact = "contact_person"
    reads = ("contact_person",)
    says = spoken(
        en=("the member's contact person", "for members whose contact person is {wants}"),
        nb=("medlemmets kontaktperson", "for medlemmer med kontaktperson {wants}"),
        nn=("kontaktpersonen til medlemmen", "for medlemmer med kontaktperson {wants}"),
        sv=("medlemmens kontaktperson", "för medlemmar med kontaktperson {wants}"),
        da=("medlemmets kontaktperson", "for medlemmer med kontaktperson {wants}"),
        fi=("jäsenen yhteyshenkilö", "yhteyshenkilö {wants}"),
    )


class MemberAmbassadorDegree(Within, frozen=True):
    """The member's degree of being an ambassador, which rises and falls with what they do, lies in this range."""

    written = "member.ambassador_degree"
    example = "{ min = 3 }"
    fact = "ambassador_degree"
    reads = ("ambassador_degree",)
    watches = True
    floor = None
    says = spoken(
        en=("the ambassador degree", "with an ambassador degree of {wants}"),
        nb=("ambassadørgraden", "med en ambassadørgrad på {wants}"),
        nn=("ambassadørgraden", "med ein ambassadørgrad på {wants}"),
        sv=("ambassadörsgraden", "med en ambassadörsgrad på {wants}"),
        da=("ambassadørgraden", "med en ambassadørgrad på {wants}"),
        fi=("suosittelija-aste", "suosittelija-aste {wants}"),
    )
