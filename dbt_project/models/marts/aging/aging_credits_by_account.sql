-- Grain: one row per kept slice, account, bucket and age basis in which credits change what is open
-- when they are presented otherwise than in buckets of their own: aged at their own date, or
-- applied to what the account owes, the oldest bucket first and unapplied cash before unapplied
-- credits. What leaves the credits' own buckets is in the others, so that the rows of an account's
-- bucket set add up to zero. A bucket takes no more than it holds: an item that is over-applied
-- offsets its own bucket first. In reporting currency the used share of a credit moves.
{{ config(**replaces_touched(
    by='int_aging_touched',
    keys=['as_of_date', 'account_no'],
    row_key=['as_of_date', 'account_no', 'bucket_no', 'is_by_due_date']
)) }}

with balances as (
    select * from {{ ref('receivables_by_span') }}
    where credit_class_code is not null
),

aging as (
    select * from {{ ref('aging_by_account') }}
),

days as (
    select * from {{ ref('int_days_sliced') }}
),

slices as (
    select * from {{ ref('int_slices_kept') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

numbered_buckets as (
    select
        *,
        {{ bucket_number() }} as bucket_no
    from buckets
),

{{ balances_by_slice() }},

dated_credits as (
    select
        exploded_balances.*,
        slices.as_of_date
    from exploded_balances
    inner join slices
        on exploded_balances.slice_no = slices.slice_no
),

based_credits as (
    select
        as_of_date,
        account_no,
        credit_class_code,
        true as is_by_due_date,
        due_date as basis_date,
        open_amount_document,
        open_amount
    from dated_credits
    where {{ touched_only('dated_credits', 'int_aging_touched', ['as_of_date', 'account_no']) }}
    union all
    select
        as_of_date,
        account_no,
        credit_class_code,
        false as is_by_due_date,
        document_date as basis_date,
        open_amount_document,
        open_amount
    from dated_credits
    where {{ touched_only('dated_credits', 'int_aging_touched', ['as_of_date', 'account_no']) }}
),

credits_by_date as (
    select
        as_of_date,
        account_no,
        credit_class_code,
        is_by_due_date,
        basis_date,
        sum(open_amount_document) as open_amount_document,
        sum(open_amount) as open_amount,
        count(*) - count(open_amount) as missing_count
    from based_credits
    group by as_of_date, account_no, credit_class_code, is_by_due_date, basis_date
),

credit_dates as (
    select
        as_of_date,
        basis_date
    from credits_by_date
    group by as_of_date, basis_date
),

credit_ages as (
    select
        credit_dates.as_of_date,
        credit_dates.basis_date,
        numbered_buckets.bucket_set,
        numbered_buckets.bucket_no
    from credit_dates
    inner join numbered_buckets
        on {{ bucket_holds(
            'numbered_buckets', 'credit_dates.basis_date', 'credit_dates.as_of_date'
        ) }}
),

credits as (
    select
        as_of_date,
        account_no,
        is_by_due_date,
    {%- for class in ['cash', 'credit'] %}
        sum(
            case
                when credit_class_code = 'unapplied_{{ class }}' then open_amount_document
                else 0
            end
        ) as {{ class }}_document,
        sum(case when credit_class_code = 'unapplied_{{ class }}' then open_amount else 0 end)
            as {{ class }}_amount,
        sum(case when credit_class_code = 'unapplied_{{ class }}' then missing_count else 0 end)
            as {{ class }}_missing_count{{ ',' if not loop.last }}
    {%- endfor %}
    from credits_by_date
    group by as_of_date, account_no, is_by_due_date
),

-- How much there is to give: an odd class that is owed on balance gives nothing.
gifts as (
    select
        as_of_date,
        account_no,
        is_by_due_date,
        cash_amount,
        credit_amount,
        cash_missing_count,
        credit_missing_count,
        greatest(-cash_document, 0) as cash_given,
        greatest(-credit_document, 0) as credit_given
    from credits
),

-- What an account owes from its oldest bucket on, after each bucket.
owed as (
    select
        aging.as_of_date,
        aging.account_no,
        aging.is_by_due_date,
        aging.bucket_no,
        numbered_buckets.bucket_set,
        gifts.cash_amount,
        gifts.credit_amount,
        gifts.cash_missing_count,
        gifts.credit_missing_count,
        gifts.cash_given,
        gifts.credit_given,
        aging.open_amount_document,
        sum(greatest(aging.open_amount_document, 0)) over (
            partition by
                aging.as_of_date,
                aging.account_no,
                aging.is_by_due_date,
                numbered_buckets.bucket_set
            order by numbered_buckets.aging_bucket_order desc
            rows between unbounded preceding and current row
        ) as owed_document
    from aging
    inner join gifts
        on
            aging.as_of_date = gifts.as_of_date
            and aging.account_no = gifts.account_no
            and aging.is_by_due_date = gifts.is_by_due_date
    inner join numbered_buckets
        on aging.bucket_no = numbered_buckets.bucket_no
    where numbered_buckets.is_aged
),

taken as (
    select
        *,
        least(cash_given, owed_document) as cash_taken,
        least(cash_given, owed_document - greatest(open_amount_document, 0)) as cash_taken_before,
        least(cash_given + credit_given, owed_document)
        - least(cash_given, owed_document) as credit_taken,
        least(cash_given + credit_given, owed_document - greatest(open_amount_document, 0))
        - least(cash_given, owed_document - greatest(open_amount_document, 0))
            as credit_taken_before
    from owed
),

applied as (
    select
        as_of_date,
        account_no,
        is_by_due_date,
        bucket_set,
        bucket_no,
        cash_missing_count,
        credit_missing_count,
    {%- for class in ['cash', 'credit'] %}
        {{ class }}_taken_before - {{ class }}_taken as {{ class }}_applied_document,
        coalesce(
            {{ prorate_amount(class ~ '_amount', class ~ '_taken', class ~ '_given') }}
            - {{ prorate_amount(class ~ '_amount', class ~ '_taken_before', class ~ '_given') }},
            0
        ) as {{ class }}_applied_amount{{ ',' if not loop.last }}
    {%- endfor %}
    from taken
),

moved as (
    select
        credits_by_date.as_of_date,
        credits_by_date.account_no,
        credit_ages.bucket_no,
        credits_by_date.is_by_due_date,
        credits_by_date.open_amount_document as credits_aged_document,
        credits_by_date.open_amount as credits_aged,
        0 as credits_applied_document,
        0 as credits_applied,
        credits_by_date.missing_count as aged_missing_count,
        0 as applied_missing_count
    from credits_by_date
    inner join credit_ages
        on
            credits_by_date.as_of_date = credit_ages.as_of_date
            and credits_by_date.basis_date = credit_ages.basis_date
    union all
    select
        credits_by_date.as_of_date,
        credits_by_date.account_no,
        numbered_buckets.bucket_no,
        credits_by_date.is_by_due_date,
        -credits_by_date.open_amount_document as credits_aged_document,
        -credits_by_date.open_amount as credits_aged,
        0 as credits_applied_document,
        0 as credits_applied,
        credits_by_date.missing_count as aged_missing_count,
        0 as applied_missing_count
    from credits_by_date
    inner join numbered_buckets
        on credits_by_date.credit_class_code = numbered_buckets.aging_bucket
    union all
    {%- for class in ['cash', 'credit'] %}
        select
            as_of_date,
            account_no,
            bucket_no,
            is_by_due_date,
            0 as credits_aged_document,
            0 as credits_aged,
            {{ class }}_applied_document as credits_applied_document,
            {{ class }}_applied_amount as credits_applied,
            0 as aged_missing_count,
            {{ class }}_missing_count as applied_missing_count
        from applied
        where {{ class }}_applied_document <> 0
        union all
        select
            applied.as_of_date,
            applied.account_no,
            numbered_buckets.bucket_no,
            applied.is_by_due_date,
            0 as credits_aged_document,
            0 as credits_aged,
            -applied.{{ class }}_applied_document as credits_applied_document,
            -applied.{{ class }}_applied_amount as credits_applied,
            0 as aged_missing_count,
            applied.{{ class }}_missing_count as applied_missing_count
        from applied
        inner join numbered_buckets
            on
                applied.bucket_set = numbered_buckets.bucket_set
                and numbered_buckets.aging_bucket = 'unapplied_{{ class }}'
        where applied.{{ class }}_applied_document <> 0
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

totals as (
    select
        as_of_date,
        account_no,
        bucket_no,
        is_by_due_date,
        sum(credits_aged_document) as credits_aged_document,
        sum(credits_aged) as credits_aged,
        sum(credits_applied_document) as credits_applied_document,
        sum(credits_applied) as credits_applied,
        sum(aged_missing_count) as aged_missing_count,
        sum(applied_missing_count) as applied_missing_count
    from moved
    group by as_of_date, account_no, bucket_no, is_by_due_date
),

final as (
    select
        as_of_date,
        account_no,
        bucket_no,
        is_by_due_date,
        cast(credits_aged_document as decimal(18, 2)) as credits_aged_amount_document,
        case when aged_missing_count = 0 then cast(credits_aged as decimal(18, 2)) end
            as credits_aged_amount,
        cast(credits_applied_document as decimal(18, 2)) as credits_applied_amount_document,
        case when applied_missing_count = 0 then cast(credits_applied as decimal(18, 2)) end
            as credits_applied_amount
    from totals
    where
        credits_aged_document <> 0
        or credits_applied_document <> 0
        or credits_aged <> 0
        or credits_applied <> 0
        or aged_missing_count > 0
)

select * from final
