-- Grain: one row per promise to pay made up to the as-of date. A view: a day that passes changes
-- few promises, but the as-of date of all.
{{ config(materialized='view') }}

with promises as (
    select * from {{ ref('int_promises_judged') }}
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

final as (
    select
        promises.promise_id,
        run_parameters.as_of_date,
        promises.customer_id,
        promises.document_id,
        promises.company_code,
        promises.promise_scope,
        promises.collector_id,
        coalesce(collectors.team_id, 'unassigned') as team_id,
        promises.channel,
        promises.promised_at,
        promises.promise_date,
        promises.promised_date,
        promises.deadline_date,
        promises.superseded_date,
        promises.currency_code,
        promises.promised_amount_document,
        promises.matched_amount_document,
        promises.promised_amount,
        promises.last_matched_date,
        promises.kept_date,
        promises.promise_status
    from promises
    cross join run_parameters
    left join collectors
        on promises.collector_id = collectors.collector_id
)

select * from final
