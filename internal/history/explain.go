package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// Bounds of one explanation: the latest are told, the others counted.
const (
	maxDevices  = 20
	maxRefusals = 5 // of each device
)

// An Account is what is known of one, for those who ask about it.
type Account struct {
	User  rollcall.UserID
	Rows  []store.HistoryRow // in any order; the oldest may be missing
	Cut   bool               // older ones are kept, and not among them
	State policy.State       // read before the rows
	Rules policy.Rules       // of its app
	Now   time.Time
	Zone  *time.Location // of the times in what is said; nil: UTC
}

// Explain says who is logged in now and, for each device, why it was signed out
// the last time, or for the one that device names, by its id or its name ("": all).
// Lines marked "For support only" name operators, whom users need not know.
// 70402: there is no such device.
func (a Account) Explain(device string) (string, error) {
	a.Rows = slices.SortedFunc(slices.Values(a.Rows), func(x, y store.HistoryRow) int { return cmp.Compare(x.ID, y.ID) })
	all := a.devices()
	told := all
	if device != "" {
		told = slices.DeleteFunc(slices.Clone(all), func(d *installation) bool { return !d.is(device) })
		if len(told) == 0 {
			return "", imcode.InvalidParameters.Errorf("%s has no device %q: want one of %s", a.User, device, names(all))
		}
	}
	var b strings.Builder
	b.WriteString(a.present())
	for i, d := range told {
		if i == maxDevices {
			fmt.Fprintf(&b, "\nAnd %s before: --device tells of one, by its id.\n", plain.Count(len(told)-i, "device"))
			break
		}
		fmt.Fprintf(&b, "\n%s, device %s\n", policy.Device(d.name, d.platform), d.id)
		for _, sentence := range a.story(d) {
			fmt.Fprintf(&b, "  %s\n", strings.TrimSuffix(sentence, "\n"))
		}
	}
	if a.Cut {
		fmt.Fprintf(&b, "\nOnly the latest %s were looked at. `rollcall history %s` prints those before, too.\n", plain.Count(len(a.Rows), "event"), a.User)
	}
	return b.String(), nil
}

// present says what is so now.
func (a Account) present() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s is logged in on %s\n", a.User, onDevices(len(a.State.Sessions)))
	for _, x := range a.State.Sessions {
		fmt.Fprintf(&b, "- %s, since %s: it %s\n", policy.Device(x.DeviceName, x.Platform), a.moment(x.Since), a.link(x))
	}
	var disabled, revoked, deleted store.HistoryRow
	for _, r := range a.Rows {
		switch r.Kind {
		case policy.EventDisabled:
			disabled = r
		case policy.EventRevoked:
			revoked = r
		case policy.EventDeleted:
			deleted = r
		default:
		}
	}
	switch {
	case a.State.Disabled:
		b.WriteString(a.act("The account is disabled: it cannot log in.", "It was disabled", disabled))
	case !a.State.Exists():
		b.WriteString(a.act("The account is not there any more: its next login signs it up anew.", "It was deleted", deleted))
	}
	if a.State.ValidFrom != 0 {
		said := fmt.Sprintf("UserSigs dated before %s are worthless.", plain.Stamp(time.Unix(a.State.ValidFrom, 0), a.Zone))
		done := "They were revoked"
		if revoked.Reason == policy.SignedOutElsewhere {
			done += " by the account's user, on " + policy.Device(revoked.By.DeviceName, revoked.By.Platform) + ","
		}
		b.WriteString(a.act(said, done, revoked))
	}
	return b.String()
}

// act says what is so with the account, and what was done that it is; the row of
// that may be missing.
func (a Account) act(is, done string, r store.HistoryRow) string {
	if !r.At.IsZero() {
		is += " " + done + " on " + a.moment(r.At) + "."
	}
	return is + "\n" + support(r)
}

// support names the operator of a row, for those whom it concerns.
func support(r store.HistoryRow) string {
	if r.By.Operator == "" {
		return ""
	}
	what := ""
	if r.Reason == policy.RESTKick {
		what = "a REST kick "
	}
	return fmt.Sprintf("For support only: %sby operator %q.\n", what, r.By.Operator)
}

// An installation is what the rows and the state tell of one device.
type installation struct {
	id       rollcall.DeviceID
	name     string
	platform rollcall.Platform
	seen     int64              // the id of its latest row
	in       *policy.Session    // it is logged in with it
	out      []store.HistoryRow // the last end of a session, and what was said of that end later
	refused  []store.HistoryRow // since its last login or end, the latest maxRefusals
	earlier  int                // refusals before those
}

// devices are the devices of the account, the one with the latest row first.
func (a Account) devices() []*installation {
	var all []*installation
	known := map[rollcall.DeviceID]*installation{}
	of := func(id rollcall.DeviceID) *installation {
		d := known[id]
		if d == nil {
			d = &installation{id: id}
			known[id] = d
			all = append(all, d)
		}
		return d
	}
	for _, r := range a.Rows {
		if r.Device == "" {
			continue
		}
		d := of(r.Device)
		d.name, d.platform, d.seen = cmp.Or(r.DeviceName, d.name), r.Platform, r.ID
		d.read(r)
	}
	for i := range a.State.Sessions {
		x := &a.State.Sessions[i]
		d := of(x.Device)
		d.name, d.platform, d.in = cmp.Or(x.DeviceName, d.name), x.Platform, x
		if len(d.out) > 0 && d.out[0].Session == x.Number {
			d.in = nil // it ended between the reading of the state and of the rows
		}
	}
	slices.SortStableFunc(all, func(x, y *installation) int { return cmp.Compare(y.seen, x.seen) })
	return all
}

func (d *installation) read(r store.HistoryRow) {
	switch {
	case r.Kind == policy.EventLogin:
		d.refused, d.earlier = nil, 0
	case r.Kind == policy.EventRefused:
		d.refused = append(d.refused, r)
		if len(d.refused) > maxRefusals {
			d.earlier += d.refused[0].Count
			d.refused = d.refused[1:]
		}
	case ends(r) && len(d.out) > 0 && d.out[0].Session == r.Session:
		d.out = append(d.out, r)
	case ends(r):
		d.out, d.refused, d.earlier = []store.HistoryRow{r}, nil, 0
	}
}

// is tells whether the device has this id or name.
func (d *installation) is(device string) bool {
	return string(d.id) == device || d.name != "" && strings.EqualFold(d.name, device)
}

// names lists devices for who asked for another.
func names(all []*installation) string {
	var list []string
	for i, d := range all {
		if i == maxDevices {
			list = append(list, "...")
			break
		}
		if d.name != "" {
			list = append(list, fmt.Sprintf("%s (%s)", d.id, plain.Quote(d.name)))
		} else {
			list = append(list, string(d.id))
		}
	}
	if list == nil {
		return "none: its history names no device"
	}
	return strings.Join(list, ", ")
}

// Who says who was logged in at a moment.
func (a Account) Who(t time.Time) (string, error) {
	if t.After(a.Now) {
		return "", imcode.InvalidParameters.Errorf("%s is in the future", plain.Stamp(t, a.Zone))
	}
	past := Replay(a.Rows, a.State, a.Now)
	in := past.At(t)
	var b strings.Builder
	fmt.Fprintf(&b, "On %s %s was logged in on %s\n", a.moment(t), a.User, onDevices(len(in)))
	for _, x := range in {
		fmt.Fprintf(&b, "- %s, device %s, since %s", policy.Device(x.DeviceName, x.Platform), x.Device, a.known(x.Since))
		switch {
		case x.Link == Unclear:
			b.WriteString("; whether it was connected is not known")
		case x.LinkSince.IsZero() || x.Link == Connected:
			fmt.Fprintf(&b, ", %s", x.Link)
		default:
			fmt.Fprintf(&b, ", away since %s", plain.Stamp(x.LinkSince, a.Zone))
		}
		b.WriteString("\n")
	}
	switch {
	case past.From.IsZero():
		b.WriteString("There is no history of the account: who has left is not known.\n")
	case t.Before(past.From) && a.Cut:
		fmt.Fprintf(&b, "Only the latest %s were looked at, since %s: who had left by then is not known.\n", plain.Count(len(a.Rows), "event"), plain.Stamp(past.From, a.Zone))
	case t.Before(past.From):
		fmt.Fprintf(&b, "The history that is kept begins on %s: who had left by then is not known.\n", plain.Stamp(past.From, a.Zone))
	}
	return b.String(), nil
}

func (a Account) known(t time.Time) string {
	if t.IsZero() {
		return "before the history that is kept"
	}
	return plain.Stamp(t, a.Zone)
}

func onDevices(n int) string {
	if n == 0 {
		return "no device."
	}
	return plain.Count(n, "device") + ":"
}
