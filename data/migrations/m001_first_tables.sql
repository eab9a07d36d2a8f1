-- Everything the main job needs, from the inbox to the receipt.

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
