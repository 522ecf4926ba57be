-- Grain: one row per month and scope: all, a team of today, a collector or a channel. An item that
-- several contacts of a scope worked in a month is one item, and one success is enough.
{%- set scopes = {
    'all': "'all'", 'team': 'team_id', 'collector': 'collector_id', 'channel': 'channel'
} %}
{{ config(**replaces_touched(by='int_success_months_touched', keys=['month_start'])) }}

with items as (
    select * from {{ ref('int_items_worked') }}
    where {{ touched_only('int_items_worked', 'int_success_months_touched', ['month_start']) }}
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

placed as (
    select
        items.*,
        coalesce(collectors.team_id, 'unassigned') as team_id
    from items
    left join collectors
        on items.collector_id = collectors.collector_id
),

items_by_scope as (
    {%- for scope_type, scope_id in scopes.items() %}
        select
            month_start,
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id,
            {{ latest_by('open_amount', 'last_worked_date', 'open_amount') }} as open_amount,
            max(case when is_paid then 1 else 0 end) as paid_count,
            max(case when is_promise_kept then 1 else 0 end) as promise_kept_count,
            max(case when is_paid or is_promise_kept then 1 else 0 end) as succeeded_count
        from placed
        group by month_start, {{ scope_id }}, company_code, document_id, installment_no
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

final as (
    select
        month_start,
        scope_type,
        scope_id,
        count(*) as worked_item_count,
        sum(paid_count) as paid_item_count,
        sum(promise_kept_count) as promise_kept_item_count,
        sum(succeeded_count) as succeeded_item_count,
        sum(open_amount) as worked_amount,
        sum(case when succeeded_count = 1 then open_amount else 0 end) as succeeded_amount
    from items_by_scope
    group by month_start, scope_type, scope_id
)

select * from final
