-- Grain: one row per cash movement on a document and collector who earned any of it by any method.
-- Who earned it is judged on the payment date, when it counts is the effective date. A reversal is
-- judged on the date of the payment that it undoes: it takes from whom that payment was given.
-- Contacts are numbered once for all methods and looked up by their numbers: a customer's contacts
-- times its payments would be far more pairs than a method asks for.
{{ config(**replaces_touched(
    by='int_cash_attribution_touched',
    keys=['company_code', 'payment_id'],
    row_key=[
        'company_code', 'payment_id', 'line_no', 'piece_no', 'document_id',
        'installment_no', 'is_reversed_cash', 'collector_id'
    ]
)) }}
{%- set piece = [
    'company_code', 'payment_id', 'line_no', 'piece_no', 'document_id', 'installment_no',
    'is_reversed_cash'
] %}
{%- set carried = [
    'customer_id', 'currency_code', 'payment_date', 'effective_date', 'earned_date'
] %}

with cash as (
    select * from {{ ref('int_cash_dated') }}
    where {{ touched_only(
        'int_cash_dated', 'int_cash_attribution_touched', ['company_code', 'payment_id']
    ) }}
),

all_cash as (
    select * from {{ ref('int_cash_dated') }}
),

contacts as (
    select * from {{ ref('int_contacts_dated') }}
    where is_touch
),

promises as (
    select * from {{ ref('int_promises_windowed') }}
),

portfolios as (
    select * from {{ ref('int_portfolios_spanned') }}
),

teams as (
    select * from {{ ref('int_collector_teams_spanned') }}
),

attribution_methods as (
    select * from {{ ref('attribution_methods') }}
),

rules as (
    select
        max(case when is_headline then attribution_method end) as headline_method,
        {%- for method in ['last_touch', 'first_touch', 'linear'] %}
            max(case when attribution_method = '{{ method }}' then window_days end)
                as {{ method }}_days,
        {%- endfor %}
        max(touch_limit) as touch_limit
    from attribution_methods
),

-- A reversal takes back from the month in which the payment last paid the document.
reversals as (
    select
        company_code,
        payment_id,
        original_payment_id,
        document_id,
        effective_date
    from cash
    where is_reversed_cash
    group by company_code, payment_id, original_payment_id, document_id, effective_date
),

reversals_earned as (
    select
        reversals.company_code,
        reversals.payment_id,
        reversals.original_payment_id,
        reversals.document_id,
        reversals.effective_date,
        max(all_cash.effective_date) as earned_date
    from reversals
    inner join all_cash
        on
            reversals.company_code = all_cash.company_code
            and reversals.original_payment_id = all_cash.payment_id
            and reversals.document_id = all_cash.document_id
            and reversals.effective_date >= all_cash.effective_date
    where not all_cash.is_reversed_cash
    group by
        reversals.company_code,
        reversals.payment_id,
        reversals.original_payment_id,
        reversals.document_id,
        reversals.effective_date
),

payment_days as (
    select
        customer_id,
        payment_date,
        row_number() over (order by customer_id, payment_date) as day_no
    from cash
    group by customer_id, payment_date
),

paying_customers as (
    select customer_id
    from payment_days
    group by customer_id
),

touches as (
    select
        contacts.customer_id,
        contacts.collector_id,
        contacts.contact_date,
        row_number() over (
            partition by contacts.customer_id
            order by contacts.contact_date, contacts.contacted_at, contacts.contact_id
        ) as touch_no
    from contacts
    inner join paying_customers
        on contacts.customer_id = paying_customers.customer_id
),

-- A customer's days in order: where a look back begins before the contacts of its day, where a
-- payment ends it after them.
timeline as (
    select
        customer_id,
        contact_date as event_date,
        1 as event_order,
        touch_no,
        cast(null as bigint) as day_no
    from touches
    union all
    select
        payment_days.customer_id,
        {{ add_days('payment_days.payment_date', '-rules.first_touch_days') }} as event_date,
        0 as event_order,
        0 as touch_no,
        payment_days.day_no
    from payment_days
    cross join rules
    union all
    select
        customer_id,
        payment_date as event_date,
        2 as event_order,
        0 as touch_no,
        day_no
    from payment_days
),

timeline_counted as (
    select
        day_no,
        event_order,
        max(touch_no) over (
            partition by customer_id
            order by event_date, event_order
            rows between unbounded preceding and current row
        ) as touch_count
    from timeline
),

looked_back as (
    select
        day_no,
        max(case when event_order = 2 then touch_count end) as last_touch_no,
        max(case when event_order = 0 then touch_count end) + 1 as first_touch_no
    from timeline_counted
    where day_no is not null
    group by day_no
),

-- The contacts that a method may give the cash of a day to: in slot 0 the first one, then the last
-- ones backwards.
days_slotted as (
    select
        payment_days.day_no,
        payment_days.customer_id,
        payment_days.payment_date,
        looked_back.first_touch_no,
        looked_back.last_touch_no,
        {{ explode_integers('0', 'rules.touch_limit') }} as slot_no
    from payment_days
    inner join looked_back
        on payment_days.day_no = looked_back.day_no
    cross join rules
    where looked_back.last_touch_no > 0
),

days_touched as (
    select
        day_no,
        customer_id,
        payment_date,
        slot_no,
        case
            when slot_no > 0 then last_touch_no - slot_no + 1
            when first_touch_no <= last_touch_no then first_touch_no
        end as touch_no
    from days_slotted
),

given as (
    select
        days_touched.day_no,
        touches.collector_id,
        0 as is_portfolio_owner,
        case
            when
                days_touched.slot_no = 1
                and touches.contact_date
                >= {{ add_days('days_touched.payment_date', '-rules.last_touch_days') }}
                then 1
            else 0
        end as is_last_touch,
        case when days_touched.slot_no = 0 then 1 else 0 end as is_first_touch,
        case
            when
                days_touched.slot_no > 0
                and touches.contact_date
                >= {{ add_days('days_touched.payment_date', '-rules.linear_days') }}
                then 1
            else 0
        end as touch_count
    from days_touched
    cross join rules
    inner join touches
        on
            days_touched.customer_id = touches.customer_id
            and days_touched.touch_no = touches.touch_no
    union all
    select
        payment_days.day_no,
        portfolios.collector_id,
        1 as is_portfolio_owner,
        0 as is_last_touch,
        0 as is_first_touch,
        0 as touch_count
    from payment_days
    inner join portfolios
        on
            payment_days.customer_id = portfolios.customer_id
            and payment_days.payment_date >= portfolios.owned_from
            and payment_days.payment_date < portfolios.owned_until
),

found as (
    select
        day_no,
        max(is_portfolio_owner) as is_portfolio_owner,
        max(is_last_touch) as is_last_touch,
        max(is_first_touch) as is_first_touch,
        sum(touch_count) as touch_total
    from given
    group by day_no
),

-- What a method gives to nobody stands beside what it gives to somebody.
given_or_not as (
    select * from given
    union all
    select
        payment_days.day_no,
        'unattributed' as collector_id,
        1 - coalesce(found.is_portfolio_owner, 0) as is_portfolio_owner,
        1 - coalesce(found.is_last_touch, 0) as is_last_touch,
        1 - coalesce(found.is_first_touch, 0) as is_first_touch,
        case when found.touch_total > 0 then 0 else 1 end as touch_count
    from payment_days
    left join found
        on payment_days.day_no = found.day_no
),

earners as (
    select
        given_or_not.day_no,
        given_or_not.collector_id,
        max(given_or_not.is_portfolio_owner) as is_portfolio_owner,
        max(given_or_not.is_last_touch) as is_last_touch,
        max(given_or_not.is_first_touch) as is_first_touch,
        cast(sum(given_or_not.touch_count) as integer) as touch_count,
        cast(greatest(1, coalesce(max(found.touch_total), 0)) as integer) as touch_total
    from given_or_not
    left join found
        on given_or_not.day_no = found.day_no
    group by given_or_not.day_no, given_or_not.collector_id
    having
        max(given_or_not.is_portfolio_owner) = 1
        or max(given_or_not.is_last_touch) = 1
        or max(given_or_not.is_first_touch) = 1
        or sum(given_or_not.touch_count) > 0
),

-- Those who share the cash of a day by contact are numbered.
earners_numbered as (
    select
        *,
        touch_count > 0 and touch_count < touch_total as is_shared,
        row_number() over (
            partition by day_no, touch_count > 0 and touch_count < touch_total
            order by collector_id
        ) as sharer_no
    from earners
),

-- Cents that do not divide go by largest remainder. Who gets them depends on how many contacts each
-- sharer has, and on how many cents there are: it is asked once for each pattern, not each payment.
patterned as (
    select
        day_no,
        {{ pattern_of('touch_count', 'sharer_no') }} as pattern_no
    from earners_numbered
    where is_shared
    group by day_no
),

patterns as (
    select
        pattern_no,
        min(day_no) as day_no
    from patterned
    group by pattern_no
),

cents_divided as (
    select
        patterns.pattern_no,
        earners_numbered.sharer_no,
        earners_numbered.touch_count,
        earners_numbered.touch_total,
        {{ explode_integers('0', 'earners_numbered.touch_total - 1') }} as cent_count
    from patterns
    inner join earners_numbered
        on
            patterns.day_no = earners_numbered.day_no
            and earners_numbered.is_shared
),

cents_ranked as (
    select
        pattern_no,
        sharer_no,
        cent_count,
        touch_total,
        sum((cent_count * touch_count) % touch_total) over (
            partition by pattern_no, cent_count
        ) as remainder_total,
        row_number() over (
            partition by pattern_no, cent_count
            order by (cent_count * touch_count) % touch_total desc, sharer_no
        ) as remainder_rank
    from cents_divided
),

cents_given as (
    select
        pattern_no,
        sharer_no,
        cent_count
    from cents_ranked
    where remainder_rank * touch_total <= remainder_total
),

-- Of the promises that stand on the day of a payment, on its document or on all of its customer's,
-- the oldest one is served.
promises_served as (
    {%- for scope in ['document', 'customer'] %}
        select
            cash.customer_id,
            cash.payment_date,
            cash.document_id,
            cash.currency_code,
            promises.collector_id,
            promises.promised_at,
            promises.promise_id
        from cash
        inner join promises
            on
                cash.customer_id = promises.customer_id
                {%- if scope == 'document' %}
                    and cash.document_id = promises.target_document_id
                {%- endif %}
                and cash.currency_code = promises.currency_code
                and cash.payment_date between promises.window_start and promises.window_end
        {%- if scope == 'customer' %}
            where promises.target_document_id is null
        {%- else %}
            union all
        {%- endif %}
    {%- endfor %}
),

promised as (
    select
        customer_id,
        payment_date,
        document_id,
        currency_code,
        {{ earliest_by('collector_id', 'promised_at', 'promise_id') }} as collector_id
    from promises_served
    group by customer_id, payment_date, document_id, currency_code
),

pieces as (
    select
        cash.*,
        payment_days.day_no,
        coalesce(reversals_earned.earned_date, cash.effective_date) as earned_date,
        promised.collector_id as promise_collector_id,
        cast(abs(cash.amount_document) * 100 as bigint) as amount_document_units,
        cast(abs(cash.amount) * 100 as bigint) as amount_units,
        cast(100000000 as bigint) as share_units
    from cash
    inner join payment_days
        on
            cash.customer_id = payment_days.customer_id
            and cash.payment_date = payment_days.payment_date
    left join reversals_earned
        on
            cash.company_code = reversals_earned.company_code
            and cash.payment_id = reversals_earned.payment_id
            and cash.original_payment_id = reversals_earned.original_payment_id
            and cash.document_id = reversals_earned.document_id
            and cash.effective_date = reversals_earned.effective_date
    left join promised
        on
            cash.customer_id = promised.customer_id
            and cash.payment_date = promised.payment_date
            and cash.document_id = promised.document_id
            and cash.currency_code = promised.currency_code
),

pieces_promised as (
    select * from pieces
    where promise_collector_id is not null
),
{%- set units = ['share_units', 'amount_document_units', 'amount_units'] %}
{%- set columns = piece + carried + ['amount_document', 'amount'] + units %}

-- Who got the promise may have done nothing else that earns the payment.
earned as (
    select
        {{ columns_of(columns, 'pieces') }},
        earners_numbered.collector_id,
        earners_numbered.is_portfolio_owner = 1 as is_portfolio_owner,
        earners_numbered.is_last_touch = 1 as is_last_touch,
        earners_numbered.is_first_touch = 1 as is_first_touch,
        case
            when pieces.promise_collector_id is null then earners_numbered.is_last_touch = 1
            else earners_numbered.collector_id = pieces.promise_collector_id
        end as is_promise_first,
        earners_numbered.touch_count,
        earners_numbered.touch_total,
        case when earners_numbered.is_shared then earners_numbered.sharer_no end as sharer_no,
        patterned.pattern_no
    from pieces
    inner join earners_numbered
        on pieces.day_no = earners_numbered.day_no
    left join patterned
        on earners_numbered.day_no = patterned.day_no
    union all
    select
        {{ columns_of(columns, 'pieces_promised') }},
        pieces_promised.promise_collector_id as collector_id,
        false as is_portfolio_owner,
        false as is_last_touch,
        false as is_first_touch,
        true as is_promise_first,
        0 as touch_count,
        1 as touch_total,
        cast(null as bigint) as sharer_no,
        cast(null as bigint) as pattern_no
    from pieces_promised
    left join earners
        on
            pieces_promised.day_no = earners.day_no
            and pieces_promised.promise_collector_id = earners.collector_id
    where earners.day_no is null
),

final as (
    select
        rules.headline_method,
        {{ columns_of(piece + carried, 'earned') }},
        earned.collector_id,
        case
            when earned.collector_id = 'unattributed' then 'unattributed'
            else coalesce(teams.team_id, 'unassigned')
        end as team_id,
        earned.is_portfolio_owner,
        earned.is_last_touch,
        earned.is_first_touch,
        earned.is_promise_first,
        cast(earned.amount_document as decimal(18, 2)) as amount_document,
        cast(earned.amount as decimal(18, 2)) as amount,
        {%- for unit, sign, digit, type in [
            ('share_units', '1', "'0.00000001' as decimal(8, 8)", 'decimal(18, 8)'),
            (
                'amount_document_units',
                'sign(earned.amount_document)',
                "'0.01' as decimal(2, 2)",
                'decimal(18, 2)'
            ),
            ('amount_units', 'sign(earned.amount)', "'0.01' as decimal(2, 2)", 'decimal(18, 2)'),
        ] %}
        cast(
            cast(
                {{ sign }}
                * (
                        {{ whole_parts(
                            'earned.' ~ unit, 'earned.touch_count', 'earned.touch_total'
                        ) }}
                    + case when {{ unit }}_more.sharer_no is null then 0 else 1 end
                ) as decimal(18, 0)
            )
            * cast({{ digit }}) as {{ type }}
        ) as linear_{{ unit.replace('_units', '') }}{{ ',' if not loop.last }}
    {%- endfor %}
    from earned
    cross join rules
    {%- for unit in units %}
        left join cents_given as {{ unit }}_more
            on
                earned.pattern_no = {{ unit }}_more.pattern_no
                and earned.sharer_no = {{ unit }}_more.sharer_no
                and earned.{{ unit }} % earned.touch_total = {{ unit }}_more.cent_count
    {%- endfor %}
    left join teams
        on
            earned.collector_id = teams.collector_id
            and earned.effective_date >= teams.member_from
            and earned.effective_date < teams.member_until
)

select * from final
