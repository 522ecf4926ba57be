"""The SQL linter, on models with faults put in: no branch of a model goes unread."""

import json
import subprocess
import sys

from tests.warehouse import PROJECT

MODEL = """\
-- Grain: one row per payment.
{%- set columns = ['payment_id', 'payment_amount'] %}

with payments as (
    {%- if is_refresh() %}
        select
            {{ columns | join(', ') }},
            SUM(payment_amount) over (order by payment_id) as refreshed_amount
        from {{ ref('payments_touched') }}
    {%- else %}
        select
            {{ columns | join(', ') }},
            Sum(payment_amount) over (order by payment_id) as refreshed_amount
        from {{ ref('payments') }} as unused_name
    {%- endif %}
)

select * from payments
"""


def test_faults_in_both_branches_of_a_model_are_found() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dbt_project.lint_sql", "lint", "--format", "json", "-"],
        cwd=PROJECT.parent,
        input=MODEL.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    [linted] = json.loads(done.stdout)
    found = {(fault["start_line_no"], fault["code"]) for fault in linted["violations"]}
    assert found == {(8, "CP03"), (13, "CP03"), (14, "AL05")}
