-- Grain: one row per company, scope (company, segment) and month in which anything was written off.
-- A recovery belongs to the last write-off of its item on or before its day, to the first one where
-- all came later. What was recovered of an item that was never written off is in no row.
with movements as (
    select * from {{ ref('receivable_movements') }}
    where
        is_current
        and movement_type in ('write_off', 'recovery')
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

moved as (
    select
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no,
        movements.customer_id,
        movements.movement_type,
        movements.effective_date,
        -sum(movements.amount) as amount,
        sum(case when movements.amount is null then 1 else 0 end) as missing_count
    from movements
    cross join run_parameters
    where movements.effective_date <= run_parameters.as_of_date
    group by
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no,
        movements.customer_id,
        movements.movement_type,
        movements.effective_date
),

write_offs as (
    select * from moved
    where movement_type = 'write_off'
),

recoveries as (
    select * from moved
    where movement_type = 'recovery'
),

recoveries_dated as (
    select
        recoveries.company_code,
        recoveries.customer_id,
        recoveries.item_type,
        recoveries.document_id,
        recoveries.installment_no,
        recoveries.effective_date,
        recoveries.amount,
        recoveries.missing_count,
        coalesce(
            max(
                case
                    when recoveries.effective_date >= write_offs.effective_date
                        then write_offs.effective_date
                end
            ),
            min(write_offs.effective_date)
        ) as write_off_date
    from recoveries
    inner join write_offs
        on
            recoveries.company_code = write_offs.company_code
            and recoveries.item_type = write_offs.item_type
            and recoveries.document_id = write_offs.document_id
            and recoveries.installment_no = write_offs.installment_no
    group by
        recoveries.company_code,
        recoveries.customer_id,
        recoveries.item_type,
        recoveries.document_id,
        recoveries.installment_no,
        recoveries.effective_date,
        recoveries.amount,
        recoveries.missing_count
),

parts as (
    select
        company_code,
        customer_id,
        {{ month_start('effective_date') }} as write_off_month_start,
        amount as write_off_amount,
        0 as recovered_amount,
        0 as recovered_within_12_months_amount,
        missing_count
    from write_offs
    union all
    select
        company_code,
        customer_id,
        {{ month_start('write_off_date') }} as write_off_month_start,
        0 as write_off_amount,
        amount as recovered_amount,
        case when effective_date <= {{ add_months('write_off_date', 12) }} then amount end
            as recovered_within_12_months_amount,
        missing_count
    from recoveries_dated
),

placed as (
    select
        parts.*,
        coalesce(customers.segment, 'unassigned') as segment
    from parts
    left join customers
        on parts.customer_id = customers.customer_id
),

scoped as (
    select
        *,
        'company' as scope_type,
        company_code as scope_id
    from placed
    union all
    select
        *,
        'segment' as scope_type,
        segment as scope_id
    from placed
),

summed as (
    select
        company_code,
        scope_type,
        scope_id,
        write_off_month_start,
        cast(coalesce(sum(write_off_amount), 0) as decimal(28, 2)) as write_off_amount,
        cast(coalesce(sum(recovered_amount), 0) as decimal(28, 2)) as recovered_amount,
        cast(coalesce(sum(recovered_within_12_months_amount), 0) as decimal(28, 2))
            as recovered_within_12_months_amount,
        sum(missing_count) as missing_count
    from scoped
    group by company_code, scope_type, scope_id, write_off_month_start
),

dated as (
    select
        summed.*,
        run_parameters.as_of_date,
        {{ add_months(month_end('summed.write_off_month_start'), 12) }}
        <= run_parameters.as_of_date as is_closed_after_12_months
    from summed
    cross join run_parameters
),

rated as (
    select
        *,
        recovered_amount as recovery_of_written_off_rate_numerator,
        write_off_amount as recovery_of_written_off_rate_denominator,
        case when is_closed_after_12_months then recovered_within_12_months_amount end
            as recovery_of_written_off_within_12_months_rate_numerator,
        case when is_closed_after_12_months then write_off_amount end
            as recovery_of_written_off_within_12_months_rate_denominator
    from dated
),

final as (
    select
        as_of_date,
        company_code,
        scope_type,
        scope_id,
        write_off_month_start,
        cast(write_off_amount as decimal(18, 2)) as write_off_amount,
        cast(recovered_amount as decimal(18, 2)) as recovery_of_written_off_amount,
        case when missing_count > 0 then 'missing' else 'ok' end as rate_status,
        {{ measure_columns('recovery_of_written_off_rate') }},
        {{ measure_columns(
            'recovery_of_written_off_within_12_months_rate', missing="'insufficient_history'"
        ) }}
    from rated
)

select * from final
