-- noqa: disable=LT02
{#- How a month uses up what an item opened with. -#}

{#-
    How a movement settles its item: it books it (`billed`), or takes something off it. A recovery
    gives back what was written off and takes it as paid: it is none of this.
-#}
{%- macro settlement_of(movements) -%}
    case
        when {{ movements }}.movement_type in ('recovery', 'recovery_reinstatement') then null
        when
            {{ movements }}.source_type = 'ledger'
            and {{ movements }}.source_id = {{ movements }}.document_id
            and {{ movements }}.source_line_no = {{ movements }}.installment_no
            and {{ movements }}.movement_type <> 'credit_application'
            then 'billed'
        when {{ movements }}.movement_type in ('payment', 'application', 'payment_reversal')
            then 'collected'
        when {{ movements }}.movement_type = 'write_off' then 'written_off'
        else 'credited'
    end
{%- endmacro -%}

{#-
    What each kind of settlement took of an opening balance, as CTEs that end in `shared`: after
    write-offs, after credits and after cash, in reporting currency. Stands after a CTE `opened`
    with the opening balance and what was taken off net, `<kind>_amount_document`.
-#}
{%- macro opening_shared_out() -%}
{%- set kinds = ['collected', 'credited', 'written_off'] -%}
taken as (
    select
        *,
        abs(opening_amount_document) as available_document,
    {%- for kind in kinds %}
        greatest({{ kind }}_amount_document * sign(opening_amount_document), 0)
            as {{ kind }}_used_document{{ ',' if not loop.last }}
    {%- endfor %}
    from opened
),

-- What is used up after each kind, in document currency.
used as (
    select
        *,
        least(written_off_used_document, available_document) as used_by_write_off,
        least(written_off_used_document + credited_used_document, available_document)
            as used_by_credit,
        least(
            written_off_used_document + credited_used_document + collected_used_document,
            available_document
        ) as used_by_cash
    from taken
),

shared as (
    select
        *,
    {%- for step in ['used_by_write_off', 'used_by_credit', 'used_by_cash'] %}
        case
            when opening_amount = opening_amount_document
                then {{ step }} * sign(opening_amount)
            else {{ prorate_amount('opening_amount', step, 'available_document') }}
        end as {{ step }}_amount{{ ',' if not loop.last }}
    {%- endfor %}
    from used
)
{%- endmacro -%}
