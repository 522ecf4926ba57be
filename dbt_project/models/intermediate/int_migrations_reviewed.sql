-- Grain: one row per company, segment (`all` for the whole company), month that is over, month at
-- whose end it was known so, bucket set and bucket of which something else was known then than now.
-- Amounts are how much more had rolled, and was there when the month began, than is known now.
-- Only items that something was learned of late are looked at, and of them only the months from
-- the first one that it changes.
{%- set origin = "cast('1970-01-01' as date)" %}
{%- set item = ['company_code', 'document_id', 'installment_no'] %}
{%- set span = item + ['first_known_no', 'last_known_no'] %}
{%- set side = span + ['is_known_now'] %}
{%- set kinds = ['collected', 'credited', 'written_off'] %}
with movements as (
    select * from {{ ref('int_movements_reviewed') }}
    where
        item_type = 'document'
        and (known_to_month_no is null or known_from_month_no < known_to_month_no)
),

items as (
    select * from {{ ref('receivable_items') }}
    where
        item_type = 'document'
        and {{ credit_class_of('item_type', 'document_type', 'original_amount_document') }} is null
),

customers as (
    select * from {{ ref('dim_customers') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

months_asked as (
    select
        timezone,
        {{ months_between(origin, 'as_of_date') }}
        - case when {{ month_end('as_of_date') }} = as_of_date then 0 else 1 end as last_month_no
    from run_parameters
),

reviewed_items as (
    select
        {{ columns_of(item) }},
        min(first_known_month_no) as first_known_month_no
    from movements
    group by {{ columns_of(item) }}
),

item_versions as (
    select
        {{ columns_of(item, 'items') }},
        items.due_date,
        coalesce(customers.segment, 'unassigned') as segment,
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
    left join customers
        on items.customer_id = customers.customer_id
),

-- The months in which something was learned of an item's past.
learned as (
    select
        {{ columns_of(item) }},
        first_known_month_no as month_no
    from reviewed_items
    union
    select
        {{ columns_of(item) }},
        known_from_month_no as month_no
    from movements
    where known_from_month_no > greatest(effective_month_no, first_known_month_no)
    union
    select
        {{ columns_of(item) }},
        known_to_month_no as month_no
    from movements
    where known_to_month_no is not null
    union
    select
        {{ columns_of(item) }},
        known_from_month_no as month_no
    from item_versions
    union
    select
        {{ columns_of(item) }},
        known_to_month_no as month_no
    from item_versions
    where known_to_month_no is not null
),

learned_in_order as (
    select
        {{ columns_of(item) }},
        month_no as first_known_no,
        lead(month_no) over (partition by {{ columns_of(item) }} order by month_no)
        - 1 as last_known_no
    from learned
),

-- Months at whose ends the same was known of an item, and something else than now.
known_spans as (
    select
        {{ columns_of(item, 'learned_in_order') }},
        greatest(learned_in_order.first_known_no, reviewed_items.first_known_month_no)
            as first_known_no,
        least(learned_in_order.last_known_no, months_asked.last_month_no) as last_known_no
    from learned_in_order
    cross join months_asked
    inner join reviewed_items
        on {{ equal_columns(item, 'learned_in_order', 'reviewed_items') }}
    where
        learned_in_order.last_known_no >= reviewed_items.first_known_month_no
        and learned_in_order.first_known_no <= months_asked.last_month_no
),

told as (
    select
        {{ columns_of(span, 'known_spans') }},
        movements.settlement_code,
        movements.amount_document,
        movements.amount,
        movements.effective_month_no,
        movements.is_current as is_told_now,
        movements.known_from_month_no <= known_spans.last_known_no
        and coalesce(movements.known_to_month_no, known_spans.last_known_no + 1)
        > known_spans.first_known_no as is_told_then
    from known_spans
    inner join movements
        on {{ equal_columns(item, 'known_spans', 'movements') }}
),

facts as (
    select
        {{ columns_of(span, 'known_spans') }},
        item_versions.due_date,
        item_versions.segment,
        false as is_known_now
    from known_spans
    inner join item_versions
        on
            {{ equal_columns(item, 'known_spans', 'item_versions') }}
            and known_spans.first_known_no >= item_versions.known_from_month_no
            and known_spans.first_known_no
            < coalesce(item_versions.known_to_month_no, known_spans.first_known_no + 1)
    union all
    select
        {{ columns_of(span, 'known_spans') }},
        item_versions.due_date,
        item_versions.segment,
        true as is_known_now
    from known_spans
    inner join item_versions
        on {{ equal_columns(item, 'known_spans', 'item_versions') }}
    where item_versions.is_current
),

-- With another due date or customer every month of the item is another one.
changed_months as (
    select
        {{ columns_of(span) }},
        effective_month_no as month_no
    from told
    where is_told_now <> is_told_then
    union all
    select
        {{ columns_of(span) }},
        0 as month_no
    from facts
    group by {{ columns_of(span) }}
    having
        min(due_date) <> max(due_date)
        or min(segment) <> max(segment)
),

first_changes as (
    select
        {{ columns_of(span) }},
        min(month_no) as first_changed_no
    from changed_months
    group by {{ columns_of(span) }}
),

sides as (
    {%- for is_known_now in ['true', 'false'] %}
        select
            {{ columns_of(span, 'told') }},
            {{ is_known_now }} as is_known_now,
            first_changes.first_changed_no,
            told.settlement_code,
            told.amount_document,
            told.amount,
            told.effective_month_no
        from told
        inner join first_changes
            on {{ equal_columns(span, 'told', 'first_changes') }}
        where told.{{ 'is_told_now' if is_known_now == 'true' else 'is_told_then' }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

moved as (
    select
        {{ columns_of(side) }},
        first_changed_no,
        effective_month_no,
        sum(amount_document) as amount_document,
        sum(coalesce(amount, 0)) as amount,
        count(*) - count(amount) as missing_count,
    {%- for kind in kinds %}
        -sum(case when settlement_code = '{{ kind }}' then amount_document else 0 end)
            as {{ kind }}_amount_document{{ ',' if not loop.last }}
    {%- endfor %}
    from sides
    group by {{ columns_of(side) }}, first_changed_no, effective_month_no
),

running as (
    select
        *,
        lead(effective_month_no) over (
            partition by {{ columns_of(side) }} order by effective_month_no
        ) as next_month_no,
        sum(amount_document) over (
            partition by {{ columns_of(side) }}
            order by effective_month_no
            rows between unbounded preceding and current row
        ) as closing_amount_document,
        sum(amount) over (
            partition by {{ columns_of(side) }}
            order by effective_month_no
            rows between unbounded preceding and current row
        ) as closing_amount,
        sum(missing_count) over (
            partition by {{ columns_of(side) }}
            order by effective_month_no
            rows between unbounded preceding and current row
        ) as closing_missing_count
    from moved
),

-- What an item opened with in the months in which it moved, and in those between them.
openings as (
    select
        {{ columns_of(side) }},
        first_changed_no,
        effective_month_no as first_month_no,
        effective_month_no as last_month_no,
        closing_amount_document - amount_document as opening_amount_document,
        closing_amount - amount as opening_amount,
        closing_missing_count - missing_count as missing_count,
    {%- for kind in kinds %}
        {{ kind }}_amount_document{{ ',' if not loop.last }}
    {%- endfor %}
    from running
    union all
    select
        {{ columns_of(side) }},
        first_changed_no,
        effective_month_no + 1 as first_month_no,
        coalesce(next_month_no - 1, last_known_no) as last_month_no,
        closing_amount_document as opening_amount_document,
        closing_amount as opening_amount,
        closing_missing_count as missing_count,
    {%- for kind in kinds %}
        0 as {{ kind }}_amount_document{{ ',' if not loop.last }}
    {%- endfor %}
    from running
),

opened as (
    select
        {{ columns_of(side) }},
        greatest(first_month_no, first_changed_no) as first_month_no,
        least(last_month_no, last_known_no) as last_month_no,
        opening_amount_document,
        cast(opening_amount as decimal(18, 2)) as opening_amount,
    {%- for kind in kinds %}
        {{ kind }}_amount_document{{ ',' if not loop.last }}
    {%- endfor %}
    from openings
    where
        opening_amount_document <> 0
        and missing_count = 0
),

{{ opening_shared_out() }},

-- All items of one due date are in one bucket on any day.
by_due_date as (
    select
        shared.company_code,
        facts.segment,
        facts.due_date,
        shared.first_known_no,
        shared.last_known_no,
        shared.first_month_no,
        shared.last_month_no,
        sum(
            case when shared.is_known_now then -shared.opening_amount else shared.opening_amount end
        ) as opening_amount,
        sum(
            case
                when shared.is_known_now then -shared.used_by_write_off_amount
                else shared.used_by_write_off_amount
            end
        ) as written_off_amount,
        sum(
            case
                when shared.is_known_now then shared.used_by_cash_amount - shared.opening_amount
                else shared.opening_amount - shared.used_by_cash_amount
            end
        ) as left_amount
    from shared
    inner join facts
        on {{ equal_columns(side, 'shared', 'facts') }}
    where shared.first_month_no <= shared.last_month_no
    group by
        shared.company_code,
        facts.segment,
        facts.due_date,
        shared.first_known_no,
        shared.last_known_no,
        shared.first_month_no,
        shared.last_month_no
),

by_month as (
    select
        company_code,
        segment,
        due_date,
        first_known_no,
        last_known_no,
        opening_amount,
        written_off_amount,
        left_amount,
        {{ explode_integers('first_month_no', 'last_month_no') }} as month_no
    from by_due_date
),

summed_by_month as (
    select
        company_code,
        segment,
        due_date,
        month_no,
        greatest(first_known_no, month_no) as first_known_no,
        last_known_no,
        sum(opening_amount) as opening_amount,
        sum(written_off_amount) as written_off_amount,
        sum(left_amount) as left_amount
    from by_month
    group by
        company_code,
        segment,
        due_date,
        month_no,
        greatest(first_known_no, month_no),
        last_known_no
),

aged_dates as (
    select
        due_date,
        month_no,
        {{ add_days(add_months(origin, 'month_no'), -1) }} as opening_date,
        {{ month_end(add_months(origin, 'month_no')) }} as closing_date
    from summed_by_month
    group by due_date, month_no
),

ages as (
    select
        aged_dates.due_date,
        aged_dates.month_no,
        opening_buckets.bucket_set,
        opening_buckets.aging_bucket,
        closing_buckets.aging_bucket_order > opening_buckets.aging_bucket_order as is_worse
    from aged_dates
    inner join buckets as opening_buckets
        on {{ bucket_holds('opening_buckets', 'aged_dates.due_date', 'aged_dates.opening_date') }}
    inner join buckets as closing_buckets
        on
            opening_buckets.bucket_set = closing_buckets.bucket_set
            and {{ bucket_holds(
                'closing_buckets', 'aged_dates.due_date', 'aged_dates.closing_date'
            ) }}
),

bucketed as (
    select
        summed_by_month.company_code,
        summed_by_month.segment,
        summed_by_month.month_no,
        summed_by_month.first_known_no,
        summed_by_month.last_known_no,
        ages.bucket_set,
        ages.aging_bucket,
        sum(
            summed_by_month.written_off_amount
            + case when ages.is_worse then summed_by_month.left_amount else 0 end
        ) as rolled_amount,
        sum(summed_by_month.opening_amount) as opening_amount
    from summed_by_month
    inner join ages
        on
            summed_by_month.due_date = ages.due_date
            and summed_by_month.month_no = ages.month_no
    group by
        summed_by_month.company_code,
        summed_by_month.segment,
        summed_by_month.month_no,
        summed_by_month.first_known_no,
        summed_by_month.last_known_no,
        ages.bucket_set,
        ages.aging_bucket
),

by_knowledge as (
    select
        company_code,
        segment,
        month_no,
        bucket_set,
        aging_bucket,
        rolled_amount,
        opening_amount,
        {{ explode_integers('first_known_no', 'last_known_no') }} as known_month_no
    from bucketed
    where rolled_amount <> 0 or opening_amount <> 0
),

scoped as (
    select * from by_knowledge
    union all
    select
        company_code,
        'all' as segment,
        month_no,
        bucket_set,
        aging_bucket,
        rolled_amount,
        opening_amount,
        known_month_no
    from by_knowledge
),

final as (
    select
        company_code,
        segment,
        {{ add_months(origin, 'month_no') }} as month_start,
        {{ add_months(origin, 'known_month_no') }} as known_month_start,
        bucket_set,
        aging_bucket,
        cast(sum(rolled_amount) as decimal(28, 2)) as rolled_amount,
        cast(sum(opening_amount) as decimal(28, 2)) as opening_amount
    from scoped
    group by company_code, segment, month_no, known_month_no, bucket_set, aging_bucket
    having sum(rolled_amount) <> 0 or sum(opening_amount) <> 0
)

select * from final
