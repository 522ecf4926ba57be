-- Grain: one row per month of whose work something may be told otherwise since the build before: an
-- opening, a contact or who made it, or cash in the days after a contact. Empty when the warehouse
-- is built from nothing.
with {{ keys_restated_since('stg_lake__collectors', ['collector_id'], 'hourly_cost_amount')
    | replace('final as', 'collectors as') }},

changed_openings as (
    {{ changed_rows('int_openings_graded', ['month_start']) }}
),

contact_days as (
    select * from {{ ref('int_contact_days_touched') }}
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

changed_cash as (
    {{ changed_rows('cash_applications', ['effective_date']) }}
),

strategy_rules as (
    select * from {{ ref('strategy_rules') }}
),

-- Cash counts for the contacts of as many days before it.
cash_days as (
    select effective_date
    from changed_cash
    group by effective_date
    union all
    select {{ add_days('previous_as_of_date', 1) }} as effective_date
    from run_parameters
    where previous_as_of_date < as_of_date
    union all
    select as_of_date as effective_date
    from run_parameters
    where previous_as_of_date < as_of_date
),

cash_months as (
    select
        {{ month_number(add_days(
            'cash_days.effective_date', '-strategy_rules.collected_within_days'
        )) }} as month_from,
        {{ month_number('cash_days.effective_date') }} as month_to
    from cash_days
    cross join strategy_rules
),

cash_month_numbers as (
    select {{ explode_integers('month_from', 'month_to') }} as month_number
    from cash_months
),

begun_months as (
    select
        {{ explode_integers(
            month_number('previous_as_of_date'), month_number('as_of_date')
        ) }} as month_number
    from run_parameters
    where previous_as_of_date is not null
),

touched as (
    select month_start from changed_openings
    union all
    select {{ month_start('contact_date') }} as month_start
    from contact_days
    union all
    select contacts.month_start
    from contacts
    inner join collectors
        on contacts.collector_id = collectors.collector_id
    union all
    select {{ month_of_number('month_number') }} as month_start
    from cash_month_numbers
    union all
    select {{ month_of_number('month_number') }} as month_start
    from begun_months
),

final as (
    select month_start
    from touched
    group by month_start
)

select * from final
