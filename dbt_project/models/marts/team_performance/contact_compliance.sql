-- Grain: one row per contact and rule that it breaks, up to the as-of date.
-- Days and hours are those of the rule's clock. A customer whose zone is unknown is judged by each
-- zone it may live in, and the strictest counts. In a window that ends on its own day, a contact
-- breaks a maximum when as many came before it, by day, instant and number.
{%- set channels = ['phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal'] %}
{%- set subject = ['rule_code', 'customer_id', 'subject_id', 'timezone'] %}
{%- set judged = [
    'contact_id', 'customer_id', 'timezone', 'is_timezone_unknown', 'contacted_microseconds',
    'local_microseconds'
] %}
{{ config(**replaces_touched(by='int_compliance_touched', keys=['customer_id', 'contact_date'])) }}

with all_contacts as (
    select * from {{ ref('int_contacts_dated') }}
),

-- Named anew, so that an engine reads of it only what breaks a rule, not all of it twice.
contacts_described as (
    select * from {{ ref('int_contacts_deduped') }}
),

customers as (
    select * from {{ ref('dim_customers') }}
),

customers_contacted as (
    select * from {{ ref('int_customers_contacted') }}
),

contact_rule_packs as (
    select * from {{ ref('contact_rule_packs') }}
),

contact_rules as (
    select * from {{ ref('contact_rules') }}
),

contact_zones as (
    select * from {{ ref('contact_zones') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

{% if is_refresh() %}
    touched as (
        select * from {{ ref('int_compliance_touched') }}
    ),

    reach as (
        select coalesce(max(window_days), 1) + 1 as reach_days
        from contact_rules
    ),

    days_in_reach as (
        select
            touched.customer_id,
            {{ add_days('touched.contact_date', explode_integers('-reach.reach_days', '1')) }}
                as contact_date
        from touched
        cross join reach
    ),

    days_needed as (
        select
            customer_id,
            contact_date
        from days_in_reach
        group by customer_id, contact_date
    ),
{% endif %}
{%- set is_needed -%}
    {%- if is_refresh() -%}
        (all_contacts.customer_id, all_contacts.contact_date) in (
            select
                days_needed.customer_id,
                days_needed.contact_date
            from days_needed
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endset %}

contacts as (
    select
        all_contacts.contact_id,
        all_contacts.customer_id,
        all_contacts.document_id,
        all_contacts.channel,
        {{ microseconds_of('all_contacts.contacted_at') }} as contacted_microseconds,
        all_contacts.direction = 'outbound' as is_outbound,
        all_contacts.is_connect,
        all_contacts.is_right_party
    from all_contacts
    where
        (all_contacts.direction = 'outbound' or all_contacts.is_right_party)
        and {{ is_needed }}
),

-- Python knows a zone of this name, which is whatever the machine has; no engine does.
zoned_customers as (
    select
        customer_id,
        segment,
        nullif(timezone, 'localtime') as timezone
    from customers
),

governed as (
    select
        customers_contacted.customer_id,
        coalesce(own_packs.rule_pack, other_packs.rule_pack) as rule_pack,
        zoned_customers.timezone
    from customers_contacted
    left join zoned_customers
        on customers_contacted.customer_id = zoned_customers.customer_id
    left join contact_rule_packs as own_packs
        on zoned_customers.segment = own_packs.segment
    left join contact_rule_packs as other_packs
        on other_packs.segment = '*'
),

possible_zones as (
    select
        rule_pack,
        timezone
    from contact_zones
    where timezone <> '*'
    union
    select
        contact_zones.rule_pack,
        run_parameters.timezone
    from contact_zones
    cross join run_parameters
    where contact_zones.timezone = '*'
    union
    select
        contact_zones.rule_pack,
        zoned_customers.timezone
    from contact_zones
    inner join zoned_customers
        on zoned_customers.timezone is not null
    where contact_zones.timezone = '*'
),

clocks as (
    select
        customer_id,
        rule_pack,
        'customer' as clock,
        timezone,
        false as is_timezone_unknown
    from governed
    where timezone is not null
    union all
    select
        governed.customer_id,
        governed.rule_pack,
        'customer' as clock,
        possible_zones.timezone,
        true as is_timezone_unknown
    from governed
    inner join possible_zones
        on governed.rule_pack = possible_zones.rule_pack
    where governed.timezone is null
    union all
    select
        governed.customer_id,
        governed.rule_pack,
        'company' as clock,
        run_parameters.timezone,
        false as is_timezone_unknown
    from governed
    cross join run_parameters
),

-- Packs by the clocks that their rules ask: a number stands for both, because names are dear where
-- there is a row per contact.
rulings as (
    select
        rule_pack,
        clock,
        row_number() over (order by rule_pack, clock) as ruling_no
    from contact_rules
    group by rule_pack, clock
),

clocks_used as (
    select
        clocks.customer_id,
        clocks.timezone,
        clocks.is_timezone_unknown,
        rulings.ruling_no
    from clocks
    inner join rulings
        on
            clocks.rule_pack = rulings.rule_pack
            and clocks.clock = rulings.clock
),

-- Every contact has a clock and every clock an offset; a left join says so to an engine, which else
-- expects so few rows that it holds all of them to look the rules up.
clocked as (
    select
        contacts.*,
        clocks_used.ruling_no,
        clocks_used.timezone,
        clocks_used.is_timezone_unknown
    from contacts
    left join clocks_used
        on contacts.customer_id = clocks_used.customer_id
),

zones_used as (
    select
        timezone,
        min({{ day_number('contacted_microseconds') }}) as first_day_no,
        max({{ day_number('contacted_microseconds') }}) + 1 as last_day_no
    from clocked
    where timezone is not null
    group by timezone
),

zone_days as (
    select
        timezone,
        {{ explode_integers('first_day_no', 'last_day_no') }} as day_no
    from zones_used
),

midnights as (
    select
        timezone,
        day_no,
        {{ timestamp_of_microseconds('day_no * 86400000000') }} as midnight_at
    from zone_days
),

offsets as (
    select
        timezone,
        day_no,
        {{ microseconds_of(local_timestamp('midnight_at', 'timezone')) }}
        - {{ microseconds_of('midnight_at') }} as offset_microseconds
    from midnights
),

-- Asking an engine for the clock of each contact costs a hundred times what adding does; so it is
-- asked once a day, and for each contact only on days on which clocks are changed.
offsets_followed as (
    select
        timezone,
        day_no,
        offset_microseconds,
        offset_microseconds = lead(offset_microseconds) over (
            partition by timezone
            order by day_no
        ) as is_steady
    from offsets
),

timed as (
    select
        clocked.*,
        case
            when offsets_followed.is_steady
                then clocked.contacted_microseconds + offsets_followed.offset_microseconds
            else {{ microseconds_of(local_timestamp(
                timestamp_of_microseconds('clocked.contacted_microseconds'), 'clocked.timezone'
            )) }}
        end as local_microseconds
    from clocked
    left join offsets_followed
        on
            clocked.timezone = offsets_followed.timezone
            and {{ day_number('clocked.contacted_microseconds') }} = offsets_followed.day_no
),

dated as (
    select
        *,
        {{ day_number('local_microseconds') }} as local_day_no
    from timed
),

channels as (
    {%- for channel in channels %}
        select '{{ channel }}' as channel
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

rules as (
    select
        contact_rules.*,
        rulings.ruling_no,
        channels.channel,
        {{ microseconds_of_day('contact_rules.allowed_from') }} as first_microsecond,
        {{ microseconds_of_day('contact_rules.allowed_until') }} as last_microsecond
    from contact_rules
    inner join rulings
        on
            contact_rules.rule_pack = rulings.rule_pack
            and contact_rules.clock = rulings.clock
    inner join channels
        on
            contact_rules.channels = '*'
            or concat('|', contact_rules.channels, '|') like concat('%|', channels.channel, '|%')
),

{%- set is_ruled -%}
    dated.ruling_no = rules.ruling_no
            and dated.channel = rules.channel
{%- endset %}
{%- set subject_of -%}
    case
            when rules.counted_per = 'document' then coalesce(dated.document_id, '')
            else ''
        end
{%- endset %}

out_of_hours as (
    select
        {{ columns_of(judged, 'dated') }},
        rules.rule_pack,
        rules.rule_code,
        rules.rule_type,
        dated.local_day_no as window_first_day_no,
        dated.local_day_no as window_last_day_no,
        rules.allowed_from,
        rules.allowed_until,
        1 as counted_count,
        0 as maximum_count
    from dated
    inner join rules
        on {{ is_ruled }}
    where
        rules.rule_type = 'hours'
        and dated.is_outbound
        and (
            dated.local_microseconds - dated.local_day_no * 86400000000 < rules.first_microsecond
            or dated.local_microseconds - dated.local_day_no * 86400000000 > rules.last_microsecond
            or (
                dated.local_microseconds - dated.local_day_no * 86400000000
                = rules.last_microsecond
                and not rules.is_until_allowed
            )
        )
),

{%- set subject_number = number_of(
    ['rules.rule_pack', 'rules.rule_code', 'dated.customer_id', subject_of, 'dated.timezone']
) %}
{%- set is_counted -%}
    rules.rule_type = 'frequency'
        and dated.is_outbound
        and (rules.counted = 'attempts' or dated.is_connect)
{%- endset %}

stretches as (
    select
        {{ subject_number }} as subject_number,
        floor(dated.local_day_no / rules.window_days) as stretch_no,
        rules.maximum_count
    from dated
    inner join rules
        on {{ is_ruled }}
    where
        {{ is_counted }}
),

-- Few are contacted so often that a window could hold too many: a window lies in two stretches of
-- its length, of which one then holds more than half of the maximum.
crowded as (
    select subject_number
    from stretches
    group by subject_number, stretch_no, maximum_count
    having count(*) * 2 > maximum_count
),

counted as (
    select
        {{ columns_of(judged, 'dated') }},
        rules.rule_pack,
        rules.rule_code,
        rules.rule_type,
        {{ subject_of }} as subject_id,
        dated.local_day_no,
        rules.window_days,
        rules.maximum_count
    from dated
    inner join rules
        on {{ is_ruled }}
    where
        {{ is_counted }}
        and {{ subject_number }} in (select crowded.subject_number from crowded)
),

numbered as (
    select
        counted.*,
        row_number() over (
            partition by {{ columns_of(subject, 'counted') }}
            order by counted.local_day_no, counted.contacted_microseconds, counted.contact_id
        ) as contact_no
    from counted
),

above_maximum as (
    select numbered.*
    from numbered
    inner join numbered as earlier
        on
            {{ equal_columns(subject, 'numbered', 'earlier') }}
            and numbered.contact_no - numbered.maximum_count = earlier.contact_no
            and numbered.local_day_no - numbered.window_days < earlier.local_day_no
),

windows_opened as (
    select
        above_maximum.contact_id,
        {{ columns_of(subject, 'above_maximum') }},
        min(earlier.contact_no) as first_contact_no
    from above_maximum
    inner join numbered as earlier
        on
            {{ equal_columns(subject, 'above_maximum', 'earlier') }}
            and above_maximum.local_day_no - above_maximum.window_days < earlier.local_day_no
            and above_maximum.contact_no >= earlier.contact_no
    group by above_maximum.contact_id, {{ columns_of(subject, 'above_maximum') }}
),

too_often as (
    select
        {{ columns_of(judged + ['rule_pack', 'rule_code', 'rule_type'], 'above_maximum') }},
        above_maximum.local_day_no - above_maximum.window_days + 1 as window_first_day_no,
        above_maximum.local_day_no as window_last_day_no,
        cast(null as varchar) as allowed_from,
        cast(null as varchar) as allowed_until,
        above_maximum.contact_no - windows_opened.first_contact_no + 1 as counted_count,
        above_maximum.maximum_count
    from above_maximum
    inner join windows_opened
        on
            above_maximum.contact_id = windows_opened.contact_id
            and {{ equal_columns(subject, 'above_maximum', 'windows_opened') }}
),

-- Whoever began it, a conversation is one.
calls_and_conversations as (
    select
        {{ columns_of(judged, 'dated') }},
        rules.rule_pack,
        rules.rule_code,
        rules.rule_type,
        {{ subject_of }} as subject_id,
        dated.is_outbound,
        dated.is_right_party,
        dated.local_day_no,
        rules.window_days
    from dated
    inner join rules
        on {{ is_ruled }}
    where
        rules.rule_type = 'pause'
),

after_conversations as (
    select
        *,
        max(case when is_right_party then local_day_no end) over (
            partition by {{ columns_of(subject) }}
            order by local_day_no, contacted_microseconds, contact_id
            rows between unbounded preceding and 1 preceding
        ) as conversation_day_no
    from calls_and_conversations
),

too_soon as (
    select
        {{ columns_of(judged + ['rule_pack', 'rule_code', 'rule_type']) }},
        conversation_day_no as window_first_day_no,
        conversation_day_no + window_days - 1 as window_last_day_no,
        cast(null as varchar) as allowed_from,
        cast(null as varchar) as allowed_until,
        1 as counted_count,
        0 as maximum_count
    from after_conversations
    where
        is_outbound
        and conversation_day_no > local_day_no - window_days
),

broken as (
    select * from out_of_hours
    union all
    select * from too_often
    union all
    select * from too_soon
),

ranked as (
    select
        *,
        row_number() over (
            partition by contact_id, rule_code
            order by counted_count desc, timezone asc
        ) as strictness_rank
    from broken
),

final as (
    select
        ranked.contact_id,
        ranked.rule_pack,
        ranked.rule_code,
        ranked.rule_type,
        contacts_described.customer_id,
        contacts_described.document_id,
        contacts_described.collector_id,
        contacts_described.channel,
        contacts_described.contacted_at,
        contacts_described.contact_date,
        {{ month_start('contacts_described.contact_date') }} as month_start,
        ranked.timezone as judged_timezone,
        ranked.is_timezone_unknown,
        {{ timestamp_of_microseconds('ranked.local_microseconds') }} as local_contacted_at,
        {{ add_days("cast('1970-01-01' as date)", 'ranked.window_first_day_no') }}
            as window_start_date,
        {{ add_days("cast('1970-01-01' as date)", 'ranked.window_last_day_no') }}
            as window_end_date,
        ranked.allowed_from,
        ranked.allowed_until,
        cast(ranked.counted_count as integer) as counted_count,
        cast(ranked.maximum_count as integer) as maximum_count
    from ranked
    inner join contacts_described
        on ranked.contact_id = contacts_described.contact_id
    where
        ranked.strictness_rank = 1
        and {{ touched_only(
            'contacts_described', 'int_compliance_touched', ['customer_id', 'contact_date']
        ) }}
)

select * from final
