-- Grain: one row per company, scope, month and bucket set, from the first month in which the scope
-- owed anything. The weighted age is that of what is past due. Buckets are in
-- aging_shift_by_bucket. A shortened age stands beside the complaints of the month, because hard
-- collection can buy it.
with shifts as (
    select * from {{ ref('aging_shift_by_bucket') }}
),

contacted as (
    select * from {{ ref('int_customer_months_contacted') }}
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

assigned as (
    select * from {{ ref('int_customers_assigned') }}
),

aging_rules as (
    select * from {{ ref('aging_rules') }}
),

measure_rules as (
    select * from {{ ref('measure_rules') }}
),

contacts_known as (
    select count(*) > 0 as is_any_contact_known from contacted
),

complaints as (
    select
        assigned.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        coalesce(customers.team_id, 'unassigned') as team_id,
        contacted.month_start,
        sum(contacted.complaint_count) as complaint_count,
        count(*) as customer_contacted_count
    from contacted
    inner join assigned
        on contacted.customer_id = assigned.customer_id
    left join customers
        on contacted.customer_id = customers.customer_id
    group by
        assigned.company_code,
        coalesce(customers.segment, 'unassigned'),
        coalesce(customers.region, 'unassigned'),
        coalesce(customers.team_id, 'unassigned'),
        contacted.month_start
),

{%- set scopes = {
    'company': 'company_code', 'segment': 'segment', 'region': 'region', 'team': 'team_id'
} %}

complaints_scoped as (
    {%- for scope_type, scope_id in scopes.items() %}
        select
            company_code,
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id,
            month_start,
            sum(complaint_count) as complaint_count,
            sum(customer_contacted_count) as customer_contacted_count
        from complaints
        group by company_code, {{ scope_id }}, month_start
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

summed as (
    select
        as_of_date,
        month_start,
        month_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id,
        bucket_set,
        sum(open_amount) as open_amount,
        sum(past_due_amount) as past_due_amount,
        sum(past_due_amount_days) as past_due_amount_days,
        sum(case when is_bucket_surge then 1 else 0 end) as bucket_surge_count,
        max(case when rate_status = 'missing' then 1 else 0 end) as missing_count
    from shifts
    group by
        as_of_date,
        month_start,
        month_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id,
        bucket_set
),

measured as (
    select
        summed.*,
        {{ ratio_value('summed.past_due_amount_days', 'summed.past_due_amount') }}
            as weighted_days,
        case
            when {{ ratio_status('summed.past_due_amount_days', 'summed.past_due_amount') }} = 'ok'
                then {{ trillionths_of('summed.past_due_amount_days', 'summed.past_due_amount') }}
        end as weighted_days_in_trillionths,
        {{ ratio_value('summed.past_due_amount', 'summed.open_amount') }} as past_due_share
    from summed
),

followed as (
    select
        *,
        lag(past_due_amount) over (
            partition by company_code, scope_type, scope_id, bucket_set order by month_start
        ) as previous_past_due_amount,
        lag(past_due_share) over (
            partition by company_code, scope_type, scope_id, bucket_set order by month_start
        ) as previous_past_due_rate,
        lag(weighted_days) over (
            partition by company_code, scope_type, scope_id, bucket_set order by month_start
        ) as previous_days_past_due,
        lag(weighted_days_in_trillionths) over (
            partition by company_code, scope_type, scope_id, bucket_set order by month_start
        ) as previous_days_in_trillionths,
        lag(month_start) over (
            partition by company_code, scope_type, scope_id, bucket_set order by month_start
        ) as previous_month_start
    from measured
),

parts as (
    select
        followed.*,
        followed.past_due_amount as past_due_rate_numerator,
        followed.open_amount as past_due_rate_denominator,
        followed.past_due_amount_days as weighted_days_past_due_numerator,
        followed.past_due_amount as weighted_days_past_due_denominator,
        followed.weighted_days - followed.previous_days_past_due
            as weighted_days_growth_rate_numerator,
        followed.previous_days_past_due as weighted_days_growth_rate_denominator,
        followed.weighted_days_in_trillionths - followed.previous_days_in_trillionths
            as grown_in_trillionths,
        case
            when contacts_known.is_any_contact_known
                then coalesce(complaints_scoped.complaint_count, 0)
        end as complaint_rate_numerator,
        {{ exact_average(
            'coalesce(complaints_scoped.customer_contacted_count, 0)',
            'measure_rules.complaint_rate_customers'
        ) }} as complaint_rate_denominator,
        case
            when contacts_known.is_any_contact_known
                then
                    coalesce(complaints_scoped.complaint_count, 0)
                    * measure_rules.complaint_rate_customers
        end as scaled_complaint_count,
        coalesce(complaints_scoped.customer_contacted_count, 0) as customer_contacted_count,
        aging_rules.lengthened_growth_rate,
        aging_rules.shortened_fall_rate
    from followed
    cross join aging_rules
    cross join measure_rules
    cross join contacts_known
    left join complaints_scoped
        on
            followed.company_code = complaints_scoped.company_code
            and followed.scope_type = complaints_scoped.scope_type
            and followed.scope_id = complaints_scoped.scope_id
            and followed.month_start = complaints_scoped.month_start
),

rated as (
    select
        as_of_date,
        month_start,
        month_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id,
        bucket_set,
        open_amount,
        past_due_amount,
        previous_past_due_amount,
        previous_past_due_rate,
        bucket_surge_count,
        missing_count,
        lengthened_growth_rate,
        shortened_fall_rate,
        {{ measure_columns('past_due_rate') }},
        {{ measure_columns('weighted_days_past_due') }},
        previous_days_past_due as previous_weighted_days_past_due,
        {{ measure_columns(
            'weighted_days_growth_rate',
            missing="case when previous_month_start is null then 'insufficient_history' "
            ~ "else 'not_applicable' end",
            exact_numerator='grown_in_trillionths',
            exact_denominator='previous_days_in_trillionths',
            part_type='decimal(18, 8)',
        ) }},
        {{ measure_columns(
            'complaint_rate',
            exact_numerator='scaled_complaint_count',
            exact_denominator='customer_contacted_count',
            part_type='decimal(28, 8)',
        ) }}
    from parts
),

final as (
    select
        as_of_date,
        month_start,
        month_end,
        measured_to_date,
        is_complete,
        company_code,
        scope_type,
        scope_id,
        bucket_set,
        cast(open_amount as decimal(18, 2)) as open_amount,
        cast(past_due_amount as decimal(18, 2)) as past_due_amount,
        cast(previous_past_due_amount as decimal(18, 2)) as previous_past_due_amount,
        cast(past_due_amount - previous_past_due_amount as decimal(18, 2))
            as changed_past_due_amount,
        past_due_rate,
        past_due_rate_numerator,
        past_due_rate_denominator,
        past_due_rate_status,
        cast(past_due_rate - previous_past_due_rate as decimal(18, 8)) as changed_past_due_rate,
        weighted_days_past_due,
        weighted_days_past_due_numerator,
        weighted_days_past_due_denominator,
        weighted_days_past_due_status,
        previous_weighted_days_past_due,
        weighted_days_growth_rate,
        weighted_days_growth_rate_numerator,
        weighted_days_growth_rate_denominator,
        weighted_days_growth_rate_status,
        case
            when weighted_days_growth_rate >= lengthened_growth_rate then 'lengthened'
            when weighted_days_growth_rate <= -shortened_fall_rate then 'shortened'
            when weighted_days_growth_rate is not null then 'steady'
        end as shift_signal_code,
        cast(bucket_surge_count as integer) as bucket_surge_count,
        bucket_surge_count > 0 as has_bucket_surge,
        complaint_rate,
        complaint_rate_numerator,
        complaint_rate_denominator,
        complaint_rate_status,
        case when missing_count > 0 then 'missing' else 'ok' end as rate_status
    from rated
)

select * from final
