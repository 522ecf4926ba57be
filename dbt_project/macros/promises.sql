-- noqa: disable=LT02
{#- How promises take their turn at cash. -#}

{#-
    The turns of an island, as the recursive CTE `turns`: each piece of cash is left to the first
    promise, which takes of it what it may, and leaves the rest to the next. Stands after CTEs
    `promises` (with promise_no) and `numbered_cash` (with cash_no), which share the columns
    `island`; the document that promises contend for is one of them, and null where all do.
-#}
{%- macro promise_turns(island) -%}
{%- set unused_amount = 'turns.left_amount_document - turns.matched_amount_document' -%}
{%- set may_serve -%}
    turns.effective_date between promises.window_start and promises.window_end
    and turns.currency_code = promises.currency_code
    and coalesce(promises.target_document_id, turns.document_id) = turns.document_id
{%- endset -%}
turns as (
    select
        {{ columns_of(island) }},
        cash_no,
        document_id,
        currency_code,
        effective_date,
        0 as promise_no,
        cast(null as varchar) as promise_id,
        cast(cash_amount_document as decimal(18, 2)) as left_amount_document,
        cast(0 as decimal(18, 2)) as matched_amount_document
    from numbered_cash
    union all
    select
        {{ columns_of(island, 'turns') }},
        turns.cash_no,
        turns.document_id,
        turns.currency_code,
        turns.effective_date,
        promises.promise_no,
        promises.promise_id,
        cast({{ unused_amount }} as decimal(18, 2)) as left_amount_document,
        cast(
            case
                when {{ may_serve }}
                    then greatest(
                        0,
                        least(
                            {{ unused_amount }},
                            promises.promised_amount_document
                            - coalesce(
                                sum(case when {{ may_serve }} then {{ unused_amount }} end) over (
                                    partition by {{ columns_of(island, 'turns') }}
                                    order by turns.cash_no
                                    rows between unbounded preceding and 1 preceding
                                ),
                                0
                            )
                        )
                    )
                else 0
            end as decimal(18, 2)
        ) as matched_amount_document
    from turns
    inner join promises
        on
        {%- for column in island if column != 'contested_document_id' %}
            turns.{{ column }} = promises.{{ column }}
            and
        {%- endfor %}
            turns.contested_document_id is not distinct from promises.contested_document_id
            and turns.promise_no + 1 = promises.promise_no
)
{%- endmacro -%}
