-- noqa: disable=LT02
{#- Months as numbers, and what was known at the end of each: for grades as known then. -#}

{#- Months from January 1970 to the month of a date. -#}
{%- macro month_number(any_date) -%}
    {{ months_between("cast('1970-01-01' as date)", any_date) }}
{%- endmacro -%}

{#- The first day of a month by its number. -#}
{%- macro month_of_number(number) -%}
    {{ add_months("cast('1970-01-01' as date)", number) }}
{%- endmacro -%}

{#- A month after all others. -#}
{%- macro never_month() -%}
    999999
{%- endmacro -%}

{#-
    The first month at whose end something recorded at an instant was known. What the first delivery
    tells was known from the beginning, or no month before it could be told anything of.
-#}
{%- macro known_from_month(instant, first_recorded_at, timezone) -%}
    case
        when {{ instant }} <= {{ first_recorded_at }} then 0
        when {{ instant }} = {{ far_future_at() }} then {{ never_month() }}
        else {{ month_number(local_date(instant, timezone)) }}
    end
{%- endmacro -%}

{#-
    What counts from one month to another, as rows that begin and end it: zeros in all sums but
    those that `expressions` names.
-#}
{%- macro count_from_and_to(sums, relation, month_from, month_to, expressions, condition='true') -%}
    {%- for sign, month in [('', month_from), ('-', month_to)] -%}
        select
            {{ relation }}.customer_id,
            {{ month }} as month_number,
            {%- for column in sums %}
            {{ sign ~ expressions[column] if column in expressions else '0' }} as {{ column }}
            {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ relation }}
        cross join parameters
        where
            {{ condition }}
            and {{ month_from }} < {{ month_to }}
            and {{ month }} < {{ never_month() }}
        {%- if not loop.last %}
        union all
        {% endif -%}
    {%- endfor -%}
{%- endmacro -%}

{#-
    The points of a quotient: all of the weight at one value or better, none at another or worse,
    and in a straight line between them, to two decimals. Null without a positive denominator.
    Constants have two decimals. Only what lies between is divided, and only what is too large for
    it not in 64 bits: nearly all grades of a long history would otherwise wait for that division.
-#}
{%- macro points_between(numerator, denominator, full_points_at, no_points_at, weight) -%}
    case
        when {{ denominator }} is null or {{ denominator }} <= 0 then null
        when
            ({{ no_points_at }} * {{ denominator }} - {{ numerator }})
            * sign({{ no_points_at }} - {{ full_points_at }}) <= 0
            then 0
        when
            ({{ full_points_at }} * {{ denominator }} - {{ numerator }})
            * sign({{ no_points_at }} - {{ full_points_at }}) >= 0
            then {{ weight }}
        when {{ denominator }} < 10000000
            then {{ points_inside(
                'cast(' ~ numerator ~ ' as decimal(18, 2))',
                'cast(' ~ denominator ~ ' as decimal(18, 2))',
                full_points_at,
                no_points_at,
                weight,
                'bigint'
            ) }}
        else {{ points_inside(
            numerator, denominator, full_points_at, no_points_at, weight, wide_integer()
        ) }}
    end
{%- endmacro -%}

{#- Rounded half up, in hundredths: both sides of the quotient are positive here. -#}
{%- macro points_inside(
    numerator, denominator, full_points_at, no_points_at, weight, integer_type
) -%}
    {%- set part -%}
        abs(
            cast({{ no_points_at }} * 100 as {{ integer_type }})
            * cast({{ denominator }} * 100 as {{ integer_type }})
            - cast({{ numerator }} * 100 as {{ integer_type }}) * 100
        )
    {%- endset -%}
    {%- set whole -%}
        cast(abs({{ no_points_at }} - {{ full_points_at }}) * 100 as {{ integer_type }})
        * cast({{ denominator }} * 100 as {{ integer_type }})
    {%- endset -%}
    cast(
        {{ whole_quotient(
            "cast(" ~ weight ~ " * 200 as " ~ integer_type ~ ") * " ~ part ~ " + " ~ whole,
            "2 * " ~ whole
        ) }} as decimal(18, 0)
    ) * cast('0.01' as decimal(3, 2))
{%- endmacro -%}

{#- An integer that holds products of amounts. -#}
{%- macro wide_integer() -%}
    {{ return(adapter.dispatch('wide_integer', 'collections')()) }}
{%- endmacro -%}

{%- macro default__wide_integer() -%}
    hugeint
{%- endmacro -%}

{%- macro spark__wide_integer() -%}
    decimal(38, 0)
{%- endmacro -%}

{#- The whole part of a quotient of positive integers. -#}
{%- macro whole_quotient(numerator, denominator) -%}
    {{ return(adapter.dispatch('whole_quotient', 'collections')(numerator, denominator)) }}
{%- endmacro -%}

{%- macro default__whole_quotient(numerator, denominator) -%}
    ({{ numerator }}) // ({{ denominator }})
{%- endmacro -%}

{%- macro spark__whole_quotient(numerator, denominator) -%}
    ({{ numerator }}) div ({{ denominator }})
{%- endmacro -%}
