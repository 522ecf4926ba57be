"""pandas without a loop over rows or months. It holds everything in memory and keeps nothing.

Amounts are integer cents: they are read as floats and rounded, which is exact below 90 trillion.
Keys are numbered once when they are read, so that sorting and grouping work on integers.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.others.questions import (
    ANSWERS,
    BUCKET_LIMITS,
    BUCKETS,
    MONTH_ENDS,
    OPEN_ON,
    TIMEZONE,
    TOUCH_DAYS,
    TOUCHES,
    UNATTRIBUTED,
    Steps,
    run,
)

NEVER = pd.Timestamp("2262-01-01")
SECONDS_OF_A_DAY = 24 * 60 * 60
ENDS = pd.DatetimeIndex(MONTH_ENDS).as_unit("s")


@dataclass(frozen=True)
class Extracts:
    """What was read: documents, their movements, payments and the contacts that reached somebody.

    Attributes:
        customers: Their identifiers; a customer's position is its number.
        documents: One row per invoice; its position is its number.
        movements: document (number), effective_date, cents.
        payments: customer (number), payment_date, effective_date, cents.
        touches: contact_id, customer (number), collector_id, contacted_at.
    """

    customers: pd.Index
    documents: pd.DataFrame
    movements: pd.DataFrame
    payments: pd.DataFrame
    touches: pd.DataFrame


def main(source: Path, target: Path) -> None:
    """Load the extracts into memory and answer without a loop."""
    steps = Steps(target)
    with steps.step("load"):
        extracts = load(source)
    with steps.step("open_items"):
        write(steps, "open_items", open_items(extracts))
    with steps.step("aging"):
        aging = age(extracts)
        write(steps, "aging", aging)
    answer_the_rest(steps, extracts, aging)


def answer_the_rest(steps: Steps, extracts: Extracts, aging: pd.DataFrame) -> None:
    """Answer what no month loop would make different."""
    with steps.step("turnover"):
        write(steps, "turnover", turnover(extracts, aging))
    with steps.step("attribution"):
        write(steps, "attribution", attribute(extracts))


def read(path: Path, columns: list[str], dates: list[str]) -> pd.DataFrame:
    """Read some columns of a CSV file: dates as dates, an amount as cents, all else as text."""
    text = {column: "str" for column in columns if column not in {"amount", *dates}}
    rows = pd.read_csv(path, engine="pyarrow", usecols=columns, dtype=text)
    for column in dates:
        rows[column] = pd.to_datetime(rows[column]).astype("datetime64[s]")
    if "amount" in columns:
        rows["cents"] = (rows.pop("amount") * 100).round().astype("int64")
    return rows


def load(source: Path) -> Extracts:
    """Read the extracts and make the journal of movements."""
    ledger = read(
        source / "ledger.csv",
        [
            "document_id",
            "customer_id",
            "document_type",
            "document_date",
            "due_date",
            "amount",
            "applies_to_document_id",
        ],
        ["document_date", "due_date"],
    )
    payments = read(
        source / "payments.csv",
        ["customer_id", "payment_date", "amount", "document_id"],
        ["payment_date"],
    )
    contacts = read(
        source / "contact_log.csv",
        ["contact_id", "customer_id", "collector_id", "contacted_at", "outcome"],
        [],
    )
    is_invoice = ledger.pop("document_type") == "invoice"
    documents = ledger[is_invoice].drop(columns="applies_to_document_id").reset_index(drop=True)
    write_offs = ledger[~is_invoice]
    number_of = pd.Index(documents["document_id"])
    payments["document"] = number_of.get_indexer(payments.pop("document_id"))
    billed = documents["document_date"].to_numpy()
    payments["effective_date"] = np.maximum(payments["payment_date"], billed[payments["document"]])
    written_off = number_of.get_indexer(write_offs["applies_to_document_id"])
    movements = pd.DataFrame(
        {
            "document": np.concatenate(
                [np.arange(len(documents)), payments["document"], written_off]
            ),
            "effective_date": np.concatenate(
                [
                    billed,
                    payments["effective_date"],
                    np.maximum(write_offs["document_date"], billed[written_off]),
                ]
            ),
            "cents": np.concatenate([documents["cents"], -payments["cents"], -write_offs["cents"]]),
        }
    )
    touches = contacts[contacts["outcome"].isin(TOUCHES)].drop(columns="outcome")
    touches["contacted_at"] = pd.to_datetime(touches["contacted_at"], utc=True)
    customers = pd.Index(
        pd.concat([rows["customer_id"] for rows in (documents, payments, touches)]).unique()
    )
    for rows in (documents, payments, touches):
        rows["customer"] = customers.get_indexer(rows["customer_id"])
    return Extracts(customers, documents, movements, payments, touches)


def open_items(extracts: Extracts) -> pd.DataFrame:
    """Documents open on the day that is asked."""
    day = pd.Timestamp(OPEN_ON)
    known = extracts.movements[extracts.movements["effective_date"] <= day]
    cents = np.zeros(len(extracts.documents), dtype="int64")
    np.add.at(cents, known["document"].to_numpy(), known["cents"].to_numpy())
    items = extracts.documents[["document_id", "customer_id", "due_date"]].copy()
    items["days_past_due"] = (day - items["due_date"]).dt.days
    items["open_cents"] = cents
    return items[items["open_cents"] != 0]


def age(extracts: Extracts) -> pd.DataFrame:
    """Aging by customer at all month ends, from the spans in which a balance stood."""
    moved = (
        extracts.movements.groupby(["document", "effective_date"], sort=True)["cents"]
        .sum()
        .reset_index()
    )
    moved["open_cents"] = moved.groupby("document")["cents"].cumsum()
    open_to = moved["effective_date"].shift(-1)
    open_to[moved["document"] != moved["document"].shift(-1)] = NEVER
    first = ENDS.searchsorted(moved["effective_date"])
    past_last = ENDS.searchsorted(open_to)
    count = np.where(moved["open_cents"] != 0, past_last - first, 0)
    # Row numbers, each as often as there are month ends in its span, and which month end it is.
    row = np.repeat(np.arange(len(moved)), count)
    month = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + first[row]
    return sum_buckets(
        extracts,
        document=moved["document"].to_numpy()[row],
        open_cents=moved["open_cents"].to_numpy()[row],
        as_of_date=ENDS.to_numpy()[month],
    )


def sum_buckets(
    extracts: Extracts,
    *,
    document: np.ndarray,
    open_cents: np.ndarray,
    as_of_date: np.ndarray,
) -> pd.DataFrame:
    """Count and sum what is open by day, customer and bucket."""
    due_date = extracts.documents["due_date"].to_numpy()[document]
    days_past_due = (as_of_date - due_date).astype("int64") // SECONDS_OF_A_DAY
    aged = pd.DataFrame(
        {
            "as_of_date": as_of_date,
            "customer_id": extracts.documents["customer"].to_numpy()[document],
            "aging_bucket": np.searchsorted(BUCKET_LIMITS, days_past_due),
            "open_cents": open_cents,
        }
    )
    summed = aged.groupby(["as_of_date", "customer_id", "aging_bucket"], sort=False).agg(
        document_count=("open_cents", "size"), open_cents=("open_cents", "sum")
    )
    summed = summed.reset_index()
    summed["customer_id"] = extracts.customers.take(summed["customer_id"])
    summed["aging_bucket"] = np.array(BUCKETS)[summed["aging_bucket"]]
    return summed


def turnover(extracts: Extracts, aging: pd.DataFrame) -> pd.DataFrame:
    """Sales, closing balance and days sales outstanding of each month."""
    invoices = extracts.documents
    sales = invoices.groupby(month_starts(invoices["document_date"]))["cents"].sum()
    closing = aging.groupby("as_of_date")["open_cents"].sum()
    days = closing.index.days_in_month.to_numpy()
    closing.index = month_starts(closing.index.to_series())
    months = pd.DataFrame({"sales_cents": sales, "closing_cents": closing}).dropna().astype("int64")
    sold, left = months["sales_cents"], months["closing_cents"]
    months["hundredths_of_days"] = (200 * left * days + sold) // (2 * sold)
    return months.rename_axis("month_start").reset_index()


def attribute(extracts: Extracts) -> pd.DataFrame:
    """Cash of each month by the collector of the last touch before it."""
    touches = extracts.touches.sort_values(["contacted_at", "contact_id"])
    local = touches["contacted_at"].dt.tz_convert(TIMEZONE).dt.tz_localize(None)
    touches["contact_date"] = local.dt.normalize().astype("datetime64[s]")
    touches = touches.drop_duplicates(["customer", "contact_date"], keep="last")
    cash = pd.merge_asof(
        extracts.payments.sort_values("payment_date"),
        touches[["customer", "contact_date", "collector_id"]].sort_values("contact_date"),
        by="customer",
        left_on="payment_date",
        right_on="contact_date",
        tolerance=pd.Timedelta(days=TOUCH_DAYS),
    )
    cash["month_start"] = month_starts(cash["effective_date"])
    cash["collector_id"] = cash["collector_id"].fillna(UNATTRIBUTED)
    earned = cash.groupby(["month_start", "collector_id"])["cents"].sum()
    return earned.rename("cash_cents").reset_index()


def month_starts(dates: pd.Series) -> pd.Series:
    """The first day of each date's month."""
    return dates - pd.to_timedelta(dates.dt.day - 1, unit="D")


def write(steps: Steps, question: str, answer: pd.DataFrame) -> None:
    """Write an answer as Parquet."""
    answer[list(ANSWERS[question])].to_parquet(steps.folder / f"{question}.parquet", index=False)


if __name__ == "__main__":
    run(main)
