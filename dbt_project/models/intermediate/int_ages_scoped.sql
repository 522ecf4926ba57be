-- Grain: one row per company, scope, month and month of the document: by how much the owed balances
-- of the documents of a month moved in the other, up to the as-of date. Summed up to a month they
-- are what is open at its end. `moved_amount_days` weighs with the days from the first of the
-- document's month to its date. A balance without a rate is left out.
-- A refresh adds what the spans that may count otherwise move now, and takes off what they moved
-- before: spans that changed, that began or ended since, and those of customers who moved.
{%- set keys = [
    'company_code', 'scope_type', 'scope_id', 'month_start', 'document_month_start'
] %}
{{ config(**adds_changes(keys=keys, row_count='move_count')) }}
{%- set item = ['company_code', 'item_type', 'document_id'] %}
{%- set span_columns = [
    'company_code', 'customer_id', 'document_date', 'open_from', 'open_to', 'open_amount'
] %}
{%- set is_counted = 'credit_class_code is null and open_amount is not null' %}
{%- set measures = ['moved_amount', 'moved_amount_days', 'moved_item_count', 'move_count'] %}
{%- set scopes = {
    'company': 'company_code', 'segment': 'segment', 'region': 'region', 'team': 'team_id'
} %}
{%- set customer_columns = ['customer_id', 'segment', 'region', 'team_id'] %}
{%- set states = states_compared() %}
with run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{% if is_refresh() %}
    moved_customers as (
        {{ changed_keys('int_customers_placed', ['customer_id']) }}
    ),

    changed_items as (
        {{ changed_keys('receivables_by_span', item) }}
    ),
{% endif %}

balances_present as (
    select {{ columns_of(span_columns, 'spans') }}
    from {{ ref('receivables_by_span') }} as spans
    cross join run_parameters
    where
        spans.credit_class_code is null
        {%- if is_refresh() %}
            and (
                (
                    spans.open_from > run_parameters.previous_as_of_date
                    and spans.open_from <= run_parameters.as_of_date
                )
                or (
                    spans.open_to > run_parameters.previous_as_of_date
                    and spans.open_to <= run_parameters.as_of_date
                )
                or spans.customer_id in (select moved.customer_id from moved_customers as moved)
                or ({{ columns_of(item, 'spans') }}) in (
                    select {{ columns_of(item, 'changed_items') }} from changed_items
                )
            )
        {%- endif %}
        and spans.open_amount is not null
),

customers_present as (
    select {{ customer_columns | join(', ') }}
    from {{ ref('int_customers_placed') }}
),

{% if is_refresh() %}
    balances_before as (
        {{ rows_before(
            'balances_present',
            'receivables_by_span',
            span_columns,
            is_counted,
            ['credit_class_code']
        ) }}
    ),

    customers_before as (
        {{ rows_before('customers_present', 'int_customers_placed', customer_columns) }}
    ),
{% endif %}

{%- for state, as_of_date in states.items() %}
    {{ balance_moves('_' ~ state, as_of_date) }},

    placed_{{ state }} as (
        select
            moves.company_code,
            coalesce(customers.segment, 'unassigned') as segment,
            coalesce(customers.region, 'unassigned') as region,
            coalesce(customers.team_id, 'unassigned') as team_id,
            moves.month_start,
            moves.document_month_start,
        {%- for measure in measures %}
            {{ '-' if state == 'before' }}sum(moves.{{ measure }}) as {{ measure }}
            {{- ',' if not loop.last }}
        {%- endfor %}
        from moves_{{ state }} as moves
        left join customers_{{ state }} as customers
            on moves.customer_id = customers.customer_id
        group by
            moves.company_code,
            coalesce(customers.segment, 'unassigned'),
            coalesce(customers.region, 'unassigned'),
            coalesce(customers.team_id, 'unassigned'),
            moves.month_start,
            moves.document_month_start
    ),
{% endfor %}

placed as (
    {%- for state in states %}
        select * from placed_{{ state }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

scoped as (
    {%- for scope_type, scope_id in scopes.items() %}
        select
            company_code,
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id,
            month_start,
            document_month_start,
            {{ measures | join(', ') }}
        from placed
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

final as (
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        document_month_start,
        cast(sum(moved_amount) as decimal(28, 2)) as moved_amount,
        cast(sum(moved_amount_days) as decimal(28, 2)) as moved_amount_days,
        cast(sum(moved_item_count) as bigint) as moved_item_count,
        cast(sum(move_count) as bigint) as move_count
    from scoped
    group by company_code, scope_type, scope_id, month_start, document_month_start
)

select * from final
