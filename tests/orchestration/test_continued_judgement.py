"""When it is enough to look at what a build changed in the marts."""

from types import SimpleNamespace

import pytest

from orchestration import checks


@pytest.mark.parametrize(
    ("continued", "published", "is_enough"),
    [
        ("a", "a", True),
        ("b", "a", False),  # b was built and never published: nobody knows that it is right
        (None, "a", False),
        (None, "", False),  # published by a version that named no build
        ("a", None, False),
    ],
)
def test_changes_are_enough_when_the_published_build_is_continued(
    monkeypatch: pytest.MonkeyPatch, continued: str | None, published: str | None, is_enough: bool
) -> None:
    version = None if published is None else SimpleNamespace(build=published)
    monkeypatch.setattr(checks.state, "read_stamp", lambda _: SimpleNamespace(continued=continued))
    monkeypatch.setattr(checks, "current_version", lambda _: version)
    settings = SimpleNamespace(published=None)
    assert checks.continues_published(settings) is is_enough  # type: ignore[arg-type]


def test_without_a_finished_build_everything_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks.state, "read_stamp", lambda _: None)
    monkeypatch.setattr(checks, "current_version", lambda _: SimpleNamespace(build="a"))
    settings = SimpleNamespace(published=None)
    assert not checks.continues_published(settings)  # type: ignore[arg-type]
