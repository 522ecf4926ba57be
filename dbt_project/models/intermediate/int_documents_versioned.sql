-- Grain: one row per company, document, installment and valid_from. A row whose interval is empty
-- was overtaken by another row of the same instant. A document without a due date and terms of its
-- own takes its customer's terms, as they were known in the same interval.
{%- set content = [
    'customer_id', 'document_type', 'document_date', 'due_date', 'payment_terms_days',
    'currency_code', 'amount_document', 'amount', 'applies_to_document_id', 'has_open_dispute',
    'legal_status', 'salesperson_id', 'is_withdrawn'
] %}
{{ config(**replaces_touched(
    by='int_documents_touched', keys=['company_code', 'document_id']
)) }}

with all_delivered as (
    select * from {{ ref('stg_lake__documents') }}
),

delivered as (
    select * from all_delivered
    where {{ touched_only(
        'all_delivered', 'int_documents_touched', ['company_code', 'document_id']
    ) }}
),

customer_terms as (
    select * from {{ ref('int_customer_terms_versioned') }}
),

{{ versions_of('ledger', ['company_code', 'document_id', 'installment_no'], content) }},

with_own_terms as (
    select
        versions.*,
        case
            when versions.due_date is not null then 'delivered'
            when versions.payment_terms_days is not null then 'document_terms'
        end as own_due_date_source
    from versions
),

customer_terms_before_first as (
    select
        customer_id,
        {{ beginning_at() }} as valid_from,
        min(valid_from) as valid_to,
        cast(null as integer) as payment_terms_days
    from customer_terms
    group by customer_id
),

customer_terms_covered as (
    select * from customer_terms_before_first
    union all
    select
        customer_id,
        valid_from,
        valid_to,
        payment_terms_days
    from customer_terms
),

with_customer_terms as (
    select
        with_own_terms.company_code,
        with_own_terms.document_id,
        with_own_terms.installment_no,
        {%- for column in content if column not in ['due_date', 'payment_terms_days'] %}
            with_own_terms.{{ column }},
        {%- endfor %}
        case
            when
                customer_terms_covered.payment_terms_days is not null
                then {{ add_days(
                    'with_own_terms.document_date', 'customer_terms_covered.payment_terms_days'
                ) }}
            else with_own_terms.document_date
        end as due_date,
        case
            when customer_terms_covered.payment_terms_days is not null then 'customer_terms'
            else 'document_date'
        end as due_date_source,
        greatest(
            with_own_terms.valid_from,
            coalesce(customer_terms_covered.valid_from, with_own_terms.valid_from)
        ) as valid_from,
        least(
            with_own_terms.valid_to,
            coalesce(customer_terms_covered.valid_to, with_own_terms.valid_to)
        ) as valid_to,
        with_own_terms._load_id,
        with_own_terms._load_sequence,
        with_own_terms._row_number
    from with_own_terms
    left join customer_terms_covered
        on
            with_own_terms.customer_id = customer_terms_covered.customer_id
            and with_own_terms.valid_from < customer_terms_covered.valid_to
            and with_own_terms.valid_to > customer_terms_covered.valid_from
    where with_own_terms.own_due_date_source is null
),

with_due_date as (
    select
        company_code,
        document_id,
        installment_no,
        {%- for column in content if column not in ['due_date', 'payment_terms_days'] %}
            {{ column }},
        {%- endfor %}
        coalesce(due_date, {{ add_days('document_date', 'payment_terms_days') }}) as due_date,
        own_due_date_source as due_date_source,
        valid_from,
        valid_to,
        _load_id,
        _load_sequence,
        _row_number
    from with_own_terms
    where own_due_date_source is not null
    union all
    select * from with_customer_terms
),

final as (
    select
        company_code,
        document_id,
        installment_no,
        valid_from,
        valid_to,
        customer_id,
        document_type,
        document_date,
        due_date,
        due_date_source,
        currency_code,
        amount_document,
        amount,
        applies_to_document_id,
        has_open_dispute,
        legal_status,
        salesperson_id,
        is_withdrawn,
        valid_to = {{ far_future_at() }} as is_current,
        _load_id,
        _load_sequence,
        _row_number
    from with_due_date
)

select * from final
