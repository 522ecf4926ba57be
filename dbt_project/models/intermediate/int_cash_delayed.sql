-- Grain: one row per origin, customer and days from the due date to cash, in the history before
-- the origin, as known then; write-offs apart, which no cash follows.
with movements as (
    select * from {{ ref('receivable_movements') }}
    where
        item_type = 'document'
        and movement_type in ('payment', 'application', 'payment_reversal', 'write_off')
        and amount is not null
),

items as (
    select * from {{ ref('receivable_items') }}
    where item_type = 'document'
),

customers as (
    select * from {{ ref('stg_lake__customers') }}
),

origins as (
    select * from {{ ref('int_forecast_origins') }}
),

forecast_rules as (
    select * from {{ ref('forecast_rules') }}
),

origins_spanned as (
    select
        origins.origin_date,
        origins.origin_known_at,
        {{ add_days('origins.origin_date', '-forecast_rules.history_days') }} as history_date
    from origins
    cross join forecast_rules
),

segments_ranked as (
    select
        origins.origin_date,
        customers.customer_id,
        customers.segment,
        row_number() over (
            partition by origins.origin_date, customers.customer_id
            order by
                customers._recorded_at desc,
                customers._load_sequence desc,
                customers._row_number desc
        ) as recency_rank
    from customers
    inner join origins
        on customers._recorded_at <= origins.origin_known_at
),

known as (
    select
        origins_spanned.origin_date,
        items.customer_id,
        {{ days_between('items.due_date', 'movements.effective_date') }} as delay_days,
        movements.movement_type = 'write_off' as is_write_off,
        movements.source_id,
        -movements.amount as amount
    from movements
    inner join origins_spanned
        on
            movements.effective_date > origins_spanned.history_date
            and movements.effective_date <= origins_spanned.origin_date
            and movements._recorded_at <= origins_spanned.origin_known_at
            and movements._superseded_at > origins_spanned.origin_known_at
    inner join items
        on
            movements.company_code = items.company_code
            and movements.document_id = items.document_id
            and movements.installment_no = items.installment_no
            and origins_spanned.origin_known_at >= items._recorded_at
            and origins_spanned.origin_known_at < items._superseded_at
),

payments_counted as (
    select
        origin_date,
        customer_id,
        count(distinct case when not is_write_off and amount > 0 then source_id end)
            as customer_payment_count
    from known
    group by origin_date, customer_id
),

delays as (
    select
        origin_date,
        customer_id,
        delay_days,
        is_write_off,
        sum(amount) as amount
    from known
    group by origin_date, customer_id, delay_days, is_write_off
),

final as (
    select
        delays.origin_date,
        coalesce(segments_ranked.segment, 'unassigned') as segment,
        delays.customer_id,
        delays.delay_days,
        delays.is_write_off,
        payments_counted.customer_payment_count,
        delays.amount
    from delays
    inner join payments_counted
        on
            delays.origin_date = payments_counted.origin_date
            and delays.customer_id = payments_counted.customer_id
    left join segments_ranked
        on
            delays.origin_date = segments_ranked.origin_date
            and delays.customer_id = segments_ranked.customer_id
            and segments_ranked.recency_rank = 1
)

select * from final
