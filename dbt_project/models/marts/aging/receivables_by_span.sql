-- Grain: one row per item and span of days [open_from, open_to) in which its document balance was
-- the same and not zero, as known at the run's known_at. A converted balance with a movement that
-- has no rate is null.
{{ config(**replaces_touched(
    by='int_balances_touched',
    keys=['company_code', 'item_type', 'document_id'],
    row_key=['company_code', 'item_type', 'document_id', 'installment_no', 'open_from']
)) }}

with all_movements as (
    select * from {{ ref('receivable_movements') }}
),

movements as (
    select * from all_movements
    where
        is_current
        and {{ touched_only(
            'all_movements',
            'int_balances_touched',
            ['company_code', 'item_type', 'document_id']
        ) }}
),

all_items as (
    select * from {{ ref('receivable_items') }}
),

items as (
    select * from all_items
    where
        is_current
        and {{ touched_only(
            'all_items', 'int_balances_touched', ['company_code', 'item_type', 'document_id']
        ) }}
),

movements_by_day as (
    select
        company_code,
        item_type,
        document_id,
        installment_no,
        effective_date,
        sum(amount_document) as moved_amount_document,
        sum(amount) as moved_amount,
        sum(case when amount is null then 1 else 0 end) as missing_count
    from movements
    group by company_code, item_type, document_id, installment_no, effective_date
),

balances as (
    select
        company_code,
        item_type,
        document_id,
        installment_no,
        effective_date as open_from,
        coalesce(
            lead(effective_date) over (
                partition by company_code, item_type, document_id, installment_no
                order by effective_date
            ),
            {{ far_future() }}
        ) as open_to,
        sum(moved_amount_document) over (
            partition by company_code, item_type, document_id, installment_no
            order by effective_date
            rows between unbounded preceding and current row
        ) as open_amount_document,
        sum(moved_amount) over (
            partition by company_code, item_type, document_id, installment_no
            order by effective_date
            rows between unbounded preceding and current row
        ) as open_amount,
        sum(missing_count) over (
            partition by company_code, item_type, document_id, installment_no
            order by effective_date
            rows between unbounded preceding and current row
        ) as missing_count
    from movements_by_day
),

open_balances as (
    select * from balances
    where open_amount_document <> 0
),

classed as (
    select
        open_balances.company_code,
        open_balances.item_type,
        open_balances.document_id,
        open_balances.installment_no,
        open_balances.open_from,
        open_balances.open_to,
        items.customer_id,
        items.document_type,
        items.currency_code,
        items.document_date,
        items.due_date,
        cast(open_balances.open_amount_document as decimal(18, 2)) as open_amount_document,
        case
            when open_balances.missing_count = 0
                then cast(open_balances.open_amount as decimal(18, 2))
        end as open_amount,
        case
            when open_balances.missing_count = 0 then 'ok'
            else 'missing'
        end as rate_status,
        {{ credit_class_of(
            'items.item_type', 'items.document_type', 'items.original_amount_document'
        ) }} as credit_class_code
    from open_balances
    inner join items
        on
            open_balances.company_code = items.company_code
            and open_balances.item_type = items.item_type
            and open_balances.document_id = items.document_id
            and open_balances.installment_no = items.installment_no
),

final as (
    select
        *,
        credit_class_code is null and open_amount_document < 0 as is_over_applied
    from classed
)

select * from final
