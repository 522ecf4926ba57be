-- The questions in SQL that DuckDB and PostgreSQL both read. No versions, no second time, no tests:
-- what a good analyst writes for this one data set. Words in braces are filled in by the caller.

-- name: documents
create table documents as
select document_id, customer_id, document_date, due_date, amount
from ledger
where document_type = 'invoice';

-- name: movements
create table movements as
select document_id, 'invoice' as movement_type, document_date as effective_date, amount
from documents
union all
select
    documents.document_id,
    'payment' as movement_type,
    greatest(payments.payment_date, documents.document_date) as effective_date,
    -payments.amount as amount
from payments
inner join documents on payments.document_id = documents.document_id
union all
select
    documents.document_id,
    'write_off' as movement_type,
    greatest(ledger.document_date, documents.document_date) as effective_date,
    -ledger.amount as amount
from ledger
inner join documents on ledger.applies_to_document_id = documents.document_id
where ledger.document_type = 'write_off';

-- name: open_items
with balances as (
    select document_id, sum(amount) as open_amount
    from movements
    where effective_date <= date '{open_on}'
    group by document_id
    having sum(amount) <> 0
)

select
    documents.document_id,
    documents.customer_id,
    documents.due_date,
    date '{open_on}' - documents.due_date as days_past_due,
    cast(balances.open_amount * 100 as bigint) as open_cents
from balances
inner join documents on balances.document_id = documents.document_id;

-- name: aging_by_customer
create table aging_by_customer as
with per_day as (
    select document_id, effective_date, sum(amount) as amount
    from movements
    group by document_id, effective_date
),

running as (
    select
        document_id,
        effective_date as open_from,
        coalesce(lead(effective_date) over by_document, date '9999-12-31') as open_to,
        sum(amount) over by_document as open_amount
    from per_day
    window by_document as (partition by document_id order by effective_date)
),

-- Materialized, so that PostgreSQL works out 36 dates and not one for every pair.
month_ends as materialized (
    select cast(month_start + interval '1 month' - interval '1 day' as date) as as_of_date
    from generate_series(
        timestamp '{first_month}', timestamp '{last_month}', interval '1 month'
    ) as months (month_start)
),

aged as (
    select
        month_ends.as_of_date,
        documents.customer_id,
        month_ends.as_of_date - documents.due_date as days_past_due,
        running.open_amount
    from running
    inner join month_ends
        on
            month_ends.as_of_date >= running.open_from
            and month_ends.as_of_date < running.open_to
    inner join documents on running.document_id = documents.document_id
    where running.open_amount <> 0
)

select
    as_of_date,
    customer_id,
    case
        when days_past_due <= 0 then 'current'
        when days_past_due <= 30 then '1-30'
        when days_past_due <= 60 then '31-60'
        when days_past_due <= 90 then '61-90'
        when days_past_due <= 180 then '91-180'
        when days_past_due <= 365 then '181-365'
        else 'over 365'
    end as aging_bucket,
    count(*) as document_count,
    cast(sum(open_amount) * 100 as bigint) as open_cents
from aged
group by 1, 2, 3;

-- name: aging
select as_of_date, customer_id, aging_bucket, document_count, open_cents
from aging_by_customer;

-- name: turnover
with sales as (
    select
        cast(date_trunc('month', effective_date) as date) as month_start,
        cast(sum(amount) * 100 as bigint) as sales_cents
    from movements
    where movement_type = 'invoice'
    group by 1
),

closing as (
    select
        as_of_date,
        cast(date_trunc('month', as_of_date) as date) as month_start,
        cast(sum(open_cents) as bigint) as closing_cents
    from aging_by_customer
    group by 1, 2
)

select
    sales.month_start,
    sales.sales_cents,
    closing.closing_cents,
    cast(
        round(
            cast(closing.closing_cents as double precision)
            * (closing.as_of_date - closing.month_start + 1) * 100 / sales.sales_cents
        ) as bigint
    ) as hundredths_of_days
from sales
inner join closing on sales.month_start = closing.month_start;

-- name: attribution
-- The last touch on or before a payment is carried along each customer's days.
with touches as (
    select
        contact_id,
        customer_id,
        collector_id,
        contacted_at,
        cast(timezone('{timezone}', contacted_at) as date) as contact_date
    from contact_log
    where outcome in ({touches})
),

touch_days as (
    select distinct on (customer_id, contact_date) customer_id, contact_date, collector_id
    from touches
    order by customer_id, contact_date, contacted_at desc, contact_id desc
),

cash as (
    select
        payments.customer_id,
        payments.payment_date,
        date_trunc('month', greatest(payments.payment_date, documents.document_date))
            as month_start,
        sum(payments.amount) as amount
    from payments
    inner join documents on payments.document_id = documents.document_id
    group by 1, 2, 3
),

days as (
    select customer_id, contact_date as day, contact_date from touch_days
    union all
    select customer_id, payment_date as day, null as contact_date from cash
),

carried as (
    select
        customer_id,
        day,
        max(max(contact_date)) over (partition by customer_id order by day) as contact_date
    from days
    group by customer_id, day
),

earned as (
    select
        cash.month_start,
        case
            when cash.payment_date - carried.contact_date <= {touch_days}
                then touch_days.collector_id
        end as collector_id,
        cash.amount
    from cash
    inner join carried
        on cash.customer_id = carried.customer_id and cash.payment_date = carried.day
    left join touch_days
        on
            carried.customer_id = touch_days.customer_id
            and carried.contact_date = touch_days.contact_date
)

select
    cast(month_start as date) as month_start,
    coalesce(collector_id, '{unattributed}') as collector_id,
    cast(sum(amount) * 100 as bigint) as cash_cents
from earned
group by 1, 2;
