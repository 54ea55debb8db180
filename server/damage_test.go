package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// corrupt changes the database of a server that does not run, behind its back.
func corrupt(t *testing.T, dir, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsDamagedIsNotServedAndHoldsUpNobody: who is concerned gets 70500, and the
// operator a line that says what to do, without what is stored there.
func TestWhatIsDamagedIsNotServedAndHoldsUpNobody(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		alice, bob := w.device("alice", "phone", rollcall.Android), w.device("bob", "phone", rollcall.Android)
		alice.sig, bob.sig = w.sig("alice", time.Hour), w.sig("bob", 2*time.Hour)
		alice.name = "Alice's secret name"
		alice.online()
		bob.online()
		w.stop()
		corrupt(t, w.config.Dir, `UPDATE session SET address = '203.0.113.9' WHERE account = (SELECT id FROM account WHERE user = 'alice')`)
		w.start()
		for _, request := range []any{alice.resume(), alice.attempt()} {
			r := w.connect().refused(request, imcode.Internal)
			if r.GetRetryAfterMs() != 60_000 || !strings.Contains(r.GetText(), "damaged") || strings.Contains(r.GetText(), "session 1") {
				t.Errorf("who is damaged is told %v", r)
			}
		}
		if _, err := w.server.Sessions().Kick(t.Context(), account("alice"), policy.Target{}, ""); imcode.Of(err) != imcode.Internal {
			t.Errorf("a kick of one who is damaged: %v", err)
		}
		bob.back().hangUp()
		time.Sleep(3 * time.Hour) // alice is due, and cannot be ended
		w.wantHistory("bob", "signed up", "login 1", "away 1 x2", "resume 1", "expired 1")
		text := w.log.String()
		if !strings.Contains(text, "session 1 of account 1: the stored data is damaged: `rollcall check` finds") {
			t.Errorf("the log does not say what is damaged, and what to do:\n%s", text)
		}
		if strings.Contains(text, "203.0.113.9") || strings.Contains(text, alice.name) {
			t.Errorf("the log has what is stored:\n%s", text)
		}
		if n := w.metric("rollcall_damaged_reads_total"); n < 3 {
			t.Errorf("%g damaged reads are counted", n)
		}
		if told := strings.Count(text, "session 1 of account 1"); told > 600 { // with the debug log twice in half a minute
			t.Errorf("within three hours the log was told %d times", told)
		}
	})
}

// replies are what a server answers to who asks for all that there is.
func replies(w *world, devices []*device) map[string]string {
	all := map[string]string{}
	say := func(name string, f *wire.ServerFrame) {
		if f.GetRefusal() != nil {
			all[name] = fmt.Sprint("refused ", f.GetRefusal().GetCode())
			return
		}
		f.TimeMs = 0
		all[name] = f.String()
	}
	for _, d := range devices {
		p := w.connect()
		f := p.ask(d.resume())
		if f.GetSession() != nil {
			f.GetSession().Past = "" // which is another each time that it is damaged
		}
		say("resume of "+d.user, f)
		if f.GetSession() != nil {
			say("sessions of "+d.user, p.ask(&wire.ListSessionsRequest{}))
			say("sync of "+d.user, p.ask(&wire.SyncRequest{Count: 100}))
			for _, other := range devices {
				say("messages of "+d.user+" and "+other.user, p.ask(&wire.ListMessagesRequest{Peer: other.user, Count: 100}))
			}
		} else {
			all["sessions of "+d.user], all["sync of "+d.user] = "refused: not in", "refused: not in"
			for _, other := range devices {
				all["messages of "+d.user+" and "+other.user] = "refused: not in"
			}
		}
		p.hangUp()
		synctest.Wait()
		rows, err := w.server.Store().History(context.Background(), account(d.user), 0, 100)
		all["history of "+d.user] = fmt.Sprintf("%+v", rows)
		if err != nil {
			all["history of "+d.user] = "refused: " + err.Error()
		}
	}
	return all
}

// TestAFlippedBitReachesNobody: whatever bit of the file flips, clients and operators get
// what they got before, or an error; or the check finds what is hidden from them.
func TestAFlippedBitReachesNobody(t *testing.T) {
	noon := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC) // whenever it is asked
	story(t, server.Config{Now: func() time.Time { return noon }}, func(t *testing.T, w *world) {
		var devices []*device
		for _, user := range []string{"alice", "bob", "carol"} {
			devices = append(devices, w.device(user, "phone", rollcall.Android))
		}
		for _, d := range devices {
			d.online().hangUp()
			synctest.Wait()
		}
		for i, d := range devices {
			p := d.back()
			for n := range 8 {
				p.change(text(devices[(i+1)%3].user, fmt.Sprint(d.user, n), strings.Repeat(d.user, 1+n*20)))
			}
			p.hangUp()
			synctest.Wait()
		}
		w.stop()
		file := filepath.Join(w.config.Dir, sqlite.File)
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 2))
		var want map[string]string
		count := map[string]int{}
		for round := range 40 {
			bad, at, bit := append([]byte{}, good...), 0, 0
			if round > 0 {
				at, bit = random.IntN(len(bad)), random.IntN(8)
				for bad[at] == 0 && bad[max(at-1, 0)] == 0 { // where nothing is stored
					at = random.IntN(len(bad))
				}
				bad[at] ^= 1 << bit
			}
			for _, log := range []string{file + "-wal", file + "-shm"} {
				if err := os.Remove(log); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(file, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			what := w.flipped(copies(devices), &want, func(name, got string) {
				t.Errorf("seed %d, bit %d of byte %d: %s:\n%s\nwant\n%s", seed, bit, at, name, got, want[name])
			})
			count[what]++
		}
		t.Logf("of the bits that flipped: %v", count)
		if count["an error"]+count["not opened"] == 0 {
			t.Errorf("no bit did anything: %v", count)
		}
	})
}

// copies are devices that may be asked again, as they are now.
func copies(devices []*device) (all []*device) {
	for _, d := range devices {
		c := *d
		all = append(all, &c)
	}
	return all
}

// flipped says what becomes of a server whose database has a bit that flipped. The first
// time it is whole, and want is made.
func (w *world) flipped(devices []*device, want *map[string]string, fault func(name, got string)) string {
	w.t.Helper()
	report, err := sqlite.Check(w.t.Context(), w.config.Dir, func(store.Progress) {})
	found := err != nil || !report.Sound()
	if w.tryStart() != nil {
		return "not opened"
	}
	got := replies(w, devices)
	w.stop()
	if *want == nil {
		*want = got
		return "whole"
	}
	what := "no matter"
	for name, said := range *want {
		switch {
		case got[name] == said:
		case strings.HasPrefix(got[name], "refused"):
			what = "an error"
		case found:
			what = "hidden, and found by the check"
		default:
			fault(name, got[name])
		}
	}
	return what
}
