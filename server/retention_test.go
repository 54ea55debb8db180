package server_test

import (
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/server"
)

const day = 24 * time.Hour

// TestHistoryIsDroppedWhenItIsOld: 180 days by default, less where the app says so,
// and never the account or its sessions.
func TestHistoryIsDroppedWhenItIsOld(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		later := func(d time.Duration) {
			t.Helper()
			w.stop() // a bubble's days are long while a server sweeps
			time.Sleep(d)
			w.start()
			time.Sleep(2 * time.Minute)
		}
		w.device("alice", "phone", rollcall.Android).online().hangUp()
		synctest.Wait()
		later(100 * day)
		w.device("alice", "mac", rollcall.Mac).online().hangUp()
		synctest.Wait()
		all := []string{"signed up", "login 1", "away 1", "expired 1", "login 2", "away 2"}
		w.wantHistory("alice", all...)

		later(79 * day)
		w.wantHistory("alice", append(all, "expired 2")...)
		if got := w.metric("rollcall_history_pruned_total"); got != 0 {
			t.Errorf("%v rows are dropped before their day", got)
		}
		later(day)
		w.wantHistory("alice", "expired 1", "login 2", "away 2", "expired 2")
		if got := w.metric("rollcall_history_pruned_total"); got != 3 {
			t.Errorf("%v rows are counted as dropped, want 3", got)
		}

		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{HistoryDays: 30}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w.wantHistory("alice", "expired 2")
		if s := w.state("alice"); !s.Exists() || s.Counter != 2 {
			t.Errorf("the account went with its history: %+v", s)
		}
	})
}

// TestOldHistoryGoesInSmallParts: a login waits for one batch at most, and the rest
// goes in the pauses between.
func TestOldHistoryGoesInSmallParts(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		old := time.Now()
		_, err := w.server.Store().Mutate(t.Context(), account("alice"), func(s policy.State) policy.Outcome {
			s.Created = old
			o := policy.Outcome{State: s}
			for i := range 1200 {
				o.Events = append(o.Events, policy.Event{At: old, Kind: policy.EventLogin, Session: uint64(i + 1)})
			}
			return o
		})
		if err != nil {
			t.Fatal(err)
		}
		w.stop()
		time.Sleep(200 * day)
		w.start()
		time.Sleep(time.Minute - time.Millisecond)
		for _, want := range []float64{0, 500, 1000, 1200, 1200} {
			if got := w.metric("rollcall_history_pruned_total"); got != want {
				t.Errorf("%v rows are dropped, want %v", got, want)
			}
			time.Sleep(100 * time.Millisecond)
		}
		w.wantHistory("alice")
		w.healthy()
	})
}
