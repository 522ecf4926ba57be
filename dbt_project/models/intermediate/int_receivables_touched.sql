-- Grain: one row per document item that may be told otherwise than in the build before: it or its
-- movements changed, one of its dates has come, or its customer is told otherwise.
-- Nothing when the warehouse is built from nothing.
with changed_movements as (
    {{ changed_rows(
        'receivable_movements', ['company_code', 'item_type', 'document_id', 'installment_no']
    ) }}
),

changed_items as (
    {{ changed_rows(
        'receivable_items', ['company_code', 'item_type', 'document_id', 'installment_no']
    ) }}
),

changed_customers as (
    {{ changed_rows('dim_customers', ['customer_id']) }}
),

movements as (
    select * from {{ ref('receivable_movements') }}
    where is_current
),

items as (
    select * from {{ ref('receivable_items') }}
    where is_current
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

candidates as (
    select
        company_code,
        item_type,
        document_id,
        installment_no
    from changed_movements
    union all
    select
        company_code,
        item_type,
        document_id,
        installment_no
    from changed_items
    union all
    select
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no
    from movements
    inner join run_parameters
        on
            movements.effective_date > run_parameters.previous_as_of_date
            and movements.effective_date <= run_parameters.as_of_date
    union all
    select
        items.company_code,
        items.item_type,
        items.document_id,
        items.installment_no
    from items
    inner join run_parameters
        on
            items.document_date > run_parameters.previous_as_of_date
            and items.document_date <= run_parameters.as_of_date
    union all
    select
        items.company_code,
        items.item_type,
        items.document_id,
        items.installment_no
    from items
    inner join changed_customers
        on items.customer_id = changed_customers.customer_id
),

final as (
    select
        company_code,
        document_id,
        installment_no
    from candidates
    where item_type = 'document'
    group by company_code, document_id, installment_no
)

select * from final
