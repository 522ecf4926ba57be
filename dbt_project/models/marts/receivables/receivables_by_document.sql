-- Grain: one row per document item as known now: what it was worth, what has happened to it by the
-- as_of_date, and what is open. A memo, write-off or adjustment that is booked on another document
-- is in that document's row and has none of its own. Open is original + adjusted - paid - credited
-- - discounted - written off; a recovery comes back and is paid on one day.
{%- set kinds = {
    'paid': "movement_type in ('payment', 'application', 'payment_reversal')",
    'credited': "movement_type in ('credit_memo', 'credit_application') and not is_original",
    'discounted': "movement_type = 'discount'",
    'adjusted': "movement_type = 'adjustment' and not is_original",
    'written_off': "movement_type = 'write_off' and not is_original",
    'recovered': "movement_type = 'recovery' and not is_original"
} %}
with items as (
    select * from {{ ref('receivable_items') }}
    where
        is_current
        and item_type = 'document'
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        and item_type = 'document'
),

balances as (
    select * from {{ ref('receivables_by_span') }}
    where item_type = 'document'
),

customers as (
    select * from {{ ref('dim_customers') }}
),

ages as (
    select * from {{ ref('int_ages_bucketed') }}
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

bucketed as (
    select
        ages.basis_date,
        max(case when ages.bucket_set = 'days' then ages.aging_bucket end) as aging_bucket_days,
        max(case when ages.bucket_set = 'months' then ages.aging_bucket end)
            as aging_bucket_months
    from ages
    inner join run_parameters
        on ages.as_of_date = run_parameters.as_of_date
    group by ages.basis_date
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
        {{ credit_class_of(
            'items.item_type', 'items.document_type', 'items.original_amount_document'
        ) }} as credit_class_code,
        bucketed.aging_bucket_days,
        bucketed.aging_bucket_months,
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
    left join bucketed
        on items.due_date = bucketed.basis_date
    left join customers
        on items.customer_id = customers.customer_id
    where
        items.document_type in ('invoice', 'debit_memo', 'opening_balance')
        or (happened.original_count > 0 and items.document_type <> 'recovery')
),

final as (
    select
        as_of_date,
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
        case
            when open_amount_document = 0 then cast(0 as decimal(18, 2))
            when missing_count = 0 then cast(remaining_amount as decimal(18, 2))
        end as open_amount,
        case
            when open_amount_document <> 0 then cast(0 as decimal(18, 2))
            when missing_count = 0 then cast(remaining_amount as decimal(18, 2))
        end as fx_residue_amount,
        case when missing_count = 0 then 'ok' else 'missing' end as rate_status,
        case
            when open_amount_document = 0 and document_date <= as_of_date
                then coalesce(open_to, document_date)
        end as settled_date,
        last_payment_date,
        {{ days_between('due_date', 'as_of_date') }} as days_past_due,
        case
            when open_amount_document <> 0 then coalesce(credit_class_code, aging_bucket_days)
        end as aging_bucket_days,
        case
            when open_amount_document <> 0 then coalesce(credit_class_code, aging_bucket_months)
        end as aging_bucket_months,
        applies_to_document_id,
        has_open_dispute,
        legal_status,
        salesperson_id,
        credit_class_code is null and open_amount_document < 0 as is_over_applied,
        document_date > as_of_date as is_future_dated,
        due_date < document_date as is_due_before_document,
        is_unknown_customer,
        missing_count > 0 as is_missing_rate
    from joined
)

select * from final
