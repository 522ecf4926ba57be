"""The UI's two processes: on loopback, read only when asked, and gone when it is stopped."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestration import ui

# Says that it runs, ends on Ctrl-C and says so.
PART = """
import sys, time
from pathlib import Path
place = Path(sys.argv[1])
place.write_text("runs")
try:
    time.sleep(60)
except KeyboardInterrupt:
    place.write_text("stopped")
"""


def wait_for(place: Path) -> None:
    for _ in range(600):
        if place.exists() and place.read_text():
            return
        time.sleep(0.05)
    raise AssertionError(f"{place} was not written")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_both_parts_and_ends_well(
    number: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [tmp_path / "webserver", tmp_path / "daemon"]

    def stop() -> None:
        for place in places:
            wait_for(place)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    stopper = threading.Thread(target=stop)
    stopper.start()
    status = ui._run_until_stopped([[sys.executable, "-c", PART, str(place)] for place in places])
    stopper.join()
    assert status == 0
    assert [place.read_text() for place in places] == ["stopped", "stopped"]
    assert signal.getsignal(number) is before
    assert "Dagster is stopped." in capsys.readouterr().out


def test_when_one_part_ends_the_other_is_stopped_and_the_status_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "daemon"
    ends = (
        "import sys, time\nfrom pathlib import Path\n"
        "while not Path(sys.argv[1]).exists(): time.sleep(0.05)\n"
    )
    status = ui._run_until_stopped(
        [[sys.executable, "-c", ends, str(place)], [sys.executable, "-c", PART, str(place)]]
    )
    assert status == 1
    assert place.read_text() == "stopped"
    assert "ended by itself" in capsys.readouterr().out


def test_the_webserver_listens_on_loopback_and_is_read_only_when_asked() -> None:
    command = ui._webserver(3456, read_only=True)
    assert command[command.index("-h") + 1] == "127.0.0.1"
    assert command[command.index("-p") + 1] == "3456"
    assert "--read-only" in command
    assert "--read-only" not in ui._webserver(3456, read_only=False)
