"""The sample company after a refresh: nothing personal got out, nobody was called."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SampleHome, refresh_environment

pytestmark = pytest.mark.warehouse


def spellings(text: str) -> list[bytes]:
    """A text as files may hold it."""
    return [text.encode(), text.encode("utf-16-le"), text.replace(" ", "").encode()]


def files_with(folder: Path, marks: tuple[str, ...]) -> list[str]:
    """Files below a folder that hold one of the marks."""
    wanted = [spelling for mark in marks for spelling in spellings(mark)]
    return [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and any(spelling in content for content in [path.read_bytes()] for spelling in wanted)
    ]


def test_personal_data_stays_where_it_came_in(sample_home: SampleHome) -> None:
    marks = sample_home.summary.personal_data
    assert len(marks) >= 2
    home = sample_home.home
    assert files_with(home / "landing", marks), "the marks are not in what was delivered"
    for folder in ("published", "data_docs", "dagster", "dbt"):
        assert any(path.is_file() for path in (home / folder).rglob("*")), folder
        assert files_with(home / folder, marks) == [], folder
    for mark in marks:
        assert mark not in sample_home.output
        assert mark not in sample_home.errors


def test_a_refresh_opens_no_connection(sample_home: SampleHome) -> None:
    outside = [
        line
        for line in sample_home.sockets
        if not any(host in line for host in ("127.0.0.1", "::1", "localhost"))
        and not line.split(" ", 1)[1].startswith(("/", "b'/", "\\x00"))
        and line.split(" ", 1)[1] != socket.gethostname()
    ]
    assert outside == []


def test_the_listener_hears_a_connection(tmp_path: Path, sample_home: SampleHome) -> None:
    seen = tmp_path / "seen"
    site = sample_home.home.parent / "site"
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import socket\n"
            "with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:\n"
            "    one.connect(('192.0.2.1', 9))\n",
        ],
        env={
            **refresh_environment(tmp_path),
            "PYTHONPATH": str(site),
            "SOCKETS_SEEN": str(seen),
        },
        capture_output=True,
        check=False,
    )
    assert seen.read_text() == "socket.connect ('192.0.2.1', 9)\n"


def test_a_refresh_tells_what_it_does_and_nothing_of_the_tools(sample_home: SampleHome) -> None:
    told = sample_home.output
    assert "judging" in told
    assert "close to the cent" in told
    assert "Published: v000001" in told
    assert "emitted no result" not in told + sample_home.errors
    assert sample_home.errors == ""


def test_a_second_refresh_does_nothing_and_says_so(sample_home: SampleHome) -> None:
    runs = sorted((sample_home.home / "dagster" / "history" / "runs").iterdir())
    again = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "orchestration.refresh", "--sample-when-empty"],
        cwd=ROOT,
        env=dict(refresh_environment(sample_home.home)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.returncode == 0, again.stderr
    assert "Nothing new since v000001 was published. Nothing to do." in again.stdout
    assert "starting Dagster" not in again.stdout
    assert "dbt.cli" not in again.stderr
    assert "great_expectations" not in again.stderr
    assert sorted((sample_home.home / "dagster" / "history" / "runs").iterdir()) == runs
