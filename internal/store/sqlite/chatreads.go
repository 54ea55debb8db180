package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/internal/talk"
)

// side is which one an account is.
func (r talkRow) side(account int64) int {
	if r.accounts[low] == account {
		return low
	}
	return high
}

// changedSince reads conversations of an account in the order of their changes, after
// one; limit -1: all.
func (l *talkLoads[S]) changedSince(ask asking[S], account int64, since uint64, limit int) (all []namedTalk, err error) {
	for _, stmt := range []S{l.changedLow, l.changedHigh} {
		err = ask(stmt, func(r row) error {
			x, err := l.scanNamed(r)
			all = append(all, x)
			return err
		}, account, int64(since), limit)
		if err != nil {
			return nil, err
		}
	}
	changed := func(r namedTalk) uint64 { return r.sides[r.side(account)].Changed }
	slices.SortFunc(all, func(a, b namedTalk) int { return cmp.Compare(changed(a), changed(b)) })
	if limit >= 0 && len(all) > limit {
		all = all[:limit]
	}
	return all, nil
}

// Conversations implements store.Chat.
func (s *Store) Conversations(ctx context.Context, a rollcall.Account, since, altered uint64, limit int) (views []talk.View, change uint64, more bool, err error) {
	err = s.read(ctx, "read the conversations of "+a.String(), func(tx *sql.Tx) error {
		ask := within(ctx, tx)
		own, err := s.reads.loadTalker(ask, a)
		if err != nil || own.row == 0 {
			return err
		}
		change = own.changes
		if err := s.reads.complete(ask, own); err != nil {
			return err
		}
		all, err := s.reads.changedSince(ask, own.row, min(since, 1<<62), limit+1)
		if err != nil {
			return err
		}
		if more = len(all) > limit; more {
			all = all[:limit]
		}
		told := 0 // messages of which is told what became of them
		for _, r := range all {
			side := r.side(own.row)
			latest, err := s.reads.loadLatest(ask, r.talkRow, side)
			if err != nil {
				return err
			}
			v := talk.ViewOf(r.other, r.last, r.sides[side], r.sides[1-side], latest)
			if told > talk.MaxAlterations { // the rest is asked for again
				more = true
				return nil
			}
			var n int
			if v.Alterations, n, err = s.reads.alterations(ask, r.talkRow, side, altered); err != nil {
				return err
			}
			told += n
			views = append(views, v)
			since = r.sides[side].Changed
		}
		if !more && since < change { // the latest change is some conversation's
			return damaged("the conversations of account %d end with change %d, want %d", own.row, since, change)
		}
		return nil
	})
	return views, change, more, err
}

// Messages implements store.Chat.
func (s *Store) Messages(ctx context.Context, a rollcall.Account, peer rollcall.UserID, span talk.Span) (p talk.Page, err error) {
	err = s.read(ctx, "read messages of "+a.String(), func(tx *sql.Tx) error {
		ask := within(ctx, tx)
		own, err := s.reads.loadTalker(ask, a)
		if err != nil {
			return err
		}
		other, err := s.reads.loadTalker(ask, rollcall.Account{App: a.App, User: peer})
		if err != nil {
			return err
		}
		p.Exists, p.Change = other.exists, own.changes
		t, err := s.reads.loadTalk(ask, own, other)
		if err != nil || t == nil {
			p.Complete = true
			return err
		}
		p.Last = t.last
		if p.KeptFrom, err = s.reads.keptFrom(ask, *t); err != nil {
			return err
		}
		x := &excerpt{talkRow: *t, side: t.side(own.row), span: span, page: &p}
		if span.After > 0 {
			return x.forward(ask, &s.reads.talkLoads)
		}
		return x.back(ask, &s.reads.talkLoads)
	})
	return p, err
}

// An excerpt is a page that is being read.
type excerpt struct {
	talkRow

	side int
	span talk.Span
	page *talk.Page

	first, reached uint64 // the first message that is there, deleted or not, and the last; 0: none
}

// back reads from a message to those before it.
func (x *excerpt) back(ask asking[*sql.Stmt], l *talkLoads[*sql.Stmt]) error {
	top, p := x.last, x.page
	if x.span.Before > 0 {
		top = min(top, x.span.Before-1)
	}
	deleted := x.sides[x.side].DeletedTo
	more, err := x.gather(ask, l, l.older, top)
	if err == nil && x.first == 0 {
		x.reached = top + 1
		err = l.unbroken(ask, x.talkRow, top)
	}
	if err != nil {
		return err
	}
	// What is not there is not kept, or deleted, and not lost by an index.
	if lowest := max(p.KeptFrom, deleted+1); !more && x.reached > lowest || x.first != 0 && x.reached < lowest {
		return x.broken(x.reached - 1)
	}
	slices.Reverse(p.Messages)
	p.Complete = !more
	if len(p.Messages) > 0 {
		p.From, p.To = 1, top
		if more {
			p.From = p.Messages[0].Sequence
		}
	}
	return nil
}

// forward reads from a message to those after it.
func (x *excerpt) forward(ask asking[*sql.Stmt], l *talkLoads[*sql.Stmt]) error {
	p, after := x.page, max(x.span.After, x.sides[x.side].DeletedTo)
	more, err := x.gather(ask, l, l.newer, after)
	if err != nil {
		return err
	}
	first := x.first
	if first == 0 {
		first = max(x.last, after) + 1
	}
	if first > after+1 { // what lies between is not kept, and so nothing before it
		newest, err := l.newestTo(ask, x.talkRow, first-1)
		if err != nil {
			return err
		}
		if newest != 0 || p.KeptFrom != first {
			return x.broken(first - 1)
		}
	}
	if x.first != 0 && p.KeptFrom > x.first {
		return x.broken(p.KeptFrom)
	}
	p.Complete = !more
	if n := len(p.Messages); n > 0 {
		p.From, p.To = x.span.After+1, x.last
		if more {
			p.To = p.Messages[n-1].Sequence
		}
	}
	return nil
}

// keptFrom is the first message of a conversation that is kept, or to come.
func (l *talkLoads[S]) keptFrom(ask asking[S], t talkRow) (uint64, error) {
	oldest := int64(0)
	err := ask(l.oldest, func(r row) error { return r.Scan(&oldest) }, t.id)
	if oldest == 0 {
		return t.last + 1, err
	}
	return uint64(oldest), err
}

func (x *excerpt) broken(at uint64) error {
	return damaged("message %d of conversation %d is not there", at, x.id)
}

// gather reads messages until the page is full, and whether there are more. Each is
// the one next to the message before it. It passes over those that the side has deleted,
// where it is known from where to where they go.
func (x *excerpt) gather(ask asking[*sql.Stmt], l *talkLoads[*sql.Stmt], stmt *sql.Stmt, from uint64) (more bool, err error) {
	next, lowest := int64(0), int64(x.sides[x.side].DeletedTo)
	step, args := int64(1), []any{x.id, int64(from)}
	if stmt == l.older {
		next, step, args = int64(from), -1, append(args, lowest)
	}
	for unknown := int64(0); ; { // the deleted message that is in no run that is known
		err = ask(stmt, func(rows row) error {
			r, err := scanMessage(rows)
			switch {
			case err != nil:
				return err
			case r.conversation != x.id || next != 0 && r.sequence != next:
				return x.broken(uint64(next))
			case x.first == 0:
				x.first = uint64(r.sequence)
			}
			x.reached, next = uint64(r.sequence), r.sequence+step
			m := r.seenBy(x.talkRow, x.side)
			switch {
			case m.Deleted && r.sequence != unknown:
				return errDeleted
			case m.Deleted:
				unknown = next
			case len(x.page.Messages) == x.span.Count:
				return errFull
			default:
				x.page.Messages = append(x.page.Messages, m)
			}
			return nil
		}, args...)
		if !errors.Is(err, errDeleted) {
			break
		}
		d, err := l.deletionAt(ask, x.talkRow, x.side, x.reached)
		switch {
		case err != nil:
			return false, err
		case d == nil: // so read it again, and all that follow it
			next = int64(x.reached)
			unknown = next
		case step < 0:
			x.reached, next = max(uint64(d.first), x.page.KeptFrom, uint64(lowest)+1), d.first-1
		default:
			x.reached, next = uint64(d.last), d.last+1
		}
		if args[1] = next; step > 0 {
			args[1] = next - 1
		}
	}
	switch {
	case errors.Is(err, errFull):
		return true, nil
	case err == nil && step > 0 && x.first != 0 && uint64(next) != x.last+1:
		err = x.broken(uint64(next))
	}
	return false, err
}

// What ends the reading of a page, or of a part of it.
var (
	errFull    = errors.New("the page is full")
	errDeleted = errors.New("here begin messages that are deleted")
)

// TrimMessages implements store.Chat.
func (s *Store) TrimMessages(ctx context.Context, app rollcall.AppID, before time.Time, limit int) (n int, err error) {
	const old = `DELETE FROM message WHERE id IN (SELECT id FROM message WHERE app = ? AND at < ? ORDER BY at, id LIMIT ?)`
	n, err = s.trim(ctx, "drop old messages of app "+app.String(), old, int64(app), millis(before), limit)
	if err == nil && n < limit {
		err = s.trimDeletions(ctx, app, before, limit)
	}
	return n, err
}
