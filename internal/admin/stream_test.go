package admin_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/internal/admin"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
)

// A reader is one who reads an answer only when it is let to.
type reader struct {
	*httptest.ResponseRecorder

	let chan struct{}
}

func (r *reader) Write(p []byte) (int, error) {
	<-r.let
	return r.ResponseRecorder.Write(p)
}

// sights are the lines of a watch.
func sights(t *testing.T, text string) (all []admin.Sight) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		if lines.Text() == "" {
			continue
		}
		var s admin.Sight
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatalf("%v in %q", err, lines.Text())
		}
		all = append(all, s)
	}
	return all
}

func TestAWatchSaysWhoIsInAndWhatHappens(t *testing.T) {
	b, _ := signedUp(t, "alice", "bob")
	ending := make(chan struct{})
	b.Ending = ending
	w := httptest.NewRecorder()
	done := make(chan struct{})
	out := &reader{w, make(chan struct{})}
	go func() {
		defer close(done)
		admin.Handler(b).ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/apps/1400000000/accounts/alice/watch", nil))
	}()
	out.let <- struct{}{} // who is in
	for _, user := range []rollcall.UserID{"bob", "alice"} {
		if _, err := b.Sessions.Kick(t.Context(), ours(user), policy.Target{Session: 1}, "Olga"); err != nil {
			t.Fatal(err)
		}
	}
	out.let <- struct{}{} // the kick
	close(ending)
	out.let <- struct{}{} // the end
	<-done
	all := sights(t, w.Body.String())
	if len(all) != 3 || len(all[0].Now.Sessions) != 2 || all[2].End != "the server is shutting down" {
		t.Fatalf("seen were\n%s", w.Body)
	}
	if e := all[1].Event; e.Event != "kicked" || e.Session != 1 || e.Reason != "operator" || e.By.Operator != "Olga" || *e.Connected {
		t.Errorf("the kick was seen as %+v", e)
	}
}

func TestAWatcherThatIsTooSlowIsToldSo(t *testing.T) {
	b, _ := signedUp(t, "alice")
	b.Ending = make(chan struct{})
	out := &reader{httptest.NewRecorder(), make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		admin.Handler(b).ServeHTTP(out, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/apps/1400000000/accounts/alice/watch", nil))
	}()
	out.let <- struct{}{} // so that the watch has begun
	for i := range 300 {
		if _, err := b.Sessions.SetDisabled(t.Context(), ours("alice"), i%2 == 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	close(out.let)
	<-done
	all := sights(t, out.Body.String())
	if last := all[len(all)-1]; !strings.Contains(last.End, "some are missing; `rollcall history` has all") || len(all) < 200 || len(all) > 262 {
		t.Errorf("%d lines, the last %+v", len(all), last)
	}
}

func TestAWatchWithoutAServerSaysSo(t *testing.T) {
	b, _ := signedUp(t, "alice")
	_, text := request(t, b, "GET", "/v1/apps/1400000000/accounts/alice/watch", "", nil)
	if all := sights(t, text); len(all) != 2 || len(all[0].Now.Sessions) != 2 || !strings.HasPrefix(all[1].End, "no server runs") {
		t.Errorf("seen were\n%s", text)
	}
}

// A slow store takes two seconds for each page of accounts.
type slow struct{ *sqlite.Store }

func (s slow) LoggedIn(ctx context.Context, app rollcall.AppID, after rollcall.UserID, limit int) ([]store.Account, error) {
	time.Sleep(2 * time.Second)
	return s.Store.LoggedIn(ctx, app, after, limit)
}

func TestALongPreviewTellsHowFarItIs(t *testing.T) {
	b, s := signedUp(t, "alice", "bob")
	synctest.Test(t, func(t *testing.T) {
		b.Sessions = session.New(slow{s}, b.Apps, node.NewRoster(), session.Options{Now: time.Now})
		_, text := request(t, b, "POST", "/v1/apps/1400000000/policy/preview", `{"policy":"single"}`, nil)
		far, text, _ := strings.Cut(text, "\n")
		var last struct {
			Done admin.Applied `json:"done"`
		}
		if err := json.Unmarshal([]byte(text), &last); err != nil || !strings.HasPrefix(far, `{"progress":{"accounts":2,`) {
			t.Fatalf("%v: it said\n%s\nand\n%s", err, far, text)
		}
		sum := last.Done
		if sum.Accounts != 2 || sum.Touched != 2 || sum.Sessions != 2 || len(sum.Examples) != 2 {
			t.Errorf("it would end %+v", sum)
		}
		e := sum.Examples[0]
		const want = "it stays on \"Ann's Web\" (Web): the app does not let an account be logged in on Android and Web at the same time"
		if e.User != "alice" || e.Session.Session != 1 || e.Text != want || *e.By.Platform != rollcall.Web {
			t.Errorf("an example is %+v", e)
		}
	})
	if st, err := s.State(t.Context(), ours("alice")); err != nil || len(st.Sessions) != 2 {
		t.Errorf("a preview left %+v, %v", st, err)
	}
}

func TestAPolicyIsApplied(t *testing.T) {
	b, s := signedUp(t, "alice", "bob")
	if _, text := request(t, b, "PATCH", "/v1/apps/1400000000/settings", `{"policy":"single"}`, nil); !strings.Contains(text, "single") {
		t.Fatal(text)
	}
	for _, want := range []string{
		`{"done":{"accounts":2,"touched":2,"sessions":2,"examples":[{"user":"alice","session":1,`,
		`{"done":{"accounts":2,"touched":0,"sessions":0,"examples":[]}}`,
	} {
		if status, text := request(t, b, "POST", "/v1/apps/1400000000/policy/apply", `{"operator":"Olga"}`, nil); status != 200 || !strings.HasPrefix(text, want) {
			t.Errorf("%d %s, want %s", status, text, want)
		}
	}
	st, err := s.State(t.Context(), ours("bob"))
	if err != nil || len(st.Sessions) != 1 || st.Kicks[0].By.Operator != "Olga" {
		t.Errorf("applied, it left %+v, %v", st, err)
	}
}
