-- Grain: one row per contact, up to the as-of date.
-- The day of a contact is the day of the company's clock, not of UTC.
with contacts as (
    select * from {{ ref('int_contacts_deduped') }}
),

contact_outcomes as (
    select * from {{ ref('contact_outcomes') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

dated as (
    select
        contacts.contact_id,
        contacts.customer_id,
        contacts.document_id,
        contacts.collector_id,
        contacts.contacted_at,
        {{ local_date('contacts.contacted_at', 'run_parameters.timezone') }} as contact_date,
        contacts.channel,
        contacts.direction,
        contacts.outcome,
        contacts.promised_amount as promised_amount_document,
        contacts.promised_date,
        coalesce(contacts.is_complaint_upheld, false) as is_complaint_upheld,
        coalesce(contact_outcomes.is_connect, false) as is_connect,
        coalesce(contact_outcomes.is_right_party, false) as is_right_party,
        coalesce(contact_outcomes.is_touch, false) as is_touch,
        run_parameters.as_of_date
    from contacts
    cross join run_parameters
    left join contact_outcomes
        on contacts.outcome = contact_outcomes.outcome
),

until_as_of_date as (
    select
        contact_id,
        customer_id,
        document_id,
        collector_id,
        contacted_at,
        contact_date,
        {{ month_start('contact_date') }} as month_start,
        channel,
        direction,
        outcome,
        promised_amount_document,
        promised_date,
        is_complaint_upheld,
        is_connect,
        is_right_party,
        is_touch
    from dated
    where contact_date <= as_of_date
)

select * from until_as_of_date
