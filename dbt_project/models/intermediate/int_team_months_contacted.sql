-- Grain: one row per team of today and month with a contact, up to the as-of date. A customer whom
-- two of a team contacted is one customer.
{{ config(**replaces_touched(by='int_work_months_touched', keys=['month_start'])) }}

with contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

final as (
    select
        coalesce(collectors.team_id, 'unassigned') as team_id,
        contacts.month_start,
        count(distinct contacts.customer_id) as customer_contacted_count
    from contacts
    left join collectors
        on contacts.collector_id = collectors.collector_id
    where {{ touched_only('contacts', 'int_work_months_touched', ['month_start']) }}
    group by coalesce(collectors.team_id, 'unassigned'), contacts.month_start
)

select * from final
