-- Grain: one row per company, scope, month and month of the document: by how much the owed balances
-- of the documents of a month moved in the other, up to the as-of date. Summed up to a month they
-- are what is open at its end. `moved_amount_days` weighs with the days from the first of the
-- document's month to its date. A balance without a rate is left out.
with balances as (
    select * from {{ ref('receivables_by_span') }}
    where
        credit_class_code is null
        and open_amount is not null
),

customers as (
    select * from {{ ref('int_customers_placed') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{{ balance_moves() }},

summed as (
    select
        moves.company_code,
        coalesce(customers.segment, 'unassigned') as segment,
        coalesce(customers.region, 'unassigned') as region,
        coalesce(customers.team_id, 'unassigned') as team_id,
        moves.month_start,
        moves.document_month_start,
        sum(moves.moved_amount) as moved_amount,
        sum(moves.moved_amount_days) as moved_amount_days,
        sum(moves.moved_item_count) as moved_item_count
    from moves
    left join customers
        on moves.customer_id = customers.customer_id
    group by
        moves.company_code,
        coalesce(customers.segment, 'unassigned'),
        coalesce(customers.region, 'unassigned'),
        coalesce(customers.team_id, 'unassigned'),
        moves.month_start,
        moves.document_month_start
),

scoped as (
    {%- for scope_type, scope_id in [
        ('company', 'company_code'),
        ('segment', 'segment'),
        ('region', 'region'),
        ('team', 'team_id'),
    ] %}
        select
            company_code,
            '{{ scope_type }}' as scope_type,
            {{ scope_id }} as scope_id,
            month_start,
            document_month_start,
            moved_amount,
            moved_amount_days,
            moved_item_count
        from summed
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

final as (
    select
        company_code,
        scope_type,
        scope_id,
        month_start,
        document_month_start,
        cast(sum(moved_amount) as decimal(28, 2)) as moved_amount,
        cast(sum(moved_amount_days) as decimal(28, 2)) as moved_amount_days,
        cast(sum(moved_item_count) as bigint) as moved_item_count
    from scoped
    group by company_code, scope_type, scope_id, month_start, document_month_start
)

select * from final
