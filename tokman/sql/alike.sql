-- Pairs of calls that are probably one, each seen by another log: same model, same tokens in every
-- class, same second, same fate, and no provider's response id on one side at least. A pair is
-- alone of its kind: where a third call is as alike, nobody can say which two belong together.
with candidates as (
    select
        *,
        list_distinct([source] || coalesce([place.source for place in also_seen], [])) as sources,
        list_distinct([
            lower(split_part(name, '/', -1))
            for name in [request_model, response_model]
            if name is not null
        ]) as models,
        starts_with(call_id, source || ':')
        or regexp_full_match(call_id, '[0-9a-f]{32}:[0-9a-f]{16}') as no_response_id,
        1 + coalesce(len(matched_ids), 0) as sightings
    from read_parquet($files)
    where
        time_basis = 'log' and output_basis = 'final'
        and uncached_input_tokens + cache_read_input_tokens + cache_write_5m_input_tokens
        + cache_write_1h_input_tokens + audio_input_tokens + cache_read_audio_input_tokens
        + image_input_tokens + output_tokens + audio_output_tokens + image_output_tokens > 0
)

select
    arg_min(call_id, (no_response_id, call_id)) as keeps,
    arg_max(call_id, (no_response_id, call_id)) as goes
from candidates
group by
    date_trunc('second', started_at), status, response_cache_hit,
    uncached_input_tokens, cache_read_input_tokens, cache_write_5m_input_tokens,
    cache_write_1h_input_tokens, audio_input_tokens, cache_read_audio_input_tokens,
    image_input_tokens, output_tokens, reasoning_output_tokens, audio_output_tokens,
    image_output_tokens, web_search_requests, file_search_requests
having
    count(*) = 2 and sum(sightings) = 2 and bool_or(no_response_id)
    and len(list_distinct(flatten(list(sources)))) = sum(len(sources))
    and len(list_distinct(flatten(list(models)))) < sum(len(models))
