-- Grain: one row per cash movement on a document and attribution method.
-- Who earned it is judged on the payment date, when it counts is the effective date. A reversal is
-- judged on the date of the payment that it undoes: it takes from whom that payment was given.
{{ config(**replaces_touched(
    by='int_cash_attribution_touched', keys=['company_code', 'payment_id']
)) }}

with cash as (
    select * from {{ ref('int_cash_dated') }}
    where {{ touched_only(
        'int_cash_dated', 'int_cash_attribution_touched', ['company_code', 'payment_id']
    ) }}
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

portfolios as (
    select * from {{ ref('int_portfolios_spanned') }}
),

collectors as (
    select * from {{ ref('dim_collectors') }}
),

attribution_methods as (
    select * from {{ ref('attribution_methods') }}
),

payment_days as (
    select
        customer_id,
        payment_date
    from cash
    group by customer_id, payment_date
),

customers as (
    select customer_id
    from payment_days
    group by customer_id
),

touch_days as (
    select
        contacts.customer_id,
        contacts.contact_date,
        {{ latest_by('contacts.collector_id', 'contacts.contacted_at', 'contacts.contact_id') }}
            as collector_id
    from contacts
    inner join customers
        on contacts.customer_id = customers.customer_id
    where contacts.is_touch
    group by contacts.customer_id, contacts.contact_date
),

touch_days_followed as (
    select
        customer_id,
        contact_date,
        collector_id,
        lead(contact_date) over (
            partition by customer_id
            order by contact_date
        ) as next_contact_date
    from touch_days
),

touch_spans as (
    select
        touch_days_followed.customer_id,
        touch_days_followed.collector_id,
        touch_days_followed.contact_date as touched_from,
        least(
            {{ add_days(
                'touch_days_followed.contact_date', 'attribution_methods.window_days + 1'
            ) }},
            coalesce(touch_days_followed.next_contact_date, {{ far_future() }})
        ) as touched_until
    from touch_days_followed
    cross join attribution_methods
    where attribution_methods.attribution_method = 'last_touch'
),

earned as (
    select
        payment_days.customer_id,
        payment_days.payment_date,
        'portfolio_owner' as attribution_method,
        portfolios.collector_id
    from payment_days
    inner join portfolios
        on
            payment_days.customer_id = portfolios.customer_id
            and payment_days.payment_date >= portfolios.owned_from
            and payment_days.payment_date < portfolios.owned_until
    union all
    select
        payment_days.customer_id,
        payment_days.payment_date,
        'last_touch' as attribution_method,
        touch_spans.collector_id
    from payment_days
    inner join touch_spans
        on
            payment_days.customer_id = touch_spans.customer_id
            and payment_days.payment_date >= touch_spans.touched_from
            and payment_days.payment_date < touch_spans.touched_until
),

final as (
    select
        attribution_methods.attribution_method,
        attribution_methods.is_headline,
        cash.company_code,
        cash.payment_id,
        cash.line_no,
        cash.piece_no,
        cash.document_id,
        cash.installment_no,
        cash.customer_id,
        cash.currency_code,
        cash.payment_date,
        cash.effective_date,
        cash.is_reversed_cash,
        coalesce(earned.collector_id, 'unattributed') as collector_id,
        case
            when earned.collector_id is null then 'unattributed'
            else coalesce(collectors.team_id, 'unassigned')
        end as team_id,
        cast(1 as decimal(18, 8)) as attribution_share,
        cast(cash.amount_document as decimal(18, 2)) as attributed_amount_document,
        cast(cash.amount as decimal(18, 2)) as attributed_amount
    from cash
    cross join attribution_methods
    left join earned
        on
            cash.customer_id = earned.customer_id
            and cash.payment_date = earned.payment_date
            and attribution_methods.attribution_method = earned.attribution_method
    left join collectors
        on earned.collector_id = collectors.collector_id
)

select * from final
