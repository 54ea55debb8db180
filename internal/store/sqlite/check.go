package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
)

const (
	tellEvery = time.Second // how often who waits is told how far a check is, or a copy
	large     = 64 << 20    // a database from this size on takes long enough to say what is read first
)

// Check reads all that the store holds, as it is at one moment, and holds it against its
// sums, SQLite's own rules and what holds between rows. It holds up nobody; but as long as
// it lasts the log grows with what is written. tell hears how far it is. An error: it was
// not read to its end. store.ErrBusy: another check or a copy runs.
func (s *Store) Check(ctx context.Context, tell func(store.Progress)) (r store.Report, err error) {
	err = s.long.hold(ctx, func(ctx context.Context) error {
		r, err = check(ctx, dsn(s.path, s.query, "query_only(1)"), s.path, tell)
		return err
	})
	return r, err
}

// Check is Store.Check of the store in dir, which it takes for itself as Open does, but
// changes nothing of.
func Check(ctx context.Context, dir string, tell func(store.Progress)) (r store.Report, err error) {
	err = alone(dir, func(path, source string) error {
		r, err = check(ctx, source, path, tell)
		return err
	})
	return r, err
}

// alone runs f on the database in dir, which no process has open meanwhile, with the
// source from which it is read.
func alone(dir string, f func(path, source string) error) error {
	path := filepath.Join(dir, File)
	if _, err := os.Stat(path); err != nil {
		return err
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return err
	}
	source := dsn(path, "mode=ro") // SQLite keeps an index of the log beside it
	if !hasLog(path) {
		source = dsn(path, still)
	}
	return errors.Join(f(path, source), lock.Close())
}

// still opens a database that nobody has open and that has no log: SQLite makes no files.
const still = "mode=ro&immutable=1"

// hasLog tells whether a database has a log with something in it.
func hasLog(path string) bool {
	log, err := os.Stat(path + "-wal")
	return err == nil && log.Size() > 0
}

// CheckBackup is Check of a backup: a database that nobody has open. It refuses what is no
// database, and one that has a log beside it, as a server's has.
func CheckBackup(ctx context.Context, path string, tell func(store.Progress)) (store.Report, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return store.Report{}, fmt.Errorf("there is no file %s", path)
	}
	if err != nil {
		return store.Report{}, err
	}
	is := false
	if info.Mode().IsRegular() {
		if is, err = isDatabase(path); err != nil {
			return store.Report{}, err
		}
	}
	if !is {
		return store.Report{}, fmt.Errorf("%s is no backup: it is no SQLite database", path)
	}
	if filepath.Base(path) == File { // it may be a server's, and change while it is read
		lock, err := lockDirectory(filepath.Dir(path))
		if err != nil {
			return store.Report{}, fmt.Errorf("%s is no backup: %w", path, err)
		}
		defer lock.Close()
	}
	if hasLog(path) {
		return store.Report{}, fmt.Errorf("%s is no backup: it has a log beside it, %s-wal, as the database of a server has", path, path)
	}
	return checkFile(ctx, path, tell)
}

// checkFile is Check of a database that nobody has open and that has no log.
func checkFile(ctx context.Context, path string, tell func(store.Progress)) (store.Report, error) {
	return check(ctx, dsn(path, still), path, tell)
}

// An inquiry is a check under way.
type inquiry struct {
	store.Report

	conn *sql.Conn
	on   *direct
	old  tables // in which there may be rows without a sum
	tell func(store.Progress)
	last progressed
}

func check(ctx context.Context, source, path string, tell func(store.Progress)) (store.Report, error) {
	q := &inquiry{tell: tell, last: progressed{time.Now()}}
	q.Tables, q.Damages = []store.Table{}, []store.Found{}
	info, err := os.Stat(path)
	if err != nil {
		return q.Report, err
	}
	q.Bytes = info.Size()
	db, err := sql.Open("sqlite", source)
	if err != nil {
		return q.Report, err
	}
	defer db.Close()
	if q.conn, err = db.Conn(ctx); err == nil {
		err = q.take("the file", func() error { return q.read(ctx) })
		err = errors.Join(err, q.conn.Close())
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return q.Report, err
}

// take takes what SQLite says of damage as found, and not as an error.
func (q *inquiry) take(where string, f func() error) error {
	err := f()
	if e, ok := errors.AsType[coded](err); ok && corrupt(e) {
		q.Find(where, "SQLite cannot read it: "+e.Error())
		return nil
	}
	return err
}

// read reads all, in one transaction.
func (q *inquiry) read(ctx context.Context) (err error) {
	if _, err := q.conn.ExecContext(ctx, `BEGIN`); err != nil {
		return err
	}
	defer q.conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`) //nolint:errcheck // nothing was written
	if q.Schema, err = versionOf(ctx, q.conn); err != nil {
		return err
	}
	want, err := versionIn(schema())
	if err != nil {
		return err
	}
	if q.Schema > want {
		return newer(q.Schema, want)
	}
	if q.Old = q.Schema < want; !q.Old {
		if q.old, err = unsummed(ctx, q.conn); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		where string
		look  func(context.Context) error
	}{{"the structure", q.structure}, {"the schema", q.layout}, {"the schema", q.versions}} {
		if err := q.take(x.where, func() error { return x.look(ctx) }); err != nil {
			return err
		}
	}
	if q.Old {
		return nil
	}
	return q.rows(ctx)
}

// structure has SQLite look at its own.
func (q *inquiry) structure(ctx context.Context) error {
	if q.Bytes > large {
		q.tell(store.Progress{Part: "read the structure"})
	}
	for _, pragma := range []string{`PRAGMA integrity_check(` + fmt.Sprint(store.MaxDamages) + `)`, `PRAGMA foreign_key_check`} {
		rows, err := q.conn.QueryContext(ctx, pragma)
		if err != nil {
			return err
		}
		_, err = scanRows(rows, func(r *sql.Rows) (_ bool, err error) {
			var said, ignored sql.NullString
			if strings.Contains(pragma, "foreign") {
				if err = r.Scan(&said, &ignored, &ignored, &ignored); err == nil {
					q.Find("table "+said.String, "a row names one of another table that is not there")
				}
				return false, err
			}
			err = r.Scan(&said)
			for line := range strings.SplitSeq(said.String, "\n") {
				if line = strings.TrimSpace(line); line != "ok" && line != "" && !strings.HasPrefix(line, "***") {
					q.Find("the structure", line)
				}
			}
			return false, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rows looks at each row's sum, and then at what holds between rows.
func (q *inquiry) rows(ctx context.Context) (err error) {
	if q.on, err = directOf(q.conn); err != nil {
		return err
	}
	defer q.on.close()
	for i := range summedTables {
		t := &summedTables[i]
		if err := q.take("table "+t.name, func() error { return q.sums(ctx, t) }); err != nil {
			return err
		}
	}
	for _, x := range relations {
		if err := q.take("what holds between rows", func() error { return q.relation(ctx, x) }); err != nil {
			return err
		}
	}
	return nil
}

// sums reads all rows of a table.
func (q *inquiry) sums(ctx context.Context, t *summed) error {
	all, err := q.on.compile(t.along())
	if err != nil {
		return err
	}
	defer all.close()
	n := store.Table{Name: t.name}
	err = all.ask(func(r row) error {
		if n.Rows++; n.Rows%1024 == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			q.say("read table "+t.name, n.Rows)
		}
		var x record
		switch err := t.scan(&x, r); {
		case err != nil:
			q.Find(q.call(t, &x), "it cannot be read")
		case x.stored == noSum && q.old&t.table != 0:
			n.Unsummed++
		case x.stored != x.made:
			q.Find(q.call(t, &x), "it is not what was written: its sum differs")
		}
		return nil
	}, append(t.beginning(), -1)...)
	q.Tables = append(q.Tables, n)
	return err
}

// call says which row a record is, and whose, if that can be trusted.
func (q *inquiry) call(t *summed, x *record) string {
	said := t.call(x)
	if t.table&(sessionTable|kickTable|tryTable|talkerTable) == 0 || q.Count >= store.MaxDamages {
		return said
	}
	var owner record
	var a rollcall.Account
	accounts, err := q.on.compile(`SELECT ` + accountColumns + `, app, user FROM account a WHERE id = ?`)
	if err != nil {
		return said
	}
	defer accounts.close()
	err = accounts.ask(func(r row) error {
		var of accountRow
		var app int64
		err := of.scan(r, &app, (*string)(&a.User))
		a.App = rollcall.AppID(app)
		owner.stored, owner.made = of.stored, of.sum(of.id, app, string(a.User))
		return err
	}, x.first)
	if err != nil || a.User == "" || owner.stored != owner.made {
		return said
	}
	return fmt.Sprintf("%s, which is %s", said, a)
}

// say tells who waits, but not too often.
func (q *inquiry) say(part string, done int64) {
	if q.last.again() {
		q.tell(store.Progress{Part: part, Done: done})
	}
}

// progressed is when somebody was told last how far it is.
type progressed struct{ at time.Time }

// again tells whether it is time to.
func (p *progressed) again() bool {
	now := time.Now()
	if now.Sub(p.at) < tellEvery {
		return false
	}
	p.at = now
	return true
}
