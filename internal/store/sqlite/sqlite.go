// Package sqlite is the embedded engine of package store: one SQLite database in
// a data directory that belongs to one process.
//
// # What callers may rely on
//
//   - What has been answered is on disk: write-ahead log, synchronous=FULL.
//   - Requests that wait together share one commit, in the order in which they
//     came; those for one account build on each other. One that fails or panics
//     fails alone.
//   - A request whose context ends while it waits never happens. Once it has
//     begun its caller waits for the result.
//   - When the disk takes nothing, changes fail with store.ErrDisk and questions
//     are answered; the store recovers by itself, within about a second of the disk.
//   - After a flush that failed nothing is trusted that was not flushed before it:
//     what was acknowledged is written and flushed anew before any other change.
//     So does Open, with what the process before left in the log.
//   - A second Open of the directory fails while the first is open, and names
//     the holder's process id; a killed process leaves no lock behind.
//   - The directory has mode 0700 if Open makes it, the files in it 0600: they
//     hold the apps' keys in plain.
package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"rollcall.example/internal/store"
)

// File is the database's name in the data directory. Beside it SQLite keeps
// File-wal and File-shm.
const File = "rollcall.db"

// writing is how the writer's connection is set up. It copies the log into the
// database itself (writer.copyLog). The log's file is kept for the next round unless it
// grew to far more than a round.
var writing = []string{
	"journal_mode(wal)", "synchronous(full)", "cache_size(-65536)",
	"wal_autocheckpoint(0)", "journal_size_limit(268435456)",
}

// Options are the choices a Store has. The zero value is good.
type Options struct {
	// Node names this process as the sessions it serves do. Every session that
	// another node served, and so a process before this one, is away from Open on.
	// Empty: this process serves nobody, and leaves the sessions as they are.
	Node string

	Batch   int // requests in one commit at most; default 512
	Queue   int // requests that wait at most, others wait to queue; default 4096
	Readers int // connections that read beside the writer; default 4

	Now func() time.Time // by which they are away from Open on; default time.Now

	// Committed, if set, is told of each commit: how many requests it answered
	// and how long it took. It is called by the writer, which waits for it.
	Committed func(requests int, took time.Duration)

	// Disk, if set, is told why the disk takes nothing, when that begins, and of
	// nil when it takes again. It is called as Committed is.
	Disk func(err error)

	// Damaged, if set, is told of each row that was asked for and is not what was
	// written, by an error that says which: store.ErrDamaged. It may be called by several
	// at once.
	Damaged func(err error)

	// Migrated, if set, is told of a schema that Open has brought from one version
	// to another, and of the backup of the database before that.
	Migrated func(from, to int64, backup string)

	log     int      // tests: pages in the log before it is copied; default: as many as is fast
	spared  bool     // what is migrated is a copy, of which there needs no backup
	known   int      // tests: accounts that the writer keeps in mind; default mostKnown
	vfs     string   // tests: the layer of SQLite above the system's files
	pragmas []string // tests: after those of writing
	schema  fs.FS    // tests: other migrations than this program's
}

// A Store is an open data directory. Its methods may be called concurrently.
type Store struct {
	path    string // of the database
	query   string // with which it is opened, beside pragmas
	lock    *os.File
	long    long
	writer  *writer
	readers *sql.DB
	reads   *reads
	closing sync.Once
	closed  error // what the closing said
}

var (
	_ store.Accounts = (*Store)(nil)
	_ store.Records  = (*Store)(nil)
	_ store.Apps     = (*Store)(nil)
	_ store.Chat     = (*Store)(nil)
)

// Open opens the store in dir, which it makes if there is none, and brings its
// schema up to date. It fails if another process has it open, if a newer program
// has migrated it (then nothing of the database changes), and on a SQLite older
// than 3.51.3. Before a schema is migrated a backup of the database is kept beside
// it; where there is no room for that Open fails, and nothing is migrated. Close it.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	s, err := openDirectory(ctx, dir, o)
	if err = onDisk(err); errors.Is(err, store.ErrDisk) {
		err = fmt.Errorf("%w; nothing is served until %s can be written: give it room or the right to write, and start again", err, dir)
	}
	return s, err
}

func openDirectory(ctx context.Context, dir string, o Options) (*Store, error) {
	o.Batch, o.Queue, o.Readers = cmp.Or(o.Batch, 512), cmp.Or(o.Queue, 4096), cmp.Or(o.Readers, 4)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.schema == nil {
		o.schema = schema()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, File)
	s := &Store{lock: lock, path: path}
	if err := s.open(ctx, path, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), s.release())
	}
	s.writer.start(ctx)
	return s, nil
}

func (s *Store) open(ctx context.Context, path string, o Options) error {
	have, want, err := judgeSchema(ctx, path, o.schema)
	if err != nil {
		return err
	}
	if err := private(path); err != nil {
		return err
	}
	var backup string
	if have > 0 && have < want && !o.spared {
		if backup, err = backUp(ctx, path, have, o.Now()); err != nil {
			return fmt.Errorf("keep a backup before the schema is migrated from version %d to %d, of which nothing has been done: %w", have, want, err)
		}
	}
	if o.vfs != "" {
		s.query = "vfs=" + o.vfs
	}
	db, err := sql.Open("sqlite", dsn(path, s.query, slices.Concat(writing, o.pragmas)...))
	if err != nil {
		return err
	}
	s.writer = &writer{
		db: db, long: &s.long, options: o, round: cmp.Or(o.log, longestRound),
		known: known{most: cmp.Or(o.known, mostKnown)}, talks: knownTalks{most: cmp.Or(o.known, mostTalks)},
	}
	db.SetMaxOpenConns(1)
	if err := s.prepare(ctx); err != nil {
		return errors.Join(err, kept(backup))
	}
	if backup != "" && o.Migrated != nil {
		o.Migrated(have, want, backup)
	}
	if s.readers, err = sql.Open("sqlite", dsn(path, s.query, "query_only(1)")); err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(o.Readers)
	s.readers.SetMaxIdleConns(o.Readers)
	s.reads, err = prepareReads(ctx, s.readers, s.old())
	return err
}

// kept says where the database is as it was, if it is.
func kept(backup string) error {
	if backup == "" {
		return nil
	}
	return fmt.Errorf("the database as it was before: %s", backup)
}

// prepare checks the library, migrates the schema, and makes the writer ready.
func (s *Store) prepare(ctx context.Context) error {
	w := s.writer
	var version string
	if err := w.db.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return err
	}
	if err := checkLibrary(version); err != nil {
		return err
	}
	if err := migrate(ctx, w.db, w.options.schema); err != nil {
		return fmt.Errorf("migrate the schema: %w", err)
	}
	if err := w.prepare(ctx); err != nil {
		return err
	}
	if err := w.emptyLog(ctx); err != nil {
		return fmt.Errorf("flush what an earlier process has left in the log: %w", err)
	}
	if err := w.disown(ctx, w.options.Now()); err != nil {
		return fmt.Errorf("mark what an earlier process served as away: %w", err)
	}
	return nil
}

// Close lets the commit at hand finish, answers what still waits with
// store.ErrClosed, and gives up the directory. Further calls of it do nothing.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.long.close()
		s.writer.stop()
		s.closed = s.release()
	})
	return s.closed
}

// release closes what has been opened, the lock last.
func (s *Store) release() error {
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.close())
	}
	errs = append(errs, s.lock.Close())
	return errors.Join(errs...)
}

// private makes path a file that only its owner can read. SQLite gives the
// files beside it the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// dsn names the database at path for the driver. In a URL no character of the
// path is taken for a parameter. Query is parameters of SQLite's.
func dsn(path, query string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		path = "/" + path
	}
	q := "_pragma=busy_timeout(10000)"
	if query != "" {
		q += "&" + query
	}
	if len(pragmas) > 0 {
		q += "&_pragma=" + strings.Join(pragmas, "&_pragma=")
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q}).String()
}
