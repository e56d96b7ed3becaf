-- Lines of statements that may be added up: of two exports, or two groupings, that tell the same
-- part of a provider's day, the one with more detail; Anthropic's claude_code report repeats a
-- part of its messages.
with told as (
    select
        *,
        cast(period_start as date) as day,
        len(string_split(view, ',')) as detail
    from statements
    where
        inference
        and part <> 'claude_code'
        and ($since is null or period_end > $since)
        and ($until is null or period_start < $until)
),
chosen as (
    select distinct on (provider_name, kind, part, day)
        provider_name, kind, part, day, source, view
    from told
    order by
        provider_name, kind, part, day,
        max(detail) over (partition by provider_name, kind, part, day, source, view) desc,
        max(issued_at) over (partition by provider_name, kind, part, day, source, view) desc,
        source, view
)
select told.* exclude (detail)
from told
inner join chosen
    on chosen.provider_name is not distinct from told.provider_name
    and (chosen.kind, chosen.part, chosen.day, chosen.source, chosen.view)
    = (told.kind, told.part, told.day, told.source, told.view)
