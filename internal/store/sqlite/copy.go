package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"rollcall.example/internal/store"
)

// Copy writes the whole store as it is at one moment: a SQLite database, page after
// page, to what begin returns when it is told how many bytes there are. It holds up
// nobody; but as long as it lasts the log grows with what is written. store.ErrBusy: another
// copy or a check runs.
//
// Pages as they are, and not VACUUM INTO: what is read of the store is over as soon as
// its bytes are, needs no room beside it, and can go to another process. What a page
// holds is for the check of the copy to judge. SQLite's backup calls would do the same,
// but to a file of this process's.
func (s *Store) Copy(ctx context.Context, begin func(bytes int64) (io.Writer, error)) error {
	return s.long.hold(ctx, func(ctx context.Context) error {
		return copyPages(ctx, dsn(s.path, s.query, "query_only(1)"), begin)
	})
}

// Copy is Store.Copy of the store in dir, which it takes for itself as Open does, but
// changes nothing of.
func Copy(ctx context.Context, dir string, begin func(bytes int64) (io.Writer, error)) error {
	return alone(dir, func(_, source string) error { return copyPages(ctx, source, begin) })
}

func copyPages(ctx context.Context, source string, begin func(bytes int64) (io.Writer, error)) error {
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		err = copyFrom(ctx, tx, begin)
		_ = tx.Rollback() // there is nothing to commit
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

func copyFrom(ctx context.Context, tx *sql.Tx, begin func(bytes int64) (io.Writer, error)) error {
	have, err := versionOf(ctx, tx) // from here on it is one moment
	if err != nil {
		return err
	}
	if have == 0 {
		return errors.New("there is no database yet")
	}
	var pages, size int64
	if err := tx.QueryRowContext(ctx, `SELECT page_count, page_size FROM pragma_page_count, pragma_page_size`).Scan(&pages, &size); err != nil {
		return err
	}
	to, err := begin(pages * size)
	if err != nil {
		return err
	}
	rows, err := tx.QueryContext(ctx, `SELECT data FROM sqlite_dbpage`)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := int64(0)
	for ; rows.Next(); n++ {
		var page sql.RawBytes
		if err := rows.Scan(&page); err != nil {
			return err
		}
		if int64(len(page)) != size {
			return fmt.Errorf("page %d has %d bytes, want %d", n+1, len(page), size)
		}
		if _, err := to.Write(page); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n != pages {
		return fmt.Errorf("%d pages were read, want %d", n, pages)
	}
	return nil
}

// magic begins every SQLite database.
const magic = "SQLite format 3\x00"

// A partial is a file that becomes a database with its last step: until then it lacks
// the mark that makes it one, whatever happens to the process.
type partial struct {
	file  *os.File // not embedded: it would take in what comes by its own ways
	begun []byte   // of the mark
	size  int64    // that it will have
	tell  func(store.Progress)
	done  int64
	last  progressed
}

// newPartial makes one at path, in the place of one that was never finished.
func newPartial(path string, tell func(store.Progress)) (*partial, error) {
	if info, err := os.Lstat(path); err == nil {
		free := info.Mode().IsRegular()
		if free {
			var finished bool
			finished, err = isDatabase(path)
			free = err == nil && !finished
		}
		if !free {
			return nil, fmt.Errorf("%s is in the way: what is not finished yet would lie there", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return &partial{file: f, tell: tell, last: progressed{time.Now()}}, err
}

// isDatabase tells whether a file has the mark. It waits for nobody, also where a pipe
// has come into the file's place.
func isDatabase(path string) (bool, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false, errors.Join(err, fmt.Errorf("%s is no file", path))
	}
	b := make([]byte, len(magic))
	_, err = io.ReadFull(f, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return string(b) == magic, err
}

// begin is for Copy.
func (p *partial) begin(bytes int64) (io.Writer, error) {
	p.size = bytes
	return p, nil
}

// Write keeps the mark back.
func (p *partial) Write(b []byte) (int, error) {
	n := min(len(magic)-len(p.begun), len(b))
	p.begun = append(p.begun, b[:n]...)
	if n > 0 {
		b = append(make([]byte, n), b[n:]...)
	}
	n, err := p.file.Write(b)
	p.done += int64(n)
	if p.last.again() {
		p.tell(store.Progress{Part: "copy", Done: p.done, All: p.size})
	}
	return n, err
}

// finish flushes what was written, then makes it a database.
func (p *partial) finish() error {
	if p.done != p.size || string(p.begun) != magic {
		return fmt.Errorf("%d bytes of a database have come, want %d", p.done, p.size)
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	if _, err := p.file.WriteAt(p.begun, 0); err != nil {
		return err
	}
	return p.file.Sync()
}
