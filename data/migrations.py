"""The schema, as numbered steps that are applied once and recorded.

Times are UNIX seconds, digests sha256 in hex, JSON columns are named in the
comments beside them. Steps that have been released are never edited.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]

migrations = Migrations("muralist")

_TABLES = """
CREATE TABLE accounts (
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    tier TEXT NOT NULL DEFAULT 'free',
    first_seen REAL NOT NULL,
    PRIMARY KEY (platform, user_id)
) WITHOUT ROWID;

-- The durable inbox: a mention is written before anything is decided about it.
CREATE TABLE mentions (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    source_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    in_reply_to TEXT,
    payload TEXT NOT NULL,  -- JSON of data.words.Mention
    received_at REAL NOT NULL,
    decided_at REAL,
    UNIQUE (platform, source_id)
);
CREATE INDEX mentions_undecided ON mentions (id) WHERE decided_at IS NULL;

-- How far each platform has been read.
CREATE TABLE cursors (
    platform TEXT PRIMARY KEY,
    position TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    mention_id INTEGER NOT NULL UNIQUE REFERENCES mentions (id),
    platform TEXT NOT NULL,
    source_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    tier TEXT NOT NULL,
    prompt TEXT NOT NULL,  -- JSON of data.words.Prompt
    seed INTEGER NOT NULL,
    photo TEXT,
    state TEXT NOT NULL,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    owner TEXT,
    not_before REAL NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    claimed_at REAL,
    finished_at REAL,
    UNIQUE (platform, source_id)
);
CREATE INDEX jobs_line ON jobs (id) WHERE state IN ('available', 'retryable');
CREATE INDEX jobs_executing ON jobs (owner) WHERE state = 'executing';
CREATE INDEX jobs_account ON jobs (platform, user_id, id);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE state = 'completed';

-- The ledger. One row a job; the balance of a day is the sum of its rows.
CREATE TABLE charges (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    day TEXT NOT NULL,  -- the UTC day of the ask, YYYY-MM-DD
    units INTEGER NOT NULL,
    state TEXT NOT NULL,
    reserved_at REAL NOT NULL,
    ended_at REAL
);
CREATE INDEX charges_day ON charges (platform, user_id, day);

CREATE TABLE pictures (
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    position INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    media_type TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    engine TEXT NOT NULL,
    PRIMARY KEY (job_id, position)
) WITHOUT ROWID;
CREATE INDEX pictures_sha256 ON pictures (sha256);

-- Replies not yet posted, and the receipts of those that are. One a mention.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    mention_id INTEGER NOT NULL UNIQUE REFERENCES mentions (id),
    job_id INTEGER REFERENCES jobs (id),
    platform TEXT NOT NULL,
    say TEXT NOT NULL,
    facts TEXT NOT NULL,  -- JSON
    text TEXT,  -- rendered once, when the intent to post is committed
    state TEXT NOT NULL DEFAULT 'pending',
    owner TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    created_at REAL NOT NULL,
    post_id TEXT,
    posted_at REAL,
    withdrawn_at REAL,
    error TEXT
);
CREATE INDEX outbox_pending ON outbox (platform, id) WHERE state = 'pending';
CREATE INDEX outbox_posting ON outbox (owner) WHERE state = 'posting';
CREATE INDEX outbox_post ON outbox (platform, post_id) WHERE post_id IS NOT NULL;
CREATE INDEX outbox_job ON outbox (job_id) WHERE job_id IS NOT NULL;

-- Append-only: each arrow of a wish's way, in the order it was taken.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    mention_id INTEGER NOT NULL REFERENCES mentions (id),
    event TEXT NOT NULL,
    detail TEXT NOT NULL  -- JSON
);
CREATE INDEX journal_mention ON journal (mention_id, id);

-- The sandbox platform's own little network.
CREATE TABLE posts (
    id INTEGER PRIMARY KEY,
    author TEXT NOT NULL,
    text TEXT NOT NULL,
    in_reply_to INTEGER REFERENCES posts (id),
    thread INTEGER NOT NULL,
    photo TEXT,  -- digest of the raw upload
    shown_photo TEXT,  -- digest of its normalised form, NULL if unreadable
    pictures TEXT NOT NULL DEFAULT '[]',  -- JSON list of {sha256, alt, width, height}
    key TEXT UNIQUE,  -- of a reply the bot posts: posting it again finds it
    created_at REAL NOT NULL,
    removed_at REAL
);
CREATE INDEX posts_thread ON posts (thread, id);
CREATE INDEX posts_roots ON posts (id) WHERE in_reply_to IS NULL;
-- Which images may be served: those that a post shows.
CREATE TABLE post_images (
    sha256 TEXT NOT NULL,
    post_id INTEGER NOT NULL REFERENCES posts (id),
    PRIMARY KEY (sha256, post_id)
) WITHOUT ROWID;
CREATE INDEX posts_replies ON posts (in_reply_to) WHERE in_reply_to IS NOT NULL;
"""

_QUEUE_LOG = """
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
"""


_PUBLISHING = """
-- A platform without idempotency keys: what was uploaded, when the request was meant to be
-- made, how often it was looked for since, and whether the platform said it is there.
ALTER TABLE outbox ADD COLUMN media TEXT NOT NULL DEFAULT '[]';
ALTER TABLE outbox ADD COLUMN media_until REAL;
ALTER TABLE outbox ADD COLUMN posting_at REAL;
ALTER TABLE outbox ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN stands INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_open ON outbox (platform, not_before)
    WHERE state IN ('pending', 'unclear');
CREATE INDEX outbox_underway ON outbox (owner) WHERE state IN ('preparing', 'posting');

ALTER TABLE mentions ADD COLUMN thread TEXT;
CREATE INDEX mentions_thread ON mentions (platform, thread) WHERE thread IS NOT NULL;
CREATE INDEX mentions_account ON mentions (platform, user_id, received_at);

-- People who asked to be left alone, until they come back.
CREATE TABLE stopped (
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    stopped_at REAL NOT NULL,
    PRIMARY KEY (platform, user_id)
) WITHOUT ROWID;
"""

_BUDGET = """
-- A platform's own limits as we believe them; its answers overwrite them.
CREATE TABLE windows (
    platform TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    name TEXT NOT NULL,
    capacity INTEGER NOT NULL,
    used INTEGER NOT NULL,
    resets_at REAL NOT NULL,
    PRIMARY KEY (platform, endpoint, name)
) WITHOUT ROWID;

-- Endpoints that must not be asked before `until`.
CREATE TABLE pauses (
    platform TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    until REAL NOT NULL,
    strikes INTEGER NOT NULL,
    probing INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (platform, endpoint)
) WITHOUT ROWID;

-- One row for each thing paid for: platforms charge a thing once a UTC day.
-- Amounts are in millionths of a US dollar; 'unclear' ones may have been charged.
CREATE TABLE spending (
    platform TEXT NOT NULL,
    day TEXT NOT NULL,
    kind TEXT NOT NULL,
    thing TEXT NOT NULL,
    amount INTEGER NOT NULL,
    state TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (platform, day, kind, thing)
) WITHOUT ROWID;
CREATE INDEX spending_thing ON spending (platform, kind, thing);

-- A reply's place in the platform's windows, and its money, kept free while it is drawn.
CREATE TABLE slots (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    platform TEXT NOT NULL,
    amount INTEGER NOT NULL,
    state TEXT NOT NULL,
    reserved_at REAL NOT NULL,
    ended_at REAL
);
CREATE INDEX slots_reserved ON slots (platform) WHERE state = 'reserved';

-- Platforms whose writer stopped because the account needs a person.
CREATE TABLE breakers (
    platform TEXT PRIMARY KEY,
    tripped_at REAL NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;

-- What a day cost, and what it bought.
CREATE VIEW spend_log AS
SELECT
    s.platform AS platform,
    s.day AS day,
    round(sum(CASE WHEN s.state = 'spent' THEN s.amount ELSE 0 END) / 1e6, 6) AS usd,
    round(sum(CASE WHEN s.state = 'unclear' THEN s.amount ELSE 0 END) / 1e6, 6) AS usd_unclear,
    (SELECT count(*) FROM outbox o WHERE o.platform = s.platform AND o.state = 'posted'
        AND o.say = 'picture' AND date(o.posted_at, 'unixepoch') = s.day) AS replies,
    round(sum(s.amount) / 1e6 / nullif((SELECT count(*) FROM outbox o
        WHERE o.platform = s.platform AND o.state = 'posted' AND o.say = 'picture'
        AND date(o.posted_at, 'unixepoch') = s.day), 0), 6) AS usd_per_reply
FROM spending s
GROUP BY s.platform, s.day;
"""

_WITHOUT_ANSWERS = """
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
"""


_LIMITS = """
ALTER TABLE accounts ADD COLUMN tier_until REAL;  -- then it is free again; NULL: for good
ALTER TABLE accounts ADD COLUMN arrival REAL NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN in_hand INTEGER NOT NULL DEFAULT 0;

-- `tag` orders a lane: the virtual time at which the wish would be done. `cost` is in
-- ordinary pictures; `steps` and `size` are the shares of the ordinary it is drawn with.
ALTER TABLE jobs ADD COLUMN circle TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN cost REAL NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN tag REAL;
ALTER TABLE jobs ADD COLUMN steps REAL NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN size REAL NOT NULL DEFAULT 1;
ALTER TABLE jobs ADD COLUMN weight REAL;  -- its tier's, when it was admitted
UPDATE jobs SET circle = platform, cost = json_extract(prompt, '$.count'), tag = id;
DROP INDEX jobs_line;
DROP INDEX jobs_finished;
-- With all that the order of the line asks for, so that the jobs themselves are not read.
CREATE INDEX jobs_line ON jobs (tier, circle, tag, id, cost, not_before)
    WHERE state IN ('available', 'retryable');
CREATE INDEX jobs_age ON jobs (created_at) WHERE state IN ('available', 'retryable');
CREATE INDEX IF NOT EXISTS jobs_held ON jobs (id) WHERE state = 'held';
CREATE INDEX jobs_flow ON jobs (platform, user_id, tier, circle, tag);
CREATE INDEX jobs_finished ON jobs (finished_at, claimed_at, cost) WHERE state = 'completed';

-- The line's tree: lanes (tier and circle), the tiers ('' for circle) and the root (both '').
-- `tag` is the node's start tag among its siblings, `clock` the virtual time below it.
-- `waiting` and `cost` are what waits there now, `asked` all that ever did.
CREATE TABLE lanes (
    tier TEXT NOT NULL,
    circle TEXT NOT NULL,
    weight REAL NOT NULL DEFAULT 1,
    tag REAL NOT NULL DEFAULT 0,
    clock REAL NOT NULL DEFAULT 0,
    waiting INTEGER NOT NULL DEFAULT 0,
    cost REAL NOT NULL DEFAULT 0,
    asked REAL NOT NULL DEFAULT 0,
    steps REAL NOT NULL DEFAULT 1,
    size REAL NOT NULL DEFAULT 1,
    PRIMARY KEY (tier, circle)
) WITHOUT ROWID;
CREATE INDEX lanes_open ON lanes (tier, tag) WHERE waiting > 0 AND circle <> '';

ALTER TABLE charges ADD COLUMN circle TEXT NOT NULL DEFAULT '';
ALTER TABLE charges ADD COLUMN channel TEXT;
UPDATE charges SET circle = platform;

-- The ledger's sums, by UTC day and by whose they are: an account's ('platform/user_id'),
-- a circle's, a channel's ('circle/channel') or everybody's ('').
CREATE TABLE balances (
    day TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    reserved INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    PRIMARY KEY (day, scope, key)
) WITHOUT ROWID;

-- What differs from the defaults in the code. NULL: as there.
CREATE TABLE tiers (
    tier TEXT PRIMARY KEY,
    daily INTEGER, burst INTEGER, every REAL, in_hand INTEGER, weight REAL,
    opens_at REAL, share REAL, min_age REAL, floor_steps REAL, floor_size REAL, wait REAL
) WITHOUT ROWID;
-- Units a UTC day for many together; '*' for key is each that has no row of its own.
CREATE TABLE caps (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    daily INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
-- The tier everybody in a circle has at least.
CREATE TABLE circle_tiers (
    circle TEXT PRIMARY KEY,
    tier TEXT NOT NULL,
    until REAL
) WITHOUT ROWID;
CREATE TABLE temporary_limits (
    id INTEGER PRIMARY KEY,
    tier TEXT NOT NULL,
    daily INTEGER,
    backlog REAL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    lifted_at REAL
);
CREATE INDEX temporary_limits_in_force ON temporary_limits (tier) WHERE lifted_at IS NULL;
-- Whom a temporary limit put off, to be told when it is over.
CREATE TABLE put_off (
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tier TEXT NOT NULL,
    mention_id INTEGER NOT NULL REFERENCES mentions (id),
    at REAL NOT NULL,
    PRIMARY KEY (platform, user_id)
) WITHOUT ROWID;
-- Append-only: who changed which limit, and why.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    why TEXT NOT NULL,
    detail TEXT NOT NULL  -- JSON
);
-- The controller's memory, one row.
CREATE TABLE melting (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at REAL NOT NULL,
    pace REAL,  -- seconds for an ordinary picture, as measured
    state TEXT NOT NULL  -- JSON
);
-- When a wish was said to be done, and whether it was. Seconds from `at`.
CREATE TABLE promises (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    at REAL NOT NULL,
    class TEXT NOT NULL,
    eta REAL NOT NULL,
    soonest REAL NOT NULL,
    latest REAL NOT NULL,
    took REAL
);
CREATE INDEX promises_kept ON promises (job_id) WHERE took IS NOT NULL;
-- How far estimates of a class are off, as factors, learnt from those before.
CREATE TABLE calibration (
    class TEXT PRIMARY KEY,
    low REAL NOT NULL,
    high REAL NOT NULL
) WITHOUT ROWID;

INSERT INTO balances (day, scope, key, reserved, settled)
    SELECT day, 'account', platform || '/' || user_id,
        sum(units * (state = 'reserved')), sum(units * (state = 'settled'))
    FROM charges GROUP BY day, platform, user_id;
INSERT INTO balances (day, scope, key, reserved, settled)
    SELECT day, 'circle', circle,
        sum(units * (state = 'reserved')), sum(units * (state = 'settled'))
    FROM charges GROUP BY day, circle;
INSERT INTO balances (day, scope, key, reserved, settled)
    SELECT day, 'total', '', sum(units * (state = 'reserved')), sum(units * (state = 'settled'))
    FROM charges GROUP BY day;
UPDATE accounts SET in_hand = coalesce((SELECT sum(units) FROM charges c
    WHERE c.platform = accounts.platform AND c.user_id = accounts.user_id
    AND c.state = 'reserved'), 0);
INSERT INTO lanes (tier, circle, waiting, cost, asked)
    SELECT tier, circle, count(*), sum(cost), sum(cost) FROM jobs
    WHERE state IN ('available', 'retryable') GROUP BY tier, circle;
INSERT INTO lanes (tier, circle, waiting, cost, asked)
    SELECT tier, '', sum(waiting), sum(cost), sum(asked) FROM lanes GROUP BY tier;
"""

#: Sums that follow their rows by themselves, whoever changes them.
_SUMS = (
    """
    CREATE TRIGGER charges_reserved AFTER INSERT ON charges BEGIN
        INSERT INTO balances (day, scope, key, reserved, settled)
        VALUES (NEW.day, 'account', NEW.platform || '/' || NEW.user_id, NEW.units, 0),
               (NEW.day, 'circle', NEW.circle, NEW.units, 0),
               (NEW.day, 'total', '', NEW.units, 0)
        ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved;
        UPDATE accounts SET in_hand = in_hand + NEW.units
        WHERE platform = NEW.platform AND user_id = NEW.user_id;
    END
    """,
    """
    CREATE TRIGGER charges_in_channel AFTER INSERT ON charges
    WHEN NEW.channel IS NOT NULL BEGIN
        INSERT INTO balances (day, scope, key, reserved, settled)
        VALUES (NEW.day, 'channel', NEW.circle || '/' || NEW.channel, NEW.units, 0)
        ON CONFLICT DO UPDATE SET reserved = reserved + excluded.reserved;
    END
    """,
    """
    CREATE TRIGGER charges_ended AFTER UPDATE OF state ON charges
    WHEN OLD.state = 'reserved' AND NEW.state <> 'reserved' BEGIN
        UPDATE balances SET reserved = reserved - NEW.units,
            settled = settled + NEW.units * (NEW.state = 'settled')
        WHERE day = NEW.day AND scope = 'account'
            AND key = NEW.platform || '/' || NEW.user_id;
        UPDATE balances SET reserved = reserved - NEW.units,
            settled = settled + NEW.units * (NEW.state = 'settled')
        WHERE day = NEW.day AND scope = 'circle' AND key = NEW.circle;
        UPDATE balances SET reserved = reserved - NEW.units,
            settled = settled + NEW.units * (NEW.state = 'settled')
        WHERE day = NEW.day AND scope = 'total' AND key = '';
        UPDATE balances SET reserved = reserved - NEW.units,
            settled = settled + NEW.units * (NEW.state = 'settled')
        WHERE day = NEW.day AND scope = 'channel' AND key = NEW.circle || '/' || NEW.channel;
        UPDATE accounts SET in_hand = in_hand - NEW.units
        WHERE platform = NEW.platform AND user_id = NEW.user_id;
    END
    """,
    """
    CREATE TRIGGER charges_refunded AFTER UPDATE OF state ON charges
    WHEN OLD.state = 'settled' AND NEW.state = 'released' BEGIN
        UPDATE balances SET settled = settled - NEW.units WHERE day = NEW.day AND (
            (scope = 'account' AND key = NEW.platform || '/' || NEW.user_id)
            OR (scope = 'circle' AND key = NEW.circle)
            OR (scope = 'total' AND key = '')
            OR (scope = 'channel' AND key = NEW.circle || '/' || NEW.channel));
    END
    """,
    """
    CREATE TRIGGER jobs_came AFTER INSERT ON jobs
    WHEN NEW.state IN ('available', 'retryable') BEGIN
        INSERT INTO lanes (tier, circle, weight, waiting, cost, asked)
        VALUES (NEW.tier, NEW.circle, 1, 1, NEW.cost, NEW.cost),
               (NEW.tier, '', coalesce(NEW.weight, 1), 1, NEW.cost, NEW.cost)
        ON CONFLICT DO UPDATE SET waiting = waiting + 1, cost = cost + excluded.cost,
            asked = asked + excluded.asked,
            weight = iif(circle = '', coalesce(NEW.weight, weight), weight);
    END
    """,
    """
    CREATE TRIGGER jobs_left AFTER UPDATE OF state, tier ON jobs
    WHEN OLD.state IN ('available', 'retryable')
        AND (NEW.state NOT IN ('available', 'retryable') OR NEW.tier <> OLD.tier) BEGIN
        UPDATE lanes SET waiting = waiting - 1, cost = cost - OLD.cost
        WHERE tier = OLD.tier AND circle = OLD.circle;
        UPDATE lanes SET waiting = waiting - 1, cost = cost - OLD.cost
        WHERE tier = OLD.tier AND circle = '';
    END
    """,
    """
    CREATE TRIGGER jobs_came_back AFTER UPDATE OF state, tier ON jobs
    WHEN NEW.state IN ('available', 'retryable')
        AND (OLD.state NOT IN ('available', 'retryable') OR NEW.tier <> OLD.tier) BEGIN
        INSERT INTO lanes (tier, circle, waiting, cost)
        VALUES (NEW.tier, NEW.circle, 1, NEW.cost), (NEW.tier, '', 1, NEW.cost)
        ON CONFLICT DO UPDATE SET waiting = waiting + 1, cost = cost + excluded.cost;
    END
    """,
)


_COMMUNITIES = """
-- What the people who run a server want of the bot there.
CREATE TABLE guilds (
    platform TEXT NOT NULL,
    guild_id TEXT NOT NULL,
    policy TEXT NOT NULL,  -- JSON of data.guilds.Policy
    PRIMARY KEY (platform, guild_id)
) WITHOUT ROWID;

-- What people have bought on a platform; an account's tier is the best that is in force.
CREATE TABLE entitlements (
    platform TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tier TEXT NOT NULL,
    ends_at REAL,
    ended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (platform, id)
) WITHOUT ROWID;
CREATE INDEX entitlements_account ON entitlements (platform, user_id);
CREATE INDEX entitlements_end ON entitlements (ends_at) WHERE ended = 0 AND ends_at IS NOT NULL;
"""


_CASEBOOK = """
-- Every wish once, as moderators list it; kept by the triggers below, never by hand.
CREATE TABLE casebook (
    id INTEGER PRIMARY KEY REFERENCES mentions (id),
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    tier TEXT NOT NULL,
    guild TEXT,
    model TEXT,  -- of the engine that drew it
    rule TEXT,  -- the check that last objected
    state TEXT NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0,  -- open reports and appeals
    at REAL NOT NULL
);
CREATE INDEX casebook_state ON casebook (state);
CREATE INDEX casebook_platform ON casebook (platform);
CREATE INDEX casebook_tier ON casebook (tier);
CREATE INDEX casebook_account ON casebook (platform, user_id);
CREATE INDEX casebook_guild ON casebook (guild) WHERE guild IS NOT NULL;
CREATE INDEX casebook_model ON casebook (model) WHERE model IS NOT NULL;
CREATE INDEX casebook_rule ON casebook (rule) WHERE rule IS NOT NULL;
CREATE INDEX casebook_at ON casebook (at);
CREATE INDEX casebook_review ON casebook (id) WHERE (state = 'held' OR reported > 0);
CREATE INDEX casebook_reported ON casebook (id) WHERE reported > 0;

-- What was wished and by whom, to be searched; the words themselves are not kept twice.
CREATE VIRTUAL TABLE casebook_words USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

-- How many rows of the casebook have a value; the facet 'all' has one.
CREATE TABLE casebook_counters (
    facet TEXT NOT NULL,
    value TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (facet, value)
) WITHOUT ROWID;

-- What happened in each minute; the seconds are those from wish to end, summed.
CREATE TABLE flow (
    minute INTEGER NOT NULL,
    what TEXT NOT NULL,
    n INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (minute, what)
) WITHOUT ROWID;

CREATE TRIGGER casebook_counted AFTER INSERT ON casebook BEGIN
    INSERT INTO casebook_counters (facet, value, n)
        SELECT facet, value, 1 FROM (SELECT 'all' AS facet, '' AS value
            UNION ALL SELECT 'state', NEW.state UNION ALL SELECT 'platform', NEW.platform
            UNION ALL SELECT 'tier', NEW.tier UNION ALL SELECT 'guild', NEW.guild
            UNION ALL SELECT 'model', NEW.model UNION ALL SELECT 'rule', NEW.rule)
        WHERE value IS NOT NULL
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO flow (minute, what, n, seconds)
        VALUES (CAST(NEW.at / 60 AS INTEGER), 'asked', 1, 0)
        ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER casebook_recounted AFTER UPDATE OF state, model, rule ON casebook BEGIN
    UPDATE casebook_counters SET n = n - 1 WHERE (facet, value) IN (
        ('state', OLD.state), ('model', OLD.model), ('rule', OLD.rule));
    INSERT INTO casebook_counters (facet, value, n)
        SELECT facet, value, 1 FROM (SELECT 'state' AS facet, NEW.state AS value
            UNION ALL SELECT 'model', NEW.model UNION ALL SELECT 'rule', NEW.rule)
        WHERE value IS NOT NULL
        ON CONFLICT DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER casebook_job AFTER INSERT ON jobs BEGIN
    INSERT INTO casebook (id, platform, user_id, tier, guild, rule, state, at)
        SELECT m.id, NEW.platform, NEW.user_id, NEW.tier,
            json_extract(m.payload, '$.guild'),
            (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
                WHERE v.mention_id = m.id AND v.event = 'verdict'
                AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
            CASE NEW.state WHEN 'available' THEN 'waiting' WHEN 'retryable' THEN 'waiting'
                WHEN 'executing' THEN 'painting' WHEN 'completed' THEN 'done'
                WHEN 'discarded' THEN 'failed' ELSE NEW.state END,
            NEW.created_at
        FROM mentions m WHERE m.id = NEW.mention_id;
    INSERT INTO casebook_words (rowid, words)
        VALUES (NEW.mention_id, json_extract(NEW.prompt, '$.wish') || ' ' || NEW.handle);
END;
CREATE TRIGGER casebook_job_state AFTER UPDATE OF state ON jobs WHEN NEW.state <> OLD.state BEGIN
    UPDATE casebook SET state =
        CASE NEW.state WHEN 'available' THEN 'waiting' WHEN 'retryable' THEN 'waiting'
            WHEN 'executing' THEN 'painting' WHEN 'completed' THEN 'done'
            WHEN 'discarded' THEN 'failed' ELSE NEW.state END
        WHERE id = NEW.mention_id;
    INSERT INTO flow (minute, what, n, seconds)
        SELECT CAST(coalesce(NEW.finished_at, NEW.created_at) / 60 AS INTEGER),
            CASE NEW.state WHEN 'completed' THEN 'done' WHEN 'held' THEN 'held' ELSE 'failed' END,
            1, max(0, coalesce(NEW.finished_at, NEW.created_at) - NEW.created_at)
        WHERE NEW.state IN ('completed', 'held', 'discarded')
        ON CONFLICT DO UPDATE SET n = n + 1, seconds = seconds + excluded.seconds;
END;
CREATE TRIGGER casebook_job_words AFTER UPDATE OF prompt ON jobs BEGIN
    DELETE FROM casebook_words WHERE rowid = NEW.mention_id;
    INSERT INTO casebook_words (rowid, words)
        VALUES (NEW.mention_id, json_extract(NEW.prompt, '$.wish') || ' ' || NEW.handle);
END;
CREATE TRIGGER casebook_forgotten AFTER UPDATE OF forgotten_at ON mentions
WHEN NEW.forgotten_at IS NOT NULL BEGIN
    DELETE FROM casebook_words WHERE rowid = NEW.id;
END;
CREATE TRIGGER casebook_picture AFTER INSERT ON pictures WHEN NEW.position = 0 BEGIN
    UPDATE casebook SET model = NEW.engine
        WHERE id = (SELECT mention_id FROM jobs WHERE id = NEW.job_id);
END;
CREATE TRIGGER casebook_verdict AFTER INSERT ON journal
WHEN NEW.event = 'verdict' AND json_extract(NEW.detail, '$.ruling') <> 'allow' BEGIN
    UPDATE casebook SET rule = coalesce(nullif(json_extract(NEW.detail, '$.rule'), ''),
            json_extract(NEW.detail, '$.by'))
        WHERE id = NEW.mention_id;
END;
CREATE TRIGGER casebook_refusal AFTER INSERT ON outbox WHEN NEW.say LIKE 'refused%' BEGIN
    INSERT INTO casebook_words (rowid, words)
        SELECT m.id, json_extract(m.payload, '$.text') || ' '
            || json_extract(m.payload, '$.account.handle')
        FROM mentions m WHERE m.id = NEW.mention_id
        AND NOT EXISTS (SELECT 1 FROM casebook k WHERE k.id = m.id)
        AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = m.id AND h.sealed);
    INSERT INTO casebook (id, platform, user_id, tier, guild, rule, state, at)
        SELECT m.id, m.platform, m.user_id, coalesce(a.tier, 'free'),
            json_extract(m.payload, '$.guild'),
            (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
                WHERE v.mention_id = m.id AND v.event = 'verdict'
                AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
            'refused', m.received_at
        FROM mentions m
        LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
        WHERE m.id = NEW.mention_id
        AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = m.id AND h.sealed)
        ON CONFLICT DO UPDATE SET state = 'refused';
END;
CREATE TRIGGER casebook_reply AFTER UPDATE OF state, withdrawn_at ON outbox
WHEN NEW.say = 'picture' AND (NEW.state = 'parked' OR NEW.withdrawn_at IS NOT NULL) BEGIN
    UPDATE casebook SET state = CASE
            WHEN NEW.withdrawn_at IS NOT NULL THEN 'removed'
            WHEN NEW.attempts = 0 THEN 'cancelled' ELSE 'failed' END
        WHERE id = NEW.mention_id AND state IN ('done', 'failed');
END;
CREATE INDEX cases_ended ON cases (closed_at) WHERE closed_at IS NOT NULL;
CREATE TRIGGER casebook_case AFTER INSERT ON cases BEGIN
    UPDATE casebook SET reported = reported + 1 WHERE id = NEW.mention_id;
END;
CREATE TRIGGER casebook_case_closed AFTER UPDATE OF closed_at ON cases
WHEN OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL BEGIN
    UPDATE casebook SET reported = reported - 1 WHERE id = NEW.mention_id;
END;

-- Who moderates. `login` is "discord:<id>" or "key"; the role is what Discord said last.
CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    since REAL NOT NULL,
    seen_at REAL NOT NULL,
    removed_at REAL
);
-- Keys that open the console where nothing else does; only their digests.
CREATE TABLE staff_keys (
    digest TEXT PRIMARY KEY,
    made_at REAL NOT NULL
) WITHOUT ROWID;
-- `digest` is of the cookie, `secret` can be read with the cookie alone.
CREATE TABLE staff_sessions (
    digest TEXT PRIMARY KEY,
    staff INTEGER NOT NULL REFERENCES staff (id),
    made_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    checked_at REAL NOT NULL,
    secret TEXT
) WITHOUT ROWID;
CREATE TABLE staff_attempts (
    id INTEGER PRIMARY KEY,
    remote TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX staff_attempts_remote ON staff_attempts (remote, at);

-- Acts on many wishes at once: done at `due_at`, unless taken back before.
CREATE TABLE bulks (
    id INTEGER PRIMARY KEY,
    staff INTEGER NOT NULL REFERENCES staff (id),
    act TEXT NOT NULL,
    reason TEXT NOT NULL,
    wishes TEXT NOT NULL,  -- JSON list
    made_at REAL NOT NULL,
    due_at REAL NOT NULL,
    done_at REAL,
    undone_at REAL,
    done INTEGER
);
CREATE INDEX bulks_open ON bulks (due_at) WHERE done_at IS NULL AND undone_at IS NULL
"""

#: Wishes that were there before the casebook was: the same rows the triggers would have made.
_CASEBOOK_SO_FAR = """
INSERT INTO casebook (id, platform, user_id, tier, guild, model, rule, state, at)
    SELECT m.id, m.platform, m.user_id, coalesce(j.tier, a.tier, 'free'),
        json_extract(m.payload, '$.guild'),
        (SELECT p.engine FROM pictures p WHERE p.job_id = j.id AND p.position = 0),
        (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
            WHERE v.mention_id = m.id AND v.event = 'verdict'
            AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
        CASE WHEN o.say LIKE 'refused%' THEN 'refused' WHEN o.withdrawn_at IS NOT NULL
            THEN 'removed' WHEN o.state = 'parked' THEN 'failed'
            ELSE CASE j.state WHEN 'available' THEN 'waiting' WHEN 'retryable' THEN 'waiting'
                WHEN 'executing' THEN 'painting' WHEN 'completed' THEN 'done'
                WHEN 'discarded' THEN 'failed' ELSE j.state END END,
        m.received_at
    FROM mentions m LEFT JOIN jobs j ON j.mention_id = m.id
    LEFT JOIN outbox o ON o.mention_id = m.id
    LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
    WHERE (j.id IS NOT NULL OR o.say LIKE 'refused%')
    AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = m.id AND h.sealed);
INSERT INTO casebook_words (rowid, words)
    SELECT k.id, coalesce(json_extract(j.prompt, '$.wish'), json_extract(m.payload, '$.text'))
        || ' ' || json_extract(m.payload, '$.account.handle')
    FROM casebook k JOIN mentions m ON m.id = k.id LEFT JOIN jobs j ON j.mention_id = k.id
    WHERE m.forgotten_at IS NULL
"""


_MODERATION = """
-- What checks found that was not "allow". `sealed` ones are shown to nobody.
CREATE TABLE hits (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    mention_id INTEGER NOT NULL REFERENCES mentions (id),
    job_id INTEGER REFERENCES jobs (id),  -- follows when the wish becomes a job
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    guild TEXT,
    stage TEXT NOT NULL,
    found_by TEXT NOT NULL,
    rule TEXT NOT NULL,
    ruling TEXT NOT NULL,
    category TEXT NOT NULL,
    source TEXT NOT NULL,  -- sha256 of the data or model
    scores TEXT NOT NULL,  -- JSON
    severe INTEGER NOT NULL,
    sealed INTEGER NOT NULL,
    overturned_at REAL
);
CREATE INDEX hits_mention ON hits (mention_id);
CREATE INDEX hits_account ON hits (platform, user_id, id);
CREATE INDEX hits_rule ON hits (rule, job_id);
CREATE INDEX hits_at ON hits (at, rule);
CREATE INDEX hits_sealed ON hits (mention_id) WHERE sealed = 1;

-- Each time a job waits for a person, from `held` to whatever came of it.
CREATE TABLE holds (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    hit_id INTEGER REFERENCES hits (id),
    needed INTEGER NOT NULL,  -- moderators who must approve
    held_at REAL NOT NULL,
    claimed_by TEXT,
    claimed_at REAL,
    ended_at REAL,
    outcome TEXT,  -- approved, rejected, expired, or the state the job went to otherwise
    ended_by TEXT,
    reason TEXT
);
CREATE UNIQUE INDEX holds_open ON holds (job_id) WHERE ended_at IS NULL;
CREATE INDEX holds_waiting ON holds (held_at) WHERE ended_at IS NULL;
CREATE INDEX holds_served ON holds (ended_at) WHERE outcome IN ('approved', 'rejected');
CREATE INDEX holds_job ON holds (job_id);
CREATE TABLE votes (
    hold_id INTEGER NOT NULL REFERENCES holds (id),
    moderator TEXT NOT NULL,
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (hold_id, moderator)
) WITHOUT ROWID;

-- Who may not ask, until when (NULL: until it is lifted).
CREATE TABLE bans (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL,
    reason TEXT NOT NULL,
    by TEXT NOT NULL,
    lifted_at REAL,
    lifted_by TEXT
);
CREATE INDEX bans_account ON bans (platform, user_id, id);
CREATE INDEX bans_standing ON bans (id) WHERE lifted_at IS NULL;
CREATE TABLE strikes (
    id INTEGER PRIMARY KEY,
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    mention_id INTEGER NOT NULL UNIQUE REFERENCES mentions (id),
    rule TEXT NOT NULL,
    at REAL NOT NULL,
    ban_id INTEGER REFERENCES bans (id),  -- the time-out it brought
    taken_back_at REAL
);
CREATE INDEX strikes_account ON strikes (platform, user_id, at);

-- Reports and appeals. One of a kind from a person about a wish.
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    platform TEXT NOT NULL,
    mention_id INTEGER NOT NULL REFERENCES mentions (id),
    job_id INTEGER REFERENCES jobs (id),
    user_id TEXT NOT NULL,
    handle TEXT NOT NULL,
    words TEXT NOT NULL,
    opened_at REAL NOT NULL,
    claimed_by TEXT,
    claimed_at REAL,
    closed_at REAL,
    closed_by TEXT,
    outcome TEXT,
    reason TEXT,
    UNIQUE (kind, mention_id, platform, user_id)
);
CREATE INDEX cases_open ON cases (id) WHERE closed_at IS NULL;
CREATE INDEX cases_job ON cases (job_id);
CREATE INDEX cases_open_job ON cases (job_id) WHERE closed_at IS NULL;

-- Posts that are to be taken off their platform, and those that were.
CREATE TABLE removals (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id),
    platform TEXT NOT NULL,
    post_id TEXT NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL,
    asked_at REAL NOT NULL,
    not_before REAL NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    done_at REAL,
    error TEXT,
    UNIQUE (platform, post_id)
);
CREATE INDEX removals_due ON removals (platform, not_before) WHERE done_at IS NULL;
CREATE INDEX removals_job ON removals (job_id);

-- What moderators write about a job or an account.
CREATE TABLE notes (
    id INTEGER PRIMARY KEY,
    job_id INTEGER REFERENCES jobs (id),
    platform TEXT,
    user_id TEXT,
    by TEXT NOT NULL,
    at REAL NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX notes_job ON notes (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX notes_account ON notes (platform, user_id) WHERE user_id IS NOT NULL;

-- Thresholds and rulings that differ from the files. Scopes: everyone, adults, tier:pro, guild:7.
CREATE TABLE standards (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;
CREATE TABLE rulings (
    scope TEXT NOT NULL,
    rule TEXT NOT NULL,
    ruling TEXT NOT NULL,
    PRIMARY KEY (scope, rule)
) WITHOUT ROWID;
CREATE TABLE patterns (
    id INTEGER PRIMARY KEY,
    guild TEXT NOT NULL,
    pattern TEXT NOT NULL,
    ruling TEXT NOT NULL,
    removed_at REAL
);
CREATE INDEX patterns_guild ON patterns (guild) WHERE removed_at IS NULL;

-- Images by what they look like: 256 bits in hex, as in moderation.fingerprint.
CREATE TABLE fingerprints (
    sha256 TEXT PRIMARY KEY,
    bits TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX jobs_photo ON jobs (id) WHERE photo IS NOT NULL;
CREATE INDEX jobs_photo_digest ON jobs (photo) WHERE photo IS NOT NULL;

-- People who do not want to be in pictures.
CREATE TABLE opted_out (
    platform TEXT NOT NULL,
    user_id TEXT NOT NULL,
    handle TEXT NOT NULL COLLATE NOCASE,
    at REAL NOT NULL,
    PRIMARY KEY (platform, user_id)
) WITHOUT ROWID;
CREATE INDEX opted_out_handle ON opted_out (platform, handle);

-- Everything moderators did and saw. Each row carries the sha256 of itself and the row before.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    by TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    why TEXT NOT NULL,
    detail TEXT NOT NULL,  -- JSON
    before TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, id);
CREATE INDEX audit_by ON audit (by, id);

INSERT INTO holds (job_id, needed, held_at)
    SELECT id, 1, coalesce(finished_at, created_at) FROM jobs WHERE state = 'held';

-- As before, with the rule that last hit, and without the words of what is sealed.
CREATE VIEW sealed AS SELECT mention_id FROM hits WHERE sealed = 1;
DROP VIEW queue_log;
CREATE VIEW queue_log AS
SELECT
    m.id AS mention,
    j.id AS job,
    m.platform AS platform,
    m.source_id AS post,
    json_extract(m.payload, '$.account.handle') AS who,
    coalesce(j.tier, a.tier) AS tier,
    iif(m.id IN sealed, '', json_extract(m.payload, '$.text')) AS asked,
    iif(m.id IN sealed, '', json_extract(j.prompt, '$.wish')) AS prompt,
    json_extract(j.prompt, '$.style') AS style,
    j.photo AS photo,
    CASE
        WHEN j.state IS NOT NULL THEN j.state
        WHEN m.decided_at IS NULL THEN 'received'
        WHEN coalesce(o.say, 'cancelled') IN (
            'cancelled', 'withdrawn', 'no_wish', 'nothing_to_cancel', 'nothing_to_repeat', 'case',
            'no_case', 'stopped'
        ) THEN 'answered'
        ELSE 'refused'
    END AS state,
    coalesce(j.reason, CASE WHEN o.say <> 'picture' THEN o.say END) AS reason,
    (SELECT h.rule FROM hits h WHERE h.mention_id = m.id ORDER BY h.id DESC LIMIT 1) AS rule,
    j.attempts AS attempts,
    datetime(m.received_at, 'unixepoch') AS asked_at,
    datetime(j.claimed_at, 'unixepoch') AS started_at,
    datetime(j.finished_at, 'unixepoch') AS finished_at,
    datetime(o.posted_at, 'unixepoch') AS replied_at,
    round(j.claimed_at - m.received_at, 3) AS waited_seconds,
    round(j.finished_at - j.claimed_at, 3) AS drawn_seconds,
    (SELECT group_concat(p.sha256, ' ') FROM pictures p WHERE p.job_id = j.id) AS pictures,
    iif(m.id IN sealed, '', o.text) AS reply,
    o.state AS reply_state,
    o.post_id AS reply_post,
    c.units AS units,
    c.state AS charge
FROM mentions m
LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
LEFT JOIN jobs j ON j.mention_id = m.id
LEFT JOIN outbox o ON o.mention_id = m.id
LEFT JOIN charges c ON c.job_id = j.id;
"""

#: What hangs on a job's state follows it by itself, whoever changes it.
_MODERATION_TRIGGERS = (
    """
    CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
        SELECT raise(ABORT, 'the audit is append-only');
    END
    """,
    """
    CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN
        SELECT raise(ABORT, 'the audit is append-only');
    END
    """,
    """
    CREATE TRIGGER jobs_hit AFTER INSERT ON jobs BEGIN
        UPDATE hits SET job_id = NEW.id WHERE mention_id = NEW.mention_id;
    END
    """,
    """
    CREATE TRIGGER jobs_held_at_once AFTER INSERT ON jobs WHEN NEW.state = 'held' BEGIN
        INSERT INTO holds (job_id, hit_id, needed, held_at)
            SELECT NEW.id, max(h.id), 1 + coalesce(h.severe, 0), NEW.created_at
            FROM hits h WHERE h.mention_id = NEW.mention_id AND h.ruling = 'hold';
    END
    """,
    """
    CREATE TRIGGER jobs_held AFTER UPDATE OF state ON jobs
    WHEN NEW.state = 'held' AND OLD.state <> 'held' BEGIN
        INSERT INTO holds (job_id, hit_id, needed, held_at)
            SELECT NEW.id, max(h.id), 1 + coalesce(h.severe, 0), NEW.finished_at
            FROM hits h WHERE h.mention_id = NEW.mention_id AND h.ruling = 'hold';
    END
    """,
    """
    CREATE TRIGGER jobs_let_go AFTER UPDATE OF state ON jobs
    WHEN OLD.state = 'held' AND NEW.state <> 'held' BEGIN
        UPDATE holds SET ended_at = coalesce(NEW.finished_at, held_at), outcome = NEW.state
            WHERE job_id = NEW.id AND ended_at IS NULL;
    END
    """,
)

_TOGETHER = """
-- What enters is counted by whoever writes it, once for all that enter in one act
-- (`data/ledger.py`, `data/lanes.py`, `data/enrolment.py`). Row by row it costs more than all
-- the rest of an admission; even a trigger whose WHEN is never true costs 2 us a row.
-- What becomes of it later still follows by triggers.
DROP TRIGGER charges_reserved;
DROP TRIGGER charges_in_channel;
DROP TRIGGER jobs_came;
DROP TRIGGER jobs_hit;
DROP TRIGGER jobs_held_at_once;
DROP TRIGGER casebook_job;
DROP TRIGGER casebook_counted;
-- An account's charges of a day are found by its mentions.
DROP INDEX charges_day;
-- Wishes are numbered as they come: a moment is found by halving (`casebook._first_after`).
DROP INDEX casebook_at;
-- What a check refused enters the casebook one by one; '' is for the time until it is counted.
DROP TRIGGER casebook_refusal;
CREATE TRIGGER casebook_refusal AFTER INSERT ON outbox WHEN NEW.say LIKE 'refused%'
AND NOT EXISTS (SELECT 1 FROM hits h WHERE h.mention_id = NEW.mention_id AND h.sealed) BEGIN
    INSERT INTO casebook_words (rowid, words)
        SELECT m.id, json_extract(m.payload, '$.text') || ' '
            || json_extract(m.payload, '$.account.handle')
        FROM mentions m WHERE m.id = NEW.mention_id
        AND NOT EXISTS (SELECT 1 FROM casebook k WHERE k.id = m.id);
    INSERT INTO casebook (id, platform, user_id, tier, guild, rule, state, at)
        SELECT m.id, m.platform, m.user_id, coalesce(a.tier, 'free'),
            json_extract(m.payload, '$.guild'),
            (SELECT coalesce(nullif(json_extract(v.detail, '$.rule'), ''),
                json_extract(v.detail, '$.by')) FROM journal v
                WHERE v.mention_id = m.id AND v.event = 'verdict'
                AND json_extract(v.detail, '$.ruling') <> 'allow' ORDER BY v.id DESC LIMIT 1),
            '', m.received_at
        FROM mentions m
        LEFT JOIN accounts a ON a.platform = m.platform AND a.user_id = m.user_id
        WHERE m.id = NEW.mention_id
        ON CONFLICT DO NOTHING;
    INSERT INTO casebook_counters (facet, value, n)
        SELECT f.key, f.value, 1 FROM casebook k, json_each(json_object('all', '', 'platform',
            k.platform, 'tier', k.tier, 'guild', k.guild, 'rule', k.rule)) AS f
        WHERE k.id = NEW.mention_id AND k.state = '' AND f.value IS NOT NULL
        ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO flow (minute, what, n, seconds)
        SELECT CAST(at / 60 AS INTEGER), 'asked', 1, 0 FROM casebook
        WHERE id = NEW.mention_id AND state = ''
        ON CONFLICT DO UPDATE SET n = n + 1;
    UPDATE casebook SET state = 'refused' WHERE id = NEW.mention_id;
END;
"""


_CARDS = """
-- Somebody wants a picture of a photo that somebody else posted: `owner` has to agree first.
CREATE TABLE photo_requests (
    id INTEGER PRIMARY KEY,
    mention_id INTEGER NOT NULL UNIQUE REFERENCES mentions (id),
    platform TEXT NOT NULL,
    asker TEXT NOT NULL,
    owner TEXT NOT NULL,
    words INTEGER NOT NULL,  -- whether the wish may be told before a person has looked
    asked_at REAL NOT NULL,
    until REAL NOT NULL,
    answer TEXT,  -- agreed, refused, expired, taken back
    answered_at REAL,
    taken_at REAL  -- when the wish went on, or was let go
);
CREATE INDEX photo_requests_open ON photo_requests (platform, until) WHERE answer IS NULL;
CREATE INDEX photo_requests_answered ON photo_requests (platform)
    WHERE answer IS NOT NULL AND taken_at IS NULL;
CREATE INDEX photo_requests_owner ON photo_requests (platform, owner, asked_at);

-- Messages of ours that show something for as long as it changes: a hold, a case, a request.
CREATE TABLE cards (
    id INTEGER PRIMARY KEY,
    about TEXT NOT NULL,
    number INTEGER NOT NULL,  -- of the hold, case or request
    platform TEXT NOT NULL,
    channel TEXT NOT NULL,
    answers TEXT,  -- the post it is put under
    made_at REAL NOT NULL,
    posting_at REAL,  -- the first intent; the message is looked for from here on
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0,
    message TEXT,
    shows TEXT,  -- digest of what the message shows
    over_at REAL,
    UNIQUE (about, number, platform, channel)
);
CREATE INDEX cards_standing ON cards (platform, not_before) WHERE over_at IS NULL;

-- Notes are about a wish, whether or not it became a job.
ALTER TABLE notes ADD COLUMN mention_id INTEGER REFERENCES mentions (id);
UPDATE notes SET mention_id = (SELECT mention_id FROM jobs WHERE id = job_id)
    WHERE job_id IS NOT NULL;
CREATE INDEX notes_wish ON notes (mention_id) WHERE mention_id IS NOT NULL;
"""


_OUTLOOK = """
-- JSON of data.melting.Prospect by tier: what a wish that enters now has to expect.
ALTER TABLE melting ADD COLUMN outlook TEXT NOT NULL DEFAULT '{}';
-- When they were told to come again.
ALTER TABLE put_off ADD COLUMN until REAL NOT NULL DEFAULT 0;
CREATE INDEX put_off_told ON put_off (tier, until);
-- What the model of the line said, before it was made an interval; `news` counts the kept
-- promises of a class that its factors were not learnt from yet.
ALTER TABLE promises ADD COLUMN first REAL NOT NULL DEFAULT 0;
ALTER TABLE promises ADD COLUMN last REAL NOT NULL DEFAULT 0;
ALTER TABLE calibration ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
-- The best tier of what an account has bought and that is in force, beside the one it was given.
ALTER TABLE accounts ADD COLUMN bought TEXT;
UPDATE accounts SET bought = tier, tier = 'free', tier_until = NULL WHERE EXISTS (
    SELECT 1 FROM entitlements e WHERE e.platform = accounts.platform
    AND e.user_id = accounts.user_id AND e.tier = accounts.tier AND e.ended = 0);
CREATE INDEX promises_lessons ON promises (class, job_id, took, first, last)
    WHERE took IS NOT NULL;
-- They were learnt of another model.
DELETE FROM calibration;
DELETE FROM promises;
"""


@migrations()
def m001_first_tables(db: Database) -> None:
    """Everything the main job needs, from the inbox to the receipt."""
    _run_all(db, _TABLES)


@migrations()
def m002_queue_log(db: Database) -> None:
    """The story of each mention in words a moderator understands."""
    _run_all(db, _QUEUE_LOG)


@migrations()
def m003_publishing_without_keys(db: Database) -> None:
    """What it takes to post once where a repeat would post twice."""
    _run_all(db, _PUBLISHING)


@migrations()
def m004_platform_budgets(db: Database) -> None:
    """Limits, money and health of the platforms we post on."""
    _run_all(db, _BUDGET)


@migrations()
def m005_forgetting(db: Database) -> None:
    """Which mentions are forgotten, because their posts are gone."""
    _run_all(db, "ALTER TABLE mentions ADD COLUMN forgotten_at REAL")


@migrations()
def m006_without_answers(db: Database) -> None:
    """What it takes to know the bill, and to keep tokens, through requests without an answer."""
    _run_all(db, _WITHOUT_ANSWERS)


@migrations()
def m007_communities(db: Database) -> None:
    """Servers with wishes of their own, and purchases on a platform."""
    _run_all(db, _COMMUNITIES)


@migrations()
def m008_limits(db: Database) -> None:
    """Tiers that can be changed, sums beside the ledger, the tree of the line, temporary limits."""
    _run_all(db, _LIMITS)
    for trigger in _SUMS:
        db.execute(trigger)


@migrations()
def m009_moderation(db: Database) -> None:
    """Hits, holds, bans, strikes, cases, removals, changed standards, and the audit."""
    _run_all(db, _MODERATION)
    for trigger in _MODERATION_TRIGGERS:
        db.execute(trigger)


@migrations()
def m010_casebook(db: Database) -> None:
    """What the moderators' console lists, counts, searches and remembers."""
    _run_all(db, _CASEBOOK)
    _run_all(db, _CASEBOOK_SO_FAR)


@migrations()
def m011_together(db: Database) -> None:
    """Wishes that enter at the same time are counted at the same time."""
    _run_all(db, _TOGETHER)


@migrations()
def m012_cards(db: Database) -> None:
    """Cards in moderators' channels, asking whoever posted a photo, notes on any wish."""
    _run_all(db, _CARDS)


@migrations()
def m013_outlook(db: Database) -> None:
    """What the controller expects of the line, and when those who were put off come again."""
    _run_all(db, _OUTLOOK)


def _run_all(db: Database, script: str) -> None:
    """Run each statement inside the open transaction (`executescript` would commit it)."""
    statement = ""
    for line in script.splitlines():
        statement += line.split("--")[0] + "\n"
        # A trigger's body has semicolons of its own.
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
    if statement.strip():
        db.execute(statement)
