-- The journal, the balances kept as spans, the documents and the aging marts say the same as of the
-- as_of_date, in document currency and to the cent; and what moves between items moves nothing.
with movements as (
    select * from {{ ref('receivable_movements') }}
    where is_current
),

journal as (
    select * from {{ ref('int_movements_daily') }}
    where is_current
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

spans as (
    select * from {{ ref('receivables_by_span') }}
),

receivables as (
    select * from {{ ref('receivables_by_document') }}
),

aging_by_bucket as (
    select * from {{ ref('aging_by_bucket') }}
),

journal_balances as (
    select
        journal.company_code,
        journal.currency_code,
        sum(journal.amount_document) as amount_document,
        sum(case when journal.item_type = 'document' then journal.amount_document else 0 end)
            as on_documents_document
    from journal
    cross join run_parameters
    where journal.effective_date <= run_parameters.as_of_date
    group by journal.company_code, journal.currency_code
),

span_balances as (
    select
        spans.company_code,
        spans.currency_code,
        sum(spans.open_amount_document) as amount_document
    from spans
    inner join run_parameters
        on
            spans.open_from <= run_parameters.as_of_date
            and spans.open_to > run_parameters.as_of_date
    group by spans.company_code, spans.currency_code
),

document_balances as (
    select
        company_code,
        currency_code,
        sum(open_amount_document) as amount_document
    from receivables
    group by company_code, currency_code
),

aged_balances as (
    select
        aging_by_bucket.company_code,
        aging_by_bucket.currency_code,
        aging_by_bucket.bucket_set,
        aging_by_bucket.age_basis,
        sum(aging_by_bucket.open_amount_document) as amount_document
    from aging_by_bucket
    inner join run_parameters
        on aging_by_bucket.as_of_date = run_parameters.as_of_date
    group by
        aging_by_bucket.company_code,
        aging_by_bucket.currency_code,
        aging_by_bucket.bucket_set,
        aging_by_bucket.age_basis
),

transfers as (
    select
        company_code,
        source_id,
        source_line_no,
        sum(amount_document) as amount_document
    from movements
    where
        movement_type in (
            'application', 'credit_application', 'recovery', 'recovery_reinstatement'
        )
        and {{ changed_only('movements', 'receivable_movements', ['company_code', 'source_id']) }}
    group by company_code, source_id, source_line_no
),

disagreements as (
    select
        'spans' as violation,
        journal_balances.company_code,
        journal_balances.currency_code
    from journal_balances
    left join span_balances
        on
            journal_balances.company_code = span_balances.company_code
            and journal_balances.currency_code = span_balances.currency_code
    where journal_balances.amount_document <> coalesce(span_balances.amount_document, 0)
    union all
    select
        'documents' as violation,
        journal_balances.company_code,
        journal_balances.currency_code
    from journal_balances
    left join document_balances
        on
            journal_balances.company_code = document_balances.company_code
            and journal_balances.currency_code = document_balances.currency_code
    where
        journal_balances.on_documents_document <> coalesce(document_balances.amount_document, 0)
    union all
    select
        'aging' as violation,
        journal_balances.company_code,
        journal_balances.currency_code
    from journal_balances
    inner join aged_balances
        on
            journal_balances.company_code = aged_balances.company_code
            and journal_balances.currency_code = aged_balances.currency_code
    where journal_balances.amount_document <> aged_balances.amount_document
    union all
    select
        'transfer' as violation,
        company_code,
        source_id as currency_code
    from transfers
    where amount_document <> 0
    union all
    select
        'parts of a document' as violation,
        company_code,
        document_id as currency_code
    from receivables
    where
        not is_future_dated
        and {{ changed_only(
            'receivables', 'receivables_summed', ['company_code', 'document_id']
        ) }}
        and open_amount_document
        <> original_amount_document
        + adjusted_amount_document
        - paid_amount_document
        - credited_amount_document
        - discounted_amount_document
        - written_off_amount_document
)

select * from disagreements
