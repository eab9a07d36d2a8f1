"""The schema, as numbered steps that are applied once and recorded.

Times are UNIX seconds, digests sha256 in hex, JSON columns are named in the
comments beside them. Steps that have been released are never edited.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

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


def _run_all(db: Database, script: str) -> None:
    """Run each statement inside the open transaction (`executescript` would commit it)."""
    without_comments = "\n".join(line.split("--")[0] for line in script.splitlines())
    for statement in without_comments.split(";"):
        if statement.strip():
            db.execute(statement)
