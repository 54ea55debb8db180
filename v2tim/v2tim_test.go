package v2tim_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/rollcalltest"
	"rollcall.example/v2tim"
)

// An app writes down what it hears.
type app struct {
	*v2tim.V2TIMManager

	t *testing.T

	mu    sync.Mutex
	heard []string
}

func (a *app) hears(event ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.heard = append(a.heard, fmt.Sprint(event...))
}

func (a *app) callback(what string) v2tim.V2TIMCallback {
	return v2tim.V2TIMCallback{
		OnSuccess: func() { a.hears(what + " ok") },
		OnError:   func(code int, desc string) { a.hears(what, " ", code) },
	}
}

func (a *app) listener() *v2tim.V2TIMSDKListener {
	return &v2tim.V2TIMSDKListener{
		OnConnecting:     func() { a.hears("connecting") },
		OnConnectSuccess: func() { a.hears("connected") },
		OnConnectFailed:  func(code int, desc string) { a.hears("failed ", code) },
		OnKickedOffline:  func() { a.hears("kicked ", a.GetLoginStatus(), a.GetLoginUser()) },
		OnUserSigExpired: func() { a.hears("expired ", a.GetLoginStatus(), a.GetLoginUser()) },
		OnUserSigWillExpire: func(ends int64) {
			a.hears("ends in ", ends-a.GetServerTime(), " s")
		},
	}
}

func (a *app) sessions() v2tim.V2TIMValueCallback[[]client.DeviceSession] {
	return v2tim.V2TIMValueCallback[[]client.DeviceSession]{
		OnSuccess: func(all []client.DeviceSession) {
			for _, s := range all {
				a.hears("session ", s.Number, " on ", s.Platform, " this: ", s.This)
			}
		},
		OnError: func(code int, _ string) { a.hears("sessions ", code) },
	}
}

func (a *app) signOuts() v2tim.V2TIMValueCallback[client.SignedOut] {
	return v2tim.V2TIMValueCallback[client.SignedOut]{
		OnSuccess: func(out client.SignedOut) {
			a.hears("others ", out.Count, " dead until then: ", !out.ValidFrom.IsZero())
		},
		OnError: func(code int, _ string) { a.hears("others ", code) },
	}
}

func (a *app) signOut() v2tim.V2TIMValueCallback[client.SignedOut] {
	c := a.callback("sign-out")
	return v2tim.V2TIMValueCallback[client.SignedOut]{OnSuccess: func(client.SignedOut) { c.OnSuccess() }, OnError: c.OnError}
}

// taken is what the app has heard since the last call.
func (a *app) taken() (heard []string) {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	heard, a.heard = a.heard, nil
	return heard
}

// want fails the test unless that is exactly this.
func (a *app) want(events ...string) {
	a.t.Helper()
	if heard := a.taken(); !slices.Equal(heard, events) {
		a.t.Fatalf("heard %q, want %q", heard, events)
	}
}

// newApp is an app on a device of its own, initialised with the server.
func newApp(t *testing.T, s *rollcalltest.Server, device string) *app {
	t.Helper()
	return newAppOn(t, s, device, 0)
}

// newAppOn is newApp on a platform; 0 is the one that the test runs on.
func newAppOn(t *testing.T, s *rollcalltest.Server, device string, p rollcall.Platform) *app {
	t.Helper()
	a := &app{V2TIMManager: v2tim.NewV2TIMManager(), t: t}
	a.AddIMSDKListener(a.listener())
	o := s.Options(device)
	if !a.InitSDK(uint32(s.App), v2tim.V2TIMSDKConfig{ServerAddress: s.URL, DataDirectory: o.DataDirectory, Dial: o.Dial, Platform: p}) {
		t.Fatal("InitSDK: false")
	}
	t.Cleanup(a.UnInitSDK)
	return a
}

func TestTheSeedsStory(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		a := newApp(t, s, "first")
		if got := a.GetServerTime(); got != 0 {
			t.Errorf("GetServerTime before the first word of the server: %d", got)
		}
		a.Login("alice", s.UserSig("alice", time.Hour), a.callback("login"))
		if got := a.GetLoginStatus(); got != v2tim.V2TIM_STATUS_LOGINING {
			t.Errorf("status just after Login: %d", got)
		}
		time.Sleep(time.Second)
		a.want("connecting", "connected", "login ok")
		if a.GetLoginUser() != "alice" || a.GetLoginStatus() != v2tim.V2TIM_STATUS_LOGINED {
			t.Errorf("%q has status %d", a.GetLoginUser(), a.GetLoginStatus())
		}
		if got, want := a.GetServerTime(), s.Now().Unix(); got != want {
			t.Errorf("GetServerTime %d, want %d", got, want)
		}

		b := newApp(t, s, "second")
		b.Login("alice", s.UserSig("alice", time.Hour), b.callback("login"))
		time.Sleep(time.Second)
		b.want("connecting", "connected", "login ok")
		a.want("kicked 3")

		b.Login("bob", s.UserSig("bob", time.Minute), b.callback("switch"))
		time.Sleep(time.Second)
		b.want("connecting", "connected", "switch ok")
		time.Sleep(30 * time.Second) // half of its minute has passed
		b.want("ends in 31 s")
		b.RenewUserSig(s.UserSig("bob", 2*time.Minute), b.callback("renewal"))
		time.Sleep(61 * time.Second)
		b.want("renewal ok", "ends in 61 s")
		time.Sleep(61 * time.Second)
		b.want("expired 3")
		b.RenewUserSig(s.UserSig("bob", 2*time.Minute), b.callback("renewal"))
		b.want("renewal 6014")

		b.Logout(b.callback("logout"))
		b.want("logout ok")
	})
}

func TestWhereTheAccountIsLoggedIn(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		s.SetPolicy("triple", nil)
		devices := []*app{
			newAppOn(t, s, "first", rollcall.Android), newAppOn(t, s, "second", rollcall.Mac), newAppOn(t, s, "third", rollcall.Web),
		}
		for _, a := range devices {
			a.Login("alice", s.UserSig("alice", time.Hour), a.callback("login"))
			time.Sleep(time.Second)
			a.want("connecting", "connected", "login ok")
		}
		a, b, c := devices[0], devices[1], devices[2]
		a.GetLoginSessions(a.sessions())
		a.want("session 1 on Android this: true", "session 2 on Mac this: false", "session 3 on Web this: false")
		a.SignOut(2, client.SignOutOptions{}, a.signOut())
		a.want("sign-out ok")
		b.want("kicked 3")
		a.SignOut(2, client.SignOutOptions{}, a.signOut())
		a.want("sign-out 70402")
		a.SignOutOthers(client.SignOutOptions{UserSigs: true}, a.signOuts())
		a.want("others 1 dead until then: true")
		c.want("kicked 3")
		a.SignOutOthers(client.SignOutOptions{}, v2tim.V2TIMValueCallback[client.SignedOut]{}) // nobody wants to know
		a.want()
	})
}

func TestBeforeInitSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{V2TIMManager: v2tim.NewV2TIMManager(), t: t}
		a.Login("alice", "", a.callback("login"))
		a.want("login 6013")
		a.Logout(a.callback("logout"))
		a.want("logout 6013")
		a.RenewUserSig("", a.callback("renewal"))
		a.want("renewal 6013")
		a.GetLoginSessions(a.sessions())
		a.want("sessions 6013")
		a.SignOut(1, client.SignOutOptions{}, a.signOut())
		a.want("sign-out 6013")
		a.SignOutOthers(client.SignOutOptions{}, a.signOuts())
		a.want("others 6013")
		conversations := func(what string) v2tim.V2TIMValueCallback[v2tim.V2TIMConversationResult] {
			return v2tim.V2TIMValueCallback[v2tim.V2TIMConversationResult]{OnError: func(code int, _ string) { a.hears(what, " ", code) }}
		}
		messages := v2tim.V2TIMValueCallback[[]v2tim.V2TIMMessage]{OnError: func(code int, _ string) { a.hears("history ", code) }}
		sent := v2tim.V2TIMValueCallback[v2tim.V2TIMMessage]{OnError: func(code int, _ string) { a.hears("sent ", code) }}
		for what, call := range map[string]func(){
			"sent":    func() { a.SendC2CTextMessage("hello", "bob", sent) },
			"list":    func() { a.GetConversationList(0, 10, conversations("list")) },
			"history": func() { a.GetC2CHistoryMessageList("bob", 10, nil, messages) },
			"read":    func() { a.CleanConversationUnreadMessageCount("c2c_bob", 0, 0, a.callback("read")) },
			"old":     func() { a.MarkC2CMessageAsRead("bob", a.callback("old")) },
			"pin":     func() { a.PinConversation("c2c_bob", true, a.callback("pin")) },
			"draft":   func() { a.SetConversationDraft("c2c_bob", "x", a.callback("draft")) },
			"delete":  func() { a.DeleteConversation("c2c_bob", a.callback("delete")) },
			"clear":   func() { a.ClearC2CHistoryMessage("bob", a.callback("clear")) },
			"revoke":  func() { a.RevokeMessage(v2tim.V2TIMMessage{UserID: "bob", Sequence: 1}, a.callback("revoke")) },
			"drop":    func() { a.DeleteMessages(nil, a.callback("drop")) },
		} {
			call()
			a.want(what + " 6013")
		}
		if a.GetLoginUser() != "" || a.GetLoginStatus() != v2tim.V2TIM_STATUS_LOGOUT || a.GetServerTime() != 0 {
			t.Errorf("somebody is there: %q, status %d", a.GetLoginUser(), a.GetLoginStatus())
		}
		if a.GetVersion() != client.Version {
			t.Errorf("version %q", a.GetVersion())
		}
		a.UnInitSDK()                                           // does nothing
		a.Login("alice", "", v2tim.V2TIMCallback{})             // nobody wants to know
		a.Login("alice", "", v2tim.V2TIMCallback{OnError: nil}) // nor here
	})
}

func TestInitSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := v2tim.NewV2TIMManager()
		var lines []string
		config := v2tim.V2TIMSDKConfig{LogLevel: v2tim.V2TIM_LOG_WARN, LogListener: func(level int, text string) {
			lines = append(lines, fmt.Sprint(level, " ", text))
		}}
		if m.InitSDK(1, config) {
			t.Error("InitSDK without a server address: true")
		}
		if len(lines) != 1 || !strings.HasPrefix(lines[0], "6 ") || !strings.Contains(lines[0], "6017") {
			t.Errorf("the log listener heard %q", lines)
		}
		config.ServerAddress = "ws://im.example.com"
		if !m.InitSDK(1, config) {
			t.Error("InitSDK: false")
		}
		if !m.InitSDK(1, config) {
			t.Error("InitSDK again for the same app: false")
		}
		if m.InitSDK(2, config) {
			t.Error("InitSDK for another app: true")
		}
		m.UnInitSDK()
		if !m.InitSDK(2, config) {
			t.Error("InitSDK for another app after UnInitSDK: false")
		}
		m.UnInitSDK()
		if len(lines) != 1 {
			t.Errorf("the log listener heard %q", lines)
		}
	})
}

// An illegal UserID is refused on the spot: 7003, and no traffic.
func TestIllegalUserID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &app{V2TIMManager: v2tim.NewV2TIMManager(), t: t}
		a.AddIMSDKListener(a.listener())
		a.InitSDK(1, v2tim.V2TIMSDKConfig{ServerAddress: "ws://im.example.com", Dial: func(context.Context, string, string) (net.Conn, error) {
			t.Error("there was traffic")
			return nil, net.ErrClosed
		}})
		defer a.UnInitSDK()
		a.Login("your user id", "userSig from your server", a.callback("login"))
		time.Sleep(time.Minute)
		a.want("login 7003")
	})
}

func TestUnInitSDKDuringLogin(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		a := newApp(t, s, "first")
		a.Login("alice", s.UserSig("alice", time.Hour), a.callback("login"))
		a.UnInitSDK()
		a.want("connecting", "login 7009")
		time.Sleep(time.Hour)
		a.want()
	})
}

func TestListenersOfTheManager(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		a := newApp(t, s, "first")
		other := a.listener()
		a.AddIMSDKListener(other)
		a.AddIMSDKListener(other)
		a.AddIMSDKListener(nil)
		a.AddIMSDKListener(&v2tim.V2TIMSDKListener{OnConnecting: func() { a.RemoveIMSDKListener(other) }})
		a.Login("alice", s.UserSig("alice", time.Hour), a.callback("login"))
		time.Sleep(time.Second)
		a.want("connecting", "connecting", "connected", "login ok")

		a.UnInitSDK() // they stay
		o := s.Options("second")
		a.InitSDK(uint32(s.App), v2tim.V2TIMSDKConfig{ServerAddress: s.URL, Dial: o.Dial})
		a.Login("alice", s.UserSig("alice", time.Hour), a.callback("login"))
		time.Sleep(time.Second)
		a.want("connecting", "connected", "login ok")
	})
}
