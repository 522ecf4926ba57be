"""Settings: defaults, what is refused and in which words."""

import os
import stat
from datetime import date, datetime
from pathlib import Path

import pytest

from orchestration.settings import SettingError, load_settings, prepare_home, set_environment

NO_FILE = Path("no such file")


def test_an_empty_environment_gives_the_documented_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings({}, env_file=NO_FILE)
    assert settings.home == tmp_path / "data"
    assert (settings.as_of_date, settings.known_at) == (None, None)
    assert (settings.reporting_currency, settings.timezone) == ("CNY", "Asia/Shanghai")
    assert (settings.sources, settings.seeds, settings.pii_key) == (None, None, None)
    assert settings.warehouse == tmp_path / "data" / "warehouse.duckdb"
    assert settings.published == tmp_path / "data" / "published"


def test_values_are_read_from_the_file_and_the_environment_wins(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("COLLECTIONS_TIMEZONE=Europe/Paris\nCOLLECTIONS_AS_OF=2026-06-30\n")
    settings = load_settings(
        {"COLLECTIONS_HOME": str(tmp_path / "home"), "COLLECTIONS_AS_OF": "2026-07-31"},
        env_file=env_file,
    )
    assert settings.timezone == "Europe/Paris"
    assert settings.as_of_date == date(2026, 7, 31)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-07-01T09:00:00+08:00", datetime(2026, 7, 1, 1)),
        ("2026-07-01 09:00", datetime(2026, 7, 1, 1)),
        ("2026-07-01T09:00:00Z", datetime(2026, 7, 1, 9)),
    ],
)
def test_known_at_becomes_utc_and_is_local_without_an_offset(text: str, instant: datetime) -> None:
    settings = load_settings({"COLLECTIONS_KNOWN_AT": text}, env_file=NO_FILE)
    assert settings.known_at == instant


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("COLLECTIONS_AS_OF", "30.06.2026", "2026-06-30"),
        ("COLLECTIONS_AS_OF", "2026-02-30", "2026-06-30"),
        ("COLLECTIONS_KNOWN_AT", "yesterday", "2026-07-01T09:00:00+08:00"),
        ("COLLECTIONS_KNOWN_AT", "2026-07-01", "2026-07-01T09:00:00+08:00"),
        ("COLLECTIONS_REPORTING_CURRENCY", "yuan", "three"),
        ("COLLECTIONS_TIMEZONE", "Mars/Olympus", "Asia/Shanghai"),
        ("COLLECTIONS_SOURCES", "no/such/folder", "exists"),
        ("COLLECTIONS_SEEDS", "no/such/folder", "exists"),
        ("COLLECTIONS_THREADS", "0", "from 1"),
        ("COLLECTIONS_THREADS", "two", "from 1"),
        ("COLLECTIONS_MEMORY_LIMIT", "4", "4GB"),
        ("COLLECTIONS_MEMORY_LIMIT", "80%", "4GB"),
        ("COLLECTIONS_MEMORY_LIMIT", "499MB", "500MB or more"),
        ("COLLECTIONS_HOME", "/", "folder of its own"),
    ],
)
def test_a_bad_value_is_refused_with_name_value_and_what_is_allowed(
    name: str, value: str, allowed: str
) -> None:
    with pytest.raises(SettingError) as refusal:
        load_settings({name: value}, env_file=NO_FILE)
    assert name in str(refusal.value)
    assert repr(value) in str(refusal.value)
    assert allowed in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "limit"), [("4GB", "4000MB"), ("4 GB", "4000MB"), ("500MB", "500MB")]
)
def test_the_memory_limit_is_read_in_megabytes(text: str, limit: str) -> None:
    assert load_settings({"COLLECTIONS_MEMORY_LIMIT": text}, env_file=NO_FILE).memory_limit == limit


@pytest.mark.parametrize(("pages", "limit"), [(10**9, "4000MB"), (10**6, "2048MB"), (1, "500MB")])
def test_unasked_half_of_the_memory_is_used_and_never_more_than_4_gb(
    monkeypatch: pytest.MonkeyPatch, pages: int, limit: str
) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": pages, "SC_PAGE_SIZE": 4096}.get)
    assert load_settings({}, env_file=NO_FILE).memory_limit == limit


def test_a_short_key_is_refused_without_showing_it() -> None:
    with pytest.raises(SettingError, match="COLLECTIONS_PII_KEY has 6 characters") as refusal:
        load_settings({"COLLECTIONS_PII_KEY": "hunter"}, env_file=NO_FILE)
    assert "hunter" not in str(refusal.value)


def test_settings_do_not_print_their_key() -> None:
    settings = load_settings({"COLLECTIONS_PII_KEY": "a key that is long enough"}, env_file=NO_FILE)
    assert "long enough" not in repr(settings)
    assert "long enough" not in str(settings)


def test_a_misspelled_name_is_refused() -> None:
    with pytest.raises(SettingError, match="COLLECTIONS_TIME_ZONE is no setting"):
        load_settings({"COLLECTIONS_TIME_ZONE": "Asia/Shanghai"}, env_file=NO_FILE)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with pytest.raises(SettingError, match="which is a file"):
        load_settings({"COLLECTIONS_HOME": str(tmp_path / "home")}, env_file=NO_FILE)


@pytest.mark.parametrize("target", ["home/archive", "home/archive/inside", "home", "."])
def test_a_landing_folder_linked_into_or_around_an_output_is_refused(
    tmp_path: Path, target: str
) -> None:
    home = tmp_path / "home"
    (home / "archive" / "inside").mkdir(parents=True)
    (home / "landing").symlink_to(tmp_path / target)
    with pytest.raises(SettingError, match=r"landing is .* the output archive"):
        load_settings({"COLLECTIONS_HOME": str(home)}, env_file=NO_FILE)


def test_an_output_linked_into_the_landing_folder_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "landing" / "2026-01-01").mkdir(parents=True)
    (home / "rejected").symlink_to(home / "landing" / "2026-01-01")
    with pytest.raises(SettingError, match="the output rejected"):
        load_settings({"COLLECTIONS_HOME": str(home)}, env_file=NO_FILE)


def test_seeds_inside_an_output_are_refused(tmp_path: Path) -> None:
    seeds = tmp_path / "home" / "lake" / "seeds"
    seeds.mkdir(parents=True)
    with pytest.raises(SettingError, match=r"COLLECTIONS_SEEDS is .* the output lake"):
        load_settings(
            {"COLLECTIONS_HOME": str(tmp_path / "home"), "COLLECTIONS_SEEDS": str(seeds)},
            env_file=NO_FILE,
        )


def test_a_new_home_is_private_and_opened_folders_stay_open(tmp_path: Path) -> None:
    home = tmp_path / "home"
    opened = {"landing": 0o730, "published": 0o750}
    for name, mode in opened.items():
        (home / name).mkdir(parents=True)
        (home / name).chmod(mode)
    home.chmod(0o711)
    settings = load_settings({"COLLECTIONS_HOME": str(home)}, env_file=NO_FILE)
    before = os.umask(0o022)
    try:
        prepare_home(settings)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, *home.iterdir())}
    assert modes.pop("home") == 0o711
    assert {name: modes.pop(name) for name in opened} == opened
    assert set(modes.values()) == {0o700}
    assert {"archive", "lake", "quarantine", "rejected", "data_docs"} <= set(modes)


def test_the_tools_are_told_to_be_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DO_NOT_TRACK", "DAGSTER_DISABLE_TELEMETRY", "GX_ANALYTICS_ENABLED"):
        monkeypatch.delenv(name, raising=False)
    for name in (
        "COLLECTIONS_HOME",
        "COLLECTIONS_MEMORY_LIMIT",
        "COLLECTIONS_THREADS",
        "DAGSTER_HOME",
    ):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "true")
    settings = load_settings({"COLLECTIONS_HOME": str(tmp_path)}, env_file=NO_FILE)
    set_environment(settings)
    assert os.environ["DO_NOT_TRACK"] == "1"
    assert os.environ["DAGSTER_DISABLE_TELEMETRY"] == "1"
    assert os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"
    assert os.environ["GX_ANALYTICS_ENABLED"] == "False"
    assert os.environ["DAGSTER_HOME"] == str(tmp_path / "dagster")
