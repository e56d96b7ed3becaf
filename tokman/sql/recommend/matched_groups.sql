-- The attempts of each arm, counted by everything they are matched on.
select
    arm,
    effort,
    band,
    tools,
    after_tool,
    period,
    judged,
    count(*) as attempts,
    count(*) filter (judged_right) as judged_right,
    count(*) filter (went_well) as went_well,
    count(*) filter (tried_again) as tried_again,
    count(*) filter (escalated) as escalated,
    sum(cost) as cost,
    sum(read)::bigint as read,
    sum(bytes)::bigint as bytes,
    count(*) filter (bytes > 0) as sized,
    sum(written)::bigint as written,
    sum(written::hugeint * written)::double as written_squared,
    sum(reasoned)::bigint as reasoned,
    sum(log_size)::bigint as log_size,
    sum(log_size::hugeint * log_size)::double as log_size_squared,
    sum(log_tools)::bigint as log_tools,
    sum(log_tools::hugeint * log_tools)::double as log_tools_squared,
    sum(hour_seen)::bigint as hour_seen,
    sum(hour_seen::hugeint * hour_seen)::double as hour_seen_squared,
    sum(by_day)::bigint as by_day,
    sum(for_user)::bigint as for_user,
    sum(streamed)::bigint as streamed,
    sum(structured)::bigint as structured
from matching
group by all
order by all
