-- Grain: one row per company, segment, region, team, month and month in which the item falls due.
-- What happened in the month, of movements effective by the as-of date. Only items that are owed
-- have a due month, and only one that has come by the as-of date.
-- A refresh adds what the documents that may count otherwise give now, and takes off what they gave
-- before: documents of which anything changed, took effect or fell due since, and those of
-- customers who moved.
{%- set keys = [
    'company_code', 'segment', 'region', 'team_id', 'month_start', 'due_month_start'
] %}
{{ config(**adds_changes(keys=keys, row_count='flow_count')) }}
{%- set item_key = ['company_code', 'item_type', 'document_id', 'installment_no'] %}
{%- set columns_read = {
    'receivable_movements': item_key + [
        'customer_id', 'movement_type', 'effective_date', 'amount'
    ],
    'receivable_items': item_key + ['document_type', 'due_date', 'original_amount_document'],
    'cash_applications': [
        'company_code', 'document_id', 'installment_no', 'customer_id', 'effective_date',
        'due_date', 'days_from_document_date', 'days_from_due_date', 'amount', 'is_reversed_cash'
    ],
    'int_customers_placed': ['customer_id', 'segment', 'region', 'team_id'],
} %}
{%- set conditions = {
    'receivable_movements': 'is_current and movement_type in ' ~ booked_types(),
    'receivable_items': 'is_current',
    'cash_applications': 'true',
    'int_customers_placed': 'true',
} %}
{%- set condition_columns = {
    'receivable_movements': ['is_current'],
    'receivable_items': ['is_current'],
} %}
{%- set counts = ['unconverted_movement_count', 'flow_count'] %}
{%- set measures_of = {
    'booked': [
        'credit_sales_amount', 'billed_amount', 'write_off_amount',
        'recovery_of_written_off_amount'
    ],
    'collected': [
        'cash_applied_amount', 'cash_reversed_amount', 'cash_days_from_document_date',
        'cash_days_from_due_date', 'cash_within_0_days_amount', 'cash_within_30_days_amount',
        'cash_within_60_days_amount', 'cash_within_90_days_amount'
    ],
} %}
{%- set measures = measures_of['booked'] + measures_of['collected'] %}
{%- set states = states_compared() %}
with run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{% if is_refresh() %}
    moved_customers as (
        {{ changed_keys('int_customers_placed', ['customer_id']) }}
    ),

    touched_documents as (
        {%- for model in ['receivable_movements', 'receivable_items', 'cash_applications'] %}
            select
                company_code,
                document_id
            from ({{ changed_rows(model, ['company_code', 'document_id']) }}) as changes
            union
        {%- endfor %}
        {%- for model in ['receivable_movements', 'cash_applications'] %}
            select
                moved.company_code,
                moved.document_id
            from {{ ref(model) }} as moved
            inner join moved_customers
                on moved.customer_id = moved_customers.customer_id
            union
        {%- endfor %}
        {%- for model, date_come in {
            'receivable_movements': 'effective_date',
            'receivable_items': 'due_date',
            'cash_applications': 'effective_date',
        }.items() %}
            select
                come.company_code,
                come.document_id
            from {{ ref(model) }} as come
            inner join run_parameters
                on
                    come.{{ date_come }} > run_parameters.previous_as_of_date
                    and come.{{ date_come }} <= run_parameters.as_of_date
            {%- if not loop.last %}
                union
            {%- endif %}
        {%- endfor %}
    ),
{% endif %}

{%- for model, columns in columns_read.items() %}
    {{ model }}_present as (
        select {{ columns | join(', ') }}
        from {{ ref(model) }}
        where
            {{ conditions[model] }}
            {%- if is_refresh() and 'document_id' in columns %}
                and (company_code, document_id) in (
                    select
                        touched.company_code,
                        touched.document_id
                    from touched_documents as touched
                )
            {%- endif %}
    ),

    {% if is_refresh() %}
        {{ model }}_before as (
            {{ rows_before(
                model ~ '_present',
                model,
                columns,
                conditions[model],
                condition_columns.get(model, [])
            ) }}
        ),
    {% endif %}
{%- endfor %}

{%- for state, as_of_date in states.items() %}
    item_dues_{{ state }} as (
        select
            {{ columns_of(item_key, 'items') }},
            {{ due_month_of('items', 'run_parameters.' ~ as_of_date) }} as due_month_start
        from receivable_items_{{ state }} as items
        cross join run_parameters
    ),

    booked_{{ state }} as (
        select
            movements.company_code,
            movements.customer_id,
            {{ month_start('movements.effective_date') }} as month_start,
            item_dues.due_month_start,
            {{ booked_sums('movements') }},
            count(*) as flow_count
        from receivable_movements_{{ state }} as movements
        cross join run_parameters
        left join item_dues_{{ state }} as item_dues
            on {{ equal_columns(item_key, 'movements', 'item_dues') }}
        where movements.effective_date <= run_parameters.{{ as_of_date }}
        group by
            movements.company_code,
            movements.customer_id,
            {{ month_start('movements.effective_date') }},
            item_dues.due_month_start
    ),

    collected_{{ state }} as (
        select
            cash.company_code,
            cash.customer_id,
            {{ month_start('cash.effective_date') }} as month_start,
            item_dues.due_month_start,
            {{ collected_sums('cash') }},
            count(*) as flow_count
        from cash_applications_{{ state }} as cash
        cross join run_parameters
        inner join item_dues_{{ state }} as item_dues
            on
                cash.company_code = item_dues.company_code
                and item_dues.item_type = 'document'
                and cash.document_id = item_dues.document_id
                and cash.installment_no = item_dues.installment_no
        where cash.effective_date <= run_parameters.{{ as_of_date }}
        group by
            cash.company_code,
            cash.customer_id,
            {{ month_start('cash.effective_date') }},
            item_dues.due_month_start
    ),

    flows_{{ state }} as (
        {%- for part, own_measures in measures_of.items() %}
            select
                company_code,
                customer_id,
                month_start,
                due_month_start,
                {{ counts | join(', ') }},
            {%- for measure in measures %}
                {{ measure if measure in own_measures else 'null as ' ~ measure }}
                {{- ',' if not loop.last }}
            {%- endfor %}
            from {{ part }}_{{ state }}
            {%- if not loop.last %}
                union all
            {%- endif %}
        {%- endfor %}
    ),

    placed_{{ state }} as (
        select
            flows.company_code,
            coalesce(customers.segment, 'unassigned') as segment,
            coalesce(customers.region, 'unassigned') as region,
            coalesce(customers.team_id, 'unassigned') as team_id,
            flows.month_start,
            flows.due_month_start,
        {%- for measure in counts + measures %}
            {%- set flow = 'flows.' ~ measure %}
            {{ '-' ~ flow ~ ' as ' ~ measure if state == 'before' else flow }}
            {{- ',' if not loop.last }}
        {%- endfor %}
        from flows_{{ state }} as flows
        left join int_customers_placed_{{ state }} as customers
            on flows.customer_id = customers.customer_id
    ),
{% endfor %}

all_placed as (
    {%- for state in states %}
        select * from placed_{{ state }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

final as (
    select
        {{ keys | join(', ') }},
        cast(sum(unconverted_movement_count) as integer) as unconverted_movement_count,
        cast(sum(flow_count) as bigint) as flow_count,
    {%- for measure in measures %}
        cast(coalesce(sum({{ measure }}), 0) as decimal(28, 2)) as {{ measure }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from all_placed
    group by {{ keys | join(', ') }}
)

select * from final
