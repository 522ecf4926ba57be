-- Grain: one row per collector and month with a contact, a promise or cash to count, up to the
-- as-of date. Cash counts in the month it took effect, a promise made in the month it was made, a
-- promise kept or broken in the month it was promised for. What nobody earned stands under
-- `unattributed`.
{%- set channels = ['phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal'] %}
{{ config(**replaces_touched(by='int_work_months_touched', keys=['month_start'])) }}

with contacts as (
    select * from {{ ref('int_contacts_dated') }}
    where {{ touched_only('int_contacts_dated', 'int_work_months_touched', ['month_start']) }}
),

promises as (
    select * from {{ ref('int_promises_judged') }}
),

attributions as (
    select * from {{ ref('cash_attribution') }}
    where {{ touched_only(
        'cash_attribution',
        'int_work_months_touched',
        ['month_start'],
        {'month_start': month_start('cash_attribution.effective_date')}
    ) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

contacts_by_month as (
    select
        collector_id,
        month_start,
        count(*) as contact_count,
        {%- for channel in channels %}
            sum(case when channel = '{{ channel }}' then 1 else 0 end)
                as {{ channel }}_contact_count,
        {%- endfor %}
        sum(case when direction = 'outbound' then 1 else 0 end) as attempt_count,
        sum(case when direction = 'outbound' and is_connect then 1 else 0 end) as connect_count,
        sum(case when direction = 'outbound' and is_right_party then 1 else 0 end)
            as right_party_contact_count,
        sum(case when outcome = 'complaint' then 1 else 0 end) as complaint_count,
        sum(case when outcome = 'complaint' and is_complaint_upheld then 1 else 0 end)
            as upheld_complaint_count,
        count(distinct customer_id) as customer_contacted_count
    from contacts
    group by collector_id, month_start
),

promises_by_month_made as (
    select
        collector_id,
        {{ month_start('promise_date') }} as month_start,
        count(*) as promise_made_count,
        sum(promised_amount) as promise_made_amount
    from promises
    where {{ touched_only(
        'promises',
        'int_work_months_touched',
        ['month_start'],
        {'month_start': month_start('promises.promise_date')}
    ) }}
    group by collector_id, {{ month_start('promise_date') }}
),

promises_by_month_due as (
    select
        promises.collector_id,
        {{ month_start('promises.promised_date') }} as month_start,
    {%- for status in ['kept', 'partly_kept', 'broken'] %}
        sum(case when promises.promise_status = '{{ status }}' then 1 else 0 end)
            as promise_{{ status }}_count,
        sum(case when promises.promise_status = '{{ status }}' then promises.promised_amount end)
            as promise_{{ status }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
    from promises
    cross join run_parameters
    where
        promises.promise_status in ('kept', 'partly_kept', 'broken')
        and {{ month_start('promises.promised_date') }} <= run_parameters.as_of_date
        and {{ touched_only(
            'promises',
            'int_work_months_touched',
            ['month_start'],
            {'month_start': month_start('promises.promised_date')}
        ) }}
    group by promises.collector_id, {{ month_start('promises.promised_date') }}
),

cash_by_month as (
    select
        collector_id,
        {{ month_start('effective_date') }} as month_start,
        sum(case when attribution_method = 'portfolio_owner' then attributed_amount end)
            as collected_amount,
        sum(case when attribution_method = 'last_touch' then attributed_amount end)
            as collected_last_touch_amount
    from attributions
    group by collector_id, {{ month_start('effective_date') }}
),

{%- set parts = [
    'contacts_by_month', 'promises_by_month_made', 'promises_by_month_due', 'cash_by_month'
] %}

all_months as (
    {%- for part in parts %}
        select
            collector_id,
            month_start
        from {{ part }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

collector_months as (
    select
        collector_id,
        month_start
    from all_months
    group by collector_id, month_start
),

final as (
    select
        collector_months.collector_id,
        collector_months.month_start,
        {%- for column in [
            'contact_count', 'attempt_count', 'connect_count', 'right_party_contact_count',
            'complaint_count', 'upheld_complaint_count'
        ] %}
            coalesce(contacts_by_month.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        {%- for channel in channels %}
            coalesce(contacts_by_month.{{ channel }}_contact_count, 0)
                as {{ channel }}_contact_count,
        {%- endfor %}
        coalesce(contacts_by_month.customer_contacted_count, 0) as customer_contacted_count,
        coalesce(promises_by_month_made.promise_made_count, 0) as promise_made_count,
        coalesce(promises_by_month_made.promise_made_amount, 0) as promise_made_amount,
        {%- for status in ['kept', 'partly_kept', 'broken'] %}
            coalesce(promises_by_month_due.promise_{{ status }}_count, 0)
                as promise_{{ status }}_count,
            coalesce(promises_by_month_due.promise_{{ status }}_amount, 0)
                as promise_{{ status }}_amount,
        {%- endfor %}
        coalesce(cash_by_month.collected_amount, 0) as collected_amount,
        coalesce(cash_by_month.collected_last_touch_amount, 0) as collected_last_touch_amount
    from
        collector_months
    {%- for part in parts %}
    left join {{ part }}
        on
            collector_months.collector_id = {{ part }}.collector_id
            and collector_months.month_start = {{ part }}.month_start
    {%- endfor %}
)

select * from final
