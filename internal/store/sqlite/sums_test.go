package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
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
	"rollcall.example/internal/talk"
)

// full is a directory whose store has rows in every table.
func full(t *testing.T) string {
	t.Helper()
	return filled(t, alter)
}

// filled is a directory whose store has rows in every table that something can be in
// without what more does.
func filled(t *testing.T, more func(*testing.T, *sqlite.Store)) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{Node: "node"})
	fill(t, s)
	more(t, s)
	now := time.Now()
	alice := rollcall.Account{App: 1, User: "alice"}
	steps := []func() error{
		func() error {
			return s.AddApp(t.Context(), store.App{ID: 1, Name: "Chat", Created: now, Settings: []byte(`{}`), Keys: []store.Key{{ID: "k1", Secret: "a secret", Created: now}}})
		},
		func() error { return s.SetValue(t.Context(), "token", []byte("hash")) },
		func() error { // it kicks the one before
			_, err := s.Mutate(t.Context(), alice, func(st policy.State) policy.Outcome {
				return loginUnder(st, "other", now, policy.Multi())
			})
			return err
		},
		func() error {
			_, err := s.Mutate(t.Context(), alice, func(st policy.State) policy.Outcome {
				return policy.Disconnected(st, policy.Disconnect{Now: now, Session: st.Sessions[0].Number, Conn: st.Sessions[0].Conn}, policy.Multi())
			})
			return err
		},
	}
	for i, step := range steps {
		if err := step(); err != nil {
			t.Fatal(i, err)
		}
	}
	closeStore(t, s)
	return dir
}

// questions are what a store can be asked, by the table that the answer is in.
func questions(t *testing.T, s *sqlite.Store) map[string]error {
	t.Helper()
	ctx, all := t.Context(), map[string]error{}
	ask := func(name string, err error) { all[name] = errors.Join(all[name], err) }
	_, err := s.Apps(ctx)
	ask("apps", err)
	for _, name := range []string{"token", "tokenx"} {
		_, err := s.Value(ctx, name)
		ask("value", err)
	}
	for app := rollcall.AppID(1); app < 3; app++ {
		_, err := s.Usage(ctx, app, 0, 99999999)
		ask("usage", err)
		_, err = s.LoggedIn(ctx, app, "", 100)
		ask("logged in", err)
		for _, user := range []rollcall.UserID{"alice", "bob", "carol", "alicex"} {
			a := rollcall.Account{App: app, User: user}
			_, err := s.State(ctx, a)
			ask("state", err)
			_, err = s.History(ctx, a, 0, 1000)
			ask("history", err)
			_, _, _, err = s.Conversations(ctx, a, 0, 0, 100)
			ask("conversations", err)
			for _, peer := range []rollcall.UserID{"alice", "bob", "carol", "alicex"} {
				_, err := s.Messages(ctx, a, peer, talk.Span{Count: 100})
				ask("messages", err)
			}
		}
	}
	return all
}

// columns are those of all tables but SQLite's and the migrations' own, and what lets
// one row of the table have another value there.
func columns(t *testing.T, dir string) map[string]string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), `SELECT s.name, c.name, c.type FROM sqlite_schema s JOIN pragma_table_info(s.name) c
		WHERE s.type = 'table' AND s.name NOT IN ('goose_db_version', 'sqlite_sequence', 'unsummed')`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var table, column, kind string
		if err := rows.Scan(&table, &column, &kind); err != nil {
			t.Fatal(err)
		}
		other := map[string]string{
			"INTEGER": `"%s" + 1`, "TEXT": `"%s" || 'x'`, "BLOB": `cast(cast("%s" AS TEXT) || 'x' AS BLOB)`,
		}[kind]
		if kind == "BLOB" && slices.Contains([]string{"fixed", "present", "before"}, column) {
			other = `iif(length("%[1]s") = 0, cast('x' AS BLOB), cast('X' || substr("%[1]s", 2) AS BLOB))`
		}
		if slices.Contains([]string{"disabled", "connected", "low_deleted", "high_deleted", "low_pinned", "high_pinned"}, column) {
			other = `1 - "%s"`
		}
		all[table+"."+column] = fmt.Sprintf(`UPDATE %s SET "%s" = %s`, table, column, fmt.Sprintf(other, column))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAnotherValueInAnyColumnIsFound: when it is asked for, and by the check.
func TestAnotherValueInAnyColumnIsFound(t *testing.T) {
	dir := full(t)
	good := contents(t, dir)
	whole := open(t, dir, sqlite.Options{})
	for name, err := range questions(t, whole) {
		if err != nil {
			t.Fatalf("%s, of a store that is whole: %v", name, err)
		}
	}
	closeStore(t, whole)
	nowhere := []string{"kick.node", "message.id"} // what nobody is told, nor goes by
	hidden := []string{
		"message.conversation", "alteration.account", "alteration.change", // as those that are not kept any more
		"deletion.half", // its messages say it themselves
	}
	all := columns(t, dir)
	for _, column := range slices.Sorted(maps.Keys(all)) {
		t.Run(column, func(t *testing.T) {
			copied := t.TempDir()
			put(t, copied, good)
			execute(t, copied, strings.ReplaceAll(all[column], "UPDATE ", "UPDATE OR IGNORE "))
			r, err := sqlite.Check(t.Context(), copied, func(store.Progress) {})
			if err != nil || r.Sound() != slices.Contains(nowhere, column) {
				t.Errorf("the check: %+v, %v", r.Damages, err)
			}
			s, err := sqlite.Open(t.Context(), copied, sqlite.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer closeStore(t, s)
			got := map[string]error{}
			for name, err := range questions(t, s) {
				if errors.Is(err, store.ErrDamaged) {
					got[name] = err
				} else if err != nil {
					t.Errorf("%s: %v, want no error or that it is damaged", name, err)
				}
			}
			if len(got) == 0 && !slices.Contains(nowhere, column) && !slices.Contains(hidden, column) {
				t.Errorf("all questions are answered")
			}
		})
	}
	if len(all) < 100 {
		t.Errorf("only %d columns were looked at", len(all))
	}
}

// put writes files into a directory.
func put(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// execute changes the database of a closed store, behind its back.
func execute(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range statements {
		if _, err := db.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func nothingMore(*testing.T, *sqlite.Store) {}

// asOlder makes a store's database that of a program which made no sums, and did not
// keep what was recalled and deleted.
func asOlder(t *testing.T, dir string) {
	t.Helper()
	uncount(t, dir)
	statements := []string{
		`ALTER TABLE talker DROP COLUMN talks`, `ALTER TABLE talker DROP COLUMN changed`, `DROP TABLE unsummed`, `DROP TABLE alteration`, `DROP TABLE deletion`, `ALTER TABLE conversation DROP COLUMN low_altered`,
		`ALTER TABLE conversation DROP COLUMN high_altered`, `DELETE FROM goose_db_version WHERE version_id >= 2`,
		`ALTER TABLE usage DROP COLUMN logins`, `ALTER TABLE usage DROP COLUMN peak`, `ALTER TABLE usage DROP COLUMN peak_at`,
	}
	for _, table := range []string{"app", "app_key", "setting", "account", "session", "kick", "try", "history", "usage"} {
		statements = append(statements, `ALTER TABLE `+table+` DROP COLUMN sum`)
	}
	execute(t, dir, statements...)
}

// answered fails the test unless all questions are.
func answered(t *testing.T, s *sqlite.Store) {
	t.Helper()
	for name, err := range questions(t, s) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func checkOf(t *testing.T, s *sqlite.Store) (r store.Report, unsummed int64) {
	t.Helper()
	r, err := s.Check(t.Context(), func(store.Progress) {})
	if err != nil || !r.Sound() {
		t.Fatalf("the check: %+v, %v", r.Damages, err)
	}
	for _, table := range r.Tables {
		unsummed += table.Unsummed
	}
	return r, unsummed
}

// TestRowsOfAnOlderProgramAreSummed: they are good until then, and not without a sum
// after it.
func TestRowsOfAnOlderProgramAreSummed(t *testing.T) {
	dir := filled(t, nothingMore)
	asOlder(t, dir)
	if r, err := sqlite.Check(t.Context(), dir, func(store.Progress) {}); err != nil || !r.Old || !r.Sound() || r.Schema != 1 {
		t.Errorf("the check of an older database: %+v, %v", r, err)
	}
	s := open(t, dir, sqlite.Options{Node: "another"})
	answered(t, s)
	r, unsummed := checkOf(t, s)
	if unsummed == 0 || r.Old {
		t.Errorf("after the migration %d rows have no sum; %+v", unsummed, r)
	}
	closeStore(t, s)

	s = open(t, dir, sqlite.Options{Node: "a third"})
	answered(t, s)
	if err := s.Complete(t.Context()); err != nil {
		t.Fatal(err)
	}
	answered(t, s)
	if _, unsummed = checkOf(t, s); unsummed != 0 {
		t.Errorf("%d rows have no sum when all have been given one", unsummed)
	}
	closeStore(t, s)

	for _, table := range []string{"app", "app_key", "setting", "account", "session", "kick", "try", "history", "usage"} {
		copied := t.TempDir()
		put(t, copied, map[string][]byte{sqlite.File: contents(t, dir)[sqlite.File]})
		execute(t, copied, `UPDATE `+table+` SET sum = NULL`)
		if r, err := sqlite.Check(t.Context(), copied, func(store.Progress) {}); err != nil || r.Sound() {
			t.Errorf("rows of %s without a sum: %+v, %v", table, r, err)
		}
	}
}

// TestWhatWasDamagedStaysSo: who counts on in a row, or marks it, does not make it good.
func TestWhatWasDamagedStaysSo(t *testing.T) {
	dir, now := full(t), time.Now()
	erin, bob := rollcall.Account{App: 1, User: "erin"}, rollcall.Account{App: 1, User: "bob"}
	away := func(st policy.State) policy.Outcome {
		x := &st.Sessions[0]
		x.Node, x.Away = "another", time.Time{}
		return policy.Disconnected(st, policy.Disconnect{Now: now, Session: x.Number, Conn: x.Conn}, policy.Multi())
	}
	do := func(s *sqlite.Store, a rollcall.Account, rule store.Rule) {
		t.Helper()
		if _, err := s.Mutate(t.Context(), a, rule); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, sqlite.Options{})
	do(s, erin, login("phone", now))
	do(s, erin, away)
	closeStore(t, s)
	counts := func() [3]int {
		return [3]int{
			number(t, dir, `SELECT sum(active) FROM usage`), number(t, dir, `SELECT sum(count) FROM history WHERE fold > 0`),
			number(t, dir, `SELECT count(*) FROM session WHERE node <> ''`),
		}
	}
	execute(t, dir, `UPDATE usage SET active = active + 8`, `UPDATE history SET count = count + 8 WHERE fold > 0`, `UPDATE session SET address = 'x' WHERE account = (SELECT id FROM account WHERE user = 'bob')`)
	before := counts()
	s = open(t, dir, sqlite.Options{Node: "another"}) // all sessions are away
	do(s, rollcall.Account{App: 1, User: "frank"}, login("phone", now))
	for a, ask := range map[string]func() error{
		"usage":   func() error { _, err := s.Usage(t.Context(), 1, 0, 99999999); return err },
		"session": func() error { _, err := s.State(t.Context(), bob); return err },
	} {
		if err := ask(); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("%s: %v, want that it is damaged", a, err)
		}
	}
	closeStore(t, s)
	if got, want := counts(), [3]int{before[0] + 2, before[1], 1}; got != want {
		t.Errorf("counted are %v, want %v", got, want)
	}

	s = open(t, dir, sqlite.Options{Node: "another"})
	do(s, erin, away)
	if _, err := s.History(t.Context(), erin, 0, 100); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("a damaged row of history that was counted up: %v", err)
	}
	closeStore(t, s)
	if got := counts(); got[1] != before[1]+1 {
		t.Errorf("counted are %v events, want one more than %d", got[1], before[1])
	}
}
