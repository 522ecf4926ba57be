-- Grain: one row per document item as known now: what it was worth, what has happened to it by the
-- as_of_date, and what is left. Holds what stays as it is while only days pass; use
-- receivables_by_document, which adds ages and buckets.
{{ config(**replaces_touched(
    by='int_receivables_touched',
    keys=['company_code', 'document_id', 'installment_no'],
    row_key=['company_code', 'document_id', 'installment_no']
)) }}
{%- set kinds = {
    'paid': "movement_type in ('payment', 'application', 'payment_reversal')",
    'credited': "movement_type in ('credit_memo', 'credit_application') and not is_original",
    'discounted': "movement_type = 'discount'",
    'adjusted': "movement_type = 'adjustment' and not is_original",
    'written_off': "movement_type = 'write_off' and not is_original",
    'recovered': "movement_type = 'recovery' and not is_original"
} %}
{%- set key = ['company_code', 'document_id', 'installment_no'] %}
with items as (
    select * from {{ ref('receivable_items') }}
    where
        is_current
        and item_type = 'document'
        and {{ touched_only('receivable_items', 'int_receivables_touched', key) }}
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        and item_type = 'document'
        and {{ touched_only('receivable_movements', 'int_receivables_touched', key) }}
),

balances as (
    select * from {{ ref('receivables_by_span') }}
    where
        item_type = 'document'
        and {{ touched_only('receivables_by_span', 'int_receivables_touched', key) }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

told_apart as (
    select
        movements.*,
        movements.source_type = 'ledger'
        and movements.source_id = movements.document_id
        and movements.source_line_no = movements.installment_no
        and movements.movement_type not in ('credit_application') as is_original,
        movements.effective_date <= run_parameters.as_of_date as has_happened
    from movements
    cross join run_parameters
),

happened as (
    select
        company_code,
        document_id,
        installment_no,
        sum(case when is_original then 1 else 0 end) as original_count,
        sum(case when is_original then amount end) as original_amount,
        sum(case when is_original and amount is null then 1 else 0 end)
            as missing_original_count,
        {%- for kind, condition in kinds.items() %}
            sum(case when has_happened and {{ condition }} then -amount_document else 0 end)
                as {{ kind }}_amount_document,
            sum(case when has_happened and {{ condition }} then -amount else 0 end)
                as {{ kind }}_amount,
        {%- endfor %}
        sum(case when has_happened then amount end) as remaining_amount,
        sum(case when has_happened then amount_document end) as remaining_amount_document,
        sum(case when has_happened and amount is null then 1 else 0 end) as missing_count,
        max(
            case
                when has_happened and movement_type in ('payment', 'application')
                    then effective_date
            end
        ) as last_payment_date
    from told_apart
    group by company_code, document_id, installment_no
),

last_open_spans as (
    select
        balances.company_code,
        balances.document_id,
        balances.installment_no,
        max(balances.open_to) as open_to
    from balances
    cross join run_parameters
    where balances.open_from <= run_parameters.as_of_date
    group by balances.company_code, balances.document_id, balances.installment_no
),

joined as (
    select
        items.company_code,
        items.document_id,
        items.installment_no,
        items.customer_id,
        items.document_type,
        items.document_date,
        items.due_date,
        items.due_date_source,
        items.currency_code,
        items.original_amount_document,
        case
            when coalesce(happened.missing_original_count, 0) = 0
                then coalesce(happened.original_amount, 0)
        end as original_amount,
        {%- for kind in kinds %}
            coalesce(happened.{{ kind }}_amount_document, 0) as {{ kind }}_amount_document,
            case
                when coalesce(happened.missing_count, 0) = 0
                    then coalesce(happened.{{ kind }}_amount, 0)
            end as {{ kind }}_amount,
        {%- endfor %}
        coalesce(happened.remaining_amount_document, 0) as open_amount_document,
        coalesce(happened.remaining_amount, 0) as remaining_amount,
        coalesce(happened.missing_count, 0) as missing_count,
        happened.last_payment_date,
        last_open_spans.open_to,
        items.applies_to_document_id,
        items.has_open_dispute,
        items.legal_status,
        items.salesperson_id,
        run_parameters.as_of_date,
        coalesce(customers.is_unknown, true) as is_unknown_customer
    from items
    cross join run_parameters
    left join happened
        on
            items.company_code = happened.company_code
            and items.document_id = happened.document_id
            and items.installment_no = happened.installment_no
    left join last_open_spans
        on
            items.company_code = last_open_spans.company_code
            and items.document_id = last_open_spans.document_id
            and items.installment_no = last_open_spans.installment_no
    left join customers
        on items.customer_id = customers.customer_id
    where
        items.document_type in ('invoice', 'debit_memo', 'opening_balance')
        or (happened.original_count > 0 and items.document_type <> 'recovery')
),

final as (
    select
        company_code,
        document_id,
        installment_no,
        customer_id,
        document_type,
        document_date,
        due_date,
        due_date_source,
        currency_code,
        original_amount_document,
        cast(original_amount as decimal(18, 2)) as original_amount,
        {%- for kind in kinds %}
            {%- set sign = '-' if kind == 'adjusted' else '' %}
            cast({{ sign }}{{ kind }}_amount_document as decimal(18, 2))
                as {{ kind }}_amount_document,
            cast({{ sign }}{{ kind }}_amount as decimal(18, 2)) as {{ kind }}_amount,
        {%- endfor %}
        cast(open_amount_document as decimal(18, 2)) as open_amount_document,
        case when missing_count = 0 then cast(remaining_amount as decimal(18, 2)) end
            as remaining_amount,
        case
            when open_amount_document = 0 and document_date <= as_of_date
                then coalesce(open_to, document_date)
        end as settled_date,
        last_payment_date,
        applies_to_document_id,
        has_open_dispute,
        legal_status,
        salesperson_id,
        is_unknown_customer
    from joined
)

select * from final
