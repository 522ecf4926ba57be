{#-
    Table macros for analysts: the open items and the aging of any day D as known at any instant K,
    not only of kept slices. They read marts only and name them without their database, so that
    they also work in the published copy. The model aging_by_document creates them in its
    post-hooks: when it is built, all that they read is there.
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
    and open_items.open_amount_document < 0 as is_over_applied
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

{#- The one value of a query, asked before the statement that it stands in; empty while parsing. -#}
{%- macro value_of(query) -%}
    {%- if execute -%}
        {{ run_query(query)[0][0] }}
    {%- endif -%}
{%- endmacro -%}
