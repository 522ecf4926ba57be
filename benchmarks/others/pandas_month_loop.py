"""pandas, one month end after the other: the balance of every document anew for each.

The loop is what most notebooks do, and the only part that differs from `pandas_vectorised`.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.others.pandas_vectorised import (
    ENDS,
    Extracts,
    answer_the_rest,
    load,
    open_items,
    sum_buckets,
    write,
)
from benchmarks.others.questions import Steps, run


def main(source: Path, target: Path) -> None:
    """Load the extracts into memory and answer month end by month end."""
    steps = Steps(target)
    with steps.step("load"):
        extracts = load(source)
    with steps.step("open_items"):
        write(steps, "open_items", open_items(extracts))
    with steps.step("aging"):
        aging = age(extracts)
        write(steps, "aging", aging)
    answer_the_rest(steps, extracts, aging)


def age(extracts: Extracts) -> pd.DataFrame:
    """Aging by customer at all month ends."""
    aged = []
    for month_end in ENDS:
        known = extracts.movements[extracts.movements["effective_date"] <= month_end]
        balances = known.groupby("document")["cents"].sum()
        balances = balances[balances != 0]
        aged.append(
            sum_buckets(
                extracts,
                document=balances.index.to_numpy(),
                open_cents=balances.to_numpy(),
                as_of_date=np.full(len(balances), month_end.to_datetime64()),
            )
        )
    return pd.concat(aged, ignore_index=True)


if __name__ == "__main__":
    run(main)
