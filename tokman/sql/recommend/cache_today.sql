-- The calls that read or write a prompt cache today, as they would be without one.
select
    current.* exclude (cost) replace (
        current.uncached_input_tokens + current.cache_read_input_tokens
        + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens
            as uncached_input_tokens,
        0 as cache_read_input_tokens,
        0 as cache_write_5m_input_tokens,
        0 as cache_write_1h_input_tokens
    )
from current
where
    status = 'ok'
    and not response_cache_hit
    and current.cost > 0
    and current.cache_read_input_tokens
    + current.cache_write_5m_input_tokens + current.cache_write_1h_input_tokens > 0
