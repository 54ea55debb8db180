package admin_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/node"
	"rollcall.example/internal/session"
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

func open(t *testing.T, dir string) *admin.Client {
	t.Helper()
	o, closing, err := admin.Open(t.Context(), dir, nil)
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
			secret, err := o.AddApp(ctx, app, "Café <&> \"quoted\"", "")
			if err != nil || len(secret) != 64 {
				t.Fatalf("add an app: %d characters, %v", len(secret), err)
			}
			k, own, err := o.AddKey(ctx, app, "an operator's own key")
			if err != nil || own != "an operator's own key" || k.ID == "" || k.Created.IsZero() {
				t.Fatalf("add a key: %+v, %q, %v", k, own, err)
			}
			all, err := o.Apps(ctx)
			if err != nil || len(all) != 1 || all[0].ID != app || all[0].Name != "Café <&> \"quoted\"" || len(all[0].Keys) != 2 {
				t.Errorf("list: %+v, %v", all, err)
			}
			if err := o.RemoveKey(ctx, app, k.ID); err != nil {
				t.Errorf("remove a key: %v", err)
			}
			for name, err := range map[string]error{
				"an app twice":      second(o.AddApp(ctx, app, "", "")),
				"a short key":       second(o.AddApp(ctx, 7, "", "short")),
				"a key removed":     o.RemoveKey(ctx, app, k.ID),
				"a key with a path": o.RemoveKey(ctx, app, "../keys/x?y#z"),
			} {
				if e, ok := errors.AsType[*imcode.Error](err); !ok || e.Code != imcode.InvalidParameters || e.Detail == "" {
					t.Errorf("%s: %v, want 70402 with a detail", name, err)
				}
			}
			set, err := o.ChangeSettings(ctx, app, apps.ChangeTo(apps.Policy{Name: "multi", Instances: apps.Instances{rollcall.Web: 10}}))
			if err != nil || set.Name != "multi" || set.Instances[rollcall.Web] != 10 || set.Instances[rollcall.Mac] != 1 || set.TimeZone != "UTC" {
				t.Errorf("change the policy: %+v, %v", set, err)
			}
			if again, err := o.Settings(ctx, app); err != nil || !reflect.DeepEqual(again, set) {
				t.Errorf("the settings: %+v, %v; want %+v", again, err, set)
			}
			for name, change := range map[string]apps.Change{
				"an unknown policy": apps.ChangeTo(apps.Policy{Name: "solo"}),
				"over the bound":    apps.ChangeTo(apps.Policy{Instances: apps.Instances{rollcall.Web: 11}}),
			} {
				if _, err := o.ChangeSettings(ctx, app, change); imcode.Of(err) != imcode.InvalidParameters {
					t.Errorf("%s: %v, want 70402", name, err)
				}
			}
			if again, err := o.Settings(ctx, app); err != nil || !reflect.DeepEqual(again, set) {
				t.Errorf("after what was refused, the settings: %+v, %v; want %+v", again, err, set)
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
	secret, err := o.AddApp(t.Context(), app, "", "")
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
	if _, err := open(t, dir).Apps(t.Context()); err != nil {
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
	if _, _, err := admin.Open(t.Context(), dir, nil); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("open a held directory: %v, want the holder named", err)
	}
}

func TestWhatTheConfigurationSaysHoldsWhileNoServerRuns(t *testing.T) {
	dir := t.TempDir()
	raised := func() (apps.Options, error) { return apps.Options{MaxWebInstances: 50}, nil }
	o, free, err := admin.Open(t.Context(), dir, raised)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := free(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := o.AddApp(t.Context(), app, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ChangeSettings(t.Context(), app, apps.ChangeTo(apps.Policy{Instances: apps.Instances{rollcall.Web: 50}})); err != nil {
		t.Errorf("50 on the Web under a bound of 50: %v", err)
	}
	broken := errors.New("the configuration has a mistake")
	if _, _, err := admin.Open(t.Context(), t.TempDir(), func() (apps.Options, error) { return apps.Options{}, broken }); !errors.Is(err, broken) {
		t.Errorf("with a mistake in the configuration: %v, want it told", err)
	}
}

func TestNoDirectoryIsNotMadeByTheWay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nowhere")
	if _, _, err := admin.Open(t.Context(), dir, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "rollcall init") {
		t.Errorf("open no directory: %v, want it to say what makes one", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was made: %v", err)
	}
}

func TestBodiesThatAreWrongAre60003AndDoNothing(t *testing.T) {
	b, _ := backend(t)
	if _, err := b.Apps.Add(t.Context(), 9, "", ""); err != nil {
		t.Fatal(err)
	}
	h := admin.Handler(b)
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
		{"POST", "/v1/apps", " null\n", 400, `70402,"detail":"the body is null: want an object"`},
		{"POST", "/v1/apps", `{"id":7,"id":8}`, 400, `70402,"detail":"\"id\" is there twice"`},
		{"POST", "/v1/apps", `{"id":7,"ID":8}`, 400, `70402,"detail":"\"ID\" is there twice"`},
		{"POST", "/v1/apps/9/keys", "null", 400, "70402"},
		{"PATCH", "/v1/apps/9/settings", "null", 400, "70402"},
		{"PATCH", "/v1/apps/9/settings", `{"policy":"multi","history_days":3,"policy":"single"}`, 400, `70402,"detail":"\"policy\" is there twice"`},
		{"PATCH", "/v1/apps/9/settings", `{"instances":{"Web":1,"Mac":1,"Web":2}}`, 400, `70402,"detail":"\"Web\" is there twice"`},
		{"PATCH", "/v1/apps/9/settings", `{"groups":[[],{"a":[{"b":1},{"b":2,"\u017f":3,"S":4}]}],"policy":"custom"}`, 400, `70402,"detail":"\"S\" is there twice"`},
		{"PATCH", "/v1/apps/9/settings", `{"time_zone":"localtime"}`, 400, `70402,"detail":"unknown time zone \"localtime\"`},
		{"POST", "/v1/apps/0/keys", `{}`, 400, "70402"},
		{"POST", "/v1/apps/x/keys", `{}`, 400, "70402"},
		{"POST", "/v1/apps/7/keys", `{}`, 404, "70020"},
		{"DELETE", "/v1/apps/7/keys/k", "", 404, "70020"},
		{"GET", "/v1/apps/x/settings", "", 400, "70402"},
		{"GET", "/v1/apps/7/settings", "", 404, "70020"},
		{"PATCH", "/v1/apps/7/settings", `{"policy":"multi"}`, 404, "70020"},
		{"PATCH", "/v1/apps/x/settings", `{"policy":"multi"}`, 400, "70402"},
		{"PATCH", "/v1/apps/9/settings", "", 400, "60003"},
		{"PATCH", "/v1/apps/9/settings", `["policy"]`, 400, "60003"},
		{"PATCH", "/v1/apps/9/settings", `{"policy":"solo"}`, 400, `70402,"detail":"unknown policy \"solo\": want one of`},
		{"PATCH", "/v1/apps/9/settings", `{"instances":{"Amiga":1}}`, 400, `70402,"detail":"unknown platform \"Amiga\": want one of`},
		{"PATCH", "/v1/apps/9/settings", `{"colour":"red"}`, 400, `70402,"detail":"unknown setting \"colour\"`},
		{"PUT", "/v1/apps/9/settings", `{"policy":"multi"}`, 405, ""},
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
	if all, err := b.Apps.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("wrong bodies left %+v, %v", all, err)
	}
	if a, err := b.Apps.App(9); err != nil || !reflect.DeepEqual(a.Settings, apps.Settings{}) {
		t.Errorf("wrong bodies left the settings %+v, %v", a.Settings, err)
	}
}

// TestACauseIsLoggedAndNotTold has a store that fails with a cause which nobody
// may read.
func TestACauseIsLoggedAndNotTold(t *testing.T) {
	var log strings.Builder
	b, s := backend(t)
	b.Log = slog.New(slog.NewTextHandler(&log, nil))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	admin.Handler(b).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/apps", strings.NewReader(`{"id":7}`)))
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "70500") || strings.Contains(w.Body.String(), "closed") {
		t.Errorf("told %d %s, want 70500 and no cause", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "store is closed") {
		t.Errorf("logged %q, want the cause", log.String())
	}
}

// backend is that of a new store.
func backend(t testing.TB) (admin.Backend, *sqlite.Store) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	a, err := apps.Load(t.Context(), s, apps.Options{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := admin.LoadToken(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	x := session.New(s, a, node.NewRoster(), session.Options{})
	return admin.Backend{Apps: a, Sessions: x, Token: token, Whole: s, Log: slog.New(slog.DiscardHandler)}, s
}
