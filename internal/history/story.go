package history

import (
	"fmt"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// story says in sentences what is so with a device: whether it is in, how its last
// session ended, and what it was refused since.
func (a Account) story(d *installation) (said []string) {
	if d.in != nil {
		said = append(said, fmt.Sprintf("It has been logged in since %s, and %s.", a.moment(d.in.Since), a.link(*d.in)))
	}
	if len(d.out) > 0 {
		before := "It was "
		if d.in != nil {
			before = "Before that it was "
		}
		said = append(said, before+a.end(d.out[0]))
		for _, later := range d.out[1:] {
			said = append(said, "On "+a.moment(later.At)+" it was signed out once more"+why(later)+" So it does not come back by itself.")
		}
		if k := d.out[0].Kind; k == policy.EventKicked || k == policy.EventKeptOut {
			said = append(said, a.told(d))
		}
		said = append(said, operators(d.out)...)
	}
	if len(d.out) > 0 && ownAct(d.out[0]) && len(d.before) > 0 {
		said = append(said, "Before that it was "+a.end(d.before[0])+" It has logged in again since.")
		said = append(said, operators(d.before)...)
	}
	if d.in == nil && len(d.out) == 0 {
		said = append(said, "It was not logged in, as far as the history goes back.")
	}
	for _, r := range d.refused {
		said = append(said, a.refusal(r))
	}
	if d.earlier > 0 {
		said = append(said, fmt.Sprintf("Before these it was refused %s more.", plain.Count(d.earlier, "time")))
	}
	return said
}

// operators names those of the rows, a line for each.
func operators(rows []store.HistoryRow) (said []string) {
	for _, r := range rows {
		if by := support(r); by != "" {
			said = append(said, by)
		}
	}
	return said
}

// end says how a session ended.
func (a Account) end(r store.HistoryRow) string {
	at := a.moment(r.At)
	switch r.Kind {
	case policy.EventLogout:
		return "logged out by the user on this device on " + at + "."
	case policy.EventExpired:
		return "signed out on " + at + ", " + r.By.Why(policy.SigEnded, r.Platform) + "."
	case policy.EventLapsed:
		return "signed out on " + at + ", because it had been without a connection for " + awayLimit(r.Platform) + "."
	case policy.EventSetBack:
		return "signed out on " + at + ", because the server was set back to a backup. If it was still logged in then, it logs in again by itself."
	case policy.EventReplaced:
		return "replaced by its own next login on " + at + ": nobody else had to do with it."
	default:
		return "signed out on " + at + why(r)
	}
}

func awayLimit(p rollcall.Platform) string {
	if p == rollcall.Web {
		return plain.Span(policy.WebAwayLimit)
	}
	return plain.Span(policy.AwayLimit)
}

// why says why a session was kicked.
func why(r store.HistoryRow) string {
	if said := r.By.Why(r.Reason, r.Platform); said != "" {
		return ", " + said + "."
	}
	return "."
}

// told says whether the device knows of its kick.
func (a Account) told(d *installation) string {
	r := d.out[0]
	was := "It was without a connection"
	if r.Connected {
		was = "It was connected"
	}
	kick, untold := a.kickRow(r.Session)
	switch young := a.Now.Sub(r.At) <= policy.KickRowLife; {
	case untold && r.Connected:
		return was + " and was sent the notice, but has not confirmed it yet. " + a.comingBack(kick)
	case untold:
		return was + " and has not been told yet. " + a.comingBack(kick)
	case r.Connected && young:
		return was + " and was told at once."
	case d.in != nil:
		return was + ", and has logged in again since."
	case young:
		return was + ", and has been told since."
	default:
		return was + ". Whether it was told later is not kept for so long."
	}
}

func (a Account) kickRow(session uint64) (policy.Kick, bool) {
	for _, k := range a.State.Kicks {
		if k.Session == session && a.Now.Sub(k.At) <= policy.KickRowLife {
			return k, true
		}
	}
	return policy.Kick{}, false
}

// comingBack says what a device gets that was not told, when it comes back.
func (a Account) comingBack(k policy.Kick) string {
	answer, _ := a.State.Meets(k, a.Rules)
	switch {
	case answer == policy.LogInAgain && k.At.Unix() < a.State.ValidFrom:
		return "Its UserSig has been revoked since: with a new one it logs in again by itself, and so takes the place back."
	case answer == policy.LogInAgain:
		return "If it comes back by itself, it logs in again and so takes the place back."
	case k.Reason == policy.SecretUsedTwice:
		return "Whoever has a copy of its data is told when they come back, until " + plain.Stamp(k.At.Add(policy.KickRowLife), a.Zone) + "."
	}
	return "It will be told when it comes back, until " + plain.Stamp(k.At.Add(policy.KickRowLife), a.Zone) + "."
}

// refusal says what a device was refused.
func (a Account) refusal(r store.HistoryRow) string {
	what, when := "A login from it was refused", "on "+a.moment(r.Last)
	if r.Session != 0 {
		what = "A new UserSig for its session was refused"
	}
	if r.Count > 1 {
		when = fmt.Sprintf("%d times since %s, last %s", r.Count, plain.Stamp(r.At, a.Zone), when)
	}
	said := fmt.Sprintf("%s %s: %d", what, when, int(r.Code))
	if r.Code == imcode.InvalidParameters {
		return said + ", " + a.parameter(r) + "."
	}
	if e, ok := imcode.Lookup(int(r.Code)); ok {
		said += ", " + e.Meaning
	}
	return said + "."
}

// parameter says which one was wrong: a row keeps no detail, but a UserSig that was
// good leaves few that can be.
func (a Account) parameter(r store.HistoryRow) string {
	switch {
	case r.Session != 0:
		return "the new UserSig ended sooner than the one it had"
	case a.Rules.Refused[r.Platform]:
		return fmt.Sprintf("the app does not admit %s", r.Platform)
	}
	return fmt.Sprintf("the device had a session on another platform than %s, or the app did not admit %s then", r.Platform, r.Platform)
}

// link says whether a session has a connection now.
func (a Account) link(x policy.Session) string {
	if x.Node != "" {
		return "is connected"
	}
	return "has been away since " + a.moment(x.Away)
}

// moment says when something was, and how long ago.
func (a Account) moment(t time.Time) string {
	ago := a.Now.Sub(t)
	if ago < time.Second {
		return plain.Stamp(t, a.Zone) + " (just now)"
	}
	return fmt.Sprintf("%s (%s ago)", plain.Stamp(t, a.Zone), plain.Span(ago))
}
