-- Grain: one row per promise and piece of cash that serves it, as of the as-of date.
-- A unit of cash serves one promise once. Within an island the promises take their turn, oldest
-- first; each takes the oldest cash of its window, up to what was promised, and leaves the rest
-- to the next. Cash that was reversed serves none. Cash in another currency does not count.
{{ config(**replaces_touched(by='int_promise_cash_touched', keys=['promise_id'])) }}

with recursive windowed as (
    select * from {{ ref('int_promises_windowed') }}
),

cash as (
    select * from {{ ref('int_cash_dated') }}
),

promises as (
    select
        windowed.promise_id,
        windowed.customer_id,
        windowed.target_document_id,
        windowed.contested_document_id,
        windowed.island_no,
        windowed.promise_no,
        windowed.window_start,
        windowed.window_end,
        windowed.currency_code,
        windowed.promised_amount_document
    from windowed
    where {{ touched_only('windowed', 'int_promise_cash_touched', ['promise_id']) }}
),

islands as (
    select
        customer_id,
        contested_document_id,
        island_no,
        currency_code,
        min(window_start) as island_start,
        max(window_end) as island_end
    from promises
    group by customer_id, contested_document_id, island_no, currency_code
),

reversals as (
    select
        company_code,
        original_payment_id,
        document_id,
        -sum(amount_document) as reversed_amount_document
    from cash
    where is_reversed_cash
    group by company_code, original_payment_id, document_id
),

reversed_payments as (
    select
        cash.customer_id,
        cash.company_code,
        cash.document_id,
        cash.currency_code,
        cash.effective_date,
        cash.amount_document,
        reversals.reversed_amount_document,
        coalesce(
            sum(cash.amount_document) over (
                partition by cash.company_code, cash.original_payment_id, cash.document_id
                order by
                    cash.effective_date desc,
                    cash.payment_id desc,
                    cash.line_no desc,
                    cash.piece_no desc,
                    cash.installment_no desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as later_amount_document
    from cash
    inner join reversals
        on
            cash.company_code = reversals.company_code
            and cash.original_payment_id = reversals.original_payment_id
            and cash.document_id = reversals.document_id
    where not cash.is_reversed_cash
),

net_payments as (
    select
        cash.customer_id,
        cash.company_code,
        cash.document_id,
        cash.currency_code,
        cash.effective_date,
        cash.amount_document as cash_amount_document
    from cash
    left join reversals
        on
            cash.company_code = reversals.company_code
            and cash.original_payment_id = reversals.original_payment_id
            and cash.document_id = reversals.document_id
    where
        not cash.is_reversed_cash
        and reversals.document_id is null
        {%- if is_refresh() %}
            and cash.customer_id in (select islands.customer_id from islands)
        {%- endif %}
    union all
    select
        customer_id,
        company_code,
        document_id,
        currency_code,
        effective_date,
        amount_document
        - greatest(
            0, least(amount_document, reversed_amount_document - later_amount_document)
        ) as cash_amount_document
    from reversed_payments
),

-- Promises on documents and promises on customers are joined apart: each by equal keys.
island_payments as (
    {%- for scope in ['document', 'customer'] %}
        select
            islands.customer_id,
            islands.contested_document_id,
            islands.island_no,
            net_payments.company_code,
            net_payments.document_id,
            net_payments.currency_code,
            net_payments.effective_date,
            net_payments.cash_amount_document
        from islands
        inner join net_payments
            on
                islands.customer_id = net_payments.customer_id
                {%- if scope == 'document' %}
                    and islands.contested_document_id = net_payments.document_id
                {%- endif %}
                and islands.currency_code = net_payments.currency_code
                and net_payments.effective_date between islands.island_start and islands.island_end
        where
            net_payments.cash_amount_document > 0
            {%- if scope == 'customer' %}
                and islands.contested_document_id is null
            {%- endif %}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

cash_of_islands as (
    select
        customer_id,
        contested_document_id,
        island_no,
        company_code,
        document_id,
        currency_code,
        effective_date,
        sum(cash_amount_document) as cash_amount_document
    from island_payments
    group by
        customer_id,
        contested_document_id,
        island_no,
        company_code,
        document_id,
        currency_code,
        effective_date
),

numbered_cash as (
    select
        *,
        cast(
            row_number() over (
                partition by customer_id, contested_document_id, island_no
                order by effective_date, company_code, document_id, currency_code
            ) as integer
        ) as cash_no
    from cash_of_islands
),

{{ promise_turns(['customer_id', 'contested_document_id', 'island_no']) }},

final as (
    select
        promise_id,
        document_id,
        currency_code,
        effective_date,
        matched_amount_document,
        sum(matched_amount_document) over (
            partition by promise_id
            order by effective_date, cash_no
            rows between unbounded preceding and current row
        ) as matched_amount_document_until_then
    from turns
    where matched_amount_document > 0
)

select * from final
