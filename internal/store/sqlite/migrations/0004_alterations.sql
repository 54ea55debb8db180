-- What changes have made of messages, for one side of a conversation: for its devices
-- that were away. Each names the one before it, so that none is missing unseen.

-- +goose Up
CREATE TABLE alteration (
    account      INTEGER NOT NULL, -- the side's
    change       INTEGER NOT NULL, -- by its count of changes
    conversation INTEGER NOT NULL,
    before       INTEGER NOT NULL, -- the change of the one before in the conversation; 0: none
    app          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    recalled     INTEGER NOT NULL, -- 0: deleted
    sequences    BLOB    NOT NULL, -- ascending, each as a varint less the one before it
    sum          INTEGER NOT NULL,
    PRIMARY KEY (account, change)
) STRICT, WITHOUT ROWID;

CREATE INDEX alteration_at ON alteration (app, at);

-- The change of the latest alteration of each side. In the sum of the row only where it
-- is not 0, so that rows from before stay good.
ALTER TABLE conversation ADD COLUMN low_altered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN high_altered INTEGER NOT NULL DEFAULT 0;
