package client

import (
	"slices"
	"sync"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// A Status is whether somebody is in. The numbers are the vendor's.
type Status int

// The statuses.
const (
	StatusLogined  Status = 1 // somebody is in, also while the connection is being made again
	StatusLogining Status = 2 // a login is on its way
	StatusLogout   Status = 3 // nobody is in
)

func (s Status) String() string {
	switch s {
	case StatusLogined:
		return "LOGINED"
	case StatusLogining:
		return "LOGINING"
	default:
		return "LOGOUT"
	}
}

// A Listener is what an app wants to hear; what is nil is not called. One
// goroutine makes all calls of a client, one after the other in the order in
// which things happened. A callback may call every method of the client; while
// it runs, the callbacks after it wait.
type Listener struct {
	// Connecting: a connection is being made, for a login or because one was
	// lost. Then comes any number of ConnectFailed, and in the end
	// ConnectSuccess, KickedOffline, UserSigExpired or a logout.
	Connecting func()

	// ConnectSuccess: the server has answered. A login's result follows; a
	// session that was in before is served again.
	ConnectSuccess func()

	// ConnectFailed: one try to connect has failed. The client goes on by
	// itself; the app need do nothing.
	ConnectFailed func(code imcode.Code, text string)

	// KickedOffline: the session was ended by somebody else. Nobody is in.
	KickedOffline func(Kick)

	// UserSigWillExpire: the UserSig of the session that is in is over from ends
	// on, which is soon (Options.UserSigWarning). Get a new one and give it to
	// RenewUserSig: the session goes on. It is called once for each UserSig, with
	// or without a connection, and not at all where there is a provider.
	UserSigWillExpire func(ends time.Time)

	// UserSigExpired: the UserSig has ended or was made worthless, and no
	// provider had another. Nobody is in. Log in with a new one.
	UserSigExpired func()

	// NewMessage: a message has come, from another account or from another device
	// of this one. Each is told once, in the order of its conversation, also when
	// it was sent while this device was away; of a device that is new to the
	// account, those since its first login.
	NewMessage func(Message)

	// MessageRecalled: a message was taken back by its sender, now or while this
	// device was away. Of one that the app never heard of it is not told.
	MessageRecalled func(Message)

	// ReadByPeer: the other side has read what was sent to it, up to a message.
	ReadByPeer func(id rollcall.ConversationID, sequence uint64)

	// ConversationNew, ConversationChanged, ConversationDeleted: the list has
	// changed. What they bring is as it is now, not each step on the way.
	ConversationNew     func([]Conversation)
	ConversationChanged func([]Conversation)
	ConversationDeleted func([]rollcall.ConversationID)

	// TotalUnreadChanged: so many messages are unread in all conversations.
	TotalUnreadChanged func(total int)

	// SyncStart, then SyncFinish or SyncFailed: after a login and when the client
	// has come back, the conversations on this device are brought up to what the
	// server has. After SyncFailed the client tries again by itself, now or when
	// it is connected again.
	SyncStart  func()
	SyncFinish func()
	SyncFailed func(code imcode.Code, text string)
}

// A Kick says how a session was lost.
type Kick struct {
	Reason Reason
	Code   imcode.Code // 0, or the code that goes with it (6208, 70051, ...)
	Text   string      // a sentence for people; may be empty
	At     time.Time   // by the server's clock; zero if not known

	// With ReasonNewerLogin and ReasonPolicyApplied: who took, or kept, the
	// place. With ReasonSignedOutElsewhere: who asked for it.
	BySession    uint64
	ByPlatform   rollcall.Platform
	ByDeviceName string

	// With ReasonNewerLogin and ReasonPolicyApplied: why there was no room for
	// both. Limit goes with KickRuleOverLimit: the number of sessions that the
	// platform may have, as it was in force then.
	Rule  KickRule
	Limit int
}

// A KickRule is the part of an app's login policy that left a session no room.
type KickRule int

// The rules. The numbers are those of the wire; a newer server may send others.
const (
	KickRuleNone          KickRule = iota // or not known
	KickRuleOtherPlatform                 // another platform of its group has the place
	KickRuleOverLimit                     // there were more sessions on its platform than it may have
)

func (r KickRule) String() string {
	switch r {
	case KickRuleOtherPlatform:
		return "another platform of its group"
	case KickRuleOverLimit:
		return "over the limit"
	default:
		return "none"
	}
}

// A Reason is why a session was ended by somebody else.
type Reason int

// The reasons. The numbers are those of the wire; a newer server may send others.
const (
	ReasonUnknown             Reason = iota
	ReasonNewerLogin                 // a newer login took its place
	ReasonOperator                   // an operator kicked it
	ReasonSignedOutElsewhere         // the user signed it out from another device
	ReasonPolicyApplied              // a policy was applied to those who were in
	ReasonSameDeviceElsewhere        // this device's id logged in elsewhere
	ReasonSecretUsedTwice            // two clients used the session's secret: a copied data directory
	ReasonAccountDisabled            // the account was disabled
	ReasonAccountDeleted             // the account was deleted
	ReasonRESTKick                   // all earlier UserSigs were revoked: the vendor's kick by REST
)

var reasonTexts = [...]string{
	ReasonUnknown:             "unknown",
	ReasonNewerLogin:          "newer login",
	ReasonOperator:            "operator",
	ReasonSignedOutElsewhere:  "signed out elsewhere",
	ReasonPolicyApplied:       "policy applied",
	ReasonSameDeviceElsewhere: "same device elsewhere",
	ReasonSecretUsedTwice:     "secret used twice",
	ReasonAccountDisabled:     "account disabled",
	ReasonAccountDeleted:      "account deleted",
	ReasonRESTKick:            "UserSigs revoked",
}

func (r Reason) String() string {
	if r < 0 || int(r) >= len(reasonTexts) {
		return reasonTexts[ReasonUnknown]
	}
	return reasonTexts[r]
}

// listeners are those of one client, in the order in which they were added.
type listeners struct {
	mu   sync.Mutex
	all  []numbered
	next int
}

type numbered struct {
	Listener

	number int
}

func (ls *listeners) add(l Listener) (remove func()) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	number := ls.next
	ls.next++
	ls.all = append(ls.all, numbered{l, number})
	return func() {
		ls.mu.Lock()
		defer ls.mu.Unlock()
		ls.all = slices.DeleteFunc(ls.all, func(n numbered) bool { return n.number == number })
	}
}

// each calls tell with every listener that is there now; one may take itself or
// others away meanwhile.
func (ls *listeners) each(tell func(Listener)) {
	ls.mu.Lock()
	all := slices.Clone(ls.all)
	ls.mu.Unlock()
	for _, l := range all {
		if ls.has(l.number) {
			tell(l.Listener)
		}
	}
}

func (ls *listeners) has(number int) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return slices.ContainsFunc(ls.all, func(n numbered) bool { return n.number == number })
}
