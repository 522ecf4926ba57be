{#- Measures: a value beside its parts and the status that says why it is missing. -#}

{#-
    The status of a ratio. A missing part means that the measure could not be had for the reason
    that the caller gives as an expression. A value of more than ten digits before the point is no answer either.
-#}
{%- macro ratio_status(numerator, denominator, missing="'not_applicable'") -%}
    case
        when {{ numerator }} is null or {{ denominator }} is null then {{ missing }}
        when {{ denominator }} = 0 then 'zero_denominator'
        when {{ denominator }} < 0 then 'negative_denominator'
        when
            abs(cast({{ numerator }} as decimal(38, 8)))
            >= cast({{ denominator }} as decimal(38, 8)) * 9999999999
            then 'not_applicable'
        else 'ok'
    end
{%- endmacro -%}

{#- The ratio where its status is `ok`, null elsewhere. -#}
{%- macro ratio_value(numerator, denominator) -%}
    case
        when {{ ratio_status(numerator, denominator) }} = 'ok'
            then {{ exact_ratio(numerator, denominator) }}
    end
{%- endmacro -%}

{#-
    The four columns of a measure, from columns `<measure>_numerator` and `<measure>_denominator`
    of the relation that is selected from. Where a part is a rounded average, `exact_numerator`
    and `exact_denominator` name multiples of both that are not.
-#}
{%- macro measure_columns(
    measure,
    missing="'not_applicable'",
    exact_numerator=none,
    exact_denominator=none,
    part_type='decimal(28, 2)'
) -%}
    {%- set numerator = exact_numerator or measure ~ '_numerator' -%}
    {%- set denominator = exact_denominator or measure ~ '_denominator' -%}
    {{ ratio_value(numerator, denominator) }} as {{ measure }},
    cast({{ measure }}_numerator as {{ part_type }}) as {{ measure }}_numerator,
    cast({{ measure }}_denominator as {{ part_type }}) as {{ measure }}_denominator,
    {{ ratio_status(numerator, denominator, missing) }} as {{ measure }}_status
{%- endmacro -%}

{#- A sum over a count, rounded half away from zero to eight decimals; null over zero. -#}
{%- macro exact_average(total, count) -%}
    {{ return(adapter.dispatch('exact_average', 'collections')(total, count)) }}
{%- endmacro -%}

{%- macro default__exact_average(total, count) -%}
    cast(
        sign({{ total }})
        * cast(
            (cast(abs(cast({{ total }} as decimal(38, 2))) * 100 as hugeint) * 2000000 + {{ count }})
            // (2 * nullif({{ count }}, 0)) as decimal(38, 0)
        )
        * cast('0.00000001' as decimal(9, 8))
        as decimal(28, 8)
    )
{%- endmacro -%}

{%- macro spark__exact_average(total, count) -%}
    cast(
        round(cast({{ total }} as decimal(28, 2)) / nullif(cast({{ count }} as decimal(9, 0)), 0), 8)
        as decimal(28, 8)
    )
{%- endmacro -%}

{#-
    The value of the row that comes last by an instant, ties broken by a key: an aggregate.
-#}
{%- macro latest_by(value, instant, key) -%}
    {{ return(adapter.dispatch('latest_by', 'collections')(value, instant, key)) }}
{%- endmacro -%}

{%- macro default__latest_by(value, instant, key) -%}
    arg_max({{ value }}, row({{ instant }}, {{ key }}))
{%- endmacro -%}

{%- macro spark__latest_by(value, instant, key) -%}
    max_by({{ value }}, struct({{ instant }}, {{ key }}))
{%- endmacro -%}
