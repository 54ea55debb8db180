-- Runs of messages, one after the other, that a side of a conversation has deleted: who
-- reads passes over them without looking at each. Runs that touch are one. The messages
-- say themselves that they are deleted: where a run is not here, they are read one by one.

-- +goose Up
CREATE TABLE deletion (
    half  INTEGER NOT NULL, -- twice the conversation's id, and 1 for the side of high
    first INTEGER NOT NULL, -- sequence
    last  INTEGER NOT NULL,
    app   INTEGER NOT NULL,
    at    INTEGER NOT NULL, -- when the last one was sent
    sum   INTEGER NOT NULL,
    PRIMARY KEY (half, first)
) STRICT, WITHOUT ROWID;

CREATE INDEX deletion_at ON deletion (app, at);
