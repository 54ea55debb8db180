package sqlite_test

import (
	"context"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// backedUp is a backup of the store in a directory.
func backedUp(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.db")
	r, err := sqlite.Backup(t.Context(), path, false, func(ctx context.Context, begin func(int64) (io.Writer, error)) error {
		return sqlite.Copy(ctx, dir, begin)
	}, silent)
	if err != nil || !r.Sound() {
		t.Fatal(r, err)
	}
	return path
}

func restoring(file, dir string) sqlite.Restoring {
	return sqlite.Restoring{File: file, Dir: dir, Beside: []string{"rollcall.toml"}, Tell: silent}
}

// TestARestoredStoreIsThatOfTheBackup but for its sessions, which have ended.
func TestARestoredStoreIsThatOfTheBackup(t *testing.T) {
	dir := full(t)
	backup := backedUp(t, dir)
	to := filepath.Join(t.TempDir(), "new", "data")
	done, err := sqlite.Restore(t.Context(), restoring(backup, to))
	if err != nil || !done.Report.Sound() || done.Kept != "" || done.Reset != 3 {
		t.Fatalf("a restore: %+v, %v", done, err)
	}
	if got := listed(t, to); len(got) != 2 || got[sqlite.File] != done.Report.Bytes {
		t.Errorf("restored are %v, want the database of %d bytes and the lock", got, done.Report.Bytes)
	}
	before, after := open(t, dir, sqlite.Options{}), open(t, to, sqlite.Options{})
	defer closeStore(t, before)
	defer closeStore(t, after)
	was, is := told(before, time.Now()), told(after, time.Now())
	for name := range was {
		kept := !strings.HasPrefix(name, "state") && !strings.HasPrefix(name, "history") && !strings.HasPrefix(name, "login") && name != "logged in"
		if kept && was[name] != is[name] {
			t.Errorf("%s: %s, before %s", name, is[name], was[name])
		}
	}
	for _, user := range []rollcall.UserID{"alice", "bob", "carol"} {
		a := rollcall.Account{App: 1, User: user}
		rows, err := after.History(t.Context(), a, 0, 100)
		ended := slices.ContainsFunc(rows, func(r store.HistoryRow) bool { return r.Kind == policy.EventSetBack })
		state, wrong := after.State(t.Context(), a)
		if err != nil || wrong != nil || !ended || len(state.Sessions) != 1 || state.Counter <= policy.SetBackGap {
			t.Errorf("%s is %+v, with history %+v, %v; want only the login after it", user, state, rows, err)
		}
	}
	first, err := before.Value(t.Context(), store.Past)
	other, wrong := after.Value(t.Context(), store.Past)
	if err != nil || wrong != nil || len(other) == 0 || string(first) == string(other) {
		t.Errorf("the past is named %q, before %q", other, first)
	}
}

func TestARestoreTakesThePlaceOfAStoreOnlyByForce(t *testing.T) {
	backup, dir := backedUp(t, full(t)), left(t, sqlite.Schema()) // with a log
	put(t, dir, map[string][]byte{"rollcall.toml": nil})
	before := contents(t, dir)
	_, err := sqlite.Restore(t.Context(), restoring(backup, dir))
	if err == nil || !strings.Contains(err.Error(), "is not empty: it holds rollcall.db") {
		t.Errorf("a restore over a store: %v", err)
	}
	unchanged(t, dir, before)

	q := restoring(backup, dir)
	q.Over, q.Now = true, func() time.Time { return time.Date(2026, 11, 26, 0, 14, 11, 0, time.UTC) }
	done, err := sqlite.Restore(t.Context(), q)
	if want := filepath.Join(dir, sqlite.File+".before-20261126T001411Z"); err != nil || !done.Report.Sound() || done.Kept != want {
		t.Fatalf("a restore by force: %+v, %v; want the store before kept as %s", done, err, want)
	}
	kept := t.TempDir() // is whole, with its log
	files := contents(t, dir)
	put(t, kept, map[string][]byte{
		sqlite.File: files[filepath.Base(done.Kept)], sqlite.File + "-wal": files[filepath.Base(done.Kept)+"-wal"],
	})
	s := open(t, kept, sqlite.Options{})
	if state, err := s.State(t.Context(), childAccount(1)); err != nil || state.Counter != 1 {
		t.Errorf("the store that was there before has %+v, %v; want its login", state, err)
	}
	closeStore(t, s)
	s = open(t, dir, sqlite.Options{})
	if state, err := s.State(t.Context(), childAccount(1)); err != nil || state.Exists() {
		t.Errorf("the restored store has %+v of the one before, %v", state, err)
	}
	if state, err := s.State(t.Context(), rollcall.Account{App: 1, User: "alice"}); err != nil || !state.Exists() {
		t.Errorf("the restored store has %+v of the backup, %v", state, err)
	}
	closeStore(t, s)
	if _, err = sqlite.Restore(t.Context(), q); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("once more in the same second: %v, want that what is kept is not overwritten", err)
	}
	if s, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); err != nil {
		t.Errorf("after that: %v", err)
	} else {
		closeStore(t, s)
	}
}

func TestWhatIsNotRestored(t *testing.T) {
	whole := full(t)
	good := backedUp(t, whole)
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	made := func(change func(dir string)) string {
		dir := t.TempDir()
		put(t, dir, map[string][]byte{sqlite.File: b})
		change(dir)
		return filepath.Join(dir, sqlite.File)
	}
	for name, tt := range map[string]struct {
		file string
		want string // "": it is damaged
	}{
		"nothing is there": {filepath.Join(t.TempDir(), "none.db"), "there is no file "},
		"a directory":      {t.TempDir(), "is no backup: it is no SQLite database"},
		"a text":           {made(func(dir string) { put(t, dir, map[string][]byte{sqlite.File: []byte("a text")}) }), "is no backup: it is no SQLite database"},
		"an empty file":    {made(func(dir string) { put(t, dir, map[string][]byte{sqlite.File: nil}) }), "is no backup: it is no SQLite database"},
		"half a backup":    {made(func(dir string) { put(t, dir, map[string][]byte{sqlite.File: b[:len(b)/2]}) }), ""},
		"a flipped bit":    {made(func(dir string) { execute(t, dir, `UPDATE account SET disabled = 1`) }), ""},
		"a missing row":    {made(func(dir string) { execute(t, dir, `DELETE FROM message WHERE sequence = 7`) }), ""},
		"a newer version": {
			made(func(dir string) {
				execute(t, dir, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9099, 1)`)
			}),
			"schema has version 9099, this program knows up to",
		},
		"another program's": {made(func(dir string) {
			put(t, dir, map[string][]byte{sqlite.File: nil})
			execute(t, dir, `CREATE TABLE app (id)`)
		}), "database of another program"},
		"a database with its log": {made(func(dir string) { put(t, dir, map[string][]byte{sqlite.File + "-wal": []byte("a log")}) }), "it has a log beside it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			done, err := sqlite.Restore(t.Context(), restoring(tt.file, dir))
			if tt.want == "" && (err != nil || done.Report.Sound()) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%+v, %v; want %q", done.Report, err, tt.want)
			}
			if got := listed(t, dir); len(got) != 0 {
				t.Errorf("left are %v", got)
			}
		})
	}

	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	if _, err := sqlite.CheckBackup(t.Context(), filepath.Join(dir, sqlite.File), silent); err == nil || !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("the database of a process that runs was taken for a backup: %v", err)
	}
	q := restoring(good, dir)
	for _, q.Over = range []bool{false, true} {
		if _, err := sqlite.Restore(t.Context(), q); err == nil || !strings.Contains(err.Error(), "is in use by process") {
			t.Errorf("into a directory that a process has open, by force %t: %v", q.Over, err)
		}
	}
}

// TestAnOlderBackupIsMigrated, and what a killed restore has left is in nobody's way.
func TestAnOlderBackupIsMigrated(t *testing.T) {
	older := filled(t, nothingMore)
	asOlder(t, older)
	backup, dir := backedUp(t, older), t.TempDir()
	staging := filepath.Join(dir, sqlite.Staging)
	if err := os.MkdirAll(filepath.Join(staging, "more"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, staging, map[string][]byte{sqlite.File: []byte("half of something")})
	done, err := sqlite.Restore(t.Context(), restoring(backup, dir))
	if err != nil || !done.Report.Sound() || done.Report.Old || done.Reset != 3 {
		t.Fatalf("an older backup: %+v, %v", done, err)
	}
	if got := slices.Sorted(maps.Keys(listed(t, dir))); !slices.Equal(got, []string{"lock", sqlite.File}) {
		t.Errorf("left are %q", got)
	}
	s := open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	answered(t, s)
}

func TestARestoreThatIsInterruptedLeavesTheStore(t *testing.T) {
	backup, dir := backedUp(t, full(t)), left(t, sqlite.Schema())
	before := contents(t, dir)
	for _, cause := range []string{"backup", "copy"} {
		ctx, cancel := context.WithCancel(t.Context())
		q := restoring(backup, dir)
		q.Over = true
		if cause == "backup" {
			cancel()
		} else { // when all that is left to do is done
			q.Now = func() time.Time { cancel(); return time.Now() }
		}
		if done, err := sqlite.Restore(ctx, q); err == nil {
			t.Errorf("a restore that was interrupted: %+v", done)
		}
		unchanged(t, dir, before)
		cancel()
	}
}
