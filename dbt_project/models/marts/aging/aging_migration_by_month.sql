-- Grain: one row per company, scope, month, bucket set, bucket at the month's beginning and state
-- at its end that is not empty. `inflow` stands for no bucket: what is in a bucket at the end and
-- was owed in none at the beginning. The rows of a bucket add up to what it opened with, the rows
-- into a bucket to what it closed with. What is in a better bucket only because its due date was
-- moved is told in re_aged_amount.
-- All items of one due date are in one bucket on any day, so that only what was used up of the
-- opening balances has to be known item by item. Credits stand apart from aging and are not here.
with balances as (
    select * from {{ ref('int_balances_sliced') }}
    where credit_class_code is null
),

itemized as (
    select * from {{ ref('int_migrations_itemized') }}
),

re_aged as (
    select * from {{ ref('int_migrations_re_aged') }}
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

ages as (
    select * from {{ ref('int_ages_bucketed') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{%- set amounts = [
    'opening_amount', 'closing_amount', 'collected_amount', 'credited_amount', 'written_off_amount'
] %}

parts as (
    select
        company_code,
        segment,
        region,
        team_id,
        {{ add_months('month_start', 1) }} as month_start,
        due_date,
        open_amount as opening_amount,
        0 as closing_amount,
        0 as collected_amount,
        0 as credited_amount,
        0 as written_off_amount,
        unconverted_item_count
    from balances
    union all
    select
        company_code,
        segment,
        region,
        team_id,
        month_start,
        due_date,
        0 as opening_amount,
        open_amount as closing_amount,
        0 as collected_amount,
        0 as credited_amount,
        0 as written_off_amount,
        unconverted_item_count
    from balances
    union all
    select
        itemized.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        coalesce(customers.team_id, 'unassigned') as team_id,
        itemized.month_start,
        itemized.due_date,
        0 as opening_amount,
        0 as closing_amount,
        itemized.opening_collected_amount as collected_amount,
        itemized.opening_credited_amount as credited_amount,
        itemized.opening_written_off_amount as written_off_amount,
        0 as unconverted_item_count
    from itemized
    left join customers
        on itemized.customer_id = customers.customer_id
    where
        itemized.opening_collected_amount <> 0
        or itemized.opening_credited_amount <> 0
        or itemized.opening_written_off_amount <> 0
),

by_due_date as (
    select
        parts.company_code,
        parts.segment,
        parts.region,
        parts.team_id,
        parts.month_start,
        parts.due_date,
        least({{ month_end('parts.month_start') }}, run_parameters.as_of_date) as measured_to_date,
        run_parameters.as_of_date,
        {%- for amount in amounts %}
            sum(parts.{{ amount }}) as {{ amount }},
        {%- endfor %}
        sum(parts.unconverted_item_count) as unconverted_item_count
    from parts
    cross join run_parameters
    where parts.month_start <= run_parameters.as_of_date
    group by
        parts.company_code,
        parts.segment,
        parts.region,
        parts.team_id,
        parts.month_start,
        parts.due_date,
        run_parameters.as_of_date
),

bucketed as (
    select
        by_due_date.company_code,
        by_due_date.segment,
        by_due_date.region,
        by_due_date.team_id,
        by_due_date.as_of_date,
        by_due_date.month_start,
        by_due_date.measured_to_date,
        closing_ages.bucket_set,
        opening_ages.aging_bucket as opening_bucket,
        closing_ages.aging_bucket as closing_bucket,
        {%- for amount in amounts %}
            sum(by_due_date.{{ amount }}) as {{ amount }},
        {%- endfor %}
        sum(by_due_date.unconverted_item_count) as unconverted_item_count
    from by_due_date
    inner join ages as closing_ages
        on
            by_due_date.measured_to_date = closing_ages.as_of_date
            and by_due_date.due_date = closing_ages.basis_date
    left join ages as opening_ages
        on
            {{ add_days('by_due_date.month_start', -1) }} = opening_ages.as_of_date
            and by_due_date.due_date = opening_ages.basis_date
            and closing_ages.bucket_set = opening_ages.bucket_set
    group by
        by_due_date.company_code,
        by_due_date.segment,
        by_due_date.region,
        by_due_date.team_id,
        by_due_date.as_of_date,
        by_due_date.month_start,
        by_due_date.measured_to_date,
        closing_ages.bucket_set,
        opening_ages.aging_bucket,
        closing_ages.aging_bucket
),

re_aged_cells as (
    select
        re_aged.company_code,
        re_aged.segment,
        re_aged.region,
        re_aged.team_id,
        closing_ages.as_of_date as measured_to_date,
        re_aged.month_start,
        re_aged.bucket_set,
        opening_ages.aging_bucket as opening_bucket,
        closing_ages.aging_bucket as closing_bucket,
        run_parameters.as_of_date,
        re_aged.re_aged_amount
    from re_aged
    cross join run_parameters
    inner join ages as closing_ages
        on
            re_aged.due_date = closing_ages.basis_date
            and re_aged.bucket_set = closing_ages.bucket_set
            and least({{ month_end('re_aged.month_start') }}, run_parameters.as_of_date)
            = closing_ages.as_of_date
    inner join ages as opening_ages
        on
            re_aged.due_date = opening_ages.basis_date
            and re_aged.bucket_set = opening_ages.bucket_set
            and {{ add_days('re_aged.month_start', -1) }} = opening_ages.as_of_date
),

{%- set cells = {
    ('opening_bucket', 'closing_bucket'):
        'opening_amount - collected_amount - credited_amount - written_off_amount',
    ("'inflow'", 'closing_bucket'):
        'closing_amount'
        ~ ' - (opening_amount - collected_amount - credited_amount - written_off_amount)',
    ('opening_bucket', "'collected'"): 'collected_amount',
    ('opening_bucket', "'credited'"): 'credited_amount',
    ('opening_bucket', "'written_off'"): 'written_off_amount',
} %}

cells as (
    {%- for (state_before, state_after), amount in cells.items() %}
        select
            company_code,
            segment,
            region,
            team_id,
            as_of_date,
            month_start,
            measured_to_date,
            bucket_set,
            {{ state_before }} as aging_bucket,
            {{ state_after }} as next_state,
            {{ amount }} as migrated_amount,
            0 as re_aged_amount,
            unconverted_item_count
        from bucketed
        union all
    {%- endfor %}
    select
        company_code,
        segment,
        region,
        team_id,
        as_of_date,
        month_start,
        measured_to_date,
        bucket_set,
        opening_bucket as aging_bucket,
        closing_bucket as next_state,
        0 as migrated_amount,
        re_aged_amount,
        0 as unconverted_item_count
    from re_aged_cells
),

{%- set scopes = {
    'company': 'company_code', 'segment': 'segment', 'region': 'region', 'team': 'team_id'
} %}

scoped as (
    {%- for scope_type, scope_id in scopes.items() %}
        select
            *,
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id
        from cells
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

summed as (
    select
        as_of_date,
        month_start,
        measured_to_date,
        company_code,
        scope_type,
        scope_id,
        bucket_set,
        aging_bucket,
        next_state,
        sum(migrated_amount) as migrated_amount,
        sum(re_aged_amount) as re_aged_amount,
        sum(unconverted_item_count) as unconverted_item_count
    from scoped
    group by
        as_of_date,
        month_start,
        measured_to_date,
        company_code,
        scope_type,
        scope_id,
        bucket_set,
        aging_bucket,
        next_state
),

parted as (
    select
        *,
        migrated_amount as migration_rate_numerator,
        sum(migrated_amount) over (
            partition by
                company_code, scope_type, scope_id, month_start, bucket_set, aging_bucket
        ) as migration_rate_denominator,
        sum(unconverted_item_count) over (
            partition by
                company_code, scope_type, scope_id, month_start, bucket_set, aging_bucket
        ) as unconverted_in_bucket_count
    from summed
),

final as (
    select
        parted.as_of_date,
        parted.month_start,
        {{ month_end('parted.month_start') }} as month_end,
        parted.measured_to_date,
        parted.measured_to_date = {{ month_end('parted.month_start') }} as is_complete,
        parted.company_code,
        parted.scope_type,
        parted.scope_id,
        parted.bucket_set,
        parted.aging_bucket,
        coalesce(opening_buckets.aging_bucket_order, 0) as aging_bucket_order,
        parted.next_state,
        case
            when closing_buckets.aging_bucket_order is null then parted.next_state
            when closing_buckets.aging_bucket_order < opening_buckets.aging_bucket_order
                then 'better'
            when closing_buckets.aging_bucket_order = opening_buckets.aging_bucket_order
                then 'same'
            when closing_buckets.aging_bucket_order > opening_buckets.aging_bucket_order
                then 'worse'
            else 'new'
        end as migration_code,
        cast(parted.migrated_amount as decimal(18, 2)) as migrated_amount,
        cast(parted.re_aged_amount as decimal(18, 2)) as re_aged_amount,
        {{ measure_columns('migration_rate') }},
        case when parted.unconverted_in_bucket_count > 0 then 'missing' else 'ok' end as rate_status
    from parted
    left join buckets as opening_buckets
        on
            parted.bucket_set = opening_buckets.bucket_set
            and parted.aging_bucket = opening_buckets.aging_bucket
    left join buckets as closing_buckets
        on
            parted.bucket_set = closing_buckets.bucket_set
            and parted.next_state = closing_buckets.aging_bucket
    where
        parted.migrated_amount <> 0
        or parted.re_aged_amount <> 0
)

select * from final
