-- Grain: one row per day and account whose aging may have changed: accounts with balances that
-- changed, on the days on which these were open; all accounts, on slices that are kept now and were
-- not before, or the other way round. Nothing when the warehouse is built from nothing.
with changed_balances as (
    {{ changed_rows(
        'receivables_by_span',
        ['company_code', 'customer_id', 'currency_code', 'open_from', 'open_to']
    ) }}
),

accounts as (
    select * from {{ ref('aging_accounts') }}
),

slices as (
    select * from {{ ref('int_slices_kept') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

day_numbers as (
    select
        previous_as_of_date,
        {{ explode_integers('0', '34') }} as day_number
    from run_parameters
    where previous_as_of_date is not null
),

days_before as (
    select {{ add_days('previous_as_of_date', '-day_number') }} as as_of_date
    from day_numbers
),

-- Month ends before the first movement of today were kept when there was an earlier one.
first_changes as (
    select
        min(changed_balances.open_from) as first_date,
        max(run_parameters.as_of_date) as last_date
    from changed_balances
    cross join run_parameters
),

month_numbers as (
    select
        first_date,
        {{ explode_integers('0', months_between('first_date', 'last_date')) }} as month_number
    from first_changes
    where first_date <= last_date
),

days as (
    select as_of_date from slices
    union
    select as_of_date from days_before
    union
    select {{ month_end(add_months(month_start('first_date'), 'month_number')) }} as as_of_date
    from month_numbers
),

turned_days as (
    select slices.as_of_date
    from slices
    inner join run_parameters
        on slices.as_of_date > run_parameters.previous_as_of_date
    union
    select days_before.as_of_date
    from days_before
    left join slices
        on days_before.as_of_date = slices.as_of_date
    where slices.as_of_date is null
),

touched as (
    select
        days.as_of_date,
        {{ account_number(
            'changed_balances.company_code',
            'changed_balances.customer_id',
            'changed_balances.currency_code'
        ) }} as account_no
    from changed_balances
    inner join days
        on
            changed_balances.open_from <= days.as_of_date
            and changed_balances.open_to > days.as_of_date
    union
    select
        turned_days.as_of_date,
        accounts.account_no
    from turned_days
    cross join accounts
)

select * from touched
