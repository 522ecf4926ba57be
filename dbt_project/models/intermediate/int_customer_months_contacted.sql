-- Grain: one row per customer and month with a contact, up to the as-of date.
{{ config(**replaces_touched(by='int_contact_days_touched', keys=['customer_id'])) }}

with contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

final as (
    select
        contacts.customer_id,
        contacts.month_start,
        cast(
            sum(case when contacts.outcome = 'complaint' then 1 else 0 end) as integer
        ) as complaint_count
    from contacts
    where {{ touched_only('contacts', 'int_contact_days_touched', ['customer_id']) }}
    group by contacts.customer_id, contacts.month_start
)

select * from final
