package conformance

import (
	"fmt"
	"slices"

	"rollcall.example/internal/policy"
)

// signsOut reads a sign-out of device B, or without one of all others.
func signsOut(p *parser, w words) (play, error) {
	err := p.placed(w["A"])
	if err == nil && w.has("B") {
		err = p.placed(w["B"])
	}
	if err != nil {
		return nil, err
	}
	m, err := readManner(w)
	platform, target := p.devices[w["A"]], ""
	if w.has("B") {
		target = deviceName(w["B"], p.devices[w["B"]])
	}
	return on(w, func(a *actor) error {
		q := Request{Kind: SignOutResult, Tickets: w.has("tickets")}
		err := a.start(platform)
		if err == nil && target != "" {
			q.Session, err = a.sessionOn(target)
		}
		if err != nil {
			return err
		}
		return a.call(q, m)
	}), err
}

// sessionOn is the last session that the account which is in, or was last, had on
// a device: what a list shows that was read while it was in.
func (a *actor) sessionOn(device string) (uint64, error) {
	_, user := a.device.Standing()
	if user == "" {
		return 1, nil // nobody's: a call that nobody can make
	}
	rows, err := a.show.Stage.History(user)
	if err != nil {
		return 0, err
	}
	for _, row := range rows { // newest first
		if row.Kind == policy.EventLogin && row.DeviceName == device {
			return row.Session, nil
		}
	}
	return 0, fmt.Errorf("%s has never logged in on %s", user, device)
}

// expectSeen fails unless the app is shown so many sessions, of which exactly one
// is its own.
func (a *actor) expectSeen(want int) error {
	all, err := a.device.Sessions()
	if err != nil {
		return err
	}
	own := slices.IndexFunc(all, func(s Seen) bool { return s.This })
	switch {
	case len(all) != want:
		return fmt.Errorf("it sees %d: %+v", len(all), all)
	case own < 0 || slices.ContainsFunc(all[own+1:], func(s Seen) bool { return s.This }):
		return fmt.Errorf("one is to be its own: %+v", all)
	}
	return nil
}

// sees reads how a device sees another one, or itself, in its list.
func sees(p *parser, w words) (play, error) {
	err := p.placed(w["A"])
	if err == nil {
		err = p.placed(w["B"])
	}
	want := Seen{
		DeviceName: deviceName(w["B"], p.devices[w["B"]]),
		Platform:   p.devices[w["B"]],
		Away:       w["presence"] == "away",
		This:       w["A"] == w["B"],
	}
	return on(w, func(a *actor) error {
		all, err := a.device.Sessions()
		if err == nil && !slices.Contains(all, want) {
			err = fmt.Errorf("it sees %+v", all)
		}
		return err
	}), err
}
