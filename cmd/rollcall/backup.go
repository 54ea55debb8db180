package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"rollcall.example/internal/admin"
	"rollcall.example/internal/config"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// backupCmd makes a backup.
type backupCmd struct {
	hereDir
	File  string `arg:"" type:"path" help:"The file to make."`
	Force bool   `help:"Take the place of a file that is there."`
	JSON  bool   `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*backupCmd) Help() string {
	return `
Makes a backup of the server's store, as it is at one moment, with the server running or stopped. A running one goes on meanwhile; its log (rollcall.db-wal) grows by what is written. The backup is one file, mode 0600: flushed, and read back with all that rollcall check looks at, before it has its name. Until then it lies beside as FILE.part, and is no database: whatever happens, there is never half a backup that looks like one.

It holds everything that the server knows, also the keys of apps: keep it as you keep those. Not in it are the configuration, certificates, and ROLLCALL_MASTER_KEY, without which keys that are sealed open nowhere.

It is made on the server's own machine, as the server's user: the data directory is asked, never an admin address. Where ROLLCALL_ADMIN names one, --dir has to say which directory is meant.

Examples:

    rollcall backup /backups/rollcall-$(date +%F).db
    rollcall backup --dir /var/lib/rollcall --force /backups/rollcall.db
`
}

// Run makes it.
func (c *backupCmd) Run(ctx context.Context, s *streams) error {
	if err := initialised(c.Dir); err != nil {
		return err
	}
	if err := c.elsewhere(); err != nil {
		return err
	}
	whole, err := admin.OpenWhole(ctx, c.Dir)
	if err != nil {
		return err
	}
	r, err := sqlite.Backup(ctx, c.File, c.Force, whole.Copy, teller(s.err))
	if errors.Is(err, sqlite.ErrThere) {
		err = fmt.Errorf("%w; --force takes its place", err)
	}
	if err != nil {
		return fmt.Errorf("make a backup: %w", err)
	}
	if !r.Sound() {
		if err := printReport(s.err, r); err != nil {
			return err
		}
		return fmt.Errorf("no backup was made: %w", unsound(c.Dir, r))
	}
	if c.JSON {
		return printJSON(s.out, map[string]any{"file": c.File, "bytes": r.Bytes, "rows": rowsOf(r), "schema": r.Schema})
	}
	fmt.Fprintf(s.out, "%s is a backup of %s: %s, %s, read back and sound\n", c.File, c.Dir, plain.Count(rowsOf(r), "row"), size(r.Bytes))
	return nil
}

// elsewhere refuses to make a backup in the place of a file that is the server's, by
// whatever name, or where it would make one.
func (c *backupCmd) elsewhere() error {
	own := fmt.Errorf("%s is the server's own: name another file", c.File)
	dir, err := os.Stat(c.Dir)
	if err != nil {
		return err
	}
	if beside, err := os.Stat(filepath.Dir(c.File)); err == nil && os.SameFile(dir, beside) && c.owned(filepath.Base(c.File)) {
		return own
	}
	there, err := os.Stat(c.File)
	if err != nil {
		return nil //nolint:nilerr // it is not there, or will be found out
	}
	all, err := os.ReadDir(c.Dir)
	for _, entry := range all {
		if info, err := os.Stat(filepath.Join(c.Dir, entry.Name())); err == nil && c.owned(entry.Name()) && os.SameFile(info, there) {
			return own
		}
	}
	return err
}

// owned tells whether the file of this name in the data directory is the server's.
func (c *backupCmd) owned(name string) bool {
	return sqlite.Owns(name) || name == config.FileName || name == filepath.Base(admin.Socket(c.Dir))
}

func rowsOf(r store.Report) (n int) {
	for _, table := range r.Tables {
		n += int(table.Rows)
	}
	return n
}

// restoreCmd makes a backup a server's store.
type restoreCmd struct {
	hereDir
	File  string `arg:"" type:"path" help:"The backup."`
	Force bool   `help:"Also into a directory that is not empty: a store that is there is kept beside, under another name."`
	JSON  bool   `name:"json" help:"Print JSON, for programs."`
}

// Help is the long help.
func (*restoreCmd) Help() string {
	return `
Makes a backup the store of a data directory that no server runs on: of a new one, or, with --force, in the place of what is there, which is kept beside as rollcall.db.before-TIME. The backup is read with all that rollcall check looks at before anything is done, and what comes of it is read back before it is in place. A damaged file, another program's, or one of a newer version is refused. An older one is migrated.

All sessions end: the store does not know what became of them since the backup. Clients that are still in log in again by themselves, with the UserSig that they have, and hear nothing of it. What they hold of conversations is made anew from the restored store.

What happened since the backup is lost, also what kept people out: do again what must hold, as keys that were removed, UserSigs that were revoked, accounts that were disabled. docs/operations.md has the list.

Examples:

    rollcall restore /backups/rollcall-monday.db --dir /var/lib/rollcall
    rollcall restore --force rollcall-monday.db
`
}

// Run restores.
func (c *restoreCmd) Run(ctx context.Context, s *streams) error {
	done, err := sqlite.Restore(ctx, sqlite.Restoring{
		File: c.File, Dir: c.Dir, Over: c.Force, Beside: []string{config.FileName, filepath.Base(admin.Socket(c.Dir))}, Tell: teller(s.err),
	})
	if errors.Is(err, sqlite.ErrNotEmpty) {
		err = fmt.Errorf("%w; --force restores all the same, and keeps a store that is there beside, under another name", err)
	}
	if err != nil {
		return fmt.Errorf("restore a backup: %w", err)
	}
	if !done.Report.Sound() {
		if err := printReport(s.err, done.Report); err != nil {
			return err
		}
		return fmt.Errorf("nothing was restored: %w", unsound(c.File, done.Report))
	}
	if c.JSON {
		return printJSON(s.out, map[string]any{
			"dir": c.Dir, "bytes": done.Report.Bytes, "rows": rowsOf(done.Report), "accounts": done.Reset, "kept": done.Kept,
		})
	}
	fmt.Fprintf(s.out, "%s has the store of %s now: %s, %s, read back and sound\n", c.Dir, c.File,
		plain.Count(rowsOf(done.Report), "row"), size(done.Report.Bytes))
	fmt.Fprintf(s.out, "all sessions of its %s have ended; clients log in again by themselves\n", plain.Count(int(done.Reset), "account"))
	if done.Kept != "" {
		fmt.Fprintf(s.out, "the store that was there is kept as %s\n", done.Kept)
	}
	if _, err := os.Stat(filepath.Join(c.Dir, config.FileName)); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(s.err, "there is no %s: `%s serve` goes by the default one, which `rollcall config default` prints\n", config.FileName, program())
	}
	return nil
}
