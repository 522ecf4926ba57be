-- Grain: one row per delivered row that was not accepted.
with quarantined_rows as (
    select * from {{ ref('int_quarantined_rows_resolved') }}
),

final as (
    select
        delivery_date,
        source_name,
        extract_name,
        source_file,
        row_number,
        load_id,
        reason_code,
        column_name,
        expected_text,
        found_text,
        raw_text,
        row_key,
        cast(amount as decimal(28, 2)) as amount,
        recorded_at,
        is_resolved,
        resolved_at,
        resolving_load_id
    from quarantined_rows
)

select * from final
