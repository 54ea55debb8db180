package sqlite_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// TestAnIndexThatHasLostARowIsNoAnswer: whatever bit of an index flips by which messages
// are found, a page is what it was, or an error, and never that of others or an empty
// one. Only that it is not kept can still be said of what is oldest, for that may be so.
func TestAnIndexThatHasLostARowIsNoAnswer(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	fill(t, s)
	want := pagesRead(t, s)
	closeStore(t, s)
	good := contents(t, dir)[sqlite.File]
	for _, tt := range []struct {
		index string
		step  int // of the bits that are flipped
	}{{"sqlite_autoindex_conversation_1", 7}, {"sqlite_autoindex_message_1", 151}} {
		found, unkept, n := 0, 0, 0
		for _, p := range pagesOf(t, filepath.Join(dir, sqlite.File))[tt.index] {
			for bit := p.start * 8; bit < (p.start+p.size)*8; bit += tt.step {
				bad := bytes.Clone(good)
				bad[bit/8] ^= 1 << (bit % 8)
				worse := t.TempDir()
				if err := os.WriteFile(filepath.Join(worse, sqlite.File), bad, 0o600); err != nil {
					t.Fatal(err)
				}
				s := open(t, worse, sqlite.Options{})
				for i, got := range pagesRead(t, s) {
					switch n++; {
					case got.said == want[i].said:
					case got.err:
						found++
					case got.KeptFrom > want[i].KeptFrom:
						unkept++
					default:
						t.Errorf("bit %d, of %s: page %d is\n%.300s\nwant\n%.300s", bit, tt.index, i, got.said, want[i].said)
					}
				}
				closeStore(t, s)
			}
		}
		t.Logf("of %d pages read by %s: %d errors, %d without what is oldest", n, tt.index, found, unkept)
		if found < n/20 || unkept > n/50 {
			t.Errorf("of %d pages read by %s: %d errors, %d without what is oldest", n, tt.index, found, unkept)
		}
	}
}

// A pageRead is a page, or an error in its place.
type pageRead struct {
	talk.Page

	said string
	err  bool
}

// pagesRead are pages of all who talk and of one who does not.
func pagesRead(t *testing.T, s *sqlite.Store) (all []pageRead) {
	t.Helper()
	users := []rollcall.UserID{"alice", "bob", "carol", "alice"}
	for i, own := range users[:3] {
		a := rollcall.Account{App: 1, User: own}
		for _, span := range []talk.Span{{Count: 100}, {Count: 5}, {Count: 5, Before: 9}, {Count: 5, After: 4}, {Count: 100, After: 1}} {
			p, err := s.Messages(t.Context(), a, users[i+1], span)
			all = append(all, pageRead{p, fmt.Sprintf("%+v %v", p, err), err != nil})
		}
	}
	return all
}

// TestALostConversationIsNotBegunAnew: a message to somebody with whom there is one that
// the index of pairs has lost is refused, and does not begin another at 1.
func TestALostConversationIsNotBegunAnew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, sqlite.File)
	s := open(t, dir, sqlite.Options{})
	fill(t, s)
	closeStore(t, s)
	db := raw(t, path)
	for _, statement := range []string{ // an index that is kept no more, as one that has lost all
		`PRAGMA writable_schema = ON`,
		`CREATE TABLE empty (low INTEGER NOT NULL, high INTEGER NOT NULL, UNIQUE (low, high)) STRICT`,
		`UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_empty_1')
			WHERE name = 'sqlite_autoindex_conversation_1'`,
		`DELETE FROM sqlite_schema WHERE tbl_name = 'empty'`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	q := store.Conversing{Account: rollcall.Account{App: 1, User: "alice"}, Peer: "bob", Need: talk.Need{ID: "another"}}
	o, err := s.Converse(t.Context(), q, func(t talk.Talk) talk.Outcome {
		return talk.Send(t, talk.Sending{Asking: talk.Asking{Now: time.Now(), Session: 1, Conn: 1}, ID: "another", Content: []byte("hi")})
	}, func(talk.Outcome) {})
	if !errors.Is(err, store.ErrDamaged) {
		t.Errorf("it is %+v, %v; want %v", o.Message, err, store.ErrDamaged)
	}
}
