"""dbt's own unit tests, which stand beside the models: each model alone, on rows of its own."""

from datetime import date
from pathlib import Path

import pytest
import yaml

from tests.builds import build_warehouse
from tests.warehouse import PROJECT, run_dbt

pytestmark = pytest.mark.warehouse


def test_every_unit_test_of_a_model_passes(tmp_path: Path) -> None:
    build_warehouse(tmp_path, {}, as_of_date=date(2024, 1, 31))
    ended = {one.node.name for one in run_dbt(tmp_path, "test", select=["test_type:unit"])}
    written = {
        one["name"]
        for file in PROJECT.rglob("*__unit_tests.yml")
        for one in yaml.safe_load(file.read_text("utf-8"))["unit_tests"]
    }
    assert ended == written
