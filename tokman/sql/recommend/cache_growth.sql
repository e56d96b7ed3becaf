-- Where no hashes are logged, from the counts alone. A turn's prompt can repeat the one before if it
-- has grown by what was answered then, so that the history may have been kept as it was.
--   Nothing is cached today: at most the prompt of the turn before could be read.
--   The cache writes today: what it held after the turn before is what it read and wrote then. If this
--   turn reads less of that after a pause, and writes it again, the pause has cost it. Lives shorter
--   than today's are taken to lose all that is read after such a pause.
with turns as (
    select
        turned.*,
        caching.cell,
        caching.short,
        caching.long,
        caching.retimed,
        caching.kind = 'automatic' as automatic
    from turned
    inner join caching using (place)
    where not caching.hashed and (turned.conversing or caching.retimed)
)

select
    if(retimed, 'counts', 'blocks') as path,
    call,
    tie,
    cell,
    tokens,
    if(retimed, read + written, tokens) as marked_tokens,
    read as read_today,
    written as written_today,
    gap,
    null::bigint as next_gap,
    0 as static_tokens,
    if(automatic and gap <= short and grown, tokens_before, 0) as static_short,
    if(automatic and gap <= long and grown, tokens_before, 0) as static_long,
    case
        when not retimed then if(gap <= short and grown, tokens_before, 0)
        when lasting and (gap is null or gap > short) then 0
        else read
    end as rolling_short,
    case
        when not retimed then if(gap <= long and grown, tokens_before, 0)
        when lost then held
        else read
    end as rolling_long,
    0 as stepped_short,
    0 as stepped_long,
    0 as warm_short,
    0 as warm_long,
    retimed and lost as again,
    case when retimed and gap <= short and tokens >= held then read >= held end as held_on
from turns,
    lateral (
        select
            coalesce(
                not lasting and gap > short and gap <= long and read < held and read + written >= held,
                false
            ) as lost
    )
