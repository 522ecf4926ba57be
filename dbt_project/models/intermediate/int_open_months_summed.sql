-- Grain: one row per company, segment, region, team, credit class, due date and month at whose end,
-- in the running month on the as-of date, a balance is open.
-- A refresh adds what the spans that may count otherwise give now, and takes off what they gave
-- before: spans that changed, that began or ended since, and those of customers who moved. A span
-- that stays open counts in one month more when a month begins.
{%- set origin = "cast('1970-01-01' as date)" %}
{%- set keys = [
    'company_code', 'segment', 'region', 'team_id', 'credit_class_code', 'due_date', 'month_start'
] %}
{{ config(**adds_changes(keys=keys, row_count='item_count')) }}
{%- set item = ['company_code', 'item_type', 'document_id'] %}
{%- set span_columns = [
    'company_code', 'customer_id', 'credit_class_code', 'due_date', 'open_from', 'open_to',
    'open_amount'
] %}
{%- set customer_columns = ['customer_id', 'segment', 'region', 'team_id'] %}
{%- set states = states_compared() %}
with run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{% if is_refresh() %}
    moved_customers as (
        {{ changed_keys('int_customers_placed', ['customer_id']) }}
    ),

    changed_items as (
        {{ changed_keys('receivables_by_span', item) }}
    ),
{% endif %}

spans_present as (
    select {{ columns_of(span_columns, 'spans') }}
    from {{ ref('receivables_by_span') }} as spans
    cross join run_parameters
    where
        spans.open_from <= run_parameters.as_of_date
        {%- if is_refresh() %}
            and (
                spans.open_from > run_parameters.previous_as_of_date
                or (
                    spans.open_to > run_parameters.previous_as_of_date
                    and (
                        spans.open_to <= run_parameters.as_of_date
                        or {{ month_start('run_parameters.previous_as_of_date') }}
                        < {{ month_start('run_parameters.as_of_date') }}
                    )
                )
                or spans.customer_id in (select moved.customer_id from moved_customers as moved)
                or ({{ columns_of(item, 'spans') }}) in (
                    select {{ columns_of(item, 'changed_items') }} from changed_items
                )
            )
        {%- endif %}
),

customers_present as (
    select {{ customer_columns | join(', ') }}
    from {{ ref('int_customers_placed') }}
),

{% if is_refresh() %}
    -- A removed span that would begin later is none of either day.
    last_days as (
        select as_of_date from run_parameters
    ),

    spans_before as (
        {{ rows_before(
            'spans_present',
            'receivables_by_span',
            span_columns,
            'open_from <= (select last_days.as_of_date from last_days)'
        ) }}
    ),

    customers_before as (
        {{ rows_before('customers_present', 'int_customers_placed', customer_columns) }}
    ),
{% endif %}

{%- for state, as_of_date in states.items() %}
    -- A span holds the ends of the months from that of its first day to the one before its last;
    -- the balance of the as-of date stands for the running month.
    month_ranges_{{ state }} as (
        select
            spans.company_code,
            coalesce(customers.segment, 'unassigned') as segment,
            coalesce(customers.region, 'unassigned') as region,
            coalesce(customers.team_id, 'unassigned') as team_id,
            spans.credit_class_code,
            spans.due_date,
            spans.open_amount,
            {{ months_between(origin, 'spans.open_from') }} as first_month_number,
            case
                when spans.open_to > run_parameters.{{ as_of_date }}
                    then {{ months_between(origin, 'run_parameters.' ~ as_of_date) }}
                else {{ months_between(origin, 'spans.open_to') }} - 1
            end as last_month_number
        from spans_{{ state }} as spans
        cross join run_parameters
        left join customers_{{ state }} as customers
            on spans.customer_id = customers.customer_id
        where spans.open_from <= run_parameters.{{ as_of_date }}
    ),

    months_open_{{ state }} as (
        select
            company_code,
            segment,
            region,
            team_id,
            credit_class_code,
            due_date,
            open_amount,
            {{ explode_integers('first_month_number', 'last_month_number') }} as month_number
        from month_ranges_{{ state }}
        where first_month_number <= last_month_number
    ),

    by_due_date_{{ state }} as (
        select
            company_code,
            segment,
            region,
            team_id,
            credit_class_code,
            due_date,
            month_number,
            sum(open_amount) as open_amount,
            count(*) - count(open_amount) as unconverted_item_count,
            count(*) as item_count
        from months_open_{{ state }}
        group by
            company_code, segment, region, team_id, credit_class_code, due_date, month_number
    ),
{% endfor %}

by_due_date as (
    select * from by_due_date_present
    {%- if is_refresh() %}
        union all
        select
            company_code,
            segment,
            region,
            team_id,
            credit_class_code,
            due_date,
            month_number,
            -open_amount as open_amount,
            -unconverted_item_count as unconverted_item_count,
            -item_count as item_count
        from by_due_date_before
    {%- endif %}
),

final as (
    select
        company_code,
        segment,
        region,
        team_id,
        credit_class_code,
        due_date,
        {{ add_months(origin, 'month_number') }} as month_start,
        cast(coalesce(sum(open_amount), 0) as decimal(28, 2)) as open_amount,
        cast(sum(unconverted_item_count) as integer) as unconverted_item_count,
        cast(sum(item_count) as bigint) as item_count
    from by_due_date
    group by company_code, segment, region, team_id, credit_class_code, due_date, month_number
)

select * from final
