-- Grain: one row per load of a file into an extract, whatever became of it.
with loads as (
    select * from {{ ref('stg_lake__loads') }}
),

final as (
    select
        load_id,
        load_sequence,
        run_id,
        source_name,
        extract_name,
        delivery_date,
        delivery_kind,
        file_name,
        file_sha256,
        file_bytes,
        mapping_fingerprint,
        load_status,
        reason_code,
        reason_detail,
        recorded_at,
        received_at,
        read_row_count,
        accepted_row_count,
        duplicate_row_count,
        quarantined_row_count,
        dropped_row_count,
        filtered_row_count,
        read_amount,
        accepted_amount,
        duplicate_amount,
        quarantined_amount,
        dropped_amount,
        filtered_amount,
        control_row_count,
        control_amount,
        unknown_columns,
        parquet_path,
        parquet_sha256
    from loads
)

select * from final
