{#-
    How much of a running total an installment has taken: what lies between its lower and its
    upper bound; the first takes also what is below nothing, the last what is above the total.
-#}
{%- macro filled_amount(running_document) -%}
    (
        greatest(
            least(
                {{ running_document }} - (stacked_capacities.upper_document - stacked_capacities.capacity_document),
                stacked_capacities.capacity_document
            ),
            0
        )
        + case
            when stacked_capacities.rank_from_first = 1 then least({{ running_document }}, 0)
            else 0
        end
        + case
            when stacked_capacities.rank_from_last = 1
                then greatest({{ running_document }} - stacked_capacities.upper_document, 0)
            else 0
        end
    )
{%- endmacro -%}
