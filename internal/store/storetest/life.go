package storetest

import (
	"fmt"
	"strings"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

func reopen(t *testing.T, open func() Engine) {
	e := open()
	together(32, func(i int) {
		a := account(fmt.Sprintf("user-%d", i%4))
		if _, err := e.Mutate(t.Context(), a, logIn(rollcall.DeviceID(fmt.Sprintf("device-%d", i)), start)); err != nil {
			t.Error(err)
		}
	})
	wantErr(t, "add app", e.AddApp(t.Context(), store.App{ID: 1, Created: start, Keys: []store.Key{key("k", "secret")}}), nil)
	wantErr(t, "set a value", e.SetValue(t.Context(), "name", []byte("value")), nil)
	all := func(e Engine) string {
		var shown strings.Builder
		value, err := e.Value(t.Context(), "name")
		fmt.Fprintf(&shown, "%s %v\n", value, err)
		fmt.Fprintf(&shown, "%+v\n", list(t, e))
		for i := range 4 {
			a := account(fmt.Sprintf("user-%d", i))
			fmt.Fprintf(&shown, "%+v\n%+v\n", state(t, e, a), history(t, e, a))
		}
		counted, err := e.Usage(t.Context(), 1, 0, 99991231)
		fmt.Fprintln(&shown, counted, err)
		return shown.String()
	}
	want := all(e)
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		e = open()
		if got := all(e); got != want {
			t.Fatalf("after a reopen there is\n%s, want\n%s", got, want)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
}

func closed(t *testing.T, e Engine) {
	ctx, a := t.Context(), account("alice")
	var waiting []<-chan error
	for range 16 {
		waiting = append(waiting, ask(ctx, e, a, next))
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	for _, done := range waiting { // each was answered, one way or the other
		if err := <-done; err != nil {
			wantErr(t, "asked while closing", err, store.ErrClosed)
		}
	}
	calls := map[string]func() error{
		"Mutate": func() error {
			_, err := e.Mutate(ctx, a, func(policy.State) policy.Outcome { panic("a rule ran on a closed store") })
			return err
		},
		"Due":         func() error { _, _, err := e.Due(ctx, start, 1); return err },
		"State":       func() error { _, err := e.State(ctx, a); return err },
		"History":     func() error { _, err := e.History(ctx, a, 0, 1); return err },
		"Usage":       func() error { _, err := e.Usage(ctx, 1, 0, 1); return err },
		"NotePeaks":   func() error { return e.NotePeaks(ctx, nil) },
		"PruneUsage":  func() error { _, err := e.PruneUsage(ctx, 1, 1, 1); return err },
		"Apps":        func() error { _, err := e.Apps(ctx); return err },
		"AddApp":      func() error { return e.AddApp(ctx, store.App{ID: 1}) },
		"SetSettings": func() error { return e.SetSettings(ctx, 1, nil) },
		"AddKey":      func() error { return e.AddKey(ctx, 1, key("k", "s")) },
		"Value":       func() error { _, err := e.Value(ctx, "name"); return err },
		"SetValue":    func() error { return e.SetValue(ctx, "name", []byte("v")) },
		"RemoveKey":   func() error { return e.RemoveKey(ctx, 1, "k") },
	}
	for name, call := range calls {
		wantErr(t, name, call(), store.ErrClosed)
	}
}
