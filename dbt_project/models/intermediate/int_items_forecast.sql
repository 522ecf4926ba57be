-- Grain: one row per origin and item above zero that was open on it, as known then, with what a
-- promise says will come of it and when its customer's habit says that the rest will.
-- The habit is the average delay of cash after the due date, weighted by amount, in the history
-- before the origin; of a customer with fewer payments than have full weight, its segment's delay
-- has the rest of the weight. A promise on the document goes before one of the customer; it stands
-- as it did then, by the cash that was known then.
{%- set item = ['company_code', 'document_id', 'installment_no'] %}
with movements as (
    select * from {{ ref('receivable_movements') }}
    where item_type = 'document'
),

items as (
    select * from {{ ref('receivable_items') }}
    where item_type = 'document'
),

spans as (
    select * from {{ ref('receivables_by_span') }}
    where item_type = 'document'
),

customers as (
    select * from {{ ref('stg_lake__customers') }}
),

promises as (
    select * from {{ ref('int_promises_judged') }}
),

promises_paid as (
    select * from {{ ref('int_promises_paid') }}
),

promises_then as (
    select * from {{ ref('int_promises_judged_then') }}
),

promises_paid_then as (
    select * from {{ ref('int_promises_paid_then') }}
),

-- What was known at the end of a month that is past is looked up by its number; the running month
-- has none.
origins as (
    select
        *,
        case when not is_current then {{ month_number('origin_date') }} end as past_month_no
    from {{ ref('int_forecast_origins') }}
),

forecast_rules as (
    select * from {{ ref('forecast_rules') }}
),

bounds as (
    select
        min(origin_date) as first_origin_date,
        max(origin_date) as last_origin_date,
        min(origin_known_at) as first_known_at
    from origins
),

-- Open then as is known now, or told of or taken back since: of the others nothing was open as
-- known then.
candidates as (
    select {{ columns_of(item, 'spans') }}
    from spans
    inner join bounds
        on
            spans.open_from <= bounds.last_origin_date
            and spans.open_to > bounds.first_origin_date
    union
    select {{ columns_of(item, 'movements') }}
    from movements
    inner join bounds
        on
            movements._recorded_at > bounds.first_known_at
            or (
                movements._superseded_at > bounds.first_known_at
                and movements._superseded_at < {{ far_future_at() }}
            )
),

movements_known as (
    select
        origins.origin_date,
        {{ columns_of(item, 'movements') }},
        movements.amount_document,
        movements.amount
    from movements
    inner join candidates
        on {{ equal_columns(item, 'movements', 'candidates') }}
    inner join origins
        on
            movements.effective_date <= origins.origin_date
            and movements._recorded_at <= origins.origin_known_at
            and movements._superseded_at > origins.origin_known_at
),

balances as (
    select
        origin_date,
        {{ columns_of(item) }},
        sum(amount) as open_amount
    from movements_known
    group by origin_date, {{ columns_of(item) }}
    having
        sum(amount_document) > 0
        and sum(amount) > 0
        and count(amount) = count(*)
),

segments_ranked as (
    select
        origins.origin_date,
        customers.customer_id,
        coalesce(customers.segment, 'unassigned') as segment,
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

segments as (
    select
        origin_date,
        customer_id,
        segment
    from segments_ranked
    where recency_rank = 1
),

open_items as (
    select
        balances.origin_date,
        {{ columns_of(item, 'balances') }},
        items.customer_id,
        items.due_date,
        coalesce(segments.segment, 'unassigned') as segment,
        cast(balances.open_amount as decimal(18, 2)) as open_amount
    from balances
    inner join origins
        on balances.origin_date = origins.origin_date
    inner join items
        on
            {{ equal_columns(item, 'balances', 'items') }}
            and origins.origin_known_at >= items._recorded_at
            and origins.origin_known_at < items._superseded_at
    left join segments
        on
            balances.origin_date = segments.origin_date
            and items.customer_id = segments.customer_id
    where
        {{ credit_class_of(
            'items.item_type', 'items.document_type', 'items.original_amount_document'
        ) }} is null
),

cash_delayed as (
    select * from {{ ref('int_cash_delayed') }}
    where not is_write_off
),

{%- for scope, scope_id in {
    'customer': 'customer_id', 'segment': 'segment', 'all': "'all'"
}.items() %}

    delays_of_{{ scope }} as (
        select
            origin_date,
            {{ scope_id }} as scope_id,
            max(customer_payment_count) as payment_count,
            {{ exact_ratio('sum(amount * delay_days)', 'sum(amount)') }} as delay_days
        from cash_delayed
        group by origin_date, {{ scope_id }}
        having sum(amount) > 0
    ),
{%- endfor %}


-- Promises as they stood then. One on a document that was settled by then, a cancelled one, speaks
-- for nothing: no item of it is open.
promises_standing as (
    select
        origins.origin_date,
        promises.promise_id,
        promises.customer_id,
        case when promises.promise_scope = 'document' then promises.document_id end
            as document_id,
        promises.promised_date,
        promises.promised_amount,
        promises.promised_amount_document,
        promises_then.promise_id is not null as is_judged_then,
        promises_then.first_known_no,
        case
            when promises_then.promise_id is null then promises.kept_date
            else promises_then.kept_date
        end as kept_date,
        case
            when promises_then.promise_id is null then promises.superseded_date
            else promises_then.superseded_date
        end as superseded_date
    from promises
    inner join origins
        on
            promises.promise_date <= origins.origin_date
            and promises.deadline_date >= origins.origin_date
            and promises._recorded_at <= origins.origin_known_at
    left join promises_then
        on
            promises.promise_id = promises_then.promise_id
            and origins.past_month_no >= promises_then.first_known_no
            and origins.past_month_no <= promises_then.last_known_no
),

cash_of_promises as (
    select
        promises_standing.origin_date,
        promises_standing.promise_id,
        promises_paid.matched_amount_document
    from promises_standing
    inner join promises_paid
        on
            promises_standing.promise_id = promises_paid.promise_id
            and promises_standing.origin_date >= promises_paid.effective_date
    where not promises_standing.is_judged_then
    union all
    select
        promises_standing.origin_date,
        promises_standing.promise_id,
        promises_paid_then.matched_amount_document
    from promises_standing
    inner join promises_paid_then
        on
            promises_standing.promise_id = promises_paid_then.promise_id
            and promises_standing.first_known_no = promises_paid_then.first_known_no
            and promises_standing.origin_date >= promises_paid_then.effective_date
    where promises_standing.is_judged_then
),

promises_matched as (
    select
        origin_date,
        promise_id,
        sum(matched_amount_document) as matched_amount_document
    from cash_of_promises
    group by origin_date, promise_id
),

promises_open as (
    select
        promises_standing.origin_date,
        promises_standing.customer_id,
        promises_standing.document_id,
        promises_standing.promised_date,
        {{ prorate_amount(
            'promises_standing.promised_amount',
            'promises_standing.promised_amount_document'
            ~ ' - coalesce(promises_matched.matched_amount_document, 0)',
            'promises_standing.promised_amount_document'
        ) }} as remaining_amount
    from promises_standing
    left join promises_matched
        on
            promises_standing.origin_date = promises_matched.origin_date
            and promises_standing.promise_id = promises_matched.promise_id
    where
        promises_standing.promised_amount is not null
        and (
            promises_standing.kept_date is null
            or promises_standing.kept_date > promises_standing.origin_date
        )
        and (
            promises_standing.superseded_date is null
            or promises_standing.superseded_date > promises_standing.origin_date
        )
),

promised as (
    select
        origin_date,
        customer_id,
        document_id,
        max(promised_date) as promised_date,
        sum(remaining_amount) as promised_amount
    from promises_open
    group by origin_date, customer_id, document_id
),

placed as (
    select
        open_items.*,
        on_documents.document_id as promised_document_id,
        coalesce(on_documents.promised_amount, on_customers.promised_amount)
            as promised_amount,
        coalesce(on_documents.promised_date, on_customers.promised_date) as promised_date
    from open_items
    left join promised as on_documents
        on
            open_items.origin_date = on_documents.origin_date
            and open_items.customer_id = on_documents.customer_id
            and open_items.document_id = on_documents.document_id
    left join promised as on_customers
        on
            open_items.origin_date = on_customers.origin_date
            and open_items.customer_id = on_customers.customer_id
            and on_customers.document_id is null
),

shared as (
    select
        *,
        sum(open_amount) over (
            partition by origin_date, customer_id, promised_document_id
        ) as promisable_amount
    from placed
),

habits as (
    select
        shared.*,
        own.delay_days as own_delay_days,
        least(coalesce(own.payment_count, 0), forecast_rules.full_weight_payments) as own_weight,
        coalesce(segment.delay_days, everybody.delay_days) as others_delay_days,
        forecast_rules.full_weight_payments
    from shared
    cross join forecast_rules
    left join delays_of_customer as own
        on
            shared.origin_date = own.origin_date
            and shared.customer_id = own.scope_id
    left join delays_of_segment as segment
        on
            shared.origin_date = segment.origin_date
            and shared.segment = segment.scope_id
    left join delays_of_all as everybody
        on shared.origin_date = everybody.origin_date
),

-- Where the others' payments were taken back as a whole, a habit stands by itself; where nobody has
-- paid in the history, what is due is expected when it is due.
shrunk as (
    select
        *,
        coalesce(
            {{ exact_ratio(
                'own_delay_days * own_weight'
                ~ ' + others_delay_days * (full_weight_payments - own_weight)',
                'full_weight_payments'
            ) }},
            own_delay_days,
            others_delay_days,
            0
        ) as delay_days,
        case
            when promised_amount is null then 0
            else {{ prorate_amount(
                'open_amount', 'least(promised_amount, promisable_amount)', 'promisable_amount'
            ) }}
        end as promise_amount
    from habits
),

final as (
    select
        origin_date,
        {{ columns_of(item) }},
        customer_id,
        segment,
        due_date,
        open_amount,
        promise_amount,
        case
            when promised_amount is not null
                then greatest(promised_date, {{ add_days('origin_date', '1') }})
        end as promised_date,
        cast(open_amount - promise_amount as decimal(18, 2)) as rest_amount,
        {{ add_days('due_date', 'cast(round(delay_days, 0) as integer)') }} as expected_date
    from shrunk
)

select * from final
