-- Fifty questions that dashboards ask of the published copy. Words after a dollar are parameters that
-- `benchmarks.readers` draws from the data; half of the questions have some. Whatever is cut off
-- by a limit is ordered to the last tie, so that one version of the copy has one answer.

-- name: aging_by_bucket_today
select bucket_set, aging_bucket, aging_bucket_order, sum(document_count), sum(open_amount)
from marts.aging_by_bucket
where
    as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
    and age_basis = 'due_date'
group by all;

-- name: aging_by_bucket_and_currency_today
select company_code, currency_code, aging_bucket, aging_bucket_order, open_amount_document
from marts.aging_by_bucket
where
    as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
    and bucket_set = 'days'
    and age_basis = 'document_date';

-- name: aging_by_bucket_over_35_days
select as_of_date, aging_bucket, sum(open_amount)
from marts.aging_by_bucket
where
    as_of_date >= (select calendar_date from marts.dim_dates where is_as_of_date) - 34
    and bucket_set = 'days'
    and age_basis = 'due_date'
group by all;

-- name: past_due_share_by_month_end
select
    as_of_date,
    sum(open_amount) as open_amount,
    sum(open_amount) filter (where aging_bucket_order > 1) as past_due_amount
from marts.aging_by_bucket
where
    bucket_set = 'days'
    and age_basis = 'due_date'
    and as_of_date = last_day(as_of_date)
group by as_of_date;

-- name: aging_in_months_with_actions
select
    aging.aging_bucket,
    buckets.action_code,
    buckets.label_en,
    buckets.label_zh,
    sum(aging.open_amount) as open_amount
from marts.aging_by_bucket as aging
inner join marts.dim_aging_buckets as buckets
    on aging.bucket_set = buckets.bucket_set and aging.aging_bucket = buckets.aging_bucket
where
    aging.as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
    and aging.bucket_set = 'months'
    and aging.age_basis = 'due_date'
group by all;

-- name: ten_largest_debtors
select customer_id, sum(open_amount) as open_amount
from marts.aging_by_customer
where
    as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
    and bucket_set = 'days'
    and age_basis = 'due_date'
group by customer_id
order by open_amount desc nulls last, customer_id
limit 10;

-- name: ten_largest_debtors_over_90_days
select customer_id, sum(open_amount) as open_amount
from marts.aging_by_customer
where
    as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
    and bucket_set = 'days'
    and age_basis = 'due_date'
    and aging_bucket in ('91-180', '181-365', 'over 365')
group by customer_id
order by open_amount desc nulls last, customer_id
limit 10;

-- name: share_of_the_ten_largest
with balances as (
    select customer_id, sum(open_amount) as open_amount
    from marts.aging_by_customer
    where
        as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
        and bucket_set = 'days'
        and age_basis = 'due_date'
    group by customer_id
),

ranked as (
    select
        open_amount,
        row_number() over (order by open_amount desc nulls last, customer_id) as place
    from balances
)

select
    sum(open_amount) filter (where place <= 10) as largest_amount,
    sum(open_amount) as open_amount
from ranked;

-- name: open_amount_by_segment_and_region
select customers.segment, customers.region, sum(aging.open_amount) as open_amount
from marts.aging_by_customer as aging
inner join marts.dim_customers as customers on aging.customer_id = customers.customer_id
where
    aging.as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
    and aging.bucket_set = 'days'
    and aging.age_basis = 'due_date'
group by all;

-- name: customers_over_their_limit
with balances as (
    select customer_id, sum(open_amount) as open_amount
    from marts.aging_by_customer
    where
        as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
        and bucket_set = 'days'
        and age_basis = 'due_date'
    group by customer_id
)

select
    balances.customer_id,
    balances.open_amount,
    customers.credit_limit_amount
from balances
inner join marts.dim_customers as customers on balances.customer_id = customers.customer_id
where balances.open_amount > customers.credit_limit_amount
order by balances.open_amount desc, balances.customer_id
limit 20;

-- name: days_sales_outstanding_over_24_months
select
    company_code,
    period_start,
    days_sales_outstanding,
    best_possible_days_sales_outstanding,
    average_days_delinquent,
    days_sales_outstanding_status
from marts.turnover_by_period
where
    period_type = 'month'
    and scope_type = 'company'
    and period_start
    > (select month_start from marts.dim_dates where is_as_of_date) - interval 24 month;

-- name: turnover_by_quarter
select company_code, period_start, receivables_turnover, turnover_days, average_collection_days
from marts.turnover_by_period
where period_type = 'quarter' and scope_type = 'company';

-- name: collection_effectiveness_over_12_months
select company_code, period_start, collection_effectiveness_index
from marts.turnover_by_period
where
    period_type = 'month'
    and scope_type = 'company'
    and period_start
    > (select month_start from marts.dim_dates where is_as_of_date) - interval 12 month;

-- name: recovery_and_bad_debt_by_year
select company_code, period_start, recovery_rate, bad_debt_rate, net_write_off_amount
from marts.bad_debt_by_period
where period_type = 'year' and scope_type = 'company';

-- name: allowance_by_method_today
select allowance_method, is_booked, sum(required_allowance_amount) as required_allowance_amount
from marts.allowance_by_bucket
where period_end >= (select calendar_date from marts.dim_dates where is_as_of_date)
group by all;

-- name: scorecard_of_the_running_quarter
select company_code, measure_order, label_en, value, target_value, status, previous_value
from marts.scorecard_by_quarter
where quarter_start = (select quarter_start from marts.dim_dates where is_as_of_date);

-- name: scorecard_trend
select quarter_start, company_code, measure, value, status
from marts.scorecard_by_quarter
where is_complete;

-- name: collector_league_table_of_the_month
select
    collector_id,
    team_id,
    collected_amount,
    contact_count,
    right_party_contact_rate_of_attempts,
    promise_kept_rate
from marts.performance_by_collector_month
where month_start = (select month_start from marts.dim_dates where is_as_of_date)
order by collected_amount desc nulls last, collector_id;

-- name: team_cash_over_12_months
select month_start, team_id, collected_amount, collected_last_touch_amount
from marts.performance_by_team_month
where
    month_start > (select month_start from marts.dim_dates where is_as_of_date) - interval 12 month;

-- name: promises_due_this_week
select
    promise_id,
    customer_id,
    collector_id,
    promised_date,
    promised_amount,
    promise_status
from marts.promises
where
    promised_date between (select calendar_date from marts.dim_dates where is_as_of_date)
    and (select calendar_date from marts.dim_dates where is_as_of_date) + 6
order by promised_amount desc nulls last, promise_id
limit 100;

-- name: promises_by_status_and_month
select
    date_trunc('month', promised_date) as month_start,
    promise_status,
    count(*) as promise_count,
    sum(promised_amount) as promised_amount
from marts.promises
group by all;

-- name: broken_promises_of_the_last_week
select promise_id, customer_id, collector_id, deadline_date, promised_amount
from marts.promises
where
    promise_status = 'broken'
    and deadline_date >= (select calendar_date from marts.dim_dates where is_as_of_date) - 7
order by promised_amount desc nulls last, promise_id
limit 50;

-- name: disputes_and_legal_cases
select legal_status, has_open_dispute, count(*) as document_count, sum(open_amount) as open_amount
from marts.receivables_by_document
where open_amount_document <> 0 and (has_open_dispute or legal_status <> 'none')
group by all;

-- name: exceptions_by_code
select exception_code, count(*) as exception_count, sum(exception_amount_document) as amount
from marts.exceptions_by_document
group by exception_code;

-- name: what_was_loaded_and_proved
select
    (select count(*) from marts.proofs where not is_closed) as open_proof_count,
    (select count(*) from marts.quarantined_rows where not is_resolved) as quarantined_row_count,
    count(*) as load_count,
    max(recorded_at) as last_recorded_at,
    sum(accepted_row_count) as accepted_row_count
from marts.load_history;

-- name: open_items_of_a_customer
select document_id, installment_no, due_date, days_past_due, open_amount_document, open_amount
from marts.receivables_by_document
where customer_id = $customer_id and open_amount_document <> 0;

-- name: history_of_a_customer
select effective_date, movement_type, document_id, source_id, amount_document, currency_code
from marts.receivable_movements
where customer_id = $customer_id and is_current
order by effective_date desc, document_id, movement_type, source_id
limit 200;

-- name: aging_of_a_customer_over_12_months
select as_of_date, aging_bucket, sum(open_amount) as open_amount
from marts.aging_by_customer
where
    customer_id = $customer_id
    and bucket_set = 'days'
    and age_basis = 'due_date'
    and as_of_date = last_day(as_of_date)
    and as_of_date
    > (select calendar_date from marts.dim_dates where is_as_of_date) - interval 12 month
group by all;

-- name: payment_behaviour_of_a_customer
select
    date_trunc('quarter', effective_date) as quarter_start,
    sum(days_from_due_date * amount) / nullif(sum(amount), 0) as average_days_late,
    sum(amount) as paid_amount
from marts.cash_applications
where customer_id = $customer_id
group by all;

-- name: promises_of_a_customer
select promise_id, promise_date, promised_date, promised_amount, promise_status, kept_date
from marts.promises
where customer_id = $customer_id
order by promise_date desc, promise_id
limit 50;

-- name: card_of_a_customer
select
    customers.segment,
    customers.region,
    customers.credit_limit_amount,
    customers.payment_terms_days,
    (
        select sum(open_amount) from marts.receivables_by_document
        where customer_id = $customer_id
    ) as open_amount,
    (
        select max(last_payment_date) from marts.receivables_by_document
        where customer_id = $customer_id
    ) as last_payment_date
from marts.dim_customers as customers
where customers.customer_id = $customer_id;

-- name: disputes_of_a_customer
select document_id, installment_no, due_date, open_amount, legal_status
from marts.receivables_by_document
where customer_id = $customer_id and has_open_dispute and open_amount_document <> 0;

-- name: a_document
select * exclude (as_of_date)
from marts.receivables_by_document
where company_code = $company_code and document_id = $document_id;

-- name: movements_of_a_document
select effective_date, movement_type, amount_document, source_id, _recorded_at, _superseded_at
from marts.receivable_movements
where company_code = $company_code and document_id = $document_id;

-- name: cash_on_a_document
select payment_id, line_no, payment_date, amount_document, days_from_due_date
from marts.cash_applications
where company_code = $company_code and document_id = $document_id;

-- name: balance_of_a_document_over_time
select open_from, open_to, open_amount_document
from marts.receivables_by_span
where company_code = $company_code and document_id = $document_id;

-- name: aging_as_of_a_past_day
select aging_bucket, aging_bucket_order, count(*) as document_count, sum(open_amount) as open_amount
from marts.aging_as_of($past_date, $known_at)
where bucket_set = 'days'
group by all;

-- name: open_items_as_of_a_past_day
select customer_id, sum(open_amount) as open_amount
from marts.open_items_as_of($past_date, $known_at)
group by customer_id
order by open_amount desc nulls last, customer_id
limit 20;

-- name: aging_of_a_month_end
select aging_bucket, aging_bucket_order, sum(document_count), sum(open_amount)
from marts.aging_by_bucket
where
    as_of_date = last_day($month_start)
    and company_code = $company_code
    and bucket_set = 'days'
    and age_basis = 'due_date'
group by all;

-- name: largest_open_items_of_a_bucket
select document_id, installment_no, customer_id, due_date, open_amount
from marts.receivables_by_document
where aging_bucket_days = $aging_bucket and open_amount_document <> 0
order by open_amount desc nulls last, company_code, document_id, installment_no
limit 50;

-- name: customers_of_a_bucket_today
select customer_id, sum(open_amount) as open_amount
from marts.aging_by_customer
where
    as_of_date = (select calendar_date from marts.dim_dates where is_as_of_date)
    and bucket_set = 'days'
    and age_basis = 'due_date'
    and aging_bucket = $aging_bucket
group by customer_id
order by open_amount desc nulls last, customer_id
limit 50;

-- name: turnover_of_a_segment
select period_start, days_sales_outstanding, collection_effectiveness_index, credit_sales_amount
from marts.turnover_by_period
where period_type = 'month' and scope_type = 'segment' and scope_id = $segment;

-- name: bad_debt_of_a_segment
select period_start, recovery_rate, bad_debt_rate, write_off_amount
from marts.bad_debt_by_period
where period_type = 'quarter' and scope_type = 'segment' and scope_id = $segment;

-- name: allowance_roll_forward_of_a_segment
select
    period_end,
    opening_allowance_amount,
    charge_amount,
    release_amount,
    write_off_amount,
    closing_allowance_amount
from marts.allowance_roll_forward
where segment = $segment and is_booked;

-- name: months_of_a_collector
select
    month_start,
    contact_count,
    promise_made_count,
    promise_kept_rate,
    collected_amount,
    complaint_count
from marts.performance_by_collector_month
where collector_id = $collector_id;

-- name: cash_of_a_collector_in_a_month
select effective_date, customer_id, payment_id, attributed_amount
from marts.cash_attribution
where
    collector_id = $collector_id
    and attribution_method = 'last_touch'
    and effective_date between $month_start and last_day($month_start)
order by attributed_amount desc nulls last, payment_id, line_no, piece_no, document_id
limit 100;

-- name: open_promises_of_a_collector
select promise_id, customer_id, promised_date, promised_amount
from marts.promises
where collector_id = $collector_id and promise_status = 'open'
order by promised_date, promise_id
limit 100;

-- name: attribution_methods_of_a_month
select attribution_method, team_id, sum(attributed_amount) as attributed_amount
from marts.cash_attribution
where effective_date between $month_start and last_day($month_start)
group by all;

-- name: cash_by_day_of_a_month
select effective_date, sum(amount) as amount, count(*) as application_count
from marts.cash_applications
where effective_date between $month_start and last_day($month_start)
group by effective_date;

-- name: scorecard_of_a_past_quarter
select company_code, measure, value, numerator, denominator, target_value, status
from marts.scorecard_by_quarter
where quarter_start = date_trunc('quarter', $month_start);
