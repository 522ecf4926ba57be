"""Progress lines: what assets say while they work, one plain line each, with the time."""

import logging
import sys
import time
from typing import Final

import dagster as dg

_FORMAT: Final = "%H:%M:%S"


def line(message: str) -> str:
    """A message with the time before it."""
    return f"{time.strftime(_FORMAT)}  {message}"


class _PlainLines(logging.Formatter):
    """What an asset said, without the run and step that Dagster puts before it."""

    def format(self, record: logging.LogRecord) -> str:
        said = getattr(record, "dagster_meta", {}).get("orig_message") or record.getMessage()
        return line(said)


def _is_progress(record: logging.LogRecord) -> bool:
    """Whether a record is a message of ours: no event of the run history, and no failure.

    Failures are told once, at the end, without the tools' stack.
    """
    event = getattr(record, "dagster_meta", {}).get("dagster_event")
    return event is None and record.levelno < logging.ERROR


def _plain_lines(context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("collections", level=logging.INFO)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_PlainLines())
    handler.addFilter(_is_progress)
    logger.addHandler(handler)
    return logger


plain_lines: Final = dg.logger(
    {}, description="What assets say, one line each, on standard output."
)(_plain_lines)
"""The logger of every run of ours."""
