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
{{ config(**replaces_touched(
    by='int_applications_touched',
    keys=['source_type', 'company_code', 'source_id'],
    row_key=[
        'company_code', 'item_type', 'document_id', 'installment_no', 'movement_type',
        'source_type', 'source_id', 'source_line_no', 'piece_no', '_recorded_at'
    ]
)) }}

with all_movements as (
    select * from {{ ref('int_movements_converted') }}
),

movements as (
    select * from all_movements
    where {{ touched_only(
        'all_movements',
        'int_applications_touched',
        ['source_type', 'company_code', 'source_id']
    ) }}
),

restated_slots as (
    select
        {{ slot | join(',\n        ') }}
    from movements
    where valid_to < {{ far_future_at() }}
    group by
        {{ slot | join(',\n        ') }}
),

restated as (
    select movements.*
    from movements
    inner join restated_slots
        on {{ equal_columns(slot, 'movements', 'restated_slots') }}
),

said_once as (
    select movements.*
    from movements
    left join restated_slots
        on {{ equal_columns(slot, 'movements', 'restated_slots') }}
    where restated_slots.company_code is null
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
    from restated
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
    from said_once
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
