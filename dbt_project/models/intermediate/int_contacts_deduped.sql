-- Grain: one row per contact, as last delivered and not left out by a later full delivery.
-- The day of a contact is the day of the company's clock, not of UTC. A contact that is delivered
-- anew is what it is last said to be; only of those that may have been left out is all read that
-- was ever said.
{{ config(**replaces_touched(by='int_contacts_touched', keys=['contact_id'])) }}
{#- Named where it is read: a CTE of two readers would be read and kept whole. -#}
{%- set contacts = ref('stg_lake__contacts') %}

with contact_outcomes as (
    select * from {{ ref('contact_outcomes') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

left_out as (
    select contact_id from {{ ref('int_contacts_touched') }}
    where may_be_left_out
),

delivered as (
    select
        contacts.*,
        false as is_withdrawn
    from {{ contacts }} as contacts
    cross join run_parameters
    left join left_out
        on contacts.contact_id = left_out.contact_id
    where
        left_out.contact_id is null
        {%- if is_refresh() %}
            and contacts._recorded_at > run_parameters.previous_known_at
        {%- endif %}
    union all
    select
        contacts.*,
        false as is_withdrawn
    from {{ contacts }} as contacts
    inner join left_out
        on contacts.contact_id = left_out.contact_id
),

{{ versions_of(
    'contact_log',
    ['contact_id'],
    [
        'customer_id', 'document_id', 'collector_id', 'contacted_at', 'channel', 'direction',
        'outcome', 'promised_amount', 'promised_date', 'duration_seconds', 'is_complaint_upheld',
        'is_withdrawn'
    ]
) }},

final as (
    select
        versions.contact_id,
        versions.customer_id,
        versions.document_id,
        versions.collector_id,
        versions.contacted_at,
        {{ local_date('versions.contacted_at', 'run_parameters.timezone') }} as contact_date,
        versions.channel,
        versions.direction,
        versions.outcome,
        versions.promised_amount as promised_amount_document,
        versions.promised_date,
        versions.duration_seconds,
        coalesce(versions.is_complaint_upheld, false) as is_complaint_upheld,
        coalesce(contact_outcomes.is_connect, false) as is_connect,
        coalesce(contact_outcomes.is_right_party, false) as is_right_party,
        coalesce(contact_outcomes.is_touch, false) as is_touch
    from versions
    cross join run_parameters
    left join contact_outcomes
        on versions.outcome = contact_outcomes.outcome
    where
        versions.valid_from < versions.valid_to
        and versions.valid_to = {{ far_future_at() }}
        and not versions.is_withdrawn
)

select * from final
