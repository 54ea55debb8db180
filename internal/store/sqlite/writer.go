package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"rollcall.example/internal/store"
)

// A writer owns the one connection that writes. Requests queue; its goroutine
// takes all that wait, runs them in one transaction, commits, answers all.
type writer struct {
	db      *sql.DB
	conn    *sql.Conn
	sql     *writes
	known   known
	talks   knownTalks
	last    lastRows
	tallies tallies
	long    *long
	options Options
	round   int // pages that are written to the log before it is copied
	logged  int // pages that have been written since it was

	fault atomic.Pointer[fault] // what the disk has against writing; the goroutine's to change

	queue   chan *job
	quit    chan struct{} // closed by stop
	stopped chan struct{} // closed when the goroutine has ended
}

// A job is one request to the writer.
type job struct {
	do    func(context.Context, *batch) error
	then  func()      // told when it is committed, if not nil
	taken atomic.Bool // by the writer to do it, or by its caller to give it up
	done  chan error
}

// A lastRows is the highest ids given, to rows that are bound to theirs by their sums.
type lastRows struct{ account, event int64 }

// prepare takes the connection, compiles the statements on it, and sees how far the
// tables are.
func (w *writer) prepare(ctx context.Context) (err error) {
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	if w.sql, err = prepareWrites(w.conn); err != nil {
		return err
	}
	const last = `SELECT (SELECT coalesce(max(id), 0) FROM account), (SELECT coalesce(max(id), 0) FROM history)`
	if err := w.conn.QueryRowContext(ctx, last).Scan(&w.last.account, &w.last.event); err != nil {
		return err
	}
	return w.sumSmall(ctx)
}

// start runs the writer until stop. What it has begun is finished whatever
// becomes of ctx.
func (w *writer) start(ctx context.Context) {
	w.queue = make(chan *job, w.options.Queue)
	w.quit = make(chan struct{})
	w.stopped = make(chan struct{})
	go w.run(context.WithoutCancel(ctx))
}

// stop ends the goroutine and waits for it.
func (w *writer) stop() {
	close(w.quit)
	<-w.stopped
}

// close closes the connection, and with it its statements: with one of them open
// SQLite keeps the files, and leaves the log as it is. The goroutine has ended or
// never begun.
func (w *writer) close() error {
	if w.conn == nil {
		return w.db.Close()
	}
	if w.sql != nil {
		w.sql.close()
	}
	return errors.Join(w.conn.Close(), w.db.Close())
}

// submit hands do to the writer and waits until it has been committed. An error
// of do itself is returned as it is, and nothing of it has happened.
func (w *writer) submit(ctx context.Context, do func(context.Context, *batch) error) error {
	return w.submitJob(ctx, &job{do: do, done: make(chan error, 1)})
}

func (w *writer) submitJob(ctx context.Context, j *job) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.queue <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopped:
		return store.ErrClosed
	}
	var why error
	select {
	case err := <-j.done:
		return w.met(err)
	case <-ctx.Done():
		why = ctx.Err()
	case <-w.stopped:
		why = store.ErrClosed
	}
	if j.taken.CompareAndSwap(false, true) {
		return why
	}
	return w.met(<-j.done) // it has begun, and what has begun is answered
}

// met tells of damage that was met. What SQLite itself found is damage, too.
func (w *writer) met(err error) error {
	if e, ok := errors.AsType[coded](err); ok && corrupt(e) {
		err = fmt.Errorf("%w (%w)", err, store.ErrDamaged)
	}
	if w.options.Damaged != nil && errors.Is(err, store.ErrDamaged) {
		w.options.Damaged(err)
	}
	return err
}

// corrupt tells whether SQLite found damage.
func corrupt(e coded) bool {
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// restAfter is how long nobody asks before the writer rests.
const restAfter = 500 * time.Millisecond

func (w *writer) run(ctx context.Context) {
	defer close(w.stopped)
	calm := time.NewTimer(restAfter)
	defer calm.Stop()
	for {
		select {
		case <-w.quit:
			return
		default:
		}
		var again <-chan time.Time // at which the disk is tried, if it takes nothing
		if f := w.fault.Load(); f != nil {
			again = time.After(time.Until(f.again))
		}
		select {
		case <-w.quit:
			return
		case j := <-w.queue:
			w.commit(ctx, w.gather(j))
			w.copyLog(ctx)
			calm.Reset(restAfter)
		case <-calm.C:
			w.rest()
		case <-again:
			w.probe(ctx)
		}
	}
}

// rest gives back the memory in which what was written last is kept for the next
// requests: some kilobytes for each of many logins. Whoever comes next finds it in the
// system's own cache.
func (w *writer) rest() {
	w.forget()
	w.sql.direct.release()
}

// forget forgets what is known.
func (w *writer) forget() {
	w.known.forget()
	w.talks.forget()
	w.tallies.forget()
}

// gather takes what waits behind first, without waiting for more than those who
// are just about to ask.
func (w *writer) gather(first *job) []*job {
	runtime.Gosched()
	jobs := make([]*job, 0, min(len(w.queue)+1, w.options.Batch))
	for j := first; ; {
		if j.taken.CompareAndSwap(false, true) {
			jobs = append(jobs, j)
		}
		if len(jobs) == w.options.Batch {
			return jobs
		}
		select {
		case j = <-w.queue:
		default:
			return jobs
		}
	}
}

// errUncommitted: the commit itself failed, which is nobody's request's fault.
var errUncommitted = errors.New("commit")

// commit runs jobs in one transaction and answers them. If one of them cannot be
// written each gets a transaction of its own. While the disk takes nothing they
// are refused.
func (w *writer) commit(ctx context.Context, jobs []*job) {
	if len(jobs) == 0 {
		return
	}
	var errs []error
	var err error
	if f := w.fault.Load(); f != nil {
		err = f.err
	} else {
		errs, err = w.attempt(ctx, jobs)
		w.judge(err)
	}
	if err != nil && len(jobs) > 1 && !errors.Is(err, errUncommitted) && !errors.Is(err, store.ErrDisk) {
		for i := range jobs {
			w.commit(ctx, jobs[i:i+1])
		}
		return
	}
	for i, j := range jobs {
		if err != nil {
			j.done <- err
			continue
		}
		if errs[i] == nil && j.then != nil {
			j.then()
		}
		j.done <- errs[i]
	}
}

// attempt runs jobs in one transaction. It returns what each said of itself, or
// an error if nothing of any has happened.
func (w *writer) attempt(ctx context.Context, jobs []*job) (errs []error, err error) {
	began := time.Now()
	defer func() {
		if err != nil {
			w.forget()
			err = onDisk(err)
			_ = w.sql.rollback.exec() // fails if the error has rolled back already
		}
	}()
	if err := w.sql.begin.exec(); err != nil {
		return nil, fmt.Errorf("begin: %w", err)
	}
	b := newBatch(w, len(jobs))
	errs = make([]error, len(jobs))
	for i, j := range jobs {
		errs[i] = j.do(ctx, b)
		if fatal(errs[i]) {
			return nil, errs[i]
		}
	}
	if err := b.flush(); err != nil {
		return nil, err
	}
	if err := w.sql.commit.exec(); err != nil {
		return nil, fmt.Errorf("%w: %w", errUncommitted, err)
	}
	for _, e := range b.order {
		w.known.keep(e.account, knownAccount{e.row, e.is})
	}
	w.talks.keep(b)
	if w.options.Committed != nil {
		w.options.Committed(len(jobs), time.Since(began))
	}
	return errs, nil
}
