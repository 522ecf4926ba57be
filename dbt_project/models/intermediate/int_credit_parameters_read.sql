-- Grain: one row. What grades are made by: the run's day, the instant of the first delivery of the
-- ledger, and how many months they look back on.
{{ config(materialized='view') }}

with loads as (
    select * from {{ ref('stg_lake__loads') }}
    where
        extract_name = 'ledger'
        and load_status = 'admitted'
),

credit_rules as (
    select * from {{ ref('credit_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

first_loads as (
    select min(recorded_at) as first_recorded_at
    from loads
),

final as (
    select
        run_parameters.as_of_date,
        run_parameters.timezone,
        first_loads.first_recorded_at,
        credit_rules.history_months
    from run_parameters
    cross join credit_rules
    cross join first_loads
)

select * from final
