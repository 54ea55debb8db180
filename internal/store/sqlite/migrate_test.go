package sqlite_test

import (
	"bytes"
	"database/sql"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rollcall.example/internal/store/sqlite"
)

// newer is the migrations of a program to come: this one's, and others.
func newer(t *testing.T, more ...string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	names, err := fs.Glob(sqlite.Schema(), "*.sql")
	if err != nil || len(names) > 90 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := fs.ReadFile(sqlite.Schema(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: b}
	}
	for i, text := range more {
		all["009"+string(rune('1'+i))+"_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text + ";\n")}
	}
	return all
}

// left is a directory as a process with that schema leaves it that is killed: an
// account has logged in, and the log has not been copied into the database.
func left(t *testing.T, schema fs.FS) string {
	t.Helper()
	dir, copied := t.TempDir(), t.TempDir()
	s := open(t, dir, sqlite.Options{}.With(schema))
	defer closeStore(t, s)
	if _, err := s.Mutate(t.Context(), childAccount(1), login("phone", time.Now())); err != nil {
		t.Fatal(err)
	}
	for name, b := range contents(t, dir) {
		if err := os.WriteFile(filepath.Join(copied, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if b := contents(t, copied)[sqlite.File+"-wal"]; len(b) == 0 {
		t.Fatal("there is no log")
	}
	return copied
}

// contents are the files of a directory, but the index of the log and the lock.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		if f.Name() == "lock" || strings.HasSuffix(f.Name(), "-shm") {
			continue
		}
		if all[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// unchanged fails the test unless the directory is byte for byte what it was.
func unchanged(t *testing.T, dir string, before map[string][]byte) {
	t.Helper()
	after := contents(t, dir)
	for name, b := range before {
		if !bytes.Equal(after[name], b) {
			t.Errorf("%s has changed: %d bytes, before %d", name, len(after[name]), len(b))
		}
	}
	if len(after) != len(before) {
		t.Errorf("there are %d files, before %d", len(after), len(before))
	}
}

const more = `ALTER TABLE app ADD COLUMN colour TEXT`

func TestADatabaseOfANewerVersionIsRefusedAndLeftAlone(t *testing.T) {
	dir := left(t, newer(t, more))
	before := contents(t, dir)
	for range 2 { // the first refusal has left neither lock nor change
		_, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		if err == nil || !strings.Contains(err.Error(), "version 91, this program knows up to 6") {
			t.Errorf("open of a newer schema: %v, want an error with both versions", err)
		}
		unchanged(t, dir, before)
	}
	s := open(t, dir, sqlite.Options{}.With(newer(t, more)))
	defer closeStore(t, s)
	if st, err := s.State(t.Context(), childAccount(1)); err != nil || st.Counter != 1 {
		t.Errorf("the newer program finds %+v, %v; want the login", st, err)
	}
}

func TestADatabaseOfAnOlderVersionIsMigratedAndABackupKept(t *testing.T) {
	dir := left(t, sqlite.Schema())
	var told []any
	at := time.Date(2026, 11, 26, 0, 14, 11, 0, time.UTC)
	o := sqlite.Options{
		Now:      func() time.Time { return at },
		Migrated: func(from, to int64, backup string) { told = append(told, from, to, filepath.Base(backup)) },
	}.With(newer(t, more, `CREATE TABLE further (id INTEGER PRIMARY KEY) STRICT`))
	for range 2 { // the second time there is nothing to do
		s := open(t, dir, o)
		if st, err := s.State(t.Context(), childAccount(1)); err != nil || st.Counter != 1 {
			t.Errorf("after the migration there is %+v, %v; want the login", st, err)
		}
		closeStore(t, s)
	}
	if n := number(t, dir, `SELECT count(colour) + (SELECT count(*) FROM further) FROM app`); n != 0 {
		t.Errorf("the new columns hold %d", n)
	}

	const name = sqlite.File + ".v6-20261126T001411Z"
	if want := []any{int64(6), int64(92), name}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v once", told, want)
	}
	if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup: %v, %v; want mode 600", info, err)
	}
	if got := contents(t, dir); len(got) != 2 {
		t.Errorf("left are %q, want the database and its backup", slices.Sorted(maps.Keys(got)))
	}
	back := t.TempDir() // as an operator goes back to the older program
	if err := os.WriteFile(filepath.Join(back, sqlite.File), contents(t, dir)[name], 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, back, sqlite.Options{})
	defer closeStore(t, s)
	if st, err := s.State(t.Context(), childAccount(1)); err != nil || st.Counter != 1 {
		t.Errorf("the older program finds %+v in the backup, %v; want the login", st, err)
	}
}

func TestWithoutABackupNothingIsMigrated(t *testing.T) {
	for name, bad := range map[string]func(t *testing.T, dir string){
		"no room":       noRoom,
		"it is no file": func(t *testing.T, dir string) { blocked(t, filepath.Join(dir, sqlite.File+".part")) },
		"it is there already": func(t *testing.T, dir string) {
			blocked(t, filepath.Join(dir, sqlite.File+".v6-20261126T001411Z"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "no room" && elsewhere(t) {
				return
			}
			dir := left(t, sqlite.Schema())
			at := time.Date(2026, 11, 26, 0, 14, 11, 0, time.UTC)
			bad(t, dir)
			_, err := sqlite.Open(t.Context(), dir, sqlite.Options{Now: func() time.Time { return at }}.With(newer(t, more)))
			if err == nil || !strings.Contains(err.Error(), "keep a backup before the schema is migrated from version 6 to 91, of which nothing has been done") {
				t.Fatalf("opened without a backup: %v", err)
			}
			room(t)
			s := open(t, dir, sqlite.Options{}) // the older program goes on
			defer closeStore(t, s)
			if st, err := s.State(t.Context(), childAccount(1)); err != nil || st.Counter != 1 {
				t.Errorf("the older program finds %+v, %v; want the login", st, err)
			}
		})
	}
}

// elsewhere runs the test in a process of its own, where what it does to the process
// harms nobody: there it returns false.
func elsewhere(t *testing.T) bool {
	t.Helper()
	const mark = "ROLLCALL_TEST_ELSEWHERE"
	if os.Getenv(mark) == t.Name() {
		return false
	}
	var each []string
	for _, part := range strings.Split(t.Name(), "/") {
		each = append(each, "^"+regexp.QuoteMeta(part)+"$")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", strings.Join(each, "/"), "-test.v")
	cmd.Env = append(os.Environ(), mark+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return true
}

// blocked puts a directory with something in it where a file was to be.
func blocked(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(path, "something"), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestAMigrationThatFailsNamesTheBackup(t *testing.T) {
	dir := left(t, sqlite.Schema())
	_, err := sqlite.Open(t.Context(), dir, sqlite.Options{}.With(newer(t, more, `ALTER TABLE nothing ADD COLUMN colour TEXT`)))
	if err == nil || !strings.Contains(err.Error(), sqlite.File+".v6-") {
		t.Fatalf("a migration that fails: %v, want the backup's name", err)
	}
	closeStore(t, open(t, dir, sqlite.Options{}.With(newer(t, more)))) // what was done of it is whole
}

func TestADatabaseOfAnotherProgramIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `CREATE TABLE app (id)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before := contents(t, dir)
	if _, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("open of another program's database: %v", err)
	}
	unchanged(t, dir, before)
}
