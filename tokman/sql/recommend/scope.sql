-- The usage as it was, of all workflows or of those in $workflows.
select original.*
from original
inner join calls using (call)
where $workflows is null or list_contains($workflows, coalesce(calls.workflow, ''))
