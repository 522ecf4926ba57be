-- The questions as they are asked of the marts.

-- name: open_items
select
    document_id,
    customer_id,
    due_date,
    days_past_due,
    cast(open_amount * 100 as bigint) as open_cents
from marts.open_items_as_of(date '{open_on}', timestamp '{known_at}');

-- name: aging
select
    as_of_date,
    customer_id,
    aging_bucket,
    document_count,
    cast(open_amount * 100 as bigint) as open_cents
from marts.aging_by_customer
where
    bucket_set = 'days'
    and age_basis = 'due_date'
    and as_of_date = last_day(as_of_date);

-- name: turnover
select
    period_start as month_start,
    cast(credit_sales_amount * 100 as bigint) as sales_cents,
    cast(closing_receivables_amount * 100 as bigint) as closing_cents,
    cast(round(days_sales_outstanding * 100) as bigint) as hundredths_of_days
from marts.turnover_by_period
where
    period_type = 'month'
    and scope_type = 'company'
    and company_code = 'main'
    and period_start >= date '{first_month}'
    and period_start < date '{past_last_month}';

-- name: attribution
select
    cast(date_trunc('month', effective_date) as date) as month_start,
    collector_id,
    cast(sum(attributed_amount) * 100 as bigint) as cash_cents
from marts.cash_attribution
where attribution_method = 'last_touch'
group by 1, 2;
