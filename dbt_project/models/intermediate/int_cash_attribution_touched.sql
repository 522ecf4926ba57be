-- Grain: one row per payment whose cash somebody else may have earned since the build before: the
-- cash changed or took effect, or before it a contact, a promise or an owner of the customer
-- changed, or the team of who earned it. Empty when the warehouse is built from nothing.
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

promises as (
    select * from {{ ref('int_promises_windowed') }}
),

changed_promises as (
    {{ changed_rows('int_promises_windowed', ['customer_id', 'window_start', 'window_end']) }}
),

changed_portfolios as (
    {{ changed_rows(
        'int_portfolios_spanned', ['customer_id', 'collector_id', 'owned_from', 'owned_until']
    ) }}
),

collectors as (
    {{ changed_keys('int_collector_teams_spanned', ['collector_id']) }}
),

longest_window as (
    select max(window_days) as window_days
    from {{ ref('attribution_methods') }}
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
            'contact_days_of_collectors.contact_date', 'longest_window.window_days'
        ) }} as touched_to
    from contact_days_of_collectors
    cross join longest_window
    group by
        contact_days_of_collectors.customer_id,
        contact_days_of_collectors.contact_date,
        longest_window.window_days
),

promise_windows as (
    select
        customer_id,
        window_start,
        window_end
    from changed_promises
    union
    select
        promises.customer_id,
        promises.window_start,
        promises.window_end
    from promises
    inner join collectors
        on promises.collector_id = collectors.collector_id
),

-- What a reversal takes back was earned when the payment paid the document.
changed_payments as (
    select
        company_code,
        payment_id
    from changed_cash
    group by company_code, payment_id
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
        cash.company_code,
        cash.payment_id
    from cash
    inner join changed_payments
        on
            cash.company_code = changed_payments.company_code
            and cash.original_payment_id = changed_payments.payment_id
    where cash.is_reversed_cash
    union all
    select
        cash.company_code,
        cash.payment_id
    from cash
    inner join promise_windows
        on
            cash.customer_id = promise_windows.customer_id
            and cash.payment_date between promise_windows.window_start
            and promise_windows.window_end
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
