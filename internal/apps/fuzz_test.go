package apps_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
)

// FuzzParseSettings reads arbitrary documents as the store's. What is understood
// is understood again as it was.
func FuzzParseSettings(f *testing.F) {
	for _, s := range []string{
		`{}`, `null`, `{"policy":"custom","groups":[["Web"],["Android","iPhone"]],"instances":{"Web":3}}`,
		`{"time_zone":"Asia/Shanghai","platforms":["Web"],"history_days":90}`, `{"tell_kicked_on_login":true,"later":[1]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		set, err := apps.ParseSettings(document)
		if err != nil {
			return
		}
		full := set.Effective()
		b, err := json.Marshal(full)
		if err != nil {
			t.Fatalf("%+v cannot be stored: %v", full, err)
		}
		again, err := apps.ParseSettings(b)
		if err != nil || !reflect.DeepEqual(again.Effective(), full) {
			t.Fatalf("stored as %s, read as %+v, %v", b, again, err)
		}
	})
}

// FuzzChange sets arbitrary settings of an app: as one JSON document, as the
// operators' API takes it, and as people write one. What is refused is 70402 and
// changes nothing; what is taken is in force.
func FuzzChange(f *testing.F) {
	for _, s := range []string{
		`{"policy":"single"}`, `{"policy":"custom","groups":[["Web","Mac"]]}`, `{"instances":{"Web":11}}`, `{"platforms":["web"]}`,
		`{"time_zone":"localtime"}`, `{"history_days":0}`, `{"history_days":null}`, `{"tell_kicked_on_login":1}`,
	} {
		f.Add(s, "history_days=90")
	}
	f.Add(`{}`, "platforms=Web,Android")
	f.Add(`{}`, "time_zone=Europe/Berlin")
	a, _ := load(f, apps.Options{})
	if _, err := a.Add(f.Context(), app, "", ""); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document, written string) {
		var c apps.Change
		if json.Unmarshal([]byte(document), &c) == nil {
			try(t, a, c)
		}
		c = apps.Change{}
		if err := c.Parse(written); err == nil {
			try(t, a, c)
		} else if imcode.Of(err) != imcode.InvalidParameters {
			t.Fatalf("%q: %v, want 70402", written, err)
		}
	})
}

func try(t *testing.T, a *apps.Apps, c apps.Change) {
	t.Helper()
	before, err := a.App(app)
	if err != nil {
		t.Fatal(err)
	}
	rules, wrong := a.RulesWith(app, c)
	set, err := a.ChangeSettings(t.Context(), app, c)
	after, _ := a.App(app)
	switch {
	case (err == nil) != (wrong == nil):
		t.Fatalf("%s: a preview says %v, the change %v", c, wrong, err)
	case err != nil && imcode.Of(err) != imcode.InvalidParameters:
		t.Fatalf("%s: %v, want 70402", c, err)
	case err != nil && !reflect.DeepEqual(before, after):
		t.Fatalf("%s was refused and changed %+v to %+v", c, before, after)
	case err == nil && (!reflect.DeepEqual(rules, after.Rules) || !reflect.DeepEqual(set, after.Settings)):
		t.Fatalf("%s: %+v is not what is in force: %+v", c, rules, after.Rules)
	}
	for p := range rollcall.Platform(len(after.Rules.Limit)) {
		if n := after.Rules.Limit[p]; n < 1 || n > 10 {
			t.Fatalf("%s leaves a limit of %d on %s", c, n, p)
		}
	}
}
