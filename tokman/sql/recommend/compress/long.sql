-- Calls by workflow and model whose prompt is over a length from which the whole call costs more, and
-- by less than $reach of it.
select
    calls.workflow,
    current.provider_id,
    current.model_id,
    bands.length,
    count(*) as calls,
    sum(current.cost) as cost,
    quantile_disc(prompt - bands.length, 0.5) as median_excess
from current
inner join calls using (call)
inner join bands
    on bands.provider_id = current.provider_id
    and bands.model_id = current.model_id,
    lateral (
        select
            current.uncached_input_tokens + current.cache_read_input_tokens
            + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens
            + current.audio_input_tokens + current.cache_read_audio_input_tokens
            + current.image_input_tokens as prompt
    )
where calls.ok and current.cost > 0 and prompt > bands.length and prompt <= bands.length * (1 + $reach)
group by all
order by cost desc, workflow, provider_id, model_id, length
