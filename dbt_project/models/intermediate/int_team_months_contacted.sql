-- Grain: one row per team and month with a contact, up to the as-of date. A customer whom
-- two of a team contacted is one customer.
{{ config(**replaces_touched(by='int_work_months_touched', keys=['month_start'])) }}

with contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

teams as (
    select * from {{ ref('int_collector_teams_spanned') }}
),

final as (
    select
        coalesce(teams.team_id, 'unassigned') as team_id,
        contacts.month_start,
        count(distinct contacts.customer_id) as customer_contacted_count
    from contacts
    left join teams
        on
            contacts.collector_id = teams.collector_id
            and contacts.month_start >= teams.member_from
            and contacts.month_start < teams.member_until
    where {{ touched_only('contacts', 'int_work_months_touched', ['month_start']) }}
    group by coalesce(teams.team_id, 'unassigned'), contacts.month_start
)

select * from final
