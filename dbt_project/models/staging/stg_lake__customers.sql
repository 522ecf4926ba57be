-- Grain: one row per customer and delivery, of the loads known at the run's known_at.
with delivered as (
    select * from {{ source('raw', 'customers') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(delivered.customer_id as varchar) as customer_id,
        cast(delivered.customer_name as varchar) as customer_name,
        cast(delivered.segment as varchar) as segment,
        cast(delivered.region as varchar) as region,
        cast(delivered.parent_customer_id as varchar) as parent_customer_id,
        cast(delivered.credit_limit as decimal(18, 2)) as credit_limit_amount,
        cast(delivered.payment_terms_days as integer) as payment_terms_days,
        cast(delivered.currency_code as varchar) as currency_code,
        cast(delivered.timezone as varchar) as timezone,
        cast(delivered.is_insolvent as boolean) as is_insolvent,
        cast(delivered.onboarded_date as date) as onboarded_date,
        cast(delivered.phone as varchar) as phone,
        cast(delivered.email as varchar) as email,
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
