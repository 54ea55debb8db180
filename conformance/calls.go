package conformance

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/stage"
	"rollcall.example/usersig"
)

// usual is how long a ticket is good that a scenario does not speak of.
const usual = 180 * 24 * time.Hour

// newTicket reads how a ticket is made; flaw is what is wrong with it, if anything.
func newTicket(flaw string) func(*parser, words) (play, error) {
	return func(p *parser, w words) (play, error) {
		p.tickets[w["ticket"]] = true
		good, from := usual, time.Duration(0)
		for word, set := range map[string]func(time.Duration){
			"time":  func(d time.Duration) { good = d },
			"ago":   func(d time.Duration) { from = -d },
			"ahead": func(d time.Duration) { from = d },
		} {
			if !w.has(word) {
				continue
			}
			d, err := span(w[word])
			if err != nil {
				return nil, err
			}
			set(d)
		}
		return func(s *performance) error { return s.sign(w["ticket"], user(w["user"]), from, good, flaw) }, nil
	}
}

// sign makes a ticket by the server's clock, and remembers it by its name.
func (s *performance) sign(name, user string, from, good time.Duration, flaw string) (err error) {
	app, key := stage.App, s.Stage.Key()
	switch flaw {
	case "wrong key":
		key = strings.Repeat("wrong", 10)
	case "another app":
		app++
	}
	s.tickets[name], err = usersig.Sign(app, key, user, s.Stage.Now().Add(from), good)
	return err
}

// ticketOf is the ticket to log in with: one by name, one spelled out, or the
// user's usual one, which stays the same through the scenario.
func (s *performance) ticketOf(name, user string) (string, error) {
	switch {
	case strings.HasPrefix(name, `"`):
		return strings.Trim(name, `"`), nil
	case name != "":
		return s.tickets[name], nil
	}
	key := usualOf(user)
	user = cmp.Or(user, "nobody") // for whom nothing can be signed
	if s.tickets[key] == "" {
		if err := s.sign(key, user, 0, usual, ""); err != nil {
			return "", fmt.Errorf("sign a ticket: %w", err)
		}
	}
	return s.tickets[key], nil
}

// usualOf is under which name the user's usual ticket is remembered.
func usualOf(user string) string { return "the usual ticket of " + user }

// untilEndOf waits until a ticket has ended by the server's clock.
func (s *performance) untilEndOf(name string) error {
	claims, err := usersig.Parse(s.tickets[name])
	if err != nil {
		return err
	}
	return s.sleep(claims.Ends().Sub(s.Stage.Now()))
}

// A manner is how a result is to come.
type manner struct {
	wanted bool // a result is wanted, before the next line
	result Result
	exact  bool          // after a certain time
	after  time.Duration // 0: at once
	silent bool          // without traffic
}

func readManner(w words) (m manner, err error) {
	if !w.has("result") {
		return m, nil
	}
	m.wanted = true
	if m.result, err = result(w["result"]); err != nil {
		return m, err
	}
	after, found := strings.CutPrefix(w["manner"], "after ")
	switch {
	case found:
		m.exact = true
		m.after, err = span(after)
	case w["manner"] == "at once":
		m.exact = true
	case w["manner"] == "without traffic":
		m.silent = true
	}
	return m, err
}

func logsIn(p *parser, w words) (play, error) {
	if err := p.put(w["A"], w["platform"]); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(w["ticket"], `"`) {
		if err := p.ticket(w["ticket"]); err != nil {
			return nil, err
		}
	}
	m, err := readManner(w)
	platform := p.devices[w["A"]]
	return func(s *performance) error {
		ticket, err := s.ticketOf(w["ticket"], user(w["user"]))
		if err != nil {
			return err
		}
		a := s.actor(w["A"])
		if err := a.start(platform); err != nil {
			return err
		}
		a.user = user(w["user"])
		return a.call(Request{Kind: LoginResult, User: user(w["user"]), Ticket: ticket}, m)
	}, err
}

func renews(p *parser, w words) (play, error) {
	err := p.placed(w["A"])
	if err == nil && !strings.HasPrefix(w["ticket"], `"`) {
		err = p.ticket(w["ticket"])
	}
	if err != nil {
		return nil, err
	}
	m, err := readManner(w)
	platform := p.devices[w["A"]]
	return on(w, func(a *actor) error {
		ticket, err := a.show.ticketOf(w["ticket"], "")
		if err == nil {
			err = a.start(platform)
		}
		if err != nil {
			return err
		}
		return a.call(Request{Kind: RenewalResult, Ticket: ticket}, m)
	}), err
}

func logsOut(p *parser, w words) (play, error) {
	if err := p.placed(w["A"]); err != nil {
		return nil, err
	}
	m, err := readManner(w)
	platform := p.devices[w["A"]]
	return on(w, func(a *actor) error {
		if err := a.start(platform); err != nil {
			return err
		}
		return a.call(Request{Kind: LogoutResult}, m)
	}), err
}

func startsAgain(p *parser, w words) (play, error) {
	if err := p.placed(w["A"]); err != nil {
		return nil, err
	}
	var want Result
	if w.has("result") {
		var err error
		if want, err = result(w["result"]); err != nil {
			return nil, err
		}
	}
	platform := p.devices[w["A"]]
	return on(w, func(a *actor) error { return wantCode(a.again(platform), want.Code) }), nil
}

func startsOn(p *parser, w words) (play, error) {
	if err := p.placed(w["B"]); err != nil {
		return nil, err
	}
	want, err := result(w["result"])
	platform := p.devices[w["B"]]
	p.devices[w["A"]] = platform
	return func(s *performance) error {
		a := s.actor(w["A"])
		a.directory = s.actor(w["B"]).directory
		return wantCode(a.start(platform), want.Code)
	}, err
}

// copies gives device B the data directory of A, as it is now.
func copies(p *parser, w words) (play, error) {
	if err := p.placed(w["A"]); err != nil {
		return nil, err
	}
	p.devices[w["B"]] = p.devices[w["A"]]
	return func(s *performance) error {
		return s.Stage.CopyDataDirectory(s.actor(w["A"]).directory, s.actor(w["B"]).directory)
	}, nil
}

func wantCode(err error, want imcode.Code) error {
	switch {
	case imcode.Of(err) == want:
		return nil
	case err == nil:
		return fmt.Errorf("it succeeded, want code %d", int(want))
	default:
		return fmt.Errorf("want code %d, got %w", int(want), err)
	}
}

// providerFor is what a device's app gives its SDK when that asks for a ticket.
func (a *actor) providerFor() func(string) (string, error) {
	if !a.provider {
		return nil
	}
	return func(user string) (string, error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		switch {
		case !a.provided:
			return a.show.Stage.UserSig(user, usual)
		case a.gives == "":
			return "", fmt.Errorf("the provider has no ticket for %s", user)
		default:
			return a.gives, nil
		}
	}
}

func (a *actor) takeProvider() error {
	a.provider = true
	return nil
}

// provide sets what the provider gives from now on; "" is an error.
func (a *actor) provide(ticket string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.provided, a.gives = true, a.show.tickets[ticket]
	return nil
}

// deviceName is what people read of a device.
func deviceName(letter string, p rollcall.Platform) string {
	return fmt.Sprintf("%s's %s", letter, p)
}
