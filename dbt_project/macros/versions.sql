{#-
    The versions of delivered rows in knowledge time, as a chain of CTEs that ends in `versions`.
    Stands after a CTE `delivered` with the columns of one staging model.

    * Rows of one key at one instant: the last by load and row wins, the others are kept with an
      empty interval.
    * A row that says what is already known makes no version.
    * `absence_withdraws`: a key that a later full delivery of its source leaves out is withdrawn
      there. A key whose row was quarantined in that delivery is not left out by it.
    * Nearly every key is delivered once and never left out. Its row is its version; only the other
      keys are sorted and compared. They are told by the hash of their key: a key that is followed
      for the sake of another one with its hash says the same as without.

    `content` lists every column that makes a version; `is_withdrawn` must be among them when
    absence withdraws.
-#}
{%- macro versions_of(extract_name, key, content, absence_withdraws=true) -%}
    {%- set key_list = key | join(', ') -%}
hashed as (
    select
        *,
        {{ hash_of(columns_of(key)) }} as key_hash
    from delivered
),

repeated_hashes as (
    select key_hash from hashed
    group by key_hash
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
followed_hashes as (
    select key_hash from repeated_hashes
    {%- if absence_withdraws %}
    union
    select hashed.key_hash
    from hashed
    inner join superseded_loads
        on hashed._load_id = superseded_loads.load_id
    union
    select hashed.key_hash
    from hashed
    inner join quarantined_keys
        on {{ row_key_of(key, 'hashed') }} = quarantined_keys.row_key
    {%- endif %}
),

said_once as (
    select * from hashed
    where key_hash not in (select followed_hashes.key_hash from followed_hashes)
),

followed as (
    select * from hashed
    where key_hash in (select followed_hashes.key_hash from followed_hashes)
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

{#- The columns of int_documents_versioned, for the models that keep some of its rows. -#}
{%- macro document_columns() -%}
    {%- do return([
        'company_code', 'document_id', 'installment_no', 'valid_from', 'valid_to', 'customer_id',
        'document_type', 'document_date', 'due_date', 'due_date_source', 'currency_code',
        'amount_document', 'amount', 'applies_to_document_id', 'has_open_dispute', 'legal_status',
        'salesperson_id', 'is_withdrawn', 'is_current', '_load_id', '_load_sequence', '_row_number'
    ]) -%}
{%- endmacro -%}

{#- The columns of int_payments_versioned, for the models that keep some of its rows. -#}
{%- macro payment_columns() -%}
    {%- do return([
        'company_code', 'payment_id', 'line_no', 'valid_from', 'valid_to', 'customer_id',
        'payment_date', 'currency_code', 'amount_document', 'document_id', 'installment_no',
        'application_date', 'discount_amount_document', 'payment_method', 'reverses_payment_id',
        'is_withdrawn', 'is_current', '_load_id', '_load_sequence', '_row_number'
    ]) -%}
{%- endmacro -%}

{#- Text values as the members of a list. -#}
{%- macro quoted(values) -%}
    {%- for value in values %}
        '{{ value }}'{{ ',' if not loop.last }}
    {%- endfor %}
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

{#- An integer that is the same for the same values; now and then for others too. -#}
{%- macro hash_of(columns) -%}
    {{ adapter.dispatch('hash_of', 'collections')(columns) }}
{%- endmacro -%}

{%- macro default__hash_of(columns) -%}
    hash({{ columns }})
{%- endmacro -%}

{%- macro spark__hash_of(columns) -%}
    xxhash64({{ columns }})
{%- endmacro -%}

{#-
    The keys of which the build before may have said something else, as a chain of CTEs that ends
    in `newly_told_rows`; none when nothing was built before. Stands after a CTE `delivered` with
    the columns of one staging model. Where absence withdraws, a new full delivery tells of the
    rows of the loads that it supersedes, and a quarantined row of its key.
-#}
{%- macro newly_told_rows_of(extract_name, key, absence_withdraws=true) -%}
new_loads as (
    select loads.load_id
    from {{ ref('stg_lake__loads') }} as loads
    cross join {{ ref('run_parameters') }} as run_parameters
    where
        loads.extract_name = '{{ extract_name }}'
        and loads.recorded_at > run_parameters.previous_known_at
        -- A duplicate has the name of the load that it repeats, and tells nothing new of its rows.
        and loads.load_status = 'admitted'
),
{% if absence_withdraws %}
newly_superseded_loads as (
    select loads.load_id
    from {{ ref('int_loads_superseded') }} as loads
    cross join {{ ref('run_parameters') }} as run_parameters
    where
        loads.extract_name = '{{ extract_name }}'
        and loads.superseded_at > run_parameters.previous_known_at
),
{% endif %}
telling_loads as (
    select load_id from new_loads
    {%- if absence_withdraws %}
    union
    select load_id from newly_superseded_loads
    {%- endif %}
),
{% if absence_withdraws %}
newly_quarantined_keys as (
    select quarantined_rows.row_key
    from {{ ref('stg_lake__quarantined_rows') }} as quarantined_rows
    inner join telling_loads
        on quarantined_rows.load_id = telling_loads.load_id
    where
        quarantined_rows.extract_name = '{{ extract_name }}'
        and quarantined_rows.row_key is not null
    group by quarantined_rows.row_key
),
{% endif %}
newly_told_rows as (
    select {{ columns_of(key, 'delivered') }}
    from delivered
    inner join telling_loads
        on delivered._load_id = telling_loads.load_id
    {%- if absence_withdraws %}
    union all
    select {{ columns_of(key, 'delivered') }}
    from delivered
    inner join newly_quarantined_keys
        on {{ row_key_of(key, 'delivered') }} = newly_quarantined_keys.row_key
    {%- endif %}
)
{%- endmacro -%}

{#-
    Whether the journal is refreshed rather than built whole: the views that lead to it then hold
    what its touched events need and no more.
-#}
{%- macro is_journal_refreshed() -%}
    {%- if execute and not flags.FULL_REFRESH -%}
        {%- set schemas = {
            'receivable_movements': 'marts', 'int_applications_unresolved': 'intermediate'
        } -%}
        {%- set there = [] -%}
        {%- for identifier, schema in schemas.items() -%}
            {%- set relation = adapter.get_relation(this.database, schema, identifier) -%}
            {%- if relation is not none and relation.is_table -%}
                {%- do there.append(identifier) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do return(there | length == schemas | length) -%}
    {%- endif -%}
    {%- do return(false) -%}
{%- endmacro -%}
