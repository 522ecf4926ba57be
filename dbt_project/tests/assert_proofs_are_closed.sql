-- Fails with one row per proof whose sides differ, naming it, where it stands and by how much.
with proofs as (
    select * from {{ ref('proofs') }}
)

select
    proof_code,
    proof_subject,
    company_code,
    currency_code,
    as_of_date,
    left_amount,
    right_amount,
    difference_amount
from proofs
where not is_closed
