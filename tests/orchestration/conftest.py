"""A small home with a small dbt project, so that whole refreshes take seconds."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # The tools' own dependencies warn on import, which is not ours to answer for.
    warnings.simplefilter("ignore")
    import dagster_dbt  # noqa: F401

from orchestration import dbt_runs
from orchestration.settings import PROJECT_ROOT, Settings, load_settings, prepare_home

PROJECT_FILES = {
    "dbt_project.yml": """
name: collections
version: "1.0.0"
config-version: 2
profile: collections
model-paths: ["models"]
seed-paths: ["seeds"]
macro-paths: ["macros"]
test-paths: ["tests"]
flags: {send_anonymous_usage_stats: false, use_colors: false}
models:
  collections:
    +materialized: table
    intermediate: {+schema: intermediate}
    marts: {+schema: marts}
seeds:
  collections: {+schema: intermediate}
""",
    "models/sources.yml": """
version: 2
sources:
  - name: raw
    tables:
      - name: ledger
        config:
          meta:
            external_location: >-
              read_parquet('lake/ledger/*.parquet', hive_partitioning=false, union_by_name=true)
      - name: loads
        config:
          meta:
            external_location: "read_parquet('lake/_loads/*.parquet')"
      - name: run_parameters
        config:
          meta:
            external_location: "read_parquet('run_parameters.parquet')"
""",
    "models/marts/trust/load_history.sql": """
select load_id, extract, status as load_status from {{ source('raw', 'loads') }}
""",
    "models/marts/receivables/billed_by_currency.sql": """
select ledger.currency_code, sum(ledger.amount) as billed_amount
from {{ source('raw', 'ledger') }} as ledger
cross join {{ source('raw', 'run_parameters') }} as run_parameters
cross join {{ ref('limits') }} as limits
where ledger._recorded_at <= run_parameters.known_at and ledger.amount >= limits.lowest_amount
group by ledger.currency_code
""",
    "models/intermediate/int_documents_touched.sql": """
select distinct ledger.document_id
from {{ source('raw', 'ledger') }} as ledger
cross join {{ source('raw', 'run_parameters') }} as run_parameters
where
    ledger._recorded_at > run_parameters.previous_known_at
    and ledger._recorded_at <= run_parameters.known_at
""",
    "models/marts/receivables/latest_by_document.sql": """
{{ config(**replaces_touched(by='int_documents_touched', keys=['document_id'])) }}
select
    ledger.document_id,
    arg_max(ledger.customer_id, (ledger._recorded_at, ledger.amount)) as customer_id,
    arg_max(ledger.amount, (ledger._recorded_at, ledger.amount)) as amount
from {{ source('raw', 'ledger') }} as ledger
cross join {{ source('raw', 'run_parameters') }} as run_parameters
where
    ledger._recorded_at <= run_parameters.known_at
    and {{ touched_only('ledger', 'int_documents_touched', ['document_id']) }}
group by ledger.document_id
""",
    "models/marts/receivables/large_by_document.sql": """
{{ config(**replaces_touched(by='int_documents_touched', keys=['document_id'])) }}
select latest.document_id, latest.amount
from {{ ref('latest_by_document') }} as latest
cross join {{ ref('limits') }} as limits
where
    latest.amount >= limits.lowest_amount
    and {{ touched_only('latest', 'int_documents_touched', ['document_id']) }}
""",
    "models/marts/models.yml": """
version: 2
models:
  - name: latest_by_document
    description: One row per document.
    columns:
      - {name: document_id, description: The document.}
      - {name: customer_id, description: Who owes it., config: {tags: [pii]}}
      - {name: amount, description: What was billed last.}
  - name: large_by_document
    description: One row per document above the limit.
  - name: load_history
    description: One row per load.
    columns: [{name: load_id, description: The load., data_tests: [not_null]}]
  - name: billed_by_currency
    description: One row per currency.
    columns:
      - {name: currency_code, description: The currency.}
      - {name: billed_amount, description: What was billed.}
  - name: proofs
    description: One row per currency.
""",
    "models/marts/trust/proofs.sql": """
select
    'P1' as proof_code,
    'main' as company_code,
    billed.currency_code,
    run_parameters.as_of_date,
    billed.billed_amount as left_amount,
    least(billed.billed_amount, 999999) as right_amount,
    billed.billed_amount - least(billed.billed_amount, 999999) as difference_amount,
    billed.billed_amount < 1000000 as is_closed
from {{ ref('billed_by_currency') }} as billed
cross join {{ source('raw', 'run_parameters') }} as run_parameters
""",
    "tests/assert_proofs_are_closed.sql": """
-- Of two models, so that its check must be shown on one of them.
select proofs.currency_code
from {{ ref('proofs') }} as proofs
cross join {{ ref('limits') }} as limits
where not proofs.is_closed
""",
    "tests/assert_seeds_are_valid.sql": """
with faults as (
    select 'limits' as seed, 'below zero: ' || cast(lowest_amount as varchar) as fault
    from {{ ref('limits') }}
    where lowest_amount < 0
)

{{ stop_at_faults('faults', "seed || ': ' || fault") }}
""",
    "seeds/limits.csv": "lowest_amount\n0\n",
}


@pytest.fixture(scope="session")
def small_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dbt project of one seed, five marts, of which two are big, and three tests."""
    folder = tmp_path_factory.mktemp("small_project")
    source = PROJECT_ROOT / "dbt_project"
    for path in (source / "profiles.yml", *sorted((source / "macros").glob("*.sql"))):
        _write(folder / path.relative_to(source), path.read_text("utf-8"))
    for name, text in PROJECT_FILES.items():
        _write(folder / name, text)
    return folder


@pytest.fixture
def environment() -> Iterator[None]:
    """The environment and the working mask as they were, after the test."""
    variables = dict(os.environ)
    mask = os.umask(0o077)
    yield
    os.umask(mask)
    os.environ.clear()
    os.environ.update(variables)


@pytest.fixture
def settings(
    tmp_path: Path, small_project: Path, environment: None, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings of an empty home in which the small project is built."""
    monkeypatch.setattr(dbt_runs, "SOURCE", small_project)
    monkeypatch.setenv("COLLECTIONS_HOME", str(tmp_path / "home"))
    settings = load_settings(env_file=Path("no such file"))
    prepare_home(settings)
    return settings


LEDGER_HEADER = "document_id,customer_id,document_type,document_date,currency_code,amount"
TOTALS_HEADER = "extract,delivery_date,source,row_count"


def deliver(
    settings: Settings,
    delivery_date: str,
    rows: str,
    *,
    extract: str = "ledger",
    source: str = "canonical",
    header: str = LEDGER_HEADER,
) -> Path:
    """Put a file into the landing folder, old enough to be complete."""
    path = settings.landing / delivery_date / source / f"{extract}.csv"
    _write(path, f"{header}\n{rows}")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
