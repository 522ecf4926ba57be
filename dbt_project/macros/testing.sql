-- noqa: disable=LT02
{#-
    For tests: the keys that stand in more than one row of a model, as a query of `count(*)`. After
    a refresh only the keys of added rows are looked for: the others were tested when they came. A
    model that replaces rows by the same key has compared them with its other rows already.
    Rows are counted by one number per key first, which costs a fifth of counting by the key.
-#}
{%- macro repeated_keys(model_name, key) -%}
    {%- set rows_looked_at = rows_with_added_keys(model_name, key) -%}
    select
        '{{ model_name }}: key' as violation,
        count(*) as row_count
    from {{ rows_looked_at }} as repeated
    where
        {{ number_of(key) }} in (
            select {{ number_of(key) }} as key_number
            from {{ rows_looked_at }} as counted
            group by {{ number_of(key) }}
            having count(*) > 1
        )
    group by {{ key | join(', ') }}
    having count(*) > 1
{%- endmacro -%}

{#- A model, or, when it was refreshed, its rows that have the key of an added row. -#}
{%- macro rows_with_added_keys(model_name, key) -%}
    {%- set model_relation = ref(model_name) -%}
    {%- if was_refreshed(model_name) -%}
        (
            {%- if row_key_of_refreshed(model_name) == key %}
            select * from {{ changes_of(model_name) }}
            where _change = 'added'
            {%- else %}
            select present.*
            from {{ model_relation }} as present
            where exists (
                select 1
                from {{ changes_of(model_name) }} as changes
                where
                    changes._change = 'added'
                    and {{ equal_columns(key, 'changes', 'present') }}
            )
            {%- endif %}
        )
    {%- else -%}
        {{ model_relation }}
    {%- endif -%}
{%- endmacro -%}

{#- The key that a model keeps unique when it replaces rows, none when it does not look. -#}
{%- macro row_key_of_refreshed(model_name) -%}
    {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ model_name) -%}
    {%- do return(node.config.meta.get('row_key') if node else none) -%}
{%- endmacro -%}

{#- Whether this build changed rows of the model instead of building it whole. -#}
{%- macro was_refreshed(model_name) -%}
    {%- set changes = changes_of(model_name) -%}
    {%- do return(
        execute
        and adapter.get_relation(
            changes.database, changes.schema, changes.identifier
        ) is not none
    ) -%}
{%- endmacro -%}

{#-
    A condition on rows of `alias`: after a refresh their key is that of a row that it removed or
    added. The others were tested when they came.
-#}
{%- macro changed_only(alias, model_name, keys) -%}
    {%- if was_refreshed(model_name) -%}
        ({{ columns_of(keys, alias) }}) in (
            select {{ columns_of(keys, 'changes') }}
            from {{ changes_of(model_name) }} as changes
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro -%}

{#- One number for several columns: equal for equal values, and rarely for others. -#}
{%- macro number_of(columns) -%}
    {{ adapter.dispatch('number_of', 'collections')(columns) }}
{%- endmacro -%}

{%- macro default__number_of(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro -%}

{%- macro spark__number_of(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro -%}

{#-
    A condition: after a refresh, the value is one of some hundred among the balances that it
    changed. They stand as literals, so that a view or a macro is cut before it adds up.
-#}
{%- macro is_looked_at(column) -%}
    {%- if was_refreshed('receivables_by_span') -%}
        {%- set values = value_of(
            "select coalesce(string_agg('''' || replace(" ~ column ~ ", '''', '''''') || '''', ', '), 'null')"
            ~ " from (select " ~ column ~ " from " ~ changes_of('receivables_by_span')
            ~ " group by " ~ column ~ " order by hash(" ~ column ~ ") limit 300) as changed"
        ) -%}
        {{ column }} in ({{ values }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro -%}

{#-
    The end of a test that names what it found in the error with which it stops: dbt tells of rows
    only how many they were.
-#}
{%- macro stop_at_faults(faults, told) -%}
    {{ return(adapter.dispatch('stop_at_faults', 'collections')(faults, told)) }}
{%- endmacro -%}

{%- macro default__stop_at_faults(faults, told) -%}
select count(*) as fault_count
from {{ faults }}
having
    case
        when count(*) > 0 then error(string_agg({{ told }}, '; ' order by {{ told }})) is null
        else false
    end
{%- endmacro -%}

{%- macro spark__stop_at_faults(faults, told) -%}
select count(*) as fault_count
from {{ faults }}
having
    case
        when count(*) > 0
            then raise_error(array_join(array_sort(collect_list({{ told }})), '; ')) is null
        else false
    end
{%- endmacro -%}
