-- The calls that a cause keeps from reading the cache, as they would be without it: first what they
-- wrote again is read instead, then what they sent at full price.
select
    current.* exclude (cost) replace (
        current.uncached_input_tokens - (missed - short_again - long_again) as uncached_input_tokens,
        current.cache_read_input_tokens + missed as cache_read_input_tokens,
        current.cache_write_5m_input_tokens - short_again as cache_write_5m_input_tokens,
        current.cache_write_1h_input_tokens - long_again as cache_write_1h_input_tokens
    ),
    causes.cell,
    causes.cause as option
from causes
inner join current using (call),
    lateral (
        select
            least(missed, current.cache_write_5m_input_tokens) as short_again,
            least(
                missed - least(missed, current.cache_write_5m_input_tokens),
                current.cache_write_1h_input_tokens
            ) as long_again
    )
where cause <> 'below the minimum'
