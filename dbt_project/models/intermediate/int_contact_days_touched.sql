-- Grain: one row per customer, document, collector and day of a contact that changed, as it was or
-- as it is, or that the as-of date has come to. Empty when the warehouse is built from nothing.
{%- set columns = [
    'customer_id', 'document_id', 'collector_id', 'contact_date', 'outcome', 'is_touch'
] %}
with changed as (
    {{ changed_rows('int_contacts_deduped', columns) }}
),

contacts as (
    select * from {{ ref('int_contacts_deduped') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

touched as (
    select {{ columns | join(', ') }}
    from changed
    union all
    select {{ columns_of(columns, 'contacts') }}
    from contacts
    cross join run_parameters
    where
        contacts.contact_date > run_parameters.previous_as_of_date
        and contacts.contact_date <= run_parameters.as_of_date
),

final as (
    select
        customer_id,
        document_id,
        collector_id,
        contact_date,
        max(case when is_touch then 1 else 0 end) = 1 as is_touch,
        max(case when outcome in ('promise_to_pay', 'payment_plan') then 1 else 0 end) = 1
            as is_promise
    from touched
    group by customer_id, document_id, collector_id, contact_date
)

select * from final
