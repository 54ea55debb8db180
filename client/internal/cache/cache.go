// Package cache is what a client holds of one account's conversations: a SQLite
// file in the data directory, or in memory.
//
// It is a copy of what the server has, and remembers besides what only this
// device knows: which messages the app was told of, drafts, and which parts of a
// history are there. So it can be thrown away: a file that is damaged or of an
// older layout is made anew, and filled by the server.
//
// # What callers may rely on
//
//   - Each method is one transaction: all of it or nothing.
//   - Views only go forward: what the server said earlier and comes later
//     changes nothing.
//   - A message is to be told once, and within its conversation in the order of
//     the sequences, whatever the order in which they came.
//   - A bit that flips in the file is never an answer. A message that is damaged is a
//     gap; anything else makes the cache one that is Damaged.
//   - After a killed process there is what the last method left. After a power
//     loss there may be less, never something else.
package cache

import (
	"context"
	"database/sql"
	_ "embed" // the schema
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"

	sqlite "modernc.org/sqlite"
)

// version counts the layouts of the file.
const version = 2

//go:embed schema.sql
var schema string

// What can be wrong with a cache.
var (
	ErrNewer  = errors.New("the cache was written by a newer version")
	ErrClosed = errors.New("the cache is closed")

	// ErrForeign: the server knows less than it once said. It was set back, as by
	// a backup, and this is a copy of something else.
	ErrForeign = errors.New("the cache is of another history than the server's")

	errOlder = errors.New("the cache was written by an older version, or for somebody else")
)

// SQLite's codes for a file that is none of its own, or has not the tables that it was
// made with: all statements are good with those.
const (
	badStatement = 1
	corrupt      = 11
	notDatabase  = 26
)

// Damaged tells whether err says that the file cannot be used any more.
func Damaged(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return errors.Is(err, errUnreadable) || ok && slices.Contains([]int{badStatement, corrupt, notDatabase}, e.Code()&0xff)
}

// errUnreadable: a row is not as it was written.
var errUnreadable = errors.New("a row of the cache is damaged")

// maxDropped bounds the damaged rows that a step goes on without.
const maxDropped = 20

// A Cache is an open one. Its methods may be called concurrently.
type Cache struct {
	Remade bool // Open found one that could not be used, and made a new one

	owner string
	user  string

	mu         sync.Mutex
	db         *sql.DB
	conn       *sql.Conn
	statements map[string]*sql.Stmt // by their text
	state      State
}

// A State is how far a cache follows the server.
type State struct {
	Change uint64 // the change number seen
	Whole  uint64 // and up to which nothing is missing: lower in the middle of a sync
	Synced bool   // all conversations were taken once
	born   int64
}

// Open opens the cache at path, which is made if there is none; "" is a new one
// in memory. It belongs to the owner: somebody else's is made anew. The conversations
// are those of the account user.
func Open(path, owner, user string) (*Cache, error) {
	c, err := open(path, owner, user)
	if path == "" || !Damaged(err) && !errors.Is(err, errOlder) {
		return c, err
	}
	if err := Remove(path); err != nil {
		return nil, err
	}
	c, err = open(path, owner, user)
	if err == nil {
		c.Remade = true
	}
	return c, err
}

// Remove removes the cache at path, which must be closed.
func Remove(path string) error {
	for _, suffix := range []string{"-wal", "-shm", ""} { // a log without its file is harmless, the reverse is not
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the cache: %w", err)
		}
	}
	return nil
}

func open(path, owner, user string) (*Cache, error) {
	name := ":memory:"
	if path != "" {
		if err := private(path); err != nil {
			return nil, err
		}
		name = dsn(path)
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	c := &Cache{owner: owner, user: user, db: db, statements: make(map[string]*sql.Stmt)}
	if c.conn, err = db.Conn(context.Background()); err == nil {
		err = c.prepare()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// private makes path a file that only its owner can read, in a directory alike.
func private(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// dsn names the database at path for the driver. In a URL no character of the
// path is taken for a parameter. What a power loss takes, the server has.
func dsn(path string) string {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		path = "/" + path
	}
	const pragmas = "_pragma=journal_mode(wal)&_pragma=synchronous(normal)"
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: pragmas}).String()
}

// prepare looks at what is there, and makes what is not.
func (c *Cache) prepare() error {
	var layout, tables int
	if err := c.conn.QueryRowContext(context.Background(), `PRAGMA user_version`).Scan(&layout); err != nil {
		return err
	}
	if err := c.conn.QueryRowContext(context.Background(), `SELECT count(*) FROM sqlite_schema`).Scan(&tables); err != nil {
		return err
	}
	switch {
	case layout > version:
		return ErrNewer
	case layout == 0 && tables == 0:
		return c.transact(c.create)
	case layout < version:
		return errOlder
	}
	if err := c.loadState(); err != nil {
		return err
	}
	return c.checkList()
}

func (c *Cache) create() error {
	if _, err := c.conn.ExecContext(context.Background(), schema); err != nil {
		return err
	}
	if err := c.seen(State{}); err != nil {
		return err
	}
	_, err := c.conn.ExecContext(context.Background(), fmt.Sprintf(`PRAGMA user_version = %d`, version))
	return err
}

// loadState reads how far the cache is, which must be its owner's.
func (c *Cache) loadState() error {
	var owner string
	var change, whole, synced, born, sum int64
	err := c.row(`SELECT owner, change, whole, synced, born, sum FROM account`).Scan(&owner, &change, &whole, &synced, &born, &sum)
	s := State{Change: uint64(change), Whole: uint64(whole), Synced: synced == 1, born: born}
	switch {
	case isNone(err):
		return errUnreadable
	case err != nil:
		return err
	case s.sum(owner) != sum:
		return errUnreadable
	case owner != c.owner:
		return errOlder
	}
	c.state = s
	return nil
}

// checkList fails if the list is not as it was written: a row that an index has lost
// is in no answer, and nobody would miss it.
func (c *Cache) checkList() error {
	return c.each(func(scan func(...any) error) error {
		var verdict string
		err := scan(&verdict)
		if err == nil && verdict != "ok" {
			err = errUnreadable
		}
		return err
	}, `PRAGMA integrity_check(conversation)`)
}

// sum is the checksum of the account's row.
func (s State) sum(owner string) int64 {
	return sumOf([]int64{int64(s.Change), int64(s.Whole), number(s.Synced), s.born}, []byte(owner))
}

// seen writes down how far the cache is.
func (c *Cache) seen(s State) error {
	c.state = s
	return c.exec(`INSERT INTO account (rowid, owner, change, whole, synced, born, sum) VALUES (1, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (rowid) DO UPDATE SET change = excluded.change, whole = excluded.whole, synced = excluded.synced,
			born = excluded.born, sum = excluded.sum`,
		c.owner, int64(s.Change), int64(s.Whole), s.Synced, s.born, s.sum(c.owner))
}

// Close closes the cache. Later calls of its methods are ErrClosed.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return nil
	}
	for _, s := range c.statements {
		s.Close() //nolint:errcheck // nothing was written by closing it
	}
	var err error
	if c.conn != nil {
		err = c.conn.Close()
	}
	err = errors.Join(err, c.db.Close())
	c.db = nil
	return err
}

// State is how far the cache follows the server.
func (c *Cache) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// read runs f alone, and once more for each row that it finds damaged and that the
// server can give again.
func (c *Cache) read(f func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.db == nil {
		return ErrClosed
	}
	for range maxDropped {
		err := f()
		d, ok := errors.AsType[*damagedRow](err)
		if !ok {
			return err
		}
		if err := c.transact(func() error { return c.drop(d) }); err != nil {
			return err
		}
	}
	return errUnreadable
}

// change runs f alone, all of it or nothing.
func (c *Cache) change(f func() error) error {
	return c.read(func() error { return c.transact(f) })
}

func (c *Cache) transact(f func() error) error {
	before := c.state
	if _, err := c.conn.ExecContext(context.Background(), `BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = c.conn.ExecContext(context.Background(), `COMMIT`)
	}
	if err != nil {
		c.state = before
		_, _ = c.conn.ExecContext(context.Background(), `ROLLBACK`) // a full disk has done so already
	}
	return err
}

// statement prepares what is asked again and again.
func (c *Cache) statement(query string) (*sql.Stmt, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	s, err := c.conn.PrepareContext(context.Background(), query)
	if err == nil {
		c.statements[query] = s
	}
	return s, err
}

func (c *Cache) exec(query string, args ...any) error {
	s, err := c.statement(query)
	if err == nil {
		_, err = s.ExecContext(context.Background(), args...)
	}
	return err
}

// A row is one answer, or why there is none.
type row struct {
	*sql.Row

	err error
}

func (r row) Scan(to ...any) error {
	if r.err != nil {
		return r.err
	}
	return asDamage(r.Row.Scan(to...))
}

// asDamage is the error of a scan: what is no error of SQLite's is a value of a kind
// that nobody has written.
func asDamage(err error) error {
	_, known := errors.AsType[*sqlite.Error](err)
	if err == nil || known || isNone(err) {
		return err
	}
	return errUnreadable // and not what lies there
}

func isNone(err error) bool { return errors.Is(err, sql.ErrNoRows) }

func (c *Cache) row(query string, args ...any) row {
	s, err := c.statement(query)
	if err != nil {
		return row{err: err}
	}
	return row{Row: s.QueryRowContext(context.Background(), args...)}
}

// each calls take with every row that answers the query.
func (c *Cache) each(take func(scan func(...any) error) error, query string, args ...any) error {
	s, err := c.statement(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(func(to ...any) error { return asDamage(rows.Scan(to...)) }); err != nil {
			return err
		}
	}
	return rows.Err()
}
