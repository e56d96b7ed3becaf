-- Calls that searched, at rates that price tokens but no search: the search is in no amount.
select
    concat_ws(' ', provider, model) || ': searches without a price' as what,
    count(*) as calls,
    null::bigint as tokens,
    null::decimal(18, 12) as at_stake
from scope
inner join rates_card using (rate_id)
where
    (web_search_requests > 0 and price_web_search_requests is null)
    or (file_search_requests > 0 and price_file_search_requests is null)
group by provider, model
