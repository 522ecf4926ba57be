-- Grain: one row per cash application effective by the as-of date, reversals among them.
{{ config(materialized='view') }}

with cash_applications as (
    select * from {{ ref('cash_applications') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

until_as_of_date as (
    select
        cash_applications.company_code,
        cash_applications.payment_id,
        cash_applications.line_no,
        cash_applications.piece_no,
        cash_applications.original_payment_id,
        cash_applications.document_id,
        cash_applications.installment_no,
        cash_applications.customer_id,
        cash_applications.effective_date,
        cash_applications.payment_date,
        cash_applications.document_date,
        cash_applications.due_date,
        cash_applications.days_from_document_date,
        cash_applications.days_from_due_date,
        cash_applications.currency_code,
        cash_applications.amount_document,
        cash_applications.amount,
        cash_applications.is_reversed_cash
    from cash_applications
    cross join run_parameters
    where cash_applications.effective_date <= run_parameters.as_of_date
)

select * from until_as_of_date
