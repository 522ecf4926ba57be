-- Grain: one row per load record: one delivered file in one extract, whatever became of it.
with loads as (
    select * from {{ ref('int_loads_counted') }}
),

superseded as (
    select * from {{ ref('int_loads_superseded') }}
),

final as (
    select
        loads.load_sequence,
        loads.load_id,
        loads.run_id,
        loads.delivery_date,
        loads.source_name,
        loads.extract_name,
        loads.file_name,
        loads.file_sha256,
        loads.file_bytes,
        loads.delivery_kind,
        loads.load_status,
        loads.reason_code,
        loads.reason_detail,
        loads.recorded_at,
        loads.received_at,
        case when loads.load_status = 'admitted' then superseded.superseded_at end
            as superseded_at,
        loads.read_row_count,
        loads.accepted_row_count,
        loads.duplicate_row_count,
        loads.quarantined_row_count,
        loads.dropped_row_count,
        loads.filtered_row_count,
        loads.read_amount,
        loads.accepted_amount,
        loads.duplicate_amount,
        loads.quarantined_amount,
        loads.dropped_amount,
        loads.filtered_amount,
        loads.control_row_count,
        loads.control_amount,
        loads.unknown_columns
    from loads
    left join superseded
        on loads.load_id = superseded.load_id
)

select * from final
