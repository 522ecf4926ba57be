-- The floor of the suites: the same questions as direct SQL, one statement per extract over the
-- Parquet. Runs with the variable lake (a lake's folder) set by the caller.

select
    count(*) as row_count,
    count(distinct _load_id) as load_count,
    count(*) filter (where company_code is null) as company_missing,
    count(*) filter (where document_id is null) as document_missing,
    count(*) filter (where customer_id is null) as customer_missing,
    count(*) filter (where document_type is null) as type_missing,
    count(*) filter (where document_date is null) as date_missing,
    count(*) filter (where currency_code is null) as currency_missing,
    count(*) filter (where amount is null) as amount_missing,
    count(*) filter (where document_type not in ('invoice', 'debit_memo', 'credit_memo', 'write_off', 'recovery', 'adjustment', 'opening_balance')) as type_unknown,
    count(*) filter (where legal_status not in ('none', 'demand_letter', 'arbitration', 'litigation', 'judgment', 'enforcement')) as legal_status_unknown,
    count(*) filter (where not regexp_full_match(currency_code, '[A-Z][A-Z][A-Z]')) as currency_wrong,
    count(*) filter (where amount < 0 and document_type <> 'adjustment') as amount_negative,
    count(*) filter (where abs(amount) > 1000000000000) as amount_huge,
    count(*) filter (where document_date < date '1980-01-01' or document_date > _delivery_date + interval 50 year) as date_impossible,
    count(*) filter (where due_date < date '1980-01-01' or due_date > _delivery_date + interval 50 year) as due_date_impossible,
    count(*) filter (where document_date > _delivery_date) as date_in_future,
    count(*) filter (where due_date < document_date) as due_before_document,
    count(*) filter (where installment_no < 1) as installment_wrong,
    sum(amount) as amount
from read_parquet(getvariable('lake') || '/ledger/*.parquet');

select count(*) as repeated_keys from (
    select 1 from read_parquet(getvariable('lake') || '/ledger/*.parquet')
    group by _load_id, company_code, document_id, installment_no having count(*) > 1
);

select count(*) as unknown_customers
from read_parquet(getvariable('lake') || '/ledger/*.parquet')
where customer_id not in (select customer_id from read_parquet(getvariable('lake') || '/customers/*.parquet'));

select
    count(*) as row_count,
    count(distinct _load_id) as load_count,
    count(*) filter (where company_code is null) as company_missing,
    count(*) filter (where payment_id is null) as payment_missing,
    count(*) filter (where customer_id is null) as customer_missing,
    count(*) filter (where payment_date is null) as date_missing,
    count(*) filter (where currency_code is null) as currency_missing,
    count(*) filter (where amount is null) as amount_missing,
    count(*) filter (where not regexp_full_match(currency_code, '[A-Z][A-Z][A-Z]')) as currency_wrong,
    count(*) filter (where abs(amount) > 1000000000000) as amount_huge,
    count(*) filter (where amount < 0 and reverses_payment_id is null) as refunds,
    count(*) filter (where payment_date < date '1980-01-01' or payment_date > _delivery_date + interval 50 year) as date_impossible,
    count(*) filter (where payment_date > _delivery_date) as date_in_future,
    count(*) filter (where line_no < 1) as line_wrong,
    sum(amount) as amount
from read_parquet(getvariable('lake') || '/payments/*.parquet');

select count(*) as repeated_keys from (
    select 1 from read_parquet(getvariable('lake') || '/payments/*.parquet')
    group by _load_id, company_code, payment_id, line_no having count(*) > 1
);

select count(*) as unknown_documents
from read_parquet(getvariable('lake') || '/payments/*.parquet')
where document_id not in (select document_id from read_parquet(getvariable('lake') || '/ledger/*.parquet'));

select count(*) as unknown_customers
from read_parquet(getvariable('lake') || '/payments/*.parquet')
where customer_id not in (select customer_id from read_parquet(getvariable('lake') || '/customers/*.parquet'));

select
    count(*) as row_count,
    count(distinct _load_id) as load_count,
    count(*) filter (where contact_id is null) as contact_missing,
    count(*) filter (where customer_id is null) as customer_missing,
    count(*) filter (where collector_id is null) as collector_missing,
    count(*) filter (where contacted_at is null) as instant_missing,
    count(*) filter (where channel is null) as channel_missing,
    count(*) filter (where outcome is null) as outcome_missing,
    count(*) filter (where channel not in ('phone', 'sms', 'email', 'letter', 'visit', 'messaging', 'legal')) as channel_unknown,
    count(*) filter (where direction not in ('outbound', 'inbound')) as direction_unknown,
    count(*) filter (where outcome not in ('no_answer', 'wrong_party', 'left_message', 'right_party', 'promise_to_pay', 'payment_plan', 'dispute', 'refusal', 'complaint', 'paid')) as outcome_unknown,
    count(*) filter (where promised_amount < 0) as promise_negative,
    count(*) filter (where duration_seconds < 0) as duration_negative,
    count(*) filter (where contacted_at >= _delivery_date + interval 36 hour) as instant_in_future,
    count(*) filter (where contacted_at < timestamp '1980-01-01') as instant_impossible,
    count(*) filter (where promised_date < cast(contacted_at as date) - 1) as promise_in_the_past
from read_parquet(getvariable('lake') || '/contact_log/*.parquet');

select count(*) as repeated_keys from (
    select 1 from read_parquet(getvariable('lake') || '/contact_log/*.parquet')
    group by _load_id, contact_id having count(*) > 1
);

select count(*) as unknown_customers
from read_parquet(getvariable('lake') || '/contact_log/*.parquet')
where customer_id not in (select customer_id from read_parquet(getvariable('lake') || '/customers/*.parquet'));

select count(*) as unknown_collectors
from read_parquet(getvariable('lake') || '/contact_log/*.parquet')
where collector_id not in (select collector_id from read_parquet(getvariable('lake') || '/collectors/*.parquet'));
