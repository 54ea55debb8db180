package server_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
)

// platforms are those of alice's sessions, earliest login first.
func (w *world) platforms() string {
	w.t.Helper()
	all := []rollcall.Platform{}
	for _, x := range w.state("alice").Sessions {
		all = append(all, x.Platform)
	}
	return fmt.Sprintf("%v", all)
}

// under gives the app a policy.
func (w *world) under(p apps.Policy) {
	w.t.Helper()
	if _, err := w.server.Apps().ChangeSettings(w.t.Context(), app, apps.ChangeTo(p)); err != nil {
		w.t.Fatal(err)
	}
}

func TestAnAppThatNeverSetAPolicyHasDual(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		if err := w.server.Apps().SetSettings(t.Context(), app, apps.Settings{}); err != nil {
			t.Fatal(err)
		}
		phone, tab := w.device("alice", "phone", rollcall.Android).online(), w.device("alice", "tab", rollcall.Web).online()
		w.device("alice", "mac", rollcall.Mac).online()
		phone.read() // the notice
		tab.silent(time.Second)
		if got := w.platforms(); got != "[Web Mac]" {
			t.Errorf("logged in are %s, want [Web Mac]", got)
		}
	})
}

func TestAPolicyIsInForceForTheNextLoginAndThrowsNobodyOut(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for _, p := range []rollcall.Platform{rollcall.Android, rollcall.Mac, rollcall.Web} {
			w.device("alice", p.String(), p).online()
		}
		w.under(apps.Policy{Name: "single"})
		if got := w.platforms(); got != "[Android Mac Web]" {
			t.Errorf("after the change, logged in are %s, want all three", got)
		}
		w.device("bob", "phone", rollcall.Android).online()
		w.device("alice", "pad", rollcall.IPad).online()
		if got := w.platforms(); got != "[iPad]" {
			t.Errorf("after the next login, logged in are %s, want [iPad]", got)
		}
		w.under(apps.Policy{Name: "custom", Groups: [][]rollcall.Platform{{rollcall.IPad, rollcall.Web}}, Instances: apps.Instances{rollcall.Web: 2}})
		for _, tab := range []string{"one", "two", "three"} {
			w.device("alice", tab, rollcall.Web).online()
		}
		w.device("alice", "phone", rollcall.Android).online()
		if got := w.platforms(); got != "[Web Web Android]" {
			t.Errorf("under the custom policy logged in are %s, want [Web Web Android]", got)
		}
		w.stop()
		w.start() // it is durable
		w.device("alice", "four", rollcall.Web).online()
		if got := w.platforms(); got != "[Web Android Web]" {
			t.Errorf("after a restart logged in are %s, want [Web Android Web]", got)
		}
	})
}
