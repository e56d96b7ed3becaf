-- Every call with its price: the ledger's columns, and those that questions are asked by.
select
    usage.* exclude (user_id, service_tier),
    provider_name as provider,
    coalesce(response_model, request_model) as model,
    user_id as "user",
    coalesce(service_tier, 'standard') as service_tier,
    uncached_input_tokens + cache_read_input_tokens + cache_write_5m_input_tokens
    + cache_write_1h_input_tokens + audio_input_tokens + cache_read_audio_input_tokens
    + image_input_tokens as input_tokens,
    list_cost is null as unpriced
from usage
