-- What it takes to know the bill, and to keep tokens, through requests without an answer.

-- Readings under way, and those whose answer never came: what they may have cost at most.
CREATE TABLE askings (
    platform TEXT NOT NULL,
    day TEXT NOT NULL,
    question TEXT NOT NULL,
    most INTEGER NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (platform, day, question)
) WITHOUT ROWID;

-- Pictures uploaded for replies that are not posted yet; a platform forgets them in a day.
CREATE TABLE uploads (
    platform TEXT NOT NULL,
    reply TEXT NOT NULL,
    place INTEGER NOT NULL,
    media_id TEXT NOT NULL,
    media_key TEXT,
    until REAL NOT NULL,
    PRIMARY KEY (platform, reply, place)
) WITHOUT ROWID;

-- A platform's tokens that change: each pair is kept here before it is used.
CREATE TABLE tokens (
    platform TEXT PRIMARY KEY,
    origin TEXT NOT NULL,  -- digest of the settings they began with
    access TEXT NOT NULL,
    refresh TEXT NOT NULL,
    expires_at REAL NOT NULL,
    renewing_since REAL,
    lost TEXT
) WITHOUT ROWID;

DROP VIEW spend_log;

-- What a day cost, and what it bought. The bill is at least `usd`, and at most that
-- plus what is unclear plus what readings without an answer may have cost.
CREATE VIEW spend_log AS
SELECT
    s.platform AS platform,
    s.day AS day,
    round(sum(CASE WHEN s.state = 'spent' THEN s.amount ELSE 0 END) / 1e6, 6) AS usd,
    round(sum(CASE WHEN s.state = 'unclear' THEN s.amount ELSE 0 END) / 1e6, 6) AS usd_unclear,
    coalesce((SELECT round(sum(a.most) / 1e6, 6) FROM askings a
        WHERE a.platform = s.platform AND a.day = s.day), 0) AS usd_unread,
    (SELECT count(*) FROM outbox o WHERE o.platform = s.platform AND o.state = 'posted'
        AND o.say = 'picture' AND date(o.posted_at, 'unixepoch') = s.day) AS replies,
    round(sum(s.amount) / 1e6 / nullif((SELECT count(*) FROM outbox o
        WHERE o.platform = s.platform AND o.state = 'posted' AND o.say = 'picture'
        AND date(o.posted_at, 'unixepoch') = s.day), 0), 6) AS usd_per_reply
FROM spending s
GROUP BY s.platform, s.day;
