package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
)

// patience is how long an event is waited for that no time is given for.
const patience = time.Minute

// prompt is what "at once" and "after a time" may take more.
const prompt = 100 * time.Millisecond

// call makes a call and, if a result is wanted, waits for it. No other event
// than news may come before it.
func (a *actor) call(q Request, m manner) error {
	sent, began := a.endpoint().Sent(), time.Now()
	a.device.Do(q, a.newCall(q.Kind, false))
	if !m.wanted {
		return nil
	}
	if err := a.expect(Event{Kind: q.Kind, Result: m.result}, patience); err != nil {
		return err
	}
	took := time.Since(began)
	a.show.settle()
	switch more := a.endpoint().Sent() - sent; {
	case m.exact && (took < m.after || took > m.after+prompt):
		return fmt.Errorf("the result came after %v", took)
	case m.silent && more > 0:
		return fmt.Errorf("it caused traffic: %d writes", more)
	}
	return nil
}

// expect waits for an event. News are passed over, but those of the network where such
// are what is wanted.
func (a *actor) expect(want Event, within time.Duration) error {
	want = a.blurred(want)
	until := time.Now().Add(within)
	for {
		got, err := a.next(time.Until(until))
		switch {
		case err != nil:
			return fmt.Errorf("want %s: %w", want, err)
		case got.Amiss != "":
			return fmt.Errorf("%s: %s", got, got.Amiss)
		case want.matches(got):
			return nil
		case want.isNetwork() && got.isNetwork() || !got.isNews():
			return fmt.Errorf("got %s (%s in %s %s), want %s", got, a.show.Face.Spell(got.Kind), a.show.Face.Name(), got.Text, want)
		}
	}
}

// blurred is the event as the face can tell it: one that does not learn why it cannot
// connect says that it is not connected.
func (a *actor) blurred(want Event) Event {
	switch want.Code {
	case imcode.ConnectRefused, imcode.NetworkUnreachable, imcode.HostNotFound:
		if a.show.Face.Lacks(TellsWhy) {
			want.Code = imcode.Disconnected
		}
	default:
	}
	return want
}

var errNothing = errors.New("nothing came")

// next is the next event that the app heard or hears.
func (a *actor) next(within time.Duration) (Event, error) {
	select {
	case e := <-a.events:
		return e, nil
	default:
	}
	select {
	case e := <-a.events:
		return e, nil
	case <-time.After(within):
		return Event{}, fmt.Errorf("%w within %v", errNothing, within)
	case <-a.show.ctx.Done():
		return Event{}, a.show.ctx.Err()
	}
}

// expectNothing fails if the app hears anything at all, but of what is unread.
func (a *actor) expectNothing(within time.Duration) error {
	until := time.Now().Add(within)
	for {
		e, err := a.next(time.Until(until))
		switch {
		case err == nil && e.Kind != UnreadChanges:
			return fmt.Errorf("got %s %s", e, e.Text)
		case errors.Is(err, errNothing):
			return nil
		case err != nil:
			return err
		}
	}
}

// expectOnline waits for the connection to be back, however many tries it takes.
func (a *actor) expectOnline(within time.Duration) error {
	until := time.Now().Add(within)
	for {
		e, err := a.next(time.Until(until))
		switch {
		case err != nil:
			return err
		case e.Kind == Connected:
			return nil
		case !e.isNews():
			return fmt.Errorf("got %s", e)
		}
	}
}

// expectAll waits for all of these events, in whichever order they come.
func (a *actor) expectAll(wanted []Event, within time.Duration) error {
	until := time.Now().Add(within)
	for len(wanted) > 0 {
		got, err := a.next(time.Until(until))
		if err != nil {
			return fmt.Errorf("want %s: %w", wanted[0], err)
		}
		i := slices.IndexFunc(wanted, func(want Event) bool { return a.blurred(want).matches(got) })
		switch {
		case got.Amiss != "":
			return fmt.Errorf("%s: %s", got, got.Amiss)
		case i >= 0:
			wanted = slices.Delete(slices.Clone(wanted), i, i+1)
		case !got.isNews():
			return fmt.Errorf("got %s, want %s", got, wanted[0])
		}
	}
	return nil
}

// expectNoMore fails if the app has heard more than the scenario expected, other
// than news.
func (a *actor) expectNoMore() error {
	for {
		select {
		case e := <-a.events:
			if !e.isNews() {
				return fmt.Errorf("%s heard %s, which no line expects", a.name, e)
			}
		default:
			return nil
		}
	}
}

func (a *actor) expectStanding(status Status, user string) error {
	if a.device == nil {
		return errors.New("its program has not run yet")
	}
	if s, u := a.device.Standing(); s != status || u != user {
		return fmt.Errorf("it is %s as %q", s, u)
	}
	return nil
}

// window reads how long an expectation may wait.
func window(w words) (time.Duration, error) {
	if !w.has("time") {
		return patience, nil
	}
	return span(w["time"])
}

func expects(p *parser, w words) (play, error) {
	if err := p.placed(w["A"]); err != nil {
		return nil, err
	}
	within, err := window(w)
	if err != nil {
		return nil, err
	}
	wanted, err := events(w["events"])
	return on(w, func(a *actor) error {
		for _, want := range wanted {
			if err := a.expect(want, within); err != nil {
				return err
			}
		}
		return nil
	}), err
}

func expectsAll(p *parser, w words) (play, error) {
	if err := p.placed(w["A"]); err != nil {
		return nil, err
	}
	wanted, err := events(w["events"])
	return on(w, func(a *actor) error { return a.expectAll(wanted, patience) }), err
}

func events(list string) (all []Event, err error) {
	for text := range strings.SplitSeq(list, ", ") {
		e, err := event(text)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// event reads an event: its kind, and what of it is wanted.
func event(text string) (Event, error) {
	for _, k := range Kinds {
		rest, found := strings.CutPrefix(text, string(k))
		if !found || rest != "" && rest[0] != ' ' {
			continue
		}
		e := Event{Kind: k}
		err := e.detail(strings.TrimSpace(rest))
		return e, err
	}
	return Event{}, fmt.Errorf("%q is no event", text)
}

// detail reads what stands behind the kind of an event.
func (e *Event) detail(text string) (err error) {
	switch {
	case e.Kind.isResult():
		e.Result, err = result(text)
		return err
	case e.isChat():
		return e.chatDetail(text)
	case text == "":
		return nil
	case e.Kind == ConnectFails || e.Kind == Kicked:
		return e.circumstances(text)
	default:
		return fmt.Errorf("nothing follows %q, got %q", e.Kind, text)
	}
}

// rule is what left a kicked session no room.
var rule = regexp.MustCompile(`^(another platform of its group|over the limit of \d+)$`)

// circumstances reads any of: by PLATFORM, with CODE, (REASON) or (REASON: RULE).
func (e *Event) circumstances(text string) error {
	before, reason, found := strings.Cut(text, "(")
	if e.Kind == Kicked {
		e.By = &By{}
		e.By.Reason, e.By.Rule, _ = strings.Cut(strings.TrimSuffix(reason, ")"), ": ")
		if e.By.Rule != "" && !rule.MatchString(e.By.Rule) {
			return fmt.Errorf("%q is no rule", e.By.Rule)
		}
	}
	words := strings.Fields(before)
	for len(words) >= 2 {
		var err error
		switch {
		case words[0] == "by" && e.Kind == Kicked:
			e.By.Platform, err = rollcall.ParsePlatform(words[1])
		case words[0] == "with":
			e.Code, err = code(words[1])
		default:
			err = fmt.Errorf("%s tells nothing of %q", e.Kind, words[0])
		}
		if err != nil {
			return err
		}
		words = words[2:]
	}
	if len(words) > 0 || found && e.Kind != Kicked {
		return fmt.Errorf("%s: cannot read %s", e.Kind, strconv.Quote(text))
	}
	return nil
}
