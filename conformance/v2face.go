package conformance

import (
	"context"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/imcode"
	"rollcall.example/v2tim"
)

// V2TIM is the face of package v2tim.
type V2TIM struct{}

// Name implements Face.
func (V2TIM) Name() string { return "v2tim" }

// v2Words is how package v2tim spells events.
var v2Words = map[Kind]string{
	Connecting:    "OnConnecting",
	Connected:     "OnConnectSuccess",
	ConnectFails:  "OnConnectFailed",
	Kicked:        "OnKickedOffline",
	TicketEnds:    "OnUserSigWillExpire",
	TicketExpired: "OnUserSigExpired",
	NewMessage:    "OnRecvNewMessage",
	Recalled:      "OnRecvMessageRevoked",
	ReadByPeer:    "OnRecvC2CReadReceipt",
	UnreadChanges: "OnTotalUnreadMessageCountChanged",
	LoginResult:   "Login's OnSuccess or OnError",
	RenewalResult: "RenewUserSig's OnSuccess or OnError",
	LogoutResult:  "Logout's OnSuccess or OnError",
	SignOutResult: "SignOut's, SignOutOthers' OnSuccess or OnError",
	SendResult:    "SendMessage's OnSuccess or OnError",
	RecallResult:  "RevokeMessage's OnSuccess or OnError",
	DeleteResult:  "DeleteMessages', DeleteConversation's OnSuccess or OnError",
	MarkResult:    "CleanConversationUnreadMessageCount's OnSuccess or OnError",
	PinResult:     "PinConversation's OnSuccess or OnError",
}

// Spell implements Face.
func (V2TIM) Spell(k Kind) string { return v2Words[k] }

// Lacks implements Face: the vendor's calls take no context, and its pages tell of no
// gaps.
func (V2TIM) Lacks(a Ability) bool { return a == CanGiveUp || a == ShowsGaps }

// Open implements Face. InitSDK says no more than whether it succeeded: that it
// did not is 6018.
func (V2TIM) Open(s Setup) (Device, error) {
	m := v2tim.NewV2TIMManager()
	m.AddIMSDKListener(&v2tim.V2TIMSDKListener{
		OnConnecting:     func() { s.Hear(Event{Kind: Connecting}) },
		OnConnectSuccess: func() { s.Hear(Event{Kind: Connected}) },
		OnConnectFailed: func(code int, desc string) {
			s.Hear(Event{Kind: ConnectFails, Result: Result{Code: imcode.Code(code)}, Text: desc})
		},
		OnKickedOffline:  func() { s.Hear(Event{Kind: Kicked}) },
		OnUserSigExpired: func() { s.Hear(Event{Kind: TicketExpired}) },

		OnUserSigWillExpire: func(int64) { s.Hear(Event{Kind: TicketEnds}) },
	})
	v2HearsChat(m, s.Hear)
	config := v2tim.V2TIMSDKConfig{
		ServerAddress: s.URL, DataDirectory: s.DataDirectory, Platform: s.Platform, DeviceName: s.DeviceName, Dial: s.Dial,
	}
	if s.Provider != nil {
		config.UserSig = func(_ context.Context, user rollcall.UserID) (string, error) { return s.Provider(string(user)) }
	}
	if !m.InitSDK(uint32(s.App), config) {
		return nil, imcode.InitFailed.Errorf("InitSDK said no")
	}
	return v2Device{m}, nil
}

// A v2Device is a device with package v2tim.
type v2Device struct{ manager *v2tim.V2TIMManager }

// Do implements Device.
func (d v2Device) Do(q Request, c Call) {
	callback := v2tim.V2TIMCallback{
		OnSuccess: func() { c.Done(Result{}) },
		OnError:   func(code int, _ string) { c.Done(Result{Code: imcode.Code(code)}) },
	}
	switch q.Kind {
	case RenewalResult:
		d.manager.RenewUserSig(q.Ticket, callback)
	case LogoutResult:
		d.manager.Logout(callback)
	case SignOutResult:
		o := client.SignOutOptions{UserSigs: q.Tickets}
		out := v2tim.V2TIMValueCallback[client.SignedOut]{
			OnSuccess: func(client.SignedOut) { callback.OnSuccess() }, OnError: callback.OnError,
		}
		if q.Session != 0 {
			d.manager.SignOut(q.Session, o, out)
			return
		}
		d.manager.SignOutOthers(o, out)
	case LoginResult:
		d.manager.Login(q.User, q.Ticket, callback)
	default:
		d.chat(q, callback)
	}
}

// Sessions implements Device.
func (d v2Device) Sessions() ([]Seen, error) {
	all, err := v2Wait(d.manager.GetLoginSessions)
	return seen(all), err
}

// GiveUp implements Device; no scenario asks this face for it.
func (v2Device) GiveUp() {}

// Standing implements Device.
func (d v2Device) Standing() (Status, string) {
	status := LoggedOut
	switch d.manager.GetLoginStatus() {
	case v2tim.V2TIM_STATUS_LOGINED:
		status = LoggedIn
	case v2tim.V2TIM_STATUS_LOGINING:
		status = LoggingIn
	}
	return status, d.manager.GetLoginUser()
}

// Close implements Device.
func (d v2Device) Close() error {
	d.manager.UnInitSDK()
	return nil
}
