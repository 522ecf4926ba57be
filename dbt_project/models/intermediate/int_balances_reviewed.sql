-- Grain: one row per knowledge (`now`, or `then`: at the month's end), month and item with an open
-- balance, of items that are looked at one by one (int_movements_reviewed). Balances at the month's
-- end; of the running month, as known now at the as-of date. Customers without a segment are
-- counted as `unassigned`.
{%- set origin = "cast('1970-01-01' as date)" %}
{%- set item = ['company_code', 'item_type', 'document_id', 'installment_no'] %}
with movements as (
    select * from {{ ref('int_movements_reviewed') }}
),

items as (
    select * from {{ ref('receivable_items') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

months_asked as (
    select
        as_of_date,
        timezone,
        {{ months_between(origin, 'as_of_date') }} as last_month_no,
        case
            when {{ month_end('as_of_date') }} = as_of_date then 0 else 1
        end as running_month_count
    from run_parameters
),

-- A movement enters a balance in one month and, when it was corrected, leaves it in another.
changes as (
    select
        {{ columns_of(item) }},
        'now' as knowledge,
        effective_month_no as month_no,
        amount_document,
        amount,
        case when amount is null then 1 else 0 end as missing_count
    from movements
    where is_current
    union all
    select
        {{ columns_of(item) }},
        'then' as knowledge,
        known_from_month_no as month_no,
        amount_document,
        amount,
        case when amount is null then 1 else 0 end as missing_count
    from movements
    where known_to_month_no is null or known_from_month_no < known_to_month_no
    union all
    select
        {{ columns_of(item) }},
        'then' as knowledge,
        known_to_month_no as month_no,
        -amount_document as amount_document,
        -amount as amount,
        case when amount is null then -1 else 0 end as missing_count
    from movements
    where known_from_month_no < known_to_month_no
),

changes_by_month as (
    select
        {{ columns_of(item) }},
        knowledge,
        month_no,
        sum(amount_document) as amount_document,
        sum(coalesce(amount, 0)) as amount,
        sum(missing_count) as missing_count
    from changes
    group by {{ columns_of(item) }}, knowledge, month_no
),

balances as (
    select
        {{ columns_of(item) }},
        knowledge,
        month_no as first_month_no,
        lead(month_no) over (
            partition by {{ columns_of(item) }}, knowledge order by month_no
        ) - 1 as final_month_no,
        sum(amount_document) over (
            partition by {{ columns_of(item) }}, knowledge
            order by month_no
            rows between unbounded preceding and current row
        ) as open_amount_document,
        sum(amount) over (
            partition by {{ columns_of(item) }}, knowledge
            order by month_no
            rows between unbounded preceding and current row
        ) as open_amount,
        sum(missing_count) over (
            partition by {{ columns_of(item) }}, knowledge
            order by month_no
            rows between unbounded preceding and current row
        ) as missing_count
    from changes_by_month
),

-- Months that are not over were not closed by anybody: nothing was known then of their end.
open_spans as (
    select
        {{ columns_of(item, 'balances') }},
        balances.knowledge,
        balances.open_amount,
        balances.missing_count,
        balances.first_month_no,
        least(
            coalesce(balances.final_month_no, months_asked.last_month_no),
            months_asked.last_month_no
            - case
                when balances.knowledge = 'then' then months_asked.running_month_count
                else 0
            end
        ) as final_month_no
    from balances
    cross join months_asked
    where balances.open_amount_document <> 0
),

open_months as (
    select
        {{ columns_of(item) }},
        knowledge,
        open_amount,
        missing_count,
        {{ explode_integers('first_month_no', 'final_month_no') }} as month_no
    from open_spans
    where first_month_no <= final_month_no
),

reviewed_items as (
    select {{ columns_of(item) }}
    from movements
    group by {{ columns_of(item) }}
),

item_versions as (
    select
        {{ columns_of(item, 'items') }},
        items.customer_id,
        items.due_date,
        {{ credit_class_of(
            'items.item_type', 'items.document_type', 'items.original_amount_document'
        ) }} as credit_class_code,
        items.is_current,
        {{ months_between(
            origin, local_date('items._recorded_at', 'months_asked.timezone')
        ) }} as known_from_month_no,
        case
            when not items.is_current
                then {{ months_between(
                    origin, local_date('items._superseded_at', 'months_asked.timezone')
                ) }}
        end as known_to_month_no
    from items
    cross join months_asked
    inner join reviewed_items
        on {{ equal_columns(item, 'items', 'reviewed_items') }}
),

final as (
    select
        open_months.knowledge,
        {{ columns_of(item, 'open_months') }},
        item_versions.customer_id,
        coalesce(customers.segment, 'unassigned') as segment,
        cast(open_months.month_no as integer) as month_no,
        {{ add_months(origin, 'open_months.month_no') }} as month_start,
        least(
            {{ month_end(add_months(origin, 'open_months.month_no')) }}, months_asked.as_of_date
        ) as measured_to_date,
        item_versions.credit_class_code,
        item_versions.due_date,
        cast(
            case when open_months.missing_count = 0 then open_months.open_amount end
            as decimal(18, 2)
        ) as open_amount
    from open_months
    cross join months_asked
    inner join item_versions
        on
            {{ equal_columns(item, 'open_months', 'item_versions') }}
            and (
                (open_months.knowledge = 'now' and item_versions.is_current)
                or (
                    open_months.knowledge = 'then'
                    and open_months.month_no >= item_versions.known_from_month_no
                    and open_months.month_no
                    < coalesce(item_versions.known_to_month_no, open_months.month_no + 1)
                )
            )
    left join customers
        on item_versions.customer_id = customers.customer_id
)

select * from final
