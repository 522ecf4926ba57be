{#-
    Calendar arithmetic that engines spell differently. Every macro takes SQL expressions and
    returns one; dates in, dates or integers out.
-#}

{#- Days from one date to another: negative when the second is the earlier one. -#}
{%- macro days_between(start_date, end_date) -%}
    {{ adapter.dispatch('days_between', 'collections')(start_date, end_date) }}
{%- endmacro -%}

{%- macro default__days_between(start_date, end_date) -%}
    cast({{ end_date }} - {{ start_date }} as integer)
{%- endmacro -%}

{%- macro spark__days_between(start_date, end_date) -%}
    datediff({{ end_date }}, {{ start_date }})
{%- endmacro -%}

{%- macro add_days(start_date, day_count) -%}
    {{ adapter.dispatch('add_days', 'collections')(start_date, day_count) }}
{%- endmacro -%}

{%- macro default__add_days(start_date, day_count) -%}
    ({{ start_date }} + cast({{ day_count }} as integer))
{%- endmacro -%}

{%- macro spark__add_days(start_date, day_count) -%}
    date_add({{ start_date }}, cast({{ day_count }} as int))
{%- endmacro -%}

{#- Adding months clamps to the end of a shorter month: 31 January + 1 = 28 or 29 February. -#}
{%- macro add_months(start_date, month_count) -%}
    {{ adapter.dispatch('add_months', 'collections')(start_date, month_count) }}
{%- endmacro -%}

{%- macro default__add_months(start_date, month_count) -%}
    cast({{ start_date }} + to_months(cast({{ month_count }} as integer)) as date)
{%- endmacro -%}

{%- macro spark__add_months(start_date, month_count) -%}
    add_months({{ start_date }}, cast({{ month_count }} as int))
{%- endmacro -%}

{%- macro month_end(any_date) -%}
    last_day({{ any_date }})
{%- endmacro -%}

{%- macro month_start(any_date) -%}
    cast(date_trunc('month', {{ any_date }}) as date)
{%- endmacro -%}

{#- The first day of the half year of a date. -#}
{%- macro half_year_start(any_date) -%}
    case
        when extract(month from {{ any_date }}) <= 6
            then cast(date_trunc('year', {{ any_date }}) as date)
        else {{ add_months("cast(date_trunc('year', " ~ any_date ~ ") as date)", '6') }}
    end
{%- endmacro -%}

{#- Months from the month of one date to the month of another, whatever their days. -#}
{%- macro months_between(start_date, end_date) -%}
    cast(
        (extract(year from {{ end_date }}) - extract(year from {{ start_date }})) * 12
        + extract(month from {{ end_date }}) - extract(month from {{ start_date }})
        as integer
    )
{%- endmacro -%}

{#-
    The smallest m >= 0 with as_of_date <= due_date + m months (clamped). In the month of the
    difference the day decides whether one month more has begun.
-#}
{%- macro months_past_due(due_date, as_of_date) -%}
    greatest(
        0,
        {{ months_between(due_date, as_of_date) }}
        + case
            when
                {{ as_of_date }} > {{ add_months(due_date, months_between(due_date, as_of_date)) }}
                then 1
            else 0
        end
    )
{%- endmacro -%}

{#- Monday is 1, Sunday is 7. -#}
{%- macro iso_weekday(any_date) -%}
    {{ adapter.dispatch('iso_weekday', 'collections')(any_date) }}
{%- endmacro -%}

{%- macro default__iso_weekday(any_date) -%}
    cast(isodow({{ any_date }}) as integer)
{%- endmacro -%}

{%- macro spark__iso_weekday(any_date) -%}
    weekday({{ any_date }}) + 1
{%- endmacro -%}

{%- macro iso_week(any_date) -%}
    cast(extract(week from {{ any_date }}) as integer)
{%- endmacro -%}

{#- The business date of a UTC instant in a time zone (an IANA name). -#}
{%- macro local_date(utc_timestamp, timezone) -%}
    {{ adapter.dispatch('local_date', 'collections')(utc_timestamp, timezone) }}
{%- endmacro -%}

{%- macro default__local_date(utc_timestamp, timezone) -%}
    cast(timezone({{ timezone }}, timezone('UTC', {{ utc_timestamp }})) as date)
{%- endmacro -%}

{%- macro spark__local_date(utc_timestamp, timezone) -%}
    to_date(from_utc_timestamp({{ utc_timestamp }}, {{ timezone }}))
{%- endmacro -%}

{#- The open end of a date interval. -#}
{%- macro far_future() -%}
    cast('9999-12-31' as date)
{%- endmacro -%}

{#- The open end of a knowledge interval. -#}
{%- macro far_future_at() -%}
    cast('9999-12-31 00:00:00' as timestamp)
{%- endmacro -%}

{#-
    One row per integer from first to last, both included. Stands in a select list; rows where
    first > last must be filtered out before.
-#}
{%- macro explode_integers(first, last) -%}
    {{ adapter.dispatch('explode_integers', 'collections')(first, last) }}
{%- endmacro -%}

{%- macro default__explode_integers(first, last) -%}
    unnest(range({{ first }}, {{ last }} + 1))
{%- endmacro -%}

{%- macro spark__explode_integers(first, last) -%}
    explode(sequence(cast({{ first }} as bigint), cast({{ last }} as bigint)))
{%- endmacro -%}

{#- Before anything was known. -#}
{%- macro beginning_at() -%}
    cast('0001-01-01 00:00:00' as timestamp)
{%- endmacro -%}

{#- Microseconds of an instant since 1970, as an integer. -#}
{%- macro microseconds_of(any_timestamp) -%}
    {{ adapter.dispatch('microseconds_of', 'collections')(any_timestamp) }}
{%- endmacro -%}

{%- macro default__microseconds_of(any_timestamp) -%}
    epoch_us({{ any_timestamp }})
{%- endmacro -%}

{%- macro spark__microseconds_of(any_timestamp) -%}
    unix_micros({{ any_timestamp }})
{%- endmacro -%}

{#- The wall clock of a time zone (an IANA name) at a UTC instant, without the zone. -#}
{%- macro local_timestamp(utc_timestamp, timezone) -%}
    {{ adapter.dispatch('local_timestamp', 'collections')(utc_timestamp, timezone) }}
{%- endmacro -%}

{%- macro default__local_timestamp(utc_timestamp, timezone) -%}
    timezone({{ timezone }}, timezone('UTC', {{ utc_timestamp }}))
{%- endmacro -%}

{%- macro spark__local_timestamp(utc_timestamp, timezone) -%}
    from_utc_timestamp({{ utc_timestamp }}, {{ timezone }})
{%- endmacro -%}

{#- The instant that many microseconds after the beginning of 1970. -#}
{%- macro timestamp_of_microseconds(microseconds) -%}
    {{ adapter.dispatch('timestamp_of_microseconds', 'collections')(microseconds) }}
{%- endmacro -%}

{%- macro default__timestamp_of_microseconds(microseconds) -%}
    make_timestamp({{ microseconds }})
{%- endmacro -%}

{%- macro spark__timestamp_of_microseconds(microseconds) -%}
    timestamp_micros({{ microseconds }})
{%- endmacro -%}

{#- Whole days since the beginning of 1970 in so many microseconds. -#}
{%- macro day_number(microseconds) -%}
    {{ adapter.dispatch('day_number', 'collections')(microseconds) }}
{%- endmacro -%}

{%- macro default__day_number(microseconds) -%}
    cast(({{ microseconds }}) // 86400000000 as integer)
{%- endmacro -%}

{%- macro spark__day_number(microseconds) -%}
    cast(({{ microseconds }}) div 86400000000 as int)
{%- endmacro -%}

{#- A time of day `HH:MM` in microseconds since midnight. -#}
{%- macro microseconds_of_day(time_text) -%}
    (
        cast(substr({{ time_text }}, 1, 2) as bigint) * 3600000000
        + cast(substr({{ time_text }}, 4, 2) as bigint) * 60000000
    )
{%- endmacro -%}

{#- The last day of the half year, June or December, in which a date falls. -#}
{%- macro half_year_end(any_date) -%}
    {{ month_end(add_months(
        "cast(date_trunc('year', " ~ any_date ~ ") as date)",
        "case when extract(month from " ~ any_date ~ ") <= 6 then 5 else 11 end"
    )) }}
{%- endmacro -%}
