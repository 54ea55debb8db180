package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// A batch is the requests of one transaction. Rules chain in memory, account by
// account; flush writes what they made of it.
type batch struct {
	sql      *writes
	known    *known
	talks    *knownTalks
	last     *lastRows
	tallies  *tallies
	conn     *sql.Conn
	accounts map[rollcall.Account]*entry
	order    []*entry
	usage    map[period]counts
	chat     chat
	rows     []any // of history, to be written together
}

// An entry is one account in a batch.
type entry struct {
	account rollcall.Account
	row     int64 // its id; 0: it has none yet
	was     policy.State
	is      policy.State
	served  map[uint64]string // node of each session that ended in this batch
	events  []policy.Event
}

func newBatch(w *writer, size int) *batch {
	return &batch{
		sql: w.sql, known: &w.known, talks: &w.talks, last: &w.last, tallies: &w.tallies, conn: w.conn,
		accounts: make(map[rollcall.Account]*entry, size),
		order:    make([]*entry, 0, size),
		usage:    map[period]counts{},
	}
}

// Mutate implements store.Accounts.
func (s *Store) Mutate(ctx context.Context, a rollcall.Account, rule store.Rule) (policy.Outcome, error) {
	var o policy.Outcome
	err := s.writer.submit(ctx, func(_ context.Context, b *batch) (err error) {
		o, err = b.mutate(a, rule)
		return err
	})
	if err != nil {
		return policy.Outcome{}, fmt.Errorf("decide about %s: %w", a, err)
	}
	return o, nil
}

func (b *batch) mutate(a rollcall.Account, rule store.Rule) (policy.Outcome, error) {
	e, err := b.entry(a)
	if err != nil {
		return policy.Outcome{}, err
	}
	o, err := apply(rule, e.is)
	if err != nil {
		return policy.Outcome{}, err
	}
	if e.is.Exists() && !o.State.Exists() {
		if err := b.forgetTalks(a); err != nil {
			return policy.Outcome{}, err
		}
	}
	o.State = stored(o.State)
	b.count(e, o)
	e.take(o)
	return o, nil
}

// entry loads the account, unless the batch has it already, or knows it.
func (b *batch) entry(a rollcall.Account) (*entry, error) {
	if e := b.accounts[a]; e != nil {
		return e, nil
	}
	it, found := b.known.find(a)
	if !found {
		var err error
		if it.id, it.state, err = b.sql.load((*compiled).ask, a); err != nil {
			return nil, err
		}
	}
	e := &entry{account: a, row: it.id, was: it.state, is: it.state}
	b.accounts[a] = e
	b.order = append(b.order, e)
	return e, nil
}

// apply runs the rule. A panic in it is its own caller's error.
func apply(rule store.Rule, s policy.State) (o policy.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rule panicked: %v", p)
		}
	}()
	return rule(s), nil
}

// take makes the outcome the account's state from now on.
func (e *entry) take(o policy.Outcome) {
	if o.State.Exists() || e.is.Exists() { // its deletion is its last
		e.events = append(e.events, o.Events...)
	}
	for _, x := range o.Ended {
		if e.served == nil {
			e.served = map[uint64]string{}
		}
		e.served[x.Session.Number] = x.Session.Node
	}
	e.is = o.State
}

// flush writes all that the batch changed.
func (b *batch) flush() error {
	for _, e := range b.order {
		if err := b.save(e); err != nil {
			return fmt.Errorf("write %s: %w", e.account, err)
		}
	}
	if err := b.saveChat(); err != nil {
		return fmt.Errorf("write conversations: %w", err)
	}
	if err := b.saveRows(); err != nil {
		return err
	}
	return b.saveUsage()
}
