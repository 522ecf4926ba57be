-- The table macro, asked for the run's own day and instant, gives what the marts hold, by document
-- and added up by customer. The day stands here as a literal, as a reader would write it: so the
-- view cuts one slice, and not first all of them. After a refresh documents and customers that it
-- changed are asked for, a few hundred of them, by literals too; P1 and P9 prove the totals.
{{ config(enabled=(target.type == 'duckdb')) }}
{%- set day = value_of('select max(as_of_date) from ' ~ ref('run_parameters')) %}

with aging_by_document as (
    select * from {{ ref('aging_by_document') }}
    where as_of_date = cast('{{ day }}' as date)
),

aging_by_customer as (
    select * from {{ ref('aging_by_customer') }}
    where
        age_basis = 'due_date'
        and document_count > 0
        and as_of_date = cast('{{ day }}' as date)
        and {{ is_looked_at('customer_id') }}
),

all_asked as (
    select *
    from marts.aging_as_of(
        (select max(as_of_date) from {{ ref('run_parameters') }}),
        (select max(known_at) from {{ ref('run_parameters') }})
    )
),

asked as (
    select * from all_asked
    where {{ is_looked_at('document_id') }}
),

only_asked as (
    select * from asked
    except
    select * from aging_by_document
    where {{ is_looked_at('document_id') }}
),

only_kept as (
    select * from aging_by_document
    where {{ is_looked_at('document_id') }}
    except
    select * from asked
),

by_document as (
    select
        as_of_date,
        company_code,
        customer_id,
        currency_code,
        bucket_set,
        aging_bucket,
        count(*) as document_count,
        sum(open_amount_document) as open_amount_document,
        case when count(open_amount) = count(*) then sum(open_amount) end as open_amount
    from aging_by_document
    where {{ is_looked_at('customer_id') }}
    group by as_of_date, company_code, customer_id, currency_code, bucket_set, aging_bucket
),

by_customer as (
    select
        as_of_date,
        company_code,
        customer_id,
        currency_code,
        bucket_set,
        aging_bucket,
        document_count,
        open_amount_document,
        open_amount
    from aging_by_customer
),

only_by_document as (
    select * from by_document
    except
    select * from by_customer
),

only_by_customer as (
    select * from by_customer
    except
    select * from by_document
),

violations as (
    select 'asked but not kept' as violation from only_asked
    union all
    select 'kept but not asked' as violation from only_kept
    union all
    select 'by document but not by customer' as violation from only_by_document
    union all
    select 'by customer but not by document' as violation from only_by_customer
)

select * from violations
