package sqlite_test

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// TestAFlippedBitIsNeverServed: whatever bit of a message or a conversation flips in
// the file, each answer is what it was, or an error. A bit of an index or of a row's
// number may hide a row: then SQLite's own check finds it.
func TestAFlippedBitIsNeverServed(t *testing.T) {
	const flips = 52
	whole := t.TempDir()
	s := open(t, whole, sqlite.Options{})
	fill(t, s)
	alter(t, s)
	want := answers(s)
	closeStore(t, s)
	good, err := os.ReadFile(filepath.Join(whole, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	pages := pagesOf(t, filepath.Join(whole, sqlite.File))
	names := slices.Sorted(maps.Keys(pages))
	random := rand.New(rand.NewPCG(1, 2))
	found := map[string]int{}
	for i := range flips {
		of := names[i%len(names)]
		p := pages[of][random.IntN(len(pages[of]))]
		at, bit := p.start+random.IntN(p.size), random.IntN(8)
		bad := bytes.Clone(good)
		bad[at] ^= 1 << bit
		dir := t.TempDir()
		path := filepath.Join(dir, sqlite.File)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		if err != nil {
			found["not opened"]++
			continue
		}
		got := answers(s)
		closeStore(t, s)
		what := "no matter"
		for n := range want {
			switch {
			case strings.HasPrefix(got[n], "error"):
				what = "an error of " + p.kind
			case got[n] == want[n]:
			case len(got[n]) < len(want[n]) && checked(t, path) != "ok":
				what = "found by the check"
			default:
				t.Errorf("bit %d of byte %d (of %s): question %d was answered\n%s\nwant\n%s", bit, at, p.name, n, got[n], want[n])
			}
		}
		found[what]++
	}
	t.Logf("of %d bits that flipped: %v", flips, found)
	if found["an error of table"] == 0 || found["an error of index"] == 0 {
		t.Errorf("too few bits were found to prove anything: %v", found)
	}
}

// fill has three people talk, in short messages and long ones.
func fill(t *testing.T, s *sqlite.Store) {
	t.Helper()
	now := time.Now()
	users := []rollcall.UserID{"alice", "bob", "carol"}
	for _, u := range users {
		if _, err := s.Mutate(t.Context(), rollcall.Account{App: 1, User: u}, login("phone", now)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 60 {
		from := users[i%3]
		q := talk.Sending{
			Asking: talk.Asking{Now: now, Session: 1, Conn: 1}, ID: fmt.Sprint("message-", i),
			Content: bytes.Repeat([]byte{'a' + byte(i%26)}, 10+i%7*900),
		}
		o, err := s.Converse(t.Context(), store.Conversing{Account: rollcall.Account{App: 1, User: from}, Peer: users[(i+1)%3]},
			func(t talk.Talk) talk.Outcome { return talk.Send(t, q) }, func(talk.Outcome) {})
		if err != nil || o.Code != 0 {
			t.Fatal(err, o.Code)
		}
	}
}

// alter has each of them delete some of what was said.
func alter(t *testing.T, s *sqlite.Store) {
	t.Helper()
	users := []rollcall.UserID{"alice", "bob", "carol"}
	for i := range 27 {
		at := []uint64{uint64(i/3 + 1)}
		q := store.Conversing{Account: rollcall.Account{App: 1, User: users[i%3]}, Peer: users[(i+1)%3], Need: talk.Need{At: at}}
		o, err := s.Converse(t.Context(), q, func(t talk.Talk) talk.Outcome {
			return talk.DeleteMessages(t, talk.Erasing{Asking: talk.Asking{Now: time.Now(), Session: 1, Conn: 1}, Sequences: at})
		}, func(talk.Outcome) {})
		if err != nil || o.Code != 0 {
			t.Fatal(err, o.Code)
		}
	}
}

// answers are what a store says to some questions.
func answers(s *sqlite.Store) []string {
	var all []string
	add := func(v any, err error) {
		if err != nil {
			v = "error: " + err.Error()
		}
		said := fmt.Sprint(v)
		for _, letter := range "abcdefghijklmnopqrstuvwxyz" { // long contents, as lists of numbers
			said = strings.ReplaceAll(said, strings.Repeat(fmt.Sprintf("%d ", letter), 8), string(letter))
		}
		all = append(all, said)
	}
	for _, own := range []rollcall.UserID{"alice", "bob", "carol"} {
		a := rollcall.Account{App: 1, User: own}
		views, change, more, err := s.Conversations(context.Background(), a, 0, 0, 10)
		var flat, altered []string
		var unsure error
		for _, v := range views {
			latest, became := v.Latest, v.Alterations
			v.Latest, v.Alterations = nil, nil
			flat = append(flat, fmt.Sprintf("%+v", v))
			if latest != nil {
				flat = append(flat, fmt.Sprintf("%+v", *latest))
			}
			if became != nil && became.All { // who is told so reads all of it again
				unsure = errors.New("it may be any message")
			}
			altered = append(altered, fmt.Sprintf("%+v", became))
		}
		add(fmt.Sprint(flat, change, more), err)
		add(altered, cmp.Or(err, unsure))
		for _, peer := range []rollcall.UserID{"alice", "bob", "carol"} {
			if peer == own {
				continue
			}
			for _, span := range []talk.Span{{Count: 100}, {Count: 5, Before: 9}, {Count: 5, After: 4}, {Count: 100, After: 1}} {
				p, err := s.Messages(context.Background(), a, peer, span)
				kept := strings.Repeat("+", int(p.Last+1-p.KeptFrom)) // fewer are shorter
				p.KeptFrom = 0
				add(fmt.Sprintf("%+v %s", p, kept), err)
			}
		}
	}
	return all
}

// A part is bytes of the file that a table or an index uses.
type part struct {
	kind, name  string
	start, size int
}

// pagesOf are the parts of the file that keep conversations, by table and index.
func pagesOf(t *testing.T, path string) map[string][]part {
	t.Helper()
	db := raw(t, path)
	rows, err := db.QueryContext(t.Context(), `SELECT iif(s.type = 'index', 'index', 'table'), d.name,
		d.pgoffset + iif(d.pagetype = 'leaf', d.unused + 8 + 2 * d.ncell, 0), d.pgsize - d.unused - iif(d.pagetype = 'leaf', 8 + 2 * d.ncell, 0) FROM dbstat d
		JOIN sqlite_schema s ON s.name = d.name WHERE s.tbl_name IN ('message', 'conversation', 'talker', 'alteration', 'deletion')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string][]part{}
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.kind, &p.name, &p.start, &p.size); err != nil {
			t.Fatal(err)
		}
		all[p.name] = append(all[p.name], p)
	}
	if err := rows.Err(); err != nil || len(all) != 13 {
		t.Fatal(err, all)
	}
	return all
}

// checked is what SQLite's check says of a file.
func checked(t *testing.T, path string) (said string) {
	t.Helper()
	if err := raw(t, path).QueryRowContext(t.Context(), `PRAGMA integrity_check(1)`).Scan(&said); err != nil {
		return err.Error()
	}
	return said
}

func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}
