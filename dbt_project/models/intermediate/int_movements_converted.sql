-- Grain: one row per movement of an item's balance and interval of knowledge, before intervals that
-- say the same are merged. A receivable is positive. The reporting amount is rounded once, here.
-- When the journal is refreshed, only what is touched.
{{ config(materialized='view') }}

with documents as (
    select * from {{ ref('int_documents_followed') }}
),

applications as (
    select * from {{ ref('int_applications_matched') }}
    where amount_document <> 0
),

allocations as (
    select * from {{ ref('int_applications_allocated') }}
),

rates as (
    select * from {{ ref('int_fx_rates_filled') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

last_rates as (
    select
        currency_code,
        max(last_rate_date) as last_rate_date
    from rates
    group by currency_code
),

-- What a document is worth by itself.
originals as (
    select
        company_code,
        'document' as item_type,
        document_id,
        installment_no,
        customer_id,
        document_type as movement_type,
        document_date as effective_date,
        currency_code,
        amount_document,
        amount as booked_amount,
        cast(null as decimal(18, 2)) as target_booked_amount_document,
        cast(null as decimal(18, 2)) as target_booked_amount,
        'ledger' as source_type,
        document_id as source_id,
        installment_no as source_line_no,
        0 as piece_no,
        valid_from,
        valid_to,
        _load_id
    from documents
    where
        document_type in ('invoice', 'debit_memo', 'opening_balance')
        and amount_document <> 0
),

-- Cash and memos that wait on their own item: they find no document, or are set against it later.
waits as (
    select
        company_code,
        item_type,
        item_document_id as document_id,
        item_installment_no as installment_no,
        customer_id,
        event_type as movement_type,
        own_date as effective_date,
        currency_code,
        -amount_document as amount_document,
        -booked_amount as booked_amount,
        case
            when source_type = 'payments' then target_booked_amount_document
        end as target_booked_amount_document,
        case when source_type = 'payments' then target_booked_amount end as target_booked_amount,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        valid_from,
        valid_to,
        _load_id
    from applications
    where
        event_type <> 'discount'
        and (
            not is_matched
            or (event_type in ('payment', 'credit_memo') and effective_date > own_date)
        )
),

-- The side of the item that cash or a memo leaves when it is set against a document later.
releases as (
    select
        company_code,
        item_type,
        item_document_id as document_id,
        item_installment_no as installment_no,
        customer_id,
        case
            when event_type = 'payment' then 'application' else 'credit_application'
        end as movement_type,
        effective_date,
        currency_code,
        amount_document,
        cast(null as decimal(18, 2)) as booked_amount,
        target_booked_amount_document,
        target_booked_amount,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        valid_from,
        valid_to,
        _load_id
    from applications
    where
        is_matched
        and event_type in ('payment', 'credit_memo')
        and effective_date > own_date
),

-- The side of the document.
placed_on_one as (
    select
        *,
        only_installment_no as installment_no,
        amount_document as placed_amount_document,
        target_customer_id as placed_customer_id,
        target_booked_amount_document as placed_booked_amount_document,
        target_booked_amount as placed_booked_amount,
        valid_from as placed_from,
        valid_to as placed_to
    from applications
    where
        is_matched
        and installment_count = 1
),

placed_on_several as (
    select
        applications.*,
        allocations.installment_no,
        allocations.amount_document as placed_amount_document,
        allocations.customer_id as placed_customer_id,
        allocations.booked_amount_document as placed_booked_amount_document,
        allocations.booked_amount as placed_booked_amount,
        allocations.valid_from as placed_from,
        allocations.valid_to as placed_to
    from applications
    inner join allocations
        on
            applications.company_code = allocations.company_code
            and applications.target_document_id = allocations.document_id
            and applications.currency_code = allocations.currency_code
            and applications.source_type = allocations.source_type
            and applications.source_id = allocations.source_id
            and applications.source_line_no = allocations.source_line_no
            and applications.piece_no = allocations.piece_no
            and applications.event_type = allocations.event_type
            and applications.valid_from <= allocations.valid_from
            and applications.valid_to >= allocations.valid_to
    where
        applications.is_matched
        and applications.installment_count > 1
),

placed as (
    select * from placed_on_one
    union all
    select * from placed_on_several
),

settlements as (
    select
        company_code,
        'document' as item_type,
        target_document_id as document_id,
        installment_no,
        placed_customer_id as customer_id,
        case
            when event_type = 'payment' and effective_date > own_date then 'application'
            when event_type = 'credit_memo' and effective_date > own_date
                then 'credit_application'
            else event_type
        end as movement_type,
        effective_date,
        currency_code,
        -placed_amount_document as amount_document,
        case
            when event_type <> 'credit_memo' or effective_date = own_date
                then -{{ prorate_amount(
                    'placed_amount_document', 'abs(booked_amount)', 'abs(amount_document)'
                ) }}
        end as booked_amount,
        placed_booked_amount_document as target_booked_amount_document,
        placed_booked_amount as target_booked_amount,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        placed_from as valid_from,
        placed_to as valid_to,
        _load_id
    from placed
),

movements as (
    select * from originals
    union all
    select * from waits
    union all
    select * from releases
    union all
    select * from settlements
),

-- A recovery brings back what was written off, and takes it as paid, on one day.
sides as (
    select false as is_reinstatement
    union all
    select true as is_reinstatement
),

all_movements as (
    select
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no,
        movements.customer_id,
        case
            when sides.is_reinstatement then 'recovery_reinstatement'
            else movements.movement_type
        end as movement_type,
        movements.effective_date,
        movements.currency_code,
        case
            when sides.is_reinstatement then -movements.amount_document
            else movements.amount_document
        end as amount_document,
        case
            when sides.is_reinstatement then -movements.booked_amount
            else movements.booked_amount
        end as booked_amount,
        movements.target_booked_amount_document,
        movements.target_booked_amount,
        movements.source_type,
        movements.source_id,
        movements.source_line_no,
        movements.piece_no,
        movements.valid_from,
        movements.valid_to,
        movements._load_id
    from movements
    cross join sides
    where
        movements.movement_type = 'recovery'
        or not sides.is_reinstatement
),

rated as (
    select
        all_movements.*,
        case
            when all_movements.currency_code = run_parameters.reporting_currency_code
                then cast(1 as decimal(18, 8))
            else rates.fx_rate
        end as fx_rate
    from all_movements
    cross join run_parameters
    left join last_rates
        on all_movements.currency_code = last_rates.currency_code
    left join rates
        on
            all_movements.currency_code = rates.currency_code
            and least(all_movements.effective_date, last_rates.last_rate_date) = rates.rate_date
),

converted as (
    select
        company_code,
        item_type,
        document_id,
        installment_no,
        customer_id,
        movement_type,
        effective_date,
        currency_code,
        amount_document,
        case
            when booked_amount is not null then booked_amount
            when fx_rate = 1 then amount_document
            when fx_rate is not null then {{ convert_amount('amount_document', 'fx_rate') }}
            when target_booked_amount_document <> 0
                then {{ prorate_amount(
                    'amount_document', 'target_booked_amount', 'target_booked_amount_document'
                ) }}
        end as amount,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        valid_from,
        valid_to,
        _load_id
    from rated
)

select * from converted
