-- Times are milliseconds since 1970 in UTC, 0 where there is none; sig_time,
-- sig_ends and valid_from are the seconds of the UserSigs themselves. Numbers of
-- kinds, platforms, codes and reasons are those of the program and never change.
-- A hash is 32 bytes, or none at all.

-- +goose Up
CREATE TABLE app (
    id       INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    created  INTEGER NOT NULL,
    disabled INTEGER NOT NULL,
    settings BLOB -- JSON; NULL: all defaults
) STRICT;

CREATE TABLE app_key (
    app     INTEGER NOT NULL REFERENCES app (id),
    id      TEXT    NOT NULL,
    secret  BLOB    NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (app, id),
    UNIQUE (app, secret)
) STRICT, WITHOUT ROWID;

-- What belongs to the whole server and to no app.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id                INTEGER PRIMARY KEY,
    app               INTEGER NOT NULL,
    user              TEXT    NOT NULL,
    created           INTEGER NOT NULL,
    disabled          INTEGER NOT NULL,
    counter           INTEGER NOT NULL, -- the highest session number given
    rest_kick_counter INTEGER NOT NULL, -- counter at the last REST kick
    valid_from        INTEGER NOT NULL,
    highest_sig_time  INTEGER NOT NULL,
    active_day        INTEGER NOT NULL, -- 20261123
    active_month      INTEGER NOT NULL, -- 202611
    UNIQUE (app, user)
) STRICT;

CREATE TABLE session (
    account     INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    device      TEXT    NOT NULL,
    device_name TEXT    NOT NULL,
    platform    INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    conn        INTEGER NOT NULL, -- the highest connection number given
    node        TEXT    NOT NULL, -- who serves that connection; '' when away
    away        INTEGER NOT NULL,
    sig_time    INTEGER NOT NULL,
    sig_ends    INTEGER NOT NULL,
    address     TEXT    NOT NULL,
    fixed       BLOB    NOT NULL, -- hashes of the secret
    present     BLOB    NOT NULL,
    before      BLOB    NOT NULL,
    due         INTEGER NOT NULL, -- when time alone ends it
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX session_due ON session (due);
CREATE INDEX session_node ON session (node) WHERE node <> '';

CREATE TABLE kick (
    account        INTEGER NOT NULL,
    session        INTEGER NOT NULL,
    device         TEXT    NOT NULL,
    platform       INTEGER NOT NULL,
    reason         INTEGER NOT NULL,
    by_session     INTEGER NOT NULL, -- the winner
    by_platform    INTEGER NOT NULL,
    by_device_name TEXT    NOT NULL,
    by_rule        INTEGER NOT NULL, -- what left no room
    by_limit       INTEGER NOT NULL,
    by_operator    TEXT    NOT NULL,
    at             INTEGER NOT NULL,
    fixed          BLOB    NOT NULL, -- hashes of the session's secret
    present        BLOB    NOT NULL,
    before         BLOB    NOT NULL,
    node           TEXT    NOT NULL, -- who served it and is to be told; '': nobody, or told
    PRIMARY KEY (account, session)
) STRICT, WITHOUT ROWID;

CREATE INDEX kick_node ON kick (node) WHERE node <> '';

CREATE TABLE try (
    account INTEGER NOT NULL,
    device  TEXT    NOT NULL,
    highest INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    fixed   BLOB    NOT NULL, -- hash of the attempt granted last
    session INTEGER NOT NULL, -- that it was granted
    PRIMARY KEY (account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE history (
    id             INTEGER PRIMARY KEY,
    account        INTEGER NOT NULL,
    app            INTEGER NOT NULL, -- the account's
    at             INTEGER NOT NULL,
    last           INTEGER NOT NULL, -- the latest of those that it stands for
    count          INTEGER NOT NULL, -- how many they are
    fold           INTEGER NOT NULL, -- milliseconds in which an equal one is counted here
    kind           INTEGER NOT NULL,
    session        INTEGER NOT NULL,
    device         TEXT    NOT NULL,
    device_name    TEXT    NOT NULL,
    platform       INTEGER NOT NULL,
    address        TEXT    NOT NULL,
    code           INTEGER NOT NULL,
    reason         INTEGER NOT NULL,
    by_session     INTEGER NOT NULL,
    by_platform    INTEGER NOT NULL,
    by_device_name TEXT    NOT NULL,
    by_rule        INTEGER NOT NULL,
    by_limit       INTEGER NOT NULL,
    by_operator    TEXT    NOT NULL,
    connected      INTEGER NOT NULL
) STRICT;

CREATE INDEX history_account ON history (account);
CREATE INDEX history_at ON history (app, at);
CREATE INDEX history_fold ON history (account, kind, code, device, session, device_name, platform, address) WHERE fold > 0;

CREATE TABLE usage (
    app       INTEGER NOT NULL,
    period    INTEGER NOT NULL, -- 20261123 for a day, 202611 for a month
    active    INTEGER NOT NULL,
    signed_up INTEGER NOT NULL, -- 0 for months
    PRIMARY KEY (app, period)
) STRICT, WITHOUT ROWID;

-- Conversations, of accounts of one app: low is the one with the lower id. A sum is
-- the CRC-32C of all other columns, so that a bit that flipped is found. What is
-- counted in an account's conversations stands in talker.
CREATE TABLE talker (
    account INTEGER PRIMARY KEY,
    changes INTEGER NOT NULL,
    sum     INTEGER NOT NULL
) STRICT;

CREATE TABLE conversation (
    id              INTEGER PRIMARY KEY,
    low             INTEGER NOT NULL,
    high            INTEGER NOT NULL,
    last            INTEGER NOT NULL, -- sequence of the latest message
    last_at         INTEGER NOT NULL,
    low_changed     INTEGER NOT NULL, -- by its account's count of changes
    low_sent        INTEGER NOT NULL,
    low_read        INTEGER NOT NULL,
    low_read_nth    INTEGER NOT NULL, -- messages of the other side up to there
    low_receipt     INTEGER NOT NULL, -- the other side knows that it was read up to here
    low_deleted     INTEGER NOT NULL,
    low_deleted_to  INTEGER NOT NULL,
    low_pinned      INTEGER NOT NULL,
    high_changed    INTEGER NOT NULL,
    high_sent       INTEGER NOT NULL,
    high_read       INTEGER NOT NULL,
    high_read_nth   INTEGER NOT NULL,
    high_receipt    INTEGER NOT NULL,
    high_deleted    INTEGER NOT NULL,
    high_deleted_to INTEGER NOT NULL,
    high_pinned     INTEGER NOT NULL,
    sum             INTEGER NOT NULL,
    UNIQUE (low, high)
) STRICT;

CREATE INDEX conversation_low ON conversation (low, low_changed);
CREATE INDEX conversation_high ON conversation (high, high_changed);

CREATE TABLE message (
    id           INTEGER PRIMARY KEY,
    app          INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    sender       INTEGER NOT NULL,
    nth          INTEGER NOT NULL, -- among its sender's in the conversation
    name         TEXT    NOT NULL, -- the message id, given by its sender's client
    flags        INTEGER NOT NULL, -- 1 recalled, 2 deleted by low, 4 deleted by high
    sum          INTEGER NOT NULL,
    content      BLOB    NOT NULL,
    UNIQUE (conversation, sequence),
    UNIQUE (sender, name)
) STRICT;

CREATE INDEX message_at ON message (app, at);
