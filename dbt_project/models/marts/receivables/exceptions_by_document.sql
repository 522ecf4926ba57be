-- Grain: one row per document's installment, payment line or judgement and exception code. All of
-- these were accepted: they are facts of the business that somebody should look at.
{#- Every row of both extracts, alike. Read again by each use: to keep them costs more. -#}
{%- set entries -%}
    (
        select
            'ledger' as source_type,
            company_code,
            document_id as source_id,
            installment_no as source_line_no,
            customer_id,
            document_date as entry_date,
            due_date,
            document_type,
            currency_code,
            amount_document
        from {{ ref('int_documents_versioned') }}
        where
            is_current
            and valid_from < valid_to
            and not is_withdrawn
        union all
        select
            'payments' as source_type,
            company_code,
            payment_id as source_id,
            line_no as source_line_no,
            customer_id,
            payment_date as entry_date,
            payment_date as due_date,
            'payment' as document_type,
            currency_code,
            amount_document
        from {{ ref('int_payments_versioned') }}
        where
            is_current
            and valid_from < valid_to
            and not is_withdrawn
    )
{%- endset %}
with unresolved as (
    select * from {{ ref('int_applications_unresolved') }}
),

balances as (
    select * from {{ ref('receivables_by_span') }}
    where
        is_over_applied
        and item_type = 'document'
),

reversals as (
    select * from {{ ref('int_payments_versioned') }}
    where
        is_current
        and valid_from < valid_to
        and reverses_payment_id is not null
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        and amount is null
),

all_customers as (
    select * from {{ ref('dim_customers') }}
),

customers as (
    select * from all_customers
    where not is_unknown
),

items as (
    select * from {{ ref('receivable_items') }}
    where
        is_current
        and item_type = 'document'
),

companies_known as (
    select * from {{ ref('int_companies_known') }}
),

provisions as (
    select * from {{ ref('specific_provisions') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- Until customers were delivered, nobody can be unknown among them.
known_customers as (
    select count(*) as customer_count from customers
),

told_by_events as (
    select
        source_type,
        company_code,
        source_id,
        source_line_no,
        case
            when is_target_of_other_currency then 'currency_mismatch'
            else 'unknown_document'
        end as exception_code,
        amount_document,
        target_document_id as exception_detail
    from unresolved
    where
        not is_matched
        and target_document_id is not null
    union all
    select
        source_type,
        company_code,
        source_id,
        source_line_no,
        'unmatched_write_off' as exception_code,
        amount_document,
        target_document_id as exception_detail
    from unresolved
    where
        not is_matched
        and event_type = 'write_off'
    union all
    select
        unresolved.source_type,
        unresolved.company_code,
        unresolved.source_id,
        unresolved.source_line_no,
        'unknown_reversed_payment' as exception_code,
        unresolved.amount_document,
        reversals.reverses_payment_id as exception_detail
    from unresolved
    inner join reversals
        on
            unresolved.company_code = reversals.company_code
            and unresolved.source_id = reversals.payment_id
            and unresolved.source_line_no = reversals.line_no
    where not unresolved.is_reversed_payment_known
    union all
    select
        source_type,
        company_code,
        source_id,
        source_line_no,
        'missing_rate' as exception_code,
        amount_document,
        currency_code as exception_detail
    from movements
    union all
    select
        'ledger' as source_type,
        balances.company_code,
        balances.document_id as source_id,
        balances.installment_no as source_line_no,
        'over_applied' as exception_code,
        balances.open_amount_document as amount_document,
        cast(null as varchar) as exception_detail
    from balances
    cross join run_parameters
    where
        balances.open_from <= run_parameters.as_of_date
        and balances.open_to > run_parameters.as_of_date
),

-- Few are told of: theirs are looked for before anything is joined.
entries_told_of as (
    select * from {{ entries }} as entries
    where
        (source_type, company_code, source_id) in (
            select
                told_by_events.source_type,
                told_by_events.company_code,
                told_by_events.source_id
            from told_by_events
        )
),

told_of_entries as (
    select
        told_by_events.source_type,
        told_by_events.company_code,
        told_by_events.source_id,
        told_by_events.source_line_no,
        told_by_events.exception_code,
        told_by_events.amount_document,
        told_by_events.exception_detail,
        entries.customer_id,
        entries.currency_code
    from told_by_events
    inner join entries_told_of as entries
        on
            told_by_events.source_type = entries.source_type
            and told_by_events.company_code = entries.company_code
            and told_by_events.source_id = entries.source_id
            and told_by_events.source_line_no = entries.source_line_no
    -- An adjustment of nothing is no receivable.
    where
        told_by_events.exception_code <> 'over_applied'
        or entries.document_type <> 'adjustment'
        or entries.amount_document <> 0
),

unknown_customers as (
    select
        entries.source_type,
        entries.company_code,
        entries.source_id,
        entries.source_line_no,
        'unknown_customer' as exception_code,
        entries.amount_document,
        entries.customer_id as exception_detail,
        entries.customer_id,
        entries.currency_code
    from {{ entries }} as entries
    cross join known_customers
    left join customers
        on entries.customer_id = customers.customer_id
    where
        customers.customer_id is null
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
        cast(entries.entry_date as varchar) as exception_detail,
        entries.customer_id,
        entries.currency_code
    from {{ entries }} as entries
    cross join run_parameters
    where entries.entry_date > run_parameters.as_of_date
),

due_before_document as (
    select
        source_type,
        company_code,
        source_id,
        source_line_no,
        'due_before_document' as exception_code,
        amount_document,
        cast(due_date as varchar) as exception_detail,
        customer_id,
        currency_code
    from {{ entries }} as entries
    where due_date < entry_date
),

provisions_told as (
    select
        provisions.company_code,
        provisions.customer_id,
        provisions.document_id
    from provisions
    cross join run_parameters
    where
        provisions.known_from
        <= {{ local_date('run_parameters.known_at', 'run_parameters.timezone') }}
    group by provisions.company_code, provisions.customer_id, provisions.document_id
),

documents_of_provisions as (
    select
        company_code,
        customer_id,
        document_id
    from items
    where
        (company_code, document_id) in (
            select
                provisions_told.company_code,
                provisions_told.document_id
            from provisions_told
        )
    group by company_code, customer_id, document_id
),

provisions_placed as (
    select
        provisions_told.company_code,
        provisions_told.customer_id,
        provisions_told.document_id,
        case
            when companies_known.company_code is null then provisions_told.company_code
            when all_customers.customer_id is null then provisions_told.customer_id
            when documents_of_provisions.document_id is null then provisions_told.document_id
        end as unknown_name
    from provisions_told
    left join companies_known
        on provisions_told.company_code = companies_known.company_code
    left join all_customers
        on provisions_told.customer_id = all_customers.customer_id
    left join documents_of_provisions
        on
            provisions_told.company_code = documents_of_provisions.company_code
            and provisions_told.customer_id = documents_of_provisions.customer_id
            and provisions_told.document_id = documents_of_provisions.document_id
),

-- A judgement of nobody, or of a document that its customer does not have, provides for nothing.
unknown_provisions as (
    select
        'specific_provisions' as source_type,
        company_code,
        coalesce(document_id, customer_id) as source_id,
        cast(
            row_number() over (
                partition by company_code, coalesce(document_id, customer_id)
                order by customer_id, document_id nulls first
            ) as integer
        ) as source_line_no,
        'unknown_provision' as exception_code,
        cast(null as decimal(18, 2)) as amount_document,
        unknown_name as exception_detail,
        customer_id,
        cast(null as varchar) as currency_code
    from provisions_placed
    where unknown_name is not null
),

all_exceptions as (
    select * from told_of_entries
    union all
    select * from unknown_customers
    union all
    select * from future_dated
    union all
    select * from due_before_document
    union all
    select * from unknown_provisions
),

collected as (
    select
        company_code,
        source_type,
        source_id,
        source_line_no,
        exception_code,
        customer_id,
        currency_code,
        max(abs(amount_document)) as exception_amount_document,
        max(exception_detail) as exception_detail
    from all_exceptions
    group by
        company_code,
        source_type,
        source_id,
        source_line_no,
        exception_code,
        customer_id,
        currency_code
),

final as (
    select
        run_parameters.as_of_date,
        collected.company_code,
        collected.source_type,
        collected.source_id,
        collected.source_line_no,
        collected.exception_code,
        collected.customer_id,
        collected.currency_code,
        cast(collected.exception_amount_document as decimal(18, 2)) as exception_amount_document,
        collected.exception_detail
    from collected
    cross join run_parameters
)

select * from final
