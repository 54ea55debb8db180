package policy

import (
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/plain"
)

// Reasons are all there are, by number.
func Reasons() (all []Reason) {
	for r := range Reason(numReasons) {
		all = append(all, r)
	}
	return all
}

// Text says in a sentence, for the user, what happened.
func (n Notice) Text() string {
	why := n.By.Why(n.Reason, n.Platform)
	if why == "" {
		return "The session has ended."
	}
	return "Signed out " + why + "."
}

// Why says, as the end of a sentence, for which reason a session on platform p was
// ended: "by an operator". It names no operator. "" is for what is no reason.
func (b By) Why(reason Reason, p rollcall.Platform) string {
	device := Device(b.DeviceName, b.Platform)
	switch reason {
	case NewerLogin:
		return "because the account logged in on " + device + b.Room(p)
	case Operator:
		return "by an operator"
	case SignedOutElsewhere:
		return "by the account's user on " + device
	case PolicyApplied:
		return "because the app's login policy was applied to those logged in; the account stayed on " + device + b.Room(p)
	case SameDeviceElsewhere:
		return "because another client logged in with this device's id: its data may have been copied"
	case SecretUsedTwice:
		return "because two clients used the same session: its data may have been copied"
	case AccountDisabled:
		return "because the account was disabled"
	case AccountDeleted:
		return "because the account was deleted"
	case RESTKick:
		return "because all UserSigs made until then were revoked: it needs a new one"
	case SigEnded:
		return "because the UserSig with which it had logged in had ended: it needs a new one"
	case Silently:
	}
	return ""
}

// Room says, as the end of a sentence, by which rule there was no room for a
// session on platform p; nothing where it was no rule.
func (b By) Room(p rollcall.Platform) string {
	switch {
	case b.Rule == OtherPlatform:
		return fmt.Sprintf(": the app does not let an account be logged in on %s and %s at the same time", p, b.Platform)
	case b.Rule == OverLimit && b.Limit == 1:
		return fmt.Sprintf(": the app lets an account be logged in once on %s", p)
	case b.Rule == OverLimit:
		return fmt.Sprintf(": the app lets an account be logged in %d times on %s", b.Limit, p)
	}
	return ""
}

// Device names a device for people. The name is its client's word.
func Device(name string, p rollcall.Platform) string {
	if name == "" {
		return fmt.Sprintf("a device without a name (%s)", p)
	}
	return fmt.Sprintf("%s (%s)", plain.Quote(name), p)
}
