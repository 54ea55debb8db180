package admin_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/server"
)

const app = rollcall.AppID(1400000000)

// run runs a server with its admin socket on the directory until stop.
func run(t *testing.T, dir string) (s *server.Server, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if s, err = server.New(ctx, server.Config{Dir: dir, Listener: l}); err != nil {
		t.Fatal(err)
	}
	if err := s.ListenAdmin(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func open(t *testing.T, dir string) admin.Operator {
	t.Helper()
	o, closing, err := admin.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closing(); err != nil {
			t.Error(err)
		}
	})
	return o
}

func TestAnOperatorWorksAlikeWithAServerAndWithout(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(map[bool]string{true: "running", false: "stopped"}[running], func(t *testing.T) {
			dir := t.TempDir()
			if running {
				_, stop := run(t, dir)
				defer stop()
			}
			o := open(t, dir)
			ctx := t.Context()
			secret, err := o.Add(ctx, app, "Café <&> \"quoted\"", "")
			if err != nil || len(secret) != 64 {
				t.Fatalf("add an app: %d characters, %v", len(secret), err)
			}
			k, own, err := o.AddKey(ctx, app, "an operator's own key")
			if err != nil || own != "an operator's own key" || k.ID == "" || k.Created.IsZero() {
				t.Fatalf("add a key: %+v, %q, %v", k, own, err)
			}
			all, err := o.List(ctx)
			if err != nil || len(all) != 1 || all[0].ID != app || all[0].Name != "Café <&> \"quoted\"" || len(all[0].Keys) != 2 {
				t.Errorf("list: %+v, %v", all, err)
			}
			if err := o.RemoveKey(ctx, app, k.ID); err != nil {
				t.Errorf("remove a key: %v", err)
			}
			for name, err := range map[string]error{
				"an app twice":      second(o.Add(ctx, app, "", "")),
				"a short key":       second(o.Add(ctx, 7, "", "short")),
				"a key removed":     o.RemoveKey(ctx, app, k.ID),
				"a key with a path": o.RemoveKey(ctx, app, "../keys/x?y#z"),
			} {
				if e, ok := errors.AsType[*imcode.Error](err); !ok || e.Code != imcode.InvalidParameters || e.Detail == "" {
					t.Errorf("%s: %v, want 70402 with a detail", name, err)
				}
			}
			if _, _, err := o.AddKey(ctx, 7, ""); imcode.Of(err) != imcode.AppNotFound {
				t.Errorf("a key for no app: %v, want 70020", err)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestARunningServerHasWhatItsOperatorSetAtOnce(t *testing.T) {
	dir := t.TempDir()
	s, stop := run(t, dir)
	defer stop()
	o := open(t, dir)
	secret, err := o.Add(t.Context(), app, "", "")
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Apps().App(app)
	if err != nil || !slices.Equal(a.Secrets(), []string{secret}) {
		t.Errorf("the server's app: %v, want it with the key", err)
	}
}

func TestAStoppedServersSocketDoesNotMislead(t *testing.T) {
	dir := t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: admin.Socket(dir)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close() // as after kill -9
	if _, err := open(t, dir).List(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADirectoryThatIsHeldWithoutASocketNamesItsHolder(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := admin.Open(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("open a held directory: %v, want the holder named", err)
	}
}

func TestNoDirectoryIsNotMadeByTheWay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nowhere")
	if _, _, err := admin.Open(t.Context(), dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "rollcall init") {
		t.Errorf("open no directory: %v, want it to say what makes one", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was made: %v", err)
	}
}

func TestBodiesThatAreWrongAre60003AndDoNothing(t *testing.T) {
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	a, err := apps.Load(t.Context(), s, apps.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := admin.Handler(a, slog.New(slog.DiscardHandler))
	for _, tt := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/v1/apps", "", 400, "60003"},
		{"POST", "/v1/apps", "hello", 400, "60003"},
		{"POST", "/v1/apps", "[]", 400, "60003"},
		{"POST", "/v1/apps", `{"id":"x"}`, 400, "60003"},
		{"POST", "/v1/apps", `{"id":-1}`, 400, "60003"},
		{"POST", "/v1/apps", `{"id":4294967296}`, 400, "60003"},
		{"POST", "/v1/apps", `{"id":7,"colour":"red"}`, 400, "60003"},
		{"POST", "/v1/apps", `{"id":7} trailing`, 400, "60003"},
		{"POST", "/v1/apps", `{"id":7}{"id":8}`, 400, "60003"},
		{"POST", "/v1/apps", `{"id":7,"name":"` + strings.Repeat("n", 64<<10) + `"}`, 400, "60003"},
		{"POST", "/v1/apps", `{}`, 400, "70402"},
		{"POST", "/v1/apps/0/keys", `{}`, 400, "70402"},
		{"POST", "/v1/apps/x/keys", `{}`, 400, "70402"},
		{"POST", "/v1/apps/7/keys", `{}`, 404, "70020"},
		{"DELETE", "/v1/apps/7/keys/k", "", 404, "70020"},
		{"DELETE", "/v1/apps/7", "", 404, ""},
		{"PUT", "/v1/apps", `{"id":7}`, 405, ""},
		{"GET", "/", "", 404, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), tt.method, tt.path, strings.NewReader(tt.body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Body.String(); w.Code != tt.status || !strings.Contains(got, tt.code) {
			t.Errorf("%s %s %.40s: %d %s, want %d %s", tt.method, tt.path, tt.body, w.Code, got, tt.status, tt.code)
		}
	}
	if all, err := a.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("wrong bodies left %+v, %v", all, err)
	}
}

// A broken operator fails with a cause that nobody may read.
type broken struct{ admin.Operator }

func (broken) List(context.Context) ([]apps.Info, error) {
	return nil, errors.New("open /var/lib/place: disk on fire")
}

func TestACauseIsLoggedAndNotTold(t *testing.T) {
	var log strings.Builder
	h := admin.Handler(broken{}, slog.New(slog.NewTextHandler(&log, nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/apps", http.NoBody))
	told, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusInternalServerError || !strings.Contains(string(told), "70500") || strings.Contains(string(told), "fire") {
		t.Errorf("told %d %s, want 70500 and no cause", w.Code, told)
	}
	if !strings.Contains(log.String(), "disk on fire") {
		t.Errorf("logged %q, want the cause", log.String())
	}
}
