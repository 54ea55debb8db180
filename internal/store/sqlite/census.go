package sqlite

// A census is what the conversations of an account come to. Whoever counts them by an
// index that has lost one, or has another change for one, comes to another.
type census struct {
	talks   int64 // how many; uncounted: nobody has counted them yet
	changed int64 // their latest changes, added up
}

const (
	uncounted = -1

	// mostCounted is how many conversations are counted again for each part of a list
	// that is read, which takes as long as to read what is told of a few.
	mostCounted = 10_000
)

// moved is the census after a conversation has changed.
func (t *census) moved(was, is talkRow, side int) {
	t.changed += int64(is.sides[side].Changed) - int64(was.sides[side].Changed)
	if was.id != is.id {
		t.talks++
	}
}

// count counts the conversations of an account by the indexes that lists are read by.
func (l *talkLoads[S]) count(ask asking[S], account int64) (t census, err error) {
	err = ask(l.census, func(r row) error { return r.Scan(&t.talks, &t.changed) }, account)
	return t, err
}

// complete checks that the indexes have all conversations of an account.
func (l *talkLoads[S]) complete(ask asking[S], t talker) error {
	if t.talks == uncounted || t.talks > mostCounted {
		return nil
	}
	found, err := l.count(ask, t.row)
	if err == nil && found != t.census {
		err = damaged("account %d has %d conversations by their index, want %d, or not the latest change of each", t.row, found.talks, t.talks)
	}
	return err
}
