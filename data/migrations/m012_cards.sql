-- Cards in moderators' channels, asking whoever posted a photo, notes on any wish.

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
