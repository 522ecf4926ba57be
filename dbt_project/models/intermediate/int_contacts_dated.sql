-- Grain: one row per contact, up to the as-of date.
{{ config(materialized='view') }}

with contacts as (
    select * from {{ ref('int_contacts_deduped') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

until_as_of_date as (
    select
        contacts.contact_id,
        contacts.customer_id,
        contacts.document_id,
        contacts.collector_id,
        contacts.contacted_at,
        contacts.contact_date,
        {{ month_start('contacts.contact_date') }} as month_start,
        contacts.channel,
        contacts.direction,
        contacts.outcome,
        contacts.promised_amount_document,
        contacts.promised_date,
        contacts.duration_seconds,
        contacts.is_complaint_upheld,
        contacts.is_connect,
        contacts.is_right_party,
        contacts.is_touch
    from contacts
    cross join run_parameters
    where contacts.contact_date <= run_parameters.as_of_date
)

select * from until_as_of_date
