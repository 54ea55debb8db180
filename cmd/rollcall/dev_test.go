package main

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall.example/wire"
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
	address := lasting(t)
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
	// answered asks until there is a server that answers: one may be about to end.
	answered := func(act, body string) string {
		t.Helper()
		for end := time.Now().Add(patience); ; {
			status, text, _ := answerOf(t, http.MethodPost, printed.Demo+"dev/"+act, body)
			if status == http.StatusOK {
				return text
			}
			if time.Now().After(end) {
				t.Fatalf("%s is not answered: %d %s", act, status, text)
			}
		}
	}
	state := func() (s keys) {
		t.Helper()
		if err := json.Unmarshal([]byte(answered("state", `{}`)), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := state()
	for range 3 {
		answered("restart", `{}`)
		if after := state(); len(after.Keys) != 1 || after.Keys[0] != before.Keys[0] {
			t.Errorf("keys %v after a restart, %v before", after.Keys, before.Keys)
		}
	}
	if sig := answered("usersig", `{"user":"alice"}`); !strings.Contains(sig, `"userSig":"eJ`) {
		t.Errorf("a UserSig after restarts: %s", sig)
	}
}

// TestDevLetsPagesOfOnesOwnIn: those that a flag names, or the environment. What it does
// not go by, it says.
func TestDevLetsPagesOfOnesOwnIn(t *testing.T) {
	for _, tt := range []struct {
		name     string
		env      []string
		args     []string
		admitted []string
		refused  string
	}{
		{"nothing said", nil, nil, nil, "http://localhost:5173"},
		{"flags", nil, []string{"--origin", "http://localhost:5173", "--origin=https://app.example"}, []string{"http://localhost:5173", "https://app.example"}, "http://localhost:5174"},
		{"the environment", []string{"ROLLCALL_WEB_ORIGINS=http://localhost:5173, https://app.example"}, nil, []string{"http://localhost:5173", "https://app.example"}, "http://localhost:5174"},
		{"flags over the environment", []string{"ROLLCALL_WEB_ORIGINS=http://localhost:5174"}, []string{"--origin", "http://localhost:5173"}, []string{"http://localhost:5173"}, "http://localhost:5174"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"dev", "--listen", "127.0.0.1:0", "--ops=", "--admin=", "--json"}, tt.args...)
			dev := rollcallWith(t, tt.env, args...)
			address := dev.must(t, `"clients":"ws://([^"]+)"`)[1]
			for _, origin := range tt.admitted {
				if status := shake(t, address, origin); status != http.StatusSwitchingProtocols {
					t.Errorf("%s is answered with %d", origin, status)
				}
			}
			if status := shake(t, address, tt.refused); status != http.StatusForbidden {
				t.Errorf("%s is answered with %d", tt.refused, status)
			}
			dev.must(t, `level=WARN .*\[web\] origins \(ROLLCALL_WEB_ORIGINS\)".* origin=`+regexp.QuoteMeta(tt.refused)+` `)
		})
	}
	dev := rollcallWith(t, []string{"ROLLCALL_LISTEN_CLIENTS=127.0.0.1:1", "ROLLCALL_DIR=there", "ROLLCALL_TIMEOUTS_LOGIN=5s"},
		"dev", "--listen", "127.0.0.1:0", "--ops=", "--admin=", "--json")
	dev.must(t, "^ROLLCALL_DIR says nothing to `rollcall dev`: see its flags$")
	dev.must(t, "^ROLLCALL_LISTEN_CLIENTS says nothing to `rollcall dev`")
	dev.must(t, `^{"demo":`)
	if strings.Contains(dev.output(), "TIMEOUTS") {
		t.Errorf("dev goes by its time-outs, and says\n%s", dev.output())
	}
}

// shake asks for a WebSocket as a page of that origin does, and returns the status.
func shake(t *testing.T, address, origin string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+wire.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Origin": {origin}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}, "Sec-Websocket-Protocol": {string(wire.JSON)},
	}
	transport := &http.Transport{DisableKeepAlives: true}
	c := http.Client{Transport: transport, Timeout: patience}
	a, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return a.StatusCode
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

// TestDevPrintsTheKeyThatAPageHasMade: what was printed before lets nobody in any more.
func TestDevPrintsTheKeyThatAPageHasMade(t *testing.T) {
	rotate := func(demo string) {
		t.Helper()
		if status, text, _ := answerOf(t, http.MethodPost, demo+"dev/key", `{}`); status != http.StatusOK {
			t.Fatalf("a new key: %d %s", status, text)
		}
	}
	dev := rollcallProcess(t, "dev", "--listen", "127.0.0.1:0", "--ops=", "--admin=", "--json")
	var first, second trial
	if err := json.Unmarshal([]byte(dev.must(t, `^{.*}$`)[0]), &first); err != nil {
		t.Fatal(err)
	}
	rotate(first.Demo)
	if err := json.Unmarshal([]byte(dev.must(t, `^{.*}$`)[0]), &second); err != nil {
		t.Fatal(err)
	}
	if second.Key == first.Key || second.Demo != first.Demo || second.Tickets["alice"] == first.Tickets["alice"] {
		t.Errorf("printed after the rotation: app %d, tickets of %d", second.App, len(second.Tickets))
	}
	in := rollcallWith(t, []string{"ROLLCALL_USERSIG=" + second.Tickets["alice"]}, "login", "--server", second.Clients, "--app", "1400000000", "--user", "alice")
	in.must(t, `logged in`)

	dev = rollcallProcess(t, "dev", "--listen", "127.0.0.1:0", "--ops=", "--admin=")
	demo := dev.must(t, `^ +demo +(\S+)`)[1]
	before := dev.must(t, `^ +key +(\S+)$`)[1]
	rotate(demo)
	dev.must(t, `^The demo gave the app another key: what stands above lets nobody in any more\.`)
	if after := dev.must(t, `^ +key +(\S+)$`)[1]; after == before {
		t.Error("the key that is printed after a rotation is the one before it")
	}
}
