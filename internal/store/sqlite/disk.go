package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"rollcall.example/internal/store"
)

// A fault is what the disk has against writing. While there is one, changes are
// refused without touching the disk, and the writer tries it each probeEvery.
//
// A flush that failed casts doubt: the system may have dropped the pages that it
// could not write, take them for written, and go on showing them to whoever reads
// the file. A second flush would then succeed and prove nothing. SQLite has not
// made them part of the database; but they lie in the log, where a process that
// opens it would find a whole transaction. So everything that was acknowledged,
// which lies in the log as well, is copied into the database and flushed there,
// and the log begun anew, before anything else is written.
type fault struct {
	err   error // is store.ErrDisk
	doubt bool  // a flush has failed since the log was begun
	again time.Time
}

// probeEvery is how often a disk that takes nothing is tried.
const probeEvery = time.Second

// Disk is why the disk takes nothing at present: store.ErrDisk, in words for
// people; nil: it takes what it is given.
func (s *Store) Disk() error {
	if f := s.writer.fault.Load(); f != nil {
		return f.err
	}
	return nil
}

// Spare is how many bytes of the database hold nothing any more: what is written next
// goes there first, and the file does not grow.
func (s *Store) Spare(ctx context.Context) (bytes int64, err error) {
	err = s.read(ctx, "read how much of the database is free", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size`).Scan(&bytes)
	})
	return bytes, err
}

// coded is an error of SQLite's: the driver's or a failure.
type coded interface {
	error
	Code() int
}

// onDisk makes an error that is the disk's store.ErrDisk.
func onDisk(err error) error {
	code := sqlite3.SQLITE_OK
	if e, ok := errors.AsType[coded](err); ok {
		code = e.Code() & 0xff
	}
	var words string
	switch {
	case err == nil || errors.Is(err, store.ErrDisk):
		return err
	case code == sqlite3.SQLITE_FULL, errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		words = "it is full"
	case code == sqlite3.SQLITE_READONLY, code == sqlite3.SQLITE_CANTOPEN, errors.Is(err, syscall.EROFS), errors.Is(err, os.ErrPermission):
		words = "it is read-only"
	case code == sqlite3.SQLITE_IOERR, errors.Is(err, syscall.EIO):
		words = "it fails"
	default:
		return err
	}
	return fmt.Errorf("%w: %s: %w", store.ErrDisk, words, err)
}

// fatal tells whether SQLite may have given up the whole transaction with the
// request that met err.
func fatal(err error) bool {
	e, ok := errors.AsType[coded](err)
	if !ok {
		return false
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_CORRUPT:
		return true
	}
	return false
}

// judge notes what an attempt to write came to.
func (w *writer) judge(err error) {
	before := w.fault.Load()
	if !errors.Is(err, store.ErrDisk) {
		if err == nil && before != nil {
			w.fault.Store(nil)
			w.tell(nil)
		}
		return
	}
	e, ok := errors.AsType[coded](err)
	after := &fault{err: err, again: time.Now().Add(probeEvery)}
	after.doubt = ok && e.Code()&0xff == sqlite3.SQLITE_IOERR || before != nil && before.doubt
	w.fault.Store(after)
	if before == nil {
		w.tell(err)
	}
}

func (w *writer) tell(err error) {
	if err != nil {
		w.long.interrupt(err)
	}
	if w.options.Disk != nil {
		w.options.Disk(err)
	}
}

// probe tries a disk that took nothing, and ends the fault if it takes again.
func (w *writer) probe(ctx context.Context) {
	f := *w.fault.Load()
	if err := w.restartLog(ctx); err == nil {
		f.doubt = false
		w.fault.Store(&f)
	} else if f.doubt {
		w.judge(onDisk(err))
		return
	}
	w.judge(onDisk(w.write(ctx)))
	if f := w.fault.Load(); f != nil && !f.again.After(time.Now()) { // neither: the database is busy, say
		later := *f
		later.again = time.Now().Add(probeEvery)
		w.fault.Store(&later)
	}
}

// write commits as much as a batch of many requests, and takes it back.
func (w *writer) write(ctx context.Context) error {
	for _, bytes := range []int{64 << 10, 0} {
		if err := setValue(ctx, w.conn, "probe", make([]byte, bytes)); err != nil {
			return err
		}
	}
	return nil
}

// restartLog copies all that was committed from the log into the database,
// flushes it there, and has the next commit begin the log anew in its place.
func (w *writer) restartLog(ctx context.Context) error { return checkpoint(ctx, w.conn, "RESTART") }

// emptyLog is restartLog, and leaves no log.
func (w *writer) emptyLog(ctx context.Context) error { return checkpoint(ctx, w.conn, "TRUNCATE") }

// A round is how many pages are written to the log before they are copied into the
// database. The longer, the fewer copies of a page that many logins change; but all
// who ask wait while they are copied.
const (
	longestRound  = 16_000
	shortestRound = 1_000
	copyWithin    = 25 * time.Millisecond
)

// copyLog copies the log into the database once a round has been written. What it does
// not copy, because somebody reads it still or because the disk fails, stays in the log
// for the next time.
func (w *writer) copyLog(ctx context.Context) {
	w.logged += w.sql.written()
	if w.logged < w.round || w.fault.Load() != nil {
		return
	}
	began := time.Now()
	_ = checkpoint(ctx, w.conn, "PASSIVE")
	w.logged = 0
	if w.options.log == 0 {
		w.round = nextRound(w.round, time.Since(began))
	}
}

// nextRound is how long the next round is, after one that was copied in so much time.
func nextRound(round int, took time.Duration) int {
	factor := float64(copyWithin) / float64(max(took, 1))
	return min(max(int(float64(round)*min(max(factor, 0.25), 1.25)), shortestRound), longestRound)
}

func checkpoint(ctx context.Context, on interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, mode string,
) error {
	var busy, log, copied int
	err := on.QueryRowContext(ctx, `PRAGMA wal_checkpoint(`+mode+`)`).Scan(&busy, &log, &copied)
	if err == nil && busy != 0 {
		err = errors.New("somebody has the database open and reads it for too long")
	}
	return err
}
