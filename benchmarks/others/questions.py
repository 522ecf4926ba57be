"""What every competitor is asked, where it puts its answers, and how its steps are timed.

Nothing is imported here that all the competitors' environments do not have. Amounts in answers are
integer cents and days sales outstanding integer hundredths of a day, so that answers are equal or
are not. An answer is ``<question>.parquet`` or ``<question>.csv``, whichever is the cheaper to
write for its competitor, with the columns of `ANSWERS` in any order of rows.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

TIMEZONE = "Asia/Shanghai"
FIRST_MONTH = date(2023, 7, 1)
MONTH_COUNT = 36
OPEN_ON = date(2026, 3, 17)
"""The day whose open items are asked: a past one, and no month end."""

MONTH_STARTS = tuple(
    date(
        FIRST_MONTH.year + (FIRST_MONTH.month - 1 + n) // 12,
        (FIRST_MONTH.month - 1 + n) % 12 + 1,
        1,
    )
    for n in range(MONTH_COUNT + 1)
)
MONTH_ENDS = tuple(start - timedelta(days=1) for start in MONTH_STARTS[1:])

BUCKET_LIMITS = (0, 30, 60, 90, 180, 365)
BUCKETS = ("current", "1-30", "31-60", "61-90", "91-180", "181-365", "over 365")

TOUCHES = ("left_message", "right_party", "promise_to_pay", "dispute", "complaint")
"""Outcomes of a contact that earn the cash which follows; nobody was reached in the others."""

TOUCH_DAYS = 30
UNATTRIBUTED = "unattributed"

ANSWERS = {
    "open_items": ("document_id", "customer_id", "due_date", "days_past_due", "open_cents"),
    "aging": ("as_of_date", "customer_id", "aging_bucket", "document_count", "open_cents"),
    "turnover": ("month_start", "sales_cents", "closing_cents", "hundredths_of_days"),
    "attribution": ("month_start", "collector_id", "cash_cents"),
}
"""The columns of each answer."""


class Steps:
    """Times the steps of a competitor and keeps them beside its answers.

    Args:
        folder: Where answers and ``steps.json`` go; created.
        other_cpu_seconds: CPU that other processes spent for it so far, such as a server's.
    """

    def __init__(self, folder: Path, other_cpu_seconds: Callable[[], float] = lambda: 0.0) -> None:
        self.folder = folder
        self._other_cpu_seconds = other_cpu_seconds
        self._costs: dict[str, dict[str, float]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add what happens inside to the cost of a step."""
        wall, cpu = time.monotonic(), self._cpu_seconds()
        yield
        self._costs[name] = {
            "cpu_seconds": self._cpu_seconds() - cpu,
            "wall_seconds": time.monotonic() - wall,
        }
        (self.folder / "steps.json").write_text(json.dumps(self._costs, indent=1), "utf-8")

    def _cpu_seconds(self) -> float:
        own = resource.getrusage(resource.RUSAGE_SELF)
        return own.ru_utime + own.ru_stime + self._other_cpu_seconds()


def run(main: Callable[[Path, Path], None]) -> None:
    """Run a competitor with the two folders of the command line: extracts and answers."""
    main(Path(sys.argv[1]), Path(sys.argv[2]))
