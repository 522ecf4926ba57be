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
        contacts.*,
        {{ month_start('contacts.contact_date') }} as month_start
    from contacts
    cross join run_parameters
    where contacts.contact_date <= run_parameters.as_of_date
)

select * from until_as_of_date
