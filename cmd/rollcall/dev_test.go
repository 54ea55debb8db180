package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// answerOf is what a server's clients' address answers a page with: a GET, or a POST of
// its own origin.
func answerOf(t *testing.T, method, address, body string) (status int, text string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "http://"+r.Host)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	a, err := c.Do(r)
	if err != nil {
		return 0, err.Error(), nil
	}
	defer a.Body.Close()
	all, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(all), a.Header
}

// TestTheDemoIsDevsAlone: nobody signs UserSigs for who asks on a server that is for
// real.
func TestTheDemoIsDevsAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	command(t, "init", "--dir", dir)
	address := freeAddress(t)
	rollcallProcess(t, "serve", "--dir", dir, "--listen", address, "--ops=", "--admin=").must(t, `^ready:`)
	for _, act := range []string{"usersig", "state", "kick", "revoke", "policy", "apply", "key", "phone", "restart"} {
		if status, text, _ := answerOf(t, http.MethodPost, "http://"+address+"/dev/"+act, `{"user":"alice"}`); status != http.StatusNotFound {
			t.Errorf("serve answers /dev/%s with %d %q, want 404", act, status, text)
		}
	}
	for _, page := range []string{"/", "/playground"} {
		if status, text, _ := answerOf(t, http.MethodGet, "http://"+address+page, ""); status != http.StatusNotFound {
			t.Errorf("serve answers %s with %d %q, want 404", page, status, text)
		}
	}
	if status, text, _ := answerOf(t, http.MethodGet, "http://"+address+"/healthz", ""); status != http.StatusOK || text != "ok\n" {
		t.Errorf("serve answers /healthz with %d %q", status, text)
	}
}

// TestTheDemoStartsItsServerAgain: at the same address, with what it had, and on the
// same page.
func TestTheDemoStartsItsServerAgain(t *testing.T) {
	dev := rollcallProcess(t, "dev", "--listen", "127.0.0.1:0", "--ops=", "--admin=", "--json")
	var printed trial
	if err := json.Unmarshal([]byte(dev.must(t, `^{.*}$`)[0]), &printed); err != nil {
		t.Fatal(err)
	}
	status, page, header := answerOf(t, http.MethodGet, printed.Demo, "")
	if status != http.StatusOK || !strings.Contains(page, "<title>Rollcall demo</title>") || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatalf("%s: %d %q, %v", printed.Demo, status, page, header)
	}
	type keys struct {
		Keys []string `json:"keys"`
	}
	state := func() (s keys) {
		t.Helper()
		for end := time.Now().Add(patience); ; {
			status, text, _ := answerOf(t, http.MethodPost, printed.Demo+"dev/state", `{}`)
			if status == http.StatusOK {
				if err := json.Unmarshal([]byte(text), &s); err != nil {
					t.Fatal(err)
				}
				return s
			}
			if time.Now().After(end) {
				t.Fatalf("the state is not told: %d %s", status, text)
			}
		}
	}
	before := state()
	for range 3 {
		if status, text, _ := answerOf(t, http.MethodPost, printed.Demo+"dev/restart", `{}`); status != http.StatusOK {
			t.Fatalf("restart: %d %s", status, text)
		}
		if after := state(); len(after.Keys) != 1 || after.Keys[0] != before.Keys[0] {
			t.Errorf("keys %v after a restart, %v before", after.Keys, before.Keys)
		}
	}
	if status, text, _ := answerOf(t, http.MethodPost, printed.Demo+"dev/usersig", `{"user":"alice"}`); status != http.StatusOK {
		t.Errorf("a UserSig after restarts: %d %s", status, text)
	}
}

func TestTheDemosAddressIsOneOfThisMachine(t *testing.T) {
	for clients, want := range map[string]string{
		"ws://127.0.0.1:7400": "http://127.0.0.1:7400/",
		"ws://[::1]:7400":     "http://[::1]:7400/",
		"ws://0.0.0.0:80":     "http://127.0.0.1:80/",
		"ws://[::]:7400":      "http://127.0.0.1:7400/",
	} {
		if got := pageOf(clients); got != want {
			t.Errorf("clients connect at %s: the demo is at %s, want %s", clients, got, want)
		}
	}
}
