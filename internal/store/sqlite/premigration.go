package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// backUp copies the database at path, whose schema has the version given, to a file
// beside it that is named after version and time, and returns that one's path once
// it has been flushed and read as a database. Nobody may have it open: to close a
// file takes away the locks that SQLite has on it in the same process.
func backUp(ctx context.Context, path string, version int64, now time.Time) (backup string, err error) {
	if err := mergeLog(ctx, path); err != nil {
		return "", fmt.Errorf("copy the log into the database: %w", err)
	}
	backup = fmt.Sprintf("%s.v%d-%s", path, version, now.UTC().Format("20060102T150405Z"))
	part := path + ".part"
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if err := copyFile(part, path); err != nil {
		return "", fmt.Errorf("copy the database: %w", err)
	}
	if err := proveBackup(ctx, part, version); err != nil {
		return "", fmt.Errorf("read the copy of the database: %w", err)
	}
	if err := os.Rename(part, backup); err != nil {
		return "", err
	}
	return backup, flushDirectory(filepath.Dir(path))
}

// mergeLog makes the file at path the whole database.
func mergeLog(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, "", writing...))
	if err != nil {
		return err
	}
	return errors.Join(checkpoint(ctx, db, "TRUNCATE"), db.Close())
}

// copyFile copies a file to one that only its owner can read, and flushes it.
func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) { // of a process that died
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return errors.Join(out.Sync(), out.Close())
}

// proveBackup opens a copy as a database, and changes nothing of it.
func proveBackup(ctx context.Context, path string, version int64) error {
	db, err := sql.Open("sqlite", dsn(path, still))
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("it is damaged: %s", verdict)
	}
	if got, err := versionOf(ctx, db); err != nil || got != version {
		return fmt.Errorf("it has version %d, want %d: %w", got, version, err)
	}
	return nil
}
