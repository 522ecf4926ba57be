-- Grain: one row per quarantined row, with the load that later brought it in repaired, if any.
-- A row is repaired when its source delivers its key again and it is accepted; a row whose key
-- cannot be read, when a file of the same name brings an accepted row at the same place.
{%- set extracts = {
    'ledger': ['stg_lake__documents', ['company_code', 'document_id', 'installment_no']],
    'payments': ['stg_lake__payments', ['company_code', 'payment_id', 'line_no']],
    'contact_log': ['stg_lake__contacts', ['contact_id']],
    'customers': ['stg_lake__customers', ['customer_id']],
    'collectors': ['stg_lake__collectors', ['collector_id']],
    'portfolios': ['stg_lake__portfolios', ['customer_id', 'owned_from']],
    'targets': [
        'stg_lake__targets', ['period_start', 'period_type', 'scope_type', 'scope_id', 'measure']
    ],
    'surveys': ['stg_lake__surveys', ['survey_id']],
    'trainings': ['stg_lake__trainings', ['collector_id', 'course_id', 'attempt_no']],
    'fx_rates': [
        'stg_lake__fx_rates', ['rate_date', 'from_currency_code', 'to_currency_code']
    ],
    'control_totals': [
        'stg_lake__control_totals',
        [
            'extract_name', 'controlled_delivery_date', 'controlled_source', 'company_code',
            'currency_code', 'balance_date'
        ]
    ],
} %}
with quarantined_rows as (
    select * from {{ ref('stg_lake__quarantined_rows') }}
),

-- Each extract is read for its own quarantined rows only: one that has none is not read at all.
{%- for extract, (model, key) in extracts.items() %}
    {%- for place in ['key', 'line'] %}

        {{ extract }}_by_{{ place }} as (
            select
                quarantined_rows.load_id,
                quarantined_rows.extract_name,
                quarantined_rows.row_number,
                accepted._recorded_at as resolved_at,
                accepted._load_sequence as load_sequence,
                accepted._load_id as resolving_load_id
            from quarantined_rows
            inner join {{ ref(model) }} as accepted
                on
                    quarantined_rows.source_name = accepted._source
                    {%- if place == 'key' %}
                        and quarantined_rows.row_key = concat_ws(
                            '|'
                            {%- for column in key -%}
                                , coalesce(cast(accepted.{{ column }} as varchar), '')
                            {%- endfor -%}
                        )
                    {%- else %}
                        and quarantined_rows.source_file = accepted._source_file
                        and quarantined_rows.row_number = accepted._row_number
                    {%- endif %}
                    and quarantined_rows.recorded_at <= accepted._recorded_at
                    and quarantined_rows.load_id <> accepted._load_id
            where
                quarantined_rows.extract_name = '{{ extract }}'
                and quarantined_rows.row_key is {{ 'not ' if place == 'key' }}null
        ),
    {%- endfor %}
{%- endfor %}

repairs as (
    {%- for extract in extracts %}
        select * from {{ extract }}_by_key
        union all
        select * from {{ extract }}_by_line
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

repairs_ranked as (
    select
        *,
        row_number() over (
            partition by load_id, extract_name, row_number
            order by resolved_at, load_sequence, resolving_load_id
        ) as repair_rank
    from repairs
),

first_repairs as (
    select * from repairs_ranked
    where repair_rank = 1
),

final as (
    select
        quarantined_rows.load_id,
        quarantined_rows.source_name,
        quarantined_rows.extract_name,
        quarantined_rows.delivery_date,
        quarantined_rows.source_file,
        quarantined_rows.row_number,
        quarantined_rows.reason_code,
        quarantined_rows.column_name,
        quarantined_rows.expected_text,
        quarantined_rows.found_text,
        quarantined_rows.raw_text,
        quarantined_rows.row_key,
        quarantined_rows.amount,
        quarantined_rows.recorded_at,
        first_repairs.load_id is not null as is_resolved,
        first_repairs.resolved_at,
        first_repairs.resolving_load_id
    from quarantined_rows
    left join first_repairs
        on
            quarantined_rows.load_id = first_repairs.load_id
            and quarantined_rows.extract_name = first_repairs.extract_name
            and quarantined_rows.row_number = first_repairs.row_number
)

select * from final
