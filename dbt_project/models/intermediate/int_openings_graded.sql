-- Grain: one row per month, company, customer and bucket of what was open when the month began, by
-- due date in the set `days`, and of the cash that the month brought on it. With the grade that was
-- known then, and who owned the customer on the first day. Cash on an item that stood at nothing
-- then, such as what a bounced payment takes back, has its bucket too.
{{ config(**replaces_touched(by='int_openings_touched', keys=['customer_id', 'month_start'])) }}

with aging as (
    select * from {{ ref('aging_by_account') }}
    where is_by_due_date
),

accounts as (
    select * from {{ ref('aging_accounts') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

all_cash as (
    select * from {{ ref('int_cash_dated') }}
),

all_grades as (
    select * from {{ ref('credit_points_by_customer_month') }}
),

portfolios as (
    select * from {{ ref('int_portfolios_spanned') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{% if is_refresh() %}
    touched_months as (
        select month_start
        from {{ ref('int_openings_touched') }}
        group by month_start
    ),

    touched_customers as (
        select customer_id
        from {{ ref('int_openings_touched') }}
        group by customer_id
    ),
{% endif %}

numbered_buckets as (
    select
        *,
        {{ bucket_number() }} as bucket_no
    from buckets
),

aged_buckets as (
    select * from numbered_buckets
    where
        bucket_set = 'days'
        and is_aged
),

openings as (
    select
        accounts.company_code,
        accounts.customer_id,
        {{ add_days('aging.as_of_date', 1) }} as month_start,
        aged_buckets.aging_bucket,
        aging.open_amount as opening_amount,
        aging.open_amount_document as opening_amount_document,
        cast(0 as decimal(18, 2)) as collected_amount
    from aging
    cross join run_parameters
    inner join aged_buckets
        on aging.bucket_no = aged_buckets.bucket_no
    inner join accounts
        on aging.account_no = accounts.account_no
    where
        aging.as_of_date = {{ month_end('aging.as_of_date') }}
        and aging.as_of_date < run_parameters.as_of_date
        {%- if is_refresh() %}
            and {{ add_days('aging.as_of_date', 1) }} in (
                select touched_months.month_start from touched_months
            )
            and accounts.customer_id in (
                select touched_customers.customer_id from touched_customers
            )
        {%- endif %}
),

cash as (
    select
        all_cash.*,
        {{ month_start('all_cash.effective_date') }} as month_start,
        {{ add_days(month_start('all_cash.effective_date'), -1) }} as opening_date
    from all_cash
    where {{ touched_only(
        'all_cash',
        'int_openings_touched',
        ['customer_id', 'month_start'],
        {'month_start': month_start('all_cash.effective_date')}
    ) }}
),

cash_sums as (
    select
        company_code,
        customer_id,
        month_start,
        opening_date,
        due_date,
        sum(amount) as collected_amount
    from cash
    where document_date <= opening_date
    group by company_code, customer_id, month_start, opening_date, due_date
),

opening_days as (
    select
        opening_date,
        due_date
    from cash_sums
    group by opening_date, due_date
),

aged_days as (
    select
        opening_days.opening_date,
        opening_days.due_date,
        aged_buckets.aging_bucket
    from opening_days
    inner join aged_buckets
        on {{ bucket_holds('aged_buckets', 'opening_days.due_date', 'opening_days.opening_date') }}
),

parts as (
    select * from openings
    union all
    select
        cash_sums.company_code,
        cash_sums.customer_id,
        cash_sums.month_start,
        aged_days.aging_bucket,
        cast(0 as decimal(18, 2)) as opening_amount,
        cast(0 as decimal(18, 2)) as opening_amount_document,
        cash_sums.collected_amount
    from cash_sums
    inner join aged_days
        on
            cash_sums.opening_date = aged_days.opening_date
            and cash_sums.due_date = aged_days.due_date
),

summed as (
    select
        company_code,
        customer_id,
        month_start,
        aging_bucket,
        sum(opening_amount) as opening_amount,
        sum(collected_amount) as collected_amount,
        max(case when opening_amount_document > 0 then 1 else 0 end) = 1 as is_owed
    from parts
    group by company_code, customer_id, month_start, aging_bucket
),

grades as (
    select
        customer_id,
        {{ add_months('month_start', 1) }} as month_start,
        credit_grade
    from all_grades
),

described as (
    select
        summed.month_start,
        summed.company_code,
        summed.customer_id,
        summed.aging_bucket,
        coalesce(grades.credit_grade, 'unrated') as credit_grade,
        coalesce(portfolios.collector_id, 'unattributed') as collector_id,
        summed.is_owed,
        cast(coalesce(summed.opening_amount, 0) as decimal(18, 2)) as opening_amount,
        cast(coalesce(summed.collected_amount, 0) as decimal(18, 2)) as collected_amount
    from summed
    left join grades
        on
            summed.customer_id = grades.customer_id
            and summed.month_start = grades.month_start
    left join portfolios
        on
            summed.customer_id = portfolios.customer_id
            and summed.month_start >= portfolios.owned_from
            and summed.month_start < portfolios.owned_until
),

final as (
    select * from described
    where {{ touched_only('described', 'int_openings_touched', ['customer_id', 'month_start']) }}
)

select * from final
