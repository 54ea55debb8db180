package server_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/store"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestAnAccountCountsOnceADayAndOnceAMonth(t *testing.T) {
	january31 := func() time.Time { return time.Now().Add(30 * 24 * time.Hour) } // bubbles begin on 2000-01-01 00:00 UTC
	story(t, server.Config{Now: january31}, func(t *testing.T, w *world) {
		d := w.device("alice", "phone", rollcall.Android)
		d.sig = w.sig("alice", 100*24*time.Hour)
		mac := w.device("alice", "mac", rollcall.Mac)
		mac.sig = d.sig
		bob := w.device("bob", "phone", rollcall.Android)
		bob.sig = w.sig("bob", 100*24*time.Hour)
		for _, x := range []*device{d, mac, bob} {
			x.online().hangUp()
		}
		synctest.Wait()
		time.Sleep(time.Hour)
		d.back().hangUp() // the same day
		synctest.Wait()
		first := []store.UsageRow{{Period: 200001, Active: 2}, {Period: 20000131, Active: 2, SignedUp: 2, Logins: 3}}
		if got := w.usage(); !slices.Equal(got, first) {
			t.Errorf("usage of the first day %+v, want %+v", got, first)
		}

		time.Sleep(22 * time.Hour)
		p := d.back()
		for range 24 { // stays connected into February: that counts for nothing
			time.Sleep(5 * time.Minute)
			p.ask(&wire.PingRequest{})
		}
		if got := w.usage(); !slices.Equal(got, first) {
			t.Errorf("usage after a midnight %+v, want %+v", got, first)
		}
		d.back()
		want := []store.UsageRow{first[0], {Period: 200002, Active: 1}, first[1], {Period: 20000201, Active: 1}}
		if got := w.usage(); !slices.Equal(got, want) {
			t.Errorf("usage after a resume in February %+v, want %+v", got, want)
		}
	})
}

func TestTheDayIsThatOfTheAppsZone(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{TimeZone: "America/New_York"}); err != nil {
			t.Fatal(err)
		}
		w.device("alice", "phone", rollcall.Android).online().hangUp()
		synctest.Wait()
		time.Sleep(5 * time.Hour) // midnight there
		w.device("bob", "phone", rollcall.Android).online()
		want := []store.UsageRow{
			{Period: 199912, Active: 1},
			{Period: 200001, Active: 1},
			{Period: 19991231, Active: 1, SignedUp: 1, Logins: 1},
			{Period: 20000101, Active: 1, SignedUp: 1, Logins: 1},
		}
		if got := w.usage(); !slices.Equal(got, want) {
			t.Errorf("usage %+v, want %+v", got, want)
		}
	})
}

func TestRefusalsAfterAValidSignatureAreHistoryOfExistingAccounts(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		over := func(user string) *device {
			d := w.device(user, "phone", rollcall.Android)
			d.sig = signed(t, app, w.key, user, time.Now().Add(-2*time.Hour), time.Hour)
			return d
		}
		nobody := over("nobody")
		for range 3 {
			w.connect().refused(nobody.attempt(), imcode.UserSigExpired)
		}
		w.wantHistory("nobody")
		if w.state("nobody").Exists() {
			t.Error("a refused login signed somebody up")
		}

		w.device("alice", "mac", rollcall.Mac).online()
		alice := over("alice")
		for range 4 {
			w.connect().refused(alice.attempt(), imcode.UserSigExpired)
		}
		forged := w.device("alice", "pad", rollcall.IPad)
		forged.sig = altered(t, alice.sig, "TLS.expire", 1<<40)
		w.connect().refused(forged.attempt(), imcode.UserSigMismatchPublicKey) // no history: anybody's word
		time.Sleep(11 * time.Minute)
		w.connect().refused(alice.attempt(), imcode.UserSigExpired)
		w.wantHistory("alice", "signed up", "login 1", "refused 70001 x4", "away 1", "refused 70001")
		if got := w.metric(`rollcall_logins_total{code="70001"}`); got != 8 {
			t.Errorf("%v logins are counted with 70001, want 8", got)
		}
	})
}
