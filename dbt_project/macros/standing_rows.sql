{#-
    CTEs that leave of the CTE `delivered` the rows that stand, in `standing_rows`: the last
    version of each key, of the loads that no full delivery has superseded. Versions of one
    instant go by load and row.
-#}
{%- macro standing_rows_ctes(keys) -%}
loads_superseded as (
    select * from {{ ref('int_loads_superseded') }}
),

versions_ranked as (
    select
        delivered.*,
        row_number() over (
            partition by {% for key in keys %}delivered.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
            order by
                delivered._recorded_at desc,
                delivered._load_sequence desc,
                delivered._row_number desc
        ) as version_rank
    from delivered
    inner join loads_superseded
        on delivered._load_id = loads_superseded.load_id
    where loads_superseded.superseded_at is null
),

standing_rows as (
    select * from versions_ranked
    where version_rank = 1
)
{%- endmacro -%}
