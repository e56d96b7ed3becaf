-- Completed calls whose consumption, model, tier and time are what they were: they keep the price
-- they had, so that a closed month does not move when a second log of it turns up.
select
    completed.*,
    known.list_cost,
    known.contracted_cost,
    known.rate_id,
    known.price_basis,
    known.unpriced_reason,
    known.rate_card
from completed
inner join known using (call_id)
where
    (
        completed.provider_name, completed.request_model, completed.response_model,
        completed.service_tier, completed.speed, completed.inference_geo,
        completed.started_at, completed.response_cache_hit, completed.status,
        completed.uncached_input_tokens, completed.cache_read_input_tokens,
        completed.cache_write_5m_input_tokens, completed.cache_write_1h_input_tokens,
        completed.audio_input_tokens, completed.cache_read_audio_input_tokens,
        completed.image_input_tokens, completed.output_tokens, completed.reasoning_output_tokens,
        completed.audio_output_tokens, completed.image_output_tokens,
        completed.web_search_requests, completed.file_search_requests
    ) is not distinct from (
        known.provider_name, known.request_model, known.response_model,
        known.service_tier, known.speed, known.inference_geo,
        known.started_at, known.response_cache_hit, known.status,
        known.uncached_input_tokens, known.cache_read_input_tokens,
        known.cache_write_5m_input_tokens, known.cache_write_1h_input_tokens,
        known.audio_input_tokens, known.cache_read_audio_input_tokens,
        known.image_input_tokens, known.output_tokens, known.reasoning_output_tokens,
        known.audio_output_tokens, known.image_output_tokens,
        known.web_search_requests, known.file_search_requests
    )
