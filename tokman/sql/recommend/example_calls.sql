-- The example calls, what each is billed for and where it was read.
select
    example_priced.*,
    example_priced.uncached_input_tokens + example_priced.cache_read_input_tokens
    + example_priced.cache_write_5m_input_tokens + example_priced.cache_write_1h_input_tokens
    + example_priced.audio_input_tokens + example_priced.cache_read_audio_input_tokens
    + example_priced.image_input_tokens as input_tokens,
    calls.call_id,
    calls.seen_at,
    charges.source,
    charges.file,
    charges.line
from example_priced
inner join examples using (call)
inner join calls using (call)
inner join charges on charges.call_id = calls.call_id
order by examples.place
