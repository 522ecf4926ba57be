-- Grain: one row per contact that deliveries since the build before speak of: by a row, or by a
-- full delivery that may leave it out. Empty when the warehouse is built from nothing.
{#- Named where it is read: a CTE of two readers would be read and kept whole. -#}
{%- set contacts = ref('stg_lake__contacts') %}
with loads as (
    select * from {{ ref('int_loads_superseded') }}
    where extract_name = 'contact_log'
),

quarantined_rows as (
    select * from {{ ref('stg_lake__quarantined_rows') }}
    where
        extract_name = 'contact_log'
        and row_key is not null
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

loads_superseded_since as (
    select loads.load_id
    from loads
    cross join run_parameters
    where loads.superseded_at > run_parameters.previous_known_at
),

named as (
    select
        contacts.contact_id,
        0 as may_be_left_out
    from {{ contacts }} as contacts
    cross join run_parameters
    where contacts._recorded_at > run_parameters.previous_known_at
    union all
    select
        contacts.contact_id,
        1 as may_be_left_out
    from {{ contacts }} as contacts
    inner join loads_superseded_since
        on contacts._load_id = loads_superseded_since.load_id
    union all
    select
        quarantined_rows.row_key as contact_id,
        1 as may_be_left_out
    from quarantined_rows
    inner join loads_superseded_since
        on quarantined_rows.load_id = loads_superseded_since.load_id
),

final as (
    select
        contact_id,
        max(may_be_left_out) = 1 as may_be_left_out
    from named
    group by contact_id
)

select * from final
