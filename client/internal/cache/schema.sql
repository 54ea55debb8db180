-- What a client holds of one account. Views are frames of package wire. A sum is the
-- CRC-32C of all other columns of its row, so that a bit that flipped is found.
CREATE TABLE account (
	owner  TEXT    NOT NULL, -- whose this is: server, app and user
	change INTEGER NOT NULL, -- the change number seen
	whole  INTEGER NOT NULL, -- and up to which nothing is missing: lower in the middle of a sync
	synced INTEGER NOT NULL, -- 1: all conversations were taken once
	born   INTEGER NOT NULL, -- the server's time of the first sync in ms; what was sent before is no news
	sum    INTEGER NOT NULL
) STRICT;
CREATE TABLE conversation (
	peer     TEXT    NOT NULL UNIQUE,
	view     BLOB    NOT NULL,
	change   INTEGER NOT NULL,
	last     INTEGER NOT NULL, -- the latest message that the server has
	tip      INTEGER NOT NULL, -- up to here everything was told to the app, or is in message to be told
	look     INTEGER NOT NULL, -- any message may be another: from here
	look_to  INTEGER NOT NULL, -- to here it is to be looked at again, if that is no less
	altered  INTEGER NOT NULL, -- the change in which messages were recalled or deleted last
	unread   INTEGER NOT NULL,
	hidden   INTEGER NOT NULL, -- 1: deleted, not in the list
	active   INTEGER NOT NULL, -- when its last message was sent, in ms
	rank     INTEGER NOT NULL, -- its place in the list, the highest first
	draft    TEXT    NOT NULL,
	draft_ms INTEGER NOT NULL,
	sum      INTEGER NOT NULL
) STRICT;
CREATE INDEX listed ON conversation (rank) WHERE hidden = 0;
CREATE INDEX unread ON conversation (unread) WHERE hidden = 0 AND unread > 0;
CREATE INDEX behind ON conversation (change) WHERE tip < last OR look <= look_to;
CREATE TABLE message (
	arrived  INTEGER PRIMARY KEY, -- not in the sum
	peer     TEXT    NOT NULL,
	sequence INTEGER NOT NULL,
	view     BLOB    NOT NULL,
	told     INTEGER NOT NULL, -- 1: the app needs not be told of it any more
	sum      INTEGER NOT NULL,
	UNIQUE (peer, sequence)
) STRICT;
CREATE INDEX untold ON message (arrived) WHERE told = 0;
-- Where there is no message: deleted, or not kept by the server. What is neither here
-- nor in message is not known.
CREATE TABLE hole (
	peer  TEXT    NOT NULL,
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	sum   INTEGER NOT NULL,
	PRIMARY KEY (peer, first)
) STRICT, WITHOUT ROWID;
