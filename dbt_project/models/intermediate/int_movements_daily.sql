-- Grain: one row per company, currency, item type, movement type, effective date and interval of
-- knowledge: the journal in all its versions added up by day, future days among them. The proofs
-- compare the marts with it.
-- A refresh takes what left the journal from the sums that are there and adds what came: it looks
-- at no movement that did not change.
{%- set key = [
    'company_code', 'currency_code', 'item_type', 'movement_type', 'effective_date', '_recorded_at',
    '_superseded_at'
] %}
{{ config(**replaces_touched(
    by='int_movement_days_touched', keys=['company_code', 'currency_code', 'effective_date']
)) }}

{%- if is_refresh() %}

    with changed_movements as (
        {{ changed_rows('receivable_movements', key + ['amount_document', 'amount']) }}
    ),

    summands as (
        select
            {{ key | join(',\n            ') }},
            movement_count,
            unconverted_movement_count,
            amount_document,
            amount
        from {{ this }} as kept_sums
        where {{ touched_only(
            'kept_sums',
            'int_movement_days_touched',
            ['company_code', 'currency_code', 'effective_date']
        ) }}
        union all
        select
            {{ key | join(',\n            ') }},
            case _change when 'added' then 1 else -1 end as movement_count,
            case when amount is null then 1 else 0 end
            * case _change when 'added' then 1 else -1 end as unconverted_movement_count,
            case _change when 'added' then amount_document else -amount_document end
                as amount_document,
            coalesce(case _change when 'added' then amount else -amount end, 0) as amount
        from changed_movements
    ),

{%- else %}

    with summands as (
        select
            {{ key | join(',\n            ') }},
            1 as movement_count,
            case when amount is null then 1 else 0 end as unconverted_movement_count,
            amount_document,
            coalesce(amount, 0) as amount
        from {{ ref('receivable_movements') }}
    ),

{%- endif %}

final as (
    select
        {{ key | join(',\n        ') }},
        cast(sum(movement_count) as bigint) as movement_count,
        cast(sum(unconverted_movement_count) as bigint) as unconverted_movement_count,
        cast(sum(amount_document) as decimal(28, 2)) as amount_document,
        cast(sum(amount) as decimal(28, 2)) as amount,
        _superseded_at = {{ far_future_at() }} as is_current
    from summands
    group by
        {{ key | join(',\n        ') }}
    having sum(movement_count) > 0
)

select * from final
