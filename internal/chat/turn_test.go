package chat_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/chat"
	"rollcall.example/internal/node"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// TestARecallIsJudgedByWhatIsSoAtItsTurn: it waits in the line, and the message becomes
// older meanwhile, or the app allows another time.
func TestARecallIsJudgedByWhatIsSoAtItsTurn(t *testing.T) {
	const minute = 60
	for _, tt := range []struct {
		name      string
		before    int // the app's recall_seconds
		meanwhile func(s *scene)
		want      imcode.Code
	}{
		{"nothing", minute, func(*scene) {}, imcode.OK},
		{"it is too old by then", minute, func(*scene) { time.Sleep(time.Minute + time.Second) }, imcode.RevokeTimeLimit},
		{"the app allows less by then", 2 * minute, func(s *scene) {
			time.Sleep(30 * time.Second)
			s.allow(20)
		}, imcode.RevokeTimeLimit},
		{"the app allows more by then", minute, func(s *scene) {
			time.Sleep(2 * time.Minute)
			s.allow(10 * minute)
		}, imcode.OK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			play(t, func(s *scene) {
				s.allow(tt.before)
				alice := s.login("alice")
				s.login("bob")
				if err := s.chats.Send(s.t.Context(), chat.Request{Place: alice, Peer: "bob"}, "an id", []byte("hello")); err != nil {
					s.t.Fatal(err)
				}
				var got error
				s.inLine(func() {
					got = s.chats.Recall(s.t.Context(), chat.Request{Place: alice, Peer: "bob"}, 1)
				}, func() { tt.meanwhile(s) })
				if imcode.Of(got) != tt.want {
					s.t.Errorf("got %v, want code %d", got, tt.want)
				}
			})
		})
	}
}

const app rollcall.AppID = 5

// A scene is Conversations over a store, in fake time, with one app.
type scene struct {
	t        *testing.T
	key      string
	apps     *apps.Apps
	sessions *session.Sessions
	store    *faulty
	chats    *chat.Conversations
}

func play(t *testing.T, story func(*scene)) {
	t.Helper()
	playWith(t, chat.Options{}, story)
}

func playWith(t *testing.T, options chat.Options, story func(*scene)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		st, err := sqlite.Open(ctx, dir, sqlite.Options{Node: "local"})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}()
		all, err := apps.Load(ctx, st, apps.Options{})
		if err != nil {
			t.Fatal(err)
		}
		key, err := all.Add(ctx, app, "test", "")
		if err != nil {
			t.Fatal(err)
		}
		roster := node.NewRoster()
		sessions := session.New(st, all, roster, session.Options{})
		f := &faulty{Store: st}
		story(&scene{t, key, all, sessions, f, chat.New(f, all, roster, sessions, options)})
	})
}

// login logs a user in, on a connection that hears nothing.
func (s *scene) login(user rollcall.UserID) *node.Place {
	s.t.Helper()
	sig, err := usersig.Sign(app, s.key, string(user), time.Now(), time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	half := bytes.Repeat([]byte{1}, wire.HalfBytes)
	a, err := s.sessions.Login(s.t.Context(), deaf{}, session.Login{
		Account: rollcall.Account{App: app, User: user}, UserSig: sig, Device: "phone", Platform: rollcall.Android,
		Try: 1, FixedHalf: half, ChangingHalf: half,
	})
	if err != nil || a.Answer != policy.Granted {
		s.t.Fatal(a.Answer, err)
	}
	return a.Place
}

// allow sets for how long a message can be taken back.
func (s *scene) allow(seconds int) {
	if err := s.apps.SetSettings(s.t.Context(), app, apps.Settings{RecallSeconds: seconds}); err != nil {
		s.t.Error(err)
	}
}

// inLine has a request wait in the line, lets something happen, and gives the request
// its turn.
func (s *scene) inLine(ask, meanwhile func()) {
	s.t.Helper()
	var all sync.WaitGroup
	leave := make(chan struct{})
	for s.sessions.Waiting() == 0 { // others take all the room there is
		all.Go(func() {
			end, err := s.sessions.Turn(s.t.Context())
			if err != nil {
				s.t.Error(err)
				return
			}
			<-leave
			end()
		})
		synctest.Wait()
	}
	all.Go(ask)
	synctest.Wait()
	if n := s.sessions.Waiting(); n != 2 {
		s.t.Errorf("%d wait, want one more and the request", n)
	}
	meanwhile()
	close(leave)
	all.Wait()
}

// A deaf connection hears nothing.
type deaf struct{}

func (deaf) Tell(policy.Notice)       {}
func (deaf) Close(wire.Close)         {}
func (deaf) Push(uint64, talk.Change) {}
