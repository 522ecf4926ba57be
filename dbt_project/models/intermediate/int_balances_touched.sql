-- Grain: one row per company, item_type and document_id of items that changed since the build
-- before, or of which a movement did.
with changed_items as (
    {{ changed_rows('receivable_items', ['company_code', 'item_type', 'document_id']) }}
),

changed_movements as (
    {{ changed_rows('receivable_movements', ['company_code', 'item_type', 'document_id']) }}
),

final as (
    select
        company_code,
        item_type,
        document_id
    from changed_items
    union
    select
        company_code,
        item_type,
        document_id
    from changed_movements
)

select * from final
