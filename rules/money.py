"""Money as the shop writes it: how many decimals a currency has, and the words for an amount.

The exponents are those of ISO 4217; currencies with two decimals are the rule, the others are listed.
"""

from collections.abc import Callable

_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF "
    "CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD "
    "GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL "
    "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR "
    "PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
    "TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"
)
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"

EXPONENTS: dict[str, int] = {
    code: exponent for exponent, codes in ((2, _TWO), (0, _NONE), (3, _THREE), (4, _FOUR)) for code in codes.split()
}
_CROWNS = frozenset({"NOK", "SEK", "DKK"})


def money_words(amount_minor: int, currency: str) -> str:
    """An amount in words: 12800 is "128 kr" in NOK, SEK and DKK; 1280 is "12.80 EUR" in EUR. Whole amounts
    show no decimals.
    """
    return money_in(currency)(amount_minor)


def money_in(currency: str, point: str = ".") -> Callable[[int], str]:
    """The words for amounts of one currency. Raises KeyError for a currency that ISO 4217 does not know."""
    exponent = EXPONENTS[currency]
    scale, name = 10**exponent, "kr" if currency in _CROWNS else currency

    def words(amount_minor: int) -> str:
        whole, part = divmod(amount_minor, scale)
        if not part:
            return f"{whole} {name}"
        if amount_minor < 0:
            return f"-{words(-amount_minor)}"
        return f"{whole}{point}{part:0{exponent}} {name}"

    return words
