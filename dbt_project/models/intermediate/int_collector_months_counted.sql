-- Grain: one row per collector and month with a contact, a promise or cash to count, up to the
-- as-of date. Cash counts in the month it took effect, a promise made in the month it was made, a
-- promise kept or broken in the month it was promised for. What nobody earned stands under
-- `unattributed`. What was earned in a month is what came in it, less what was taken back of it in
-- that month or since.
{{ config(**replaces_touched(by='int_work_months_touched', keys=['month_start'])) }}

with contacts as (
    select * from {{ ref('int_contacts_dated') }}
    where {{ touched_only('int_contacts_dated', 'int_work_months_touched', ['month_start']) }}
),

promises as (
    select * from {{ ref('int_promises_judged') }}
),

all_earned as (
    select * from {{ ref('int_cash_earned_summed') }}
),

earned as (
    select * from all_earned
    where {{ touched_only('all_earned', 'int_work_months_touched', ['month_start']) }}
),

reversed_of_months as (
    select * from all_earned
    where
        is_reversed_cash
        and {{ touched_only(
            'all_earned',
            'int_work_months_touched',
            ['month_start'],
            {'month_start': 'all_earned.earned_month_start'}
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
        {%- for channel in contact_channels() %}
            sum(case when channel = '{{ channel }}' then 1 else 0 end)
                as {{ channel }}_contact_count,
            sum(case when channel = '{{ channel }}' and direction = 'outbound' then 1 else 0 end)
                as {{ channel }}_attempt_count,
            sum(
                case
                    when channel = '{{ channel }}' and direction = 'outbound' and is_connect then 1
                    else 0
                end
            ) as {{ channel }}_connect_count,
            sum(
                case
                    when channel = '{{ channel }}' and direction = 'outbound' and is_right_party
                        then 1
                    else 0
                end
            ) as {{ channel }}_right_party_contact_count,
        {%- endfor %}
        sum(case when direction = 'outbound' then 1 else 0 end) as attempt_count,
        sum(case when direction = 'outbound' and is_connect then 1 else 0 end) as connect_count,
        sum(case when direction = 'outbound' and is_right_party then 1 else 0 end)
            as right_party_contact_count,
        sum(case when outcome = 'complaint' then 1 else 0 end) as complaint_count,
        sum(case when outcome = 'complaint' and is_complaint_upheld then 1 else 0 end)
            as upheld_complaint_count,
        count(duration_seconds) as timed_contact_count,
        coalesce(sum(duration_seconds), 0) as contact_second_count,
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

{%- set methods = [
    'portfolio_owner', 'last_touch', 'first_touch', 'linear', 'promise_first'
] %}

cash_by_month as (
    select
        collector_id,
        month_start,
        sum(headline_amount) as collected_amount,
        {%- for method in methods %}
            sum({{ method }}_amount) as collected_{{ method }}_amount,
        {%- endfor %}
        sum(case when not is_reversed_cash then headline_amount end) as earned_amount
    from earned
    group by collector_id, month_start
),

reversed_by_month as (
    select
        collector_id,
        earned_month_start as month_start,
        -sum(headline_amount) as taken_back_amount,
        -sum(case when month_start > earned_month_start then headline_amount end)
            as taken_back_afterwards_amount
    from reversed_of_months
    group by collector_id, earned_month_start
),

{%- set parts = [
    'contacts_by_month', 'promises_by_month_made', 'promises_by_month_due', 'cash_by_month',
    'reversed_by_month'
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
            'complaint_count', 'upheld_complaint_count', 'timed_contact_count',
            'contact_second_count'
        ] %}
            coalesce(contacts_by_month.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        {%- for column in channel_counts() %}
            coalesce(contacts_by_month.{{ column }}, 0) as {{ column }},
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
        {%- for method in methods %}
            coalesce(cash_by_month.collected_{{ method }}_amount, 0)
                as collected_{{ method }}_amount,
        {%- endfor %}
        coalesce(cash_by_month.earned_amount, 0) as earned_amount,
        coalesce(reversed_by_month.taken_back_amount, 0) as taken_back_amount,
        coalesce(reversed_by_month.taken_back_afterwards_amount, 0)
            as taken_back_afterwards_amount
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
