-- The calls of each nominated cell, as another model would have counted and cached them.
-- A prompt below the target's smallest cacheable prefix is neither read from a cache nor written.
with scaled as (
    select
        current.* exclude (cost),
        steps.* exclude (provider_id, model_id, workflow, calls),
        (current.uncached_input_tokens * thousandths + 999) // 1000 as uncached,
        (current.cache_read_input_tokens * thousandths + 999) // 1000 as cached,
        (current.cache_write_5m_input_tokens * thousandths + 999) // 1000 as written_5m,
        (current.cache_write_1h_input_tokens * thousandths + 999) // 1000 as written_1h,
        uncached + cached + written_5m + written_1h >= steps.minimum as cacheable
    from current
    inner join calls using (call)
    inner join steps
        on steps.provider_id = current.provider_id
        and steps.model_id = current.model_id
        and steps.workflow is not distinct from calls.workflow
    where calls.ok and ($sample = 0 or calls.tie % (steps.calls // $sample + 1) = 0)
)

select
    scaled.* exclude (
        target, thousandths, minimum, uncached, cached, written_5m, written_1h, cacheable
    ) replace (
        target as request_model,
        target as response_model,
        target as model_id,
        if(cacheable, uncached, uncached + cached + written_5m + written_1h)
            as uncached_input_tokens,
        if(cacheable, cached, 0) as cache_read_input_tokens,
        if(cacheable, written_5m, 0) as cache_write_5m_input_tokens,
        if(cacheable, written_1h, 0) as cache_write_1h_input_tokens,
        (output_tokens * thousandths + 999) // 1000 as output_tokens,
        (reasoning_output_tokens * thousandths + 999) // 1000 as reasoning_output_tokens
    )
from scaled
