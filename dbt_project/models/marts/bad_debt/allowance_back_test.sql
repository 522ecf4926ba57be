-- Grain: one row per month that is over, company, knowledge, allowance method and segment.
-- What the method asked for at the month's end, beside what was written off in the months after it
-- (seed allowance_rules) of the items that were open at that end. As known then (`then`), the
-- allowance, its roll rates and the open items are those that the journal told at the month's end;
-- months before anything was known have no such row. What was written off is what the run knows.
{%- set origin = "cast('1970-01-01' as date)" %}
{%- set item = ['company_code', 'item_type', 'document_id', 'installment_no'] %}
with allowances_required as (
    select * from {{ ref('int_allowances_required') }}
    where is_complete
),

balances as (
    select * from {{ ref('int_balances_reviewed') }}
),

movements as (
    select * from {{ ref('int_movements_reviewed') }}
    where
        is_current
        and movement_type in ('write_off', 'recovery')
),

allowance_rules as (
    select * from {{ ref('allowance_rules') }}
),

predicted as (
    select
        as_of_date,
        period_start,
        period_end,
        company_code,
        knowledge,
        allowance_method,
        is_booked,
        segment,
        case
            when count(required_allowance_amount) = count(*) then sum(required_allowance_amount)
        end as predicted_loss_amount,
        sum(case when rate_status = 'missing' then 1 else 0 end) as missing_count
    from allowances_required
    group by
        as_of_date,
        period_start,
        period_end,
        company_code,
        knowledge,
        allowance_method,
        is_booked,
        segment
),

lost_by_month as (
    select
        {{ columns_of(item) }},
        effective_month_no,
        sum(case when movement_type = 'write_off' then -amount else 0 end) as written_off_amount,
        sum(case when movement_type = 'recovery' then -amount else 0 end) as recovered_amount,
        count(*) - count(amount) as missing_count
    from movements
    group by {{ columns_of(item) }}, effective_month_no
),

lost as (
    select
        balances.knowledge,
        balances.company_code,
        balances.segment,
        balances.month_start,
        sum(lost_by_month.written_off_amount) as written_off_amount,
        sum(lost_by_month.recovered_amount) as recovered_amount,
        sum(lost_by_month.missing_count) as missing_count
    from balances
    cross join allowance_rules
    inner join lost_by_month
        on
            {{ equal_columns(item, 'balances', 'lost_by_month') }}
            and balances.month_no < lost_by_month.effective_month_no
            and balances.month_no + allowance_rules.back_test_months
            >= lost_by_month.effective_month_no
    group by
        balances.knowledge, balances.company_code, balances.segment, balances.month_start
),

compared as (
    select
        predicted.*,
        {{ month_end(add_months('predicted.period_start', 'allowance_rules.back_test_months')) }}
            as window_end_date,
        coalesce(lost.written_off_amount, 0) as written_off_amount,
        coalesce(lost.recovered_amount, 0) as recovered_amount,
        predicted.missing_count + coalesce(lost.missing_count, 0) as all_missing_count
    from predicted
    cross join allowance_rules
    left join lost
        on
            predicted.knowledge = lost.knowledge
            and predicted.company_code = lost.company_code
            and predicted.segment = lost.segment
            and predicted.period_start = lost.month_start
),

parts as (
    select
        *,
        case when window_end_date <= as_of_date then predicted_loss_amount end
            as loss_coverage_rate_numerator,
        case
            when window_end_date <= as_of_date and predicted_loss_amount is not null
                then written_off_amount
        end as loss_coverage_rate_denominator
    from compared
),

final as (
    select
        as_of_date,
        period_start,
        period_end,
        company_code,
        knowledge,
        allowance_method,
        is_booked,
        segment,
        window_end_date,
        window_end_date <= as_of_date as is_window_closed,
        cast(predicted_loss_amount as decimal(18, 2)) as predicted_loss_amount,
        cast(written_off_amount as decimal(18, 2)) as written_off_amount,
        cast(recovered_amount as decimal(18, 2)) as recovered_amount,
        cast(
            loss_coverage_rate_numerator - loss_coverage_rate_denominator as decimal(18, 2)
        ) as prediction_error_amount,
        {{ measure_columns('loss_coverage_rate', missing="'insufficient_history'") }},
        case when all_missing_count > 0 then 'missing' else 'ok' end as rate_status
    from parts
)

select * from final
