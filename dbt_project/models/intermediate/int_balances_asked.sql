-- Grain: one row per who stated it, company, currency, date and instant: a balance that somebody
-- stated, beside that of the journal as known then. The general ledger states what it holds; a
-- published version, of the kept slices, what it told its readers.
-- Rows that ingest could not accept at first are known later: a balance of the general ledger may
-- be met at any instant from the one at which it was stated, a published one at its own alone.
{%- set statement = ['stated_by', 'company_code', 'currency_code', 'as_of_date', 'stated_at'] %}
with delivered as (
    select
        *,
        false as is_withdrawn
    from {{ ref('stg_lake__control_totals') }}
    where extract_name = 'gl_balance'
),

{{ versions_of(
    'control_totals',
    ['company_code', 'currency_code', 'balance_date'],
    ['amount', 'is_withdrawn']
) }},

movements as (
    select * from {{ ref('int_movements_daily') }}
),

published_totals as (
    select * from {{ ref('stg_lake__published_totals') }}
),

slices as (
    select * from {{ ref('int_slices_kept') }}
),

currencies as (
    select
        company_code,
        currency_code
    from movements
    group by company_code, currency_code
),

-- A version that says nothing of a currency says that nothing is open in it.
published_versions as (
    select
        published_totals.version_name,
        published_totals.as_of_date,
        published_totals.known_at
    from published_totals
    inner join slices
        on published_totals.as_of_date = slices.as_of_date
    group by
        published_totals.version_name,
        published_totals.as_of_date,
        published_totals.known_at
),

statements as (
    select
        'general ledger' as stated_by,
        company_code,
        currency_code,
        balance_date as as_of_date,
        valid_from as stated_at,
        cast(amount as decimal(28, 2)) as stated_amount_document
    from versions
    where
        valid_from < valid_to
        and valid_to = {{ far_future_at() }}
        and not is_withdrawn
    union all
    select
        published_versions.version_name as stated_by,
        currencies.company_code,
        currencies.currency_code,
        published_versions.as_of_date,
        published_versions.known_at as stated_at,
        coalesce(published_totals.open_amount_document, 0) as stated_amount_document
    from published_versions
    cross join currencies
    left join published_totals
        on
            published_versions.version_name = published_totals.version_name
            and currencies.company_code = published_totals.company_code
            and currencies.currency_code = published_totals.currency_code
),

learned as (
    select
        company_code,
        currency_code,
        effective_date,
        _recorded_at as learned_at,
        amount_document
    from movements
    union all
    select
        company_code,
        currency_code,
        effective_date,
        _superseded_at as learned_at,
        -amount_document as amount_document
    from movements
    where not is_current
),

learned_by_day as (
    select
        company_code,
        currency_code,
        effective_date,
        learned_at,
        sum(amount_document) as amount_document
    from learned
    group by company_code, currency_code, effective_date, learned_at
),

known_changes as (
    select
        {{ columns_of(statement, 'statements') }},
        statements.stated_amount_document,
        greatest(statements.stated_at, learned_by_day.learned_at) as known_at,
        sum(learned_by_day.amount_document) as amount_document
    from statements
    inner join learned_by_day
        on
            statements.company_code = learned_by_day.company_code
            and statements.currency_code = learned_by_day.currency_code
            and statements.as_of_date >= learned_by_day.effective_date
    where
        statements.stated_by = 'general ledger'
        or learned_by_day.learned_at <= statements.stated_at
    group by
        {{ columns_of(statement, 'statements') }},
        statements.stated_amount_document,
        greatest(statements.stated_at, learned_by_day.learned_at)
    union all
    select
        {{ columns_of(statement) }},
        stated_amount_document,
        stated_at as known_at,
        0 as amount_document
    from statements
),

changes_by_instant as (
    select
        {{ columns_of(statement) }},
        stated_amount_document,
        known_at,
        sum(amount_document) as amount_document
    from known_changes
    group by {{ columns_of(statement) }}, stated_amount_document, known_at
),

balances as (
    select
        *,
        sum(amount_document) over (
            partition by {{ columns_of(statement) }}
            order by known_at
            rows between unbounded preceding and current row
        ) as balance_amount_document
    from changes_by_instant
),

chosen as (
    select
        *,
        row_number() over (
            partition by {{ columns_of(statement) }}
            order by
                case when balance_amount_document = stated_amount_document then 0 else 1 end,
                known_at
        ) as choice_no
    from balances
),

final as (
    select
        {{ columns_of(statement) }},
        known_at,
        stated_amount_document,
        cast(balance_amount_document as decimal(28, 2)) as balance_amount_document
    from chosen
    where choice_no = 1
)

select * from final
