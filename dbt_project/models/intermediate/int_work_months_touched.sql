-- Grain: one row per month whose contacts, promises or cash may count otherwise since the build
-- before. Empty when the warehouse is built from nothing.
with contact_days as (
    select * from {{ ref('int_contact_days_touched') }}
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

collectors as (
    {{ changed_keys('int_collector_teams_spanned', ['collector_id']) }}
),

changed_promises as (
    {{ changed_rows('int_promises_judged', ['promise_date', 'promised_date']) }}
),

changed_attributions as (
    {{ changed_rows('cash_by_earner', ['effective_date', 'earned_date']) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- A promise that is kept ahead of time counts when its month has come.
months_come as (
    select
        {{ add_months(
            month_start('previous_as_of_date'),
            explode_integers('0', months_between('previous_as_of_date', 'as_of_date'))
        ) }} as month_start
    from run_parameters
    where previous_as_of_date is not null
),

touched as (
    select month_start from months_come
    union all
    select {{ month_start('contact_date') }} as month_start
    from contact_days
    union all
    select contacts.month_start
    from contacts
    inner join collectors
        on contacts.collector_id = collectors.collector_id
    union all
    select {{ month_start('promise_date') }} as month_start
    from changed_promises
    union all
    select {{ month_start('promised_date') }} as month_start
    from changed_promises
    union all
    select {{ month_start('effective_date') }} as month_start
    from changed_attributions
    union all
    select {{ month_start('earned_date') }} as month_start
    from changed_attributions
),

final as (
    select month_start
    from touched
    group by month_start
)

select * from final
