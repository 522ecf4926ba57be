{#-
    The versions of delivered rows in knowledge time, as a chain of CTEs that ends in `versions`.
    Stands after a CTE `delivered` with the columns of one staging model.

    * Rows of one key at one instant: the last by load and row wins, the others are kept with an
      empty interval.
    * A row that says what is already known makes no version.
    * `absence_withdraws`: a key that a later full delivery of its source leaves out is withdrawn
      there. A key whose row was quarantined in that delivery is not left out by it.
    * Nearly every key is delivered once and never left out. Its row is its version; only the other
      keys are sorted and compared.

    `content` lists every column that makes a version; `is_withdrawn` must be among them when
    absence withdraws.
-#}
{%- macro versions_of(extract_name, key, content, absence_withdraws=true) -%}
    {%- set key_list = key | join(', ') -%}
    repeated_keys as (
    select {{ key_list }} from delivered
    group by {{ key_list }}
    having count(*) > 1
),
{% if absence_withdraws %}
loads as (
    select * from {{ ref('int_loads_superseded') }}
    where extract_name = '{{ extract_name }}'
),

quarantined_rows as (
    select * from {{ ref('stg_lake__quarantined_rows') }}
    where
        extract_name = '{{ extract_name }}'
        and row_key is not null
),

superseded_loads as (
    select load_id from loads
    where superseded_at is not null
),

quarantined_keys as (
    select row_key from quarantined_rows
    group by row_key
),
{% endif %}
-- Keys of which more may be said than their one row says.
followed_keys as (
    select {{ key_list }} from repeated_keys
    {%- if absence_withdraws %}
    union
    select {{ columns_of(key, 'delivered') }}
    from delivered
    inner join superseded_loads
        on delivered._load_id = superseded_loads.load_id
    union
    select {{ columns_of(key, 'delivered') }}
    from delivered
    inner join quarantined_keys
        on {{ row_key_of(key, 'delivered') }} = quarantined_keys.row_key
    {%- endif %}
),

said_once as (
    select delivered.*
    from delivered
    left join followed_keys
        on {{ equal_columns(key, 'delivered', 'followed_keys') }}
    where followed_keys.{{ key[0] }} is null
),

followed as (
    select delivered.*
    from delivered
    inner join followed_keys
        on {{ equal_columns(key, 'delivered', 'followed_keys') }}
),

ranked as (
    select
        *,
        row_number() over (
            partition by {{ key_list }}, _recorded_at
            order by _load_sequence desc, _row_number desc
        ) as rank_in_instant
    from followed
),

winners as (
    select
        *,
        lead(_recorded_at) over (
            partition by {{ key_list }} order by _recorded_at
        ) as next_recorded_at
    from ranked
    where rank_in_instant = 1
),
{% if absence_withdraws %}
seen_in_quarantine as (
    select
        {{ columns_of(key + content, 'winners') }},
        quarantined_rows.recorded_at as _recorded_at,
        loads.superseded_at,
        loads.superseding_load_id,
        winners.next_recorded_at,
        winners._load_sequence,
        winners._row_number
    from quarantined_rows
    inner join loads
        on quarantined_rows.load_id = loads.load_id
    inner join winners
        on
            quarantined_rows.row_key = {{ row_key_of(key, 'winners') }}
            and quarantined_rows.recorded_at > winners._recorded_at
            and (
                quarantined_rows.recorded_at < winners.next_recorded_at
                or winners.next_recorded_at is null
            )
),

sightings as (
    select
        {{ columns_of(key + content, 'winners') }},
        winners._recorded_at,
        loads.superseded_at,
        loads.superseding_load_id,
        winners.next_recorded_at,
        winners._load_sequence,
        winners._row_number
    from winners
    inner join loads
        on winners._load_id = loads.load_id
    where loads.superseded_at is not null
    union all
    select * from seen_in_quarantine
),

followed_sightings as (
    select
        *,
        lead(_recorded_at) over (
            partition by {{ key_list }} order by _recorded_at
        ) as next_seen_at
    from sightings
),

absences as (
    select * from followed_sightings
    where
        not is_withdrawn
        and superseded_at is not null
        and (superseded_at < next_recorded_at or next_recorded_at is null)
        and (superseded_at < next_seen_at or next_seen_at is null)
),
{% endif %}
stated as (
    select
        {{ columns_of(key + content) }},
        _recorded_at,
        _load_id,
        _load_sequence,
        _row_number
    from winners
    {%- if absence_withdraws %}
    union all
    select
        {{ columns_of(key + content) | replace('is_withdrawn', 'true as is_withdrawn') }},
        superseded_at as _recorded_at,
        superseding_load_id as _load_id,
        _load_sequence,
        _row_number
    from absences
    {%- endif %}
),

compared as (
    select
        *,
        lag({{ content_record(content) }}) over (
            partition by {{ key_list }} order by _recorded_at
        ) as previous_content
    from stated
),

changes as (
    select * from compared
    where {{ content_record(content) }} is distinct from previous_content
),

intervals as (
    select
        {{ columns_of(key + content) }},
        _recorded_at as valid_from,
        coalesce(
            lead(_recorded_at) over (partition by {{ key_list }} order by _recorded_at),
            {{ far_future_at() }}
        ) as valid_to,
        _load_id,
        _load_sequence,
        _row_number
    from changes
),

versions as (
    select
        {{ columns_of(key + content) }},
        _recorded_at as valid_from,
        {{ far_future_at() }} as valid_to,
        _load_id,
        _load_sequence,
        _row_number
    from said_once
    union all
    select * from intervals
    union all
    select
        {{ columns_of(key + content) }},
        _recorded_at as valid_from,
        _recorded_at as valid_to,
        _load_id,
        _load_sequence,
        _row_number
    from ranked
    where rank_in_instant > 1
)
{%- endmacro -%}

{#- Columns for a select list, with the name of their table in front where one is given. -#}
{%- macro columns_of(columns, table_name=none) -%}
    {%- for column in columns -%}
        {{ table_name ~ '.' if table_name }}{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro -%}

{#- A join condition: the columns of one table equal those of the other. -#}
{%- macro equal_columns(columns, left_table, right_table) -%}
    {%- for column in columns -%}
        {{ left_table }}.{{ column }} = {{ right_table }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro -%}

{#- Several columns as one value that compares null-safe as a whole. -#}
{%- macro content_record(columns) -%}
    {{ adapter.dispatch('content_record', 'collections')(columns) }}
{%- endmacro -%}

{%- macro default__content_record(columns) -%}
    row({{ columns | join(', ') }})
{%- endmacro -%}

{%- macro spark__content_record(columns) -%}
    struct({{ columns | join(', ') }})
{%- endmacro -%}

{#- The key of a row as ingest writes it into the quarantine: the values joined by `|`. -#}
{%- macro row_key_of(key, alias) -%}
    {%- set parts = [] -%}
    {%- for column in key -%}
        {%- do parts.append("cast(" ~ alias ~ "." ~ column ~ " as varchar)") -%}
    {%- endfor -%}
    concat_ws('|', {{ parts | join(', ') }})
{%- endmacro -%}
