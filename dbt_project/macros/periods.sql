-- noqa: disable=LT02
{#-
    Sums of receivables by month and by period: one wording for the scopes that are kept and for
    those that are worked out when they are asked for.
-#}

{#- Movement types that are summed by month beside cash. -#}
{%- macro booked_types() -%}
    (
        'invoice', 'debit_memo', 'credit_memo', 'opening_balance', 'adjustment', 'write_off',
        'recovery'
    )
{%- endmacro -%}

{#- What movements of those types amount to. -#}
{%- macro booked_sums(movements) -%}
    sum(
        case
            when {{ movements }}.movement_type in ('invoice', 'debit_memo', 'credit_memo')
                then {{ movements }}.amount
        end
    ) as credit_sales_amount,
    sum(
        case
            when
                {{ movements }}.movement_type in (
                    'invoice', 'debit_memo', 'opening_balance', 'adjustment'
                )
                then {{ movements }}.amount
        end
    ) as billed_amount,
    -sum(case when {{ movements }}.movement_type = 'write_off' then {{ movements }}.amount end)
        as write_off_amount,
    -sum(case when {{ movements }}.movement_type = 'recovery' then {{ movements }}.amount end)
        as recovery_of_written_off_amount,
    sum(case when {{ movements }}.amount is null then 1 else 0 end) as unconverted_movement_count
{%- endmacro -%}

{#- What cash set against documents amounts to. -#}
{%- macro collected_sums(cash) -%}
    sum({{ cash }}.amount) as cash_applied_amount,
    -sum(case when {{ cash }}.is_reversed_cash then {{ cash }}.amount end) as cash_reversed_amount,
    sum({{ cash }}.amount * {{ cash }}.days_from_document_date) as cash_days_from_document_date,
    sum({{ cash }}.amount * {{ cash }}.days_from_due_date) as cash_days_from_due_date,
    sum(case when {{ cash }}.amount is null then 1 else 0 end) as unconverted_movement_count,
    {%- for horizon in recovery_horizons() %}
        sum(
            case
                when {{ cash }}.effective_date <= {{ add_days(cash ~ '.due_date', horizon) }}
                    then {{ cash }}.amount
            end
        ) as cash_within_{{ horizon }}_days_amount{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro -%}

{#- Days after the due date within which recovery is measured. -#}
{%- macro recovery_horizons() -%}
    {%- do return([0, 30, 60, 90]) -%}
{%- endmacro -%}

{#- The month in which an owed item falls due, null until that day has come. -#}
{%- macro due_month_of(items, as_of_date) -%}
    case
        when
            {{ credit_class_of(
                items ~ '.item_type', items ~ '.document_type', items ~ '.original_amount_document'
            ) }} is null
            and {{ items }}.due_date <= {{ as_of_date }}
            then {{ month_start(items ~ '.due_date') }}
    end
{%- endmacro -%}

{#-
    CTEs that end in `moves`: what each span of `balances` puts into its month and takes out of
    another, by customer and month of the document, up to that date of `run_parameters`. `state`
    ends the names of all of them.
-#}
{%- macro balance_moves(state='', as_of_date='as_of_date') -%}
balance_ends{{ state }} as (
    select
        balances.company_code,
        balances.customer_id,
        balances.document_date,
        {{ month_start('balances.open_from') }} as month_start,
        balances.open_amount as moved_amount,
        1 as moved_item_count
    from balances{{ state }} as balances
    cross join run_parameters
    where balances.open_from <= run_parameters.{{ as_of_date }}
    union all
    select
        balances.company_code,
        balances.customer_id,
        balances.document_date,
        {{ month_start('balances.open_to') }} as month_start,
        -balances.open_amount as moved_amount,
        -1 as moved_item_count
    from balances{{ state }} as balances
    cross join run_parameters
    where balances.open_to <= run_parameters.{{ as_of_date }}
),

moves{{ state }} as (
    select
        company_code,
        customer_id,
        month_start,
        {{ month_start('document_date') }} as document_month_start,
        sum(moved_amount) as moved_amount,
        sum(
            moved_amount * {{ days_between(month_start('document_date'), 'document_date') }}
        ) as moved_amount_days,
        sum(moved_item_count) as moved_item_count,
        count(*) as move_count
    from balance_ends{{ state }}
    group by company_code, customer_id, month_start, {{ month_start('document_date') }}
)
{%- endmacro -%}

{#-
    CTEs that end in `amounts`: one row per period and scope. They read CTEs of the model:
    `periods` as in int_periods_listed, `scopes`, `receivables` as in int_receivables_scoped, and
    `ages`, which are the rows of int_ages_scoped and the sales of each month. No CTE is read twice,
    so that a view of them is worked out for one scope when it is asked for one.
-#}
{%- macro period_amounts() -%}
{%- set key = ['period_type', 'period_start', 'company_code', 'scope_type', 'scope_id'] -%}
{%- set scope = ['company_code', 'scope_type', 'scope_id'] -%}
scoped_periods as (
    select
        periods.*,
        scopes.scope_type,
        scopes.scope_id
    from scopes
    inner join periods
        on scopes.company_code = periods.company_code
),

-- Each row counts in the periods of its month, and once more in those in which it falls due.
anchors as (
    select false as is_by_due_month
    union all
    select true as is_by_due_month
),

placed as (
    select
        receivables.company_code,
        receivables.scope_type,
        receivables.scope_id,
        anchors.is_by_due_month,
        receivables.due_month_start,
        case when not anchors.is_by_due_month then receivables.month_start end as month_start,
        case
            when anchors.is_by_due_month then receivables.due_month_start
            else receivables.month_start
        end as counted_month,
        receivables.closing_amount,
        receivables.closing_current_amount,
        receivables.closing_owed_amount,
        receivables.credit_sales_amount,
        receivables.billed_amount,
        receivables.cash_applied_amount,
        receivables.cash_reversed_amount,
        receivables.cash_days_from_document_date,
        receivables.cash_days_from_due_date,
        {%- for horizon in recovery_horizons() %}
            receivables.cash_within_{{ horizon }}_days_amount,
        {%- endfor %}
        receivables.write_off_amount,
        receivables.recovery_of_written_off_amount,
        receivables.unconverted_item_count,
        receivables.unconverted_movement_count
    from receivables
    cross join anchors
    where not anchors.is_by_due_month or receivables.due_month_start is not null
),

summed as (
    select
        periods.period_type,
        periods.period_start,
        placed.company_code,
        placed.scope_type,
        placed.scope_id,
        {%- for column in [
            'credit_sales_amount', 'cash_applied_amount', 'cash_reversed_amount',
            'cash_days_from_document_date', 'cash_days_from_due_date', 'write_off_amount',
            'recovery_of_written_off_amount', 'unconverted_movement_count'
        ] %}
            sum(
                case
                    when placed.month_start >= periods.period_start
                        then placed.{{ column }}
                end
            ) as {{ column }},
        {%- endfor %}
        {%- for column in ['closing_amount', 'unconverted_item_count'] %}
            sum(
                case
                    when placed.month_start = periods.opening_month
                        then placed.{{ column }}
                end
            ) as opening_{{ column }},
        {%- endfor %}
        {%- for column in [
            'closing_amount', 'closing_current_amount', 'closing_owed_amount',
            'unconverted_item_count'
        ] %}
            sum(
                case
                    when placed.month_start = periods.last_month
                        then placed.{{ column }}
                end
            ) as {{ column }},
        {%- endfor %}
        {%- for column in ['closing_amount', 'unconverted_item_count'] %}
            sum(
                case
                    when placed.month_start >= periods.opening_month
                        then placed.{{ column }}
                end
            ) as month_ends_{{ column }},
        {%- endfor %}
        sum(
            case
                when
                    placed.month_start in (periods.opening_month, periods.last_month)
                    or (
                        placed.month_start >= periods.opening_month
                        and extract(month from placed.month_start) in (3, 6, 9, 12)
                    )
                    then placed.closing_amount
            end
        ) as quarter_ends_amount,
        -- Sales of the three months that end with the period, which may begin before it.
        sum(
            case
                when placed.month_start >= {{ add_months('periods.last_month', -2) }}
                    then placed.credit_sales_amount
            end
        ) as rolling_credit_sales_amount,
        sum(
            case
                when placed.month_start >= {{ add_months('periods.last_month', -2) }}
                    then placed.unconverted_movement_count
            end
        ) as rolling_unconverted_movement_count,
        sum(
            case
                when
                    placed.month_start = periods.opening_month
                    and placed.due_month_start < periods.period_start
                    then placed.closing_owed_amount
            end
        ) as past_due_opening_amount,
        sum(
            case
                when placed.due_month_start > periods.last_month then null
                when
                    placed.month_start = periods.opening_month
                    and placed.due_month_start >= periods.period_start
                    then placed.closing_owed_amount
                when
                    placed.month_start >= periods.period_start
                    and placed.due_month_start is not null
                    then placed.billed_amount
            end
        ) as falling_due_amount,
        sum(
            case
                when
                    placed.month_start >= periods.period_start
                    and placed.due_month_start <= periods.last_month
                    then placed.cash_applied_amount
            end
        ) as cash_on_due_items_amount,
        {%- for column in ['billed_amount', 'unconverted_movement_count'] %}
            sum(case when placed.is_by_due_month then placed.{{ column }} end)
                as due_{{ column }},
        {%- endfor %}
        {%- for horizon in recovery_horizons() %}
            sum(
                case
                    when placed.is_by_due_month
                        then placed.cash_within_{{ horizon }}_days_amount
                end
            ) as cash_within_{{ horizon }}_days_amount{{ ',' if not loop.last }}
        {%- endfor %}
    from placed
    inner join periods
        on
            placed.company_code = periods.company_code
            and placed.counted_month <= periods.last_month
            and placed.counted_month >= case
                when placed.is_by_due_month then periods.period_start
                else least(periods.opening_month, {{ add_months('periods.last_month', -2) }})
            end
    group by
        periods.period_type,
        periods.period_start,
        placed.company_code,
        placed.scope_type,
        placed.scope_id
),

-- The days on which periods are measured; those of several types end on the same day.
measuring_dates as (
    select
        company_code,
        last_month,
        measured_to_date,
        history_start_month
    from periods
    group by company_code, last_month, measured_to_date, history_start_month
),

-- What is open on a measuring date, by the month of its document.
document_months as (
    select
        ages.company_code,
        ages.scope_type,
        ages.scope_id,
        measuring_dates.last_month,
        measuring_dates.measured_to_date,
        measuring_dates.history_start_month,
        ages.document_month_start,
        sum(ages.moved_amount) * {{ days_between(
            'ages.document_month_start', 'measuring_dates.measured_to_date'
        ) }} - sum(ages.moved_amount_days) as aged_amount,
        sum(ages.credit_sales_amount) as credit_sales_amount
    from ages
    inner join measuring_dates
        on
            ages.company_code = measuring_dates.company_code
            and ages.month_start <= measuring_dates.last_month
    group by
        ages.company_code,
        ages.scope_type,
        ages.scope_id,
        measuring_dates.last_month,
        measuring_dates.measured_to_date,
        measuring_dates.history_start_month,
        ages.document_month_start
    having sum(ages.moved_item_count) > 0
),

ages_in_sales as (
    select
        document_months.company_code,
        document_months.scope_type,
        document_months.scope_id,
        document_months.last_month,
        sum({{ ratio_value(
            'document_months.aged_amount', 'document_months.credit_sales_amount'
        ) }}) as days_total,
        min(
            case
                when document_months.document_month_start < document_months.history_start_month
                    then 'insufficient_history'
                else nullif(
                    {{ ratio_status(
                        'document_months.aged_amount',
                        'document_months.credit_sales_amount'
                    ) }},
                    'ok'
                )
            end
        ) as missing_status
    from document_months
    group by
        document_months.company_code,
        document_months.scope_type,
        document_months.scope_id,
        document_months.last_month
),

measured as (
    select
        scoped_periods.*,
        {{ add_months('scoped_periods.last_month', -2) }} as rolling_start_date,
        scoped_periods.month_count + 1 as month_end_count,
        -- Quarter ends from the opening to the closing balance, both included.
        2 + case
            when scoped_periods.period_type = 'month' then 0
            else cast(floor((scoped_periods.month_count - 1) / 3) as integer)
        end as quarter_end_count,
        summed.opening_closing_amount as opening_amount,
        {%- for column in [
            'credit_sales_amount', 'cash_applied_amount', 'cash_reversed_amount',
            'cash_days_from_document_date', 'cash_days_from_due_date', 'write_off_amount',
            'recovery_of_written_off_amount', 'closing_amount', 'closing_current_amount',
            'closing_owed_amount', 'quarter_ends_amount', 'rolling_credit_sales_amount',
            'past_due_opening_amount', 'falling_due_amount', 'cash_on_due_items_amount'
        ] %}
            coalesce(summed.{{ column }}, 0) as {{ column }},
        {%- endfor %}
        coalesce(summed.month_ends_closing_amount, 0) as month_ends_amount,
        {%- for horizon in recovery_horizons() %}
            coalesce(summed.cash_within_{{ horizon }}_days_amount, 0)
                as cash_within_{{ horizon }}_days_amount,
        {%- endfor %}
        coalesce(summed.due_billed_amount, 0) as billed_falling_due_amount,
        coalesce(summed.unconverted_item_count, 0) as unconverted_item_count,
        case
            when
                summed.month_ends_unconverted_item_count > 0
                or summed.unconverted_movement_count > 0
                or summed.rolling_unconverted_movement_count > 0
                then 'missing'
            else 'ok'
        end as turnover_rate_status,
        case
            when
                summed.opening_unconverted_item_count > 0
                or summed.unconverted_item_count > 0
                or summed.unconverted_movement_count > 0
                or summed.due_unconverted_movement_count > 0
                then 'missing'
            else 'ok'
        end as bad_debt_rate_status,
        coalesce(ages_in_sales.missing_status, 'ok') as aged_sales_status,
        coalesce(ages_in_sales.days_total, 0) as aged_sales_days
    from scoped_periods
    left join summed
        on {{ equal_columns(key, 'scoped_periods', 'summed') }}
    left join ages_in_sales
        on {{ equal_columns(scope + ['last_month'], 'scoped_periods', 'ages_in_sales') }}
),

-- Sales up to and with each period, which is what balances are taken off from the newest back.
followed as (
    select
        *,
        sum(case when credit_sales_amount > 0 then credit_sales_amount else 0 end) over (
            partition by period_type, company_code, scope_type, scope_id
            order by period_start
            rows between unbounded preceding and current row
        ) as sold_amount,
        sum(case when credit_sales_amount > 0 then day_count else 0 end) over (
            partition by period_type, company_code, scope_type, scope_id
            order by period_start
            rows between unbounded preceding and current row
        ) as selling_day_count,
        max(case when credit_sales_amount <= 0 then measured_to_date end) over (
            partition by period_type, company_code, scope_type, scope_id
            order by period_start
            rows between unbounded preceding and current row
        ) as idle_until_date,
        min(period_start) over (
            partition by period_type, company_code, scope_type, scope_id
        ) as first_period_start
    from measured
),

-- The period in which a balance is used up. Where it is more than all sales, history ran out.
counted_back as (
    select
        *,
        {{ used_up_in(
            'closing_amount',
            'sold_amount',
            [
                'sold_amount', 'measured_to_date', 'day_count', 'credit_sales_amount',
                'selling_day_count'
            ],
            ['period_type', 'company_code', 'scope_type', 'scope_id']
        ) }} as last_sold
    from followed
),

counted as (
    select
        *,
        closing_amount > 0 and closing_amount <= sold_amount as is_used_up
    from counted_back
),

amounts as (
    select
        {{ columns_of(key, 'counted') }},
        counted.as_of_date,
        counted.history_start_month,
        counted.period_end,
        counted.measured_to_date,
        counted.opening_month,
        counted.last_month,
        counted.is_complete,
        cast(counted.day_count as integer) as day_count,
        cast(counted.month_count as integer) as month_count,
        counted.rolling_start_date,
        cast(counted.month_end_count as integer) as month_end_count,
        cast(counted.quarter_end_count as integer) as quarter_end_count,
        cast(coalesce(counted.opening_amount, 0) as decimal(28, 2)) as opening_amount,
        {%- for column in [
            'closing_amount', 'closing_current_amount', 'closing_owed_amount',
            'month_ends_amount', 'quarter_ends_amount', 'credit_sales_amount',
            'rolling_credit_sales_amount', 'cash_applied_amount', 'cash_reversed_amount',
            'cash_days_from_document_date', 'cash_days_from_due_date', 'write_off_amount',
            'recovery_of_written_off_amount', 'past_due_opening_amount', 'falling_due_amount',
            'cash_on_due_items_amount', 'cash_within_0_days_amount', 'cash_within_30_days_amount',
            'cash_within_60_days_amount', 'cash_within_90_days_amount',
            'billed_falling_due_amount'
        ] %}
            cast(counted.{{ column }} as decimal(28, 2)) as {{ column }},
        {%- endfor %}
        cast(counted.unconverted_item_count as integer) as unconverted_item_count,
        counted.turnover_rate_status,
        counted.bad_debt_rate_status,
        counted.aged_sales_status,
        cast(counted.aged_sales_days as decimal(28, 8)) as aged_sales_days,
        case
            when counted.closing_amount < 0 then 'not_applicable'
            when counted.closing_amount = 0 or counted.is_used_up then 'ok'
            else 'insufficient_history'
        end as countback_status,
        -- A balance of nothing is used up before anything is counted.
        cast(
            case when counted.is_used_up then counted.last_sold.credit_sales_amount else 1 end
            as decimal(28, 2)
        ) as countback_sales_amount,
        cast(
            case
                when counted.is_used_up
                    then counted.closing_amount - counted.sold_amount + counted.last_sold.sold_amount
                else 0
            end as decimal(28, 2)
        ) as countback_covered_amount,
        cast(
            case when counted.is_used_up then counted.last_sold.day_count else 0 end as integer
        ) as countback_last_day_count,
        cast(
            case
                when counted.is_used_up
                    then {{ days_between(
                        'counted.last_sold.measured_to_date', 'counted.measured_to_date'
                    ) }}
                else 0
            end as integer
        ) as countback_day_count,
        cast(
            case
                when counted.is_used_up
                    then counted.selling_day_count - counted.last_sold.selling_day_count
                else 0
            end as integer
        ) as countback_selling_day_count,
        cast(
            {{ days_between('counted.first_period_start', 'counted.measured_to_date') }} + 1
            as integer
        ) as history_day_count,
        cast(counted.selling_day_count as integer) as history_selling_day_count,
        -- Days since a period without sales ended, where the count comes to one.
        case
            when
                counted.closing_amount > 0
                and counted.idle_until_date >= case
                    when counted.is_used_up then counted.last_sold.measured_to_date
                    else counted.first_period_start
                end
                then cast(
                    {{ days_between('counted.idle_until_date', 'counted.measured_to_date') }}
                    as integer
                )
        end as days_since_idle
    from counted
)
{%- endmacro -%}

{#-
    Of the rows of a partition with sales, the first up to which more was sold than is sold up to
    this one less a balance: its columns as one value. `running` is what was sold up to a row.
-#}
{%- macro used_up_in(balance, running, columns, partition) -%}
    {{ return(adapter.dispatch('used_up_in', 'collections')(
        balance, running, columns, partition
    )) }}
{%- endmacro -%}

{%- macro default__used_up_in(balance, running, columns, partition) -%}
    min(
        case
            when credit_sales_amount > 0
                then {
                    {%- for column in columns -%}
                        '{{ column }}': {{ column }}{{ ', ' if not loop.last }}
                    {%- endfor -%}
                }
        end
    ) over (
        partition by {{ partition | join(', ') }}
        order by {{ running }}
        range between
        greatest({{ balance }} - cast('0.01' as decimal(3, 2)), 0) preceding
        and current row
    )
{%- endmacro -%}

{#- Without frames whose bounds are columns: all rows before, then those of them that are meant. -#}
{%- macro spark__used_up_in(balance, running, columns, partition) -%}
    array_min(
        filter(
            collect_list(
                case when credit_sales_amount > 0 then struct({{ columns | join(', ') }}) end
            ) over (
                partition by {{ partition | join(', ') }}
                order by period_start
                rows between unbounded preceding and current row
            ),
            sold -> sold.{{ running }} > {{ running }} - {{ balance }}
        )
    )
{%- endmacro -%}
