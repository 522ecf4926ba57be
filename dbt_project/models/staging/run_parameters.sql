-- Grain: one row. What this run was asked: every model takes its dates from here, never from a
-- clock.
{{ config(materialized='table') }}

with delivered as (
    select * from {{ source('raw', 'run_parameters') }}
),

parameters as (
    select
        cast(as_of_date as date) as as_of_date,
        cast(known_at as timestamp) as known_at,
        cast(reporting_currency as varchar) as reporting_currency_code,
        cast(timezone as varchar) as timezone,
        cast(run_id as varchar) as run_id,
        cast(code_version as varchar) as code_version,
        cast(previous_as_of_date as date) as previous_as_of_date,
        cast(previous_known_at as timestamp) as previous_known_at
    from delivered
)

select * from parameters
