-- Lines of statements that may be added up: of two exports, or two groupings, that tell the same
-- part of a provider's day, one: that which names models, else is more exact, else more detailed.
-- Anthropic's claude_code report repeats a part of its messages.
with told as (
    select
        *,
        cast(period_start as date) as day,
        len(rtrim(split_part(cast(billed_amount as varchar), '.', 2), '0')) as places
    from statements
    where
        inference
        and part <> 'claude_code'
        and ($since is null or period_end > $since)
        and ($until is null or period_start < $until)
),
told_by as (
    select
        provider_name, kind, part, day, source, view,
        row_number() over (
            partition by provider_name, kind, part, day
            order by
                count(model) > 0 desc,
                max(places) desc nulls last,
                len(string_split(view, ',')) desc,
                max(issued_at) desc,
                source,
                view
        ) = 1 as chosen
    from told
    group by provider_name, kind, part, day, source, view
)
select told.* exclude (places)
from told
inner join told_by
    on chosen
    and told_by.provider_name is not distinct from told.provider_name
    and (told_by.kind, told_by.part, told_by.day, told_by.source, told_by.view)
    = (told.kind, told.part, told.day, told.source, told.view)
