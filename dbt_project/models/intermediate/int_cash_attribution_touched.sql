-- Grain: one row per payment whose cash somebody else may have earned since the build before: the
-- cash changed or took effect, or before it a contact or an owner of the customer changed, or the
-- team of who did. Empty when the warehouse is built from nothing.
with cash as (
    select * from {{ ref('int_cash_dated') }}
),

changed_cash as (
    {{ changed_rows('cash_applications', ['company_code', 'payment_id']) }}
),

contact_days as (
    select * from {{ ref('int_contact_days_touched') }}
    where is_touch
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
    where is_touch
),

portfolios as (
    select * from {{ ref('int_portfolios_spanned') }}
),

changed_portfolios as (
    {{ changed_rows(
        'int_portfolios_spanned', ['customer_id', 'collector_id', 'owned_from', 'owned_until']
    ) }}
),

collectors as (
    select * from {{ ref('int_collector_teams_touched') }}
),

attribution_methods as (
    select * from {{ ref('attribution_methods') }}
    where attribution_method = 'last_touch'
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

contact_days_of_collectors as (
    select
        contacts.customer_id,
        contacts.contact_date
    from contacts
    inner join collectors
        on contacts.collector_id = collectors.collector_id
    union all
    select
        customer_id,
        contact_date
    from contact_days
),

contact_windows as (
    select
        contact_days_of_collectors.customer_id,
        contact_days_of_collectors.contact_date as touched_from,
        {{ add_days(
            'contact_days_of_collectors.contact_date', 'attribution_methods.window_days'
        ) }} as touched_to
    from contact_days_of_collectors
    cross join attribution_methods
    group by
        contact_days_of_collectors.customer_id,
        contact_days_of_collectors.contact_date,
        attribution_methods.window_days
),

owned_otherwise as (
    select
        cash.company_code,
        cash.payment_id
    from cash
    inner join changed_portfolios
        on
            cash.customer_id = changed_portfolios.customer_id
            and cash.payment_date >= changed_portfolios.owned_from
            and cash.payment_date < changed_portfolios.owned_until
    group by cash.company_code, cash.payment_id, cash.customer_id, cash.payment_date
    having
        max(
            case
                when changed_portfolios._change = 'removed' then changed_portfolios.collector_id
            end
        ) is distinct from max(
            case when changed_portfolios._change = 'added' then changed_portfolios.collector_id end
        )
),

touched as (
    select
        company_code,
        payment_id
    from changed_cash
    union all
    select
        cash.company_code,
        cash.payment_id
    from cash
    cross join run_parameters
    where cash.effective_date > run_parameters.previous_as_of_date
    union all
    select
        cash.company_code,
        cash.payment_id
    from cash
    inner join contact_windows
        on
            cash.customer_id = contact_windows.customer_id
            and cash.payment_date between contact_windows.touched_from
            and contact_windows.touched_to
    union all
    select
        company_code,
        payment_id
    from owned_otherwise
    union all
    select
        cash.company_code,
        cash.payment_id
    from cash
    inner join portfolios
        on
            cash.customer_id = portfolios.customer_id
            and cash.payment_date >= portfolios.owned_from
            and cash.payment_date < portfolios.owned_until
    inner join collectors
        on portfolios.collector_id = collectors.collector_id
),

final as (
    select
        company_code,
        payment_id
    from touched
    group by company_code, payment_id
)

select * from final
