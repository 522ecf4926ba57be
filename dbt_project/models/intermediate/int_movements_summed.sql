-- Grain: one row per company, segment, region, team, month and month in which the item falls due.
-- What happened in the month, of movements effective by the as-of date. Only items that are owed
-- have a due month, and only one that has come by the as-of date.
with movements as (
    select * from {{ ref('receivable_movements') }}
    where is_current
),

items as (
    select * from {{ ref('receivable_items') }}
    where is_current
),

cash as (
    select * from {{ ref('int_cash_dated') }}
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

item_dues as (
    select
        items.company_code,
        items.item_type,
        items.document_id,
        items.installment_no,
        items.document_date,
        items.due_date,
        {{ due_month_of('items', 'run_parameters.as_of_date') }} as due_month_start
    from items
    cross join run_parameters
),

booked as (
    select
        movements.company_code,
        movements.customer_id,
        {{ month_start('movements.effective_date') }} as month_start,
        item_dues.due_month_start,
        {{ booked_sums('movements') }}
    from movements
    cross join run_parameters
    left join item_dues
        on
            movements.company_code = item_dues.company_code
            and movements.item_type = item_dues.item_type
            and movements.document_id = item_dues.document_id
            and movements.installment_no = item_dues.installment_no
    where
        movements.effective_date <= run_parameters.as_of_date
        and movements.movement_type in {{ booked_types() }}
    group by
        movements.company_code,
        movements.customer_id,
        {{ month_start('movements.effective_date') }},
        item_dues.due_month_start
),

collected as (
    select
        cash.company_code,
        cash.customer_id,
        {{ month_start('cash.effective_date') }} as month_start,
        item_dues.due_month_start,
        {{ collected_sums('cash') }}
    from cash
    inner join item_dues
        on
            cash.company_code = item_dues.company_code
            and item_dues.item_type = 'document'
            and cash.document_id = item_dues.document_id
            and cash.installment_no = item_dues.installment_no
    group by
        cash.company_code,
        cash.customer_id,
        {{ month_start('cash.effective_date') }},
        item_dues.due_month_start
),

{%- set measures = [
    'credit_sales_amount', 'billed_amount', 'write_off_amount', 'recovery_of_written_off_amount',
    'cash_applied_amount', 'cash_reversed_amount', 'cash_days_from_document_date',
    'cash_days_from_due_date', 'cash_within_0_days_amount', 'cash_within_30_days_amount',
    'cash_within_60_days_amount', 'cash_within_90_days_amount'
] %}

flows as (
    select
        company_code,
        customer_id,
        month_start,
        due_month_start,
        unconverted_movement_count,
    {%- for measure in measures %}
        {{ measure if loop.index <= 4 else 'null as ' ~ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
    from booked
    union all
    select
        company_code,
        customer_id,
        month_start,
        due_month_start,
        unconverted_movement_count,
    {%- for measure in measures %}
        {{ measure if loop.index > 4 else 'null as ' ~ measure }}{{ ',' if not loop.last }}
    {%- endfor %}
    from collected
),

final as (
    select
        flows.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        coalesce(customers.team_id, 'unassigned') as team_id,
        flows.month_start,
        flows.due_month_start,
        cast(sum(flows.unconverted_movement_count) as integer) as unconverted_movement_count,
    {%- for measure in measures %}
        cast(coalesce(sum(flows.{{ measure }}), 0) as decimal(28, 2)) as {{ measure }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from flows
    left join customers
        on flows.customer_id = customers.customer_id
    group by
        flows.company_code,
        coalesce(customers.segment, 'unassigned'),
        coalesce(customers.region, 'unassigned'),
        coalesce(customers.team_id, 'unassigned'),
        flows.month_start,
        flows.due_month_start
)

select * from final
