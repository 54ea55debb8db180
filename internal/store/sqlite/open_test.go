package sqlite_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store/sqlite"
)

// TestClose: with anything left open SQLite would keep the files and the log.
func TestClose(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	if _, err := s.Mutate(t.Context(), childAccount(1), login("device", time.Now())); err != nil {
		t.Fatal(err)
	}
	if _, err := s.State(t.Context(), childAccount(1)); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Errorf("a closed store leaves %v, %v; want the lock and the database", files, err)
	}
}

func TestNoDatabaseIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, sqlite.File)
	text := strings.Repeat("not a database. ", 1000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("open of something else: %v, want an error that names %s", err, path)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != text {
		t.Errorf("what lay there has changed (%v)", err)
	}
}

func TestModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has access lists, not modes")
	}
	dir := filepath.Join(t.TempDir(), "new", "data ?#%41")
	s := open(t, dir, sqlite.Options{})
	if _, err := s.Mutate(t.Context(), childAccount(1), login("device", time.Now())); err != nil {
		t.Fatal(err)
	}
	got := map[string]os.FileMode{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			got[filepath.Base(path)] = info.Mode().Perm()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", sqlite.File, sqlite.File + "-wal", sqlite.File + "-shm"} {
		if got[name] != 0o600 {
			t.Errorf("%s has mode %o, want 600", name, got[name])
		}
	}
	if mode := got[filepath.Base(dir)]; mode != 0o700 || len(got) != 5 {
		t.Errorf("modes are %v, want the directory rwx for its owner alone and four files in it", got)
	}
	closeStore(t, s)
	if err := os.Chmod(filepath.Join(dir, sqlite.File), 0o644); err != nil { // as a copy may have it
		t.Fatal(err)
	}
	s = open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	if info, err := os.Stat(filepath.Join(dir, sqlite.File)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy keeps mode %o (%v), want 600", info.Mode().Perm(), err)
	}
}

// TestRestart: what the process before served is away from the moment at which
// the next one opens the store, and due accordingly. Time is fake.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		phone, web := childAccount(1), childAccount(2)
		s := open(t, dir, sqlite.Options{Node: "first"})
		for _, a := range []rollcall.Account{phone, web} {
			_, err := s.Mutate(t.Context(), a, func(before policy.State) policy.Outcome {
				o := login("device", time.Now())(before)
				x := &o.State.Sessions[0]
				x.Node, x.SigEnds = "first", time.Now().AddDate(1, 0, 0).Unix()
				if a == web {
					x.Platform = rollcall.Web
				}
				return o
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		reopen := func(node string) {
			t.Helper()
			closeStore(t, s)
			time.Sleep(time.Hour)
			s = open(t, dir, sqlite.Options{Node: node})
		}
		session := func(a rollcall.Account) policy.Session {
			t.Helper()
			state, err := s.State(t.Context(), a)
			if err != nil || len(state.Sessions) != 1 {
				t.Fatalf("%s has state %+v, %v; want one session", a, state, err)
			}
			return state.Sessions[0]
		}
		reopen("") // a tool
		reopen("first")
		if x := session(phone); x.Node != "first" || !x.Away.IsZero() {
			t.Errorf("opened by its own node or a tool, the session is %+v, want it as it was", x)
		}
		reopen("second")
		began := time.Now()
		reopen("third")
		for _, a := range []rollcall.Account{phone, web} {
			if x := session(a); x.Node != "" || !x.Away.Equal(began) {
				t.Errorf("%s: after the restart at %s the session is %+v, want it away since then", a, began, x)
			}
		}
		due, next, err := s.Due(t.Context(), began.Add(policy.WebAwayLimit), 10)
		if err != nil || len(due) != 1 || due[0] != web || !next.Equal(began.Add(policy.AwayLimit)) {
			t.Errorf("a minute after the restart due are %v, then at %s (%v); want %s, then at %s",
				due, next, err, web, began.Add(policy.AwayLimit))
		}
		closeStore(t, s)
	})
}
