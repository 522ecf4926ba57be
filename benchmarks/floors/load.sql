-- The floor of loading: the Parquet as it is, as tables. Runs with the variable source (a folder of
-- Parquet) set by the caller.
create table ledger as select * from read_parquet(getvariable('source') || '/ledger.parquet');
create table payments as select * from read_parquet(getvariable('source') || '/payments.parquet');
create table contact_log as select * from read_parquet(getvariable('source') || '/contact_log.parquet');
create table customers as select * from read_parquet(getvariable('source') || '/customers.parquet');
create table collectors as select * from read_parquet(getvariable('source') || '/collectors.parquet');
create table portfolios as select * from read_parquet(getvariable('source') || '/portfolios.parquet');
