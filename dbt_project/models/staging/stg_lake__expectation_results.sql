-- Grain: one row per run, load and expectation, of the loads known at the run's known_at.
-- A result has no instant of its own: it is known when its load is.
with delivered as (
    select * from {{ source('raw', 'expectation_results') }}
),

loads as (
    select
        load_id,
        run_id
    from {{ ref('stg_lake__loads') }}
    group by load_id, run_id
),

known as (
    select
        cast(delivered.run_id as varchar) as run_id,
        cast(delivered.load_id as varchar) as load_id,
        cast(delivered.extract as varchar) as extract_name,
        cast(delivered.source as varchar) as source_name,
        cast(delivered.delivery_date as date) as delivery_date,
        cast(delivered.expectation_code as varchar) as expectation_code,
        cast(delivered.severity as varchar) as severity,
        cast(delivered.is_met as boolean) as is_met,
        cast(delivered.checked_count as bigint) as checked_count,
        cast(delivered.unexpected_count as bigint) as unexpected_count,
        cast(delivered.sample as varchar) as sample_keys,
        cast(delivered.observed as varchar) as observed_text,
        cast(delivered.description as varchar) as description
    from delivered
    inner join loads
        on
            delivered.load_id = loads.load_id
            and delivered.run_id = loads.run_id
)

select * from known
