-- Grain: one row per period type, period, company and scope (company, segment, region, team): the
-- amounts that measures of turnover, recovery and bad debt are made of.
with periods as (
    select * from {{ ref('int_periods_listed') }}
),

receivables as (
    select * from {{ ref('int_receivables_scoped') }}
),

ages_moved as (
    select * from {{ ref('int_ages_scoped') }}
),

scopes as (
    select
        company_code,
        scope_type,
        scope_id
    from receivables
    group by company_code, scope_type, scope_id
),

ages as (
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        document_month_start,
        moved_amount,
        moved_amount_days,
        moved_item_count,
        0 as credit_sales_amount
    from ages_moved
    union all
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        month_start as document_month_start,
        0 as moved_amount,
        0 as moved_amount_days,
        0 as moved_item_count,
        credit_sales_amount
    from receivables
),

-- The linter does not know frames whose bound is a column.
{{ period_amounts() }} -- noqa: PRS

select * from amounts
