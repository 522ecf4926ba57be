-- Grain: one row per extract, delivery, source, balance and delivery of the control itself, of the
-- loads known at the run's known_at.
with delivered as (
    select * from {{ source('raw', 'control_totals') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.extract as varchar) as extract_name,
        cast(delivered.delivery_date as date) as controlled_delivery_date,
        cast(delivered.source as varchar) as controlled_source,
        cast(delivered.row_count as bigint) as row_count,
        cast(delivered.amount as decimal(18, 2)) as amount,
        cast(delivered.company_code as varchar) as company_code,
        cast(delivered.currency_code as varchar) as currency_code,
        cast(delivered.balance_date as date) as balance_date,
        cast(delivered._load_id as varchar) as _load_id,
        cast(delivered._load_sequence as bigint) as _load_sequence,
        cast(delivered._source as varchar) as _source,
        cast(delivered._source_file as varchar) as _source_file,
        cast(delivered._row_number as bigint) as _row_number,
        cast(delivered._delivery_date as date) as _delivery_date,
        cast(delivered._delivery_kind as varchar) as _delivery_kind,
        cast(delivered._recorded_at as timestamp) as _recorded_at
    from delivered
    cross join run_parameters
    where delivered._recorded_at <= run_parameters.known_at
)

select * from known
