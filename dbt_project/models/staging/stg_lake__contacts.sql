-- Grain: one row per contact and delivery, of the loads known at the run's known_at.
with delivered as (
    select * from {{ source('raw', 'contact_log') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.contact_id as varchar) as contact_id,
        cast(delivered.customer_id as varchar) as customer_id,
        cast(delivered.document_id as varchar) as document_id,
        cast(delivered.collector_id as varchar) as collector_id,
        cast(delivered.contacted_at as timestamp) as contacted_at,
        cast(delivered.channel as varchar) as channel,
        cast(delivered.direction as varchar) as direction,
        cast(delivered.outcome as varchar) as outcome,
        cast(delivered.promised_amount as decimal(18, 2)) as promised_amount,
        cast(delivered.promised_date as date) as promised_date,
        cast(delivered.duration_seconds as integer) as duration_seconds,
        cast(delivered.is_complaint_upheld as boolean) as is_complaint_upheld,
        cast(delivered.evidence_reference as varchar) as evidence_reference,
        cast(delivered.note as varchar) as note,
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
