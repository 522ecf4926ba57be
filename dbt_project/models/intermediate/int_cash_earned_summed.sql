-- Grain: one row per company, currency and month in which cash was earned: what each method gives
-- out of it. The proofs compare the marts with it.
-- A refresh adds what came to the rows of cash by earner, and takes off what left them.
{%- set keys = ['company_code', 'currency_code', 'month_start'] %}
{{ config(**adds_changes(keys=keys, row_count='row_count')) }}
{%- set earners = {
    'portfolio_owner': 'case when is_portfolio_owner then {} end',
    'last_touch': 'case when is_last_touch then {} end',
    'first_touch': 'case when is_first_touch then {} end',
    'linear': 'linear_{}',
    'promise_first': 'case when is_promise_first then {} end',
} %}
{%- set columns = [
    'company_code', 'currency_code', 'effective_date', 'headline_method', 'is_portfolio_owner',
    'is_last_touch', 'is_first_touch', 'is_promise_first', 'amount_document', 'amount',
    'linear_amount_document', 'linear_amount'
] %}
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
        {{ month_start('effective_date') }} as month_start,
        row_sign,
        count(*) as row_count,
        {%- for method, given in earners.items() %}
            sum({{ given.format('amount_document') }}) as {{ method }}_amount_document,
        {%- endfor %}
        sum(
            case headline_method
                {%- for method, given in earners.items() %}
                    when '{{ method }}' then {{ given.format('amount') }}
                {%- endfor %}
            end
        ) as headline_amount
    from earned
    group by company_code, currency_code, {{ month_start('effective_date') }}, row_sign
),

final as (
    select
        {{ keys | join(', ') }},
        cast(sum(row_sign * row_count) as bigint) as row_count,
        {%- for method in earners %}
            cast(coalesce(sum(row_sign * {{ method }}_amount_document), 0) as decimal(28, 2))
                as {{ method }}_amount_document,
        {%- endfor %}
        cast(coalesce(sum(row_sign * headline_amount), 0) as decimal(28, 2)) as headline_amount
    from summed
    group by {{ keys | join(', ') }}
)

select * from final
