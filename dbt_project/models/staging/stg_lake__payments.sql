-- Grain: one row per company, payment, line and delivery, of the loads known at the run's known_at.
with delivered as (
    select * from {{ source('raw', 'payments') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.company_code as varchar) as company_code,
        cast(delivered.payment_id as varchar) as payment_id,
        cast(delivered.line_no as integer) as line_no,
        cast(delivered.customer_id as varchar) as customer_id,
        cast(delivered.payment_date as date) as payment_date,
        cast(delivered.currency_code as varchar) as currency_code,
        cast(delivered.amount as decimal(18, 2)) as amount_document,
        cast(delivered.document_id as varchar) as document_id,
        cast(delivered.installment_no as integer) as installment_no,
        cast(delivered.application_date as date) as application_date,
        cast(delivered.discount_amount as decimal(18, 2)) as discount_amount_document,
        cast(delivered.method as varchar) as payment_method,
        cast(delivered.reverses_payment_id as varchar) as reverses_payment_id,
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
