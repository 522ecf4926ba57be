"""The UI: `python -m orchestration.ui` starts Dagster's webserver and daemon on loopback.

Both work on the home's own run history, so that what the headless refresh did is there to see.
Ctrl-C stops both, by their own process ids.
"""

import argparse
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from orchestration.instance import fail_dead_runs, open_instance
from orchestration.settings import (
    PROJECT_ROOT,
    SettingError,
    load_settings,
    prepare_home,
    set_environment,
)

HOST: Final = "127.0.0.1"
PORT: Final = 3000
STOP_SECONDS: Final = 20

_WATCH_SECONDS: Final = 0.5
_LOCATION: Final = ("-m", "orchestration.definitions", "-d", str(PROJECT_ROOT))


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the UI and stay until it is stopped.

    Args:
        arguments: Command line, the process's own when null.

    Returns:
        The exit status: 0 when stopped, 1 when a part ended by itself, 2 for a wrong setting.
    """
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.ui", description="Open Dagster on loopback."
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"port, {PORT} by default")
    parser.add_argument(
        "--read-only",
        action="store_true",
        help="refuse every change, and start no schedules or sensors",
    )
    chosen = parser.parse_args(arguments)
    try:
        settings = load_settings()
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    prepare_home(settings)
    set_environment(settings)
    with open_instance(settings) as instance:
        fail_dead_runs(instance)
    commands = [_webserver(chosen.port, read_only=chosen.read_only)]
    if not chosen.read_only:
        commands.append([_tool("dagster-daemon"), "run", *_LOCATION])
    print(
        f"Dagster on http://{HOST}:{chosen.port}"
        f"{', read only' if chosen.read_only else ''}. It needs some seconds to start; Ctrl-C ends "
        "it.",
        flush=True,
    )
    return _run_until_stopped(commands)


def _webserver(port: int, *, read_only: bool) -> list[str]:
    command = [_tool("dagster-webserver"), "-h", HOST, "-p", str(port), *_LOCATION]
    return [*command, "--read-only"] if read_only else command


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _run_until_stopped(commands: Sequence[Sequence[str]]) -> int:
    """Run the commands until one ends or a signal arrives, then stop the rest."""
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    # In sessions of their own, so that Ctrl-C reaches them once, through us, and in order.
    processes = [
        subprocess.Popen(command, start_new_session=True)  # noqa: S603
        for command in commands
    ]
    try:
        while not stopped and all(process.poll() is None for process in processes):
            time.sleep(_WATCH_SECONDS)
    finally:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    print("Dagster is stopped." if stopped else "Dagster ended by itself; see the lines above.")
    return 0 if stopped else 1


if __name__ == "__main__":
    sys.exit(main())
