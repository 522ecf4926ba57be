-- Grain: one row per customer and month in which something begins or ceases to count for its credit
-- grade, as it was known at the end of each month. A month is a number: months since January 1970.
-- What was told after a month's end counts from the month in which it was told; what the first
-- delivery of the ledger tells was known from the beginning, or no month before it had a grade.
-- Payments, billings, disputes and broken promises count for a number of months, a balance until it
-- moves again.
{%- set first_recorded_at = 'parameters.first_recorded_at' %}
{%- set timezone = 'parameters.timezone' %}
{%- set piece = ['company_code', 'document_id', 'installment_no', 'customer_id'] %}
{%- set line = ['company_code', 'document_id', 'installment_no', 'customer_id', 'source_id',
    'source_line_no', 'effective_date', 'amount_document', 'amount'] %}
{%- set sums = [
    'balance_amount', 'paid_amount', 'late_amount_days', 'on_time_amount', 'paid_item_count',
    'billed_item_count', 'disputed_item_count', 'broken_promise_count'
] %}
{{ config(**replaces_touched(by='int_credit_customers_touched', keys=['customer_id'])) }}

with all_movements as (
    select * from {{ ref('receivable_movements') }}
),

all_items as (
    select * from {{ ref('receivable_items') }}
),

all_payments as (
    select * from {{ ref('int_payments_versioned') }}
    where
        valid_from < valid_to
        and not is_withdrawn
),

all_promises as (
    select * from {{ ref('int_promises_judged') }}
),

promises as (
    select * from all_promises
    where
        promise_status = 'broken'
        and {{ touched_only('all_promises', 'int_credit_customers_touched', ['customer_id']) }}
),

all_promises_then as (
    select * from {{ ref('int_promises_judged_then') }}
),

promises_then as (
    select * from all_promises_then
    where {{ touched_only('all_promises_then', 'int_credit_customers_touched', ['customer_id']) }}
),

parameters as (
    select * from {{ ref('int_credit_parameters_read') }}
),

known_movements as (
    select
        {{ columns_of(line, 'all_movements') }},
        all_movements.item_type,
        all_movements.movement_type,
        greatest(
            {{ month_number('all_movements.effective_date') }},
            {{ known_from_month('all_movements._recorded_at', first_recorded_at, timezone) }}
        ) as month_from,
        {{ known_from_month('all_movements._superseded_at', first_recorded_at, timezone) }}
            as month_to
    from all_movements
    cross join parameters
    where
        all_movements.effective_date <= parameters.as_of_date
        and {{ touched_only('all_movements', 'int_credit_customers_touched', ['customer_id']) }}
),

movements as (
    select * from known_movements
    where month_from < month_to
),

cash as (
    select * from movements
    where
        item_type = 'document'
        and movement_type in ('payment', 'application', 'payment_reversal')
),

items as (
    select
        all_items.company_code,
        all_items.item_type,
        all_items.document_id,
        all_items.installment_no,
        all_items.document_date,
        all_items.due_date,
        {{ known_from_month('all_items._recorded_at', first_recorded_at, timezone) }}
            as month_from,
        {{ known_from_month('all_items._superseded_at', first_recorded_at, timezone) }}
            as month_to
    from all_items
    cross join parameters
),

-- Cash is dated by its payment: a movement straight on the document is of that day, cash that was
-- set against it later came before.
cash_at_once as (
    select
        {{ columns_of(piece + ['month_from', 'month_to', 'amount_document', 'amount']) }},
        effective_date as payment_date
    from cash
    where movement_type = 'payment'
),

cash_set_later as (
    select
        {{ columns_of(piece, 'cash') }},
        greatest(cash.month_from, items.month_from) as month_from,
        least(cash.month_to, items.month_to) as month_to,
        cash.amount_document,
        cash.amount,
        items.document_date as payment_date
    from cash
    inner join items
        on
            cash.company_code = items.company_code
            and cash.source_id = items.document_id
            and cash.source_line_no = items.installment_no
            and cash.month_from < items.month_to
            and cash.month_to > items.month_from
    where
        cash.movement_type = 'application'
        and items.item_type = 'payment'
),

-- A reversal takes back the days of the payment that it names, as this was known: few enough to be
-- looked at month by month.
reversal_lines as (
    select
        {{ columns_of(line, 'cash') }},
        all_payments.payment_date as own_payment_date,
        all_payments.reverses_payment_id,
        greatest(
            cash.month_from,
            {{ known_from_month('all_payments.valid_from', first_recorded_at, timezone) }}
        ) as month_from,
        least(
            cash.month_to,
            {{ known_from_month('all_payments.valid_to', first_recorded_at, timezone) }}
        ) as month_to
    from cash
    cross join parameters
    inner join all_payments
        on
            cash.company_code = all_payments.company_code
            and cash.source_id = all_payments.payment_id
            and cash.source_line_no = all_payments.line_no
    where cash.movement_type = 'payment_reversal'
),

reversed_payments as (
    select
        company_code,
        reverses_payment_id
    from reversal_lines
    group by company_code, reverses_payment_id
),

reversed_lines as (
    select
        all_payments.company_code,
        all_payments.payment_id,
        all_payments.payment_date,
        {{ known_from_month('all_payments.valid_from', first_recorded_at, timezone) }}
            as month_from,
        {{ known_from_month('all_payments.valid_to', first_recorded_at, timezone) }} as month_to
    from all_payments
    cross join parameters
    inner join reversed_payments
        on
            all_payments.company_code = reversed_payments.company_code
            and all_payments.payment_id = reversed_payments.reverses_payment_id
),

last_reversed_dates as (
    select
        company_code,
        payment_id,
        max(payment_date) as payment_date
    from reversed_lines
    group by company_code, payment_id
),

bounded_reversals as (
    select
        reversal_lines.*,
        least(
            reversal_lines.month_to,
            {{ month_number(
                "greatest(reversal_lines.own_payment_date, coalesce("
                ~ "last_reversed_dates.payment_date, reversal_lines.own_payment_date))"
            ) }} + parameters.history_months
        ) as last_month_to
    from reversal_lines
    cross join parameters
    left join last_reversed_dates
        on
            reversal_lines.company_code = last_reversed_dates.company_code
            and reversal_lines.reverses_payment_id = last_reversed_dates.payment_id
),

reversal_months as (
    select
        *,
        {{ explode_integers('month_from', 'last_month_to - 1') }} as month_number
    from bounded_reversals
    where month_from < last_month_to
),

reversals as (
    select
        {{ columns_of(piece, 'reversal_months') }},
        cast(reversal_months.month_number as integer) as month_from,
        cast(reversal_months.month_number + 1 as integer) as month_to,
        reversal_months.amount_document,
        reversal_months.amount,
        coalesce(min(reversed_lines.payment_date), min(reversal_months.own_payment_date))
            as payment_date
    from reversal_months
    left join reversed_lines
        on
            reversal_months.company_code = reversed_lines.company_code
            and reversal_months.reverses_payment_id = reversed_lines.payment_id
            and reversal_months.month_number >= reversed_lines.month_from
            and reversal_months.month_number < reversed_lines.month_to
    group by
        {{ columns_of(piece, 'reversal_months') }},
        reversal_months.source_id,
        reversal_months.source_line_no,
        reversal_months.effective_date,
        reversal_months.month_number,
        reversal_months.amount_document,
        reversal_months.amount
),

dated_cash as (
    select * from cash_at_once
    union all
    select * from cash_set_later
    union all
    select * from reversals
),

-- The months in which a piece of cash counts, late by the due date as known in them.
pieces as (
    select
        {{ columns_of(piece, 'dated_cash') }},
        greatest(dated_cash.month_from, items.month_from) as month_from,
        least(
            dated_cash.month_to,
            items.month_to,
            {{ month_number('dated_cash.payment_date') }} + parameters.history_months
        ) as month_to,
        -dated_cash.amount_document as amount_document,
        -dated_cash.amount as amount,
        greatest(0, {{ days_between('items.due_date', 'dated_cash.payment_date') }})
            as days_late
    from dated_cash
    cross join parameters
    inner join items
        on
            dated_cash.company_code = items.company_code
            and dated_cash.document_id = items.document_id
            and dated_cash.installment_no = items.installment_no
            and dated_cash.month_from < items.month_to
            and dated_cash.month_to > items.month_from
    where items.item_type = 'document'
),

counting_pieces as (
    select
        *,
        {{ hash_of(columns_of(piece)) }} as item_hash
    from pieces
    where month_from < month_to
),

-- An item is paid while its cash in the months looked back on is more than nothing. Most items are
-- paid by one piece; only of the others is followed what there is month by month.
repeated_hashes as (
    select item_hash from counting_pieces
    group by item_hash
    having count(*) > 1
),

told_pieces as (
    select
        counting_pieces.*,
        repeated_hashes.item_hash is not null as is_repeated
    from counting_pieces
    left join repeated_hashes
        on counting_pieces.item_hash = repeated_hashes.item_hash
),

item_changes as (
    select
        {{ columns_of(piece) }},
        month_from as month_number,
        amount_document
    from told_pieces
    where is_repeated
    union all
    select
        {{ columns_of(piece) }},
        month_to as month_number,
        -amount_document as amount_document
    from told_pieces
    where is_repeated
),

item_months as (
    select
        {{ columns_of(piece) }},
        month_number,
        sum(amount_document) as changed_amount_document
    from item_changes
    group by {{ columns_of(piece) }}, month_number
),

item_balances as (
    select
        *,
        sum(changed_amount_document) over (
            partition by {{ columns_of(piece) }}
            order by month_number
            rows between unbounded preceding and current row
        ) as paid_amount_document
    from item_months
),

item_states as (
    select
        customer_id,
        month_number,
        case when paid_amount_document > 0 then 1 else 0 end
        - case when paid_amount_document - changed_amount_document > 0 then 1 else 0 end
            as paid_item_count
    from item_balances
),

disputes as (
    select
        all_items.customer_id,
        greatest(
            {{ month_number('all_items.document_date') }},
            {{ known_from_month('all_items._recorded_at', first_recorded_at, timezone) }}
        ) as month_from,
        least(
            {{ known_from_month('all_items._superseded_at', first_recorded_at, timezone) }},
            {{ month_number('all_items.document_date') }} + parameters.history_months
        ) as month_to
    from all_items
    cross join parameters
    where
        all_items.has_open_dispute
        and all_items.document_type in ('invoice', 'debit_memo', 'opening_balance')
        and all_items.document_date <= parameters.as_of_date
        and {{ touched_only('all_items', 'int_credit_customers_touched', ['customer_id']) }}
),

-- Added up before they are written as beginnings and ends: most of a month's rows share both.
cash_sums as (
    select
        customer_id,
        month_from,
        month_to,
        sum(amount) as paid_amount,
        sum(amount * days_late) as late_amount_days,
        sum(case when days_late = 0 then amount else 0 end) as on_time_amount,
        sum(case when is_repeated or amount_document <= 0 then 0 else 1 end) as paid_item_count
    from told_pieces
    group by customer_id, month_from, month_to
),

movement_sums as (
    select
        movements.customer_id,
        movements.month_from,
        movements.month_to,
        {{ month_number('movements.effective_date') }} + parameters.history_months
            as billed_month_to,
        sum(movements.amount) as balance_amount,
        sum(
            case
                when
                    movements.item_type = 'document'
                    and movements.movement_type in ('invoice', 'debit_memo', 'opening_balance')
                    then 1
                else 0
            end
        ) as billed_item_count
    from movements
    cross join parameters
    group by
        movements.customer_id,
        movements.month_from,
        movements.month_to,
        {{ month_number('movements.effective_date') }} + parameters.history_months
),

-- A promise that was told of after its deadline is broken from then on. Of the months at whose ends
-- something else was known, it is judged by what was known then; in the others as it is now.
last_judged_then as (
    select
        promise_id,
        max(last_known_no) as last_known_no
    from promises_then
    group by promise_id
),

promises_known as (
    select
        promises.customer_id,
        greatest(
            {{ month_number(add_days('promises.deadline_date', 1)) }},
            {{ known_from_month('promises._recorded_at', first_recorded_at, timezone) }},
            coalesce(last_judged_then.last_known_no + 1, 0)
        ) as month_from,
        {{ month_number(add_days('promises.deadline_date', 1)) }} + parameters.history_months
            as month_to
    from promises
    cross join parameters
    left join last_judged_then
        on promises.promise_id = last_judged_then.promise_id
    union all
    select
        promises_then.customer_id,
        greatest(
            {{ month_number(add_days('promises_then.deadline_date', 1)) }},
            promises_then.told_month_no,
            promises_then.first_known_no
        ) as month_from,
        least(
            {{ month_number(add_days('promises_then.deadline_date', 1)) }}
            + parameters.history_months,
            promises_then.last_known_no + 1
        ) as month_to
    from promises_then
    cross join parameters
    where promises_then.is_broken
),

promise_sums as (
    select
        customer_id,
        month_from,
        month_to,
        count(*) as broken_promise_count
    from promises_known
    where month_from < month_to
    group by customer_id, month_from, month_to
),

changes as (
    {{ count_from_and_to(
        sums, 'movement_sums', 'month_from', 'month_to', {'balance_amount': 'balance_amount'}
    ) }}
    union all
    {{ count_from_and_to(
        sums,
        'movement_sums',
        'month_from',
        'least(month_to, billed_month_to)',
        {'billed_item_count': 'billed_item_count'},
        'billed_item_count > 0'
    ) }}
    union all
    {{ count_from_and_to(
        sums,
        'cash_sums',
        'month_from',
        'month_to',
        {
            'paid_amount': 'paid_amount',
            'late_amount_days': 'late_amount_days',
            'on_time_amount': 'on_time_amount',
            'paid_item_count': 'paid_item_count'
        }
    ) }}
    union all
    {{ count_from_and_to(
        sums, 'disputes', 'month_from', 'month_to', {'disputed_item_count': '1'}
    ) }}
    union all
    {{ count_from_and_to(
        sums,
        'promise_sums',
        'month_from',
        'month_to',
        {'broken_promise_count': 'broken_promise_count'}
    ) }}
    union all
    select
        customer_id,
        month_number,
    {%- for column in sums %}
        {{ column if column == 'paid_item_count' else '0' }} as {{ column }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from item_states
),

final as (
    select
        customer_id,
        cast(month_number as integer) as month_number,
    {%- for column in sums %}
    {%- if column.endswith('_count') %}
        cast(sum({{ column }}) as integer) as {{ column }}{{ ',' if not loop.last }}
    {%- else %}
        cast(coalesce(sum({{ column }}), 0) as decimal(28, 2)) as {{ column }},
    {%- endif %}
    {%- endfor %}
    from changes
    group by customer_id, month_number
)

select * from final
