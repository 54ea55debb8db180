package sqlite

import (
	"rollcall.example"
	"rollcall.example/internal/talk"
)

// forgetTalks deletes the conversations of an account for its own side: nobody who
// signs up under its name finds them.
func (b *batch) forgetTalks(a rollcall.Account) error {
	t, err := b.talking(a)
	if err != nil || t.row == 0 {
		return err
	}
	if err := b.saveTalks(); err != nil {
		return err
	}
	all, err := b.sql.changedSince((*compiled).ask, t.row, 0, -1)
	if err != nil {
		return err
	}
	for _, r := range all {
		e, err := b.talk(talker{row: r.accounts[low]}, talker{row: r.accounts[high]})
		if err != nil {
			return err
		}
		side := r.side(t.row)
		own := e.is.sides[side]
		own.Changes = t.changes
		own = talk.Forget(e.is.last, own, e.is.sides[1-side])
		t.changes, own.Changes = own.Changes, 0
		was := e.is
		e.is.sides[side] = own
		t.moved(was, e.is, side)
	}
	return nil
}
