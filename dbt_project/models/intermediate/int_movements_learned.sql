-- Grain: one row per movement of a document and interval of knowledge, of customers who promised,
-- that was told of after its month, or is not known any more. A month is a number: months since
-- January 1970; what the first delivery of the ledger tells was known from the beginning.
{%- set first_recorded_at = 'parameters.first_recorded_at' %}
{%- set timezone = 'parameters.timezone' %}
with movements as (
    select * from {{ ref('receivable_movements') }}
    where item_type = 'document'
),

promises as (
    select * from {{ ref('int_promises_windowed') }}
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

promising_customers as (
    select customer_id
    from promises
    group by customer_id
),

recorded_at as (
    select _recorded_at
    from movements
    group by _recorded_at
),

-- The instants, few of them, at which something could be told late.
late_instants as (
    select
        recorded_at._recorded_at,
        {{ month_number(local_date('recorded_at._recorded_at', timezone)) }} as month_no
    from recorded_at
    cross join parameters
    where recorded_at._recorded_at > parameters.first_recorded_at
),

told_late as (
    select
        movements.customer_id,
        movements.document_id,
        movements.effective_date,
        movements._superseded_at,
        late_instants.month_no as recorded_month_no
    from movements
    inner join late_instants
        on movements._recorded_at = late_instants._recorded_at
    where late_instants.month_no > {{ month_number('movements.effective_date') }}
),

taken_back as (
    select
        movements.customer_id,
        movements.document_id,
        movements.effective_date,
        movements._superseded_at,
        {{ known_from_month('movements._recorded_at', first_recorded_at, timezone) }}
            as recorded_month_no
    from movements
    cross join parameters
    where movements._superseded_at < {{ far_future_at() }}
),

learned as (
    select * from told_late
    union
    select * from taken_back
),

final as (
    select
        learned.customer_id,
        learned.document_id,
        learned.effective_date,
        {{ month_number('learned.effective_date') }} as effective_month_no,
        learned.recorded_month_no,
        {{ known_from_month('learned._superseded_at', first_recorded_at, timezone) }}
            as superseded_month_no
    from learned
    cross join parameters
    inner join promising_customers
        on learned.customer_id = promising_customers.customer_id
    where learned.effective_date <= parameters.as_of_date
)

select * from final
