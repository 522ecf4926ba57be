-- noqa: disable=LT02
{#-
    Table macros for analysts: the open items and the aging of any day D as known at any instant K,
    not only of kept slices, and what changed a past number between two instants. They read marts
    only and name them without their database, so that they also work in the published copy. The
    model aging_by_document creates the first two in its post-hooks, restatements the third: when
    these are built, all that is read is there.
-#}

{#- What is open on `as_of_date` as known at `known_at`: the body of `open_items_as_of`. -#}
{%- macro open_items_sql() -%}
with balances as (
    select
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no,
        sum(movements.amount_document) as open_amount_document,
        sum(movements.amount) as converted_amount,
        sum(case when movements.amount is null then 1 else 0 end) as missing_count
    from marts.receivable_movements as movements
    where
        movements.effective_date <= cast(as_of_date as date)
        and movements._recorded_at <= cast(known_at as timestamp)
        and movements._superseded_at > cast(known_at as timestamp)
    group by
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no
),

known_items as (
    select items.*
    from marts.receivable_items as items
    where
        items._recorded_at <= cast(known_at as timestamp)
        and items._superseded_at > cast(known_at as timestamp)
)

select
    cast(as_of_date as date) as as_of_date,
    known_items.company_code,
    known_items.document_id,
    known_items.installment_no,
    known_items.item_type,
    known_items.customer_id,
    known_items.document_type,
    known_items.currency_code,
    known_items.document_date,
    known_items.due_date,
    known_items.due_date_source,
    {{ days_between('known_items.due_date', 'cast(as_of_date as date)') }} as days_past_due,
    cast(balances.open_amount_document as decimal(18, 2)) as open_amount_document,
    case
        when balances.missing_count = 0
            then cast(balances.converted_amount as decimal(18, 2))
    end as open_amount,
    case when balances.missing_count = 0 then 'ok' else 'missing' end as rate_status,
    {{ credit_class_of(
        'known_items.item_type',
        'known_items.document_type',
        'known_items.original_amount_document'
    ) }} as credit_class_code,
    known_items.has_open_dispute,
    known_items.legal_status
from balances
inner join known_items
    on
        balances.company_code = known_items.company_code
        and balances.item_type = known_items.item_type
        and balances.document_id = known_items.document_id
        and balances.installment_no = known_items.installment_no
where balances.open_amount_document <> 0
{%- endmacro -%}

{#- Every open item in its bucket of every set: the body of `aging_as_of`. -#}
{%- macro aging_sql() -%}
select
    open_items.as_of_date,
    open_items.company_code,
    open_items.document_id,
    open_items.installment_no,
    open_items.item_type,
    open_items.customer_id,
    open_items.document_type,
    open_items.currency_code,
    open_items.document_date,
    open_items.due_date,
    open_items.days_past_due,
    buckets.bucket_set,
    buckets.aging_bucket,
    buckets.aging_bucket_order,
    buckets_by_document_date.aging_bucket as aging_bucket_by_document_date,
    open_items.open_amount_document,
    open_items.open_amount,
    open_items.rate_status,
    open_items.credit_class_code is null
    and open_items.open_amount_document < 0 as is_over_applied,
    {{ convert_amount('open_items.open_amount_document', 'closing_rates.fx_rate') }}
        as revalued_open_amount,
    coalesce(closing_rates.rate_status, 'missing') as revalued_rate_status
from marts.open_items_as_of(as_of_date, known_at) as open_items
inner join marts.dim_aging_buckets as buckets
    on
        buckets.aging_bucket = open_items.credit_class_code
        or (
            open_items.credit_class_code is null
            and {{ bucket_holds('buckets', 'open_items.due_date', 'open_items.as_of_date') }}
        )
inner join marts.dim_aging_buckets as buckets_by_document_date
    on
        buckets.bucket_set = buckets_by_document_date.bucket_set
        and (
            buckets_by_document_date.aging_bucket = open_items.credit_class_code
            or (
                open_items.credit_class_code is null
                and {{ bucket_holds(
                    'buckets_by_document_date', 'open_items.document_date', 'open_items.as_of_date'
                ) }}
            )
        )
left join marts.closing_rates_by_day as closing_rates
    on
        open_items.currency_code = closing_rates.currency_code
        and closing_rates.rate_date = least(
            open_items.as_of_date,
            (select max(rates.rate_date) from marts.closing_rates_by_day as rates)
        )
{%- endmacro -%}

{#- The statement that creates `marts.open_items_as_of(as_of_date, known_at)`. -#}
{%- macro create_open_items_as_of() -%}
    {{ adapter.dispatch('create_open_items_as_of', 'collections')() }}
{%- endmacro -%}

{%- macro default__create_open_items_as_of() -%}
    create or replace macro marts.open_items_as_of(as_of_date, known_at) as table
    {{ open_items_sql() }}
{%- endmacro -%}

{#- Spark has no table macros: nothing is created. -#}
{%- macro spark__create_open_items_as_of() -%}{%- endmacro -%}

{#- The statement that creates `marts.aging_as_of(as_of_date, known_at)`, after the one above. -#}
{%- macro create_aging_as_of() -%}
    {{ adapter.dispatch('create_aging_as_of', 'collections')() }}
{%- endmacro -%}

{%- macro default__create_aging_as_of() -%}
    create or replace macro marts.aging_as_of(as_of_date, known_at) as table
    {{ aging_sql() }}
{%- endmacro -%}

{%- macro spark__create_aging_as_of() -%}{%- endmacro -%}

{#- Whether a row of the journal or of its items was known at an instant. -#}
{%- macro was_known(relation, instant) -%}
    ({{ relation }}._recorded_at <= {{ instant }} and {{ relation }}._superseded_at > {{ instant }})
{%- endmacro -%}

{#-
    What changed the aging of `as_of_date` between what was known at `known_from` and at `known_to`:
    the body of `restatements_between`. Added up by bucket, customer, or in all, the changes are the
    difference of the two agings to the cent. An item that stands elsewhere, because its due date or
    its customer changed, leaves one place and enters the other with what was open before.
-#}
{%- macro restatements_sql() -%}
{%- set known_before = 'cast(known_from as timestamp)' %}
{%- set known_after = 'cast(known_to as timestamp)' %}
{%- set day = 'cast(as_of_date as date)' %}
{%- set item = ['company_code', 'item_type', 'document_id', 'installment_no'] %}
with entries as (
    select
        *,
        {{ was_known('movements', known_after) }} as is_added
    from marts.receivable_movements as movements
    where
        effective_date <= {{ day }}
        and {{ was_known('movements', known_before) }}
        is distinct from {{ was_known('movements', known_after) }}
),

versions as (
    select
        *,
        {{ was_known('items', known_before) }} as is_before,
        {{ was_known('items', known_after) }} as is_after
    from marts.receivable_items as items
    where {{ was_known('items', known_before) }} or {{ was_known('items', known_after) }}
),

items_touched as (
    select {{ item | join(', ') }}
    from entries
    union
    select {{ item | join(', ') }}
    from versions
    where is_before <> is_after
),

-- Both versions of an item that anything happened to, in its bucket of every set.
placed as (
    select
        versions.*,
        buckets.bucket_set,
        buckets.aging_bucket,
        buckets.aging_bucket_order
    from versions
    inner join items_touched
        on {{ equal_columns(item, 'versions', 'items_touched') }}
    inner join marts.dim_aging_buckets as buckets
        on
            buckets.aging_bucket = {{ credit_class_of(
                'versions.item_type', 'versions.document_type', 'versions.original_amount_document'
            ) }}
            or (
                {{ credit_class_of(
                    'versions.item_type',
                    'versions.document_type',
                    'versions.original_amount_document'
                ) }} is null
                and {{ bucket_holds('buckets', 'versions.due_date', day) }}
            )
),

sums as (
    select
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no,
        movements.currency_code,
        {%- for moment, known in {'before': known_before, 'after': known_after}.items() %}
            coalesce(
                sum(movements.amount_document) filter (
                    where {{ was_known('movements', known) }}
                ),
                0
            ) as {{ moment }}_amount_document,
            coalesce(
                sum(movements.amount) filter (where {{ was_known('movements', known) }}), 0
            ) as {{ moment }}_amount,
            count(*) filter (
                where {{ was_known('movements', known) }} and movements.amount is null
            ) as {{ moment }}_missing_count{{ ',' if not loop.last }}
        {%- endfor %}
    from marts.receivable_movements as movements
    inner join items_touched
        on {{ equal_columns(item, 'movements', 'items_touched') }}
    where movements.effective_date <= {{ day }}
    group by
        movements.company_code,
        movements.item_type,
        movements.document_id,
        movements.installment_no,
        movements.currency_code
),

-- Where an item stood and stands. One that is known at one instant only has no other place.
places as (
    select
        {%- for column in item %}
        coalesce(standing.{{ column }}, stood.{{ column }}) as {{ column }},
        {%- endfor %}
        coalesce(standing.bucket_set, stood.bucket_set) as bucket_set,
        {%- for column in ['customer_id', 'aging_bucket', 'aging_bucket_order'] %}
        coalesce(standing.{{ column }}, stood.{{ column }}) as {{ column }},
        {%- endfor %}
        stood.customer_id as before_customer_id,
        stood.aging_bucket as before_aging_bucket,
        stood.aging_bucket_order as before_aging_bucket_order,
        coalesce(
            stood.customer_id <> standing.customer_id
            or stood.aging_bucket <> standing.aging_bucket,
            false
        ) as is_moved
    from (select * from placed where is_before) as stood
    full outer join (select * from placed where is_after) as standing
        on
            {{ equal_columns(item + ['bucket_set'], 'stood', 'standing') }}
),

-- By currency, because a correction may change an item's.
-- An item that is settled in its own currency is not open, whatever conversion leaves of it; one
-- that is open has no amount when any of its movements has none.
opened as (
    select
        *,
        case
            when before_amount_document = 0 then 0
            when before_missing_count = 0 then before_amount
        end as before_open_amount,
        case
            when after_amount_document = 0 then 0
            when after_missing_count = 0 then after_amount
        end as after_open_amount
    from sums
),

balanced as (
    select
        places.*,
        opened.currency_code,
        opened.before_amount_document,
        opened.before_open_amount,
        opened.after_open_amount - opened.before_open_amount
        - (opened.after_amount - opened.before_amount) as residue_amount
    from places
    inner join opened
        on {{ equal_columns(item, 'places', 'opened') }}
),

changes as (
    select
        places.bucket_set,
        places.aging_bucket,
        places.aging_bucket_order,
        places.customer_id,
        entries.company_code,
        entries.item_type,
        entries.document_id,
        entries.installment_no,
        case when entries.is_added then 'entry_added' else 'entry_removed' end as change_type,
        entries.movement_type,
        entries.effective_date,
        entries.source_type,
        entries.source_id,
        entries.source_line_no,
        entries.piece_no,
        entries.currency_code,
        case when entries.is_added then 1 else -1 end * entries.amount_document
            as change_amount_document,
        case when entries.is_added then 1 else -1 end * entries.amount as change_amount,
        entries._load_id
    from entries
    inner join places
        on {{ equal_columns(item, 'entries', 'places') }}
    {%- for change_type, when in {
        'place_left': 'is_moved and before_amount_document <> 0',
        'place_entered': 'is_moved and before_amount_document <> 0',
        'fx_residue': 'residue_amount <> 0',
    }.items() %}
    {%- set prefix = 'before_' if change_type == 'place_left' else '' %}
    {%- set sign = '-' if change_type == 'place_left' else '' %}
    union all
    select
        bucket_set,
        {{ prefix }}aging_bucket as aging_bucket,
        {{ prefix }}aging_bucket_order as aging_bucket_order,
        {{ prefix }}customer_id as customer_id,
        company_code,
        item_type,
        document_id,
        installment_no,
        '{{ change_type }}' as change_type,
        cast(null as varchar) as movement_type,
        cast(null as date) as effective_date,
        cast(null as varchar) as source_type,
        cast(null as varchar) as source_id,
        cast(null as integer) as source_line_no,
        cast(null as integer) as piece_no,
        currency_code,
        {%- if change_type == 'fx_residue' %}
        0 as change_amount_document,
        residue_amount as change_amount,
        {%- else %}
        {{ sign }}before_amount_document as change_amount_document,
        {{ sign }}before_open_amount as change_amount,
        {%- endif %}
        cast(null as varchar) as _load_id
    from balanced
    where {{ when }}
    {%- endfor %}
)

select
    {{ day }} as as_of_date,
    {{ known_before }} as known_from,
    {{ known_after }} as known_to,
    bucket_set,
    aging_bucket,
    aging_bucket_order,
    company_code,
    customer_id,
    item_type,
    document_id,
    installment_no,
    change_type,
    movement_type,
    effective_date,
    source_type,
    source_id,
    source_line_no,
    piece_no,
    currency_code,
    cast(change_amount_document as decimal(18, 2)) as change_amount_document,
    cast(change_amount as decimal(18, 2)) as change_amount,
    case when change_amount is null then 'missing' else 'ok' end as rate_status,
    _load_id
from changes
{%- endmacro -%}

{#- The statement that creates `marts.restatements_between(as_of_date, known_from, known_to)`. -#}
{%- macro create_restatements_between() -%}
    {{ adapter.dispatch('create_restatements_between', 'collections')() }}
{%- endmacro -%}

{%- macro default__create_restatements_between() -%}
    create or replace macro marts.restatements_between(as_of_date, known_from, known_to) as table
    {{ restatements_sql() }}
{%- endmacro -%}

{%- macro spark__create_restatements_between() -%}{%- endmacro -%}

{#- The one value of a query, asked before the statement that it stands in; empty while parsing. -#}
{%- macro value_of(query) -%}
    {%- if execute -%}
        {{ run_query(query)[0][0] }}
    {%- endif -%}
{%- endmacro -%}
