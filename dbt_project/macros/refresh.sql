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
    columns by which rows are touched (the same names in both). `row_key` is the key of its rows,
    which holds those columns: a refresh that would repeat one fails before it changes a row.
-#}
{%- macro replaces_touched(by, keys, row_key=none) -%}
    {%- if by -%}
        {%- do ref(by) -%}
    {%- endif -%}
    {%- do return({
        'materialized': 'incremental',
        'incremental_strategy': 'replace_touched',
        'on_schema_change': 'fail',
        'meta': {'touched_by': by, 'touched_keys': keys, 'row_key': row_key},
        'pre_hook': '{{ forget_changes() }}'
    }) -%}
{%- endmacro -%}

{#-
    The configuration of a small model that is built whole and compared with what was there, so that
    the models that follow know what changed in it.
-#}
{%- macro keeps_changes() -%}
    {%- do return(replaces_touched(by=none, keys=[])) -%}
{%- endmacro -%}

{#-
    The configuration of a model of sums that a refresh adds to: then its SQL gives, by the same
    `keys` and columns, what the sums are more than they were, below zero where they are less.
    `row_count` is the column that counts what was added up: a sum of nothing is no row.
-#}
{%- macro adds_changes(keys, row_count) -%}
    {%- do return({
        'materialized': 'incremental',
        'incremental_strategy': 'add_changes',
        'on_schema_change': 'fail',
        'meta': {'keys': keys, 'row_count': row_count}
    }) -%}
{%- endmacro -%}

{#-
    The states of which a model of such sums takes the difference: what is now and, on a refresh,
    what was before. Each with the column of `run_parameters` that says up to which day it counts.
-#}
{%- macro states_compared() -%}
    {%- set states = {'present': 'as_of_date'} -%}
    {%- if is_refresh() -%}
        {%- do states.update({'before': 'previous_as_of_date'}) -%}
    {%- endif -%}
    {%- do return(states) -%}
{%- endmacro -%}

{#-
    The rows of a model as the build before had them, of those among `present` rows that may have
    changed: the added ones are taken away, the removed ones stand in again. `present` is a CTE with
    these columns; `condition` cuts the removed and added rows as `present` is cut, and may need
    `other_columns`.
-#}
{%- macro rows_before(present, model_name, columns, condition='true', other_columns=[]) -%}
    select {{ columns | join(', ') }} from {{ present }}
    except all
    select {{ columns | join(', ') }}
    from ({{ changed_rows(model_name, columns + other_columns) }}) as changes
    where
        _change = 'added'
        and {{ condition }}
    union all
    select {{ columns | join(', ') }}
    from ({{ changed_rows(model_name, columns + other_columns) }}) as changes
    where
        _change = 'removed'
        and {{ condition }}
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

{#- The keys of those rows, each once. -#}
{%- macro changed_keys(model_name, keys) -%}
    select {{ keys | join(', ') }}
    from ({{ changed_rows(model_name, keys) }}) as changes
    group by {{ keys | join(', ') }}
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
        columns=arguments['dest_columns'],
        touched=ref(config.get('meta')['touched_by']) if config.get('meta')['touched_by'] else none,
        keys=config.get('meta')['touched_keys'],
        row_key=config.get('meta')['row_key'],
        changes=changes_beside(this)
    )) -%}
{%- endmacro -%}

{%- macro default__replace_touched_sql(
    target_relation, present, columns, touched, keys, row_key, changes
) -%}
    {%- set past = this.identifier ~ '__past' -%}
    {%- set column_list = columns | join(', ') -%}
    {%- if row_key %}
    -- The rows that stay have other touched keys. So no key repeats in the table when none repeats
    -- here, and every row here is of a touched key.
    with repeated as (
        select 1 as one
        from {{ present }}
        group by {{ row_key | join(', ') }}
        having count(*) > 1
    ),

    untouched as (
        select 1 as one
        from {{ present }} as present
        where
            not exists (
                select 1
                from {{ touched }} as touched
                where {{ equal_columns(keys, 'touched', 'present') }}
            )
    ),

    refused as (
        select * from repeated
        union all
        select * from untouched
    )

    select
        case
            when count(*) > 0
                then error(
                    '{{ this.identifier }}: ' || cast(count(*) as varchar)
                    || ' rows of a refresh repeat a key or are of no touched key'
                )
        end
    from refused;

    {%- endif %}
    create or replace temporary table {{ past }} as
    select
        past.rowid as _past_row,
        {{ columns_of(columns, 'past') }}
    from {{ target_relation }} as past
    {%- if touched %}
    where exists (
        select 1
        from {{ touched }} as touched
        where {{ equal_columns(keys, 'touched', 'past') }}
    )
    {%- endif %};

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
    target_relation, present, columns, touched, keys, row_key, changes
) -%}
    {%- do exceptions.raise_compiler_error(
        'Models are built whole on Spark: run dbt with --full-refresh.'
    ) -%}
{%- endmacro -%}

{#- The statements of the strategy `add_changes`. -#}
{%- macro get_incremental_add_changes_sql(arguments) -%}
    {%- do return(adapter.dispatch('add_changes_sql', 'collections')(
        target_relation=arguments['target_relation'],
        more=arguments['temp_relation'],
        columns=arguments['dest_columns'],
        keys=config.get('meta')['keys'],
        row_count=config.get('meta')['row_count']
    )) -%}
{%- endmacro -%}

{%- macro default__add_changes_sql(target_relation, more, columns, keys, row_count) -%}
    {%- set sums = this.identifier ~ '__sums' -%}
    {%- set same_keys -%}
        {%- for key in keys -%}
            past.{{ key }} is not distinct from more.{{ key }}{{ ' and ' if not loop.last }}
        {%- endfor -%}
    {%- endset -%}
    create or replace temporary table {{ sums }} as
    with added_up as (
        select {{ columns_of(columns, 'past') }}
        from {{ target_relation }} as past
        where exists (select 1 from {{ more }} as more where {{ same_keys }})
        union all
        select {{ columns | join(', ') }} from {{ more }}
    )

    select
        {%- for column in columns %}
            {{ column if column in keys else 'sum(' ~ column ~ ') as ' ~ column }}
            {{- ',' if not loop.last }}
        {%- endfor %}
    from added_up
    group by {{ keys | join(', ') }}
    having sum({{ row_count }}) <> 0;

    delete from {{ target_relation }} as past
    where exists (select 1 from {{ more }} as more where {{ same_keys }});

    insert into {{ target_relation }} ({{ columns | join(', ') }})
    select {{ columns | join(', ') }} from {{ sums }};

    drop table {{ sums }};
{%- endmacro -%}

{%- macro spark__add_changes_sql(target_relation, more, columns, keys, row_count) -%}
    {%- do exceptions.raise_compiler_error(
        'Models are built whole on Spark: run dbt with --full-refresh.'
    ) -%}
{%- endmacro -%}
