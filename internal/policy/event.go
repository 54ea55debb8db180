package policy

import (
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// EventKind is what happened, in an account's history.
type EventKind uint8

// The kinds. The numbers lie in the store: they never change.
const (
	_ EventKind = iota
	EventSignedUp
	EventLogin
	EventResume
	EventLogout
	EventAway
	EventKicked
	EventExpired  // its UserSig ended
	EventReplaced // by a login of its own device
	EventLapsed   // away for too long
	EventRefused  // a login or renewal after a valid signature
	EventRevoked  // all UserSigs made until then: by a REST kick, or by the user with a sign-out
	EventDisabled // the account
	EventEnabled
	EventDeleted
	EventKeptOut // a session evicted before: an act covers it, so that its device does not come back by itself
	EventSetBack // the store was set back to an earlier moment, as by a backup

	numEventKinds = iota // a new one stands above
)

// EventKinds are all there are, by number.
func EventKinds() (all []EventKind) {
	for k := EventSignedUp; k < numEventKinds; k++ {
		all = append(all, k)
	}
	return all
}

func (k EventKind) String() string {
	names := [...]string{
		EventSignedUp: "signed up", EventLogin: "login", EventResume: "resume", EventLogout: "logout",
		EventAway: "away", EventKicked: "kicked", EventExpired: "expired", EventReplaced: "replaced",
		EventLapsed: "lapsed", EventRefused: "refused", EventRevoked: "UserSigs revoked",
		EventDisabled: "disabled", EventEnabled: "enabled", EventDeleted: "deleted",
		EventKeptOut: "kept out", EventSetBack: "set back",
	}
	if int(k) < len(names) && names[k] != "" {
		return names[k]
	}
	return "unknown"
}

// An Event is one row of an account's history.
type Event struct {
	At         time.Time
	Kind       EventKind
	Session    uint64 // 0: none was made
	Device     rollcall.DeviceID
	DeviceName string
	Platform   rollcall.Platform
	Address    string
	Code       imcode.Code // with EventRefused
	Reason     Reason      // with EventKicked, EventKeptOut; with EventRevoked: RESTKick or SignedOutElsewhere
	By         By          // with EventKicked, EventKeptOut, and with the acts of operators and users
	Connected  bool        // with EventKicked: whether it had a connection, as this node knew it

	// Fold is how long an equal row (store.HistoryRow.Folds) is counted up
	// instead of a new one being written; 0: never.
	Fold time.Duration
}

// Folding times: what may repeat quickly without telling anything new.
const (
	foldRefusals = 10 * time.Minute
	foldReturns  = time.Minute
)

func (d *decision) record(e Event) {
	e.At = d.now
	if d.Events == nil {
		d.Events = make([]Event, 0, 2) // an end and a login, mostly
	}
	d.Events = append(d.Events, e)
}

// recordOf notes what happened to session x.
func (d *decision) recordOf(x Session, kind EventKind, fold time.Duration) {
	d.record(Event{
		Kind: kind, Session: x.Number, Device: x.Device, DeviceName: x.DeviceName,
		Platform: x.Platform, Address: x.Address, Fold: fold,
	})
}
