-- The tables of the extracts, as DuckDB and PostgreSQL both read them.

-- name: ledger
create table ledger (
    document_id text,
    customer_id text,
    document_type text,
    document_date date,
    due_date date,
    currency_code text,
    amount decimal(18, 2),
    applies_to_document_id text
);

-- name: payments
create table payments (
    payment_id text,
    customer_id text,
    payment_date date,
    currency_code text,
    amount decimal(18, 2),
    document_id text
);

-- name: contact_log
create table contact_log (
    contact_id text,
    customer_id text,
    document_id text,
    collector_id text,
    contacted_at timestamp with time zone,
    channel text,
    outcome text,
    promised_amount decimal(18, 2),
    promised_date date
);
