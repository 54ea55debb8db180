package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"time"

	"rollcall.example"
	"rollcall.example/internal/talk"
)

const alterationColumns = `account, change, conversation, before, app, at, recalled, sequences, sum`

// An alterationRow is an alteration's row.
type alterationRow struct {
	account, change, conversation, before, app, at, recalled int64
	sequences                                                []byte
}

func (r *alterationRow) sum() int64 {
	return sumIn(alterationTable).numbers(r.account, r.change, r.conversation, r.before, r.app, r.at, r.recalled).bytes(r.sequences).end()
}

// scan reads a row. The sequences are SQLite's own memory, until the next row.
func (r *alterationRow) scan(from row) (sum int64, err error) {
	err = from.Scan(&r.account, &r.change, &r.conversation, &r.before, &r.app, &r.at, &r.recalled, (*sql.RawBytes)(&r.sequences), &sum)
	return sum, err
}

func recordAlteration(x *record, from row) (err error) {
	var r alterationRow
	x.stored, err = r.scan(from)
	x.first, x.second, x.made = r.account, r.change, r.sum()
	return err
}

// scanAlteration reads a row that must be as it was written, with whose conversation it is.
func scanAlteration(from row) (a alteration, err error) {
	var r alterationRow
	sum, err := r.scan(from)
	if err != nil || r.sum() != sum {
		return a, damaged("alteration %d of account %d", r.change, r.account)
	}
	a.conversation = r.conversation
	a.Alteration = talk.Alteration{Change: uint64(r.change), Before: uint64(r.before), At: moment(r.at), Recalled: r.recalled != 0}
	last := uint64(0)
	for b := r.sequences; len(b) > 0; {
		step, n := binary.Uvarint(b)
		if n <= 0 {
			return a, damaged("alteration %d of account %d", r.change, r.account)
		}
		last += step
		a.Sequences, b = append(a.Sequences, last), b[n:]
	}
	return a, nil
}

// An alteration is one, and of which conversation.
type alteration struct {
	talk.Alteration

	conversation int64
}

// addAlterations writes what a change has made of messages for each side of a
// conversation that it concerns: was, then is.
func (b *batch) addAlterations(a talk.Alteration, app rollcall.AppID, was, is talkRow) error {
	var sequences []byte
	last := uint64(0)
	for _, s := range a.Sequences {
		sequences = binary.AppendUvarint(sequences, s-last)
		last = s
	}
	for side, m := range is.sides {
		if m.Altered == was.sides[side].Altered {
			continue
		}
		r := alterationRow{
			account: is.accounts[side], change: int64(m.Altered), conversation: is.id, before: int64(was.sides[side].Altered),
			app: int64(app), at: millis(a.At), recalled: number(a.Recalled), sequences: sequences,
		}
		err := b.sql.addAlteration.exec(r.account, r.change, r.conversation, r.before, r.app, r.at, r.recalled, r.sequences, r.sum())
		if err != nil {
			return err
		}
	}
	return nil
}

// alterations are what became of messages after a change number, for a side: each names
// the one before it. It says how many messages it has read of.
func (l *talkLoads[S]) alterations(ask asking[S], t talkRow, side int, since uint64) (_ *talk.Alterations, messages int, err error) {
	var all []talk.Alteration
	latest := t.sides[side].Altered
	for change := latest; change > since && messages <= talk.MaxAlterations; {
		a, err := one(ask, l.altered, scanAlteration, t.accounts[side], int64(change))
		switch {
		case err != nil:
			return nil, 0, err
		case a == nil: // it is not kept any more
			return talk.Gather(all, latest, since), messages, nil
		case a.conversation != t.id || a.Before >= change:
			return nil, 0, damaged("alteration %d of account %d is not of conversation %d", change, t.accounts[side], t.id)
		}
		all = append(all, a.Alteration)
		change, messages = a.Before, messages+len(a.Sequences)
	}
	return talk.Gather(all, latest, since), messages, nil
}

// TrimAlterations implements store.Chat.
func (s *Store) TrimAlterations(ctx context.Context, app rollcall.AppID, before time.Time, limit int) (n int, err error) {
	const old = `DELETE FROM alteration WHERE (account, change) IN
		(SELECT account, change FROM alteration WHERE app = ? AND at < ? ORDER BY at LIMIT ?)`
	return s.trim(ctx, "drop old alterations of app "+app.String(), old, int64(app), millis(before), limit)
}

// trim drops what a statement drops.
func (s *Store) trim(ctx context.Context, what, statement string, args ...any) (n int, err error) {
	err = s.change(ctx, what, func(ctx context.Context, c *sql.Conn) error {
		r, err := c.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		gone, err := r.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}
