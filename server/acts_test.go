package server_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/server"
	"rollcall.example/wire"
)

func TestMySessionsAreThoseOfTheAccount(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		phone := w.device("alice", "phone", rollcall.Android)
		phone.name = "Alice's phone"
		phone.online().hangUp()
		synctest.Wait()
		left := time.Now()
		time.Sleep(time.Minute)
		w.device("bob", "bobs", rollcall.Mac).online()
		p := w.device("alice", "mac", rollcall.Mac).online()
		all := p.ask(&wire.ListSessionsRequest{}).GetSessions().GetSessions()
		if len(all) != 2 {
			t.Fatalf("alice sees %v, want two sessions", all)
		}
		x := all[0]
		if x.GetSession() != 1 || x.GetDeviceId() != "phone" || x.GetDeviceName() != "Alice's phone" || x.GetPlatform() != uint32(rollcall.Android) ||
			x.GetAwaySinceMs() != left.UnixMilli() || x.GetLoginMs() != left.UnixMilli() || x.GetCurrent() {
			t.Errorf("the phone is listed as %v, away since %d", x, left.UnixMilli())
		}
		if x := all[1]; x.GetSession() != 2 || !x.GetCurrent() || x.GetAwaySinceMs() != 0 {
			t.Errorf("the session that asks is listed as %v", x)
		}
	})
}

func TestASignOutEndsTheOthersAndToldThemWhoWantedIt(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		phone, web := w.device("alice", "phone", rollcall.Android), w.device("alice", "page", rollcall.Web)
		pp, wp := phone.online(), web.online()
		mac := w.device("alice", "mac", rollcall.Mac)
		mac.name = "Alice's Mac"
		p := mac.online()
		if a := p.ask(&wire.SignOutRequest{Session: 1}).GetSignOut(); a.GetCount() != 1 || a.GetValidFromS() != 0 {
			t.Errorf("a sign-out was answered with %v", a)
		}
		n := pp.read().GetNotice()
		if n.GetReason() != wire.Reason_REASON_SIGNED_OUT_ELSEWHERE || n.GetBySession() != 3 || n.GetByDeviceName() != "Alice's Mac" || n.GetExpired() {
			t.Errorf("the phone was told %v", n)
		}
		pp.send(&wire.Acknowledgement{Session: 1})
		pp.closed(wire.CloseKicked)
		wp.silent(time.Second)

		if a := p.ask(&wire.SignOutRequest{UserSigs: true}).GetSignOut(); a.GetCount() != 1 || a.GetValidFromS() <= time.Now().Unix()-60 {
			t.Errorf("a sign-out of all others was answered with %v", a)
		}
		if n := wp.read().GetNotice(); n.GetReason() != wire.Reason_REASON_SIGNED_OUT_ELSEWHERE {
			t.Errorf("the page was told %v", n)
		}
		p.silent(time.Minute) // it lives on, though its UserSig is dead for logins
		w.connect().refused(phone.attempt(), imcode.UserSigExpired)
		time.Sleep(2 * time.Second)
		if a := p.ask(&wire.RenewRequest{UserSig: w.sig("alice", time.Hour)}).GetRenew(); a.GetExpiresS() == 0 {
			t.Error("a new UserSig, one that ends sooner, was not taken")
		}
		w.wantHistory("alice", "signed up", "login 1", "login 2", "login 3", "kicked 1", "kicked 2", "UserSigs revoked", "refused 70001")
	})
}

func TestWhatASignOutMayNot(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.device("bob", "bobs", rollcall.Android).online()
		w.device("bob", "bobs-mac", rollcall.Mac).online()
		stranger := w.connect()
		stranger.refused(&wire.ListSessionsRequest{}, imcode.AuthInvalid)
		stranger.refused(&wire.SignOutRequest{}, imcode.AuthInvalid)
		p := w.device("alice", "phone", rollcall.Android).online()
		p.refused(&wire.SignOutRequest{Session: 1}, imcode.InvalidParameters) // itself
		p.refused(&wire.SignOutRequest{Session: 2}, imcode.InvalidParameters) // bob has one of that number
		p.refused(&wire.SignOutRequest{Session: 1 << 60, UserSigs: true}, imcode.InvalidParameters)
		if s := w.state("bob"); len(s.Sessions) != 2 {
			t.Errorf("bob has %d sessions left of 2", len(s.Sessions))
		}
		if s := w.state("alice"); len(s.Sessions) != 1 || s.ValidFrom != 0 {
			t.Errorf("refused sign-outs changed alice to %+v", s)
		}
	})
}

// TestOperatorsActs: what the connected one is told, what its return gets that was
// not told, and what its login gets then.
func TestOperatorsActs(t *testing.T) {
	for _, tt := range []struct {
		name          string
		act           func(context.Context, *session.Sessions) error
		reason        wire.Reason
		expired       bool
		close         wire.CloseCode
		resume, login string
	}{
		{
			"kick", func(ctx context.Context, s *session.Sessions) error {
				_, err := s.Kick(ctx, account("alice"), policy.Target{}, "Olga")
				return err
			},
			wire.Reason_REASON_OPERATOR, false, wire.CloseKicked, "notice 0", "session",
		},
		{
			"REST kick", func(ctx context.Context, s *session.Sessions) error {
				_, err := s.Revoke(ctx, account("alice"), 0, "Olga")
				return err
			},
			wire.Reason_REASON_REST_KICK, true, wire.CloseExpired, "notice 0", "refused 70001",
		},
		{
			"disable", func(ctx context.Context, s *session.Sessions) error {
				_, err := s.SetDisabled(ctx, account("alice"), true, "Olga")
				return err
			},
			wire.Reason_REASON_ACCOUNT_DISABLED, false, wire.CloseKicked, "notice 70051", "refused 70051",
		},
		{
			"delete", func(ctx context.Context, s *session.Sessions) error {
				_, err := s.Delete(ctx, account("alice"), "Olga")
				return err
			},
			wire.Reason_REASON_ACCOUNT_DELETED, false, wire.CloseKicked, "notice 0", "session",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			story(t, server.Config{}, func(t *testing.T, w *world) {
				there, away := w.device("alice", "mac", rollcall.Mac), w.device("alice", "phone", rollcall.Android)
				p := there.online()
				away.online().hangUp()
				synctest.Wait()
				if err := tt.act(t.Context(), w.server.Sessions()); err != nil {
					t.Fatal(err)
				}
				if n := p.read().GetNotice(); n.GetReason() != tt.reason || n.GetExpired() != tt.expired {
					t.Errorf("the connected one was told %v", n)
				}
				p.send(&wire.Acknowledgement{Session: 1})
				p.closed(tt.close)
				for range 2 { // an answer does not make it told
					if got := outcome(w.connect().ask(away.resume())); got != tt.resume {
						t.Errorf("the return of the one that was away gets %s, want %s", got, tt.resume)
					}
				}
				if got := outcome(w.connect().ask(away.attempt())); got != tt.login {
					t.Errorf("its login gets %s, want %s", got, tt.login)
				}
				rows, err := w.server.Store().History(t.Context(), account("alice"), 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					if r.Kind == policy.EventKicked && r.By.Operator != "Olga" {
						t.Errorf("the history says %q kicked", r.By.Operator)
					}
				}
			})
		})
	}
}

func TestActsOnWhoIsNotThere(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		s := w.server.Sessions()
		if _, err := s.Kick(t.Context(), account("nobody"), policy.Target{}, ""); imcode.Of(err) != imcode.AccountNotFound {
			t.Errorf("kicking an unknown account: %v, want 70107", err)
		}
		if _, err := s.Kick(t.Context(), rollcall.Account{App: 7, User: "alice"}, policy.Target{}, ""); imcode.Of(err) != imcode.AppNotFound {
			t.Errorf("kicking in an unknown app: %v, want 70020", err)
		}
		if _, err := s.Preview(t.Context(), 7, policy.Multi(), nil); imcode.Of(err) != imcode.AppNotFound {
			t.Errorf("a preview of an unknown app: %v, want 70020", err)
		}
		if st := w.state("nobody"); st.Exists() || st.Counter != 0 {
			t.Errorf("an act on nobody left %+v", st)
		}
	})
}

// TestPreviewAndApply: over more accounts than one page, while logins go on; the
// preview is what apply does.
func TestPreviewAndApply(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		var told []*peer
		const accounts = 300
		for i := range accounts {
			user := fmt.Sprintf("user-%03d", i)
			p := w.device(user, "phone", rollcall.Android).online()
			if i%3 == 0 {
				w.device(user, "mac", rollcall.Mac).online()
				told = append(told, p)
			}
		}
		s, pages := w.server.Sessions(), 0
		would, err := s.Preview(t.Context(), app, policy.Single(), func(session.Applied) { pages++ })
		if err != nil || would.Accounts != accounts || would.Touched != len(told) || would.Sessions != len(told) || len(would.Examples) != 20 || pages != 2 {
			t.Errorf("preview: %d of %d accounts, %d sessions, %d examples, %d pages, %v", would.Touched, would.Accounts, would.Sessions, len(would.Examples), pages, err)
		}
		told[0].silent(time.Second)

		none, err := s.Apply(t.Context(), app, "Olga", nil) // of the policy in force
		if err != nil || none.Sessions != 0 {
			t.Errorf("applying what is in force ended %d sessions, %v", none.Sessions, err)
		}
		w.under(apps.Policy{Name: "single"})
		told[0].silent(time.Second) // a setting throws nobody out
		did, err := s.Apply(t.Context(), app, "Olga", nil)
		if err != nil || did.Touched != would.Touched || did.Sessions != would.Sessions || did.Accounts != accounts {
			t.Errorf("apply: %+v, the preview was %+v; %v", did, would, err)
		}
		for _, p := range told {
			n := p.read().GetNotice()
			if n.GetReason() != wire.Reason_REASON_POLICY_APPLIED || n.GetByPlatform() != uint32(rollcall.Mac) || n.GetByRule() != wire.Rule_RULE_OTHER_PLATFORM {
				t.Fatalf("told %v, want that the policy was applied and the Mac stays", n)
			}
		}
		if again, err := s.Apply(t.Context(), app, "Olga", nil); err != nil || again.Sessions != 0 {
			t.Errorf("applied twice it ended %d sessions, %v", again.Sessions, err)
		}
	})
}

func TestWhoWatchesHearsWhatHappens(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		events, stop := w.server.Sessions().Watch(account("alice"))
		slow, stopSlow := w.server.Sessions().Watch(account("alice"))
		defer stopSlow()
		w.device("bob", "bobs", rollcall.Android).online()
		w.device("alice", "phone", rollcall.Android).online().hangUp()
		synctest.Wait()
		var got []string
		for range 3 {
			got = append(got, (<-events).Kind.String())
		}
		if want := "[signed up login away]"; fmt.Sprint(got) != want {
			t.Errorf("heard %v, want %s", got, want)
		}
		stop()
		if _, open := <-events; open {
			t.Error("heard something after the end of the watch")
		}
		for range 300 { // more than wait for anybody
			if _, err := w.server.Sessions().SetDisabled(t.Context(), account("alice"), true, ""); err != nil {
				t.Fatal(err)
			}
			if _, err := w.server.Sessions().SetDisabled(t.Context(), account("alice"), false, ""); err != nil {
				t.Fatal(err)
			}
		}
		heard := 0
		for range slow {
			heard++
		}
		if heard != 256 {
			t.Errorf("who does not listen heard %d events before the end", heard)
		}
	})
}
