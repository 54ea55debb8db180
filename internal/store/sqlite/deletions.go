package sqlite

import (
	"context"
	"time"

	"rollcall.example"
	"rollcall.example/internal/talk"
)

const deletionColumns = `half, first, last, app, at, sum`

// A deletion is a run of messages that one side of a conversation has deleted, as long as
// it can be. It only says once more what the messages say: so that nobody has to read
// each of many to come to the one before or after them.
type deletion struct{ half, first, last, app, at int64 }

// halfOf is a side of a conversation.
func halfOf(conversation int64, side int) int64 { return conversation<<1 | int64(side) }

func (d deletion) sum() int64 {
	return sumIn(deletionTable).numbers(d.half, d.first, d.last, d.app, d.at).end()
}

func (d *deletion) scan(from row) (sum int64, err error) {
	err = from.Scan(&d.half, &d.first, &d.last, &d.app, &d.at, &sum)
	return sum, err
}

func recordDeletion(x *record, from row) (err error) {
	var d deletion
	x.stored, err = d.scan(from)
	x.first, x.second, x.made = d.half, d.first, d.sum()
	return err
}

// scanDeletion reads a row that must be as it was written.
func scanDeletion(from row) (d deletion, err error) {
	sum, err := d.scan(from)
	if err != nil || d.sum() != sum {
		err = damaged("deletion %d of half %d", d.first, d.half)
	}
	return d, err
}

// deletionAt is the run that a message is in which a side has deleted; nil: none is known.
func (l *talkLoads[S]) deletionAt(ask asking[S], t talkRow, side int, sequence uint64) (*deletion, error) {
	d, err := one(ask, l.deletion, scanDeletion, halfOf(t.id, side), int64(sequence))
	switch {
	case err != nil || d == nil:
	case d.half != halfOf(t.id, side) || d.first > int64(sequence) || d.last > int64(t.last):
		err = damaged("deletion %d of half %d is not where it is found", d.first, d.half)
	case d.last < int64(sequence):
		d = nil
	}
	return d, err
}

// addDeletions remembers messages, in the order of their sequences, that a side deletes.
func (b *batch) addDeletions(all []talk.Message, app rollcall.AppID, conversation int64, side int) error {
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Sequence == all[n-1].Sequence+1 {
			n++
		}
		d := deletion{
			half: halfOf(conversation, side), first: int64(all[0].Sequence), last: int64(all[n-1].Sequence),
			app: int64(app), at: millis(all[n-1].Time),
		}
		if err := b.addDeletion(d); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// addDeletion remembers one, in the place of those that it touches.
func (b *batch) addDeletion(d deletion) error {
	for {
		near, err := one((*compiled).ask, b.sql.deletion, scanDeletion, d.half, d.last+1)
		if err != nil {
			return err
		}
		if near == nil || near.last < d.first-1 {
			return b.sql.addDeletion.exec(d.half, d.first, d.last, d.app, d.at, d.sum())
		}
		if err := b.sql.dropDeletion.exec(near.half, near.first); err != nil {
			return err
		}
		d.first, d.last, d.at = min(d.first, near.first), max(d.last, near.last), max(d.at, near.at)
	}
}

// trimDeletions drops those of whose messages none is kept.
func (s *Store) trimDeletions(ctx context.Context, app rollcall.AppID, before time.Time, limit int) error {
	const old = `DELETE FROM deletion WHERE (half, first) IN (
		SELECT half, first FROM deletion WHERE app = ? AND at < ?
			AND NOT EXISTS (SELECT 1 FROM message WHERE conversation = half >> 1 AND sequence = last)
			ORDER BY at LIMIT ?)`
	for {
		n, err := s.trim(ctx, "drop deletions of old messages of app "+app.String(), old, int64(app), millis(before), limit)
		if err != nil || n < limit {
			return err
		}
	}
}
