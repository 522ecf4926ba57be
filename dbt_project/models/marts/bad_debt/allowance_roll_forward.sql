-- Grain: one row per month, company, allowance method and segment.
-- What the method asks for is the closing balance; the charge is what it takes to get there from
-- what write-offs used and recoveries gave back. A negative charge is a release. Where the method
-- lacks a loss rate at either end of the month, the allowance and its charge cannot be had.
with allowances_required as (
    select * from {{ ref('int_allowances_required') }}
    where knowledge = 'now'
),

receivables as (
    select * from {{ ref('int_receivables_scoped') }}
    where scope_type = 'segment'
),

flows as (
    select
        company_code,
        scope_id as segment,
        month_start,
        sum(write_off_amount) as write_off_amount,
        sum(recovery_of_written_off_amount) as recovery_of_written_off_amount,
        sum(unconverted_movement_count) as unconverted_movement_count
    from receivables
    group by company_code, scope_id, month_start
),

closings as (
    select
        as_of_date,
        period_start,
        period_end,
        measured_to_date,
        is_complete,
        company_code,
        allowance_method,
        is_booked,
        segment,
        case
            when count(required_allowance_amount) = count(*) then sum(required_allowance_amount)
        end as closing_allowance_amount,
        sum(case when rate_status = 'missing' then 1 else 0 end) as missing_count
    from allowances_required
    group by
        as_of_date,
        period_start,
        period_end,
        measured_to_date,
        is_complete,
        company_code,
        allowance_method,
        is_booked,
        segment
),

opened as (
    select
        *,
        lag(closing_allowance_amount, 1, 0) over (
            partition by company_code, allowance_method, segment
            order by period_start
        ) as opening_allowance_amount,
        coalesce(
            lag(missing_count) over (
                partition by company_code, allowance_method, segment
                order by period_start
            ),
            0
        ) as opening_missing_count
    from closings
),

charged as (
    select
        opened.*,
        coalesce(flows.write_off_amount, 0) as write_off_amount,
        coalesce(flows.recovery_of_written_off_amount, 0) as recovery_amount,
        opened.closing_allowance_amount
        - (
            opened.opening_allowance_amount
            - coalesce(flows.write_off_amount, 0)
            + coalesce(flows.recovery_of_written_off_amount, 0)
        ) as net_charge_amount,
        coalesce(flows.unconverted_movement_count, 0) as unconverted_movement_count
    from opened
    left join flows
        on
            opened.company_code = flows.company_code
            and opened.segment = flows.segment
            and opened.period_start = flows.month_start
),

final as (
    select
        as_of_date,
        period_start,
        period_end,
        measured_to_date,
        is_complete,
        company_code,
        allowance_method,
        is_booked,
        segment,
        cast(opening_allowance_amount as decimal(18, 2)) as opening_allowance_amount,
        case
            when net_charge_amount is not null
                then cast(greatest(net_charge_amount, 0) as decimal(18, 2))
        end as charge_amount,
        case
            when net_charge_amount is not null
                then cast(greatest(-net_charge_amount, 0) as decimal(18, 2))
        end as release_amount,
        cast(write_off_amount as decimal(18, 2)) as write_off_amount,
        cast(recovery_amount as decimal(18, 2)) as recovery_amount,
        cast(0 as decimal(18, 2)) as fx_amount,
        cast(closing_allowance_amount as decimal(18, 2)) as closing_allowance_amount,
        case
            when net_charge_amount is null then 'insufficient_history' else 'ok'
        end as allowance_status,
        case
            when opening_missing_count + unconverted_movement_count + missing_count > 0
                then 'missing'
            else 'ok'
        end as rate_status
    from charged
)

select * from final
