-- Grain: one row per customer and day whose contacts may be judged otherwise since the build
-- before: a contact in reach of the day changed, or the customer's clock or rules did. Reach is the
-- longest window and the days by which calendars differ. Empty when the warehouse is built from
-- nothing.
with contact_days as (
    select * from {{ ref('int_contact_days_touched') }}
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

changed_customers as (
    {{ changed_rows('dim_customers', ['customer_id', 'timezone', 'segment']) }}
),

contact_rules as (
    select * from {{ ref('contact_rules') }}
),

reach as (
    select coalesce(max(window_days), 1) + 1 as reach_days
    from contact_rules
),

days_in_reach as (
    select
        contact_days.customer_id,
        {{ add_days('contact_days.contact_date', explode_integers('-2', 'reach.reach_days')) }}
            as contact_date
    from contact_days
    cross join reach
),

zones_compared as (
    select
        timezone,
        1 as present_count,
        1 as previous_count
    from customers
    where timezone is not null
    union all
    select
        timezone,
        0 as present_count,
        case when _change = 'removed' then 1 else -1 end as previous_count
    from changed_customers
    where timezone is not null
),

zones_come_and_gone as (
    select timezone
    from zones_compared
    group by timezone
    having (sum(present_count) > 0) <> (sum(previous_count) > 0)
),

-- A customer without a zone is judged by all zones that there are.
clocks_changed as (
    select customer_id from changed_customers
    union
    select contacts.customer_id
    from contacts
    left join customers
        on contacts.customer_id = customers.customer_id
    where
        customers.timezone is null
        and exists (select 1 from zones_come_and_gone)
),

touched as (
    select
        customer_id,
        contact_date
    from days_in_reach
    union all
    select
        contacts.customer_id,
        contacts.contact_date
    from contacts
    inner join clocks_changed
        on contacts.customer_id = clocks_changed.customer_id
),

final as (
    select
        customer_id,
        contact_date
    from touched
    group by customer_id, contact_date
)

select * from final
