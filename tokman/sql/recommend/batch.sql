-- The calls of each cell as another way of serving them would have billed them.
--   batch, flex   the tier of that name
--   standard      without priority
--   off-peak      at the next hour of a lower price, if that comes in time
-- OpenAI's batches run when there is room, and not in order: no read of a prompt cache is counted
-- there. https://github.com/openai/openai-cookbook/blob/main/examples/Prompt_Caching_201.ipynb
with later as (
    select
        calls.call,
        patient.cell,
        patient.option,
        patient.provider_id in ('openai', 'azure') and patient.option = 'batch' as uncached,
        lower(coalesce(calls.service_tier, 'standard')) as tier,
        epoch_us(calls.started_at) % 86400000000 as time_of_day,
        peaks.cheap_from
        + if(peaks.cheap_from < time_of_day, 86400000000, 0) - time_of_day as wait
    from calls
    inner join patient
        on patient.workflow is not distinct from calls.workflow
        and patient.provider_id = calls.provider_id
        and patient.model_id = calls.model_id
    left join peaks
        on patient.option = 'off-peak'
        and peaks.provider_id = patient.provider_id
        and peaks.model_id = patient.model_id
        and calls.seen_at >= peaks.valid_from
        and calls.seen_at < peaks.valid_to
        and epoch_us(calls.seen_at) % 86400000000 >= peaks.peak_from
        and epoch_us(calls.seen_at) % 86400000000 < peaks.peak_to
    where
        calls.ok
        and calls.cost > 0
        and ($sample = 0 or calls.tie % (patient.calls // $sample + 1)::ubigint = 0)
        and case patient.option
            when 'standard' then tier like '%priority%'
            when 'off-peak'
                then tier not in ('batch', 'batches') and wait <= patient.delay * 1000000
            else tier not in ('batch', 'batches', 'flex')
        end
)

select
    current.* exclude (cost) replace (
        case later.option
            when 'off-peak' then current.service_tier
            when 'standard' then null
            else later.option
        end as service_tier,
        current.started_at + to_microseconds(coalesce(later.wait, 0)) as started_at,
        if(uncached, all_input, current.uncached_input_tokens) as uncached_input_tokens,
        if(uncached, 0, current.cache_read_input_tokens) as cache_read_input_tokens,
        if(uncached, 0, current.cache_write_5m_input_tokens) as cache_write_5m_input_tokens,
        if(uncached, 0, current.cache_write_1h_input_tokens) as cache_write_1h_input_tokens
    ),
    later.cell,
    later.option
from current
inner join later using (call),
    lateral (
        select
            current.uncached_input_tokens + current.cache_read_input_tokens
            + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as all_input
    )
