-- Grain: one row per document's installment or payment line and exception code. All of these were
-- accepted: they are facts of the business that somebody should look at.
with applications as (
    select * from {{ ref('int_applications_matched') }}
    where
        valid_to = {{ far_future_at() }}
        and event_type <> 'discount'
),

targets as (
    select * from {{ ref('int_targets_versioned') }}
    where
        valid_to = {{ far_future_at() }}
        and is_present
),

receivables as (
    select * from {{ ref('receivables_by_document') }}
),

documents as (
    select * from {{ ref('int_documents_versioned') }}
    where
        is_current
        and valid_from < valid_to
        and not is_withdrawn
),

payments as (
    select * from {{ ref('int_payments_versioned') }}
    where
        is_current
        and valid_from < valid_to
        and not is_withdrawn
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where is_current
),

customers as (
    select * from {{ ref('dim_customers') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- Every row of both extracts, alike.
entries as (
    select
        'ledger' as source_type,
        company_code,
        document_id as source_id,
        installment_no as source_line_no,
        customer_id,
        document_date as entry_date,
        currency_code,
        amount_document
    from documents
    union all
    select
        'payments' as source_type,
        company_code,
        payment_id as source_id,
        line_no as source_line_no,
        customer_id,
        payment_date as entry_date,
        currency_code,
        amount_document
    from payments
),

target_documents as (
    select
        company_code,
        document_id
    from targets
    group by company_code, document_id
),

unmatched as (
    select
        applications.source_type,
        applications.company_code,
        applications.source_id,
        applications.source_line_no,
        case
            when target_documents.document_id is not null then 'currency_mismatch'
            else 'unknown_document'
        end as exception_code,
        applications.amount_document,
        applications.target_document_id as exception_detail
    from applications
    left join target_documents
        on
            applications.company_code = target_documents.company_code
            and applications.target_document_id = target_documents.document_id
    where
        not applications.is_matched
        and applications.target_document_id is not null
),

unmatched_write_offs as (
    select
        source_type,
        company_code,
        source_id,
        source_line_no,
        'unmatched_write_off' as exception_code,
        amount_document,
        target_document_id as exception_detail
    from applications
    where
        event_type = 'write_off'
        and not is_matched
),

unknown_reversed_payments as (
    select
        applications.source_type,
        applications.company_code,
        applications.source_id,
        applications.source_line_no,
        'unknown_reversed_payment' as exception_code,
        applications.amount_document,
        payments.reverses_payment_id as exception_detail
    from applications
    inner join payments
        on
            applications.company_code = payments.company_code
            and applications.source_id = payments.payment_id
            and applications.source_line_no = payments.line_no
    where
        applications.source_type = 'payments'
        and not applications.is_reversed_payment_known
),

over_applied as (
    select
        'ledger' as source_type,
        company_code,
        document_id as source_id,
        installment_no as source_line_no,
        'over_applied' as exception_code,
        open_amount_document as amount_document,
        cast(null as varchar) as exception_detail
    from receivables
    where is_over_applied
),

-- Until customers were delivered, nobody can be unknown among them.
known_customers as (
    select count(*) as customer_count
    from customers
    where not is_unknown
),

unknown_customers as (
    select
        entries.source_type,
        entries.company_code,
        entries.source_id,
        entries.source_line_no,
        'unknown_customer' as exception_code,
        entries.amount_document,
        entries.customer_id as exception_detail
    from entries
    cross join known_customers
    left join customers
        on entries.customer_id = customers.customer_id
    where
        coalesce(customers.is_unknown, true)
        and known_customers.customer_count > 0
),

future_dated as (
    select
        entries.source_type,
        entries.company_code,
        entries.source_id,
        entries.source_line_no,
        'future_dated' as exception_code,
        entries.amount_document,
        cast(entries.entry_date as varchar) as exception_detail
    from entries
    cross join run_parameters
    where entries.entry_date > run_parameters.as_of_date
),

due_before_document as (
    select
        'ledger' as source_type,
        company_code,
        document_id as source_id,
        installment_no as source_line_no,
        'due_before_document' as exception_code,
        amount_document,
        cast(due_date as varchar) as exception_detail
    from documents
    where due_date < document_date
),

missing_rates as (
    select
        source_type,
        company_code,
        source_id,
        source_line_no,
        'missing_rate' as exception_code,
        amount_document,
        currency_code as exception_detail
    from movements
    where rate_status = 'missing'
),

all_exceptions as (
    select * from unmatched
    union all
    select * from unmatched_write_offs
    union all
    select * from unknown_reversed_payments
    union all
    select * from over_applied
    union all
    select * from unknown_customers
    union all
    select * from future_dated
    union all
    select * from due_before_document
    union all
    select * from missing_rates
),

collected as (
    select
        source_type,
        company_code,
        source_id,
        source_line_no,
        exception_code,
        max(abs(amount_document)) as exception_amount_document,
        max(exception_detail) as exception_detail
    from all_exceptions
    group by source_type, company_code, source_id, source_line_no, exception_code
),

final as (
    select
        run_parameters.as_of_date,
        collected.company_code,
        collected.source_type,
        collected.source_id,
        collected.source_line_no,
        collected.exception_code,
        entries.customer_id,
        entries.currency_code,
        cast(collected.exception_amount_document as decimal(18, 2)) as exception_amount_document,
        collected.exception_detail
    from collected
    cross join run_parameters
    inner join entries
        on
            collected.source_type = entries.source_type
            and collected.company_code = entries.company_code
            and collected.source_id = entries.source_id
            and collected.source_line_no = entries.source_line_no
)

select * from final
