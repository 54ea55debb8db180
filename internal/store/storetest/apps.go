package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
)

func key(id, secret string) store.Key {
	return store.Key{ID: id, Secret: secret, Created: start}
}

// list reads the apps.
func list(t *testing.T, e Engine) []store.App {
	t.Helper()
	all, err := e.Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantErr holds a call to the error that it is to return; nil: none.
func wantErr(t *testing.T, doing string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", doing, got, want)
	}
}

func apps(t *testing.T, e Engine) {
	want := []store.App{
		{ID: 3, Name: "plain", Created: start},
		{ID: 1400000001, Name: "Größe <1>", Created: start.Add(time.Millisecond), Disabled: true, Settings: []byte(`{"a": 1}`)},
		{ID: 1<<32 - 1, Name: "last", Created: start, Keys: []store.Key{key("k1", "one"), key("k2", "\x00\xff two")}},
	}
	for _, i := range []int{2, 0, 1} {
		wantErr(t, "add", e.AddApp(t.Context(), want[i]), nil)
	}
	wantErr(t, "add again", e.AddApp(t.Context(), store.App{ID: 3, Name: "other"}), store.ErrExists)
	same := func(a, b store.App) bool {
		return a.ID == b.ID && a.Name == b.Name && a.Created.Equal(b.Created) && a.Disabled == b.Disabled &&
			(a.Settings == nil) == (b.Settings == nil) && string(a.Settings) == string(b.Settings) && slices.Equal(a.Keys, b.Keys)
	}
	if got := list(t, e); !slices.EqualFunc(got, want, same) {
		t.Errorf("apps read back as %+v, want %+v", got, want)
	}
	wantErr(t, "set", e.SetSettings(t.Context(), 3, []byte(`{}`)), nil)
	wantErr(t, "set of nobody", e.SetSettings(t.Context(), 4, []byte(`{}`)), store.ErrNotFound)
	wantErr(t, "disable", e.SetAppDisabled(t.Context(), 3, true), nil)
	wantErr(t, "disable again", e.SetAppDisabled(t.Context(), 3, true), nil)
	wantErr(t, "enable", e.SetAppDisabled(t.Context(), 1400000001, false), nil)
	wantErr(t, "disable nobody", e.SetAppDisabled(t.Context(), 4, true), store.ErrNotFound)
	want[0].Settings, want[0].Disabled, want[1].Disabled = []byte(`{}`), true, false
	if got := list(t, e); !slices.EqualFunc(got, want, same) {
		t.Errorf("changed the apps read %+v, want %+v", got, want)
	}
}

func keys(t *testing.T, e Engine) {
	ctx := t.Context()
	const secret = "a-secret-that-nobody-may-read"
	for _, id := range []rollcall.AppID{1, 2} {
		wantErr(t, "add app", e.AddApp(ctx, store.App{ID: id, Created: start}), nil)
	}
	wantErr(t, "first key", e.AddKey(ctx, 1, key("k1", secret)), nil)
	wantErr(t, "second key", e.AddKey(ctx, 1, key("k2", "two")), nil)
	wantErr(t, "the same in another app", e.AddKey(ctx, 2, key("k1", secret)), nil)
	for doing, err := range map[string]error{
		"the same id":    e.AddKey(ctx, 1, key("k1", "three")),
		"the same bytes": e.AddKey(ctx, 1, key("k3", secret)),
	} {
		wantErr(t, doing, err, store.ErrExists)
		if strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("%s: the error shows the secret: %v", doing, err)
		}
	}
	wantErr(t, "a key of no app", e.AddKey(ctx, 3, key("k1", "one")), store.ErrNotFound)
	wantErr(t, "remove", e.RemoveKey(ctx, 1, "k1"), nil)
	wantErr(t, "remove again", e.RemoveKey(ctx, 1, "k1"), store.ErrNotFound)
	wantErr(t, "remove of no app", e.RemoveKey(ctx, 3, "k1"), store.ErrNotFound)
	got := list(t, e)
	if len(got) != 2 || !slices.Equal(got[0].Keys, []store.Key{key("k2", "two")}) || !slices.Equal(got[1].Keys, []store.Key{key("k1", secret)}) {
		t.Errorf("after the rotation the apps have %v", got)
	}
	if shown := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(shown, secret) {
		t.Errorf("printed apps show a secret: %s", shown)
	}
}

func wholeApp(t *testing.T, e Engine) {
	twice := store.App{ID: 1, Created: start, Keys: []store.Key{key("k1", "one"), key("k1", "two")}}
	together(8, func(i int) {
		if i%2 == 0 {
			wantErr(t, "an app with one key twice", e.AddApp(t.Context(), twice), store.ErrExists)
			return
		}
		if _, err := e.Mutate(t.Context(), account("alice"), next); err != nil {
			t.Errorf("a neighbour failed: %v", err)
		}
	})
	if got := list(t, e); len(got) != 0 {
		t.Errorf("half an app was added: %v", got)
	}
	if got := state(t, e, account("alice")).Counter; got != 4 {
		t.Errorf("%d of 4 neighbours are kept", got)
	}
}
