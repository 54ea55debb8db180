package server_test

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// TestALoginIsJudgedInTheOrderOfTheManual has everything against a login at once, and
// takes away what it was refused for, until it is granted. docs/login.md has a row for
// each refusal, in the same order.
func TestALoginIsJudgedInTheOrderOfTheManual(t *testing.T) {
	rows := manualRows(t)
	story(t, server.Config{}, func(t *testing.T, w *world) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		set := func(setting string) {
			t.Helper()
			c := apps.Change{}
			must(c.Parse(setting))
			_, err := w.server.Apps().ChangeSettings(t.Context(), app, c)
			must(err)
		}
		disabled := func(is bool) {
			t.Helper()
			_, err := w.server.Sessions().SetDisabled(t.Context(), account("alice"), is, "Olga")
			must(err)
		}
		d := w.device("alice", "phone", rollcall.Android)
		other := w.device("alice", "other", rollcall.Android)
		evicted := func() { // and not told
			t.Helper()
			d.sig = w.sig("alice", time.Hour)
			d.online().hangUp()
			other.sig = w.sig("alice", time.Hour)
			other.online()
		}
		evicted()
		disabled(true)
		must(w.server.Apps().SetDisabled(t.Context(), app, true))
		set("platforms=Web")
		set("tell_kicked_on_login=true")
		ask := func(spoil ...func(*wire.LoginRequest)) imcode.Code {
			t.Helper()
			q := d.attempt()
			for _, s := range spoil {
				s(q)
			}
			f := w.connect().ask(q)
			if f.GetRefusal() == nil {
				t.Fatalf("a login was answered with %v, want a refusal", f)
			}
			return imcode.Code(f.GetRefusal().GetCode())
		}
		asked := 0
		refused := func(got imcode.Code) {
			t.Helper()
			asked++
			if asked > len(rows) {
				t.Fatalf("refused with %d after the last row of the manual", got)
			}
			if row := rows[asked-1]; !strings.Contains(row, strconv.Itoa(int(got))) {
				t.Errorf("refusal %d is %d, the manual's row has %s", asked, got, row)
			}
		}
		dated := func(ahead, lifetime time.Duration) {
			d.sig = signed(t, app, w.key, "alice", time.Now().Add(ahead), lifetime)
		}

		d.sig = signed(t, app, strings.Repeat("x", 32), "alice", time.Now().Add(time.Hour), time.Hour)
		refused(ask(func(q *wire.LoginRequest) { q.DeviceId = "no id" }))
		refused(ask())
		dated(time.Hour, time.Hour)
		refused(ask())
		must(w.server.Apps().SetDisabled(t.Context(), app, false))
		got := ask()
		for range 5 {
			if got == imcode.UserSigCheckFailed { // the next row's: there is room for more attempts
				got = ask()
			}
		}
		refused(got)
		time.Sleep(10 * time.Second)
		refused(ask())
		_, err := w.server.Sessions().Revoke(t.Context(), account("alice"), 0, "Olga")
		must(err)
		dated(-time.Hour, time.Minute)
		refused(ask())
		time.Sleep(time.Hour)
		dated(-time.Minute, time.Second)
		refused(ask())
		disabled(false)
		refused(ask())
		set("platforms=")
		time.Sleep(10 * time.Second)
		evicted()
		set("platforms=Web")
		refused(ask())
		set("platforms=")
		refused(ask())
		if asked != len(rows) {
			t.Errorf("the manual has %d rows, a login was refused %d times: %q", len(rows), asked, rows)
		}
		q := d.attempt()
		q.KickSeen = d.session
		d.granted(w.connect().ask(q))
	})
}

// manualRows are the codes in the table of checks, row by row.
func manualRows(t *testing.T) (rows []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/login.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n| check | code |\n|---|---|\n")
	if !found {
		t.Fatal("docs/login.md has no table of checks")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	for _, row := range regexp.MustCompile(`(?m)^\|.*\| ([^|]*) \|$`).FindAllStringSubmatch(table, -1) {
		rows = append(rows, row[1])
	}
	return rows
}
