package apps_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

const (
	app    = rollcall.AppID(1400000000)
	sample = "ThisIsADevelopmentKey-0123456789"
)

// load opens a store in a new directory and the apps in it.
func load(t testing.TB, o apps.Options) (*apps.Apps, *sqlite.Store) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return again(t, s, o), s
}

// again reads the apps of a store as a new process would.
func again(t testing.TB, s store.Apps, o apps.Options) *apps.Apps {
	t.Helper()
	a, err := apps.Load(t.Context(), s, o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func secrets(t *testing.T, a *apps.Apps) []string {
	t.Helper()
	x, err := a.App(app)
	if err != nil {
		t.Fatal(err)
	}
	return x.Secrets()
}

func TestKeysRotateInForceAtOnceAndForGood(t *testing.T) {
	a, s := load(t, apps.Options{})
	first, err := a.Add(t.Context(), app, "test", "")
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 64 {
		t.Errorf("the key that was drawn has %d characters, want 64", len(first))
	}
	k, second, err := a.AddKey(t.Context(), app, "a key of the operator's own")
	if err != nil || second != "a key of the operator's own" {
		t.Fatalf("add a key: %q, %v", second, err)
	}
	for _, x := range []*apps.Apps{a, again(t, s, apps.Options{})} {
		if got := secrets(t, x); !slices.Contains(got, first) || !slices.Contains(got, second) || len(got) != 2 {
			t.Errorf("keys %d, want both", len(got))
		}
	}
	if err := a.RemoveKey(t.Context(), app, k.ID); err != nil {
		t.Fatal(err)
	}
	for _, x := range []*apps.Apps{a, again(t, s, apps.Options{})} {
		if got := secrets(t, x); !slices.Equal(got, []string{first}) {
			t.Errorf("%d keys after the removal, want the first alone", len(got))
		}
	}
}

func TestWhatAnAppMayNotBe(t *testing.T) {
	a, _ := load(t, apps.Options{})
	ctx := t.Context()
	if _, err := a.Add(ctx, app, "test", ""); err != nil {
		t.Fatal(err)
	}
	add := func(id rollcall.AppID, name, secret string) error { _, err := a.Add(ctx, id, name, secret); return err }
	addKey := func(id rollcall.AppID, secret string) error { _, _, err := a.AddKey(ctx, id, secret); return err }
	if err := addKey(app, "the very same key"); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		err  error
		want imcode.Code
	}{
		"there already":       {add(app, "", ""), imcode.InvalidParameters},
		"number 0":            {add(0, "", ""), imcode.InvalidParameters},
		"of a long name":      {add(7, strings.Repeat("n", 65), ""), imcode.InvalidParameters},
		"of a turning name":   {add(7, "a\u202eb", ""), imcode.InvalidParameters},
		"of a name in lines":  {add(7, "a\nb", ""), imcode.InvalidParameters},
		"of no UTF-8":         {add(7, "a\xff", ""), imcode.InvalidParameters},
		"with a short key":    {add(7, "", strings.Repeat("k", 15)), imcode.InvalidParameters},
		"with a long key":     {add(7, "", strings.Repeat("k", 257)), imcode.InvalidParameters},
		"with a sample key":   {add(7, "", sample), imcode.InvalidParameters},
		"with a key twice":    {addKey(app, "the very same key"), imcode.InvalidParameters},
		"not there":           {addKey(7, ""), imcode.AppNotFound},
		"without such a key":  {a.RemoveKey(ctx, app, "k0"), imcode.InvalidParameters},
		"not there, and keys": {a.RemoveKey(ctx, 7, "k0"), imcode.AppNotFound},
		"in no zone":          {a.SetSettings(ctx, app, apps.Settings{TimeZone: "Mars/Olympus"}), imcode.InvalidParameters},
		"not there to set":    {a.SetSettings(ctx, 7, apps.Settings{}), imcode.AppNotFound},
	} {
		if got := imcode.Of(tt.err); got != tt.want {
			t.Errorf("an app %s: %v, want %d", name, tt.err, tt.want)
		}
		if _, coded := errors.AsType[*imcode.Error](tt.err); !coded {
			t.Errorf("an app %s: %v carries no detail", name, tt.err)
		}
		if tt.err != nil && (strings.Contains(tt.err.Error(), sample) || strings.Contains(tt.err.Error(), "kkk") || strings.Contains(tt.err.Error(), "very same")) {
			t.Errorf("an app %s: the error repeats the key: %v", name, tt.err)
		}
	}
	if _, err := a.App(7); imcode.Of(err) != imcode.AppNotFound {
		t.Errorf("a refused app is there: %v", err)
	}
	for i := range apps.MaxKeys - 2 {
		if err := addKey(app, ""); err != nil {
			t.Fatalf("key %d: %v", i+3, err)
		}
	}
	if err := addKey(app, ""); imcode.Of(err) != imcode.InvalidParameters {
		t.Errorf("key %d: %v, want 70402", apps.MaxKeys+1, err)
	}
}

func TestASampleKeyThatIsStoredIsNotUsedOutsideDevelopment(t *testing.T) {
	dev, s := load(t, apps.Options{SampleKeys: true})
	if _, err := dev.Add(t.Context(), app, "", sample); err != nil {
		t.Fatal(err)
	}
	if got := secrets(t, dev); !slices.Equal(got, []string{sample}) {
		t.Errorf("in development there are %d keys, want the sample", len(got))
	}
	earnest := again(t, s, apps.Options{})
	if got := secrets(t, earnest); len(got) != 0 {
		t.Error("a sample key is used outside development")
	}
	x, err := earnest.App(app)
	if err != nil {
		t.Fatal(err)
	}
	if got := x.Keys(); len(got) != 1 {
		t.Errorf("%d keys are shown, want the sample too, to be removed", len(got))
	}
}

func TestSettingsBecomeRulesForTheNextLogin(t *testing.T) {
	a, s := load(t, apps.Options{})
	if _, err := a.Add(t.Context(), app, "", ""); err != nil {
		t.Fatal(err)
	}
	set := apps.Settings{
		TimeZone: "Asia/Shanghai", Platforms: []rollcall.Platform{rollcall.Android, rollcall.Web},
		TellKickedOnReconnect: true, TellKickedOnLogin: true, RESTKickAsKick: true,
	}
	if err := a.SetSettings(t.Context(), app, set); err != nil {
		t.Fatal(err)
	}
	for _, from := range []*apps.Apps{a, again(t, s, apps.Options{})} {
		x, err := from.App(app)
		if err != nil {
			t.Fatal(err)
		}
		r := x.Rules
		if !r.TellKickedOnReconnect || !r.TellKickedOnLogin || !r.RESTKickAsKick || r.Zone.String() != "Asia/Shanghai" {
			t.Errorf("the rules are %+v", r)
		}
		for p := range policy.NumPlatforms {
			platform := rollcall.Platform(p)
			if admitted := platform == rollcall.Android || platform == rollcall.Web; r.Refused[p] == admitted {
				t.Errorf("%s is refused: %v", platform, r.Refused[p])
			}
		}
	}
}

// TestATimeZoneThatIsGoneStopsNobody: the store came from a machine that knew it.
func TestATimeZoneThatIsGoneStopsNobody(t *testing.T) {
	first, s := load(t, apps.Options{})
	if _, err := first.Add(t.Context(), app, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.SetSettings(t.Context(), app, []byte(`{"time_zone":"Mars/Olympus","policy":"single"}`)); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	a := again(t, s, apps.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	x, err := a.App(app)
	if err != nil || !x.NoZone || x.Rules.Zone != time.UTC || x.Rules.Group != policy.Single().Group {
		t.Fatalf("the app is %+v, %v", x, err)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "time_zone=Mars/Olympus") {
		t.Errorf("the log says %q", log.String())
	}
	if set, err := a.ChangeSettings(t.Context(), app, apps.Change{"history_days": []byte("7")}); err != nil || set.TimeZone != "Mars/Olympus" {
		t.Errorf("another setting is changed: %+v, %v", set, err)
	}
	if all, err := a.List(t.Context()); err != nil || !all[0].NoZone {
		t.Errorf("listed as %+v, %v", all, err)
	}
	if _, err := a.ChangeSettings(t.Context(), app, apps.Change{"time_zone": []byte(`"Mars/Olympus"`)}); imcode.Of(err) != imcode.InvalidParameters {
		t.Errorf("set anew: %v, want 70402", err)
	}
	if _, err := a.ChangeSettings(t.Context(), app, apps.Change{"time_zone": []byte(`"Asia/Shanghai"`)}); err != nil {
		t.Error(err)
	}
	if x, err = a.App(app); err != nil || x.NoZone || x.Rules.Zone.String() != "Asia/Shanghai" {
		t.Errorf("in a zone that is known the app is %+v, %v", x, err)
	}
}

func TestWhatANewerServerWroteIsPassedOver(t *testing.T) {
	got, err := apps.ParseSettings([]byte(`{"tell_kicked_on_login":true,"moods":["good"]}`))
	if err != nil || fmt.Sprint(got) != fmt.Sprint(apps.Settings{TellKickedOnLogin: true}) {
		t.Errorf("read as %+v, %v", got, err)
	}
	if got, err := apps.ParseSettings(nil); err != nil || fmt.Sprint(got) != fmt.Sprint(apps.Settings{}) {
		t.Errorf("no settings read as %+v, %v", got, err)
	}
	if _, err := apps.ParseSettings([]byte(`{"time_zone":7}`)); err == nil {
		t.Error("a time zone that is a number was read")
	}
}
