package conformance

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"rollcall.example"
	"rollcall.example/imcode"
)

// A Face is one SDK: Rollcall as a program in one language sees it.
type Face interface {
	// Name is what people call it.
	Name() string
	// Open starts the SDK on a device. What an app would be told afterwards goes
	// to Setup.Hear. An error carries its code.
	Open(Setup) (Device, error)
	// Spell is the face's own word for a kind of event, for people.
	Spell(Kind) string
	// Lacks tells whether the face has no way to do this.
	Lacks(Ability) bool
}

// An Ability is what some faces have and some do not.
type Ability string

// The abilities.
const (
	CanGiveUp    Ability = "a call that can be given up"
	HasProvider  Ability = "a provider of tickets"
	CallsInside  Ability = "calls from inside a callback"
	SeveralInOne Ability = "several clients on one data directory"
	OneOwner     Ability = "a data directory that has one owner"
	TellsWhy     Ability = "the reason why it cannot connect"
	SeesSessions Ability = "a list of the account's sessions, to sign out others"
	Chats        Ability = "messages and conversations"
	ShowsGaps    Ability = "gaps in a history that is read without the server"
	WipesCache   Ability = "a call that wipes what the device holds of an account"
)

// A Setup is what a device's program starts its SDK with.
type Setup struct {
	App           rollcall.AppID
	URL           string
	DataDirectory string
	Platform      rollcall.Platform
	DeviceName    string
	Dial          func(ctx context.Context, network, address string) (net.Conn, error)
	// Provider is nil, or gives a UserSig of the user.
	Provider func(user string) (string, error)
	// Hear takes what the SDK tells the app, one event at a time, in the SDK's
	// order and on its goroutine.
	Hear func(Event)
}

// A Device is the SDK as it runs on a device.
type Device interface {
	// Do makes a call. It does not wait for the result, unless it was called from
	// inside a callback and the SDK's call waits.
	Do(Request, Call)
	// Sessions is where the account that is in is logged in, as the app is told.
	Sessions() ([]Seen, error)
	// GiveUp ends the context of the last call.
	GiveUp()
	// Standing is the login status and the user that the SDK shows.
	Standing() (Status, string)
	// Close ends the SDK, as the end of its use would.
	Close() error
}

// A Chatter is a device of a face that has messages and conversations: it takes their
// requests, and is looked at. What it waits for, it waits for here.
type Chatter interface {
	// Talks is the list of conversations, with how many messages are unread in all.
	Talks() (list []Talk, unread int, err error)
	// History is a conversation, oldest first: as the server has it, where that can be
	// asked, or as the device alone does.
	History(peer string, onDevice bool) ([]Said, error)
	// Wipe removes what the device holds of an account.
	Wipe(user string) error
}

// A Request is what an app asks of its SDK, named by the kind of its result.
type Request struct {
	Kind    Kind
	User    string // with LoginResult
	Ticket  string // with LoginResult and RenewalResult
	Session uint64 // with SignOutResult: its number; 0: all but this one
	Tickets bool   // with SignOutResult: the account's tickets, too
	Peer    string // of the conversation that it is about
	Said    Said   // with SendResult its ID and Text; else the Sequence, 0: the whole conversation
	Pinned  bool   // with PinResult
}

// Seen is a session as another one of the account sees it.
type Seen struct {
	DeviceName string
	Platform   rollcall.Platform
	Away       bool // it has no connection
	This       bool // it is the session that looks
}

// A Call is how a call was made and where its result goes: exactly once to Done.
type Call struct {
	Inside bool // from inside a callback
	Done   func(Result)
}

// A Result is what a call came to.
type Result struct {
	Code      imcode.Code
	Cancelled bool // it was its context that ended
}

func (r Result) String() string {
	switch {
	case r.Cancelled && r.Code == imcode.OK:
		return "given up"
	case r.Cancelled:
		return fmt.Sprintf("cancelled (%d)", int(r.Code))
	case r.Code == imcode.OK:
		return "ok"
	default:
		return fmt.Sprint(int(r.Code))
	}
}

// Status is the login status, as scenarios spell it.
type Status string

// The statuses.
const (
	LoggedIn  Status = "logged in"
	LoggingIn Status = "logging in"
	LoggedOut Status = "logged out"
)

// A Kind is what an event is about, as scenarios spell it.
type Kind string

// The kinds of events.
const (
	Connecting    Kind = "connecting"
	Connected     Kind = "connected"
	ConnectFails  Kind = "connect fails"
	Kicked        Kind = "kicked"
	TicketEnds    Kind = "ticket ends soon"
	TicketExpired Kind = "ticket expired"
	NewMessage    Kind = "message"
	Recalled      Kind = "recalled"
	ReadByPeer    Kind = "read"
	UnreadChanges Kind = "unread"
	LoginResult   Kind = "login"
	RenewalResult Kind = "renewal"
	LogoutResult  Kind = "logout"
	SignOutResult Kind = "sign-out"
	SendResult    Kind = "sending"
	RecallResult  Kind = "recall"
	DeleteResult  Kind = "deletion"
	MarkResult    Kind = "mark"
	PinResult     Kind = "pin"
)

// results are the kinds of results of calls.
var results = []Kind{
	LoginResult, RenewalResult, LogoutResult, SignOutResult, SendResult, RecallResult, DeleteResult, MarkResult, PinResult,
}

// Kinds are all of them, as README.md lists them.
var Kinds = slices.Concat([]Kind{
	Connecting, Connected, ConnectFails, Kicked, TicketEnds, TicketExpired, NewMessage, Recalled, ReadByPeer, UnreadChanges,
}, results)

// isResult tells whether events of this kind are the results of calls.
func (k Kind) isResult() bool { return slices.Contains(results, k) }

// An Event is what an app hears: a callback, or the result of a call.
type Event struct {
	Kind   Kind
	Result        // of a call; the code also of ConnectFails and, if it has one, of Kicked
	Text   string // for people
	By     *By    // with Kicked, where the face tells
	Said   Said   // with NewMessage; with Recalled its ID; with ReadByPeer who has read, as From
	Count  int    // with UnreadChanges
	Amiss  string // what was wrong at the moment when the app heard it; "" is nothing
}

// By says how a session was ended, as far as a face tells.
type By struct {
	Reason   string
	Rule     string            // what left no room: as "over the limit of 1"; "" is none
	Platform rollcall.Platform // of who took the place, or asked for it; 0: nobody did
}

// isNetwork tells whether the event is about the network alone.
func (e Event) isNetwork() bool {
	return e.Kind == Connecting || e.Kind == Connected || e.Kind == ConnectFails
}

// isNews tells whether the event is one that an app need do nothing about: of the
// network, and what can be read in the list.
func (e Event) isNews() bool {
	return e.Kind == UnreadChanges || e.isNetwork()
}

func (e Event) String() string {
	switch {
	case e.Kind.isResult():
		return fmt.Sprintf("%s %s", e.Kind, e.Result)
	case e.Kind == ConnectFails:
		return fmt.Sprintf("%s with %d", e.Kind, int(e.Code))
	case e.isChat():
		return e.chatString()
	case e.Kind != Kicked || e.By == nil:
		return string(e.Kind)
	}
	var b strings.Builder
	b.WriteString("kicked")
	if e.By.Platform != 0 {
		fmt.Fprintf(&b, " by %s", e.By.Platform)
	}
	if e.Code != imcode.OK {
		fmt.Fprintf(&b, " with %d", int(e.Code))
	}
	fmt.Fprintf(&b, " (%s", e.By.Reason)
	if e.By.Rule != "" {
		fmt.Fprintf(&b, ": %s", e.By.Rule)
	}
	b.WriteString(")")
	return b.String()
}
