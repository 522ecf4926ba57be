"""Resources of Dagster runs: the writer's lock, held from the first step to the last."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import dagster as dg
import duckdb

from orchestration.dbt_runs import DbtError
from orchestration.instance import ensure_process_tag, quick_history
from orchestration.settings import Settings
from orchestration.writer import hold_writer

WRITER: Final = "writer"
POOL: Final = "warehouse"
RETRIES: Final = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL)
"""Retries for what the disk did; `lasting_failures` keeps everything else from being retried."""


def writer_resource(settings: Settings) -> dg.ResourceDefinition:
    """The right to write into a home.

    A run takes it before its first step and gives it back after its last. Where somebody else is
    writing, the run fails at once and names the process.

    Args:
        settings: The settings in force.

    Returns:
        The resource that every writing asset requires.
    """

    @dg.resource(description="The kernel lock that lets one run at a time write into the home.")
    def writer(context: dg.InitResourceContext) -> Iterator[None]:
        instance, run = context.instance, context.run
        if instance is None or run is None:
            with hold_writer(settings.lock, purpose="an asset outside of a run"):
                yield
            return
        with hold_writer(settings.lock, purpose=f"Dagster run {run.run_id}"):
            ensure_process_tag(instance, run.run_id)
            with quick_history(instance):
                yield

    return writer


@contextmanager
def lasting_failures() -> Iterator[None]:
    """Let a step be retried for what the disk did, and fail at once for everything else.

    The same files, rows and models fail the same way a second time.

    Raises:
        dagster.Failure: Not to be retried, with the message of what happened.
    """
    try:
        yield
    except (OSError, duckdb.IOException, dg.Failure):
        raise
    except Exception as error:
        if isinstance(error, DbtError) and error.is_transient:
            raise
        raise dg.Failure(
            description=f"{type(error).__name__}: {error}", allow_retries=False
        ) from error
