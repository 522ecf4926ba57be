-- Grain: one row per company, source_type and source_id: the payments and documents whose movements
-- may have changed since the build before (`payments`, `ledger`), and the documents that these name
-- (`target`). An event is touched with its document and with its rates, a reversal with what it
-- takes back, and all events together that share installments.
with recursive documents as (
    select
        company_code,
        document_id,
        installment_no,
        applies_to_document_id,
        document_date,
        currency_code
    from {{ ref('int_documents_versioned') }}
),

payments as (
    select
        company_code,
        payment_id,
        document_id,
        reverses_payment_id,
        payment_date,
        application_date,
        currency_code
    from {{ ref('int_payments_versioned') }}
),

changed_documents as (
    {{ changed_rows(
        'int_documents_versioned', ['company_code', 'document_id', 'applies_to_document_id']
    ) }}
),

changed_payments as (
    {{ changed_rows(
        'int_payments_versioned',
        ['company_code', 'payment_id', 'document_id', 'reverses_payment_id']
    ) }}
),

changed_rates as (
    {{ changed_rows(
        'int_fx_rates_spanned', ['currency_code', 'valid_from_date', 'valid_to_date']
    ) }}
),

-- What is dated where a rate changed: a movement's day is a day of the event or of its document.
rerated_documents as (
    select
        documents.company_code,
        documents.document_id
    from documents
    inner join changed_rates
        on
            documents.currency_code = changed_rates.currency_code
            and documents.document_date >= changed_rates.valid_from_date
            and documents.document_date < changed_rates.valid_to_date
),

rerated_payments as (
    select
        payments.company_code,
        payments.payment_id
    from payments
    inner join changed_rates
        on
            payments.currency_code = changed_rates.currency_code
            and (
                (
                    payments.payment_date >= changed_rates.valid_from_date
                    and payments.payment_date < changed_rates.valid_to_date
                )
                or (
                    payments.application_date >= changed_rates.valid_from_date
                    and payments.application_date < changed_rates.valid_to_date
                )
            )
),

touched_documents as (
    select
        company_code,
        document_id
    from changed_documents
    union
    select
        company_code,
        document_id
    from rerated_documents
),

-- Where the closure begins: what changed, what names it, and what it named or took back before.
starts as (
    select
        'ledger' as source_type,
        company_code,
        document_id as source_id
    from touched_documents
    union
    select
        'target' as source_type,
        company_code,
        document_id as source_id
    from touched_documents
    union
    select
        'ledger' as source_type,
        documents.company_code,
        documents.document_id as source_id
    from documents
    inner join touched_documents
        on
            documents.company_code = touched_documents.company_code
            and documents.applies_to_document_id = touched_documents.document_id
    union
    select
        'payments' as source_type,
        payments.company_code,
        payments.payment_id as source_id
    from payments
    inner join touched_documents
        on
            payments.company_code = touched_documents.company_code
            and payments.document_id = touched_documents.document_id
    union
    select
        'payments' as source_type,
        company_code,
        payment_id as source_id
    from rerated_payments
    union
    select
        'payments' as source_type,
        company_code,
        payment_id as source_id
    from changed_payments
    union
    select
        'payments' as source_type,
        company_code,
        reverses_payment_id as source_id
    from changed_payments
    where reverses_payment_id is not null
    union
    select
        'target' as source_type,
        company_code,
        document_id as source_id
    from changed_payments
    where document_id is not null
    union
    select
        'target' as source_type,
        company_code,
        applies_to_document_id as source_id
    from changed_documents
    where applies_to_document_id is not null
),

some_start as (
    select count(*) as start_count from starts
),

documents_in_installments as (
    select
        documents.company_code,
        documents.document_id
    from documents
    cross join some_start
    where
        documents.installment_no <> 1
        and some_start.start_count > 0
    group by documents.company_code, documents.document_id
),

links as (
    select
        'payments' as source_type,
        payments.company_code,
        payments.payment_id as source_id,
        'target' as linked_source_type,
        payments.document_id as linked_source_id
    from payments
    inner join documents_in_installments
        on
            payments.company_code = documents_in_installments.company_code
            and payments.document_id = documents_in_installments.document_id
    union all
    select
        'ledger' as source_type,
        documents.company_code,
        documents.document_id as source_id,
        'target' as linked_source_type,
        documents.applies_to_document_id as linked_source_id
    from documents
    inner join documents_in_installments
        on
            documents.company_code = documents_in_installments.company_code
            and documents.applies_to_document_id = documents_in_installments.document_id
    union all
    select
        'payments' as source_type,
        payments.company_code,
        payments.payment_id as source_id,
        'payments' as linked_source_type,
        payments.reverses_payment_id as linked_source_id
    from payments
    cross join some_start
    where
        payments.reverses_payment_id is not null
        and some_start.start_count > 0
),

links_both_ways as (
    select * from links
    union all
    select
        linked_source_type as source_type,
        company_code,
        linked_source_id as source_id,
        source_type as linked_source_type,
        source_id as linked_source_id
    from links
),

reached as (
    select
        source_type,
        company_code,
        source_id
    from starts
    union
    select
        links_both_ways.linked_source_type as source_type,
        links_both_ways.company_code,
        links_both_ways.linked_source_id as source_id
    from reached
    inner join links_both_ways
        on
            reached.source_type = links_both_ways.source_type
            and reached.company_code = links_both_ways.company_code
            and reached.source_id = links_both_ways.source_id
),

-- The documents that touched events name.
named as (
    select
        payments.company_code,
        payments.document_id
    from payments
    inner join reached
        on
            reached.source_type = 'payments'
            and payments.company_code = reached.company_code
            and payments.payment_id = reached.source_id
    where payments.document_id is not null
    union all
    select
        documents.company_code,
        documents.applies_to_document_id as document_id
    from documents
    inner join reached
        on
            reached.source_type = 'ledger'
            and documents.company_code = reached.company_code
            and documents.document_id = reached.source_id
    where documents.applies_to_document_id is not null
),

final as (
    select * from reached
    union
    select
        'target' as source_type,
        company_code,
        document_id as source_id
    from named
)

select * from final
