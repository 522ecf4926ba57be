{#-
    Where an item stands in the headline presentation: null for a receivable, which is aged, else
    the bucket of credits that stands apart.
-#}
{%- macro credit_class_of(item_type, document_type, original_amount_document) -%}
    case
        when {{ item_type }} = 'payment' then 'unapplied_cash'
        when
            {{ document_type }} in ('credit_memo', 'write_off', 'recovery')
            or {{ original_amount_document }} < 0
            then 'unapplied_credit'
    end
{%- endmacro -%}

{#-
    The one bucket rule: whether a bucket of dim_aging_buckets holds an age counted from a date.
    A bucket is closed above and open below; the first has no lower, the last no upper bound.
-#}
{%- macro bucket_holds(buckets, basis_date, as_of_date) -%}
    {{ buckets }}.is_aged
    and (
        {{ buckets }}.lower_bound is null
        or {{ past_due_units(buckets, basis_date, as_of_date) }} > {{ buckets }}.lower_bound
    )
    and (
        {{ buckets }}.upper_bound is null
        or {{ past_due_units(buckets, basis_date, as_of_date) }} <= {{ buckets }}.upper_bound
    )
{%- endmacro -%}

{#- An age in the unit of a bucket's set: days, or calendar months begun. -#}
{%- macro past_due_units(buckets, basis_date, as_of_date) -%}
    case
        when {{ buckets }}.unit = 'month' then {{ months_past_due(basis_date, as_of_date) }}
        else {{ days_between(basis_date, as_of_date) }}
    end
{%- endmacro -%}

{#- The number of a bucket among those of all sets: stands in a select from dim_aging_buckets. -#}
{%- macro bucket_number() -%}
    cast(
        row_number() over (order by bucket_set, aging_bucket_order, aging_bucket) as integer
    )
{%- endmacro -%}

{#-
    The number of an account, which is what a customer owes one company in one currency. It comes
    from the names alone, so that an account keeps its number whatever else is delivered.
-#}
{%- macro account_number(company_code, customer_id, currency_code) -%}
    {{ adapter.dispatch('account_number', 'collections')(
        company_code, customer_id, currency_code
    ) }}
{%- endmacro -%}

{%- macro default__account_number(company_code, customer_id, currency_code) -%}
    cast(hash({{ company_code }}, {{ customer_id }}, {{ currency_code }}) >> 1 as bigint)
{%- endmacro -%}

{%- macro spark__account_number(company_code, customer_id, currency_code) -%}
    xxhash64({{ company_code }}, {{ customer_id }}, {{ currency_code }})
{%- endmacro -%}

{#-
    What was open from day to day, as CTEs that end in `exploded_balances`: a row per kept slice,
    by its number. Stands after CTEs `balances`, `days` and `slices`.
-#}
{%- macro balances_by_slice() -%}
last_slice as (
    select max(slice_no) as last_slice_no from slices
),

numbered_balances as (
    select
        {{ account_number(
            'balances.company_code', 'balances.customer_id', 'balances.currency_code'
        ) }} as account_no,
        balances.credit_class_code,
        balances.due_date,
        balances.document_date,
        balances.open_amount_document,
        balances.open_amount,
        opening.next_slice_no as first_slice_no,
        coalesce(closing.next_slice_no - 1, last_slice.last_slice_no) as final_slice_no
    from balances
    inner join days as opening
        on balances.open_from = opening.calendar_date
    cross join last_slice
    left join days as closing
        on balances.open_to = closing.calendar_date
),

exploded_balances as (
    select
        account_no,
        credit_class_code,
        due_date,
        document_date,
        open_amount_document,
        open_amount,
        cast(
            {{ explode_integers('first_slice_no', 'final_slice_no') }} as integer
        ) as slice_no
    from numbered_balances
    where first_slice_no <= final_slice_no
)
{%- endmacro -%}
