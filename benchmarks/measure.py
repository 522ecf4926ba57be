"""Measure one command: CPU seconds, wall seconds and the most memory it held."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """What a command cost, its children included.

    Attributes:
        cpu_seconds: User and system time.
        wall_seconds: Elapsed time; an upper bound on a shared machine.
        resident_mebibytes: The largest resident set of any of its processes.
    """

    cpu_seconds: float
    wall_seconds: float
    resident_mebibytes: float


def measure(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command in the project's root and measure it.

    Args:
        command: The arguments after the Python interpreter.
        environment: Variables on top of the present ones.

    Raises:
        RuntimeError: The command failed; its output is in the message.
    """
    started = time.monotonic()
    # The commands are this package's own modules.
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if process.stdout is None:
        raise RuntimeError("the command has no output to read")
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} left with {process.returncode}:\n{output[-4000:]}")
    return Cost(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        wall_seconds=time.monotonic() - started,
        resident_mebibytes=usage.ru_maxrss / 1024,
    )
