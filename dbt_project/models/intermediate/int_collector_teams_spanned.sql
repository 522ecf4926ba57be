-- Grain: one row per collector and span [member_from, member_until) of whole months in one team.
-- A collector is in a team from the month of the delivery that says so; the first one speaks for
-- the time before as well. Kept from build to build, so that it is known who changed teams.
{{ config(**replaces_touched(by='int_collector_teams_touched', keys=['collector_id'])) }}

with delivered as (
    select * from {{ ref('stg_lake__collectors') }}
    where {{ touched_only(
        'stg_lake__collectors', 'int_collector_teams_touched', ['collector_id']
    ) }}
),

ranked as (
    select
        collector_id,
        {{ month_start('_delivery_date') }} as month_start,
        coalesce(team_id, 'unassigned') as team_id,
        row_number() over (
            partition by collector_id, {{ month_start('_delivery_date') }}
            order by _delivery_date desc, _recorded_at desc, _load_sequence desc, _row_number desc
        ) as recency_rank
    from delivered
),

stated as (
    select
        collector_id,
        month_start,
        team_id,
        lag(team_id) over (
            partition by collector_id
            order by month_start
        ) as previous_team_id
    from ranked
    where recency_rank = 1
),

changes as (
    select
        collector_id,
        team_id,
        case
            when previous_team_id is null then {{ far_past() }}
            else month_start
        end as member_from
    from stated
    where team_id is distinct from previous_team_id
),

spans as (
    select
        collector_id,
        team_id,
        member_from,
        coalesce(
            lead(member_from) over (
                partition by collector_id
                order by member_from
            ),
            {{ far_future() }}
        ) as member_until
    from changes
)

select * from spans
