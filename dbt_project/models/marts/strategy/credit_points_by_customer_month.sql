-- Grain: one row per customer and month from the first month in which anything counts for it, to
-- the as-of date, as known at each month's end. A part that cannot be had has no points, and its
-- weight is left out of the score.
{%- set sums = [
    'balance_amount', 'paid_amount', 'late_amount_days', 'on_time_amount', 'paid_item_count',
    'billed_item_count', 'disputed_item_count', 'broken_promise_count'
] %}
{%- set parts = {
    'days_late': ('late_amount_days', 'paid_amount'),
    'on_time': ('on_time_amount', 'paid_amount'),
    'broken_promises': ('broken_promise_count', '1'),
    'disputes': ('disputed_item_count', 'billed_item_count'),
    'limit_utilisation': ('balance_amount', 'credit_limit_amount'),
    'insolvency': ('insolvent_count', '1')
} %}
{%- set constants = ['weight', 'full_points_at', 'no_points_at'] %}
{%- set constants_of_parts = [] %}
{%- for part in parts %}
    {%- for constant in constants %}
        {%- do constants_of_parts.append((part, constant)) %}
    {%- endfor %}
{%- endfor %}
{%- set ranked_grades = ['A', 'B', 'C', 'D'] %}
{{ config(**replaces_touched(
    by='int_credit_grades_touched',
    keys=['customer_id', 'month_start'],
    row_key=['customer_id', 'month_start']
)) }}

with all_events as (
    select * from {{ ref('int_credit_events_summed') }}
),

parameters as (
    select
        *,
        {{ month_number('as_of_date') }} as last_month_number
    from {{ ref('int_credit_parameters_read') }}
),

customer_spans as (
    select * from {{ ref('int_credit_customers_spanned') }}
),

credit_rules as (
    select * from {{ ref('credit_rules') }}
),

credit_grades as (
    select * from {{ ref('credit_grades') }}
),

grade_parts as (
    select * from {{ ref('credit_grade_parts') }}
),

{% if is_refresh() %}
    -- What counted before the first touched month is one sum.
    first_touched as (
        select
            customer_id,
            min(month_number) as month_number
        from {{ ref('int_credit_grades_touched') }}
        group by customer_id
    ),

    events as (
        select
            all_events.customer_id,
            greatest(all_events.month_number, first_touched.month_number) as month_number,
        {%- for column in sums %}
            sum(all_events.{{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
        from all_events
        cross join parameters
        inner join first_touched
            on all_events.customer_id = first_touched.customer_id
        where all_events.month_number <= parameters.last_month_number
        group by
            all_events.customer_id,
            greatest(all_events.month_number, first_touched.month_number)
    ),
{% else %}
    events as (
        select all_events.*
        from all_events
        cross join parameters
        where all_events.month_number <= parameters.last_month_number
    ),
{% endif %}

counted as (
    select
        customer_id,
        month_number as first_month_number,
        lead(month_number) over (
            partition by customer_id
            order by month_number
        ) - 1 as final_month_number,
    {%- for column in sums %}
        sum({{ column }}) over (
            partition by customer_id
            order by month_number
            rows between unbounded preceding and current row
            ) as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
    from events
),

counted_months as (
    select
        counted.customer_id,
        {{ columns_of(sums, 'counted') }},
        cast(
            {{ explode_integers(
                'counted.first_month_number',
                'coalesce(counted.final_month_number, parameters.last_month_number)'
            ) }} as integer
        ) as month_number
    from counted
    cross join parameters
),

constants as (
    select
    {%- for part, constant in constants_of_parts %}
            max(case when grade_part = '{{ part }}' then {{ constant }} end)
                as {{ part }}_{{ constant }}{{ ',' if not loop.last }}
    {%- endfor %}
    from grade_parts
),

minimums as (
    select
    {%- for grade in ranked_grades %}
            max(case when credit_grade = '{{ grade }}' then minimum_score end)
                as minimum_{{ grade | lower }}{{ ',' if not loop.last }}
    {%- endfor %}
    from credit_grades
),

described as (
    select
        counted_months.*,
        customer_spans.credit_limit_amount,
        coalesce(customer_spans.is_insolvent, false) as is_insolvent,
        case when customer_spans.is_insolvent then 1 else 0 end as insolvent_count
    from counted_months
    left join customer_spans
        on
            counted_months.customer_id = customer_spans.customer_id
            and counted_months.month_number >= customer_spans.month_from
            and counted_months.month_number < customer_spans.month_to
),

-- Points fall in a straight line from the value that gives them all to the one that gives none.
pointed as (
    select
        described.*,
    {%- for part, (numerator, denominator) in parts.items() %}
        {{ points_between(
            'described.' ~ numerator,
            denominator if denominator == '1' else 'described.' ~ denominator,
            'constants.' ~ part ~ '_full_points_at',
            'constants.' ~ part ~ '_no_points_at',
            'constants.' ~ part ~ '_weight'
        ) }} as {{ part }}_points{{ ',' if not loop.last }}
    {%- endfor %}
    from described
    cross join constants
),

scored as (
    select
        pointed.*,
        {%- for part in parts %}
            coalesce(pointed.{{ part }}_points, 0){{ ' +' if not loop.last }}
        {%- endfor %} as credit_score_numerator,
        {%- for part in parts %}
            case when pointed.{{ part }}_points is null then 0 else constants.{{ part }}_weight end
            {{- ' +' if not loop.last }}
        {%- endfor %} as credit_score_denominator
    from pointed
    cross join constants
),

final as (
    select
        scored.customer_id,
        {{ month_of_number('scored.month_number') }} as month_start,
        {%- for column in sums if column.endswith('_count') %}
            cast(scored.{{ column }} as integer) as {{ column }},
        {%- endfor %}
        {%- for column in sums if not column.endswith('_count') %}
            cast(scored.{{ column }} as decimal(28, 2)) as {{ column }},
        {%- endfor %}
        scored.credit_limit_amount,
        scored.is_insolvent,
        {%- for part in parts %}
            cast(scored.{{ part }}_points as decimal(9, 2)) as {{ part }}_points,
        {%- endfor %}
        cast(scored.credit_score_numerator as decimal(9, 2)) as credit_score_numerator,
        cast(scored.credit_score_denominator as decimal(9, 2)) as credit_score_denominator,
        case
            when scored.paid_item_count < credit_rules.minimum_paid_item_count then 'unrated'
            when scored.is_insolvent and credit_rules.insolvent_grade is not null
                then credit_rules.insolvent_grade
            {%- for grade in ranked_grades %}
                when
                    scored.credit_score_numerator * 100
                    >= minimums.minimum_{{ grade | lower }} * scored.credit_score_denominator
                    then '{{ grade }}'
            {%- endfor %}
            else 'E'
        end as credit_grade
    from scored
    cross join credit_rules
    cross join minimums
)

select * from final
