-- Grain: one row per proof, subject, company, currency and date.
-- The two sides of a proof come by different routes: the journal against the aging marts, marts
-- against each other, what ingest wrote down against what is found by counting. Amounts are in the
-- currency of the row; rows about loads count rows, or are plain sums over all currencies, and
-- stand under `all`.
with run_parameters as (
    select * from {{ ref('run_parameters') }}
),

-- One sum of the journal by day serves all proofs.
movements as (
    select daily.*
    from {{ ref('int_movements_daily') }} as daily
    cross join run_parameters
    where
        daily.is_current
        and daily.effective_date <= run_parameters.as_of_date
),

unapplied_movements as (
    select movements.*
    from {{ ref('receivable_movements') }} as movements
    cross join run_parameters
    where
        movements.is_current
        and movements.item_type = 'payment'
        and movements.effective_date <= run_parameters.as_of_date
),

aging_by_bucket as (
    select * from {{ ref('aging_by_bucket') }}
),

aging_by_account as (
    select * from {{ ref('aging_by_account') }}
),

aging_accounts as (
    select * from {{ ref('aging_accounts') }}
),

aging_buckets as (
    select * from {{ ref('dim_aging_buckets') }}
),

migrations as (
    select * from {{ ref('aging_migration_by_month') }}
    where scope_type = 'company'
),

turnover as (
    select * from {{ ref('turnover_by_period') }}
    where
        period_type = 'month'
        and scope_type <> 'customer'
),

bad_debt as (
    select * from {{ ref('bad_debt_by_period') }}
    where
        period_type = 'month'
        and scope_type <> 'customer'
),

allowances as (
    select * from {{ ref('allowance_by_bucket') }}
),

roll_forward as (
    select * from {{ ref('allowance_roll_forward') }}
),

cash_earned as (
    select * from {{ ref('int_cash_earned_summed') }}
),

performance_by_collector as (
    select * from {{ ref('performance_by_collector_month') }}
),

performance_by_team as (
    select * from {{ ref('performance_by_team_month') }}
),

attribution_methods as (
    select * from {{ ref('attribution_methods') }}
),

receivables as (
    select * from {{ ref('receivables_by_document') }}
),

loads as (
    select * from {{ ref('int_loads_counted') }}
),

balances_asked as (
    select * from {{ ref('int_balances_asked') }}
),

-- Every month's end and the as-of date, and every slice that the aging marts hold beside them.
slice_dates as (
    select measured_to_date as as_of_date
    from turnover
    group by measured_to_date
    union
    select as_of_date
    from aging_by_bucket
    group by as_of_date
),

movements_by_day as (
    select
        movements.company_code,
        movements.currency_code,
        movements.effective_date,
        sum(movements.amount_document) as moved_amount_document
    from movements
    group by movements.company_code, movements.currency_code, movements.effective_date
),

balances_by_day as (
    select
        company_code,
        currency_code,
        effective_date as balance_from,
        coalesce(
            lead(effective_date) over (
                partition by company_code, currency_code
                order by effective_date
            ),
            {{ far_future() }}
        ) as balance_to,
        sum(moved_amount_document) over (
            partition by company_code, currency_code
            order by effective_date
            rows between unbounded preceding and current row
        ) as balance_amount_document
    from movements_by_day
),

journal_balances as (
    select
        slice_dates.as_of_date,
        balances_by_day.company_code,
        balances_by_day.currency_code,
        balances_by_day.balance_amount_document
    from balances_by_day
    inner join slice_dates
        on
            balances_by_day.balance_from <= slice_dates.as_of_date
            and balances_by_day.balance_to > slice_dates.as_of_date
),

presentations as (
    select
        bucket_set,
        'due_date' as age_basis
    from aging_buckets
    group by bucket_set
    union all
    select
        bucket_set,
        'document_date' as age_basis
    from aging_buckets
    group by bucket_set
),

journal_presented as (
    select
        journal_balances.*,
        presentations.bucket_set,
        presentations.age_basis
    from journal_balances
    cross join presentations
),

bucket_totals as (
    select
        as_of_date,
        company_code,
        currency_code,
        bucket_set,
        age_basis,
        sum(open_amount_document) as open_amount_document,
        sum(open_amount_credits_aged_document) as open_amount_credits_aged_document,
        sum(open_amount_credits_applied_document) as open_amount_credits_applied_document
    from aging_by_bucket
    group by as_of_date, company_code, currency_code, bucket_set, age_basis
),

{%- set presentations_of_credits = {
    'open_amount_document': '',
    'open_amount_credits_aged_document': ', credits at their own date,',
    'open_amount_credits_applied_document': ', credits applied to the oldest,',
} %}

p1 as (
    {%- for amount, presentation in presentations_of_credits.items() %}
        select
            'P1' as proof_code,
            'buckets of ' || coalesce(bucket_totals.bucket_set, journal_presented.bucket_set)
            || ' by ' || coalesce(bucket_totals.age_basis, journal_presented.age_basis)
            || '{{ presentation }} = balance of the journal' as proof_subject,
            coalesce(bucket_totals.company_code, journal_presented.company_code) as company_code,
            coalesce(bucket_totals.currency_code, journal_presented.currency_code)
                as currency_code,
            coalesce(bucket_totals.as_of_date, journal_presented.as_of_date) as as_of_date,
            bucket_totals.{{ amount }} as left_amount,
            journal_presented.balance_amount_document as right_amount
        from bucket_totals
        full outer join journal_presented
            on
                bucket_totals.as_of_date = journal_presented.as_of_date
                and bucket_totals.company_code = journal_presented.company_code
                and bucket_totals.currency_code = journal_presented.currency_code
                and bucket_totals.bucket_set = journal_presented.bucket_set
                and bucket_totals.age_basis = journal_presented.age_basis
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

p2 as (
    select
        'P2' as proof_code,
        'balance of the journal = balance of the general ledger' as proof_subject,
        company_code,
        currency_code,
        as_of_date,
        balance_amount_document as left_amount,
        stated_amount_document as right_amount
    from balances_asked
    where stated_by = 'general ledger'
),

p8 as (
    select
        'P8' as proof_code,
        'open as known at ' || cast(stated_at as varchar) || ' = published in ' || stated_by
            as proof_subject,
        company_code,
        currency_code,
        as_of_date,
        balance_amount_document as left_amount,
        stated_amount_document as right_amount
    from balances_asked
    where stated_by <> 'general ledger'
),

currencies as (
    select
        company_code,
        currency_code
    from movements_by_day
    group by company_code, currency_code
),

months as (
    select
        turnover.company_code,
        currencies.currency_code,
        turnover.period_start as month_start,
        turnover.measured_to_date,
        lag(turnover.measured_to_date) over (
            partition by turnover.company_code, currencies.currency_code
            order by turnover.period_start
        ) as opening_date
    from turnover
    inner join currencies
        on turnover.company_code = currencies.company_code
    where turnover.scope_type = 'company'
),

movements_by_month as (
    select
        movements.company_code,
        movements.currency_code,
        {{ month_start('movements.effective_date') }} as month_start,
        sum(
            case
                when
                    movements.movement_type in ('invoice', 'debit_memo', 'opening_balance')
                    then movements.amount_document
                else 0
            end
        ) as invoiced_amount,
        sum(
            case
                when movements.movement_type in ('payment', 'payment_reversal')
                    then -movements.amount_document
                else 0
            end
        ) as received_amount,
        sum(
            case
                when movements.movement_type in ('credit_memo', 'discount')
                    then -movements.amount_document
                else 0
            end
        ) as credited_amount,
        sum(
            case
                when movements.movement_type = 'write_off' then -movements.amount_document
                else 0
            end
        ) as written_off_amount,
        sum(
            case
                when
                    movements.movement_type in (
                        'adjustment', 'recovery', 'recovery_reinstatement'
                    )
                    then movements.amount_document
                else 0
            end
        ) as adjusted_amount
    from movements
    group by
        movements.company_code,
        movements.currency_code,
        {{ month_start('movements.effective_date') }}
),

-- The flows of the journal in reporting currency; what has no rate is on neither side.
converted_flows as (
    select
        movements.company_code,
        {{ month_start('movements.effective_date') }} as month_start,
        sum(
            case
                when movements.movement_type in ('invoice', 'debit_memo', 'credit_memo')
                    then movements.amount
                else 0
            end
        ) as credit_sales_amount,
        sum(
            case
                when
                    movements.item_type = 'document'
                    and movements.movement_type in ('payment', 'application', 'payment_reversal')
                    then -movements.amount
                else 0
            end
        ) as cash_applied_amount,
        sum(
            case movements.movement_type
                when 'write_off' then -movements.amount
                when 'recovery' then movements.amount
                else 0
            end
        ) as net_write_off_amount
    from movements
    group by movements.company_code, {{ month_start('movements.effective_date') }}
),

-- One bucket set and one basis are enough here: P1 shows that all have the same total.
aging_totals as (
    select
        as_of_date,
        company_code,
        currency_code,
        sum(open_amount_document) as open_amount_document,
        sum(
            case when aging_bucket = 'unapplied_cash' then open_amount_document else 0 end
        ) as unapplied_cash_amount_document
    from aging_by_bucket
    where
        bucket_set = 'days'
        and age_basis = 'due_date'
    group by as_of_date, company_code, currency_code
),

months_aged as (
    select
        months.company_code,
        months.currency_code,
        months.month_start,
        months.measured_to_date,
        coalesce(opening.open_amount_document, 0) as opening_amount,
        coalesce(closing.open_amount_document, 0) as closing_amount,
        coalesce(opening.unapplied_cash_amount_document, 0) as opening_unapplied_amount,
        coalesce(closing.unapplied_cash_amount_document, 0) as closing_unapplied_amount,
        coalesce(movements_by_month.invoiced_amount, 0) as invoiced_amount,
        coalesce(movements_by_month.received_amount, 0) as received_amount,
        coalesce(movements_by_month.credited_amount, 0) as credited_amount,
        coalesce(movements_by_month.written_off_amount, 0) as written_off_amount,
        coalesce(movements_by_month.adjusted_amount, 0) as adjusted_amount
    from months
    left join aging_totals as opening
        on
            months.company_code = opening.company_code
            and months.currency_code = opening.currency_code
            and months.opening_date = opening.as_of_date
    left join aging_totals as closing
        on
            months.company_code = closing.company_code
            and months.currency_code = closing.currency_code
            and months.measured_to_date = closing.as_of_date
    left join movements_by_month
        on
            months.company_code = movements_by_month.company_code
            and months.currency_code = movements_by_month.currency_code
            and months.month_start = movements_by_month.month_start
),

p3 as (
    select
        'P3' as proof_code,
        'opening + invoices - payments - credits - write-offs + adjustments = closing'
            as proof_subject,
        company_code,
        currency_code,
        measured_to_date as as_of_date,
        opening_amount
        + invoiced_amount
        - received_amount
        - credited_amount
        - written_off_amount
        + adjusted_amount as left_amount,
        closing_amount as right_amount
    from months_aged
),

-- What conversion leaves on settled items: in reporting currency the journal is that much away from
-- what is open. It can be compared only where every movement has a rate.
journal_converted as (
    select
        movements.company_code,
        sum(movements.amount) as balance_amount
    from movements
    group by movements.company_code
    having sum(movements.unconverted_movement_count) = 0
),

settled_cash_items as (
    select
        company_code,
        document_id,
        installment_no,
        sum(amount) as residue_amount
    from unapplied_movements
    group by company_code, document_id, installment_no
    having sum(amount_document) = 0
),

residues as (
    select
        company_code,
        residue_amount
    from settled_cash_items
    union all
    select
        company_code,
        fx_residue_amount as residue_amount
    from receivables
),

residues_by_company as (
    select
        company_code,
        sum(residue_amount) as residue_amount
    from residues
    group by company_code
),

open_by_company as (
    select
        aging_by_bucket.company_code,
        sum(aging_by_bucket.open_amount) as open_amount
    from aging_by_bucket
    inner join run_parameters
        on aging_by_bucket.as_of_date = run_parameters.as_of_date
    where
        aging_by_bucket.bucket_set = 'days'
        and aging_by_bucket.age_basis = 'due_date'
    group by aging_by_bucket.company_code
),

p3_residues as (
    select
        'P3' as proof_code,
        'fx_residue: balance of the journal = open items + residue of settled items'
            as proof_subject,
        journal_converted.company_code,
        run_parameters.reporting_currency_code as currency_code,
        run_parameters.as_of_date,
        journal_converted.balance_amount as left_amount,
        coalesce(open_by_company.open_amount, 0)
        + coalesce(residues_by_company.residue_amount, 0) as right_amount
    from journal_converted
    cross join run_parameters
    left join open_by_company
        on journal_converted.company_code = open_by_company.company_code
    left join residues_by_company
        on journal_converted.company_code = residues_by_company.company_code
),

rolled_forward as (
    select
        company_code,
        allowance_method,
        period_start,
        measured_to_date,
        sum(charge_amount - release_amount + fx_amount) as charged_amount,
        sum(write_off_amount - recovery_amount) as net_write_off_amount,
        sum(case when allowance_status = 'ok' then 0 else 1 end) as missing_count
    from roll_forward
    group by company_code, allowance_method, period_start, measured_to_date
),

allowances_required as (
    select
        company_code,
        allowance_method,
        measured_to_date,
        sum(required_allowance_amount) as required_amount
    from allowances
    group by company_code, allowance_method, measured_to_date
),

allowances_followed as (
    select
        *,
        lag(required_amount, 1, 0) over (
            partition by company_code, allowance_method
            order by measured_to_date
        ) as opening_amount
    from allowances_required
),

-- Only the charges are the roll-forward's own: it opens with what was required a month before, and
-- uses what the journal wrote off.
-- A bucket can be compared in reporting currency only where every balance in it has a rate.
opening_buckets as (
    select
        company_code,
        {{ add_days('as_of_date', 1) }} as month_start,
        bucket_set,
        aging_bucket,
        sum(open_amount) as open_amount,
        sum(case when rate_status = 'missing' then 1 else 0 end) as missing_count
    from aging_by_bucket
    where
        age_basis = 'due_date'
        and as_of_date = {{ month_end('as_of_date') }}
    group by company_code, as_of_date, bucket_set, aging_bucket
),

migrated_buckets as (
    select
        company_code,
        month_start,
        bucket_set,
        aging_bucket,
        sum(migrated_amount) as migrated_amount
    from migrations
    where aging_bucket <> 'inflow'
    group by company_code, month_start, bucket_set, aging_bucket
),

p4 as (
    select
        'P4' as proof_code,
        'what became of ' || aging_buckets.aging_bucket || ' of ' || aging_buckets.bucket_set
        || ' = the bucket a month before' as proof_subject,
        months_begun.company_code,
        run_parameters.reporting_currency_code as currency_code,
        months_begun.measured_to_date as as_of_date,
        migrated_buckets.migrated_amount as left_amount,
        opening_buckets.open_amount as right_amount
    from turnover as months_begun
    cross join run_parameters
    cross join aging_buckets
    left join migrated_buckets
        on
            months_begun.company_code = migrated_buckets.company_code
            and months_begun.period_start = migrated_buckets.month_start
            and aging_buckets.bucket_set = migrated_buckets.bucket_set
            and aging_buckets.aging_bucket = migrated_buckets.aging_bucket
    left join opening_buckets
        on
            months_begun.company_code = opening_buckets.company_code
            and months_begun.period_start = opening_buckets.month_start
            and aging_buckets.bucket_set = opening_buckets.bucket_set
            and aging_buckets.aging_bucket = opening_buckets.aging_bucket
    where
        months_begun.scope_type = 'company'
        and aging_buckets.is_aged
        and coalesce(opening_buckets.missing_count, 0) = 0
),

p5_balances as (
    select
        'P5' as proof_code,
        'allowance by ' || allowances_followed.allowance_method
        || ': required a month before + charges - net write-offs = required' as proof_subject,
        allowances_followed.company_code,
        run_parameters.reporting_currency_code as currency_code,
        allowances_followed.measured_to_date as as_of_date,
        allowances_followed.opening_amount
        + rolled_forward.charged_amount
        - coalesce(converted_flows.net_write_off_amount, 0) as left_amount,
        allowances_followed.required_amount as right_amount
    from allowances_followed
    cross join run_parameters
    left join rolled_forward
        on
            allowances_followed.company_code = rolled_forward.company_code
            and allowances_followed.allowance_method = rolled_forward.allowance_method
            and allowances_followed.measured_to_date = rolled_forward.measured_to_date
    left join converted_flows
        on
            rolled_forward.company_code = converted_flows.company_code
            and rolled_forward.period_start = converted_flows.month_start
    -- A method that lacks a loss rate asks for nothing that could be added up.
    where coalesce(rolled_forward.missing_count, 0) = 0
),

p5_write_offs as (
    select
        'P5' as proof_code,
        'allowance by ' || rolled_forward.allowance_method
        || ': net write-offs used = net write-offs of the journal' as proof_subject,
        rolled_forward.company_code,
        run_parameters.reporting_currency_code as currency_code,
        rolled_forward.measured_to_date as as_of_date,
        rolled_forward.net_write_off_amount as left_amount,
        converted_flows.net_write_off_amount as right_amount
    from rolled_forward
    cross join run_parameters
    left join converted_flows
        on
            rolled_forward.company_code = converted_flows.company_code
            and rolled_forward.period_start = converted_flows.month_start
),

{%- set earners = [
    'portfolio_owner', 'last_touch', 'first_touch', 'linear', 'promise_first'
] %}

earned_by_month as (
    select
        company_code,
        currency_code,
        month_start,
        {%- for method in earners %}
            sum({{ method }}_amount_document) as {{ method }}_amount_document,
        {%- endfor %}
        sum(headline_amount) as headline_amount
    from cash_earned
    group by company_code, currency_code, month_start
),

attributed_by_month as (
    {%- for method in earners %}
        select
            '{{ method }}' as attribution_method,
            company_code,
            currency_code,
            month_start,
            {{ method }}_amount_document as attributed_amount_document
        from earned_by_month
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

p6 as (
    select
        'P6' as proof_code,
        'cash attributed by ' || attribution_methods.attribution_method
        || ' + unattributed = payments - change in unapplied cash' as proof_subject,
        months_aged.company_code,
        months_aged.currency_code,
        months_aged.measured_to_date as as_of_date,
        attributed_by_month.attributed_amount_document as left_amount,
        months_aged.received_amount
        + months_aged.closing_unapplied_amount
        - months_aged.opening_unapplied_amount as right_amount
    from months_aged
    cross join attribution_methods
    left join attributed_by_month
        on
            attribution_methods.attribution_method = attributed_by_month.attribution_method
            and months_aged.company_code = attributed_by_month.company_code
            and months_aged.currency_code = attributed_by_month.currency_code
            and months_aged.month_start = attributed_by_month.month_start
),

p7_rows as (
    select
        'P7' as proof_code,
        'rows of ' || source_name || '/' || file_name || ' for ' || extract_name
        || ' (load ' || cast(load_sequence as varchar)
        || '): read = accepted + duplicate + quarantined + dropped + filtered'
            as proof_subject,
        'all' as company_code,
        'all' as currency_code,
        delivery_date as as_of_date,
        read_row_count as left_amount,
        case when load_status = 'admitted' then lake_row_count else accepted_row_count end
        + case
            when load_status = 'admitted' then quarantine_row_count
            else quarantined_row_count
        end
        + duplicate_row_count
        + dropped_row_count
        + filtered_row_count as right_amount
    from loads
),

p7_amounts as (
    select
        'P7' as proof_code,
        'amount of ' || source_name || '/' || file_name || ' for ' || extract_name
        || ' (load ' || cast(load_sequence as varchar)
        || '): read = accepted + duplicate + quarantined + dropped + filtered'
            as proof_subject,
        'all' as company_code,
        'all' as currency_code,
        delivery_date as as_of_date,
        read_amount as left_amount,
        case when load_status = 'admitted' then lake_amount else coalesce(accepted_amount, 0) end
        + case
            when load_status = 'admitted' then quarantine_amount
            else coalesce(quarantined_amount, 0)
        end
        + coalesce(duplicate_amount, 0)
        + coalesce(dropped_amount, 0)
        + coalesce(filtered_amount, 0) as right_amount
    from loads
    where read_amount is not null
),

scope_totals as (
    select
        turnover.company_code,
        turnover.scope_type,
        turnover.measured_to_date,
        sum(turnover.closing_receivables_amount) as closing_amount,
        sum(turnover.credit_sales_amount) as credit_sales_amount,
        sum(turnover.cash_applied_amount) as cash_applied_amount,
        sum(bad_debt.net_write_off_amount) as net_write_off_amount
    from turnover
    inner join bad_debt
        on
            turnover.company_code = bad_debt.company_code
            and turnover.scope_type = bad_debt.scope_type
            and turnover.scope_id = bad_debt.scope_id
            and turnover.period_start = bad_debt.period_start
    group by turnover.company_code, turnover.scope_type, turnover.measured_to_date
),

{%- set p9_amounts = {
    'closing_amount': 'receivables',
    'credit_sales_amount': 'credit sales',
    'cash_applied_amount': 'cash applied',
    'net_write_off_amount': 'net write-offs',
} %}

p9_scopes as (
    {%- for column, label in p9_amounts.items() %}
        select
            'P9' as proof_code,
            '{{ label }} of every ' || parts.scope_type || ' = of the company' as proof_subject,
            parts.company_code,
            run_parameters.reporting_currency_code as currency_code,
            parts.measured_to_date as as_of_date,
            parts.{{ column }} as left_amount,
            whole.{{ column }} as right_amount
        from scope_totals as parts
        cross join run_parameters
        left join scope_totals as whole
            on
                parts.company_code = whole.company_code
                and parts.measured_to_date = whole.measured_to_date
                and whole.scope_type = 'company'
        where parts.scope_type <> 'company'
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

flows_of_marts as (
    select
        turnover.company_code,
        turnover.period_start,
        turnover.measured_to_date,
        turnover.credit_sales_amount,
        turnover.cash_applied_amount,
        bad_debt.net_write_off_amount
    from turnover
    inner join bad_debt
        on
            turnover.company_code = bad_debt.company_code
            and turnover.scope_type = bad_debt.scope_type
            and turnover.period_start = bad_debt.period_start
    where turnover.scope_type = 'company'
),

{%- set p9_flow_amounts = {
    'credit_sales_amount': 'credit sales',
    'cash_applied_amount': 'cash applied',
    'net_write_off_amount': 'net write-offs',
} %}

p9_flows as (
    {%- for column, label in p9_flow_amounts.items() %}
        select
            'P9' as proof_code,
            '{{ label }} of the company = of the journal' as proof_subject,
            flows_of_marts.company_code,
            run_parameters.reporting_currency_code as currency_code,
            flows_of_marts.measured_to_date as as_of_date,
            flows_of_marts.{{ column }} as left_amount,
            converted_flows.{{ column }} as right_amount
        from flows_of_marts
        cross join run_parameters
        left join converted_flows
            on
                flows_of_marts.company_code = converted_flows.company_code
                and flows_of_marts.period_start = converted_flows.month_start
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

-- The slice can be compared in reporting currency only where every balance has a rate.
aging_converted as (
    select
        as_of_date,
        company_code,
        sum(open_amount) as open_amount,
        sum(case when rate_status = 'ok' then 0 else 1 end) as missing_count
    from aging_by_bucket
    where
        bucket_set = 'days'
        and age_basis = 'due_date'
    group by as_of_date, company_code
),

p9_receivables as (
    select
        'P9' as proof_code,
        'receivables of the period = all buckets' as proof_subject,
        turnover.company_code,
        run_parameters.reporting_currency_code as currency_code,
        turnover.measured_to_date as as_of_date,
        turnover.closing_receivables_amount as left_amount,
        aging_converted.open_amount as right_amount
    from turnover
    cross join run_parameters
    left join aging_converted
        on
            turnover.company_code = aging_converted.company_code
            and turnover.measured_to_date = aging_converted.as_of_date
    where
        turnover.scope_type = 'company'
        and coalesce(aging_converted.missing_count, 0) = 0
),

numbered_buckets as (
    select
        bucket_set,
        {{ bucket_number() }} as bucket_no
    from aging_buckets
),

-- The view that names customers shows each of these rows once.
customer_totals as (
    select
        aging_by_account.as_of_date,
        aging_accounts.company_code,
        aging_accounts.currency_code,
        numbered_buckets.bucket_set,
        case when aging_by_account.is_by_due_date then 'due_date' else 'document_date' end
            as age_basis,
        sum(aging_by_account.open_amount_document) as open_amount_document
    from aging_by_account
    inner join aging_accounts
        on aging_by_account.account_no = aging_accounts.account_no
    inner join numbered_buckets
        on aging_by_account.bucket_no = numbered_buckets.bucket_no
    group by
        aging_by_account.as_of_date,
        aging_accounts.company_code,
        aging_accounts.currency_code,
        numbered_buckets.bucket_set,
        aging_by_account.is_by_due_date
),

p9_customers as (
    select
        'P9' as proof_code,
        'customers in ' || customer_totals.bucket_set || ' by ' || customer_totals.age_basis
        || ' = balance of the journal' as proof_subject,
        customer_totals.company_code,
        customer_totals.currency_code,
        customer_totals.as_of_date,
        customer_totals.open_amount_document as left_amount,
        journal_balances.balance_amount_document as right_amount
    from customer_totals
    left join journal_balances
        on
            customer_totals.as_of_date = journal_balances.as_of_date
            and customer_totals.company_code = journal_balances.company_code
            and customer_totals.currency_code = journal_balances.currency_code
),

performers as (
    select 'collectors' as performers
    union all
    select 'teams' as performers
),

collected_by_month as (
    select
        performers.performers,
        earned_by_month.month_start,
        sum(earned_by_month.headline_amount) as collected_amount
    from earned_by_month
    cross join performers
    group by performers.performers, earned_by_month.month_start
),

performance_totals as (
    select
        'collectors' as performers,
        month_start,
        sum(collected_amount) as collected_amount
    from performance_by_collector
    group by month_start
    union all
    select
        'teams' as performers,
        month_start,
        sum(collected_amount) as collected_amount
    from performance_by_team
    group by month_start
),

performance_compared as (
    select
        coalesce(performance_totals.performers, collected_by_month.performers) as performers,
        coalesce(performance_totals.month_start, collected_by_month.month_start) as month_start,
        performance_totals.collected_amount as performed_amount,
        collected_by_month.collected_amount as attributed_amount
    from performance_totals
    full outer join collected_by_month
        on
            performance_totals.performers = collected_by_month.performers
            and performance_totals.month_start = collected_by_month.month_start
),

p9_performance as (
    select
        'P9' as proof_code,
        'cash collected by ' || performance_compared.performers || ' = cash attributed'
            as proof_subject,
        'all' as company_code,
        run_parameters.reporting_currency_code as currency_code,
        least({{ month_end('performance_compared.month_start') }}, run_parameters.as_of_date)
            as as_of_date,
        performance_compared.performed_amount as left_amount,
        performance_compared.attributed_amount as right_amount
    from performance_compared
    cross join run_parameters
),

{%- set parts = [
    'p1', 'p2', 'p3', 'p3_residues', 'p4', 'p5_balances', 'p5_write_offs', 'p6', 'p7_rows',
    'p7_amounts', 'p8', 'p9_scopes', 'p9_flows', 'p9_receivables', 'p9_customers',
    'p9_performance'
] %}

all_proofs as (
    {%- for part in parts %}
        select
            proof_code,
            proof_subject,
            company_code,
            currency_code,
            as_of_date,
            cast(coalesce(left_amount, 0) as decimal(28, 2)) as left_amount,
            cast(coalesce(right_amount, 0) as decimal(28, 2)) as right_amount
        from {{ part }}
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

final as (
    select
        proof_code,
        proof_subject,
        company_code,
        currency_code,
        as_of_date,
        left_amount,
        right_amount,
        cast(left_amount - right_amount as decimal(28, 2)) as difference_amount,
        left_amount = right_amount as is_closed
    from all_proofs
)

select * from final
