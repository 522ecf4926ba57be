-- noqa: disable=LT02
{#-
    How dbt puts down what a model gives, where its own way costs more statements than the work
    needs. On an engine other than DuckDB its own way is taken.
-#}

{#-
    A table, replaced at once: DuckDB does in one statement what dbt does by building under another
    name, renaming twice and dropping. Readers of the transaction before see the old table.
-#}
{% materialization table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- call statement('main') -%}
        {{ replace_table_sql(target_relation, compiled_code) }}
    {%- endcall -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#-
    A table that a refresh continues, by the strategies of `refresh.sql`: what the model gives now
    stands beside it until the strategy has taken from it what it needs.
-#}
{% materialization incremental, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {{ run_hooks(pre_hooks) }}
    {%- if is_incremental() -%}
        {%- set present = this.identifier ~ '__present' -%}
        {%- call statement('present') -%}
            create or replace temporary table {{ present }} as ({{ compiled_code }});
        {%- endcall -%}
        {%- set strategy_sql = adapter.get_incremental_strategy_macro(
            context, config.get('incremental_strategy')
        ) -%}
        {%- call statement('main') -%}
            {{ strategy_sql({
                'target_relation': target_relation,
                'temp_relation': present,
                'dest_columns': columns_continued(target_relation, present)
            }) }}
            drop table {{ present }};
        {%- endcall -%}
    {%- else -%}
        {%- call statement('main') -%}
            {{ replace_table_sql(target_relation, compiled_code) }}
        {%- endcall -%}
    {%- endif -%}
    {%- do persist_docs(target_relation, model) -%}
    {{ run_hooks(post_hooks) }}
    {{ adapter.commit() }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#- The columns of a table and of what is to continue it, which must be the same. -#}
{%- macro columns_continued(target_relation, present) -%}
    {%- set columns_query -%}
        with continued as (
            select * from duckdb_columns()
            where
                database_name = '{{ target_relation.database }}'
                and schema_name = '{{ target_relation.schema }}'
                and table_name = '{{ target_relation.identifier }}'
        ),

        given as (
            select * from duckdb_columns()
            where
                database_name = 'temp'
                and table_name = '{{ present }}'
        )

        select
            column_name,
            continued.data_type = given.data_type as is_same
        from continued
        full join given using (column_name)
        order by continued.column_index
    {%- endset -%}
    {%- set columns = run_query(columns_query) -%}
    {%- for column in columns if not column['is_same'] -%}
        {%- do exceptions.raise_compiler_error(
            this.identifier ~ ': column ' ~ column['column_name']
            ~ ' is not what it was: build the model with --full-refresh.'
        ) -%}
    {%- endfor -%}
    {%- do return(columns.columns['column_name'].values() | list) -%}
{%- endmacro -%}

{#- The statements that make or replace a table, held to its contract where it has one. -#}
{%- macro replace_table_sql(relation, query) -%}
    {%- set existing_relation = load_cached_relation(relation) -%}
    {%- if existing_relation is not none and not existing_relation.is_table -%}
        {%- do adapter.drop_relation(existing_relation) -%}
    {%- endif -%}
    {%- if config.get('contract').enforced -%}
        {{ get_assert_columns_equivalent(query) }}
        create or replace table {{ relation }} {{ get_table_columns_and_constraints() }};
        insert into {{ relation }} {{ get_column_names() }} (
            {{ get_select_subquery(query) }}
        );
    {%- else -%}
        create or replace table {{ relation }} as (
            {{ query }}
        );
    {%- endif -%}
{%- endmacro -%}

{#-
    The comments of a model and of its columns, in one statement. They stay on a table that a refresh
    continues; and a contract says that the model has the columns that are described.
-#}
{%- macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- if config.persist_column_docs() and not is_incremental() -%}
        {%- set comments -%}
            comment on {{ relation.type }} {{ relation }}
            is {{ duckdb_escape_comment(model.description) }};
            {%- for name, column in model.columns.items() %}
                comment on column {{ relation }}.{{ name }}
                is {{ duckdb_escape_comment(column.description) }};
            {%- endfor %}
        {%- endset -%}
        {%- do run_query(comments) -%}
    {%- endif -%}
{%- endmacro -%}

{#-
    Before the query of a big table that is named more than once. An engine that keeps what is named
    would copy all of it; read each time, only the rows and columns asked for are touched. Not where
    little is left out: reading is then dearer than the copy.
-#}
{%- macro read_each_time() -%}
    {{ return(adapter.dispatch('read_each_time', 'collections')()) }}
{%- endmacro -%}

{%- macro default__read_each_time() -%}
    not materialized
{%- endmacro -%}

{%- macro spark__read_each_time() -%}
{%- endmacro -%}
