-- noqa: disable=LT02
{#-
    How big models follow change: a refresh computes the rows of the keys that may have changed,
    and replaces those that did. What a model touches is said by a touched model, `int_*_touched`:
    one row per key that may have changed, too many rather than too few. What really changed is
    kept beside the model, in `intermediate.changes_of_<model>`, for the models and the publication
    that follow.
-#}

{#-
    The configuration of a model that replaces touched rows: `by` is its touched model, `keys` the
    columns by which rows are touched (the same names in both).
-#}
{%- macro replaces_touched(by, keys) -%}
    {%- do ref(by) -%}
    {%- do return({
        'materialized': 'incremental',
        'incremental_strategy': 'replace_touched',
        'on_schema_change': 'fail',
        'meta': {'touched_by': by, 'touched_keys': keys},
        'pre_hook': '{{ forget_changes() }}'
    }) -%}
{%- endmacro -%}

{#- Whether the model keeps the rows that are there, but for the touched ones. -#}
{%- macro is_refresh() -%}
    {%- do return(is_incremental()) -%}
{%- endmacro -%}

{#-
    A condition on rows of `alias`: their key is touched. `columns` gives the expressions of keys
    that have another name there. Every row is touched when the model is built whole.
-#}
{%- macro touched_only(alias, by, keys, columns={}) -%}
    {%- set touched = ref(by) -%}
    {%- if is_refresh() -%}
        {%- set expressions = [] -%}
        {%- for key in keys -%}
            {%- do expressions.append(columns.get(key, alias ~ '.' ~ key)) -%}
        {%- endfor -%}
        ({{ expressions | join(', ') }}) in (
            select {{ columns_of(keys, 'touched') }}
            from {{ touched }} as touched
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro -%}

{#- The relation that holds what the last refresh changed in a model. -#}
{%- macro changes_of(model_name) -%}
    {%- do return(changes_beside(ref(model_name))) -%}
{%- endmacro -%}

{#- The same, of a relation that is at hand. -#}
{%- macro changes_beside(changed) -%}
    {%- do return(api.Relation.create(
        database=changed.database,
        schema='intermediate',
        identifier='changes_of_' ~ changed.identifier,
        type='table'
    )) -%}
{%- endmacro -%}

{#-
    The rows that this run removed from a model or added to it, as a query of the columns and
    `_change` (`removed`, `added`): none when the model was built whole, because then whatever
    follows it is built whole as well.
-#}
{%- macro changed_rows(model_name, columns) -%}
    {%- set model_relation = ref(model_name) -%}
    {%- set changes = changes_of(model_name) -%}
    {%- if execute and adapter.get_relation(
        changes.database, changes.schema, changes.identifier
    ) is not none -%}
        select {{ columns | join(', ') }}, _change from {{ changes }}
    {%- else -%}
        select {{ columns | join(', ') }}, cast(null as varchar) as _change
        from {{ model_relation }}
        where false
    {%- endif -%}
{%- endmacro -%}

{#- Before a model is built whole: what changed in the table before means nothing any more. -#}
{%- macro forget_changes() -%}
    {%- if not is_refresh() -%}
        {%- do adapter.drop_relation(changes_beside(this)) -%}
    {%- endif -%}
{%- endmacro -%}

{#- The statements of the strategy `replace_touched`. -#}
{%- macro get_incremental_replace_touched_sql(arguments) -%}
    {%- do adapter.cache_added(changes_beside(this)) -%}
    {%- do return(adapter.dispatch('replace_touched_sql', 'collections')(
        target_relation=arguments['target_relation'],
        present=arguments['temp_relation'],
        columns=arguments['dest_columns'] | map(attribute='quoted') | list,
        touched=ref(config.get('meta')['touched_by']),
        keys=config.get('meta')['touched_keys'],
        changes=changes_beside(this)
    )) -%}
{%- endmacro -%}

{%- macro default__replace_touched_sql(
    target_relation, present, columns, touched, keys, changes
) -%}
    {%- set past = this.identifier ~ '__past' -%}
    {%- set column_list = columns | join(', ') -%}
    create or replace temporary table {{ past }} as
    select
        past.rowid as _past_row,
        {{ columns_of(columns, 'past') }}
    from {{ target_relation }} as past
    where exists (
        select 1
        from {{ touched }} as touched
        where {{ equal_columns(keys, 'touched', 'past') }}
    );

    create or replace table {{ changes }} as
    with removed as (
        select {{ column_list }} from {{ past }}
        except
        select {{ column_list }} from {{ present }}
    ),

    added as (
        select {{ column_list }} from {{ present }}
        except
        select {{ column_list }} from {{ past }}
    )

    select *, 'removed' as _change from removed
    union all
    select *, 'added' as _change from added;

    delete from {{ target_relation }}
    where rowid in (
        select past._past_row
        from {{ past }} as past
        inner join {{ changes }} as changes
            on
                changes._change = 'removed'
                {%- for column in columns %}
                    and past.{{ column }} is not distinct from changes.{{ column }}
                {%- endfor %}
    );

    insert into {{ target_relation }} ({{ column_list }})
    select {{ column_list }} from {{ changes }}
    where _change = 'added';

    drop table {{ past }};
{%- endmacro -%}

{#- An engine whose tables cannot be changed row by row builds them whole. -#}
{%- macro spark__replace_touched_sql(
    target_relation, present, columns, touched, keys, changes
) -%}
    {%- do exceptions.raise_compiler_error(
        'Models are built whole on Spark: run dbt with --full-refresh.'
    ) -%}
{%- endmacro -%}
