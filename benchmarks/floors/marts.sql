-- The floor of the marts: what a good analyst writes by hand for this one data set. No versions, no
-- two times, no contracts, no tests, no proofs: one script over clean tables (load.sql), the same
-- answers. What has no rows in this data (memos, discounts, installments, exchange rates, surveys,
-- trainings, quarantine) has no lines here. Runs with the variable as_of_date set by the caller.

create table documents as
select
    document_id, customer_id, document_date, due_date, currency_code, amount
from ledger
where document_type = 'invoice';

create table movements as
select document_id, 'invoice' as movement_type, document_id as source_id, document_date as effective_date, amount
from documents
union all
select
    p.document_id,
    'payment',
    p.payment_id,
    greatest(p.payment_date, d.document_date),
    -p.amount
from payments as p
inner join documents as d using (document_id)
union all
select
    w.applies_to_document_id,
    'write_off',
    w.document_id,
    greatest(w.document_date, d.document_date),
    -w.amount
from ledger as w
inner join documents as d on w.applies_to_document_id = d.document_id
where w.document_type = 'write_off';

create table spans as
with per_day as (
    select document_id, effective_date, sum(amount) as amount
    from movements group by all
),

running as (
    select
        document_id,
        effective_date as open_from,
        coalesce(
            lead(effective_date) over by_document, date '9999-12-31'
        ) as open_to,
        sum(amount) over by_document as open_amount
    from per_day
    window by_document as (partition by document_id order by effective_date)
)

select * from running where open_amount <> 0;

create table slices as
select unnest(range(getvariable('as_of_date')::date - 34, getvariable('as_of_date')::date + 1, interval 1 day))::date as as_of_date
union
select last_day(m::date) from (
    select unnest(range(
        (select date_trunc('month', min(effective_date)) from movements),
        getvariable('as_of_date')::date,
        interval 1 month
    )) as m
) where last_day(m::date) <= getvariable('as_of_date')::date;

create table aged as
select
    slices.as_of_date,
    d.customer_id,
    d.currency_code,
    slices.as_of_date - d.due_date as days_past_due,
    slices.as_of_date - d.document_date as days_old,
    spans.open_amount,
    greatest(0, datediff('month', d.due_date, slices.as_of_date) + (slices.as_of_date > d.due_date + to_months(datediff('month', d.due_date, slices.as_of_date)::int))::int) as months_past_due,
    greatest(0, datediff('month', d.document_date, slices.as_of_date) + (slices.as_of_date > d.document_date + to_months(datediff('month', d.document_date, slices.as_of_date)::int))::int) as months_old
from spans
inner join slices on slices.as_of_date >= spans.open_from and slices.as_of_date < spans.open_to
inner join documents as d using (document_id);

create macro days_bucket(n) as case
    when n <= 0 then 'current' when n <= 30 then '1-30' when n <= 60 then '31-60'
    when n <= 90 then '61-90' when n <= 180 then '91-180' when n <= 365 then '181-365'
    else 'over 365'
end;

create macro months_bucket(n) as case
    when n <= 1 then 'within 1 month' when n <= 3 then '1-3 months' when n <= 6 then '3-6 months'
    when n <= 12 then '6-12 months' else 'over 12 months'
end;

create table aging_by_customer as
select as_of_date, customer_id, currency_code, 'days' as bucket_set, 'due_date' as age_basis, days_bucket(days_past_due) as aging_bucket, count(*) as document_count, sum(open_amount) as open_amount from aged group by all
union all
select as_of_date, customer_id, currency_code, 'days', 'document_date', days_bucket(days_old), count(*), sum(open_amount) from aged group by all
union all
select as_of_date, customer_id, currency_code, 'months', 'due_date', months_bucket(months_past_due), count(*), sum(open_amount) from aged group by all
union all
select as_of_date, customer_id, currency_code, 'months', 'document_date', months_bucket(months_old), count(*), sum(open_amount) from aged group by all;

create table aging_by_bucket as
select as_of_date, currency_code, bucket_set, age_basis, aging_bucket, sum(document_count) as document_count, sum(open_amount) as open_amount
from aging_by_customer group by all;

create table receivables_by_document as
with sums as (
    select
        document_id,
        sum(amount) as open_amount,
        -sum(amount) filter (where movement_type = 'payment') as paid_amount,
        -sum(amount) filter (where movement_type = 'write_off') as written_off_amount,
        max(effective_date) filter (where movement_type = 'payment') as last_payment_date
    from movements where effective_date <= getvariable('as_of_date')::date group by all
)

select
    d.*, s.* exclude (document_id),
    getvariable('as_of_date')::date - d.due_date as days_past_due,
    days_bucket(getvariable('as_of_date')::date - d.due_date) as aging_bucket
from documents as d inner join sums as s using (document_id);

create table cash_applications as
select
    p.payment_id, p.document_id, p.customer_id, p.payment_date, p.amount,
    greatest(p.payment_date, d.document_date) as effective_date,
    p.payment_date - d.document_date as days_from_document_date,
    p.payment_date - d.due_date as days_from_due_date,
    d.due_date
from payments as p
inner join documents as d using (document_id);

create table periods as
with months as (
    select distinct date_trunc('month', as_of_date)::date as first_day from slices
),

listed as (
    select distinct 'month' as period_type, first_day as period_start, last_day(first_day) as period_end from months
    union all
    select distinct 'quarter', date_trunc('quarter', first_day)::date, (date_trunc('quarter', first_day) + interval 3 month - interval 1 day)::date from months
    union all
    select distinct 'half_year', (date_trunc('year', first_day) + to_months(6 * ((month(first_day) - 1) // 6)::int))::date, (date_trunc('year', first_day) + to_months(6 * ((month(first_day) - 1) // 6)::int + 6) - interval 1 day)::date from months
    union all
    select distinct 'year', date_trunc('year', first_day)::date, (date_trunc('year', first_day) + interval 1 year - interval 1 day)::date from months
)

select
    *,
    date_trunc('month', least(period_end, getvariable('as_of_date')::date))::date as last_month,
    datediff('month', period_start, least(period_end, getvariable('as_of_date')::date)) + 1 as month_count,
    least(period_end, getvariable('as_of_date')::date) - period_start + 1 as day_count
from listed;

-- Everything that is summed by month: small, whatever the number of documents.
create table cube as
select
    date_trunc('month', m.effective_date)::date as month_start,
    date_trunc('month', d.due_date)::date as due_month,
    d.due_date = last_day(d.due_date) as is_due_at_month_end,
    c.segment,
    c.region,
    sum(m.amount) as change_amount,
    sum(m.amount) filter (where movement_type = 'invoice') as billed,
    -sum(m.amount) filter (where movement_type = 'payment') as cash,
    -sum(m.amount) filter (where movement_type = 'payment' and m.effective_date <= d.due_date) as cash_within_0,
    -sum(m.amount) filter (where movement_type = 'payment' and m.effective_date <= d.due_date + 30) as cash_within_30,
    -sum(m.amount) filter (where movement_type = 'payment' and m.effective_date <= d.due_date + 60) as cash_within_60,
    -sum(m.amount) filter (where movement_type = 'payment' and m.effective_date <= d.due_date + 90) as cash_within_90,
    -sum(m.amount * (m.effective_date - d.document_date)) filter (where movement_type = 'payment') as cash_days,
    -sum(m.amount * (m.effective_date - d.due_date)) filter (where movement_type = 'payment') as cash_days_from_due_date,
    -sum(m.amount) filter (where movement_type = 'write_off') as written_off
from movements as m
inner join documents as d using (document_id)
inner join customers as c using (customer_id)
where m.effective_date <= getvariable('as_of_date')::date
group by all;

create table monthly as
with months as (
    select distinct date_trunc('month', as_of_date)::date as month_start from slices
),

flows as (
    select s.scope_type, s.scope_id, month_start, due_month, is_due_at_month_end,
        sum(columns(* exclude (scope_type, scope_id, month_start, due_month, is_due_at_month_end, segment, region)))
    from cube, lateral (values ('company', 'main'), ('segment', segment), ('region', region)) as s (scope_type, scope_id)
    group by all
),

cells as (
    select distinct scope_type, scope_id, due_month, is_due_at_month_end from flows
)

select
    c.*, m.month_start, f.* exclude (scope_type, scope_id, due_month, is_due_at_month_end, month_start),
    coalesce(sum(f.change_amount) over (partition by c.scope_type, c.scope_id, c.due_month, c.is_due_at_month_end order by m.month_start), 0) as closing
from cells as c cross join months as m
left join flows as f using (scope_type, scope_id, due_month, is_due_at_month_end, month_start);

create macro ratio(n, d) as case when d > 0 then n::decimal(38, 4)::double / d end;

create table turnover_by_period as
with sums as (
    select
        p.*, scope_type, scope_id,
        coalesce(sum(closing) filter (where month_start < p.period_start), 0) as opening_amount,
        coalesce(sum(closing) filter (where month_start = last_month), 0) as closing_amount,
        coalesce(sum(closing) filter (where month_start = last_month and (due_month > last_month or due_month = last_month and is_due_at_month_end)), 0) as closing_current_amount,
        sum(closing) as month_ends_amount,
        sum(closing) filter (where month_start < p.period_start or month_start = last_month or month(month_start) % 3 = 0) as quarter_ends_amount,
        coalesce(sum(billed) filter (where month_start >= p.period_start), 0) as credit_sales_amount,
        coalesce(sum(cash) filter (where month_start >= p.period_start), 0) as cash_applied_amount,
        sum(cash_days) filter (where month_start >= p.period_start) as cash_days,
        sum(cash_days_from_due_date) filter (where month_start >= p.period_start) as cash_days_from_due_date
    from periods as p inner join monthly as m
        on m.month_start between p.period_start - interval 1 month and p.period_end
    group by all
),

rolling as (
    select p.period_type, p.period_start, m.scope_type, m.scope_id, sum(billed) as rolling_sales
    from periods as p inner join monthly as m
        on m.month_start between p.last_month - interval 2 month and p.period_end
    group by all
)

select
    *,
    ratio(credit_sales_amount, (opening_amount + closing_amount) / 2) as receivables_turnover,
    ratio(credit_sales_amount * (month_count + 1), month_ends_amount) as receivables_turnover_13_point,
    ratio(credit_sales_amount * (2 + (month_count - 1) // 3), quarter_ends_amount) as receivables_turnover_5_point,
    ratio((opening_amount + closing_amount) * day_count, 2 * credit_sales_amount) as turnover_days,
    ratio(closing_amount * day_count, credit_sales_amount) as days_sales_outstanding,
    case when last_month - interval 2 month >= (select min(month_start) from monthly)
        then ratio(closing_amount * (least(period_end, getvariable('as_of_date')::date) - (last_month - interval 2 month)::date + 1), rolling_sales) end as days_sales_outstanding_rolling_3m,
    ratio(closing_current_amount * day_count, credit_sales_amount) as best_possible_days_sales_outstanding,
    ratio((closing_amount - closing_current_amount) * day_count, credit_sales_amount) as average_days_delinquent,
    ratio(cash_days, cash_applied_amount) as average_collection_days,
    ratio(cash_days_from_due_date, cash_applied_amount) as average_collection_days_from_due_date,
    ratio(closing_amount, closing_amount + cash_applied_amount) as unpaid_rate,
    100 * ratio((opening_amount - closing_amount) * month_count + credit_sales_amount, (opening_amount - closing_current_amount) * month_count + credit_sales_amount) as collection_effectiveness_index,
    100 * ratio(opening_amount + credit_sales_amount - closing_amount, opening_amount + credit_sales_amount - closing_current_amount) as collection_effectiveness_index_period_total
from sums left join rolling using (period_type, period_start, scope_type, scope_id);

create table days_counted_back as
with followed as (
    select *, sum(greatest(credit_sales_amount, 0)) over (partition by period_type, scope_type, scope_id order by period_start) as sold
    from turnover_by_period
)

select
    asked.period_type, asked.period_start, asked.scope_type, asked.scope_id,
    least(asked.period_end, getvariable('as_of_date')::date) - least(used.period_end, getvariable('as_of_date')::date)
    + used.day_count * (asked.closing_amount - asked.sold + used.sold) / used.credit_sales_amount as days_sales_outstanding_countback
from followed as asked inner join followed as used
    on asked.period_type = used.period_type and asked.scope_type = used.scope_type and asked.scope_id = used.scope_id
    and used.credit_sales_amount > 0 and asked.closing_amount > 0
    and asked.sold - asked.closing_amount >= used.sold - used.credit_sales_amount and asked.sold - asked.closing_amount < used.sold;

create table true_days_sales_outstanding as
with moved as (
    select
        date_trunc('month', m.effective_date)::date as month_start, date_trunc('month', d.document_date)::date as document_month,
        c.segment, c.region, sum(m.amount) as amount, sum(m.amount * day(d.document_date)) as amount_days
    from movements as m
    inner join documents as d using (document_id)
    inner join customers as c using (customer_id)
    where m.effective_date <= getvariable('as_of_date')::date
    group by all
),

open as (
    select p.last_month, p.period_end, s.scope_type, s.scope_id, document_month, sum(amount) as amount, sum(amount_days) as amount_days
    from moved, lateral (values ('company', 'main'), ('segment', segment), ('region', region)) as s (scope_type, scope_id)
    inner join periods as p on p.period_type = 'month' and month_start <= p.last_month
    group by all
),

sales as (
    select scope_type, scope_id, month_start as document_month, sum(billed) as sales from monthly group by all
)

select
    last_month, scope_type, scope_id,
    sum((amount * (least(period_end, getvariable('as_of_date')::date) - document_month + 1) - amount_days) / nullif(sales, 0)) as days
from open left join sales using (scope_type, scope_id, document_month)
group by all;

create table bad_debt_by_period as
with sums as (
    select
        p.*, scope_type, scope_id,
        coalesce(sum(closing) filter (where month_start < p.period_start and due_month < p.period_start), 0) as past_due_opening_amount,
        coalesce(sum(closing) filter (where month_start < p.period_start and due_month between p.period_start and last_month), 0)
        + coalesce(sum(billed) filter (where month_start >= p.period_start and due_month <= last_month), 0) as falling_due_amount,
        coalesce(sum(cash) filter (where month_start >= p.period_start and due_month <= last_month), 0) as cash_on_due_items_amount,
        coalesce(sum(cash) filter (where month_start >= p.period_start), 0) as cash_applied_amount,
        coalesce(sum(written_off) filter (where month_start >= p.period_start), 0) as write_off_amount,
        coalesce(sum(billed) filter (where month_start >= p.period_start), 0) as credit_sales_amount,
        coalesce(sum(closing) filter (where month_start < p.period_start), 0) as opening_amount,
        coalesce(sum(closing) filter (where month_start = last_month), 0) as closing_amount
    from periods as p inner join monthly as m
        on m.month_start between p.period_start - interval 1 month and p.period_end
    group by all
),

due as (
    select
        p.period_type, p.period_start, m.scope_type, m.scope_id, sum(billed) as billed,
        sum(cash_within_0) as cash_within_0, sum(cash_within_30) as cash_within_30,
        sum(cash_within_60) as cash_within_60, sum(cash_within_90) as cash_within_90
    from periods as p inner join monthly as m on m.due_month between p.period_start and p.period_end
    group by all
)

select
    sums.*,
    ratio(cash_on_due_items_amount, past_due_opening_amount + falling_due_amount) as recovery_rate,
    case when period_end <= getvariable('as_of_date')::date then ratio(cash_within_0, billed) end as recovery_rate_within_0_days,
    case when period_end + 30 <= getvariable('as_of_date')::date then ratio(cash_within_30, billed) end as recovery_rate_within_30_days,
    case when period_end + 60 <= getvariable('as_of_date')::date then ratio(cash_within_60, billed) end as recovery_rate_within_60_days,
    case when period_end + 90 <= getvariable('as_of_date')::date then ratio(cash_within_90, billed) end as recovery_rate_within_90_days,
    ratio(write_off_amount, closing_amount + write_off_amount) as bad_debt_rate,
    ratio(write_off_amount, (opening_amount + closing_amount) / 2) as bad_debt_rate_of_average_receivables,
    ratio(write_off_amount, credit_sales_amount) as bad_debt_rate_of_credit_sales
from sums left join due using (period_type, period_start, scope_type, scope_id);

create table steps as
with ends as (
    select as_of_date as opened, lead(as_of_date) over (order by as_of_date) as closed
    from slices where as_of_date = last_day(as_of_date)
),

moved as (
    select
        document_id, last_day(effective_date) as closed,
        -sum(amount) filter (where movement_type = 'payment') as collected,
        -sum(amount) filter (where movement_type = 'write_off') as written_off
    from movements where movement_type <> 'invoice' group by all
)

select
    ends.closed, c.segment, c.region, d.due_date, ends.opened, sum(spans.open_amount) as opening,
    coalesce(sum(moved.collected), 0) as collected, coalesce(sum(moved.written_off), 0) as written_off
from spans
inner join ends on ends.opened >= spans.open_from and ends.opened < spans.open_to
inner join documents as d using (document_id)
inner join customers as c using (customer_id)
left join moved on spans.document_id = moved.document_id and ends.closed = moved.closed
where ends.closed is not null
group by ends.closed, c.segment, c.region, d.due_date, ends.opened;

create macro months_late(due, day) as greatest(0, datediff('month', due, day) + (day > due + to_months(datediff('month', due, day)::int))::int);

create table aging_migration_by_month as
with scoped as (
    select *, 'company' as scope_type, 'main' as scope_id from steps
    union all
    select *, 'segment', segment from steps
    union all
    select *, 'region', region from steps
)

select
    closed, scope_type, scope_id, 'days' as bucket_set, days_bucket(opened - due_date) as aging_bucket, days_bucket(closed - due_date) as next_bucket,
    sum(opening) as opening, sum(opening - collected - written_off) as still_open, sum(collected) as collected, sum(written_off) as written_off
from scoped group by all
union all
select
    closed, scope_type, scope_id, 'months', months_bucket(months_late(due_date, opened)), months_bucket(months_late(due_date, closed)),
    sum(opening), sum(opening - collected - written_off), sum(collected), sum(written_off)
from scoped group by all;

create table roll_rates as
select
    closed, scope_type, scope_id, bucket_set, aging_bucket, sum(opening) as opening,
    coalesce(sum(still_open) filter (where next_bucket <> aging_bucket), 0) + sum(written_off) as rolled,
    ratio(coalesce(sum(still_open) filter (where next_bucket <> aging_bucket), 0) + sum(written_off), sum(opening)) as roll_rate,
    ratio(sum(collected), sum(opening)) as cure_rate
from aging_migration_by_month group by all;

create table loss_rates as
with over_a_year as (
    select
        closed, scope_type, scope_id, aging_bucket,
        list_position(['current', '1-30', '31-60', '61-90', '91-180', '181-365', 'over 365'], aging_bucket) as bucket_order,
        ratio(sum(rolled) over last_year, sum(opening) over last_year) as roll_rate
    from roll_rates where bucket_set = 'days' and scope_type <> 'region'
    window last_year as (partition by scope_type, scope_id, aging_bucket order by closed range between interval 11 months preceding and current row)
)

select
    *, coalesce(product(roll_rate) over (partition by closed, scope_type, scope_id order by bucket_order desc rows between unbounded preceding and current row), 1) as loss_rate
from over_a_year;

create table aging_shift_by_month as
with shaped as (
    select
        as_of_date, c.segment, sum(open_amount) as open_amount,
        sum(open_amount) filter (where days_past_due > 0) as past_due,
        sum(open_amount * days_past_due) filter (where days_past_due > 0) as past_due_days
    from aged inner join customers as c using (customer_id)
    where as_of_date = last_day(as_of_date) group by all
)

select
    *, ratio(past_due, open_amount) as past_due_rate, ratio(past_due_days, past_due) as weighted_days,
    ratio(past_due_days, past_due) / lag(ratio(past_due_days, past_due)) over (partition by segment order by as_of_date) - 1 as growth
from shaped;

create table vintage_by_month as
with billed as (
    select last_day(document_date) as billing_month, c.segment, sum(amount) as billed
    from documents inner join customers as c using (customer_id) group by all
),

collected as (
    select
        last_day(d.document_date) as billing_month, c.segment,
        datediff('month', d.document_date, m.effective_date) as months_since, -sum(m.amount) as collected
    from movements as m
    inner join documents as d using (document_id)
    inner join customers as c on d.customer_id = c.customer_id
    where m.movement_type = 'payment' group by all
)

select
    b.*, h.months_since,
    case when last_day(b.billing_month + to_months(h.months_since::int)) <= getvariable('as_of_date')::date
        then ratio(sum(k.collected), b.billed) end as collected_rate
from billed as b
cross join (select unnest(range(25)) as months_since) as h
left join collected as k on b.billing_month = k.billing_month and b.segment = k.segment and k.months_since <= h.months_since
group by b.billing_month, b.segment, b.billed, h.months_since;

create table allowance_by_bucket as
select as_of_date, 'aging' as allowance_method, c.segment, aging_bucket, sum(open_amount) as open_amount,
    sum(open_amount * case aging_bucket when 'current' then 0.005 when '1-30' then 0.01 when '31-60' then 0.03 when '61-90' then 0.1 when '91-180' then 0.25 when '181-365' then 0.5 else 1 end) as required
from aging_by_customer inner join customers as c using (customer_id)
where bucket_set = 'days' and age_basis = 'due_date' and as_of_date = last_day(as_of_date) group by all
union all
select last_day(month_start), 'percent_of_receivables', scope_id, 'all', sum(closing), sum(closing) * 0.02
from monthly where scope_type = 'segment' group by all
union all
select last_day(month_start), 'percent_of_sales', scope_id, 'all', sum(billed),
    sum(coalesce(sum(billed) * 0.005, 0) - coalesce(sum(written_off), 0)) over (partition by scope_id order by month_start)
from monthly where scope_type = 'segment' group by month_start, scope_id
union all
select last_day(month_start), 'direct_write_off', scope_id, 'all', sum(written_off), 0
from monthly where scope_type = 'segment' group by all;

create table allowance_roll_forward as
with closings as (
    select as_of_date, allowance_method, segment, sum(required) as required
    from allowance_by_bucket group by all
),

used as (
    select last_day(month_start) as as_of_date, scope_id as segment, coalesce(sum(written_off), 0) as written_off
    from monthly where scope_type = 'segment' group by all
),

opened as (
    select c.*, u.written_off, coalesce(lag(required) over (partition by allowance_method, segment order by as_of_date), 0) as opening
    from closings as c left join used as u using (as_of_date, segment)
)

select *, required - opening + written_off as net_charge from opened;

create table allowance_back_test as
with lost as (
    select m.as_of_date, c.segment, sum(-w.amount) as written_off
    from movements as w
    inner join slices as m
        on m.as_of_date = last_day(m.as_of_date) and w.effective_date > m.as_of_date
        and w.effective_date <= last_day(m.as_of_date + interval 12 months)
    inner join spans as s
        on w.document_id = s.document_id and s.open_from <= m.as_of_date and s.open_to > m.as_of_date
    inner join documents as d on w.document_id = d.document_id
    inner join customers as c on d.customer_id = c.customer_id
    where w.movement_type = 'write_off'
    group by all
)

select r.as_of_date, r.allowance_method, r.segment, r.required as predicted, coalesce(l.written_off, 0) as written_off,
    case when last_day(r.as_of_date + interval 12 months) <= getvariable('as_of_date')::date
        then ratio(r.required, l.written_off) end as loss_coverage_rate
from allowance_roll_forward as r left join lost as l using (as_of_date, segment);

create table contacts as
select *, timezone('Asia/Shanghai', timezone('UTC', contacted_at))::date as contact_date
from contact_log;

create table cash_attribution as
with touches as (
    select customer_id, contact_date, collector_id,
        row_number() over (partition by customer_id order by contacted_at, contact_id) as touch_no
    from contacts where outcome not in ('no_answer', 'wrong_party', 'paid')
),

owner as (
    select customer_id, collector_id from portfolios
),

looked_back as (
    select a.payment_id, a.document_id, a.customer_id, a.payment_date, a.effective_date, a.amount,
        l.touch_no as last_no, f.touch_no as before_no
    from cash_applications as a
    asof left join (select customer_id, contact_date, max(touch_no) as touch_no from touches group by all) as l
        on a.customer_id = l.customer_id and a.payment_date >= l.contact_date
    asof left join (select customer_id, contact_date, max(touch_no) as touch_no from touches group by all) as f
        on a.customer_id = f.customer_id and a.payment_date - 31 >= f.contact_date
),

near as (
    select *, coalesce(before_no, 0) + 1 as first_no from looked_back
    where last_no > coalesce(before_no, 0)
),

earned as (
    select a.payment_id, a.document_id, 'portfolio_owner' as attribution_method, o.collector_id, 1 as part, 1 as whole
    from cash_applications as a left join owner as o using (customer_id)
    union all
    select a.payment_id, a.document_id, m.attribution_method, t.collector_id, 1, 1
    from cash_applications as a cross join (values ('last_touch'), ('first_touch')) as m (attribution_method)
    left join near as n using (payment_id, document_id)
    left join touches as t on n.customer_id = t.customer_id and t.touch_no = if(m.attribution_method = 'last_touch', n.last_no, n.first_no)
    union all
    select n.payment_id, n.document_id, 'linear', t.collector_id, count(*), any_value(least(5, n.last_no - n.first_no + 1))
    from near as n cross join range(5) as s (slot)
    inner join touches as t on n.customer_id = t.customer_id and t.touch_no = n.last_no - s.slot
    where n.last_no - s.slot >= n.first_no
    group by all
    union all
    select payment_id, document_id, 'linear', null, 1, 1
    from cash_applications anti join near using (payment_id, document_id)
    union all
    select a.payment_id, a.document_id, 'promise_first', coalesce(arg_min(p.collector_id, p.contacted_at), any_value(t.collector_id)), 1, 1
    from cash_applications as a
    left join near as n using (payment_id, document_id)
    left join (select * from contacts where outcome = 'promise_to_pay') as p
        on a.document_id = p.document_id and a.payment_date between p.contact_date and p.promised_date + 3
    left join touches as t on n.customer_id = t.customer_id and t.touch_no = n.last_no
    group by all
),

parts as (
    select e.*, a.effective_date, a.amount,
        ((a.amount * 100)::bigint * part) // whole as cents,
        row_number() over (
            partition by payment_id, document_id, attribution_method
            order by ((a.amount * 100)::bigint * part) % whole desc, collector_id
        ) as place,
        sum(((a.amount * 100)::bigint * part) // whole) over (partition by payment_id, document_id, attribution_method) as given
    from earned as e inner join cash_applications as a using (payment_id, document_id)
)

select attribution_method, payment_id, document_id, effective_date, collector_id, part / whole as share,
    ((cents + (place <= (amount * 100)::bigint - given)::int) * 0.01)::decimal(18, 2) as amount
from parts;

create table promises as
with made as (
    select contact_id, customer_id, collector_id, document_id, contact_date, promised_amount, promised_date,
        coalesce(lead(contact_date) over (partition by document_id order by contact_date, contact_id), date '9999-12-31') as superseded_on
    from contacts where outcome = 'promise_to_pay'
),

paid as (
    select m.*, coalesce(sum(a.amount), 0) as paid
    from made as m left join cash_applications as a
        on m.document_id = a.document_id and a.payment_date between m.contact_date and m.promised_date + 3 and a.payment_date < m.superseded_on
    group by all
),

still_open as (
    select p.contact_id
    from paid as p inner join spans as s
        on p.document_id = s.document_id
        and least(p.promised_date + 3, getvariable('as_of_date')::date) >= s.open_from
        and least(p.promised_date + 3, getvariable('as_of_date')::date) < s.open_to
    where p.paid = 0
)

select
    *,
    case
        when paid >= promised_amount * 0.95 then 'kept'
        when superseded_on <= promised_date + 3 then 'superseded'
        when paid = 0 and contact_id not in (select contact_id from still_open) then 'cancelled'
        when promised_date + 3 >= getvariable('as_of_date')::date then 'open'
        when paid > 0 then 'partly_kept'
        else 'broken'
    end as promise_status
from paid;

create table worked as
select
    c.collector_id, k.team_id, date_trunc('month', contact_date)::date as month_start,
    grouping(c.collector_id) = 1 as is_team,
    count(*) as contacts, count(*) filter (where channel = 'phone') as phone_contacts,
    count(*) filter (where channel = 'sms') as sms_contacts, count(*) filter (where channel = 'email') as email_contacts,
    count(*) filter (where outcome <> 'no_answer') as connects,
    count(*) filter (where outcome in ('right_party', 'promise_to_pay', 'dispute', 'complaint')) as right_party,
    count(*) filter (where outcome = 'complaint') as complaints,
    count(distinct customer_id) as customers
from contacts as c inner join collectors as k using (collector_id)
group by grouping sets ((c.collector_id, k.team_id, month_start), (k.team_id, month_start));

create table performance_by_collector_month as
with cash as (
    select collector_id, date_trunc('month', effective_date)::date as month_start,
        sum(amount) filter (where attribution_method = 'portfolio_owner') as collected,
        sum(amount) filter (where attribution_method = 'last_touch') as collected_last_touch,
        sum(amount) filter (where attribution_method = 'first_touch') as collected_first_touch,
        sum(amount) filter (where attribution_method = 'linear') as collected_linear,
        sum(amount) filter (where attribution_method = 'promise_first') as collected_promise_first
    from cash_attribution group by all
),

promised as (
    select collector_id, date_trunc('month', promised_date)::date as month_start, count(*) as promises, sum(promised_amount) as promised,
        count(*) filter (where promise_status = 'kept') as kept, sum(paid) filter (where promise_status = 'kept') as kept_amount,
        count(*) filter (where promise_status = 'partly_kept') as partly_kept, count(*) filter (where promise_status = 'broken') as broken
    from promises group by all
)

select
    w.* exclude (is_team), cash.* exclude (collector_id, month_start), promised.* exclude (collector_id, month_start),
    ratio(right_party, contacts) as right_party_rate, ratio(kept, kept + partly_kept + broken) as kept_rate, ratio(complaints * 1000, customers) as complaint_rate
from worked as w left join cash using (collector_id, month_start) left join promised using (collector_id, month_start)
where not is_team;

create table performance_by_team_month as
with cash as (
    select team_id, month_start, sum(collected) as collected, sum(collected_last_touch) as collected_last_touch, sum(promises) as promises,
        sum(promised) as promised, sum(kept) as kept, sum(kept_amount) as kept_amount, sum(partly_kept) as partly_kept, sum(broken) as broken
    from performance_by_collector_month group by all
)

select w.* exclude (is_team, collector_id), cash.* exclude (team_id, month_start),
    ratio(right_party, contacts) as right_party_rate, ratio(kept, kept + partly_kept + broken) as kept_rate, ratio(complaints * 1000, customers) as complaint_rate
from worked as w left join cash using (team_id, month_start) where is_team;

create table scorecard_by_quarter as
with facts as (
    select t.period_start as quarter_start, b.recovery_rate, t.average_collection_days, t.unpaid_rate, b.bad_debt_rate,
        t.days_sales_outstanding, t.collection_effectiveness_index, p.complaint_rate, p.kept_rate
    from turnover_by_period as t
    inner join bad_debt_by_period as b using (period_type, period_start, scope_type, scope_id)
    left join (
        select date_trunc('quarter', month_start)::date as period_start, ratio(sum(complaints) * 1000, sum(customers)) as complaint_rate,
            ratio(sum(kept), sum(kept + partly_kept + broken)) as kept_rate
        from performance_by_team_month group by all
    ) as p using (period_start)
    where t.period_type = 'quarter' and t.scope_type = 'company'
),

measured as (
    unpivot facts on columns(* exclude (quarter_start)) into name measure value value
)

select *, lag(value) over (partition by measure order by quarter_start) as previous_value from measured;

create table exceptions_by_document as
select payment_id as source_id, document_id, 'unknown_document' as exception_code, amount
from payments as p where document_id is not null and not exists (select 1 from documents as d where d.document_id = p.document_id)
union all
select document_id, document_id, 'unknown_customer', amount
from documents as d where not exists (select 1 from customers as c where c.customer_id = d.customer_id)
union all
select document_id, document_id, 'over_applied', open_amount from receivables_by_document where open_amount < 0
union all
select document_id, document_id, 'future_dated', amount from documents where document_date > getvariable('as_of_date')::date
union all
select document_id, document_id, 'due_before_document', amount from documents where due_date < document_date
union all
select source_id, document_id, 'future_dated', amount from movements where movement_type <> 'invoice' and effective_date > getvariable('as_of_date')::date;

create table dim_customers as
select c.*, p.collector_id, k.team_id, o.open_amount
from customers as c
left join portfolios as p using (customer_id)
left join collectors as k using (collector_id)
left join (select customer_id, sum(open_amount) as open_amount from receivables_by_document group by all) as o using (customer_id);

create table dim_dates as
select d::date as calendar_date, date_trunc('month', d)::date as month_start, date_trunc('quarter', d)::date as quarter_start, year(d) as calendar_year
from (select unnest(range((select min(effective_date) from movements), getvariable('as_of_date')::date + 1, interval 1 day)) as d);

create table contact_compliance as
with judged as (
    select
        contact_id, customer_id, document_id, collector_id, contact_date, contacted_at, channel,
        timezone('Asia/Shanghai', timezone('UTC', contacted_at))::time as clock,
        count(*) filter (where channel = 'phone') over (partition by document_id, contact_date order by contacted_at, contact_id) as calls_today,
        lag(contact_date, 7) over (partition by document_id order by contact_date, contacted_at, contact_id) as seventh_before
    from contacts where channel in ('phone', 'sms', 'messaging', 'visit')
)

select *, 'hours' as rule_code from judged where clock < time '08:00' or clock > time '20:00'
union all
select *, 'calls_per_day' from judged where channel = 'phone' and calls_today > 3
union all
select *, 'contacts_per_week' from judged where seventh_before > contact_date - 7;

create table contact_compliance_by_month as
select date_trunc('month', contact_date)::date as month_start, collector_id, rule_code, count(*) as breaches
from contact_compliance group by all;

create table collection_success_by_month as
with worked as (
    select
        s.document_id, c.collector_id, k.team_id, c.channel, date_trunc('month', c.contact_date)::date as month_start,
        max(c.contact_date) as contact_date, arg_max(s.open_amount, c.contact_date) as open_amount
    from contacts as c
    inner join documents as d using (document_id)
    inner join collectors as k using (collector_id)
    inner join spans as s on c.document_id = s.document_id and c.contact_date > s.open_from and c.contact_date <= s.open_to
    where c.contact_date > d.due_date and s.open_amount > 0
    group by all
),

judged as (
    select
        w.*,
        coalesce(sum(a.amount) filter (where a.payment_date between w.contact_date and w.contact_date + 30), 0) as came
    from worked as w left join cash_applications as a using (document_id)
    group by all
),

won as (
    select distinct on (j.document_id, j.collector_id, j.channel, j.month_start) j.*, j.came >= j.open_amount or p.contact_id is not null as is_won
    from judged as j
    left join promises as p
        on j.document_id = p.document_id and p.promise_status = 'kept' and p.promised_date between j.contact_date and j.contact_date + 30
),

scoped as (
    select month_start, 'all' as scope_type, 'all' as scope_id, document_id, max(open_amount) as open_amount, bool_or(is_won) as is_won from won group by all
    union all
    select month_start, 'team', team_id, document_id, max(open_amount), bool_or(is_won) from won group by all
    union all
    select month_start, 'collector', collector_id, document_id, max(open_amount), bool_or(is_won) from won group by all
    union all
    select month_start, 'channel', channel, document_id, max(open_amount), bool_or(is_won) from won group by all
)

select
    month_start, scope_type, scope_id, count(*) as worked, count(*) filter (where is_won) as succeeded, sum(open_amount) as amount,
    sum(open_amount) filter (where is_won) as succeeded_amount, ratio(succeeded, worked) as success_rate, ratio(succeeded_amount, amount) as by_amount
from scoped group by all;

create table cash_forecast_by_week as
with recent as (
    select d.customer_id, c.segment, a.effective_date - d.due_date as delay, a.amount
    from cash_applications as a inner join documents as d using (document_id) inner join customers as c on d.customer_id = c.customer_id
    where a.effective_date > getvariable('as_of_date')::date - 365
),

by_segment as (
    select segment, ratio(sum(amount * delay), sum(amount)) as delay from recent group by all
),

by_customer as (
    select customer_id, count(*) as payments, ratio(sum(amount * delay), sum(amount)) as delay from recent group by all
),

pattern as (
    select segment, floor(delay / 7)::int as week_late, sum(amount) as amount from recent group by all
),

promised as (
    select document_id, max(promised_date) as promised_date, sum(promised_amount - paid) as amount
    from promises where promise_status = 'open' group by all
),

items as (
    select
        d.document_id, c.segment, floor((getvariable('as_of_date')::date - d.due_date) / 7)::int as week_late,
        least(coalesce(p.amount, 0), s.open_amount) as promise_amount, p.promised_date, s.open_amount - least(coalesce(p.amount, 0), s.open_amount) as rest_amount,
        d.due_date + round(coalesce((least(b.payments, 5) * b.delay + (5 - least(b.payments, 5)) * g.delay) / 5, g.delay, 0))::int as expected_date
    from spans as s
    inner join documents as d using (document_id)
    inner join customers as c on d.customer_id = c.customer_id
    left join by_customer as b on d.customer_id = b.customer_id
    left join by_segment as g on c.segment = g.segment
    left join promised as p using (document_id)
    where s.open_from <= getvariable('as_of_date')::date and s.open_to > getvariable('as_of_date')::date and s.open_amount > 0
),

expected as (
    select (greatest(promised_date, getvariable('as_of_date')::date + 1) - getvariable('as_of_date')::date - 1) // 7 + 1 as week_no, 'promise' as expectation, promise_amount as amount
    from items where promise_amount > 0
    union all
    select (expected_date - getvariable('as_of_date')::date - 1) // 7 + 1, 'habit', rest_amount from items where expected_date > getvariable('as_of_date')::date
    union all
    select p.week_late - i.week_late, 'cohort', i.rest_amount * ratio(p.amount, sum(q.amount))
    from (select segment, week_late, sum(rest_amount) as rest_amount from items where expected_date <= getvariable('as_of_date')::date group by all) as i
    inner join pattern as p on i.segment = p.segment and p.week_late > i.week_late
    inner join pattern as q on i.segment = q.segment and q.week_late > i.week_late
    group by i.segment, i.week_late, p.week_late, p.amount, i.rest_amount
)

select
    week_no, sum(amount) as forecast_amount, sqrt(sum(amount * amount / 4)) * 1.28 as interval_amount,
    sum(amount) filter (where expectation = 'promise') as promise_amount, sum(amount) filter (where expectation = 'habit') as habit_amount
from expected group by all;

-- Strategy and credit, of what is known today: no grade here is as it was known then.
create table credit_grades_by_customer_month as
with months as (
    select unnest(range((select date_trunc('month', min(effective_date)) from movements), getvariable('as_of_date')::date + 1, interval 1 month))::date as month_start
),

monthly_cash as (
    select customer_id, date_trunc('month', payment_date)::date as paid_month, sum(amount) as paid,
        sum(amount * greatest(0, days_from_due_date)) as late, sum(amount) filter (where days_from_due_date <= 0) as on_time,
        count(distinct document_id) as items
    from cash_applications where effective_date <= getvariable('as_of_date')::date group by all
),

looked_back as (
    select c.customer_id, m.month_start, sum(paid) as paid, sum(late) as late, sum(on_time) as on_time, sum(items) as items
    from monthly_cash as c inner join months as m on m.month_start >= c.paid_month and m.month_start < c.paid_month + interval 12 month
    group by all
),

broken as (
    select p.customer_id, m.month_start, count(*) as broken
    from promises as p inner join months as m
        on m.month_start >= date_trunc('month', p.promised_date + 4) and m.month_start < date_trunc('month', p.promised_date + 4) + interval 12 month
    where p.promise_status = 'broken' group by all
),

moved as (
    select d.customer_id, date_trunc('month', m.effective_date)::date as month_start, sum(m.amount) as amount
    from movements as m inner join documents as d using (document_id) group by all
),

balances as (
    select c.customer_id, m.month_start, sum(coalesce(v.amount, 0)) over (partition by c.customer_id order by m.month_start) as balance
    from (select customer_id, min(month_start) as first_month from moved group by all) as c
    inner join months as m on m.month_start >= c.first_month
    left join moved as v on v.customer_id = c.customer_id and v.month_start = m.month_start
),

pointed as (
    select b.*, l.items, k.broken,
        35 * least(1, greatest(0, (60 - l.late / nullif(l.paid, 0)) / 60)) + 20 * least(1, greatest(0, (coalesce(l.on_time, 0) / nullif(l.paid, 0) - 0.5) / 0.5)) as paid_points,
        15 * greatest(0, 3 - coalesce(k.broken, 0)) / 3 as promise_points,
        10 * least(1, greatest(0, (1.2 - b.balance / nullif(c.credit_limit, 0)) / 0.4)) as limit_points
    from balances as b left join customers as c using (customer_id)
    left join looked_back as l using (customer_id, month_start) left join broken as k using (customer_id, month_start)
),

scored as (
    select *, 100 * (coalesce(paid_points, 0) + promise_points + coalesce(limit_points, 0) + 20)
        / (35 + case when paid_points is null then 0 else 55 end + case when limit_points is null then 0 else 10 end) as score
    from pointed
)

select *, case when coalesce(items, 0) < 3 then 'unrated' when score >= 85 then 'A' when score >= 70 then 'B' when score >= 55 then 'C' when score >= 40 then 'D' else 'E' end as credit_grade
from scored;

create table openings as
with opened as (
    select as_of_date + 1 as month_start, customer_id, aging_bucket, sum(open_amount) as opened
    from aging_by_customer
    where bucket_set = 'days' and age_basis = 'due_date' and as_of_date = last_day(as_of_date) and as_of_date < getvariable('as_of_date')::date
    group by all
),

cash as (
    select date_trunc('month', effective_date)::date as month_start, a.customer_id,
        days_bucket((date_trunc('month', effective_date)::date - 1 - a.due_date)::int) as aging_bucket, sum(a.amount) as collected
    from cash_applications as a inner join documents as d using (document_id)
    where effective_date <= getvariable('as_of_date')::date and d.document_date < date_trunc('month', effective_date)
    group by all
)

select month_start, customer_id, aging_bucket, coalesce(opened, 0) as opened, coalesce(collected, 0) as collected,
    coalesce(g.credit_grade, 'unrated') as credit_grade, p.collector_id
from opened full join cash using (month_start, customer_id, aging_bucket)
left join (select customer_id, (month_start + interval 1 month)::date as month_start, credit_grade from credit_grades_by_customer_month) as g using (customer_id, month_start)
left join portfolios as p using (customer_id);

create table collection_rates_by_month as
with sums as (
    select month_start, coalesce(credit_grade, 'all') as credit_grade, aging_bucket, sum(opened) as opened, sum(collected) as collected
    from openings group by grouping sets ((month_start, credit_grade, aging_bucket), (month_start, aging_bucket))
)

select *, ratio(sum(collected) over before_it, sum(opened) over before_it) as collection_rate
from sums
window before_it as (partition by credit_grade, aging_bucket order by month_start range between interval 12 month preceding and interval 1 month preceding);

create table expected_cash_by_collector_month as
select o.month_start, o.collector_id, k.team_id, sum(o.opened) as assigned, sum(o.collected) as collected,
    sum(o.opened * coalesce(r.collection_rate, b.collection_rate)) as expected, sum(o.collected) / nullif(sum(o.opened * coalesce(r.collection_rate, b.collection_rate)), 0) as lift
from openings as o
left join collection_rates_by_month as r using (month_start, credit_grade, aging_bucket)
left join collection_rates_by_month as b on b.month_start = o.month_start and b.aging_bucket = o.aging_bucket and b.credit_grade = 'all'
left join collectors as k on k.collector_id = o.collector_id
group by all;

create table expected_cash_by_team_month as
select month_start, team_id, sum(assigned) as assigned, sum(collected) as collected, sum(expected) as expected, sum(collected) / nullif(sum(expected), 0) as lift
from expected_cash_by_collector_month group by all;

create macro strategy_of(grade, bucket, amount) as case
    when bucket in ('181-365', 'over 365') then 'legal' when bucket = '91-180' then 'demand'
    when bucket in ('61-90', '31-60') then case when grade in ('D', 'E') or amount >= 100000 then 'press' else 'call' end
    when bucket = '1-30' then case when amount >= 100000 then 'call' else 'remind' end else 'monitor'
end;

create table strategy_assignments as
with owed as (
    select customer_id, arg_max(aging_bucket, days) as aging_bucket, sum(open_amount) filter (where aging_bucket <> 'current') as past_due
    from (
        select customer_id, aging_bucket, open_amount, list_position(['current', '1-30', '31-60', '61-90', '91-180', '181-365', 'over 365'], aging_bucket) as days
        from aging_by_customer where bucket_set = 'days' and age_basis = 'due_date' and as_of_date = getvariable('as_of_date')::date
    ) group by all
)

select o.*, g.credit_grade, g.balance, p.collector_id, strategy_of(g.credit_grade, o.aging_bucket, o.past_due) as strategy_code
from owed as o left join credit_grades_by_customer_month as g
    on g.customer_id = o.customer_id and g.month_start = date_trunc('month', getvariable('as_of_date')::date)
left join portfolios as p on p.customer_id = o.customer_id;

create table collection_worklist as
with last_contact as (
    select customer_id, max(contact_date) as last_contact_date, arg_max(outcome, row(contacted_at, contact_id)) as outcome from contacts group by all
),

promised as (
    select customer_id, min(promised_date) filter (where promise_status = 'open') as open_promise,
        max(promised_date + 3) filter (where promise_status = 'broken' and promised_date + 3 >= getvariable('as_of_date')::date - 30) as broken_promise
    from promises group by all
),

oldest as (
    select customer_id, min(due_date) as oldest_due_date from receivables_by_document where open_amount > 0 and due_date < getvariable('as_of_date')::date group by all
),

reasoned as (
    select a.*, l.last_contact_date, d.oldest_due_date,
        d.oldest_due_date is not null and coalesce(q.broken_promise >= l.last_contact_date, false) as is_broken,
        d.oldest_due_date is not null and coalesce(q.open_promise <= getvariable('as_of_date')::date, true)
        and coalesce(l.last_contact_date <= getvariable('as_of_date')::date - 3, true) as is_past_due
    from strategy_assignments as a left join last_contact as l using (customer_id) left join promised as q using (customer_id) left join oldest as d using (customer_id)
)

select *, 30 * is_broken::int + 20 * is_past_due::int + 20 * (is_past_due and past_due >= 100000)::int as score,
    row_number() over (order by 30 * is_broken::int + 20 * is_past_due::int desc, past_due desc, oldest_due_date, customer_id) as worklist_rank
from reasoned where is_broken or is_past_due;

create table strategy_effectiveness_by_month as
with assigned as (
    select month_start, customer_id, credit_grade, sum(opened) as worked,
        strategy_of(credit_grade, arg_max(aging_bucket, list_position(['1-30', '31-60', '61-90', '91-180', '181-365', 'over 365'], aging_bucket)), sum(opened)) as strategy_code
    from openings where aging_bucket <> 'current' and opened > 0 group by month_start, customer_id, credit_grade
),

contacted as (
    select customer_id, date_trunc('month', contact_date)::date as month_start, coalesce(c.channel, 'all') as channel, min(contact_date) as first_contact, count(*) as contacts
    from contacts as c group by grouping sets ((customer_id, month_start, c.channel), (customer_id, month_start))
),

worked as (
    select * from assigned inner join contacted using (customer_id, month_start)
),

cash as (
    select w.customer_id, w.month_start, w.channel, sum(a.amount) as collected
    from worked as w inner join cash_applications as a
        on a.customer_id = w.customer_id and a.effective_date between w.first_contact and w.first_contact + 30 and a.due_date < w.month_start
    group by all
)

select w.month_start, w.strategy_code, w.channel, w.credit_grade, count(*) as customers, sum(w.contacts) as contacts, sum(w.worked) as worked,
    sum(c.collected) as collected, ratio(sum(c.collected), sum(w.worked)) as collected_rate
from worked as w left join cash as c using (customer_id, month_start, channel)
group by all;
