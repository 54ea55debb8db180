package admin_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// ours is an account of the app that the tests here have.
func ours(user rollcall.UserID) rollcall.Account { return rollcall.Account{App: app, User: user} }

// signedUp is a backend with the app, in which each user is logged in with an
// Android phone, number 1, and a page, number 2, both away.
func signedUp(t *testing.T, users ...rollcall.UserID) (admin.Backend, *sqlite.Store) {
	t.Helper()
	b, s := backend(t)
	if _, err := b.Apps.Add(t.Context(), app, "", ""); err != nil {
		t.Fatal(err)
	}
	for _, user := range users {
		for i, p := range []rollcall.Platform{rollcall.Android, rollcall.Web} {
			logIn(t, s, user, uint64(i+1), p)
		}
	}
	return b, s
}

// logIn gives a user a session on a device of its own.
func logIn(t testing.TB, s *sqlite.Store, user rollcall.UserID, try uint64, p rollcall.Platform) {
	t.Helper()
	now := time.Now().UTC()
	mutate(t, s, user, func(st policy.State) policy.Outcome {
		q := policy.Login{
			Now: now, Device: rollcall.DeviceID("device-" + p.String()), DeviceName: "Ann's " + p.String(), Platform: p, Try: try,
			SigTime: now.Unix() - 10, SigEnds: now.Unix() + 1000, Address: "192.0.2.0",
			Fixed: policy.Hash{byte(try), byte(p), 1}, Changing: policy.Hash{byte(try), byte(p), 2},
		}
		return policy.LogIn(st, q, policy.Multi())
	})
}

func mutate(t testing.TB, s *sqlite.Store, user rollcall.UserID, rule store.Rule) {
	t.Helper()
	if _, err := s.Mutate(t.Context(), ours(user), rule); err != nil {
		t.Fatal(err)
	}
}

// request asks the API, and reads the answer into v if it is a success.
func request(t *testing.T, b admin.Backend, method, path, body string, v any) (status int, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	admin.Handler(b).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	if w.Code == 200 && v != nil {
		if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return w.Code, w.Body.String()
}

func TestWrongRequestsAboutAccountsHaveTheirCodesAndChangeNothing(t *testing.T) {
	b, s := signedUp(t, "alice")
	before, err := s.State(t.Context(), ours("alice"))
	if err != nil {
		t.Fatal(err)
	}
	const alice, nobody, elsewhere = "/v1/apps/1400000000/accounts/alice", "/v1/apps/1400000000/accounts/nobody", "/v1/apps/7/accounts/alice"
	long := strings.Repeat("o", 65)
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", nobody, "", 404, "70107"},
		{"GET", elsewhere, "", 404, "70020"},
		{"GET", "/v1/apps/x/accounts/alice", "", 400, "70402"},
		{"GET", "/v1/apps/1400000000/accounts/al%20ice", "", 400, `70402,"detail":"the UserID is not legal`},
		{"POST", alice + "/kick", "", 400, "60003"},
		{"POST", alice + "/kick", `{}`, 400, `70402,"detail":"whom to kick: want exactly one of session, device, platform and all"`},
		{"POST", alice + "/kick", `{"session":1,"all":true}`, 400, "70402"},
		{"POST", alice + "/kick", `{"session":-1}`, 400, "60003"},
		{"POST", alice + "/kick", `{"user":"alice"}`, 400, "60003"},
		{"POST", alice + "/kick", `{"platform":"Amiga"}`, 400, `70402,"detail":"unknown platform \"Amiga\": want one of Other, Android, iPhone`},
		{"POST", alice + "/kick", `{"all":true,"operator":"` + long + `"}`, 400, `70402,"detail":"the operator's name`},
		{"POST", alice + "/kick", `{"all":true,"operator":"a\u0000b"}`, 400, `70402,"detail":"the operator's name`},
		{"POST", alice + "/kick", `{"all":true,"operator":"a\u202eb"}`, 400, `70402,"detail":"the operator's name`},
		{"POST", alice + "/kick", `{"all":true,"operator":"a\u2028b"}`, 400, `70402,"detail":"the operator's name`},
		{"POST", nobody + "/kick", `{"all":true}`, 404, "70107"},
		{"POST", elsewhere + "/kick", `{"all":true}`, 404, "70020"},
		{"POST", alice + "/revoke", `{"valid_from":-1}`, 400, "70402"},
		{"POST", alice + "/revoke", `{"valid_from":1}`, 400, `70402,"detail":"ValidFrom: want`},
		{"POST", alice + "/revoke", `{"valid_from":99999999999}`, 400, "70402"},
		{"POST", nobody + "/revoke", `{}`, 404, "70107"},
		{"POST", alice + "/disable", `{"operator":"` + long + `"}`, 400, "70402"},
		{"POST", nobody + "/disable", `{}`, 404, "70107"},
		{"POST", nobody + "/enable", `{}`, 404, "70107"},
		{"POST", nobody + "/delete", `{}`, 404, "70107"},
		{"POST", elsewhere + "/delete", `{}`, 404, "70020"},
		{"GET", nobody + "/history", "", 404, "70107"},
		{"GET", elsewhere + "/history", "", 404, "70020"},
		{"GET", alice + "/history?limit=0", "", 400, `70402,"detail":"limit: want 1 to 1000"`},
		{"GET", alice + "/history?limit=1001", "", 400, "70402"},
		{"GET", alice + "/history?before=x", "", 400, "70402"},
		{"GET", alice + "/history?before=-1", "", 400, "70402"},
		{"GET", nobody + "/explain", "", 404, "70107"},
		{"GET", elsewhere + "/explain", "", 404, "70020"},
		{"GET", alice + "/explain?at=noon", "", 400, `70402,"detail":"at: want a time as`},
		{"GET", alice + "/explain?at=2999-01-01T00:00:00Z", "", 400, "is in the future"},
		{"GET", alice + "/explain?zone=Mars", "", 400, `70402,"detail":"unknown time zone`},
		{"GET", alice + "/explain?zone=Local", "", 400, "70402"},
		{"GET", alice + "/explain?device=fridge", "", 400, `70402,"detail":"alice has no device \"fridge\": want one of`},
		{"GET", elsewhere + "/watch", "", 404, "70020"},
		{"POST", "/v1/apps/7/policy/preview", `{}`, 404, "70020"},
		{"POST", "/v1/apps/x/policy/preview", `{}`, 400, "70402"},
		{"POST", "/v1/apps/1400000000/policy/preview", ``, 400, "60003"},
		{"POST", "/v1/apps/1400000000/policy/preview", `{"policy":"solo"}`, 400, `70402,"detail":"unknown policy \"solo\"`},
		{"POST", "/v1/apps/1400000000/policy/preview", `{"instances":{"Web":11}}`, 400, "70402"},
		{"POST", "/v1/apps/7/policy/apply", `{}`, 404, "70020"},
		{"POST", "/v1/apps/1400000000/policy/apply", `{"policy":"single"}`, 400, "60003"},
		{"POST", "/v1/apps/1400000000/policy/apply", `{"operator":"` + long + `"}`, 400, "70402"},
	} {
		if status, got := request(t, b, tt.method, tt.path, tt.body, nil); status != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%s %s %.40s: %d %s, want %d %s", tt.method, tt.path, tt.body, status, got, tt.status, tt.want)
		}
	}
	after, err := s.State(t.Context(), ours("alice"))
	if err != nil || len(after.Sessions) != 2 || after.Sessions[0] != before.Sessions[0] || after.ValidFrom != before.ValidFrom || len(after.Kicks) != 0 {
		t.Errorf("wrong requests left %+v, %v; want %+v", after, err, before)
	}
	if nobody, err := s.State(t.Context(), ours("nobody")); err != nil || nobody.Exists() {
		t.Errorf("wrong requests left %+v, %v", nobody, err)
	}
}

func TestWhatOperatorsSeeOfAnAccount(t *testing.T) {
	b, s := signedUp(t, "alice")
	logIn(t, s, "alice", 3, rollcall.Mac)
	mutate(t, s, "alice", func(st policy.State) policy.Outcome { // the Mac takes the phone's place
		r := policy.Single()
		return policy.ApplyPolicy(st, policy.Apply{Now: time.Now(), Operator: "Olga"}, r)
	})
	var v admin.Account
	if status, text := request(t, b, "GET", "/v1/apps/1400000000/accounts/alice", "", &v); status != 200 || strings.Contains(strings.ToLower(text), "secret") {
		t.Fatalf("%d %s", status, text)
	}
	if v.User != "alice" || len(v.Sessions) != 1 || v.Sessions[0].Session != 3 || v.Sessions[0].DeviceName != "Ann's Mac" || v.Sessions[0].Address != "192.0.2.0" {
		t.Errorf("the sessions %+v", v)
	}
	if len(v.Untold) != 2 || v.Untold[0].Session != 1 || v.Untold[0].Reason != "policy applied" || v.Untold[0].By.Rule != "another platform of its group" ||
		*v.Untold[0].By.Platform != rollcall.Mac || v.Untold[0].By.Operator != "Olga" {
		t.Errorf("untold are %+v", v.Untold)
	}
}

func TestTheActsOfOperators(t *testing.T) {
	b, s := signedUp(t, "alice", "bob", "carol")
	const path = "/v1/apps/1400000000/accounts/"
	for _, tt := range []struct {
		path, body string
		ended      []uint64
		keptOut    int
	}{
		{"alice/kick", `{"session":1,"operator":"Olga"}`, []uint64{1}, 0},
		{"alice/kick", `{"session":1}`, nil, 0},
		{"alice/kick", `{"platform":"web"}`, []uint64{2}, 0},
		{"alice/kick", `{"all":true}`, nil, 0},
		{"bob/kick", `{"device":"device-Web"}`, []uint64{2}, 0},
		{"bob/disable", `{"operator":"Olga"}`, []uint64{1}, 0},
		{"bob/disable", `{}`, nil, 0},
		{"bob/enable", `{}`, nil, 0},
		{"carol/delete", `{"operator":"Olga"}`, []uint64{1, 2}, 0},
	} {
		var v admin.Kicked
		status, text := request(t, b, "POST", path+tt.path, tt.body, &v)
		var ended []uint64
		for _, x := range v.Ended {
			ended = append(ended, x.Session)
		}
		if status != 200 || !slices.Equal(ended, tt.ended) || v.KeptOut != tt.keptOut || !strings.Contains(text, `"ended":[`) {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, status, text)
		}
	}
	rows, err := s.History(t.Context(), ours("alice"), 0, 10)
	if err != nil || rows[1].By.Operator != "Olga" || rows[0].By.Operator != "operator" {
		t.Errorf("the history has the operators %+v, %v", rows, err)
	}

	logIn(t, s, "alice", 9, rollcall.Android)
	logIn(t, s, "alice", 10, rollcall.Web)
	mutate(t, s, "alice", func(st policy.State) policy.Outcome { // a newer login that the phone did not hear of
		st.Kicks = append(slices.Clone(st.Kicks), policy.Kick{Session: 99, Device: "old", Reason: policy.NewerLogin, At: time.Now()})
		return policy.Outcome{State: st}
	})
	var v admin.Kicked
	if _, text := request(t, b, "POST", path+"alice/kick", `{"all":true}`, &v); len(v.Ended) != 2 || v.KeptOut != 1 {
		t.Errorf("all, with one that had lost its place: %s", text)
	}
	asked := time.Now().Unix()
	if _, text := request(t, b, "POST", path+"alice/revoke", `{}`, &v); v.ValidFrom < asked {
		t.Errorf("revoke: %s", text)
	}
	if _, text := request(t, b, "POST", path+"alice/revoke", `{"valid_from":`+itoa(asked+100)+`}`, &v); v.ValidFrom != asked+100 {
		t.Errorf("revoke from a moment: %s", text)
	}
}

func itoa(n int64) string {
	b, _ := json.Marshal(n) //nolint:errchkjson // a number can always be written
	return string(b)
}

func TestThePastIsRead(t *testing.T) {
	b, _ := signedUp(t, "alice")
	const path = "/v1/apps/1400000000/accounts/alice/"
	var all, page, rest []admin.Event
	request(t, b, "GET", path+"history", "", &all)
	request(t, b, "GET", path+"history?limit=2", "", &page)
	request(t, b, "GET", path+"history?before="+itoa(page[1].Row), "", &rest)
	if len(all) != 3 || len(page) != 2 || len(rest) != 1 || all[0].Event != "login" || all[0].Session != 2 || rest[0].Event != "signed up" || rest[0].Row != all[2].Row {
		t.Errorf("history %+v, in pages %+v and %+v", all, page, rest)
	}
	if *all[0].Platform != rollcall.Web || all[0].DeviceName != "Ann's Web" || all[0].Reason != "" || all[0].By != nil || all[0].Connected != nil {
		t.Errorf("a row reads %+v", all[0])
	}
	var told struct{ Text string }
	request(t, b, "GET", path+"explain?device=device-Web&zone=Asia/Tokyo", "", &told)
	if !strings.Contains(told.Text, "alice is logged in on 2 devices:") || !strings.Contains(told.Text, " JST (") || strings.Contains(told.Text, "device-Android") {
		t.Errorf("explained as\n%s", told.Text)
	}
	request(t, b, "GET", path+"explain?at=2001-01-01T00:00:00Z", "", &told)
	if !strings.HasPrefix(told.Text, "On 2001-01-01 00:00:00 UTC") {
		t.Errorf("explained as\n%s", told.Text)
	}
}

// TestTheClientAsksWhatTheHandlersAnswer goes through every method about accounts.
func TestTheClientAsksWhatTheHandlersAnswer(t *testing.T) {
	dir := t.TempDir()
	_, stop := run(t, dir)
	defer stop()
	o, ctx, alice := open(t, dir), t.Context(), ours("alice")
	for name, ask := range map[string]func(context.Context) error{
		"Account": func(ctx context.Context) error { return second(o.Account(ctx, alice)) },
		"Kick":    func(ctx context.Context) error { return second(o.Kick(ctx, alice, admin.Target{All: true}, "Olga")) },
		"Revoke":  func(ctx context.Context) error { return second(o.Revoke(ctx, alice, 0, "Olga")) },
		"Disable": func(ctx context.Context) error { return second(o.Disable(ctx, alice, "Olga")) },
		"Enable":  func(ctx context.Context) error { return o.Enable(ctx, alice, "Olga") },
		"Delete":  func(ctx context.Context) error { return second(o.Delete(ctx, alice, "Olga")) },
		"History": func(ctx context.Context) error { return second(o.History(ctx, alice, 7, 10)) },
		"Explain": func(ctx context.Context) error {
			return second(o.Explain(ctx, alice, admin.Question{Device: "d", Zone: "UTC", At: time.Now()}))
		},
		"Watch":      func(ctx context.Context) error { return o.Watch(ctx, alice, func(admin.Sight) error { return nil }) },
		"Preview":    func(ctx context.Context) error { return second(o.Preview(ctx, app, nil, nil)) },
		"Apply":      func(ctx context.Context) error { return second(o.Apply(ctx, app, "Olga", nil)) },
		"DisableApp": func(ctx context.Context) error { return o.DisableApp(ctx, app) },
		"EnableApp":  func(ctx context.Context) error { return o.EnableApp(ctx, app) },
	} {
		if err := ask(ctx); imcode.Of(err) != imcode.AppNotFound {
			t.Errorf("%s of no app: %v, want 70020", name, err)
		}
	}
	if _, err := o.AddApp(ctx, app, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Account(ctx, alice); imcode.Of(err) != imcode.AccountNotFound {
		t.Errorf("no account: %v", err)
	}
	if sum, err := o.Apply(ctx, app, "", nil); err != nil || sum.Accounts != 0 {
		t.Errorf("apply to nobody: %+v, %v", sum, err)
	}
}
