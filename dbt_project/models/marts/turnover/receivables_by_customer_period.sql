-- Grain: one row per period type, period, company and customer that ever had a receivable: the
-- columns of receivables_by_period, worked out when they are asked for. A view: rows of every
-- customer and period would be many more than the documents, and few are ever read.
-- Only marts are read, named without their database, so that the view also works in the published
-- copy. The one date is joined last, so that the view can be written down and read back.
{%- set origin = "cast('1970-01-01' as date)" %}
{{ config(materialized='view') }}

with all_periods as (
    select * from {{ ref('receivables_by_period').include(database=false) }}
),

all_movements as (
    select * from {{ ref('receivable_movements').include(database=false) }}
),

all_items as (
    select * from {{ ref('receivable_items').include(database=false) }}
),

all_cash as (
    select * from {{ ref('cash_applications').include(database=false) }}
),

all_balances as (
    select * from {{ ref('receivables_by_span').include(database=false) }}
),

periods as (
    select
        company_code,
        as_of_date,
        history_start_month,
        period_type,
        period_start,
        period_end,
        measured_to_date,
        opening_month,
        last_month,
        day_count,
        month_count,
        is_complete
    from all_periods
    where scope_type = 'company'
),

run_parameters as (
    select max(as_of_date) as as_of_date from periods
),

scopes as (
    select
        company_code,
        'customer' as scope_type,
        customer_id as scope_id
    from all_movements
    where is_current
    group by company_code, customer_id
),

sales as (
    select
        movements.company_code,
        movements.customer_id,
        {{ month_start('movements.effective_date') }} as month_start,
        sum(movements.amount) as credit_sales_amount
    from all_movements as movements
    cross join run_parameters
    where
        movements.is_current
        and movements.effective_date <= run_parameters.as_of_date
        and movements.movement_type in ('invoice', 'debit_memo', 'credit_memo')
    group by
        movements.company_code,
        movements.customer_id,
        {{ month_start('movements.effective_date') }}
),

items as (
    select
        all_items.company_code,
        all_items.item_type,
        all_items.document_id,
        all_items.installment_no,
        all_items.customer_id,
        {{ due_month_of('all_items', 'run_parameters.as_of_date') }} as due_month_start
    from all_items
    cross join run_parameters
    where all_items.is_current
),

booked as (
    select
        movements.company_code,
        movements.customer_id,
        {{ month_start('movements.effective_date') }} as month_start,
        items.due_month_start,
        {{ booked_sums('movements') }}
    from all_movements as movements
    left join items
        on
            movements.company_code = items.company_code
            and movements.customer_id = items.customer_id
            and movements.item_type = items.item_type
            and movements.document_id = items.document_id
            and movements.installment_no = items.installment_no
    cross join run_parameters
    where
        movements.is_current
        and movements.effective_date <= run_parameters.as_of_date
        and movements.movement_type in {{ booked_types() }}
    group by
        movements.company_code,
        movements.customer_id,
        {{ month_start('movements.effective_date') }},
        items.due_month_start
),

collected as (
    select
        cash.company_code,
        cash.customer_id,
        {{ month_start('cash.effective_date') }} as month_start,
        items.due_month_start,
        {{ collected_sums('cash') }}
    from all_cash as cash
    inner join items
        on
            cash.company_code = items.company_code
            and cash.customer_id = items.customer_id
            and cash.document_id = items.document_id
            and cash.installment_no = items.installment_no
    cross join run_parameters
    where
        items.item_type = 'document'
        and cash.effective_date <= run_parameters.as_of_date
    group by
        cash.company_code,
        cash.customer_id,
        {{ month_start('cash.effective_date') }},
        items.due_month_start
),

month_ranges as (
    select
        all_balances.*,
        {{ months_between(origin, 'all_balances.open_from') }} as first_month_number,
        case
            when all_balances.open_to > run_parameters.as_of_date
                then {{ months_between(origin, 'run_parameters.as_of_date') }}
            else {{ months_between(origin, 'all_balances.open_to') }} - 1
        end as last_month_number
    from all_balances
    cross join run_parameters
    where all_balances.open_from <= run_parameters.as_of_date
),

months_open as (
    select
        company_code,
        customer_id,
        credit_class_code,
        due_date,
        open_amount,
        {{ explode_integers('first_month_number', 'last_month_number') }} as month_number
    from month_ranges
    where first_month_number <= last_month_number
),

dated_balances as (
    select
        months_open.*,
        {{ add_months(origin, 'months_open.month_number') }} as month_start,
        run_parameters.as_of_date
    from months_open
    cross join run_parameters
),

closing as (
    select
        company_code,
        customer_id,
        month_start,
        case
            when credit_class_code is null and due_date <= as_of_date
                then {{ month_start('due_date') }}
        end as due_month_start,
        sum(open_amount) as closing_amount,
        sum(
            case
                when
                    credit_class_code is null
                    and due_date >= least({{ month_end('month_start') }}, as_of_date)
                    then open_amount
            end
        ) as closing_current_amount,
        sum(case when credit_class_code is null then open_amount end) as closing_owed_amount,
        sum(case when open_amount is null then 1 else 0 end) as unconverted_item_count
    from dated_balances
    group by
        company_code,
        customer_id,
        month_start,
        case
            when credit_class_code is null and due_date <= as_of_date
                then {{ month_start('due_date') }}
        end
),

{%- set amounts = {
    'closing': ['closing_amount', 'closing_current_amount', 'closing_owed_amount'],
    'booked': [
        'credit_sales_amount', 'billed_amount', 'write_off_amount',
        'recovery_of_written_off_amount'
    ],
    'collected': [
        'cash_applied_amount', 'cash_reversed_amount', 'cash_days_from_document_date',
        'cash_days_from_due_date', 'cash_within_0_days_amount', 'cash_within_30_days_amount',
        'cash_within_60_days_amount', 'cash_within_90_days_amount'
    ],
} %}

parts as (
    {%- for part in amounts %}
        select
            company_code,
            customer_id,
            month_start,
            due_month_start,
            {{ 'unconverted_item_count' if part == 'closing' else '0' }} as unconverted_item_count,
            {{ '0' if part == 'closing' else 'unconverted_movement_count' }}
                as unconverted_movement_count
            {%- for other, columns in amounts.items() %}
                {%- for column in columns -%}
                    ,
                    {% if other == part %}{{ column }}{% else %}null as {{ column }}{% endif %}
                {%- endfor %}
            {%- endfor %}
        from {{ part }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

receivables as (
    select
        company_code,
        'customer' as scope_type,
        customer_id as scope_id,
        month_start,
        due_month_start,
        {%- for columns in amounts.values() %}
            {%- for column in columns %}
                cast(coalesce(sum({{ column }}), 0) as decimal(28, 2)) as {{ column }},
            {%- endfor %}
        {%- endfor %}
        sum(unconverted_item_count) as unconverted_item_count,
        sum(unconverted_movement_count) as unconverted_movement_count
    from parts
    group by company_code, customer_id, month_start, due_month_start
),

balances as (
    select * from all_balances
    where
        credit_class_code is null
        and open_amount is not null
),

{{ balance_moves() }},

ages as (
    select
        company_code,
        'customer' as scope_type,
        customer_id as scope_id,
        month_start,
        document_month_start,
        moved_amount,
        moved_amount_days,
        moved_item_count,
        0 as credit_sales_amount
    from moves
    union all
    select
        company_code,
        'customer' as scope_type,
        customer_id as scope_id,
        month_start,
        month_start as document_month_start,
        0 as moved_amount,
        0 as moved_amount_days,
        0 as moved_item_count,
        credit_sales_amount
    from sales
),

-- The linter does not know frames whose bound is a column.
{{ period_amounts() }} -- noqa: PRS

select * from amounts
