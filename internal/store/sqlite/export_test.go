package sqlite

import (
	"context"
	"io/fs"
)

// Cached is how many bytes of the database the writer has in memory.
func (s *Store) Cached(ctx context.Context) (n int, err error) {
	err = s.writer.submit(ctx, func(_ context.Context, b *batch) error {
		n = b.sql.cached()
		return nil
	})
	return n, err
}

// On is o with a layer of SQLite of that name above the system's files, and with
// settings of its own for the writer.
func (o Options) On(vfs string, pragmas ...string) Options {
	o.vfs, o.pragmas = vfs, pragmas
	return o
}

// Copying is o with a log that is copied into the database after so many pages.
func (o Options) Copying(pages int) Options {
	o.log = pages
	return o
}

// Knowing is o with a writer that keeps so many accounts in mind.
func (o Options) Knowing(accounts int) Options {
	o.known = accounts
	return o
}

// With is o with other migrations than this program's.
func (o Options) With(migrations fs.FS) Options {
	o.schema = migrations
	return o
}

// Schema is this program's migrations.
var Schema = schema

// NextRound is how long the log becomes after a round that took so long to copy.
var NextRound = nextRound

// UsageStatements are those about usage.
var UsageStatements = []string{putUsage, readTally, readUsage, pruneUsage}
