// Package v2tim is package client under the vendor's names: an application that
// was written for the vendor's SDK finds here what it calls, with the same
// words, numbers and orders.
//
//	v2tim.GetInstance().InitSDK(sdkAppID, v2tim.V2TIMSDKConfig{ServerAddress: "wss://im.example.com"})
//	v2tim.GetInstance().AddIMSDKListener(&listener)
//	v2tim.GetInstance().Login(userID, userSig, v2tim.V2TIMCallback{OnSuccess: ..., OnError: ...})
//
// Names are those of the vendor's Java and C++ faces with a capital first
// letter. What is an abstract class there is a struct of functions here, of
// which those that are nil are not called.
//
// # What callers may rely on
//
//   - Calls with a callback return at once, and GetLoginStatus knows of them by then.
//   - Of a callback's two functions exactly one is called, exactly once, and
//     never before the call has returned.
//   - Callbacks and listeners are called one after the other on one goroutine,
//     and may call everything. Only what is called without InitSDK is answered
//     (with 6013) on a goroutine of its own.
//   - Listeners stay through logins, logouts and UnInitSDK, until they are
//     removed.
//
// Behaviour: docs/client.md. Codes: package imcode.
package v2tim

import (
	"errors"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
)

// What GetLoginStatus answers.
const (
	V2TIM_STATUS_LOGINED  = 1 // logged in
	V2TIM_STATUS_LOGINING = 2 // logging in
	V2TIM_STATUS_LOGOUT   = 3 // not logged in
)

// A V2TIMCallback takes the result of a call.
type V2TIMCallback struct {
	OnSuccess func()
	OnError   func(code int, desc string)
}

// A V2TIMValueCallback takes the result of a call that brings a value.
type V2TIMValueCallback[T any] struct {
	OnSuccess func(value T)
	OnError   func(code int, desc string)
}

// A V2TIMSDKListener hears of the connection and of the end of a login that the
// app did not end itself. See client.Listener for when each is called.
type V2TIMSDKListener struct {
	OnConnecting     func()
	OnConnectSuccess func()
	OnConnectFailed  func(code int, desc string)
	OnKickedOffline  func()
	OnUserSigExpired func()

	// OnUserSigWillExpire is our addition: the userSig of the session that is in
	// is over from ends on, in seconds since 1970 UTC as GetServerTime counts
	// them. RenewUserSig with a new one keeps the session.
	OnUserSigWillExpire func(ends int64)
}

// A V2TIMManager is one client of the SDK. There is one per process, GetInstance;
// tests and bots make more with NewV2TIMManager.
type V2TIMManager struct {
	mu        sync.Mutex
	client    *client.Client // nil without InitSDK
	app       uint32
	listeners []*V2TIMSDKListener

	simple       []*V2TIMSimpleMsgListener
	advanced     []*V2TIMAdvancedMsgListener
	conversation []*V2TIMConversationListener
}

var instance = NewV2TIMManager()

// GetInstance is the process's V2TIMManager.
func GetInstance() *V2TIMManager { return instance }

// NewV2TIMManager is a V2TIMManager besides the process's own one.
func NewV2TIMManager() *V2TIMManager { return new(V2TIMManager) }

// InitSDK makes the manager ready for Login. It uses no network. False: the
// configuration is wrong or its data directory cannot be used; the LogListener
// hears why. Initialised already, it changes nothing and is true for the same
// app.
func (m *V2TIMManager) InitSDK(sdkAppID uint32, config V2TIMSDKConfig) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.client != nil {
		return m.app == sdkAppID
	}
	log := config.log()
	c, err := client.Open(rollcall.AppID(sdkAppID), config.ServerAddress, config.options(log))
	if err != nil {
		log.Error("InitSDK", "err", err)
		return false
	}
	c.AddListener(m.forward())
	c.AddListener(m.forwardChat(c))
	m.client, m.app = c, sdkAppID
	return true
}

// UnInitSDK ends what InitSDK began: a login on its way gets 7009, and no
// callback runs any more. The session is not logged out: call Logout first.
func (m *V2TIMManager) UnInitSDK() {
	m.mu.Lock()
	c := m.client
	m.client = nil
	m.mu.Unlock()
	if c != nil {
		_ = c.Close()
	}
}

// AddIMSDKListener lets l hear from now on; once is enough.
func (m *V2TIMManager) AddIMSDKListener(l *V2TIMSDKListener) {
	add(m, &m.listeners, l)
}

// RemoveIMSDKListener takes l away again.
func (m *V2TIMManager) RemoveIMSDKListener(l *V2TIMSDKListener) {
	remove(m, &m.listeners, l)
}

// Login logs userID in with a userSig from the app's server. Who was in before
// is logged out. Only 6206 and 70001 are a reason to call it again unasked, with
// a new userSig.
func (m *V2TIMManager) Login(userID, userSig string, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartLogin(userID, userSig, callback.result)
	}
}

// RenewUserSig gives who is in a new userSig, with which the session goes on; it
// never logs anybody in. With nobody in it is 6014. It is our addition: the
// vendor's apps call Login for the same userID, which does the same.
func (m *V2TIMManager) RenewUserSig(userSig string, callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartRenewUserSig(userSig, callback.result)
	}
}

// GetLoginSessions lists where the account that is in is logged in, as the server
// has it. It is our addition, like SignOut and SignOutOthers.
func (m *V2TIMManager) GetLoginSessions(callback V2TIMValueCallback[[]client.DeviceSession]) {
	if c := m.sdk(callback.failure()); c != nil {
		c.StartSessions(callback.result)
	}
}

// SignOut ends another session of the account that is in, by its Number.
func (m *V2TIMManager) SignOut(session uint64, o client.SignOutOptions, callback V2TIMValueCallback[client.SignedOut]) {
	if c := m.sdk(callback.failure()); c != nil {
		c.StartSignOut(session, o, callback.result)
	}
}

// SignOutOthers ends all sessions of the account that is in but this one.
// The value says how many, and from when on UserSigs are good.
func (m *V2TIMManager) SignOutOthers(o client.SignOutOptions, callback V2TIMValueCallback[client.SignedOut]) {
	if c := m.sdk(callback.failure()); c != nil {
		c.StartSignOutOthers(o, callback.result)
	}
}

// Logout logs out whoever is in; with nobody in it succeeds.
func (m *V2TIMManager) Logout(callback V2TIMCallback) {
	if c := m.sdk(callback); c != nil {
		c.StartLogout(callback.result)
	}
}

// GetLoginUser is the UserID that is logged in; "" when nobody is.
func (m *V2TIMManager) GetLoginUser() string {
	if c := m.ready(); c != nil {
		return string(c.LoginUser())
	}
	return ""
}

// GetLoginStatus is one of the V2TIM_STATUS constants.
func (m *V2TIMManager) GetLoginStatus() int {
	if c := m.ready(); c != nil {
		return int(c.LoginStatus())
	}
	return V2TIM_STATUS_LOGOUT
}

// GetServerTime is the server's clock in seconds since 1970 UTC; 0 before the
// server has first been heard.
func (m *V2TIMManager) GetServerTime() int64 {
	c := m.ready()
	if c == nil || c.ServerTime().IsZero() {
		return 0
	}
	return c.ServerTime().Unix()
}

// GetVersion is the version of the SDK.
func (m *V2TIMManager) GetVersion() string { return client.Version }

// ready is the client of InitSDK, or nil.
func (m *V2TIMManager) ready() *client.Client {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.client
}

// sdk is ready, and answers the callback where there is none.
func (m *V2TIMManager) sdk(callback V2TIMCallback) *client.Client {
	c := m.ready()
	if c == nil {
		go callback.result(imcode.NotInitialized.Errorf("call InitSDK first"))
	}
	return c
}

// result calls the one function that err is for.
func (c V2TIMCallback) result(err error) {
	switch {
	case err == nil && c.OnSuccess != nil:
		c.OnSuccess()
	case err != nil && c.OnError != nil:
		c.OnError(int(imcode.Of(err)), describe(err))
	}
}

// result calls the one function that err is for.
func (c V2TIMValueCallback[T]) result(value T, err error) {
	if err != nil {
		c.failure().result(err)
	} else if c.OnSuccess != nil {
		c.OnSuccess(value)
	}
}

// failure is the callback of what brings no value.
func (c V2TIMValueCallback[T]) failure() V2TIMCallback { return V2TIMCallback{OnError: c.OnError} }

// describe says what was wrong, without the code that stands beside it.
func describe(err error) string {
	if e, ok := errors.AsType[*imcode.Error](err); ok && e.Detail != "" {
		return e.Detail
	}
	if e, ok := imcode.Lookup(int(imcode.Of(err))); ok {
		return e.Meaning
	}
	return err.Error()
}

// forward tells every listener that is there at the time.
func (m *V2TIMManager) forward() client.Listener {
	return client.Listener{
		Connecting:     func() { each(m, &m.listeners, func(l *V2TIMSDKListener) { call(l.OnConnecting) }) },
		ConnectSuccess: func() { each(m, &m.listeners, func(l *V2TIMSDKListener) { call(l.OnConnectSuccess) }) },
		ConnectFailed: func(code imcode.Code, text string) {
			each(m, &m.listeners, func(l *V2TIMSDKListener) {
				if l.OnConnectFailed != nil {
					l.OnConnectFailed(int(code), text)
				}
			})
		},
		KickedOffline: func(client.Kick) { each(m, &m.listeners, func(l *V2TIMSDKListener) { call(l.OnKickedOffline) }) },
		UserSigWillExpire: func(ends time.Time) {
			each(m, &m.listeners, func(l *V2TIMSDKListener) {
				if l.OnUserSigWillExpire != nil {
					l.OnUserSigWillExpire(ends.Unix())
				}
			})
		},
		UserSigExpired: func() { each(m, &m.listeners, func(l *V2TIMSDKListener) { call(l.OnUserSigExpired) }) },
	}
}

func call(f func()) {
	if f != nil {
		f()
	}
}
