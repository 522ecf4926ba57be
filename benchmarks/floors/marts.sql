-- The floor of the marts: what a good analyst writes by hand for this one data set. No versions, no
-- two times, no contracts, no tests, no proofs: one script over clean Parquet, the same answers.
-- Runs with the variables source (a folder of Parquet) and as_of_date set by the caller.

create table documents as
select
    document_id, customer_id, document_date, due_date, currency_code, amount
from read_parquet(getvariable('source') || '/ledger.parquet')
where document_type = 'invoice';

create table movements as
select document_id, 'invoice' as movement_type, document_date as effective_date, amount
from documents
union all
select
    p.document_id,
    'payment',
    greatest(p.payment_date, d.document_date),
    -p.amount
from read_parquet(getvariable('source') || '/payments.parquet') as p
inner join documents as d using (document_id)
union all
select
    w.applies_to_document_id,
    'write_off',
    greatest(w.document_date, d.document_date),
    -w.amount
from read_parquet(getvariable('source') || '/ledger.parquet') as w
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
from read_parquet(getvariable('source') || '/payments.parquet') as p
inner join documents as d using (document_id);

create table periods as
with months as (
    select distinct date_trunc('month', as_of_date)::date as first_day from slices
)

select distinct 'month' as period_type, first_day as period_start, last_day(first_day) as period_end from months
union all
select distinct 'quarter', date_trunc('quarter', first_day)::date, (date_trunc('quarter', first_day) + interval 3 month - interval 1 day)::date from months
union all
select distinct 'half_year', (date_trunc('year', first_day) + to_months(6 * ((month(first_day) - 1) // 6)::int))::date, (date_trunc('year', first_day) + to_months(6 * ((month(first_day) - 1) // 6)::int + 6) - interval 1 day)::date from months
union all
select distinct 'year', date_trunc('year', first_day)::date, (date_trunc('year', first_day) + interval 1 year - interval 1 day)::date from months;

create table monthly as
with scoped as (
    select c.customer_id, s.scope_type, s.scope_id
    from read_parquet(getvariable('source') || '/customers.parquet') as c,
        lateral (values ('company', 'main'), ('segment', c.segment), ('region', c.region)) as s (scope_type, scope_id)
),

facts as (
    select date_trunc('month', m.effective_date)::date as month_start, d.customer_id,
        sum(m.amount) filter (where movement_type = 'invoice') as sales,
        -sum(m.amount) filter (where movement_type = 'payment') as cash,
        -sum(m.amount) filter (where movement_type = 'write_off') as written_off,
        sum(m.amount) as change_amount
    from movements as m inner join documents as d using (document_id) group by all
),

current_ar as (
    select date_trunc('month', as_of_date)::date as month_start, customer_id,
        sum(open_amount) as closing,
        sum(open_amount) filter (where aging_bucket = 'current') as closing_current
    from aging_by_customer
    where bucket_set = 'days' and age_basis = 'due_date' and as_of_date = last_day(as_of_date)
    group by all
),

collected as (
    select date_trunc('month', effective_date)::date as month_start, customer_id,
        sum(amount * days_from_document_date) as weighted_days, sum(amount) as applied,
        sum(amount) filter (where due_date <= last_day(effective_date)) as applied_due
    from cash_applications group by all
),

falling_due as (
    select date_trunc('month', due_date)::date as month_start, customer_id, sum(amount) as falling_due
    from documents group by all
),

keys as (
    select month_start, customer_id from facts
    union select month_start, customer_id from current_ar
    union select month_start, customer_id from collected
    union select month_start, customer_id from falling_due
)

select scope_type, scope_id, month_start, sum(sales) as sales, sum(cash) as cash, sum(written_off) as written_off,
    sum(closing) as closing, sum(closing_current) as closing_current, sum(weighted_days) as weighted_days,
    sum(applied) as applied, sum(applied_due) as applied_due, sum(falling_due) as falling_due
from keys
left join facts using (month_start, customer_id)
left join current_ar using (month_start, customer_id)
left join collected using (month_start, customer_id)
left join falling_due using (month_start, customer_id)
inner join scoped using (customer_id)
group by all;

create table turnover_by_period as
select
    p.period_type, p.period_start, m.scope_type, m.scope_id,
    sum(m.sales) as sales, sum(m.weighted_days) / sum(m.applied) as average_collection_days,
    arg_max(m.closing, m.month_start) as closing,
    sum(m.written_off) as written_off,
    sum(m.applied_due) as applied_due, sum(m.falling_due) as falling_due
from periods as p inner join monthly as m on m.month_start between p.period_start and p.period_end
group by all;

create table allowance_by_bucket as
select as_of_date, c.segment, aging_bucket, sum(open_amount) as open_amount,
    sum(open_amount * case aging_bucket when 'current' then 0.01 when '1-30' then 0.03 when '31-60' then 0.08 when '61-90' then 0.15 when '91-180' then 0.3 when '181-365' then 0.5 else 1 end) as required
from aging_by_customer inner join read_parquet(getvariable('source') || '/customers.parquet') as c using (customer_id)
where bucket_set = 'days' and age_basis = 'due_date' and as_of_date = last_day(as_of_date) group by all;

create table contacts as
select *, timezone('Asia/Shanghai', timezone('UTC', contacted_at))::date as contact_date
from read_parquet(getvariable('source') || '/contact_log.parquet');

create table cash_attribution as
with last_contact as (
    select customer_id, contact_date, arg_max(collector_id, row(contacted_at, contact_id)) as collector_id
    from contacts group by all
),

owner as (
    select customer_id, collector_id from read_parquet(getvariable('source') || '/portfolios.parquet')
)

select 'portfolio_owner' as attribution_method, a.payment_id, a.effective_date, o.collector_id, a.amount
from cash_applications as a left join owner as o using (customer_id)
union all
select 'last_touch', a.payment_id, a.effective_date,
    case when a.payment_date - l.contact_date <= 30 then l.collector_id end, a.amount
from cash_applications as a
asof left join last_contact as l on a.customer_id = l.customer_id and l.contact_date <= a.payment_date;

create table promises as
with made as (
    select contact_id, customer_id, collector_id, document_id, contact_date, promised_amount, promised_date,
        coalesce(lead(contact_date) over (partition by document_id order by contact_date, contact_id), date '9999-12-31') as superseded_on
    from contacts where outcome = 'promise_to_pay'
)

select m.*, coalesce(sum(a.amount), 0) as paid
from made as m left join cash_applications as a
    on m.document_id = a.document_id and a.payment_date between m.contact_date and m.promised_date + 3 and a.payment_date < m.superseded_on
group by all;

create table performance_by_collector_month as
with worked as (
    select collector_id, date_trunc('month', contact_date)::date as month_start, channel,
        count(*) as attempts, count(*) filter (where outcome in ('right_party', 'promise_to_pay', 'dispute', 'complaint')) as right_party,
        count(*) filter (where outcome = 'complaint') as complaints,
        count(distinct customer_id) as customers
    from contacts group by all
),

cash as (
    select collector_id, date_trunc('month', effective_date)::date as month_start, sum(amount) as cash
    from cash_attribution where attribution_method = 'portfolio_owner' group by all
),

kept as (
    select collector_id, date_trunc('month', contact_date)::date as month_start, count(*) as promises,
        count(*) filter (where paid >= promised_amount) as kept
    from promises group by all
)

select collector_id, month_start, sum(attempts) as attempts, sum(right_party) as right_party, sum(complaints) as complaints,
    any_value(cash) as cash, any_value(promises) as promises, any_value(kept) as kept
from worked left join cash using (collector_id, month_start) left join kept using (collector_id, month_start)
group by all;
