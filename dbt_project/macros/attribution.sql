-- noqa: disable=LT02
{#- Who earned the cash: what comes first, and what is shared by largest remainder. -#}

{#- The open beginning of a date interval. -#}
{%- macro far_past() -%}
    cast('0001-01-01' as date)
{%- endmacro -%}

{#- The value of the row that comes first by an instant, ties broken by a key: an aggregate. -#}
{%- macro earliest_by(value, instant, key) -%}
    {{ return(adapter.dispatch('earliest_by', 'collections')(value, instant, key)) }}
{%- endmacro -%}

{%- macro default__earliest_by(value, instant, key) -%}
    arg_min({{ value }}, row({{ instant }}, {{ key }}))
{%- endmacro -%}

{%- macro spark__earliest_by(value, instant, key) -%}
    min_by({{ value }}, struct({{ instant }}, {{ key }}))
{%- endmacro -%}

{#-
    Of so many units (cents), the whole ones in `part` of `whole`. The units are divided before they
    are multiplied, so that no product is larger than they are by more than the square of `whole`.
-#}
{%- macro whole_parts(units, part, whole) -%}
    {{ adapter.dispatch('whole_parts', 'collections')(units, part, whole) }}
{%- endmacro -%}

{%- macro default__whole_parts(units, part, whole) -%}
    cast(
        ({{ units }} // {{ whole }}) * {{ part }} + (({{ units }} % {{ whole }}) * {{ part }}) // {{ whole }}
        as bigint
    )
{%- endmacro -%}

{%- macro spark__whole_parts(units, part, whole) -%}
    cast(
        ({{ units }} div {{ whole }}) * {{ part }} + (({{ units }} % {{ whole }}) * {{ part }}) div {{ whole }}
        as bigint
    )
{%- endmacro -%}

{#- What the whole units leave, in parts of a unit: who has most left gets a unit first. -#}
{%- macro part_left(units, part, whole) -%}
    cast((({{ units }} % {{ whole }}) * {{ part }}) % {{ whole }} as bigint)
{%- endmacro -%}

{#-
    The numbers of up to twelve sharers as one: each is a digit, in the order of the sharers. An
    aggregate.
-#}
{%- macro pattern_of(number, sharer_no) -%}
    cast(sum({{ number }} * cast(power(13, {{ sharer_no }} - 1) as bigint)) as bigint)
{%- endmacro -%}
