-- Grain: one row per kept slice, account, bucket and age basis that is not empty. Accounts and
-- buckets stand as numbers here: names written millions of times cost more than all sums.
-- Use aging_by_customer, which puts the names beside them.
{{ config(**replaces_touched(
    by='int_aging_touched',
    keys=['as_of_date', 'account_no'],
    row_key=['as_of_date', 'account_no', 'bucket_no', 'is_by_due_date']
)) }}
{%- set cells = 1000 %}
with balances as (
    select * from {{ ref('receivables_by_span') }}
),

days as (
    select * from {{ ref('int_days_sliced') }}
),

slices as (
    select * from {{ ref('int_slices_kept') }}
),

ages as (
    select * from {{ ref('int_ages_bucketed') }}
),

buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

numbered_buckets as (
    select
        aging_bucket,
        {{ bucket_number() }} as bucket_no
    from buckets
),

{{ balances_by_slice() }},

{% if is_refresh() %}
    dated_balances as (
        select
            exploded_balances.*,
            slices.as_of_date
        from exploded_balances
        inner join slices
            on exploded_balances.slice_no = slices.slice_no
    ),

    sliced_balances as (
        select * from dated_balances
        where {{ touched_only(
            'dated_balances', 'int_aging_touched', ['as_of_date', 'account_no']
        ) }}
    ),
{% else %}
    sliced_balances as (
        select * from exploded_balances
    ),
{% endif %}

-- A cell is a slice, a bucket and an age basis in one number: a group of two numbers is found twice
-- as fast as one of four.
age_cells as (
    select
        slice_no,
        basis_date,
        slice_no * {{ cells }} + bucket_no * 2 as cell_no
    from ages
),

bases as (
    select 0 as basis_no
    union all
    select 1 as basis_no
),

placed as (
    select
        sliced_balances.account_no,
        age_cells.cell_no,
        sliced_balances.open_amount_document,
        sliced_balances.open_amount
    from sliced_balances
    inner join age_cells
        on
            sliced_balances.slice_no = age_cells.slice_no
            and sliced_balances.due_date = age_cells.basis_date
    where sliced_balances.credit_class_code is null
    union all
    select
        sliced_balances.account_no,
        age_cells.cell_no + 1 as cell_no,
        sliced_balances.open_amount_document,
        sliced_balances.open_amount
    from sliced_balances
    inner join age_cells
        on
            sliced_balances.slice_no = age_cells.slice_no
            and sliced_balances.document_date = age_cells.basis_date
    where sliced_balances.credit_class_code is null
    union all
    select
        sliced_balances.account_no,
        sliced_balances.slice_no * {{ cells }} + numbered_buckets.bucket_no * 2 + bases.basis_no
            as cell_no,
        sliced_balances.open_amount_document,
        sliced_balances.open_amount
    from sliced_balances
    inner join numbered_buckets
        on sliced_balances.credit_class_code = numbered_buckets.aging_bucket
    cross join bases
),

totals as (
    select
        account_no,
        cell_no,
        count(*) as document_count,
        count(open_amount) as converted_count,
        sum(open_amount_document) as open_amount_document,
        sum(open_amount) as open_amount
    from placed
    group by account_no, cell_no
),

final as (
    select
        slices.as_of_date,
        totals.account_no,
        cast(
            (mod(totals.cell_no, {{ cells }}) - mod(totals.cell_no, 2)) / 2 as integer
        ) as bucket_no,
        mod(totals.cell_no, 2) = 0 as is_by_due_date,
        cast(totals.document_count as bigint) as document_count,
        cast(totals.open_amount_document as decimal(18, 2)) as open_amount_document,
        case
            when totals.converted_count = totals.document_count
                then cast(totals.open_amount as decimal(18, 2))
        end as open_amount
    from totals
    inner join slices
        on totals.cell_no - mod(totals.cell_no, {{ cells }}) = slices.slice_no * {{ cells }}
)

select * from final
