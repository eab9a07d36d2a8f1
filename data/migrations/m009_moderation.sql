-- Hits, holds, bans, strikes, cases, removals, changed standards, and the audit.

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

-- What hangs on a job's state follows it by itself, whoever changes it.
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
    SELECT raise(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN
    SELECT raise(ABORT, 'the audit is append-only');
END;

CREATE TRIGGER jobs_hit AFTER INSERT ON jobs BEGIN
    UPDATE hits SET job_id = NEW.id WHERE mention_id = NEW.mention_id;
END;

CREATE TRIGGER jobs_held_at_once AFTER INSERT ON jobs WHEN NEW.state = 'held' BEGIN
    INSERT INTO holds (job_id, hit_id, needed, held_at)
        SELECT NEW.id, max(h.id), 1 + coalesce(h.severe, 0), NEW.created_at
        FROM hits h WHERE h.mention_id = NEW.mention_id AND h.ruling = 'hold';
END;

CREATE TRIGGER jobs_held AFTER UPDATE OF state ON jobs
WHEN NEW.state = 'held' AND OLD.state <> 'held' BEGIN
    INSERT INTO holds (job_id, hit_id, needed, held_at)
        SELECT NEW.id, max(h.id), 1 + coalesce(h.severe, 0), NEW.finished_at
        FROM hits h WHERE h.mention_id = NEW.mention_id AND h.ruling = 'hold';
END;

CREATE TRIGGER jobs_let_go AFTER UPDATE OF state ON jobs
WHEN OLD.state = 'held' AND NEW.state <> 'held' BEGIN
    UPDATE holds SET ended_at = coalesce(NEW.finished_at, held_at), outcome = NEW.state
        WHERE job_id = NEW.id AND ended_at IS NULL;
END;
