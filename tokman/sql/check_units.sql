-- Units of work by workflow: calls that succeeded, and conversations with at least one of them
-- (a call outside any conversation is a conversation of its own).
select
    workflow,
    count(*) filter (status = 'ok') as calls,
    count(distinct coalesce(conversation_id, call_id)) filter (status = 'ok') as conversations
from work
group by all
order by all
