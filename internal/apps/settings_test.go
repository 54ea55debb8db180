package apps_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
)

// change is a Change as its author writes it.
func change(t *testing.T, document string) apps.Change {
	t.Helper()
	var c apps.Change
	if err := json.Unmarshal([]byte(document), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// settings are those of the app, with their defaults, as JSON.
func settings(t *testing.T, a *apps.Apps) string {
	t.Helper()
	x, err := a.App(app)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(x.Settings.Effective())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const defaults = `{"policy":"dual","groups":[],` +
	`"instances":{"Android":1,"HarmonyOS":1,"Linux":1,"Mac":1,"Other":1,"Web":1,"Windows":1,"iPad":1,"iPhone":1},"time_zone":"UTC",` +
	`"platforms":["Other","Android","iPhone","iPad","Windows","Mac","Linux","Web","HarmonyOS"],` +
	`"tell_kicked_on_reconnect":false,"tell_kicked_on_login":false,"rest_kick_as_kick":false,"history_days":180,"message_days":7,"recall_seconds":120}`

// withApp has one app that has set nothing.
func withApp(t *testing.T, o apps.Options) (*apps.Apps, func(apps.Options) *apps.Apps) {
	t.Helper()
	a, s := load(t, o)
	if _, err := a.Add(t.Context(), app, "", ""); err != nil {
		t.Fatal(err)
	}
	return a, func(o apps.Options) *apps.Apps { return again(t, s, o) }
}

func TestEachPolicyGroupsThePlatforms(t *testing.T) {
	a, restart := withApp(t, apps.Options{})
	for _, tt := range []struct{ name, change, groups, limits string }{
		{"never set: dual", `{}`, fmt.Sprint(policy.Dual().Groups()), "[1 1 1 1 1 1 1 1 1]"},
		{"single", `{"policy":"single"}`, fmt.Sprint(policy.Single().Groups()), "[1 1 1 1 1 1 1 1 1]"},
		{"triple", `{"policy":"triple"}`, fmt.Sprint(policy.Triple().Groups()), "[1 1 1 1 1 1 1 1 1]"},
		{"multi", `{"policy":"multi"}`, fmt.Sprint(policy.Multi().Groups()), "[1 1 1 1 1 1 1 1 1]"},
		{"numbers, any case", `{"instances":{"web":10,"ANDROID":3}}`, fmt.Sprint(policy.Multi().Groups()), "[1 3 1 1 1 1 1 10 1]"},
		{"custom", `{"policy":"custom","groups":[["Web","iPad"],["Mac"]]}`,
			"[[Other] [Android] [iPhone] [iPad Web] [Windows] [Mac] [Linux] [HarmonyOS]]", "[1 3 1 1 1 1 1 10 1]"},
		{"numbers replaced whole", `{"instances":{"Mac":2}}`,
			"[[Other] [Android] [iPhone] [iPad Web] [Windows] [Mac] [Linux] [HarmonyOS]]", "[1 1 1 1 1 2 1 1 1]"},
		{"back to dual by its name", `{"policy":"dual","groups":[]}`, fmt.Sprint(policy.Dual().Groups()), "[1 1 1 1 1 2 1 1 1]"},
		{"back to the default", `{"policy":null,"groups":null,"instances":null}`, fmt.Sprint(policy.Dual().Groups()), "[1 1 1 1 1 1 1 1 1]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			would, err := a.RulesWith(app, change(t, tt.change))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := a.ChangeSettings(t.Context(), app, change(t, tt.change)); err != nil {
				t.Fatal(err)
			}
			for _, from := range []*apps.Apps{a, restart(apps.Options{})} {
				x, err := from.App(app)
				if err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprint(x.Rules.Groups()); got != tt.groups {
					t.Errorf("the groups are %s, want %s", got, tt.groups)
				}
				if got := fmt.Sprint(x.Rules.Limit); got != tt.limits {
					t.Errorf("the limits are %s, want %s", got, tt.limits)
				}
				if !reflect.DeepEqual(x.Rules, would) {
					t.Errorf("the rules are %+v, foretold as %+v", x.Rules, would)
				}
			}
		})
	}
	if got := settings(t, a); got != defaults {
		t.Errorf("with all reset the settings are\n%s, want\n%s", got, defaults)
	}
}

func TestWhatASettingCannotBe(t *testing.T) {
	a, _ := withApp(t, apps.Options{})
	for _, tt := range []struct{ name, change, want string }{
		{"an unknown policy", `{"policy":"solo"}`, `unknown policy "solo": want one of single, dual, triple, multi, custom`},
		{"an unknown platform in a group", `{"policy":"custom","groups":[["Amiga"]]}`, `unknown platform "Amiga": want one of Other, Android, iPhone,`},
		{"an unknown platform with a number", `{"instances":{"Amiga":1}}`, `unknown platform "Amiga": want one of Other,`},
		{"an unknown platform to admit", `{"platforms":["Amiga"]}`, `unknown platform "Amiga": want one of Other,`},
		{"a platform in two groups", `{"policy":"custom","groups":[["Web","Mac"],["web"]]}`, "platform Web is named twice"},
		{"a platform twice in a group", `{"policy":"custom","groups":[["Web","Web"]]}`, "platform Web is named twice"},
		{"a platform with two numbers", `{"instances":{"Web":1,"web":2}}`, "platform Web is named twice"},
		{"platforms as a text, of bytes", `{"platforms":"AQ=="}`, "platforms: "},
		{"a group as one", `{"policy":"custom","groups":["AQI="]}`, "groups: "},
		{"a platform admitted twice", `{"platforms":["Web","web"]}`, "platforms: Web is named twice"},
		{"an empty group", `{"policy":"custom","groups":[["Web"],[]]}`, "group 2 has no platform"},
		{"custom without groups", `{"policy":"custom"}`, "policy custom wants at least one group"},
		{"groups of a named policy", `{"policy":"multi","groups":[["Web"]]}`, "policy multi has groups of its own"},
		{"groups of the default policy", `{"groups":[["Web"]]}`, "policy dual has groups of its own"},
		{"no instances", `{"instances":{"Web":0}}`, "0 instances on Web: want at least 1"},
		{"fewer than none", `{"instances":{"Mac":-1}}`, "-1 instances on Mac: want at least 1"},
		{"instances over the Web's bound", `{"instances":{"Web":11}}`, "11 instances on Web: want at most 10"},
		{"instances over another's bound", `{"instances":{"Linux":4}}`, "4 instances on Linux: want at most 3"},
		{"more than one of platform Other", `{"instances":{"Other":2}}`, "2 instances on Other: want 1, because"},
		{"half an instance", `{"instances":{"Web":1.5}}`, "instances: want numbers by platform name"},
		{"an unknown setting", `{"colour":"red"}`, `unknown setting "colour": want one of groups, history_days,`},
		{"a policy that is a number", `{"policy":3}`, "policy: want single, dual, triple, multi or custom"},
		{"groups that are none", `{"groups":"Web"}`, "groups: want lists of platform names, in a list"},
		{"an unknown time zone", `{"time_zone":"Mars/Olympus"}`, `unknown time zone "Mars/Olympus": want an IANA name`},
		{"the machine's time zone", `{"time_zone":"Local"}`, `unknown time zone "Local"`},
		{"the machine's time zone, as its file is called", `{"time_zone":"localtime"}`, `unknown time zone "localtime"`},
		{"a time zone with leap seconds", `{"time_zone":"right/Asia/Shanghai"}`, `unknown time zone "right/Asia/Shanghai"`},
		{"a switch that is a word", `{"tell_kicked_on_login":"yes"}`, "tell_kicked_on_login: want true or false"},
		{"no history", `{"history_days":0}`, "history_days: want 1 to 3650"},
		{"no messages", `{"message_days":0}`, "message_days: want 1 to 3650"},
		{"a recall after more than a week", `{"recall_seconds":604801}`, "recall_seconds: want 1 to 604800"},
		{"less than none", `{"history_days":-1}`, "history_days: want 1 to 3650"},
		{"more history than ten years", `{"history_days":3651}`, "history_days: want 1 to 3650"},
		{"one good and one bad", `{"policy":"multi","history_days":0}`, "history_days: want 1 to 3650"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := a.ChangeSettings(t.Context(), app, change(t, tt.change))
			e, coded := errors.AsType[*imcode.Error](err)
			if !coded || e.Code != imcode.InvalidParameters || !strings.Contains(e.Detail, tt.want) {
				t.Errorf("got %v, want 70402 and %q", err, tt.want)
			}
			if _, err := a.RulesWith(app, change(t, tt.change)); imcode.Of(err) != imcode.InvalidParameters {
				t.Errorf("its rules: %v, want 70402", err)
			}
		})
	}
	if got := settings(t, a); got != defaults {
		t.Errorf("the refused changes left\n%s, want\n%s", got, defaults)
	}
	for _, err := range []error{
		second(a.ChangeSettings(t.Context(), 7, nil)), second(a.RulesWith(7, nil)),
	} {
		if imcode.Of(err) != imcode.AppNotFound {
			t.Errorf("settings of no app: %v, want 70020", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestABoundIsRaisedByTheServerAndALoweredOneThrowsNothingAway(t *testing.T) {
	a, restart := withApp(t, apps.Options{MaxWebInstances: 100, MaxInstances: 50})
	many := change(t, `{"policy":"multi","instances":{"Web":100,"Mac":50}}`)
	if _, err := a.ChangeSettings(t.Context(), app, many); err != nil {
		t.Fatal(err)
	}
	for _, over := range []string{`{"instances":{"Web":101}}`, `{"instances":{"Mac":51}}`, `{"instances":{"Other":2}}`} {
		if _, err := a.ChangeSettings(t.Context(), app, change(t, over)); imcode.Of(err) != imcode.InvalidParameters {
			t.Errorf("%s over the raised bound: %v, want 70402", over, err)
		}
	}
	lowered := restart(apps.Options{})
	limits := func() string {
		x, err := lowered.App(app)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(x.Rules.Limit)
	}
	if _, err := lowered.ChangeSettings(t.Context(), app, change(t, `{"policy":"dual","history_days":30}`)); err != nil {
		t.Errorf("change other settings under a lowered bound: %v", err)
	}
	if _, err := lowered.ChangeSettings(t.Context(), app, many); imcode.Of(err) != imcode.InvalidParameters {
		t.Errorf("set anew what a lowered bound overtook: %v, want 70402", err)
	}
	x, err := lowered.App(app)
	if err != nil {
		t.Fatal(err)
	}
	if err := lowered.SetSettings(t.Context(), app, x.Settings); imcode.Of(err) != imcode.InvalidParameters {
		t.Errorf("set all anew: %v, want 70402", err)
	}
	if got, want := limits(), "[1 1 1 1 1 50 1 100 1]"; got != want {
		t.Errorf("under a lowered bound the limits are %s, want %s", got, want)
	}
}

func TestSettingsAsPeopleWriteThem(t *testing.T) {
	a, _ := withApp(t, apps.Options{})
	c := make(apps.Change)
	for _, text := range []string{
		"time_zone=Asia/Shanghai", "platforms=android, Web", "tell_kicked_on_reconnect=true",
		"tell_kicked_on_login=false", "rest_kick_as_kick=true", "history_days=3650",
	} {
		if err := c.Parse(text); err != nil {
			t.Fatal(err)
		}
	}
	got, err := a.ChangeSettings(t.Context(), app, c)
	want := apps.Settings{
		TimeZone: "Asia/Shanghai", Platforms: []rollcall.Platform{rollcall.Android, rollcall.Web},
		TellKickedOnReconnect: true, RESTKickAsKick: true, HistoryDays: 3650,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("they became %+v, %v; want %+v", got, err, want)
	}
	back := make(apps.Change)
	for _, text := range []string{"time_zone=", "platforms=", "tell_kicked_on_reconnect=", "rest_kick_as_kick=", "history_days="} {
		if err := back.Parse(text); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.ChangeSettings(t.Context(), app, back); err != nil {
		t.Fatal(err)
	}
	if got := settings(t, a); got != defaults {
		t.Errorf("set to nothing the settings are\n%s, want\n%s", got, defaults)
	}
	for text, want := range map[string]string{
		"history_days":                 `"history_days": want name=value`,
		"colour=red":                   `"colour=red": want name=value, where name is one of history_days, message_days, platforms,`,
		"policy=multi":                 "policy belongs to the policy: `rollcall app policy set`",
		"instances=Web":                "instances belongs to the policy",
		"platforms=Amiga":              `unknown platform "Amiga"`,
		"platforms=Web,":               `unknown platform ""`,
		"history_days=1e1":             "history_days: want 1 to 3650",
		"history_days=7 days":          "history_days: want 1 to 3650",
		"history_days=0":               "history_days: want 1 to 3650",
		"tell_kicked_on_login=TRUE":    "tell_kicked_on_login: want true or false",
		"rest_kick_as_kick=null":       "rest_kick_as_kick: want true or false",
		"time_zone=UTC":                "",
		"tell_kicked_on_reconnect=yes": "tell_kicked_on_reconnect: want true or false",
	} {
		err := make(apps.Change).Parse(text)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if err := c.Parse("history_days=3"); err == nil || !strings.Contains(err.Error(), "history_days is set twice") {
		t.Errorf("set twice: %v", err)
	}
}

func TestASettingThatCannotBeStoredIsNotInForce(t *testing.T) {
	a, s := load(t, apps.Options{})
	if _, err := a.Add(t.Context(), app, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.ChangeSettings(t.Context(), app, change(t, `{"policy":"single"}`)); imcode.Of(err) != imcode.Internal {
		t.Errorf("a change on a closed store: %v, want 70500", err)
	}
	if got := settings(t, a); got != defaults {
		t.Errorf("in force are\n%s, want\n%s", got, defaults)
	}
}
