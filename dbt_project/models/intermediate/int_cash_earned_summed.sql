-- Grain: one row per company, currency, collector, month in which cash took effect, month in which
-- it was earned, and whether it is taken back: what each method gives the collector of it.
-- A refresh adds what came to the rows of cash by earner, and takes off what left them.
{%- set keys = [
    'company_code', 'currency_code', 'collector_id', 'month_start', 'earned_month_start',
    'is_reversed_cash'
] %}
{{ config(**adds_changes(keys=keys, row_count='row_count')) }}
{%- set earners = {
    'portfolio_owner': 'case when is_portfolio_owner then {} end',
    'last_touch': 'case when is_last_touch then {} end',
    'first_touch': 'case when is_first_touch then {} end',
    'linear': 'linear_{}',
    'promise_first': 'case when is_promise_first then {} end',
} %}
{%- set columns = [
    'company_code', 'currency_code', 'collector_id', 'effective_date', 'earned_date',
    'is_reversed_cash', 'headline_method', 'is_portfolio_owner', 'is_last_touch', 'is_first_touch',
    'is_promise_first', 'amount_document', 'amount', 'linear_amount_document', 'linear_amount'
] %}
{%- set measures = ['headline_amount'] %}
{%- for method in earners %}
    {%- do measures.extend([method ~ '_amount_document', method ~ '_amount']) %}
{%- endfor %}
with earned as (
    {%- if is_refresh() %}
        select
            *,
            case _change when 'added' then 1 else -1 end as row_sign
        from ({{ changed_rows('cash_by_earner', columns) }}) as changes
    {%- else %}
        select
            {{ columns | join(', ') }},
            1 as row_sign
        from {{ ref('cash_by_earner') }}
    {%- endif %}
),

summed as (
    select
        company_code,
        currency_code,
        collector_id,
        {{ month_start('effective_date') }} as month_start,
        {{ month_start('earned_date') }} as earned_month_start,
        is_reversed_cash,
        row_sign,
        count(*) as row_count,
        {%- for method, given in earners.items() %}
            {%- for amount in ['amount_document', 'amount'] %}
                sum({{ given.format(amount) }}) as {{ method }}_{{ amount }},
            {%- endfor %}
        {%- endfor %}
        sum(
            case headline_method
                {%- for method, given in earners.items() %}
                    when '{{ method }}' then {{ given.format('amount') }}
                {%- endfor %}
            end
        ) as headline_amount
    from earned
    group by
        company_code,
        currency_code,
        collector_id,
        {{ month_start('effective_date') }},
        {{ month_start('earned_date') }},
        is_reversed_cash,
        row_sign
),

final as (
    select
        {{ keys | join(', ') }},
        cast(sum(row_sign * row_count) as bigint) as row_count,
    {%- for measure in measures %}
        cast(coalesce(sum(row_sign * {{ measure }}), 0) as decimal(28, 2)) as {{ measure }}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from summed
    group by {{ keys | join(', ') }}
)

select * from final
