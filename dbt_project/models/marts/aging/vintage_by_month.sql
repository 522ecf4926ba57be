-- Grain: one row per company, scope, month of billing and number of months since, up to the
-- horizon of the seed. What was billed is invoices and debit memos less what was credited on them
-- until today. A cell whose last month is not over has no value.
with itemized as (
    select * from {{ ref('int_migrations_itemized') }}
    where billing_month_start is not null
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

aging_rules as (
    select * from {{ ref('aging_rules') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

placed as (
    select
        itemized.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        coalesce(customers.team_id, 'unassigned') as team_id,
        itemized.billing_month_start,
        {{ months_between('itemized.billing_month_start', 'itemized.month_start') }}
            as months_since_billing,
        sum(itemized.billed_amount) as billed_amount,
        sum(itemized.credited_amount) as credited_amount,
        sum(itemized.collected_amount) as collected_amount,
        sum(itemized.unconverted_movement_count) as unconverted_movement_count
    from itemized
    left join customers
        on itemized.customer_id = customers.customer_id
    group by
        itemized.company_code,
        coalesce(customers.segment, 'unassigned'),
        coalesce(customers.region, 'unassigned'),
        coalesce(customers.team_id, 'unassigned'),
        itemized.billing_month_start,
        {{ months_between('itemized.billing_month_start', 'itemized.month_start') }}
),

{%- set scopes = {
    'company': 'company_code', 'segment': 'segment', 'region': 'region', 'team': 'team_id'
} %}

scoped as (
    {%- for scope_type, scope_id in scopes.items() %}
        select
            company_code,
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id,
            billing_month_start,
            months_since_billing,
            sum(billed_amount) as billed_amount,
            sum(credited_amount) as credited_amount,
            sum(collected_amount) as collected_amount,
            sum(unconverted_movement_count) as unconverted_movement_count
        from placed
        group by company_code, {{ scope_id }}, billing_month_start, months_since_billing
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

vintages as (
    select
        company_code,
        scope_type,
        scope_id,
        billing_month_start,
        sum(billed_amount) as billed_amount,
        sum(credited_amount) as credited_amount,
        sum(unconverted_movement_count) as unconverted_movement_count
    from scoped
    group by company_code, scope_type, scope_id, billing_month_start
),

horizons as (
    select {{ explode_integers('0', 'vintage_months') }} as months_since_billing
    from aging_rules
),

cells as (
    select
        vintages.*,
        cast(horizons.months_since_billing as integer) as months_since_billing,
        {{ month_end(add_months('vintages.billing_month_start', 'horizons.months_since_billing')) }}
            as window_end_date
    from vintages
    cross join horizons
),

collected as (
    select
        cells.company_code,
        cells.scope_type,
        cells.scope_id,
        cells.billing_month_start,
        cells.months_since_billing,
        sum(scoped.collected_amount) as collected_amount
    from cells
    inner join scoped
        on
            cells.company_code = scoped.company_code
            and cells.scope_type = scoped.scope_type
            and cells.scope_id = scoped.scope_id
            and cells.billing_month_start = scoped.billing_month_start
            and cells.months_since_billing >= scoped.months_since_billing
    group by
        cells.company_code,
        cells.scope_type,
        cells.scope_id,
        cells.billing_month_start,
        cells.months_since_billing
),

parts as (
    select
        cells.*,
        run_parameters.as_of_date,
        cells.window_end_date <= run_parameters.as_of_date as is_complete,
        cells.billed_amount - cells.credited_amount as net_billed_amount,
        case
            when cells.window_end_date <= run_parameters.as_of_date
                then coalesce(collected.collected_amount, 0)
        end as collected_rate_numerator,
        case
            when cells.window_end_date <= run_parameters.as_of_date
                then cells.billed_amount - cells.credited_amount
        end as collected_rate_denominator
    from cells
    cross join run_parameters
    left join collected
        on
            cells.company_code = collected.company_code
            and cells.scope_type = collected.scope_type
            and cells.scope_id = collected.scope_id
            and cells.billing_month_start = collected.billing_month_start
            and cells.months_since_billing = collected.months_since_billing
),

final as (
    select
        as_of_date,
        billing_month_start,
        company_code,
        scope_type,
        scope_id,
        months_since_billing,
        window_end_date,
        is_complete,
        cast(billed_amount as decimal(18, 2)) as billed_amount,
        cast(credited_amount as decimal(18, 2)) as credited_amount,
        cast(net_billed_amount as decimal(18, 2)) as net_billed_amount,
        {{ measure_columns('collected_rate', missing="'insufficient_history'") }},
        case when unconverted_movement_count > 0 then 'missing' else 'ok' end as rate_status
    from parts
)

select * from final
