-- The calls of the chosen cells, as a batch would have served them. OpenAI's batches run when there
-- is room, and not in order: no read of a prompt cache is counted there.
-- https://github.com/openai/openai-cookbook/blob/main/examples/Prompt_Caching_201.ipynb
select
    current.* exclude (cost) replace (
        'batch' as service_tier,
        if(uncached, all_input, current.uncached_input_tokens) as uncached_input_tokens,
        if(uncached, 0, current.cache_read_input_tokens) as cache_read_input_tokens,
        if(uncached, 0, current.cache_write_5m_input_tokens) as cache_write_5m_input_tokens,
        if(uncached, 0, current.cache_write_1h_input_tokens) as cache_write_1h_input_tokens
    ),
    patient.cell
from current
inner join calls using (call)
inner join patient
    on patient.workflow is not distinct from calls.workflow
    and patient.provider_id = current.provider_id
    and patient.model_id = current.model_id,
    lateral (
        select
            patient.provider_id in ('openai', 'azure') as uncached,
            current.uncached_input_tokens + current.cache_read_input_tokens
            + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens as all_input
    )
where
    calls.ok
    and lower(coalesce(current.service_tier, 'standard')) not in ('batch', 'batches', 'flex')
