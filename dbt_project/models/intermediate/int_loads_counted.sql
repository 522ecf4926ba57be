-- Grain: one row per load record: one delivered file in one extract.
-- Beside what ingest wrote down stands what is found in the lake and in the quarantine by counting.
{%- set extracts = {
    'ledger': ['stg_lake__documents', 'amount_document'],
    'payments': ['stg_lake__payments', 'amount_document'],
    'control_totals': ['stg_lake__control_totals', 'amount'],
    'contact_log': ['stg_lake__contacts', none],
    'customers': ['stg_lake__customers', none],
    'collectors': ['stg_lake__collectors', none],
    'portfolios': ['stg_lake__portfolios', none],
    'targets': ['stg_lake__targets', none],
    'surveys': ['stg_lake__surveys', none],
    'trainings': ['stg_lake__trainings', none],
    'fx_rates': ['stg_lake__fx_rates', none],
} %}
with loads as (
    select * from {{ ref('stg_lake__loads') }}
),

quarantined_rows as (
    select * from {{ ref('stg_lake__quarantined_rows') }}
),

{%- for extract, (model, amount_column) in extracts.items() %}

    {{ extract }}_rows as (
        select
            _load_id as load_id,
            count(*) as row_count,
            {{ 'sum(' ~ amount_column ~ ')' if amount_column else 'cast(null as decimal(28, 2))' }}
                as amount
        from {{ ref(model) }}
        group by _load_id
    ),
{%- endfor %}

lake_counts as (
    {%- for extract in extracts %}
        select
            '{{ extract }}' as extract_name,
            load_id,
            row_count,
            cast(amount as decimal(28, 2)) as amount
        from {{ extract }}_rows
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

quarantine_counts as (
    select
        extract_name,
        load_id,
        count(*) as row_count,
        cast(sum(amount) as decimal(28, 2)) as amount
    from quarantined_rows
    group by extract_name, load_id
),

final as (
    select
        loads.load_id,
        loads.load_sequence,
        loads.run_id,
        loads.source_name,
        loads.extract_name,
        loads.delivery_date,
        loads.delivery_kind,
        loads.file_name,
        loads.file_sha256,
        loads.file_bytes,
        loads.load_status,
        loads.reason_code,
        loads.reason_detail,
        loads.recorded_at,
        loads.received_at,
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
        loads.unknown_columns,
        coalesce(lake_counts.row_count, 0) as lake_row_count,
        coalesce(lake_counts.amount, 0) as lake_amount,
        coalesce(quarantine_counts.row_count, 0) as quarantine_row_count,
        coalesce(quarantine_counts.amount, 0) as quarantine_amount
    from loads
    left join lake_counts
        on
            loads.load_status = 'admitted'
            and loads.extract_name = lake_counts.extract_name
            and loads.load_id = lake_counts.load_id
    left join quarantine_counts
        on
            loads.load_status = 'admitted'
            and loads.extract_name = quarantine_counts.extract_name
            and loads.load_id = quarantine_counts.load_id
)

select * from final
