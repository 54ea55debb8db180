package store_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"rollcall.example/internal/store"
)

func TestSecretsStayOut(t *testing.T) {
	const secret = "a-secret-that-nobody-may-read"
	k := store.Key{ID: "k1", Secret: secret}
	a := store.App{ID: 7, Name: "shop", Settings: []byte(secret), Keys: []store.Key{k}}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&shown, verb+verb, k, &k)
	}
	for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
		fmt.Fprintf(&shown, verb+verb+verb, a, &a, []store.App{a})
	}
	fmt.Fprintf(&shown, "%#v", []store.Key{k})
	text, err := json.Marshal([]any{a.Keys})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(text)
	for _, h := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		slog.New(h).Info("made", "key", k, "app", a, "keys", a.Keys)
	}
	if strings.Contains(shown.String(), secret) {
		t.Errorf("a secret was shown:\n%s", &shown)
	}
	if !strings.Contains(shown.String(), "k1") || !strings.Contains(shown.String(), "app 7 (shop)") {
		t.Errorf("names were not shown:\n%s", &shown)
	}
}
