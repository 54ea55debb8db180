package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rollcall.example/internal/store"
)

// Staging is the directory in a data directory in which a restore is made. One that is
// there without a restore is what a killed one has left.
const Staging = "restore.part"

// ErrNotEmpty is why a backup was not restored: it does not go into a directory with
// other files by itself.
var ErrNotEmpty = errors.New("is not empty")

// A Restoring is a restore of a backup into a data directory.
type Restoring struct {
	File, Dir string
	Over      bool     // a database that is there is kept beside, under another name
	Beside    []string // other files that may be in the directory, by name
	Now       func() time.Time
	Tell      func(store.Progress)
}

// A Restored is what came of it.
type Restored struct {
	Report store.Report // of the database as it is there now; of the backup, if that is not sound
	Kept   string       // where the database is that was there before; "": none was
	Reset  int64        // accounts that were set back
}

// Restore makes the backup the store of a directory. The backup is read with all checks
// before anything is done; what comes of it is read again before it has its place. All
// sessions end, as policy.SetBack says. A process that is killed leaves the directory as it
// was, or without a database; then to repeat it is all there is to do.
//
// An error, or a report that is not sound: nothing was restored. It refuses a directory
// that a process has open, or that holds other files than those named; a file that is no
// database, another program's, a newer program's, or one that has a log beside it.
func Restore(ctx context.Context, q Restoring) (done Restored, err error) {
	if q.Now == nil {
		q.Now = time.Now
	}
	if done.Report, err = CheckBackup(ctx, q.File, q.Tell); err != nil || !done.Report.Sound() {
		return done, err
	}
	if err := os.MkdirAll(q.Dir, 0o700); err != nil {
		return done, fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := lockDirectory(q.Dir)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := q.admit(); err != nil {
		return done, err
	}
	staging := filepath.Join(q.Dir, Staging)
	if err := os.RemoveAll(staging); err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	if done, err = q.stage(ctx, staging); err != nil || !done.Report.Sound() {
		return done, err
	}
	if q.Over {
		if done.Kept, err = setAside(q.Dir, q.Now()); err != nil {
			return done, fmt.Errorf("keep the database that is there: %w", err)
		}
	}
	if err := os.Rename(filepath.Join(staging, File), filepath.Join(q.Dir, File)); err != nil {
		return done, err
	}
	return done, flushDirectory(q.Dir)
}

// admit tells whether the directory may be restored into.
func (q Restoring) admit() error {
	inside, err := os.ReadDir(q.Dir)
	if err != nil {
		return err
	}
	allowed := map[string]bool{lockFile: true, Staging: true}
	for _, name := range q.Beside {
		allowed[name] = true
	}
	for _, x := range inside {
		if !allowed[x.Name()] && !q.Over {
			return fmt.Errorf("%s %w: it holds %s", q.Dir, ErrNotEmpty, x.Name())
		}
	}
	return nil
}

// stage makes the store in a directory of its own.
func (q Restoring) stage(ctx context.Context, dir string) (done Restored, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return done, err
	}
	path := filepath.Join(dir, File)
	if err := copyFile(path, q.File); err != nil {
		return done, fmt.Errorf("copy the backup: %w", err)
	}
	s, err := Open(ctx, dir, Options{Now: q.Now, spared: true})
	if err != nil {
		return done, err
	}
	done.Reset, err = s.setBack(ctx, q.Now(), q.Tell)
	if err = errors.Join(err, s.Close()); err != nil {
		return done, err
	}
	if hasLog(path) {
		return done, fmt.Errorf("%s has a log when it is closed", path)
	}
	if err := flushFile(path); err != nil {
		return done, err
	}
	done.Report, err = checkFile(ctx, path, q.Tell)
	return done, err
}

// flushFile flushes a file and has the system forget what it keeps of it.
func flushFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	err = f.Sync()
	cold(f)
	return errors.Join(err, f.Close())
}

// setAside gives the database in dir another name, which it returns: with its log, that
// nothing of it is lost and the next database does not have it. The order is such that the
// log is never without its database under its old name: SQLite throws away a log that
// belongs to none.
func setAside(dir string, now time.Time) (kept string, err error) {
	path := filepath.Join(dir, File)
	kept = fmt.Sprintf("%s.before-%s", path, now.UTC().Format("20060102T150405Z"))
	for _, suffix := range []string{"", "-wal"} {
		if _, err := os.Lstat(kept + suffix); !errors.Is(err, fs.ErrNotExist) {
			return "", cmp.Or(err, fmt.Errorf("%s is there already", kept+suffix))
		}
	}
	logged, found := hasLog(path), false
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if suffix == "" || suffix == "-wal" && logged {
			err = os.Rename(path+suffix, kept+suffix)
			found = found || err == nil
		} else {
			err = os.Remove(path + suffix)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	if !found {
		kept = ""
	}
	return kept, flushDirectory(dir)
}
