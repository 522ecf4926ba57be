"""The writer's lock: one holder, named to the second, free at once when it dies."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.writer import WriterBusyError, current_holder, hold_writer

ROOT = Path(__file__).parents[2]

HOLDER = """
import sys, time
from pathlib import Path
from orchestration.writer import hold_writer
with hold_writer(Path(sys.argv[1]), purpose="a test"):
    print("held", flush=True)
    time.sleep(60)
"""


def start_holder(lock: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLDER, str(lock)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    process.stdout.close()
    return process


def test_the_second_writer_is_told_who_is_first_and_why(tmp_path: Path) -> None:
    lock = tmp_path / "writer.lock"
    process = start_holder(lock)
    try:
        with pytest.raises(WriterBusyError, match=rf"Process {process.pid} .* \(a test\)"):  # noqa: SIM117
            with hold_writer(lock, purpose="another"):
                pass
        holder = current_holder(lock)
        assert holder is not None
        assert (holder.pid, holder.purpose) == (process.pid, "a test")
    finally:
        process.kill()
        process.wait()


def test_a_killed_holder_leaves_the_lock_free(tmp_path: Path) -> None:
    lock = tmp_path / "writer.lock"
    process = start_holder(lock)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert current_holder(lock) is None
    with hold_writer(lock, purpose="the next"):
        holder = current_holder(lock)
    assert holder is not None
    assert holder.pid == os.getpid()
    assert current_holder(lock) is None


def test_a_holder_may_take_its_lock_again(tmp_path: Path) -> None:
    lock = tmp_path / "writer.lock"
    with hold_writer(lock, purpose="outer"):
        with hold_writer(lock, purpose="inner"):
            pass
        holder = current_holder(lock)
        assert holder is not None
        assert holder.purpose == "outer"
    assert current_holder(lock) is None


def test_nobody_holds_a_lock_that_was_never_taken(tmp_path: Path) -> None:
    assert current_holder(tmp_path / "writer.lock") is None
