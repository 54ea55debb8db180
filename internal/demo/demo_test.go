package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/usersig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const app rollcall.AppID = 1400000000

// A stand is a demo on a server of this process.
type stand struct {
	t        *testing.T
	server   *server.Server
	url      string // of the pages
	client   *http.Client
	restarts int
	rotated  []string
	handler  http.Handler
}

func newStand(t *testing.T) *stand {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), server.Config{Dir: t.TempDir(), Listener: l, DrainSpread: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apps().Add(t.Context(), app, "dev", ""); err != nil {
		t.Fatal(err)
	}
	x := &stand{t: t, server: s, client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}, url: "http://" + l.Addr().String()}
	rotated := func(key string) error {
		x.rotated = append(x.rotated, key)
		return nil
	}
	d := New(app, "ws://"+l.Addr().String(), rotated, slog.New(slog.DiscardHandler))
	x.handler = d.Handler(Backend{Apps: s.Apps(), Sessions: s.Sessions(), Restart: func() { x.restarts++ }})
	s.Pages(x.handler)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return x
}

// a is a request as the pages make it.
func (x *stand) a(act, body string) *http.Request {
	x.t.Helper()
	r, err := http.NewRequestWithContext(x.t.Context(), http.MethodPost, x.url+"/dev/"+act, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	r.Header.Set("Origin", x.url)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// do makes a request and reads the answer into v.
func (x *stand) do(r *http.Request, v any) (status int) {
	x.t.Helper()
	a, err := x.client.Do(r)
	if err != nil {
		x.t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		x.t.Fatalf("%s: %q: %v", r.URL.Path, text, err)
	}
	return a.StatusCode
}

// done is what an act that succeeds answers.
func done[A any](x *stand, act, body string) (answer A) {
	x.t.Helper()
	var raw json.RawMessage
	if status := x.do(x.a(act, body), &raw); status != http.StatusOK {
		x.t.Fatalf("%s %s: %d %s", act, body, status, raw)
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		x.t.Fatal(err)
	}
	return answer
}

// refused is the code with which an act is refused.
func (x *stand) refused(r *http.Request, status int) imcode.Code {
	x.t.Helper()
	var e imcode.Error
	if got := x.do(r, &e); got != status {
		x.t.Errorf("%s: status %d (%v), want %d", r.URL.Path, got, &e, status)
	}
	return e.Code
}

func TestAUserSigIsGoodForAsLongAsItWasAskedFor(t *testing.T) {
	x := newStand(t)
	for body, want := range map[string]time.Duration{
		`{"user":"alice"}`:               24 * time.Hour,
		`{"user":"alice","seconds":5}`:   5 * time.Second,
		`{"user":"alice","seconds":600}`: 10 * time.Minute,
	} {
		sig := done[sigAnswer](x, "usersig", body)
		a, err := x.server.Apps().App(app)
		if err != nil {
			t.Fatal(err)
		}
		checked, err := usersig.Check(sig.UserSig, app, "alice", a.Secrets())
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got := time.Duration(checked.Expire) * time.Second; got != want || sig.Ends != checked.Time+checked.Expire {
			t.Errorf("%s: good for %v, until %d; want %v, %d", body, got, sig.Ends, want, checked.Time+checked.Expire)
		}
	}
}

func TestWhatIsAskedForIsBounded(t *testing.T) {
	x := newStand(t)
	for _, tt := range []struct {
		act, body string
		want      imcode.Code
	}{
		{"usersig", `{}`, imcode.InvalidUserID},
		{"usersig", `{"user":"<script>"}`, imcode.InvalidUserID},
		{"usersig", `{"user":"` + strings.Repeat("a", 33) + `"}`, imcode.InvalidUserID},
		{"usersig", `{"user":"alice","seconds":4}`, imcode.InvalidParameters},
		{"usersig", `{"user":"alice","seconds":604801}`, imcode.InvalidParameters},
		{"usersig", `{"user":"alice","seconds":-1}`, imcode.InvalidParameters},
		{"usersig", `{"user":"alice","key":"x"}`, imcode.ParseFailed},
		{"usersig", `{"user":"alice"}{}`, imcode.ParseFailed},
		{"usersig", ``, imcode.ParseFailed},
		{"usersig", `{"user":"` + strings.Repeat("a", maxBody) + `"}`, imcode.ParseFailed},
		{"kick", `{}`, imcode.InvalidUserID},
		{"kick", `{"user":"nobody"}`, imcode.AccountNotFound},
		{"revoke", `{"user":"nobody"}`, imcode.AccountNotFound},
		{"policy", `{"policy":"anarchy"}`, imcode.InvalidParameters},
		{"policy", `{"instances":{"Web":11}}`, imcode.InvalidParameters},
		{"phone", `{"user":"alice","do":"cut"}`, imcode.InvalidParameters},
		{"phone", `{"user":"alice","do":"dance"}`, imcode.InvalidParameters},
	} {
		if got := x.refused(x.a(tt.act, tt.body), http.StatusBadRequest); got != tt.want {
			t.Errorf("%s %.60s: %d, want %d", tt.act, tt.body, got, tt.want)
		}
	}
	for i := range maxPhones {
		done[phoneState](x, "phone", fmt.Sprintf(`{"user":"user%d","do":"login"}`, i))
	}
	if got := x.refused(x.a("phone", `{"user":"late","do":"login"}`), http.StatusBadRequest); got != imcode.InvalidParameters {
		t.Errorf("one phone too many: %d", got)
	}
}

func TestTooManyActsAreRefused(t *testing.T) {
	x := newStand(t)
	for i := range perWindow {
		if status := x.do(x.a("state", `{}`), new(stateAnswer)); status != http.StatusOK {
			t.Fatalf("act %d: status %d", i+1, status)
		}
	}
	if got := x.refused(x.a("state", `{}`), http.StatusTooManyRequests); got != imcode.TooManyRequests {
		t.Errorf("one act too many: %d", got)
	}
}

// TestOnlyThisMachinesOwnPagesMayAct: whoever may act can log in as anybody.
func TestOnlyThisMachinesOwnPagesMayAct(t *testing.T) {
	x := newStand(t)
	for name, change := range map[string]func(r *http.Request){
		"no Origin":                    func(r *http.Request) { r.Header.Del("Origin") },
		"the Origin of a file":         func(r *http.Request) { r.Header.Set("Origin", "null") },
		"another site":                 func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"another port of this machine": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"another name of this machine": func(r *http.Request) { r.Header.Set("Origin", strings.Replace(x.url, "127.0.0.1", "localhost", 1)) },
		"an extension":                 func(r *http.Request) { r.Header.Set("Origin", strings.Replace(x.url, "http", "chrome-extension", 1)) },
		"a name that resolves to here": func(r *http.Request) { r.Host = "evil.example:80"; r.Header.Set("Origin", "http://evil.example:80") },
		"a name that looks like here": func(r *http.Request) {
			r.Host = "127.0.0.1.evil.example"
			r.Header.Set("Origin", "http://127.0.0.1.evil.example")
		},
		"passed on by a proxy":                func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") },
		"passed on by a proxy, newer spelled": func(r *http.Request) { r.Header.Set("Forwarded", "for=192.0.2.1") },
		"a form, which asks no leave":         func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
	} {
		for _, act := range []string{"usersig", "state", "kick", "revoke", "policy", "apply", "key", "phone", "restart"} {
			r := x.a(act, `{"user":"alice"}`)
			change(r)
			if got := x.refused(r, http.StatusForbidden); got != imcode.InvalidParameters {
				t.Errorf("%s: %s refused with %d", name, act, got)
			}
		}
	}
	if x.restarts != 0 {
		t.Errorf("restarted %d times", x.restarts)
	}
	r := x.a("usersig", `{"user":"alice"}`)
	r.RemoteAddr = "192.0.2.1:40000"
	w := httptest.NewRecorder()
	if x.handler.ServeHTTP(w, r); w.Code != http.StatusForbidden {
		t.Errorf("from another machine: status %d, want 403", w.Code)
	}
	r = x.a("usersig", `{"user":"alice"}`)
	r.Method = http.MethodGet
	if a, err := x.client.Do(r); err != nil || a.StatusCode == http.StatusOK {
		t.Errorf("GET: %v, %v", a, err)
	} else {
		a.Body.Close()
	}
}

func TestTheActsDoWhatTheyAreNamedFor(t *testing.T) {
	x := newStand(t)
	alice := rollcall.Account{App: app, User: "alice"}
	if got := done[phoneState](x, "phone", `{"user":"alice","do":"login"}`); got.Status != "LOGINED" || got.Heard[len(got.Heard)-1].What != "login() succeeded" {
		t.Fatalf("a phone after its login: %+v", got)
	}
	s := done[stateAnswer](x, "state", `{"user":"alice"}`)
	if len(s.Sessions) != 1 || s.Sessions[0].Platform != rollcall.Android || s.Settings.Name != "dual" || len(s.Keys) != 1 {
		t.Fatalf("state: %+v", s)
	}

	key := done[keys](x, "key", `{}`)
	if len(key.Keys) != 1 || key.Keys[0] == s.Keys[0] {
		t.Errorf("keys %v after those of %v", key.Keys, s.Keys)
	}
	if len(x.rotated) != 1 || x.rotated[0] == "" {
		t.Errorf("%d new keys were told of, want one", len(x.rotated))
	}
	if st, err := x.server.Account(t.Context(), alice); err != nil || len(st.Sessions) != 1 {
		t.Errorf("a new key ended a session: %+v, %v", st.Sessions, err)
	}

	if got := done[kicked](x, "kick", `{"user":"alice"}`); got.Sessions != 1 {
		t.Errorf("kicked %d, want 1", got.Sessions)
	}
	x.heard("onKickedOffline")

	done[phoneState](x, "phone", `{"user":"alice","do":"login"}`)
	if got := done[kicked](x, "revoke", `{"user":"alice"}`); got.Sessions != 1 {
		t.Errorf("revoked %d, want 1", got.Sessions)
	}
	x.heard("onUserSigExpired")
	if got := done[phoneState](x, "phone", `{"user":"alice","do":"login"}`); got.Status != "LOGINED" {
		t.Errorf("a UserSig signed right after a revocation is refused: %+v", got)
	}

	done[apps.Settings](x, "policy", `{"policy":"single","tell_kicked_on_reconnect":true}`)
	if got := done[stateAnswer](x, "state", `{}`).Settings; got.Name != "single" || !got.TellKickedOnReconnect || got.TellKickedOnLogin {
		t.Errorf("settings %+v", got)
	}
	if got := done[kicked](x, "apply", `{}`); got.Sessions != 0 {
		t.Errorf("applying to one session ended %d", got.Sessions)
	}
	done[struct{}](x, "restart", `{}`)
	if x.restarts != 1 {
		t.Errorf("restarted %d times, want once", x.restarts)
	}
}

// TestAPhoneThatIsCutComesBack: under its own name, when its network does.
func TestAPhoneThatIsCutComesBack(t *testing.T) {
	x := newStand(t)
	done[phoneState](x, "phone", `{"user":"alice","do":"login"}`)
	if got := done[phoneState](x, "phone", `{"user":"alice","do":"cut"}`); !got.Cut || got.Status != "LOGINED" {
		t.Errorf("cut: %+v, want it in and without a network", got)
	}
	x.until("the server has noticed", func(s stateAnswer) bool { return len(s.Sessions) == 1 && !s.Sessions[0].Connected })
	done[phoneState](x, "phone", `{"user":"alice","do":"mend"}`)
	x.until("it is back", func(s stateAnswer) bool {
		return len(s.Sessions) == 1 && s.Sessions[0].Connected && s.Sessions[0].Session == 1
	})
	if got := done[phoneState](x, "phone", `{"user":"alice","do":"logout"}`); got.Status != "LOGOUT" {
		t.Errorf("logged out: %+v", got)
	}
}

// TestAPhoneWhoseAppWasKilledKeepsWhatItHad: so that it can be told that it was kicked
// while it was away (6208), once.
func TestAPhoneWhoseAppWasKilledKeepsWhatItHad(t *testing.T) {
	x := newStand(t)
	done[apps.Settings](x, "policy", `{"tell_kicked_on_login":true}`)
	done[phoneState](x, "phone", `{"user":"alice","do":"login"}`)
	if got := done[phoneState](x, "phone", `{"user":"alice","do":"kill"}`); !got.Killed || got.Status != "LOGOUT" {
		t.Errorf("killed: %+v", got)
	}
	other, err := client.Open(app, strings.Replace(x.url, "http", "ws", 1), client.Options{Platform: rollcall.Android})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	sig := done[sigAnswer](x, "usersig", `{"user":"alice"}`)
	if err := other.Login(t.Context(), "alice", sig.UserSig); err != nil {
		t.Fatal(err)
	}
	got := done[phoneState](x, "phone", `{"user":"alice","do":"login"}`)
	if last := got.Heard[len(got.Heard)-1]; got.Killed || last.What != "login() failed" || !strings.HasPrefix(last.Text, "6208 ") {
		t.Errorf("the first login() after it: %+v", got)
	}
	if got := done[phoneState](x, "phone", `{"user":"alice","do":"login"}`); got.Status != "LOGINED" {
		t.Errorf("the next one: %+v", got)
	}
}

// heard waits until alice's phone has heard something.
func (x *stand) heard(what string) {
	x.t.Helper()
	x.until("the phone hears "+what, func(s stateAnswer) bool {
		return s.Phone != nil && len(s.Phone.Heard) > 0 && s.Phone.Heard[len(s.Phone.Heard)-1].What == what
	})
}

// until asks how alice fares until it is so.
func (x *stand) until(what string, is func(stateAnswer) bool) {
	x.t.Helper()
	tick := time.NewTicker(200 * time.Millisecond) // fewer acts than there may be
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); ; <-tick.C {
		s := done[stateAnswer](x, "state", `{"user":"alice"}`)
		if is(s) {
			return
		}
		if time.Now().After(end) {
			x.t.Fatalf("not so after 20 s: %s: %+v, %+v", what, s, s.Phone)
		}
	}
}
