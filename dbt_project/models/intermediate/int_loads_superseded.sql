-- Grain: one row per admitted load. A full delivery says all there is: it supersedes the earlier
-- loads of its source and extract, except those whose very file it delivers again. A full
-- delivery of which a file was rejected says nothing of what is absent.
with loads as (
    select * from {{ ref('stg_lake__loads') }}
),

full_deliveries as (
    select
        source_name,
        extract_name,
        recorded_at
    from loads
    where delivery_kind = 'full'
    group by source_name, extract_name, recorded_at
    having
        sum(case when load_status = 'rejected' then 1 else 0 end) = 0
        and sum(case when load_status = 'admitted' then 1 else 0 end) > 0
),

repeated_files as (
    select
        source_name,
        extract_name,
        recorded_at,
        file_sha256
    from loads
    where
        delivery_kind = 'full'
        and load_status = 'duplicate'
    group by source_name, extract_name, recorded_at, file_sha256
),

admitted as (
    select
        load_id,
        source_name,
        extract_name,
        recorded_at,
        file_sha256,
        row_number() over (
            partition by source_name, extract_name, recorded_at order by load_sequence, load_id
        ) as position_in_delivery
    from loads
    where load_status = 'admitted'
),

superseding as (
    select
        admitted.load_id,
        min(full_deliveries.recorded_at) as superseded_at
    from admitted
    inner join full_deliveries
        on
            admitted.source_name = full_deliveries.source_name
            and admitted.extract_name = full_deliveries.extract_name
            and admitted.recorded_at < full_deliveries.recorded_at
    left join repeated_files
        on
            full_deliveries.source_name = repeated_files.source_name
            and full_deliveries.extract_name = repeated_files.extract_name
            and full_deliveries.recorded_at = repeated_files.recorded_at
            and admitted.file_sha256 = repeated_files.file_sha256
    where repeated_files.file_sha256 is null
    group by admitted.load_id
),

final as (
    select
        admitted.load_id,
        admitted.source_name,
        admitted.extract_name,
        admitted.recorded_at,
        superseding.superseded_at,
        first_loads.load_id as superseding_load_id
    from admitted
    left join superseding
        on admitted.load_id = superseding.load_id
    left join admitted as first_loads
        on
            admitted.source_name = first_loads.source_name
            and admitted.extract_name = first_loads.extract_name
            and superseding.superseded_at = first_loads.recorded_at
            and first_loads.position_in_delivery = 1
)

select * from final
