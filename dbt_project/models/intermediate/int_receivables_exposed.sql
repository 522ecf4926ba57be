-- Grain: one row per knowledge, company, month, segment, bucket set and bucket with something open.
-- Knowledge is what the run knows (`now`), or what was known at the month's end (`then`, only of
-- months that are over). Balances at the month's end, in the running month at the as-of date.
-- Items that are judged alone, themselves or with their customer, stand in the bucket `specific` of
-- every set, with what is required for them.
with months as (
    select * from {{ ref('int_periods_listed') }}
    where period_type = 'month'
),

companies_known as (
    select * from {{ ref('int_companies_known') }}
),

balances as (
    select * from {{ ref('int_balances_sliced') }}
),

reviewed_balances as (
    select * from {{ ref('int_balances_reviewed') }}
),

ages as (
    select * from {{ ref('int_ages_bucketed') }}
),

aging_buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

provisions as (
    select * from {{ ref('specific_provisions') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- Every month as known now, and every month that is over as known then.
months_known as (
    select
        'now' as knowledge,
        months.*,
        {{ local_date('run_parameters.known_at', 'run_parameters.timezone') }} as known_on_date
    from months
    cross join run_parameters
    union all
    select
        'then' as knowledge,
        months.*,
        months.measured_to_date as known_on_date
    from months
    inner join companies_known
        on months.company_code = companies_known.company_code
    where
        months.is_complete
        and months.period_start >= companies_known.first_known_month
),

-- Of one judgement the version that was known last holds; one without a rate takes it back.
provision_versions as (
    select
        *,
        lead(known_from) over (
            partition by company_code, customer_id, document_id, valid_from
            order by known_from
        ) as known_to
    from provisions
),

provisions_known as (
    select
        months_known.knowledge,
        months_known.period_start,
        provision_versions.company_code,
        provision_versions.customer_id,
        provision_versions.document_id,
        provision_versions.loss_rate
    from provision_versions
    inner join months_known
        on
            provision_versions.company_code = months_known.company_code
            and provision_versions.valid_from <= months_known.measured_to_date
            and coalesce(provision_versions.valid_to, months_known.measured_to_date)
            >= months_known.measured_to_date
            and provision_versions.known_from <= months_known.known_on_date
            and (
                provision_versions.known_to is null
                or provision_versions.known_to > months_known.known_on_date
            )
    where provision_versions.loss_rate is not null
),

-- An item's own judgement goes before its customer's. Credits stand apart and are not judged.
reviewed as (
    select
        reviewed_balances.*,
        coalesce(by_item.loss_rate, by_customer.loss_rate) as specific_loss_rate
    from reviewed_balances
    inner join months_known
        on
            reviewed_balances.knowledge = months_known.knowledge
            and reviewed_balances.company_code = months_known.company_code
            and reviewed_balances.month_start = months_known.period_start
    left join provisions_known as by_item
        on
            reviewed_balances.knowledge = by_item.knowledge
            and reviewed_balances.month_start = by_item.period_start
            and reviewed_balances.company_code = by_item.company_code
            and reviewed_balances.customer_id = by_item.customer_id
            and reviewed_balances.document_id = by_item.document_id
            and reviewed_balances.credit_class_code is null
    left join provisions_known as by_customer
        on
            reviewed_balances.knowledge = by_customer.knowledge
            and reviewed_balances.month_start = by_customer.period_start
            and reviewed_balances.company_code = by_customer.company_code
            and reviewed_balances.customer_id = by_customer.customer_id
            and by_customer.document_id is null
            and reviewed_balances.credit_class_code is null
),

open_by_segment as (
    select
        company_code,
        month_start,
        measured_to_date,
        segment,
        credit_class_code,
        due_date,
        sum(open_amount) as open_amount,
        sum(unconverted_item_count) as unconverted_count
    from balances
    group by company_code, month_start, measured_to_date, segment, credit_class_code, due_date
),

open_in_sets as (
    select
        open_by_segment.company_code,
        open_by_segment.month_start,
        open_by_segment.segment,
        ages.bucket_set,
        ages.aging_bucket,
        open_by_segment.open_amount,
        open_by_segment.unconverted_count
    from open_by_segment
    inner join ages
        on
            open_by_segment.measured_to_date = ages.as_of_date
            and open_by_segment.due_date = ages.basis_date
    where open_by_segment.credit_class_code is null
    union all
    select
        open_by_segment.company_code,
        open_by_segment.month_start,
        open_by_segment.segment,
        aging_buckets.bucket_set,
        aging_buckets.aging_bucket,
        open_by_segment.open_amount,
        open_by_segment.unconverted_count
    from open_by_segment
    inner join aging_buckets
        on open_by_segment.credit_class_code = aging_buckets.aging_bucket
),

open_now as (
    select
        company_code,
        month_start,
        segment,
        bucket_set,
        aging_bucket,
        sum(open_amount) as open_amount,
        sum(unconverted_count) as unconverted_count
    from open_in_sets
    group by company_code, month_start, segment, bucket_set, aging_bucket
),

reviewed_in_sets as (
    select
        reviewed.knowledge,
        reviewed.company_code,
        reviewed.month_start,
        reviewed.segment,
        aging_buckets.bucket_set,
        aging_buckets.aging_bucket,
        reviewed.specific_loss_rate is not null as is_judged,
        sum(coalesce(reviewed.open_amount, 0)) as open_amount,
        sum({{ convert_amount(
            'coalesce(reviewed.open_amount, 0)', 'coalesce(reviewed.specific_loss_rate, 0)'
        ) }}) as specific_allowance_amount,
        count(*) - count(reviewed.open_amount) as unconverted_count
    from reviewed
    inner join aging_buckets
        on
            reviewed.credit_class_code = aging_buckets.aging_bucket
            or (
                reviewed.credit_class_code is null
                and {{ bucket_holds(
                    'aging_buckets', 'reviewed.due_date', 'reviewed.measured_to_date'
                ) }}
            )
    group by
        reviewed.knowledge,
        reviewed.company_code,
        reviewed.month_start,
        reviewed.segment,
        aging_buckets.bucket_set,
        aging_buckets.aging_bucket,
        reviewed.specific_loss_rate is not null
),

-- As known now: everything, with what is judged moved to its own bucket. As known then: everything,
-- without the reviewed items as they are known now, and with them as they were known then.
exposures as (
    {%- for knowledge in ['now', 'then'] %}
        select
            '{{ knowledge }}' as knowledge,
            company_code,
            month_start,
            segment,
            bucket_set,
            aging_bucket,
            open_amount,
            0 as specific_allowance_amount,
            unconverted_count
        from open_now
        union all
        select
            '{{ knowledge }}' as knowledge,
            company_code,
            month_start,
            segment,
            bucket_set,
            aging_bucket,
            -open_amount as open_amount,
            0 as specific_allowance_amount,
            -unconverted_count as unconverted_count
        from reviewed_in_sets
        where
            knowledge = 'now'
            {% if knowledge == 'now' -%} and is_judged {%- endif %}
        union all
    {%- endfor %}
    select
        knowledge,
        company_code,
        month_start,
        segment,
        bucket_set,
        case when is_judged then 'specific' else aging_bucket end as aging_bucket,
        open_amount,
        specific_allowance_amount,
        unconverted_count
    from reviewed_in_sets
    where is_judged or knowledge = 'then'
),

summed as (
    select
        knowledge,
        company_code,
        month_start,
        segment,
        bucket_set,
        aging_bucket,
        sum(open_amount) as open_amount,
        sum(specific_allowance_amount) as specific_allowance_amount,
        sum(unconverted_count) as unconverted_count
    from exposures
    group by knowledge, company_code, month_start, segment, bucket_set, aging_bucket
),

final as (
    select
        summed.knowledge,
        summed.company_code,
        summed.month_start,
        summed.segment,
        summed.bucket_set,
        summed.aging_bucket,
        cast(summed.open_amount as decimal(28, 2)) as open_amount,
        cast(summed.specific_allowance_amount as decimal(28, 2)) as specific_allowance_amount,
        cast(summed.unconverted_count as integer) as unconverted_count
    from summed
    inner join months_known
        on
            summed.knowledge = months_known.knowledge
            and summed.company_code = months_known.company_code
            and summed.month_start = months_known.period_start
)

select * from final
