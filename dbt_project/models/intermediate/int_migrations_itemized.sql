-- Grain: one row per document item that is owed, and month in which something happened to it by the
-- as_of_date. What was open when the month began is used up by the month's write-offs, then its
-- credits, then its cash, each net of what was taken back, and never by more than there was: what
-- goes beyond it, or puts something back, belongs to nobody's opening balance. Amounts of the
-- opening balance are its share in document currency, so that the rate of a payment moves nothing.
-- A recovery gives back what was written off and takes it as paid: it is none of this.
{%- set key = ['company_code', 'document_id', 'installment_no'] %}
{%- set kinds = ['collected', 'credited', 'written_off'] %}
{{ config(**replaces_touched(by='int_receivables_touched', keys=key)) }}

with items as (
    select * from {{ ref('receivable_items') }}
    where
        is_current
        and item_type = 'document'
        and {{ credit_class_of('item_type', 'document_type', 'original_amount_document') }} is null
        and {{ touched_only('receivable_items', 'int_receivables_touched', key) }}
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        and item_type = 'document'
        and movement_type not in ('recovery', 'recovery_reinstatement')
        and {{ touched_only('receivable_movements', 'int_receivables_touched', key) }}
),

balances as (
    select * from {{ ref('receivables_by_span') }}
    where
        item_type = 'document'
        and credit_class_code is null
        and {{ touched_only('receivables_by_span', 'int_receivables_touched', key) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

told_apart as (
    select
        movements.company_code,
        movements.document_id,
        movements.installment_no,
        {{ month_start('movements.effective_date') }} as month_start,
        movements.amount_document,
        movements.amount,
        {{ settlement_of('movements') }} as kind
    from movements
    cross join run_parameters
    where movements.effective_date <= run_parameters.as_of_date
),

moved as (
    select
        company_code,
        document_id,
        installment_no,
        month_start,
        sum(case when kind = 'billed' then amount else 0 end) as billed_amount,
        {%- for kind in kinds %}
            -sum(case when kind = '{{ kind }}' then amount_document else 0 end)
                as {{ kind }}_amount_document,
            -sum(case when kind = '{{ kind }}' then amount else 0 end) as {{ kind }}_amount,
        {%- endfor %}
        sum(case when amount is null then 1 else 0 end) as unconverted_movement_count
    from told_apart
    group by company_code, document_id, installment_no, month_start
),

opened as (
    select
        moved.*,
        balances.open_amount_document as opening_amount_document,
        balances.open_amount as opening_amount
    from moved
    left join balances
        on
            moved.company_code = balances.company_code
            and moved.document_id = balances.document_id
            and moved.installment_no = balances.installment_no
            and moved.month_start > balances.open_from
            and moved.month_start <= balances.open_to
),

{{ opening_shared_out() }},

final as (
    select
        shared.company_code,
        shared.document_id,
        shared.installment_no,
        shared.month_start,
        items.customer_id,
        items.due_date,
        case
            when items.document_type in ('invoice', 'debit_memo')
                then {{ month_start('items.document_date') }}
        end as billing_month_start,
        cast(shared.billed_amount as decimal(18, 2)) as billed_amount,
        cast(shared.collected_amount as decimal(18, 2)) as collected_amount,
        cast(shared.credited_amount as decimal(18, 2)) as credited_amount,
        cast(shared.unconverted_movement_count as integer) as unconverted_movement_count,
        cast(shared.used_by_write_off_amount as decimal(18, 2)) as opening_written_off_amount,
        cast(shared.used_by_credit_amount - shared.used_by_write_off_amount as decimal(18, 2))
            as opening_credited_amount,
        cast(shared.used_by_cash_amount - shared.used_by_credit_amount as decimal(18, 2))
            as opening_collected_amount
    from shared
    inner join items
        on
            shared.company_code = items.company_code
            and shared.document_id = items.document_id
            and shared.installment_no = items.installment_no
)

select * from final
