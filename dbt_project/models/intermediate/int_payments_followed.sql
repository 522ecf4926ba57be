-- Grain: one row per company, payment, line and interval of knowledge in which it stood. When the
-- journal is refreshed, only the touched payments.
{{ config(materialized='view') }}
{%- set reread = ref('int_payments_reread') %}
{%- set versioned = ref('int_payments_versioned') %}

with payments as (
    select * from {{ reread if is_journal_refreshed() else versioned }}
    where
        valid_from < valid_to
        and not is_withdrawn
),

final as (
    select {{ payment_columns() | join(', ') }}
    from payments
)

select * from final
