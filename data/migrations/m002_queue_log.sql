-- The story of each mention in words a moderator understands.

CREATE VIEW queue_log AS
SELECT
    m.id AS mention,
    j.id AS job,
    m.platform AS platform,
    m.source_id AS post,
    json_extract(m.payload, '$.account.handle') AS who,
    coalesce(j.tier, a.tier) AS tier,
    json_extract(m.payload, '$.text') AS asked,
    json_extract(j.prompt, '$.wish') AS prompt,
    json_extract(j.prompt, '$.style') AS style,
    j.photo AS photo,
    CASE
        WHEN j.state IS NOT NULL THEN j.state
        WHEN m.decided_at IS NULL THEN 'received'
        WHEN coalesce(o.say, 'cancelled') IN (
            'cancelled', 'withdrawn', 'no_wish', 'nothing_to_cancel', 'nothing_to_repeat'
        ) THEN 'answered'
        ELSE 'refused'
    END AS state,
    coalesce(j.reason, CASE WHEN o.say <> 'picture' THEN o.say END) AS reason,
    j.attempts AS attempts,
    datetime(m.received_at, 'unixepoch') AS asked_at,
    datetime(j.claimed_at, 'unixepoch') AS started_at,
    datetime(j.finished_at, 'unixepoch') AS finished_at,
    datetime(o.posted_at, 'unixepoch') AS replied_at,
    round(j.claimed_at - m.received_at, 3) AS waited_seconds,
    round(j.finished_at - j.claimed_at, 3) AS drawn_seconds,
    (SELECT group_concat(p.sha256, ' ') FROM pictures p WHERE p.job_id = j.id) AS pictures,
    o.text AS reply,
    o.state AS reply_state,
    o.post_id AS reply_post,
    c.units AS units,
    c.state AS charge
FROM mentions m
LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
LEFT JOIN jobs j ON j.mention_id = m.id
LEFT JOIN outbox o ON o.mention_id = m.id
LEFT JOIN charges c ON c.job_id = j.id;
