{#- Exact decimal arithmetic. Money and ratios never pass through a float. -#}

{#- Two decimals, half away from zero: 0.005 becomes 0.01 and -0.005 becomes -0.01. -#}
{%- macro round_half_away(amount) -%}
    cast(round({{ amount }}, 2) as decimal(18, 2))
{%- endmacro -%}

{#-
    An amount at a rate, rounded once. The product of two 18-digit decimals is asked for in 38
    digits, because an engine may otherwise keep 18 and overflow.
-#}
{%- macro convert_amount(amount, rate) -%}
    {{ round_half_away(
        "cast(" ~ amount ~ " as decimal(28, 2)) * cast(" ~ rate ~ " as decimal(18, 8))"
    ) }}
{%- endmacro -%}

{#-
    A quotient with eight decimals, half away from zero; null over zero. Works on integers,
    because a decimal division gives a float in some engines.
-#}
{%- macro exact_ratio(numerator, denominator) -%}
    {{ adapter.dispatch('exact_ratio', 'collections')(numerator, denominator) }}
{%- endmacro -%}

{#-
    Integers of 64 bits are divided fifty times as fast as those of 128, which are here for what
    does not fit.
-#}
{%- macro default__exact_ratio(numerator, denominator) -%}
    {%- set n = "cast(abs(cast(" ~ numerator ~ " as decimal(38, 8))) * 100000000 as hugeint)" -%}
    {%- set d = "cast(abs(cast(" ~ denominator ~ " as decimal(38, 8))) * 100000000 as hugeint)" -%}
    cast(
        case
            when ({{ denominator }}) = 0 or ({{ denominator }}) is null then null
            when
                abs({{ numerator }}) < 450000000
                and {{ is_in_cents(numerator) }}
                and {{ is_in_cents(denominator) }}
                then sign({{ numerator }}) * sign({{ denominator }})
                * cast(
                    ({{ cents_of(numerator) }} * 200000000 + {{ cents_of(denominator) }})
                    // (2 * {{ cents_of(denominator) }}) as decimal(38, 0)
                )
                * cast('0.00000001' as decimal(9, 8))
            else
                sign({{ numerator }}) * sign({{ denominator }})
                * cast(
                    ({{ n }} * 200000000 + {{ d }}) // (2 * {{ d }}) as decimal(38, 0)
                )
                * cast('0.00000001' as decimal(9, 8))
        end
        as decimal(18, 8)
    )
{%- endmacro -%}

{#- Whether a number has no more than two decimals, and fewer than 14 digits before the point. -#}
{%- macro is_in_cents(amount) -%}
    try_cast({{ amount }} as decimal(15, 2)) = {{ amount }}
{%- endmacro -%}

{#- Such a number's hundredths, without its sign, as an integer of 64 bits. -#}
{%- macro cents_of(amount) -%}
    cast(abs(try_cast({{ amount }} as decimal(15, 2))) * cast(100 as decimal(3, 0)) as bigint)
{%- endmacro -%}

{%- macro spark__exact_ratio(numerator, denominator) -%}
    cast(
        round(
            cast({{ numerator }} as decimal(20, 2))
            / nullif(cast({{ denominator }} as decimal(20, 2)), 0),
            8
        )
        as decimal(18, 8)
    )
{%- endmacro -%}

{#-
    A quotient in trillionths, as a whole number: for a ratio of two quotients, which is then right
    in all of its eight decimals. Rounded to eight before, a growth by a tenth may read 0.09999999.
-#}
{%- macro trillionths_of(numerator, denominator) -%}
    {{ return(adapter.dispatch('trillionths_of', 'collections')(numerator, denominator)) }}
{%- endmacro -%}

{%- macro default__trillionths_of(numerator, denominator) -%}
    cast(cast({{ numerator }} as decimal(38, 2)) * 100 as hugeint) * 1000000000000
    // nullif(cast(cast({{ denominator }} as decimal(38, 2)) * 100 as hugeint), 0)
{%- endmacro -%}

{%- macro spark__trillionths_of(numerator, denominator) -%}
    cast(
        cast({{ numerator }} as decimal(20, 2))
        / nullif(cast({{ denominator }} as decimal(20, 2)), 0)
        * 1000000000000
        as decimal(20, 0)
    )
{%- endmacro -%}

{#- An amount times part over whole, rounded once: exact, because it works on cents. -#}
{%- macro prorate_amount(amount, part, whole) -%}
    {{ adapter.dispatch('prorate_amount', 'collections')(amount, part, whole) }}
{%- endmacro -%}

{%- macro default__prorate_amount(amount, part, whole) -%}
    {%- set amount_cents = "cast(abs(" ~ amount ~ ") * 100 as hugeint)" -%}
    {%- set part_cents = "cast(abs(" ~ part ~ ") * 100 as hugeint)" -%}
    {%- set divisor = "cast(abs(" ~ whole ~ ") * 100 as hugeint)" -%}
    cast(
        case
            when ({{ whole }}) = 0 then null
            when
                abs({{ amount }}) < 20000000
                and abs({{ part }}) < 20000000
                and {{ is_in_cents(amount) }}
                and {{ is_in_cents(part) }}
                and {{ is_in_cents(whole) }}
                then sign({{ amount }}) * sign({{ part }}) * sign({{ whole }})
                * cast(
                    ({{ cents_of(amount) }} * {{ cents_of(part) }} * 2 + {{ cents_of(whole) }})
                    // (2 * {{ cents_of(whole) }}) as decimal(28, 0)
                )
                * cast('0.01' as decimal(3, 2))
            else
                sign({{ amount }}) * sign({{ part }}) * sign({{ whole }})
                * cast(
                    ({{ amount_cents }} * {{ part_cents }} * 2 + {{ divisor }})
                    // (2 * {{ divisor }}) as decimal(28, 0)
                )
                * cast('0.01' as decimal(3, 2))
        end
        as decimal(18, 2)
    )
{%- endmacro -%}

{%- macro spark__prorate_amount(amount, part, whole) -%}
    cast(
        round(
            cast({{ amount }} as decimal(18, 2)) * cast({{ part }} as decimal(18, 2))
            / nullif(cast({{ whole }} as decimal(18, 2)), 0),
            2
        )
        as decimal(18, 2)
    )
{%- endmacro -%}
