package sqlite

import (
	"context"
	"errors"
	"time"

	"rollcall.example/internal/policy"
)

// disowned is how many sessions that are to be away are kept in mind.
const disowned = 4096

// disown makes away, from now on, what a node other than this one served, and
// drops the notices that such a node had still to deliver: their clients are
// told when they come back.
func (w *writer) disown(ctx context.Context, now time.Time) error {
	node := w.options.Node
	if node == "" {
		return nil
	}
	err := w.transact(func() (err error) {
		for more := true; more && err == nil; {
			more, err = w.disownSome(node, now)
		}
		return err
	})
	if err != nil {
		return err
	}
	_, err = w.conn.ExecContext(ctx, `UPDATE kick SET node = '' WHERE node <> '' AND node <> ?`, node)
	return err
}

// transact runs f in a transaction. The writer does not run.
func (w *writer) transact(f func() error) error {
	if err := w.sql.begin.exec(); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = w.sql.commit.exec()
	}
	if err != nil {
		err = errors.Join(err, w.sql.rollback.exec())
	}
	return err
}

// An owned is a session that is to be away, and what is wrong with its sum.
type owned struct {
	account int64
	policy.Session

	due, syndrome int64
}

func (w *writer) disownSome(node string, now time.Time) (more bool, err error) {
	var all []owned
	err = w.sql.owned.ask(func(r row) error {
		var account int64
		var x sessionRow
		if x.scan(r, &account) != nil {
			return damaged("a session cannot be read")
		}
		wrong := w.sql.loads.old.syndrome(sessionTable, x.stored, sumOfSession(account, &x.Session, x.due))
		all = append(all, owned{account, x.Session, x.due, wrong})
		return nil
	}, node, disowned)
	for i := range all {
		x := &all[i]
		x.Node, x.Away = "", moment(millis(now))
		x.due = min(x.due, dueMillis(x.Session))
		if err == nil {
			sum := sumOfSession(x.account, &x.Session, x.due) ^ x.syndrome
			err = w.sql.disownSession.exec(millis(now), x.due, sum, x.account, int64(x.Number))
		}
	}
	return len(all) == disowned, err
}
