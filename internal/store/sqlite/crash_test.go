package sqlite_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// TestKill kills a process that logs accounts in and has them talk, again and again,
// and looks for everything that it had acknowledged.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[rollcall.Account][]uint64{}
	taken := map[rollcall.Account][]talk.Message{}
	note := func(line string) {
		var user, id string
		var number, sequence uint64
		if _, err := fmt.Sscan(line, &user, &number, &sequence, &id); err != nil {
			t.Errorf("the child said %q: %v", line, err)
			return
		}
		a := rollcall.Account{App: 1, User: rollcall.UserID(user)}
		acknowledged[a] = append(acknowledged[a], number)
		if sequence > 0 {
			taken[a] = append(taken[a], talk.Message{Sequence: sequence, ID: id})
		}
	}
	for range 5 {
		p := startChild(t, dir)
		for range 50 + rand.IntN(500) {
			if !p.lines.Scan() {
				t.Fatalf("the child ended by itself: %v", p.cmd.Wait())
			}
			note(p.lines.Text())
		}
		p.kill(t, note)
		s := open(t, dir, sqlite.Options{Node: "after"})
		for i := range childAccounts {
			intact(t, s, childAccount(i), acknowledged[childAccount(i)])
			inHistory(t, s, i, taken[childAccount(i)])
		}
		everyLoginCounts(t, s)
		closeStore(t, s)
		sound(t, dir)
	}
	if len(taken) != childAccounts {
		t.Errorf("%d of %d accounts had messages taken", len(taken), childAccounts)
	}
}

// intact looks for the logins that were acknowledged to an account, in its state
// and in its history.
func intact(t *testing.T, s *sqlite.Store, a rollcall.Account, acknowledged []uint64) {
	t.Helper()
	state, err := s.State(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := s.History(t.Context(), a, 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	recorded := map[uint64]int{}
	for _, row := range rows {
		if row.Kind == policy.EventLogin {
			recorded[row.Session]++
		}
	}
	for _, n := range acknowledged {
		if n > state.Counter || recorded[n] != 1 {
			t.Errorf("%s: login %d was acknowledged; the counter is %d, history has it %d times", a, n, state.Counter, recorded[n])
		}
	}
	if len(recorded) != int(state.Counter) {
		t.Errorf("%s: counter %d, but history has %d logins", a, state.Counter, len(recorded))
	}
	if state.Counter == 0 {
		return
	}
	if len(state.Sessions) != 1 || state.Sessions[0].Number != state.Counter || state.Sessions[0].Node != "" {
		t.Errorf("%s: sessions %+v, want the newest, %d, away", a, state.Sessions, state.Counter)
	}
}

// everyLoginCounts holds the counters of the days against the accounts' own.
func everyLoginCounts(t *testing.T, s *sqlite.Store) {
	t.Helper()
	var logins, counted int64
	for i := range childAccounts {
		state, err := s.State(t.Context(), childAccount(i))
		if err != nil {
			t.Fatal(err)
		}
		logins += int64(state.Counter)
	}
	days, err := s.Usage(t.Context(), 1, 0, 99991231)
	if err != nil {
		t.Fatal(err)
	}
	for _, day := range days {
		counted += day.Logins
	}
	if counted != logins {
		t.Errorf("%d logins are counted, there were %d", counted, logins)
	}
}

// inHistory looks for the messages of an account that were acknowledged: each once,
// under its sequence, in histories without a gap.
func inHistory(t *testing.T, s *sqlite.Store, i int, taken []talk.Message) {
	t.Helper()
	found := map[string]uint64{}
	for n := range uint64(2) {
		a, peer := childAccount(i), childPeer(i, n)
		p, err := s.Messages(t.Context(), a, peer.User, talk.Span{Count: 1_000_000})
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Messages) != int(p.Last) {
			t.Errorf("%s and %s: %d messages, the last is %d", a, peer, len(p.Messages), p.Last)
		}
		for k, m := range p.Messages {
			if m.Sequence != uint64(k+1) {
				t.Fatalf("%s and %s: message %d in place %d", a, peer, m.Sequence, k+1)
			}
			if m.Own && found[m.ID] != 0 {
				t.Errorf("%s: message %s is there twice", a, m.ID)
			}
			if m.Own {
				found[m.ID] = m.Sequence
			}
		}
	}
	for _, m := range taken {
		if found[m.ID] != m.Sequence {
			t.Errorf("message %s was acknowledged as %d, and is there as %d", m.ID, m.Sequence, found[m.ID])
		}
	}
}

// sound checks the database's own structure.
func sound(t *testing.T, dir string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %s, %v", verdict, err)
	}
}

func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	p := startChild(t, dir)
	_, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if want := fmt.Sprintf("process %d", p.cmd.Process.Pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("open beside another process: %v, want an error that names %s", err, want)
	}
	p.kill(t, func(string) {})
	s := open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	if _, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("open twice in one process: %v, want that it is in use", err)
	}
}

// number reads a number from the database of a closed store.
func number(t *testing.T, dir, query string, args ...any) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
