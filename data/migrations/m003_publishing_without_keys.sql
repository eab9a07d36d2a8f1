-- What it takes to post once where a repeat would post twice.

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
