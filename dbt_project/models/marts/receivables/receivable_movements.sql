-- Grain: one row per movement of an item's balance and interval of knowledge in which it was the
-- same. The balance of an item on day D as known at K is the sum of amount_document where
-- effective_date <= D and _recorded_at <= K < _superseded_at.
{%- set slot = [
    'company_code', 'item_type', 'document_id', 'installment_no', 'movement_type', 'source_type',
    'source_id', 'source_line_no', 'piece_no'
] %}
{%- set content = [
    'customer_id', 'effective_date', 'currency_code', 'amount_document', 'amount'
] %}
with movements as (
    select * from {{ ref('int_movements_converted') }}
),

restated_slots as (
    select
        {{ slot | join(',\n        ') }}
    from movements
    where valid_to < {{ far_future_at() }}
    group by
        {{ slot | join(',\n        ') }}
),

flagged as (
    select
        movements.*,
        restated_slots.company_code is not null as is_restated
    from movements
    left join restated_slots
        on
            movements.company_code = restated_slots.company_code
            and movements.item_type = restated_slots.item_type
            and movements.document_id = restated_slots.document_id
            and movements.installment_no = restated_slots.installment_no
            and movements.movement_type = restated_slots.movement_type
            and movements.source_type = restated_slots.source_type
            and movements.source_id = restated_slots.source_id
            and movements.source_line_no = restated_slots.source_line_no
            and movements.piece_no = restated_slots.piece_no
),

compared as (
    select
        *,
        coalesce(
            lag(valid_to) over (
                partition by {{ slot | join(', ') }} order by valid_from
            ) = valid_from
            and lag({{ content_record(content) }}) over (
                partition by {{ slot | join(', ') }} order by valid_from
            ) is not distinct from {{ content_record(content) }},
            false
        ) as is_same_as_before
    from flagged
    where is_restated
),

numbered as (
    select
        *,
        sum(case when is_same_as_before then 0 else 1 end) over (
            partition by {{ slot | join(', ') }}
            order by valid_from
            rows between unbounded preceding and current row
        ) as island_no
    from compared
),

islands as (
    select
        *,
        max(valid_to) over (
            partition by {{ slot | join(', ') }}, island_no
        ) as island_to
    from numbered
),

merged as (
    select
        {{ (slot + content) | join(',\n        ') }},
        valid_from,
        valid_to,
        _load_id
    from flagged
    where not is_restated
    union all
    select
        {{ (slot + content) | join(',\n        ') }},
        valid_from,
        island_to as valid_to,
        _load_id
    from islands
    where not is_same_as_before
),

final as (
    select
        concat_ws(
            '|',
            company_code,
            source_type,
            source_id,
            cast(source_line_no as varchar),
            cast(piece_no as varchar),
            movement_type,
            item_type,
            document_id,
            cast(installment_no as varchar),
            cast({{ microseconds_of('valid_from') }} as varchar)
        ) as movement_id,
        company_code,
        item_type,
        document_id,
        installment_no,
        customer_id,
        movement_type,
        effective_date,
        currency_code,
        cast(amount_document as decimal(18, 2)) as amount_document,
        cast(amount as decimal(18, 2)) as amount,
        case when amount is null then 'missing' else 'ok' end as rate_status,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        _load_id,
        valid_from as _recorded_at,
        valid_to as _superseded_at,
        valid_to = {{ far_future_at() }} as is_current
    from merged
)

select * from final
