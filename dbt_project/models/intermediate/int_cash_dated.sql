-- Grain: one row per cash application effective by the as-of date, reversals among them.
{{ config(materialized='view') }}

with cash_applications as (
    select * from {{ ref('cash_applications') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

until_as_of_date as (
    select cash_applications.*
    from cash_applications
    cross join run_parameters
    where cash_applications.effective_date <= run_parameters.as_of_date
)

select * from until_as_of_date
