package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// TestUsageIsFoundByItsKey: however many apps, days and accounts there are, no
// statement about usage walks along more than its own rows.
func TestUsageIsFoundByItsKey(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, open(t, dir, sqlite.Options{}))
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range sqlite.UsageStatements {
		for _, step := range plan(t, db, statement) {
			search := strings.HasPrefix(step, "SEARCH usage USING PRIMARY KEY (app=? AND period")
			if !search && strings.Contains(step, "usage") || strings.Contains(step, "account") {
				t.Errorf("%s\n%s", statement, step)
			}
		}
	}
}

var parameters = regexp.MustCompile(`\?|:[a-z]+`)

// plan is how SQLite goes about a statement.
func plan(t *testing.T, db *sql.DB, statement string) (steps []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+parameters.ReplaceAllString(statement, "1"))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestWhatTheSecondVersionCountedIsKept: its rows have no logins and no peaks, and sums
// without them.
func TestWhatTheSecondVersionCountedIsKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	_, err := s.Mutate(t.Context(), childAccount(1), func(policy.State) policy.Outcome {
		return policy.Outcome{State: policy.State{Created: time.Now(), ActiveDay: 20261123, ActiveMonth: 202611}}
	})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	execute(t, dir, `DELETE FROM goose_db_version WHERE version_id > 2`, `ALTER TABLE talker DROP COLUMN talks`, `ALTER TABLE talker DROP COLUMN changed`,
		`DROP TABLE alteration`, `DROP TABLE deletion`, `ALTER TABLE conversation DROP COLUMN low_altered`, `ALTER TABLE conversation DROP COLUMN high_altered`,
		`ALTER TABLE usage DROP COLUMN logins`, `ALTER TABLE usage DROP COLUMN peak`, `ALTER TABLE usage DROP COLUMN peak_at`)

	s = open(t, dir, sqlite.Options{})
	defer closeStore(t, s)
	got, err := s.Usage(t.Context(), 1, 0, 99991231)
	want := []store.UsageRow{{Period: 202611, Active: 1}, {Period: 20261123, Active: 1, SignedUp: 1}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("after the migration there is %+v, %v; want %+v", got, err, want)
	}
	checkOf(t, s)
	if _, err := s.Mutate(t.Context(), childAccount(1), login("phone", time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))); err != nil {
		t.Fatal(err)
	}
	if got, err = s.Usage(t.Context(), 1, 20261123, 20261123); err != nil || len(got) != 1 || got[0].Logins != 1 {
		t.Errorf("a login later there is %+v, %v", got, err)
	}
	checkOf(t, s)
}
