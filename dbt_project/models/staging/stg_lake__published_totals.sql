-- Grain: one row per published version, company and currency, of the versions that were published
-- as known up to the run's known_at. In another time zone a delivery has another instant, so that
-- what was published then cannot be asked again now.
with published as (
    select * from {{ source('raw', 'published_totals') }}
),

run_parameters as (
    select * from {{ ref('run_parameters') }}
),

known as (
    select
        cast(published.version as varchar) as version_name,
        cast(published.as_of_date as date) as as_of_date,
        cast(published.known_at as timestamp) as known_at,
        cast(published.company_code as varchar) as company_code,
        cast(published.currency_code as varchar) as currency_code,
        cast(published.open_amount_document as decimal(28, 2)) as open_amount_document
    from published
    cross join run_parameters
    where
        published.known_at <= run_parameters.known_at
        and published.timezone = run_parameters.timezone
)

select * from known
