-- Grain: one row per company, currency, item type, movement type and effective date: the current
-- journal added up by day, future days among them. The proofs compare the marts with it.
with movements as (
    select * from {{ ref('receivable_movements') }}
    where is_current
),

final as (
    select
        company_code,
        currency_code,
        item_type,
        movement_type,
        effective_date,
        cast(count(*) as bigint) as movement_count,
        cast(count(*) - count(amount) as bigint) as unconverted_movement_count,
        cast(sum(amount_document) as decimal(28, 2)) as amount_document,
        cast(sum(amount) as decimal(28, 2)) as amount
    from movements
    group by company_code, currency_code, item_type, movement_type, effective_date
)

select * from final
