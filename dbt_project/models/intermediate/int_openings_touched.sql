-- Grain: one row per customer and month of whose opening something may be told otherwise since the
-- build before: what was open, what was collected of it, the grade or the owner. Empty when the
-- warehouse is built from nothing.
with changed_balances as (
    {{ changed_rows('receivables_by_span', ['customer_id', 'open_from', 'open_to']) }}
),

cash as (
    select * from {{ ref('cash_applications') }}
),

changed_cash as (
    {{ changed_rows('cash_applications', ['customer_id', 'effective_date']) }}
),

changed_grades as (
    {{ changed_rows('credit_points_by_customer_month', ['customer_id', 'month_start']) }}
),

changed_portfolios as (
    {{ changed_rows('int_portfolios_spanned', ['customer_id', 'owned_from', 'owned_until']) }}
),

accounts as (
    select * from {{ ref('aging_accounts') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- Months that open in [month_from, month_to].
ranges as (
    select
        changed_balances.customer_id,
        {{ month_number('changed_balances.open_from') }} + 1 as month_from,
        {{ month_number('changed_balances.open_to') }} as month_to
    from changed_balances
    union all
    select
        changed_cash.customer_id,
        {{ month_number('changed_cash.effective_date') }} as month_from,
        {{ month_number('changed_cash.effective_date') }} as month_to
    from changed_cash
    union all
    select
        cash.customer_id,
        {{ month_number('cash.effective_date') }} as month_from,
        {{ month_number('cash.effective_date') }} as month_to
    from cash
    cross join run_parameters
    where
        cash.effective_date > run_parameters.previous_as_of_date
        and cash.effective_date <= run_parameters.as_of_date
    union all
    select
        changed_grades.customer_id,
        {{ month_number('changed_grades.month_start') }} + 1 as month_from,
        {{ month_number('changed_grades.month_start') }} + 1 as month_to
    from changed_grades
    union all
    select
        changed_portfolios.customer_id,
        {{ month_number('changed_portfolios.owned_from') }} as month_from,
        {{ month_number('changed_portfolios.owned_until') }} as month_to
    from changed_portfolios
    union all
    select
        accounts.customer_id,
        {{ month_number('run_parameters.previous_as_of_date') }} + 1 as month_from,
        {{ month_number('run_parameters.as_of_date') }} as month_to
    from accounts
    cross join run_parameters
    where run_parameters.previous_as_of_date is not null
),

begun as (
    select
        ranges.customer_id,
        ranges.month_from,
        least(ranges.month_to, {{ month_number('run_parameters.as_of_date') }}) as month_to
    from ranges
    cross join run_parameters
),

distinct_ranges as (
    select
        customer_id,
        month_from,
        month_to
    from begun
    where month_from <= month_to
    group by customer_id, month_from, month_to
),

months as (
    select
        customer_id,
        {{ explode_integers('month_from', 'month_to') }} as month_number
    from distinct_ranges
),

final as (
    select
        customer_id,
        {{ month_of_number('month_number') }} as month_start
    from months
    group by customer_id, month_number
)

select * from final
