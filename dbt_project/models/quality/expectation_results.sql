-- Grain: one row per run, load and expectation.
with expectation_results as (
    select * from {{ ref('stg_lake__expectation_results') }}
),

final as (
    select
        run_id,
        load_id,
        extract_name,
        source_name,
        delivery_date,
        expectation_code,
        severity,
        is_met,
        checked_count,
        unexpected_count,
        sample_keys,
        observed_text,
        description
    from expectation_results
)

select * from final
