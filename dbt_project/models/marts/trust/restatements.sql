-- Grain: one row per entry of the journal and instant at which it entered, or left, what had been
-- reported before. A view over the journal, which keeps every version of every entry.
-- A day's numbers are first reported at the first instant whose delivery date has reached it: what
-- was recorded for the day later restates them. The balance of a past day changed between two
-- instants by the sum of the rows restated after the one and until the other with an effective
-- date up to that day; a period's flow, by those with an effective date in it. Changes of place,
-- such as a corrected due date, are told by the macro restatements_between.
{{ config(materialized='view', post_hook="{{ create_restatements_between() }}") }}

with loads as (
    select * from {{ ref('load_history').include(database=false) }}
),

movements as (
    select * from {{ ref('receivable_movements').include(database=false) }}
),

dates as (
    select * from {{ ref('dim_dates').include(database=false) }}
),

instants as (
    select
        recorded_at,
        max(delivery_date) as delivery_date
    from loads
    group by recorded_at
),

reported as (
    select
        recorded_at,
        max(delivery_date) over (
            order by recorded_at
            rows between unbounded preceding and current row
        ) as reported_until,
        max(delivery_date) over (
            order by recorded_at
            rows between unbounded preceding and 1 preceding
        ) as reported_until_before
    from instants
),

first_reported as (
    select
        dates.calendar_date as effective_date,
        reported.recorded_at as first_reported_at
    from dates
    inner join reported
        on
            dates.calendar_date <= reported.reported_until
            and (
                reported.reported_until_before is null
                or dates.calendar_date > reported.reported_until_before
            )
),

dated as (
    select
        movements.*,
        first_reported.first_reported_at
    from movements
    inner join first_reported
        on movements.effective_date = first_reported.effective_date
),

changes as (
    select
        *,
        'entry_added' as change_type,
        _recorded_at as restated_at,
        amount_document as change_amount_document,
        amount as change_amount
    from dated
    where _recorded_at > first_reported_at
    union all
    select
        *,
        'entry_removed' as change_type,
        _superseded_at as restated_at,
        -amount_document as change_amount_document,
        -amount as change_amount
    from dated
    where
        not is_current
        and _superseded_at > first_reported_at
),

final as (
    select
        restated_at,
        change_type,
        first_reported_at,
        {{ month_start('effective_date') }} as effective_month_start,
        effective_date,
        company_code,
        customer_id,
        item_type,
        document_id,
        installment_no,
        movement_type,
        source_type,
        source_id,
        source_line_no,
        piece_no,
        currency_code,
        cast(change_amount_document as decimal(18, 2)) as change_amount_document,
        cast(change_amount as decimal(18, 2)) as change_amount,
        rate_status,
        _load_id
    from changes
)

select * from final
