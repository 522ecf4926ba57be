-- noqa: disable=LT02
{#-
    What deliveries since the build before may change in what small extracts say: the rest of a
    touched model after `with`, as a chain of CTEs that ends in `final`. Nothing when the warehouse
    is built from nothing.
-#}

{#-
    The keys that may say something new: those of new rows, and every key ever delivered when a
    full delivery came that may leave any of them out.
-#}
{%- macro keys_delivered_since(staging_model, extract_name, key) -%}
delivered as (
    select * from {{ ref(staging_model) }}
),

loads as (
    select * from {{ ref('int_loads_superseded') }}
    where extract_name = '{{ extract_name }}'
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

previous_build as (
    select
        run_parameters.previous_known_at,
        coalesce(
            max(loads.superseded_at) > run_parameters.previous_known_at, false
        ) as is_any_left_out
    from run_parameters
    cross join loads
    where run_parameters.previous_known_at is not null
    group by run_parameters.previous_known_at
),

final as (
    select {{ columns_of(key, 'delivered') }}
    from delivered
    cross join previous_build
    where
        delivered._recorded_at > previous_build.previous_known_at
        or previous_build.is_any_left_out
    group by {{ columns_of(key, 'delivered') }}
)
{%- endmacro -%}

{#-
    The keys whose `value` as last delivered is another one than the build before knew. Of extracts
    in which a key that a full delivery leaves out stays.
-#}
{%- macro keys_restated_since(staging_model, key, value) -%}
{%- set stated = "coalesce(cast(delivered." ~ value ~ " as varchar), '')" -%}
delivered as (
    select * from {{ ref(staging_model) }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

compared as (
    select
        {{ columns_of(key, 'delivered') }},
        {{ latest_by(
            stated,
            'delivered._recorded_at',
            'delivered._load_sequence, delivered._row_number'
        ) }} as present_value,
        {{ latest_by(
            'case when delivered._recorded_at <= run_parameters.previous_known_at then '
            ~ stated ~ ' end',
            'delivered._recorded_at',
            'delivered._load_sequence, delivered._row_number'
        ) }} as previous_value
    from delivered
    cross join run_parameters
    where run_parameters.previous_known_at is not null
    group by {{ columns_of(key, 'delivered') }}
),

final as (
    select {{ columns_of(key) }}
    from compared
    where present_value is distinct from previous_value
)
{%- endmacro -%}
