package sqlite

// On is o with a layer of SQLite of that name above the system's files, and with
// settings of its own for the writer.
func (o Options) On(vfs string, pragmas ...string) Options {
	o.vfs, o.pragmas = vfs, pragmas
	return o
}
