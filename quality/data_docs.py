"""Data Docs: what Great Expectations found, as pages that open without network.

Great Expectations renders the sections of a validation; its page around them loads styles and
scripts from elsewhere and is replaced here. It writes cell values unescaped, so validations are
asked for counts only; the keys shown beside them come from the results, escaped.
"""

from __future__ import annotations

import html
import json
import os
import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from quality.gx import (
    DefaultJinjaSectionView,
    ExpectationSuiteValidationResult,
    ValidationResultsPageRenderer,
)
from quality.results import CRITICAL, ExpectationResult

RUNS_KEPT: Final = 30
"""Runs kept per suite; older pages are removed."""

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:.5rem 0 1.5rem}
th,td{border:1px solid #ccc;padding:.25rem .6rem;text-align:left;vertical-align:top}
h5,h6{font-size:1rem;margin:.5rem 0}
.fa-check-circle::before{content:"\\2713 met";color:#186a3b}
.fa-times::before{content:"\\2717 not met";color:#a61b1b}
.fa-exclamation-triangle::before{content:"! error";color:#a61b1b}
.badge{background:#eee;border-radius:.3rem;padding:0 .3rem;font-family:ui-monospace,monospace}
.critical{color:#a61b1b}.warning{color:#8a5a00}.met{color:#186a3b}
.code{font-family:ui-monospace,monospace}
"""

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def write_data_docs(
    folder: Path,
    *,
    name: str,
    run_id: str,
    validations: Sequence[ExpectationSuiteValidationResult],
    results: Sequence[ExpectationResult],
) -> Path:
    """Write the page of one judgement and the index of all.

    Args:
        folder: The Data Docs' folder, made when absent.
        name: Name of the suite: an extract or a family of marts.
        run_id: The refresh that asked.
        validations: What Great Expectations returned, with counts only.
        results: The same by load.

    Returns:
        The page written: `<folder>/<name>/<run>.html`.
    """
    pages = folder / name
    pages.mkdir(parents=True, exist_ok=True)
    page = pages / f"{re.sub(r'[^A-Za-z0-9_-]', '_', run_id)}.html"
    failed = [one for one in results if not one.is_met]
    summary = {
        "name": name,
        "run": run_id,
        "page": f"{name}/{page.name}",
        "loads": len({one.load_id for one in results}),
        "expectations": len({one.expectation_code for one in results}),
        "critical": sum(one.severity == CRITICAL for one in failed),
        "warnings": sum(one.severity != CRITICAL for one in failed),
    }
    body = [
        '<p><a href="../index.html">All suites</a></p>',
        f"<p>Run {html.escape(run_id)}: {summary['loads']} loads, "
        f"{summary['expectations']} expectations, {summary['critical']} critical and "
        f"{summary['warnings']} warnings not met.</p>",
        "<h2>Not met, by load</h2>",
        _table_of_results(failed),
        *(_sections(one) for one in validations),
    ]
    _write(page, _page(f"Expectations of {name}", body))
    _write(page.with_suffix(".json"), json.dumps(summary))
    _prune(pages)
    build_data_docs(folder)
    return page


def build_data_docs(folder: Path) -> Path:
    """Write the index of all pages in the Data Docs' folder.

    Args:
        folder: The Data Docs' folder, made when absent.

    Returns:
        The index page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    body: list[str] = []
    for suite in sorted(one for one in folder.iterdir() if one.is_dir()):
        summaries = [json.loads(one.read_text("utf-8")) for one in _newest_first(suite)]
        body.append(f"<h2>{html.escape(suite.name)}</h2>")
        body.append(_table_of_runs(summaries))
    index = folder / "index.html"
    _write(index, _page("Expectations of loads and marts", body))
    return index


def _newest_first(pages: Path) -> list[Path]:
    return sorted(
        pages.glob("*.json"), key=lambda one: (one.stat().st_mtime_ns, one.name), reverse=True
    )


def _prune(pages: Path) -> None:
    """Keep the newest runs of a suite."""
    for summary in _newest_first(pages)[RUNS_KEPT:]:
        summary.with_suffix(".html").unlink(missing_ok=True)
        summary.unlink()


def _table_of_runs(summaries: Sequence[dict[str, Any]]) -> str:
    rows = [
        f'<tr><td><a href="{html.escape(one["page"])}">{html.escape(one["run"])}</a></td>'
        f"<td>{one['loads']}</td><td>{one['expectations']}</td>"
        f'<td class="{"critical" if one["critical"] else "met"}">{one["critical"]}</td>'
        f'<td class="{"warning" if one["warnings"] else "met"}">{one["warnings"]}</td></tr>'
        for one in summaries
    ]
    return (
        "<table><thead><tr><th>Run</th><th>Loads</th><th>Expectations</th>"
        "<th>Critical not met</th><th>Warnings</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _table_of_results(results: Sequence[ExpectationResult]) -> str:
    if not results:
        return '<p class="met">Every expectation is met.</p>'
    rows = [
        f'<tr><td class="{one.severity}">{one.severity}</td>'
        f'<td><span class="code">{html.escape(one.expectation_code)}</span><br>'
        f"{html.escape(one.description)}</td>"
        f"<td>{html.escape(one.source)} {one.delivery_date or ''}<br>"
        f'<span class="code">{html.escape(one.load_id)}</span></td>'
        f"<td>{one.unexpected_count} of {one.checked_count}</td>"
        f'<td>{html.escape(one.observed)}<br><span class="code">{html.escape(one.sample)}</span>'
        "</td></tr>"
        for one in results
    ]
    return (
        "<table><thead><tr><th>Severity</th><th>Expectation</th><th>Load</th><th>Unexpected</th>"
        f"<th>Found</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _sections(validation: ExpectationSuiteValidationResult) -> str:
    """The sections that Great Expectations renders, without the page around them."""
    document = ValidationResultsPageRenderer(run_info_at_end=True).render(validation)
    view = _section_view()
    return "".join(
        view.render({"section": section, "section_loop": {"index": number}})
        for number, section in enumerate(document.to_json_dict()["sections"], start=1)
    )


@cache
def _section_view() -> Any:  # noqa: ANN401
    """The view of a section, which keeps its templates once it has compiled them."""
    return DefaultJinjaSectionView()


def _page(title: str, body: Sequence[str]) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{''.join(body)}</body></html>\n"
    )


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(temporary).replace(path)
