-- Calls by workflow and model whose prompt is over a length from which the whole call costs more, and
-- by less than $reach of it.
select
    calls.workflow,
    calls.provider_id,
    calls.model_id,
    bands.length,
    count(*) as calls,
    sum(calls.cost) as cost,
    quantile_disc(prompt - bands.length, 0.5) as median_excess
from calls
inner join bands
    on bands.provider_id = calls.provider_id
    and bands.model_id = calls.model_id,
    lateral (
        select
            calls.uncached_input_tokens + calls.cache_read_input_tokens
            + calls.cache_write_5m_input_tokens + calls.cache_write_1h_input_tokens
            + calls.audio_input_tokens + calls.cache_read_audio_input_tokens
            + calls.image_input_tokens as prompt
    )
where calls.ok and calls.cost > 0 and prompt > bands.length and prompt <= bands.length * (1 + $reach)
group by all
order by cost desc, workflow, provider_id, model_id, length
