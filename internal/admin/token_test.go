package admin_test

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/store"
	"rollcall.example/server"
)

// ask asks a guarded API for the apps, or to add one, with these headers.
func ask(t *testing.T, h http.Handler, method, body string, authorization ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/v1/apps", strings.NewReader(body))
	for _, a := range authorization {
		r.Header.Add("Authorization", a)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestWithoutTheTokenNothingIsReached(t *testing.T) {
	b, s := backend(t)
	h := admin.Guard(b.Token, admin.Handler(b))
	if w := ask(t, h, "GET", "", "Bearer "+strings.Repeat("0", 64)); w.Code != http.StatusUnauthorized {
		t.Errorf("before there is a token, some token gets %d, want 401", w.Code)
	}
	token, err := b.Token.Renew(t.Context())
	if err != nil || len(token) != 64 {
		t.Fatalf("a token of %d characters, %v", len(token), err)
	}
	for name, headers := range map[string][]string{
		"no header":             nil,
		"an empty header":       {""},
		"no token":              {"Bearer "},
		"another scheme":        {"Basic " + token},
		"the token alone":       {token},
		"a wrong token":         {"Bearer " + strings.Repeat("0", 64)},
		"the beginning":         {"Bearer " + token[:63]},
		"more than the token":   {"Bearer " + token + "0"},
		"another case":          {"Bearer " + strings.ToUpper(token)},
		"two headers":           {"Bearer " + token, "Bearer " + token},
		"the hash in its place": {"Bearer " + stored(t, s)},
	} {
		w := ask(t, h, "POST", `{"id":7}`, headers...)
		got := w.Body.String()
		if w.Code != http.StatusUnauthorized || !strings.Contains(got, `{"code":70403,"detail":"`) || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %s, want 401 and 70403", name, w.Code, got)
		}
		if strings.Contains(got, token[:16]) {
			t.Errorf("%s: the answer repeats the token", name)
		}
	}
	if all, err := b.Apps.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("without the token there came to be %+v, %v", all, err)
	}
	for _, header := range []string{"Bearer " + token, "bearer  " + token} {
		if w := ask(t, h, "GET", "", header); w.Code != http.StatusOK {
			t.Errorf("with the token: %d %s", w.Code, w.Body)
		}
	}
}

// stored is what the store has of the token.
func stored(t *testing.T, s store.Values) string {
	t.Helper()
	hash, err := s.Value(t.Context(), "operators_sha256")
	if err != nil || len(hash) != 32 {
		t.Fatalf("stored are %d bytes, %v; want a SHA-256", len(hash), err)
	}
	return hex.EncodeToString(hash)
}

// A journal is a log that several write at once.
type journal struct {
	mu sync.Mutex
	b  strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// runOnTCP runs a server whose admin address asks for the token.
func runOnTCP(t *testing.T, dir string, log *slog.Logger) (address string, stop func()) {
	t.Helper()
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	ctx, cancel := context.WithCancel(context.Background())
	door := listen()
	s, err := server.New(ctx, server.Config{Dir: dir, Listener: listen(), AdminTCP: door, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ListenAdmin(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return "http://" + door.Addr().String(), func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func remote(t *testing.T, address, token string) *admin.Client {
	t.Helper()
	c, err := admin.Remote(address, token)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestATokenIsInForceAtOnceAndTheOneBeforeWorthless(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	renew := func(c *admin.Client) string {
		t.Helper()
		token, err := c.RenewToken(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	stopped, free, err := admin.Open(ctx, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	tokens := []string{renew(stopped), renew(stopped)}
	if err := free(); err != nil {
		t.Fatal(err)
	}
	address, stop := runOnTCP(t, dir, nil)
	good := func(token string) {
		t.Helper()
		if _, err := remote(t, address, token).Apps(ctx); err != nil {
			t.Errorf("the newest token: %v", err)
		}
		for i, old := range append(tokens, "") {
			if old == token {
				continue
			}
			if _, err := remote(t, address, old).Apps(ctx); imcode.Of(err) != imcode.AdminRequired {
				t.Errorf("token %d: %v, want 70403", i, err)
			}
		}
	}
	good(tokens[1])
	tokens = append(tokens, renew(open(t, dir))) // through the running server
	good(tokens[2])
	tokens = append(tokens, renew(remote(t, address, tokens[2]))) // by itself
	good(tokens[3])
	if _, err := remote(t, address, tokens[3]).AddApp(ctx, app, "", ""); err != nil {
		t.Errorf("add an app with the token: %v", err)
	}
	stop()
	address, stop = runOnTCP(t, dir, nil)
	defer stop()
	good(tokens[3])
}

func TestTheTokenIsNowhere(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	var log journal
	address, stop := runOnTCP(t, dir, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	token, err := open(t, dir).RenewToken(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remote(t, address, token).AddApp(ctx, app, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := remote(t, address, token[1:]).AddApp(ctx, 7, "", ""); err == nil || strings.Contains(err.Error(), token[1:20]) {
		t.Errorf("with a wrong token: %v, want an error without it", err)
	}
	stop()
	if strings.Contains(log.String(), token[1:20]) {
		t.Errorf("the log has the token: %s", log.String())
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if b, err := os.ReadFile(file); err != nil || strings.Contains(string(b), token) {
			t.Errorf("%s has the token, or cannot be read: %v", file, err)
		}
	}
}

func TestWhereTheTokenIsNotSent(t *testing.T) {
	const token = "the-token"
	for address, want := range map[string]string{
		"http://127.0.0.1:7402":          "",
		"http://127.0.0.1:7402/":         "",
		"http://[::1]:7402":              "",
		"http://localhost:7402":          "",
		"https://rollcall.example":       "",
		"http://rollcall.example:7402":   "rollcall.example:7402 is another machine: the token would go there in plain text; want https",
		"http://10.0.0.1:7402":           "is another machine",
		"http://127.0.0.1.evil.example":  "is another machine",
		"http://localhost.evil.example":  "is another machine",
		"127.0.0.1:7402":                 "want it as http://127.0.0.1:7402",
		"unix:///run/admin.sock":         "want it as http://127.0.0.1:7402",
		"http://":                        "want it as http://127.0.0.1:7402",
		"http://me:secret@127.0.0.1":     "want it as http://127.0.0.1:7402",
		"https://rollcall.example/admin": "want it as http://127.0.0.1:7402",
		"https://rollcall.example?t=1":   "want it as http://127.0.0.1:7402",
		"http://%zz":                     "want it as http://127.0.0.1:7402",
	} {
		_, err := admin.Remote(address, token)
		if (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret")) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

func TestAServerThatSendsTheClientElsewhereDoesNotGetItThere(t *testing.T) {
	var asked []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	first := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer first.Close()
	_, err := remote(t, first.URL, "the-token").Apps(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is not the admin address of a Rollcall server (HTTP 307)") || len(asked) > 0 {
		t.Errorf("got %v, and %d requests went elsewhere", err, len(asked))
	}
}
