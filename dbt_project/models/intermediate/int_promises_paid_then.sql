-- Grain: one row per promise and span of months (int_promises_known) and piece of cash that served
-- it, as known at the ends of these months: what int_promises_paid says of what is known now.
{%- set island = [
    'customer_id', 'contested_document_id', 'island_no', 'first_known_no', 'last_known_no'
] %}
{%- set payment = island + ['company_code', 'document_id', 'original_payment_id'] %}
with recursive promises as (
    select * from {{ ref('int_promises_known') }}
),

cash as (
    select * from {{ ref('int_promise_cash_known') }}
),

islands as (
    select
        {{ columns_of(island) }},
        min(island_first_date) as island_first_date,
        max(island_last_date) as island_last_date
    from promises
    group by {{ columns_of(island) }}
),

-- Promises on documents and promises on customers are joined apart: each by equal keys.
cash_known as (
    {%- for scope in ['document', 'customer'] %}
        select
            {{ columns_of(island, 'islands') }},
            islands.island_first_date,
            islands.island_last_date,
            cash.company_code,
            cash.document_id,
            cash.original_payment_id,
            cash.currency_code,
            cash.effective_date,
            cash.is_reversed_cash,
            cash.amount_document
        from islands
        inner join cash
            on
                islands.customer_id = cash.customer_id
                {%- if scope == 'document' %}
                    and islands.contested_document_id = cash.document_id
                {%- endif %}
                and islands.last_known_no >= cash.month_from
                and islands.last_known_no < cash.month_to
        {%- if scope == 'customer' %}
            where islands.contested_document_id is null
        {%- endif %}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

cash_by_day as (
    select
        {{ columns_of(payment) }},
        island_first_date,
        island_last_date,
        currency_code,
        effective_date,
        sum(case when is_reversed_cash then 0 else amount_document end) as amount_document,
        sum(case when is_reversed_cash then -amount_document else 0 end)
            as reversed_amount_document
    from cash_known
    group by
        {{ columns_of(payment) }},
        island_first_date,
        island_last_date,
        currency_code,
        effective_date
),

-- What is taken back goes off the payment's latest cash first.
cash_before_reversals as (
    select
        *,
        sum(reversed_amount_document) over (partition by {{ columns_of(payment) }})
            as all_reversed_amount_document,
        coalesce(
            sum(amount_document) over (
                partition by {{ columns_of(payment) }}
                order by effective_date desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as later_amount_document
    from cash_by_day
),

net_cash as (
    select
        {{ columns_of(island) }},
        company_code,
        document_id,
        currency_code,
        effective_date,
        sum(
            amount_document
            - greatest(
                0,
                least(amount_document, all_reversed_amount_document - later_amount_document)
            )
        ) as cash_amount_document
    from cash_before_reversals
    where
        amount_document > 0
        and effective_date between island_first_date and island_last_date
    group by {{ columns_of(island) }}, company_code, document_id, currency_code, effective_date
),

numbered_cash as (
    select
        *,
        cast(
            row_number() over (
                partition by {{ columns_of(island) }}
                order by effective_date, company_code, document_id, currency_code
            ) as integer
        ) as cash_no
    from net_cash
    where cash_amount_document > 0
),

{{ promise_turns(island) }},

final as (
    select
        promise_id,
        first_known_no,
        last_known_no,
        document_id,
        currency_code,
        effective_date,
        matched_amount_document,
        sum(matched_amount_document) over (
            partition by promise_id, first_known_no
            order by effective_date, cash_no
            rows between unbounded preceding and current row
        ) as matched_amount_document_until_then
    from turns
    where matched_amount_document > 0
)

select * from final
