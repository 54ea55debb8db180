package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"rollcall.example/internal/store"
)

// ErrThere is why a backup was not made: it does not go over another file by itself.
var ErrThere = errors.New("it is there already")

// Backup makes a backup at path of what from copies, as Copy does: flushed, mode 0600,
// and read back with all checks before it has its name. Until then it lies beside, as
// path.part, and is no database; a process that is killed leaves no more than that. With
// over it may take the place of a file. A report that is not sound: the store is damaged
// there, and no backup is left.
func Backup(ctx context.Context, path string, over bool, from func(context.Context, func(int64) (io.Writer, error)) error, tell func(store.Progress)) (store.Report, error) {
	if err := vacant(path, over); err != nil {
		return store.Report{}, err
	}
	part := path + ".part"
	p, err := newPartial(part, tell)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no directory %s", filepath.Dir(path))
	}
	if err != nil {
		return store.Report{}, err
	}
	if err = from(ctx, p.begin); err == nil {
		err = p.finish()
	}
	cold(p.file)
	err = errors.Join(err, p.file.Close())
	var r store.Report
	if err == nil {
		r, err = checkFile(ctx, part, tell)
	}
	if err == nil && r.Sound() {
		err = place(part, path, over)
	}
	if err != nil || !r.Sound() {
		return r, errors.Join(err, os.Remove(part))
	}
	return r, flushDirectory(filepath.Dir(path))
}

// vacant tells whether a file may be made at path.
func vacant(path string, over bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file", path)
	case !over:
		return fmt.Errorf("%s: %w", path, ErrThere)
	}
	return nil
}

// place gives a file its name. Without over it does not take the place of another, also
// if that came meanwhile: where the file system has links.
func place(part, path string, over bool) error {
	if over {
		return os.Rename(part, path)
	}
	err := os.Link(part, path)
	switch {
	case err == nil:
		return os.Remove(part)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: %w", path, ErrThere)
	}
	if err := vacant(path, false); err != nil {
		return err
	}
	return os.Rename(part, path)
}
