"""How the cost of a full build and of a daily refresh grows with the documents, as one SVG.

``python -m benchmarks.growth_chart <measurements.jsonl> <chart.svg>``. Each line of the
measurements is ``{"documents", "stage", "cpu_seconds", "wall_seconds", "peak_mib"}``; what was
measured twice is drawn at the mean.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from benchmarks.charts import Line, Panel, draw_lines

FIELDS = ("documents", "stage", "cpu_seconds", "wall_seconds", "peak_mib")


def read_measurements(measurements: Path) -> dict[str, dict[int, dict[str, float]]]:
    """Read measurements as means by stage, in the order of the file, and documents.

    Raises:
        ValueError: There is none, or one lacks a field or has a cost that is not positive.
    """
    found: dict[str, dict[int, dict[str, list[float]]]] = {}
    for number, text in enumerate(measurements.read_text("utf-8").splitlines(), start=1):
        if not text.strip():
            continue
        row = json.loads(text)
        missing = [field for field in FIELDS if field not in row]
        if missing or min(row[field] for field in FIELDS if field != "stage") <= 0:
            raise ValueError(f"{measurements}:{number}: expected {FIELDS} above 0, found {text}")
        costs = found.setdefault(row["stage"], {}).setdefault(row["documents"], defaultdict(list))
        for field in FIELDS[2:]:
            costs[field].append(row[field])
    if not found:
        raise ValueError(f"{measurements} has no measurements")
    return {
        stage: {
            documents: {field: fmean(values) for field, values in costs.items()}
            for documents, costs in sorted(sizes.items())
        }
        for stage, sizes in found.items()
    }


def draw(measurements: Path, chart: Path) -> None:
    """Draw time and memory against documents.

    Args:
        measurements: A file of JSON lines.
        chart: The SVG file to write; its folder is made.
    """
    stages = read_measurements(measurements)
    panels = [
        Panel(title, write, tuple(
            Line(
                stage[0].upper() + stage[1:].replace("_", " "),
                [(documents, costs[field]) for documents, costs in sizes.items()],
            )
            for stage, sizes in stages.items()
        ))
        for title, write, field in (
            ("CPU seconds", write_seconds, "cpu_seconds"),
            ("Peak memory, MiB", write_mebibytes, "peak_mib"),
        )
    ]  # fmt: skip
    chart.parent.mkdir(parents=True, exist_ok=True)
    chart.write_text(
        draw_lines(
            "Cost against size",
            "CPU of all threads, and the largest resident set, of one whole command.",
            panels,
            write_documents,
        ),
        "utf-8",
    )


def write_seconds(seconds: float) -> str:
    """Seconds with no more digits than a chart can bear."""
    if seconds < 1:
        return f"{seconds:.2g}"
    return f"{seconds:,.1f}".removesuffix(".0") if seconds < 100 else f"{seconds:,.0f}"


def write_mebibytes(mebibytes: float) -> str:
    """Mebibytes without a fraction."""
    return f"{mebibytes:,.0f}"


def write_documents(documents: float) -> str:
    """Documents in thousands or millions."""
    if documents >= 1_000_000:
        return f"{documents / 1_000_000:g} M"
    return f"{documents / 1_000:g} k" if documents >= 1_000 else f"{documents:g}"


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
