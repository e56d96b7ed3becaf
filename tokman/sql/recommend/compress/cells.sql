-- The conversations of each workflow on each model: how long their prompts grow, and how much of
-- them are tool results beyond the cap.
select
    workflow,
    provider_id,
    model_id,
    count(*) as calls,
    count(distinct conversation) as conversations,
    bool_or(agent) as agent,
    sum(cost) as cost,
    quantile_disc(prompt, 0.5) as median_prompt,
    max(prompt) as longest_prompt,
    count(*) filter (results > 0) as bloated,
    sum(results + carried)::bigint as result_tokens
from turns
group by all
order by cost desc, workflow, provider_id, model_id
