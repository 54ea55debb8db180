package sqlite

import "io/fs"

// On is o with a layer of SQLite of that name above the system's files, and with
// settings of its own for the writer.
func (o Options) On(vfs string, pragmas ...string) Options {
	o.vfs, o.pragmas = vfs, pragmas
	return o
}

// With is o with other migrations than this program's.
func (o Options) With(migrations fs.FS) Options {
	o.schema = migrations
	return o
}

// Schema is this program's migrations.
var Schema = schema
