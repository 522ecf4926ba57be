{#- The channels that contacts are counted by. -#}
{%- macro contact_channels() -%}
    {%- do return(['phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal']) -%}
{%- endmacro -%}

{#- Contacts, attempts, connects and right-party contacts of each channel. -#}
{%- macro channel_counts() -%}
    {%- set columns = [] -%}
    {%- for channel in contact_channels() -%}
        {%- for count in [
            'contact_count', 'attempt_count', 'connect_count', 'right_party_contact_count'
        ] -%}
            {%- do columns.append(channel ~ '_' ~ count) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do return(columns) -%}
{%- endmacro -%}

{#- What the months of collectors and of teams have alike: a rate stands with its parts. -#}
{%- macro performance_columns() -%}
    {%- set rates = [
        'right_party_contact_rate_of_attempts', 'right_party_contact_rate_of_connects',
        'promise_kept_rate', 'promise_kept_rate_by_amount', 'collected_target_attainment_rate',
        'complaint_rate', 'satisfaction_score', 'satisfied_rate', 'training_pass_rate',
        'training_pass_rate_first_attempt', 'contacts_per_hour', 'collected_per_contact',
        'contact_cost_rate'
    ] -%}
    {%- set columns = [
        'as_of_date', 'month_end', 'is_complete', 'contact_count'
    ] + channel_counts() + [
        'customer_contacted_count', 'attempt_count', 'connect_count',
        'right_party_contact_count', 'right_party_contact_rate_of_attempts',
        'right_party_contact_rate_of_connects', 'promise_made_count', 'promise_made_amount',
        'promise_kept_count', 'promise_kept_amount', 'promise_partly_kept_count',
        'promise_partly_kept_amount', 'promise_broken_count', 'promise_broken_amount',
        'promise_kept_rate', 'promise_kept_rate_by_amount', 'promise_kept_target_rate',
        'collected_amount', 'collected_portfolio_owner_amount', 'collected_last_touch_amount',
        'collected_first_touch_amount', 'collected_linear_amount',
        'collected_promise_first_amount', 'collected_target_amount',
        'collected_target_attainment_rate', 'collected_per_day_amount',
        'collected_projected_amount', 'complaint_count', 'upheld_complaint_count',
        'complaint_rate', 'survey_count', 'satisfied_survey_count', 'satisfaction_score',
        'satisfied_rate', 'assessed_count', 'passed_count', 'training_pass_rate',
        'training_pass_rate_first_attempt', 'timed_contact_count', 'contact_second_count',
        'contact_cost_amount', 'costed_collected_amount', 'contacts_per_hour',
        'collected_per_contact', 'contact_cost_rate'
    ] -%}
    {%- for column in columns %}
        {%- if column in rates %}
            {{ column }},
            {{ column }}_numerator,
            {{ column }}_denominator,
            {{ column }}_status{{ ',' if not loop.last }}
        {%- else %}
            {{ column }}{{ ',' if not loop.last }}
        {%- endif %}
    {%- endfor %}
{%- endmacro -%}
