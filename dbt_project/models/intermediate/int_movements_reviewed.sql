-- Grain: one row per movement and interval of knowledge, of items that are looked at one by one:
-- those of which something was learned after the end of its month, those judged alone, and those
-- written off. Of every other item, what was known at a month's end is what is known now.
-- Months are numbers, counted from January 1970. At the end of month m a movement was known when
-- known_from_month_no <= m < known_to_month_no.
{%- set origin = "cast('1970-01-01' as date)" %}
{%- set item = ['company_code', 'item_type', 'document_id', 'installment_no'] %}
with movements as {{ read_each_time() }} (
    select * from {{ ref('receivable_movements') }}
),

items as {{ read_each_time() }} (
    select * from {{ ref('receivable_items') }}
),

companies_known as (
    select * from {{ ref('int_companies_known') }}
),

specific_provisions as (
    select * from {{ ref('specific_provisions') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- The instants, few of them, at which something was recorded after a month that was known then.
late_instants as (
    select
        movements.company_code,
        movements._recorded_at,
        {{ local_date('movements._recorded_at', 'min(run_parameters.timezone)') }}
            as recorded_on_date
    from movements
    cross join run_parameters
    inner join companies_known
        on movements.company_code = companies_known.company_code
    group by
        movements.company_code,
        movements._recorded_at
    having
        {{ local_date('movements._recorded_at', 'min(run_parameters.timezone)') }}
        > {{ month_end('min(companies_known.first_known_month)') }}
),

recorded_late as (
    select {{ columns_of(item, 'movements') }}
    from movements
    inner join late_instants
        on
            movements.company_code = late_instants.company_code
            and movements._recorded_at = late_instants._recorded_at
            and {{ month_end('movements.effective_date') }} < late_instants.recorded_on_date
),

restated_or_written_off as (
    select {{ columns_of(item) }}
    from movements
    where
        not is_current
        or movement_type = 'write_off'
),

corrected as (
    select {{ columns_of(item, 'items') }}
    from items
    where not is_current
),

judged as (
    select {{ columns_of(item, 'items') }}
    from items
    inner join specific_provisions
        on
            items.company_code = specific_provisions.company_code
            and items.customer_id = specific_provisions.customer_id
            and items.document_id
            = coalesce(specific_provisions.document_id, items.document_id)
),

reviewed as (
    select * from recorded_late
    union
    select * from restated_or_written_off
    union
    select * from corrected
    union
    select * from judged
),

followed as (
    select
        movements.*,
        {{ settlement_of('movements') }} as settlement_code,
        {{ months_between(origin, 'movements.effective_date') }} as effective_month_no,
        {{ months_between(origin, 'companies_known.first_known_month') }} as first_known_month_no,
        {{ months_between(
            origin, local_date('movements._recorded_at', 'run_parameters.timezone')
        ) }} as recorded_month_no,
        case
            when movements._superseded_at < {{ far_future_at() }}
                then {{ months_between(
                    origin, local_date('movements._superseded_at', 'run_parameters.timezone')
                ) }}
        end as known_to_month_no
    from movements
    cross join run_parameters
    inner join companies_known
        on movements.company_code = companies_known.company_code
    inner join reviewed
        on {{ equal_columns(item, 'movements', 'reviewed') }}
    where movements.effective_date <= run_parameters.as_of_date
),

final as (
    select
        company_code,
        item_type,
        document_id,
        installment_no,
        customer_id,
        movement_type,
        settlement_code,
        amount_document,
        amount,
        is_current,
        effective_month_no,
        first_known_month_no,
        greatest(
            effective_month_no, recorded_month_no, first_known_month_no
        ) as known_from_month_no,
        known_to_month_no
    from followed
)

select * from final
