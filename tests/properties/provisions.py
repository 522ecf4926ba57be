"""Judgements of single customers and documents for random companies, as a seed file states them."""

from collections.abc import Sequence
from pathlib import Path

HEADER = "company_code,customer_id,document_id,valid_from,valid_to,known_from,loss_rate,reason"

# Customer, document, validity, known from, rate; one of these sets holds in each company.
JUDGEMENTS = (
    ("A,,2024-01-01,,2024-01-01,0.4",),
    ("B,,2024-02-15,2024-04-30,2024-03-20,0.75", "B,,2024-05-01,,2024-05-01,0.333"),
    ("A,,2024-02-01,,2024-02-01,0.2", "A,D1,2024-01-31,2024-03-30,2024-02-29,1"),
    (
        # Told otherwise later, then taken back.
        "A,D1,2024-01-01,,2024-02-10,0.5",
        "A,D1,2024-01-01,2024-05-15,2024-04-30,0.125",
        "B,D2,2024-02-01,,2024-02-01,0.6",
        "B,D2,2024-02-01,,2024-05-31,",
    ),
    (),
)


def write_provisions(folder: Path, numbers: Sequence[int]) -> None:
    """Write the seed `specific_provisions` for companies of these numbers."""
    lines = [HEADER]
    for number in numbers:
        for judged in JUDGEMENTS[number % len(JUDGEMENTS)]:
            lines.append(f"co_{number:03d},{number:03d}-{judged},as drawn")
    folder.mkdir()
    (folder / "specific_provisions.csv").write_text("\n".join(lines) + "\n", "utf-8")
