"""What goes into a judgement and what comes out of it: plain values, cheap to import.

Here live the description of a staged load and the result of one expectation on it. Which
expectations there are stands in `quality.catalogue`; how they are run in `quality.judgement`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal

Severity = Literal["critical", "warning"]

CRITICAL: Final[Severity] = "critical"
WARNING: Final[Severity] = "warning"


@dataclass(frozen=True, kw_only=True)
class LoadUnderJudgement:
    """A staged load that asks to be admitted to the lake.

    Attributes:
        load_id: The load's identity, which each of its rows carries as `_load_id`.
        extract: The extract that the rows belong to.
        parquet: The staged rows, with the columns of the extract and the load metadata; None when
            ingest staged no row.
        delivery_date: Date of the delivery.
        source: Name of the source.
        rows_accepted: Rows that ingest says it staged.
        amount_accepted: Sum of amounts that ingest says it staged; None without an amount.
        control_row_count: Rows that the sender announced for the file, if any.
        control_amount: Amount that the sender announced for the file, if any.
        rows_delivered: Rows that the sender delivered for this extract: the staged ones and those
            that ingest kept aside with a reason. None means that nothing was kept aside.
        amount_delivered: The same in money.
        rows_filtered: Rows of the same file that belong to other extracts. The file's control
            counts them, the extract's control total does not.
        amount_filtered: The same in money.
        delivery_kind: `delta` or `full`. None means what the rows say.
    """

    load_id: str
    extract: str
    parquet: Path | None
    delivery_date: date
    source: str
    rows_accepted: int
    amount_accepted: Decimal | None = None
    control_row_count: int | None = None
    control_amount: Decimal | None = None
    rows_delivered: int | None = None
    amount_delivered: Decimal | None = None
    rows_filtered: int = 0
    amount_filtered: Decimal | None = None
    delivery_kind: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExpectationResult:
    """The result of one expectation on one load, or on one family of marts.

    Attributes:
        run_id: The refresh that asked.
        load_id: The load judged; empty for marts.
        extract: The extract, or the family of marts.
        source: The load's source; `marts` for marts.
        delivery_date: The load's delivery date; for marts their latest `as_of_date`, if any.
        expectation_code: Which expectation, unique within its extract or family.
        severity: `critical` blocks admission or publication, `warning` is shown.
        is_met: Whether nothing unexpected was found.
        checked_count: Rows looked at; 1 for an expectation of the load as a whole.
        unexpected_count: Rows that break the expectation.
        sample: Keys of the first rows that break it, `; ` between them. Never other values.
        observed: What was found, in words and counts.
        description: What is expected, in one sentence.
    """

    run_id: str
    load_id: str
    extract: str
    source: str
    delivery_date: date | None
    expectation_code: str
    severity: Severity
    is_met: bool
    checked_count: int
    unexpected_count: int
    sample: str
    observed: str
    description: str

    @property
    def is_blocking(self) -> bool:
        """Whether this result forbids to go on."""
        return self.severity == CRITICAL and not self.is_met


def blocked_loads(results: Sequence[ExpectationResult]) -> dict[str, str]:
    """Say which loads may not be admitted, and why.

    Args:
        results: Results of any number of loads and expectations.

    Returns:
        For each load with a critical expectation that is not met, those expectations in words.

    Examples:
        >>> blocked_loads([])
        {}
    """
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.is_blocking:
            reasons.setdefault(result.load_id, []).append(
                f"{result.expectation_code}: {result.description} Found: {result.observed}"
                + (f", such as {result.sample}" if result.sample else "")
            )
    return {load_id: " | ".join(parts) for load_id, parts in reasons.items()}
