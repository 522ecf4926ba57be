-- Grain: one row per contact, as last delivered and not left out by a later full delivery.
{{ config(materialized='view') }}

with delivered as (
    select
        *,
        false as is_withdrawn
    from {{ ref('stg_lake__contacts') }}
),

{{ versions_of(
    'contact_log',
    ['contact_id'],
    [
        'customer_id', 'document_id', 'collector_id', 'contacted_at', 'channel',
        'direction', 'outcome', 'promised_amount', 'promised_date', 'duration_seconds',
        'is_complaint_upheld', 'evidence_reference', 'is_withdrawn'
    ]
) }},

final as (
    select
        contact_id,
        customer_id,
        document_id,
        collector_id,
        contacted_at,
        channel,
        direction,
        outcome,
        promised_amount,
        promised_date,
        duration_seconds,
        is_complaint_upheld,
        evidence_reference,
        _load_id,
        valid_from as _recorded_at
    from versions
    where
        valid_from < valid_to
        and valid_to = {{ far_future_at() }}
        and not is_withdrawn
)

select * from final
