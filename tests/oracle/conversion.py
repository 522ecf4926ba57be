"""Exchange rates and the amount in reporting currency. Nothing of documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, localcontext

from tests.oracle.arithmetic import round_money, round_ratio
from tests.oracle.inputs import Row
from tests.oracle.versions import latest

RATE_KEY = ("rate_date", "from_currency", "to_currency")


class Rates:
    """The rates into one reporting currency, as known at one instant."""

    def __init__(self, rows: Sequence[Row], *, known_at: datetime, reporting_currency: str) -> None:
        self._reporting_currency = reporting_currency
        self._quoted: dict[tuple[str, str], list[tuple[date, Decimal]]] = {}
        for row in latest(rows, RATE_KEY, known_at).values():
            pair = (row["from_currency"], row["to_currency"])
            self._quoted.setdefault(pair, []).append((row["rate_date"], row["rate"]))

    def _last(self, pair: tuple[str, str], day: date) -> Decimal | None:
        on_or_before = [quote for quote in self._quoted.get(pair, []) if quote[0] <= day]
        return max(on_or_before)[1] if on_or_before else None

    def convert(self, amount: Decimal, currency_code: str, day: date) -> Decimal | None:
        """The amount in reporting currency, or None when no rate is known for the day.

        The last rate on or before the day; without one, one over the last rate of the inverse
        pair, in the eight decimals of a rate. The amount is rounded once, a half away from zero.

        Source: measures, section 2 (currencies).
        """
        if currency_code == self._reporting_currency:
            return round_money(amount)
        with localcontext() as context:
            context.prec = 60
            rate = self._last((currency_code, self._reporting_currency), day)
            if rate is not None:
                return round_money(amount * rate)
            inverse = self._last((self._reporting_currency, currency_code), day)
            if inverse is not None:
                return round_money(amount * round_ratio(1 / inverse))
        return None
