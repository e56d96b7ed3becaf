-- Calls in scope that have no row in a FOCUS export: without a price, and those that cost nothing.
select
    count(*) filter (unpriced) as unpriced_calls,
    coalesce(
        sum(input_tokens + output_tokens + audio_output_tokens + image_output_tokens)
        filter (unpriced), 0
    )::bigint as unpriced_tokens,
    count(*) filter (not unpriced and rate_id is null) as free_calls
from scope
