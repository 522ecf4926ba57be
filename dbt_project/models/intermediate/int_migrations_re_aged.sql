-- Grain: one row per company, segment, region, team, month, due date and bucket set with items
-- whose due date was moved to a later day in the month, and that would otherwise be in a worse
-- bucket at its end. Marts take the due date that is known now as the one that always was, so that
-- a moved due date makes an item look younger on all days; here it is told apart.
with items as (
    select * from {{ ref('receivable_items') }}
    where
        item_type = 'document'
        and {{ credit_class_of('item_type', 'document_type', 'original_amount_document') }} is null
),

balances as (
    select * from {{ ref('receivables_by_span') }}
    where item_type = 'document' and credit_class_code is null
),

itemized as (
    select * from {{ ref('int_migrations_itemized') }}
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

superseded_items as (
    select * from items
    where not is_current
),

moves as (
    select
        superseded_items.company_code,
        superseded_items.document_id,
        superseded_items.installment_no,
        superseded_items.due_date,
        {{ local_date('items._recorded_at', 'run_parameters.timezone') }} as moved_date
    from superseded_items
    cross join run_parameters
    inner join items
        on
            superseded_items.company_code = items.company_code
            and superseded_items.document_id = items.document_id
            and superseded_items.installment_no = items.installment_no
            and superseded_items._superseded_at = items._recorded_at
    where superseded_items.due_date < items.due_date
),

moved_months as (
    select
        moves.company_code,
        moves.document_id,
        moves.installment_no,
        {{ month_start('moves.moved_date') }} as month_start,
        least({{ month_end('min(moves.moved_date)') }}, run_parameters.as_of_date)
            as measured_to_date,
        min(moves.due_date) as moved_due_date
    from moves
    cross join run_parameters
    where moves.moved_date <= run_parameters.as_of_date
    group by
        moves.company_code,
        moves.document_id,
        moves.installment_no,
        {{ month_start('moves.moved_date') }},
        run_parameters.as_of_date
),

-- What is left at the month's end of what was open when it began.
left_open as (
    select
        moved_months.month_start,
        moved_months.measured_to_date,
        moved_months.moved_due_date,
        balances.company_code,
        balances.customer_id,
        balances.due_date,
        balances.open_amount
        - coalesce(
            itemized.opening_collected_amount
            + itemized.opening_credited_amount
            + itemized.opening_written_off_amount,
            0
        ) as re_aged_amount
    from moved_months
    inner join balances
        on
            moved_months.company_code = balances.company_code
            and moved_months.document_id = balances.document_id
            and moved_months.installment_no = balances.installment_no
            and moved_months.month_start > balances.open_from
            and moved_months.month_start <= balances.open_to
    left join itemized
        on
            moved_months.company_code = itemized.company_code
            and moved_months.document_id = itemized.document_id
            and moved_months.installment_no = itemized.installment_no
            and moved_months.month_start = itemized.month_start
),

final as (
    select
        left_open.company_code,
        customers.segment,
        customers.region,
        customers.team_id,
        left_open.month_start,
        left_open.due_date,
        buckets.bucket_set,
        cast(sum(left_open.re_aged_amount) as decimal(28, 2)) as re_aged_amount
    from left_open
    inner join customers
        on left_open.customer_id = customers.customer_id
    inner join buckets
        on {{ bucket_holds('buckets', 'left_open.due_date', 'left_open.measured_to_date') }}
    inner join buckets as moved_from
        on
            buckets.bucket_set = moved_from.bucket_set
            and {{ bucket_holds(
                'moved_from', 'left_open.moved_due_date', 'left_open.measured_to_date'
            ) }}
    where buckets.aging_bucket_order < moved_from.aging_bucket_order
    group by
        left_open.company_code,
        customers.segment,
        customers.region,
        customers.team_id,
        left_open.month_start,
        left_open.due_date,
        buckets.bucket_set
)

select * from final
