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

-- Versions by the days on which they were known, of items that have several.
versions as (
    select
        items.company_code,
        items.document_id,
        items.installment_no,
        items.due_date,
        items.is_current,
        run_parameters.as_of_date,
        {{ local_date('items._recorded_at', 'run_parameters.timezone') }} as known_from,
        {{ local_date('items._superseded_at', 'run_parameters.timezone') }} as known_until
    from items
    cross join run_parameters
    where
        (items.company_code, items.document_id, items.installment_no) in (
            select
                superseded.company_code,
                superseded.document_id,
                superseded.installment_no
            from items as superseded
            where not superseded.is_current
        )
),

restated_months as (
    select
        company_code,
        document_id,
        installment_no,
        {{ month_start('known_until') }} as month_start,
        least({{ month_end('known_until') }}, as_of_date) as measured_to_date
    from versions
    where
        not is_current
        and {{ month_start('known_until') }} <= as_of_date
    group by
        company_code,
        document_id,
        installment_no,
        {{ month_start('known_until') }},
        least({{ month_end('known_until') }}, as_of_date)
),

moved_months as (
    select
        restated_months.company_code,
        restated_months.document_id,
        restated_months.installment_no,
        restated_months.month_start,
        restated_months.measured_to_date,
        past_versions.due_date as moved_due_date
    from restated_months
    inner join versions as past_versions
        on
            restated_months.company_code = past_versions.company_code
            and restated_months.document_id = past_versions.document_id
            and restated_months.installment_no = past_versions.installment_no
            and restated_months.month_start > past_versions.known_from
            and restated_months.month_start <= past_versions.known_until
    inner join versions as later_versions
        on
            restated_months.company_code = later_versions.company_code
            and restated_months.document_id = later_versions.document_id
            and restated_months.installment_no = later_versions.installment_no
            and restated_months.measured_to_date >= later_versions.known_from
            and restated_months.measured_to_date < later_versions.known_until
    where past_versions.due_date < later_versions.due_date
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
