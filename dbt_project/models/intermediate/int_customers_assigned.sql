-- Grain: one row per company and customer that its books name, by a document or as who paid. A
-- customer that no books name belongs to every company, so that none of its contacts and answers
-- is lost.
with items as (
    select * from {{ ref('receivable_items') }}
    where is_current
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
    where
        is_current
        and not is_withdrawn
),

customers as (
    select * from {{ ref('dim_customers') }}
),

contacted_customers as (
    select * from {{ ref('int_customers_contacted') }}
),

surveys as (
    select * from {{ ref('int_surveys_dated') }}
),

-- Nobody has to deliver a customer for it to be contacted or asked.
known_customers as (
    select customer_id from customers
    union
    select customer_id from contacted_customers
    union
    select customer_id from surveys
),

booked as (
    select
        company_code,
        customer_id
    from items
    union
    select
        company_code,
        customer_id
    from payments
),

booked_customers as (
    select customer_id
    from booked
    group by customer_id
),

companies as (
    select company_code
    from booked
    group by company_code
),

final as (
    select
        company_code,
        customer_id
    from booked
    union all
    select
        companies.company_code,
        known_customers.customer_id
    from known_customers
    cross join companies
    left join booked_customers
        on known_customers.customer_id = booked_customers.customer_id
    where booked_customers.customer_id is null
)

select * from final
