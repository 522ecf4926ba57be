"""What tests of several folders share: the sample company, refreshed once for all of them."""

import fcntl
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from ingest.sample import SampleSummary, Settings, write_company

ROOT = Path(__file__).parents[1]

Made = TypeVar("Made")

# Few deliveries, because a delivery costs more than its rows do.
SAMPLE = Settings(
    documents=300, months=12, opening_months=6, weekly_deliveries=2, daily_deliveries=2
)

# Python imports it at the start of every process of the refresh.
LISTENER = """
import os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.bind"):
        subject = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        with open(os.environ["SOCKETS_SEEN"], "a") as seen:
            seen.write(f"{event} {subject}\\n")

sys.addaudithook(note)
"""


@dataclass(frozen=True)
class SampleHome:
    """A small sample company, refreshed by the command that users run. Do not write into it.

    Attributes:
        home: The folder that holds everything.
        summary: What was written into its landing folder.
        status: How the refresh ended.
        output: What the refresh printed.
        errors: What it printed on standard error.
        sockets: Every address that a process of the refresh asked for, one a line.
    """

    home: Path
    summary: SampleSummary
    status: int
    output: str
    errors: str
    sockets: tuple[str, ...]


def refresh_environment(home: Path) -> Mapping[str, str]:
    """The environment of a refresh of a home of its own, whatever is set outside."""
    kept = {name: text for name, text in os.environ.items() if "COLLECTIONS_" not in name}
    return {**kept, "COLLECTIONS_HOME": str(home)}


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> SampleHome:
    """The sample company after one refresh."""
    made = made_once(tmp_path_factory, "sample_company", _make_sample_home)
    assert made.status == 0, made.errors
    return made


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]
) -> Made:
    """What `make` makes in a folder of that name, made by the first worker that asks for it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    kept = folder / "made.pickle"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make(folder)))
        made: Made = pickle.loads(kept.read_bytes())  # noqa: S301
    return made


def _make_sample_home(folder: Path) -> SampleHome:
    home, seen, site = folder / "home", folder / "sockets", folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(LISTENER)
    seen.touch()
    summary = write_company(home / "landing", SAMPLE)
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.refresh"],
        cwd=ROOT,
        env={
            **refresh_environment(home),
            "PYTHONPATH": str(site),
            "SOCKETS_SEEN": str(seen),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return SampleHome(
        home=home,
        summary=summary,
        status=done.returncode,
        output=done.stdout,
        errors=done.stderr,
        sockets=tuple(seen.read_text().splitlines()),
    )
