"""Settings: what the environment or `.env` may say, checked before anything starts.

Here live the names, defaults and limits of every setting, the folders that follow from the home,
and the switches that keep the tools from calling out. Reading data does not live here.
"""

import os
import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent
PRIVATE: Final = 0o700

SILENCE: Final[Mapping[str, str]] = {
    "DO_NOT_TRACK": "1",
    "DAGSTER_DISABLE_TELEMETRY": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "False",
}
"""Environment of every process of ours, so that no tool reports its use to anybody."""

MAXIMUM_THREADS: Final = 256
MOST_MEMORY_UNASKED: Final = 4_000
LEAST_MEMORY: Final = 500
SHORTEST_KEY: Final = 16


class SettingError(ValueError):
    """A setting that cannot be used: names the setting, its value and what is allowed."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one company's warehouse is told from outside.

    Attributes:
        home: The folder that holds everything, absolute.
        as_of_date: The business day that reports are as of; null means the latest delivery date.
        known_at: What arrived later is left out, naive UTC; null means now.
        reporting_currency: ISO 4217 code of the currency of `open_amount` and its like.
        timezone: IANA name of the company's time zone.
        sources: A folder of more mapping files, absolute, or null.
        seeds: A folder whose CSV files replace the seeds of the same name, absolute, or null.
        threads: Threads that dbt and DuckDB use.
        memory_limit: What DuckDB may hold in memory before it spills, such as `4000MB`.
        pii_key: Key of the hashes that stand for personal columns; without it they are left out.
    """

    home: Path
    as_of_date: date | None = None
    known_at: datetime | None = None
    reporting_currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    sources: Path | None = None
    seeds: Path | None = None
    threads: int = 2
    memory_limit: str = f"{MOST_MEMORY_UNASKED}MB"
    pii_key: bytes | None = None

    def __repr__(self) -> str:
        """Every setting but the key."""
        key = "set" if self.pii_key else "not set"
        return (
            f"Settings(home={str(self.home)!r}, as_of_date={self.as_of_date}, "
            f"known_at={self.known_at}, reporting_currency={self.reporting_currency!r}, "
            f"timezone={self.timezone!r}, sources={self.sources}, seeds={self.seeds}, "
            f"threads={self.threads}, memory_limit={self.memory_limit}, pii_key {key})"
        )

    @property
    def landing(self) -> Path:
        """Where deliveries arrive."""
        return self.home / "landing"

    @property
    def archive(self) -> Path:
        """Every delivered file as it came, under its SHA-256."""
        return self.home / "archive"

    @property
    def lake(self) -> Path:
        """One Parquet file per admitted load."""
        return self.home / "lake"

    @property
    def quarantine(self) -> Path:
        """Rows that did not enter, each with its reason."""
        return self.home / "quarantine"

    @property
    def rejected(self) -> Path:
        """Loads and files that did not enter."""
        return self.home / "rejected"

    @property
    def staging(self) -> Path:
        """Private working folders of runs, swept at start."""
        return self.home / "staging"

    @property
    def warehouse(self) -> Path:
        """The working warehouse: a product, not a record."""
        return self.home / "warehouse.duckdb"

    @property
    def run_parameters(self) -> Path:
        """What the current run is asked, one row."""
        return self.home / "run_parameters.parquet"

    @property
    def published(self) -> Path:
        """Versions of the published copy and the link `current`."""
        return self.home / "published"

    @property
    def data_docs(self) -> Path:
        """What Great Expectations found in each load, as pages."""
        return self.home / "data_docs"

    @property
    def dbt(self) -> Path:
        """Parsed copies of the dbt project."""
        return self.home / "dbt"

    @property
    def dagster_home(self) -> Path:
        """Run history of Dagster."""
        return self.home / "dagster"

    @property
    def lock(self) -> Path:
        """The file whose kernel lock the one writer holds."""
        return self.home / "writer.lock"

    def outputs(self) -> tuple[Path, ...]:
        """Everything below the home that we write, files as well as folders."""
        return (
            self.archive,
            self.lake,
            self.quarantine,
            self.rejected,
            self.staging,
            self.warehouse,
            self.run_parameters,
            self.published,
            self.data_docs,
            self.dbt,
            self.dagster_home,
        )


def load_settings(
    environment: Mapping[str, str] | None = None,
    *,
    env_file: Path | None = None,
) -> Settings:
    """Read the settings from `.env` and the environment, which wins.

    Args:
        environment: Names and values; the process's own when null.
        env_file: A file of names and values; `.env` of the working folder when null.

    Returns:
        Settings that can be used: values in range, folders that exist, none inside another.

    Raises:
        SettingError: Naming the setting, its value and what is allowed.
    """
    file = Path(".env") if env_file is None else env_file
    values = {
        name: value
        for name, value in {
            **(dotenv_values(file, interpolate=False) if file.is_file() else {}),
            **(os.environ if environment is None else environment),
        }.items()
        if value is not None and value.strip() != ""
    }
    known = {f"COLLECTIONS_{name}" for name in _NAMES}
    for name in sorted(values):
        if name.startswith("COLLECTIONS_") and name not in known:
            raise SettingError(
                f"{name} is no setting of ours; allowed are {', '.join(sorted(known))}."
            )

    timezone = _timezone(values.get("COLLECTIONS_TIMEZONE", "Asia/Shanghai"))
    settings = Settings(
        home=_home(values.get("COLLECTIONS_HOME", "./data")),
        as_of_date=_date(values.get("COLLECTIONS_AS_OF")),
        known_at=_instant(values.get("COLLECTIONS_KNOWN_AT"), timezone),
        reporting_currency=_currency(values.get("COLLECTIONS_REPORTING_CURRENCY", "CNY")),
        timezone=timezone,
        sources=_folder("COLLECTIONS_SOURCES", values.get("COLLECTIONS_SOURCES")),
        seeds=_folder("COLLECTIONS_SEEDS", values.get("COLLECTIONS_SEEDS")),
        threads=_threads(values.get("COLLECTIONS_THREADS", "2")),
        memory_limit=_memory_limit(values.get("COLLECTIONS_MEMORY_LIMIT")),
        pii_key=_key(values.get("COLLECTIONS_PII_KEY")),
    )
    _refuse_overlap(settings)
    return settings


def prepare_home(settings: Settings) -> None:
    """Make the home and the folders below it, readable by their owner only.

    A home, landing or published folder that is there already keeps its mode: senders may need to
    write into the one, and a group of BI readers to pass through to the other.

    Args:
        settings: The settings whose home is wanted.
    """
    os.umask(0o077)
    settings.home.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    for folder in (
        settings.landing,
        settings.archive,
        settings.lake,
        settings.quarantine,
        settings.rejected,
        settings.staging,
        settings.published,
        settings.data_docs,
        settings.dbt,
        settings.dagster_home,
    ):
        folder.mkdir(exist_ok=True, mode=PRIVATE)
        if folder not in (settings.landing, settings.published):
            folder.chmod(PRIVATE)


def set_environment(settings: Settings) -> None:
    """Tell the tools, in this process and its children, where the home is and to stay silent.

    Args:
        settings: The settings in force.
    """
    os.environ.update(SILENCE)
    os.environ["COLLECTIONS_HOME"] = str(settings.home)
    os.environ["COLLECTIONS_THREADS"] = str(settings.threads)
    os.environ["COLLECTIONS_MEMORY_LIMIT"] = settings.memory_limit
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)


_NAMES: Final = (
    "AS_OF",
    "HOME",
    "KNOWN_AT",
    "MEMORY_LIMIT",
    "PII_KEY",
    "REPORTING_CURRENCY",
    "SEEDS",
    "SOURCES",
    "THREADS",
    "TIMEZONE",
)


def _home(value: str) -> Path:
    home = Path(value).expanduser().absolute()
    if home.exists() and not home.is_dir():
        raise SettingError(f"COLLECTIONS_HOME is {value!r}, which is a file; allowed is a folder.")
    if home in (Path(home.anchor), Path.home(), PROJECT_ROOT):
        raise SettingError(
            f"COLLECTIONS_HOME is {value!r}; allowed is a folder of its own, because its mode is "
            "made private and its working folders are swept."
        )
    return home.resolve()


def _date(value: str | None) -> date | None:
    if value is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError as error:
        raise SettingError(
            f"COLLECTIONS_AS_OF is {value!r}; allowed is a date such as 2026-06-30."
        ) from error


def _instant(value: str | None, timezone: str) -> datetime | None:
    if value is None:
        return None
    try:
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", value):
            raise ValueError
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise SettingError(
            f"COLLECTIONS_KNOWN_AT is {value!r}; allowed is an instant such as "
            "2026-07-01T09:00:00+08:00 (without an offset: in COLLECTIONS_TIMEZONE)."
        ) from error
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zoneinfo.ZoneInfo(timezone))
    return instant.astimezone(UTC).replace(tzinfo=None)


def _currency(value: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise SettingError(
            f"COLLECTIONS_REPORTING_CURRENCY is {value!r}; allowed is a currency code of three "
            "capital letters (ISO 4217), such as CNY."
        )
    return value


def _timezone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise SettingError(
            f"COLLECTIONS_TIMEZONE is {value!r}; allowed is an IANA name, such as Asia/Shanghai."
        )
    return value


def _folder(name: str, value: str | None) -> Path | None:
    if value is None:
        return None
    folder = Path(value).expanduser().absolute()
    if not folder.is_dir():
        raise SettingError(f"{name} is {value!r}, which is no folder; allowed is one that exists.")
    return folder.resolve()


def _threads(value: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,2}", value) or int(value) > MAXIMUM_THREADS:
        raise SettingError(
            f"COLLECTIONS_THREADS is {value!r}; allowed is a whole number from 1 to "
            f"{MAXIMUM_THREADS}."
        )
    return int(value)


def _memory_limit(value: str | None) -> str:
    """What is asked for in MB, or half of the machine's memory, but no more than 4 GB unasked."""
    if value is None:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
        return f"{max(min(memory // 2, MOST_MEMORY_UNASKED), LEAST_MEMORY)}MB"
    found = re.fullmatch(r"([1-9]\d{0,5})\s?(MB|GB)", value)
    megabytes = int(found[1]) * (1_000 if found[2] == "GB" else 1) if found else 0
    if megabytes < LEAST_MEMORY:
        raise SettingError(
            f"COLLECTIONS_MEMORY_LIMIT is {value!r}; allowed is a whole number of MB or GB, "
            f"{LEAST_MEMORY}MB or more, such as 4GB."
        )
    return f"{megabytes}MB"


def _key(value: str | None) -> bytes | None:
    if value is None:
        return None
    if len(value) < SHORTEST_KEY:
        raise SettingError(
            f"COLLECTIONS_PII_KEY has {len(value)} characters (it is not shown); allowed are "
            f"{SHORTEST_KEY} or more, because a shorter key can be guessed."
        )
    return value.encode()


def _refuse_overlap(settings: Settings) -> None:
    """Refuse inputs inside outputs and the reverse, links followed.

    Writing into the landing folder would deliver our own files to us; a landing folder around
    the home would read the archive as deliveries.
    """
    inputs = {
        "landing": settings.landing.resolve(),
        "COLLECTIONS_SOURCES": settings.sources,
        "COLLECTIONS_SEEDS": settings.seeds,
    }
    outputs = {path.name: path.resolve() for path in settings.outputs()}
    for input_name, input_path in inputs.items():
        if input_path is None:
            continue
        for output_name, output_path in outputs.items():
            if input_path.is_relative_to(output_path) or output_path.is_relative_to(input_path):
                raise SettingError(
                    f"{input_name} is {str(input_path)!r} and the output {output_name} is "
                    f"{str(output_path)!r}; allowed are folders of which none lies inside the "
                    "other."
                )
