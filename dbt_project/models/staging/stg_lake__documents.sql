-- Grain: one row per company, document, installment and delivery, of the loads known at the run's
-- known_at.
with delivered as (
    select * from {{ source('raw', 'ledger') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.company_code as varchar) as company_code,
        cast(delivered.document_id as varchar) as document_id,
        cast(delivered.installment_no as integer) as installment_no,
        cast(delivered.customer_id as varchar) as customer_id,
        cast(delivered.document_type as varchar) as document_type,
        cast(delivered.document_date as date) as document_date,
        cast(delivered.due_date as date) as due_date,
        cast(delivered.payment_terms_days as integer) as payment_terms_days,
        cast(delivered.currency_code as varchar) as currency_code,
        cast(delivered.amount as decimal(18, 2)) as amount_document,
        cast(delivered.amount_reporting as decimal(18, 2)) as amount,
        cast(delivered.applies_to_document_id as varchar) as applies_to_document_id,
        cast(delivered.has_open_dispute as boolean) as has_open_dispute,
        cast(delivered.dispute_reason as varchar) as dispute_reason,
        cast(delivered.legal_status as varchar) as legal_status,
        cast(delivered.salesperson_id as varchar) as salesperson_id,
        cast(delivered.description as varchar) as description,
        cast(delivered.is_withdrawn as boolean) as is_withdrawn,
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
