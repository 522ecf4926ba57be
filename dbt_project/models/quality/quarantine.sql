-- Grain: one row per quarantined row, with the load that later brought it in repaired, if any.
with quarantined_rows as (
    select * from {{ ref('int_quarantined_rows_resolved') }}
),

final as (
    select
        load_id,
        source_name,
        extract_name,
        delivery_date,
        source_file,
        row_number,
        reason_code,
        column_name,
        expected_text,
        found_text,
        raw_text,
        row_key,
        amount,
        recorded_at,
        is_resolved,
        resolved_at,
        resolving_load_id
    from quarantined_rows
)

select * from final
