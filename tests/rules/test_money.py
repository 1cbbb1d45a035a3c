"""Money in words, and the table of currencies against an outside one."""

import iso4217
import pytest

from rules.money import EXPONENTS, money_words


@pytest.mark.parametrize(
    ("amount_minor", "currency", "words"),
    [
        (12800, "NOK", "128 kr"),
        (12850, "SEK", "128.50 kr"),
        (5, "DKK", "0.05 kr"),
        (1280, "EUR", "12.80 EUR"),
        (1200, "EUR", "12 EUR"),
        (1280, "JPY", "1280 JPY"),
        (1281, "KWD", "1.281 KWD"),
        (-4990, "NOK", "-49.90 kr"),
        (-100, "NOK", "-1 kr"),
        (0, "NOK", "0 kr"),
    ],
)
def test_an_amount_is_written_as_the_shop_writes_it(amount_minor: int, currency: str, words: str) -> None:
    assert money_words(amount_minor, currency) == words


def test_our_table_agrees_with_the_standard() -> None:
    standard = {currency.code: currency.exponent for currency in iso4217.Currency}

    assert {code: standard[code] for code in EXPONENTS if code in standard} == {
        code: exponent for code, exponent in EXPONENTS.items() if code in standard
    }
    of_shops = {code for code, exponent in standard.items() if exponent is not None}
    assert of_shops - set(EXPONENTS) <= set()
