-- Grain: one row per customer, with the segment, region and team that its receivables are counted
-- under: as known today, `unassigned` where there is none. The team is that of the collector who
-- owns the customer on the as-of date.
{{ config(**keeps_changes()) }}

with customers as (
    select * from {{ ref('dim_customers') }}
),

portfolios as (
    select * from {{ ref('int_portfolios_spanned') }}
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

final as (
    select
        customers.customer_id,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        coalesce(collectors.team_id, 'unassigned') as team_id
    from customers
    cross join run_parameters
    left join portfolios
        on
            customers.customer_id = portfolios.customer_id
            and run_parameters.as_of_date >= portfolios.owned_from
            and run_parameters.as_of_date < portfolios.owned_until
    left join collectors
        on portfolios.collector_id = collectors.collector_id
)

select * from final
