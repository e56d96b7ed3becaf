-- Steps of a workflow, told apart by their system prompts: where two or more have 200 calls each.
-- The rest of such a workflow's calls, and all calls of the others, are of step 0.
with prompts as (
    select
        workflow,
        prompt_hash,
        count(*) as calls
    from calls
    where ok and prompt_hash is not null
    group by all
    having calls >= 200
)

select
    *,
    row_number() over (partition by workflow order by calls desc, prompt_hash) as step,
    count(*) over (partition by workflow) as steps
from prompts
qualify steps >= 2 and step <= 20
