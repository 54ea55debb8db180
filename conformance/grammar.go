package conformance

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"rollcall.example"
	"rollcall.example/internal/memnet"
	"rollcall.example/internal/policy"
)

// actions are the lines that let something happen. README.md explains them in
// this order.
var actions = []form{
	// Devices and tickets.
	newForm("<A> is on <platform>", "", func(p *parser, w words) (play, error) {
		return nothing, p.put(w["A"], w["platform"])
	}),
	newForm("<A> is on <platform> with a provider", HasProvider, func(p *parser, w words) (play, error) {
		return on(w, (*actor).takeProvider), p.put(w["A"], w["platform"])
	}),
	newForm("<A>'s provider gives <ticket>", HasProvider, func(p *parser, w words) (play, error) {
		return on(w, func(a *actor) error { return a.provide(w["ticket"]) }), p.ticket(w["ticket"])
	}),
	newForm("<A>'s provider fails", HasProvider, func(_ *parser, w words) (play, error) {
		return on(w, func(a *actor) error { return a.provide("") }), nil
	}),
	newForm("ticket <ticket> is for <user>[, good for <time>][, signed <ago> ago][, signed <ahead> ahead]", "", newTicket("")),
	newForm("ticket <ticket> is for <user>, signed with a wrong key", "", newTicket("wrong key")),
	newForm("ticket <ticket> is for <user>, of another app", "", newTicket("another app")),

	// Calls.
	newForm("<A> logs in as <user>[ on <platform>][ with <ticket>][ => <result>[ <manner>]]", "", logsIn),
	newForm("<A> renews with <ticket>[ => <result>[ <manner>]]", "", renews),
	newForm("<A> logs out[ => <result>[ <manner>]]", "", logsOut),
	newForm("<A> signs out <B>[ with <tickets>][ => <result>[ <manner>]]", SeesSessions, signsOut),
	newForm("<A> signs out the others[ with <tickets>][ => <result>[ <manner>]]", SeesSessions, signsOut),
	newForm("<A> gives up", CanGiveUp, withDevice((*actor).giveUp)),
	newForm("<A> closes", "", withDevice((*actor).close)),
	newForm("<A> is killed", "", withDevice((*actor).kill)),
	newForm("<A> starts again[ => <result>]", "", startsAgain),
	newForm("<A> starts on the data directory of <B> => <result>", OneOwner, startsOn),
	newForm("<B> is a copy of <A>", SeveralInOne, copies),
	newForm("when <A> is kicked it logs in as <user>", CallsInside, func(p *parser, w words) (play, error) {
		err := p.placed(w["A"])
		return on(w, func(a *actor) error { a.inside(Kicked, func() { a.loginInside(user(w["user"])) }); return nil }), err
	}),
	newForm("when <A> is kicked it closes", CallsInside, func(p *parser, w words) (play, error) {
		err := p.placed(w["A"])
		return on(w, func(a *actor) error { a.inside(Kicked, a.closeInside); return nil }), err
	}),

	// The network.
	newForm("<A> is cut off", "", cut(memnet.Unplug)),
	newForm("<A> is cut off in silence", "", cut(memnet.Silent)),
	newForm("<A>'s connection breaks", "", withDevice(func(a *actor) error {
		a.endpoint().Cut(memnet.Reset)
		a.endpoint().Mend()
		return nil
	})),
	newForm("<A> is back", "", withDevice(func(a *actor) error { a.mend(); return nil })),
	newForm("<A> cannot dial: <fault>", "", cannotDial),
	newForm("<A>'s link takes <time>", "", func(_ *parser, w words) (play, error) {
		d, err := span(w["time"])
		return on(w, func(a *actor) error { return a.endpoint().Delay(d) }), err
	}),
	newForm("the next answer to <A> is lost", "", lost((*actor).loseAnswer, memnet.Reset)),
	newForm("the next answer to <A> is lost in silence", "", lost((*actor).loseAnswer, memnet.Silent)),
	newForm("the next request of <A> is lost", "", lost((*actor).loseRequest, memnet.Reset)),
	newForm("the next request of <A> is lost in silence", "", lost((*actor).loseRequest, memnet.Silent)),

	// The server and its clock.
	newForm("the server restarts", "", server(func(s *performance) error {
		if err := s.Stage.Stop(); err != nil {
			return err
		}
		return s.Stage.Start()
	})),
	newForm("the server stops", "", server(func(s *performance) error { return s.Stage.Stop() })),
	newForm("the server is killed", "", server(func(s *performance) error { return s.Stage.Kill() })),
	newForm("the server starts", "", server(func(s *performance) error { return s.Stage.Start() })),
	newForm("the app admits <platform> only", "", func(_ *parser, w words) (play, error) {
		only, err := rollcall.ParsePlatform(w["platform"])
		return func(s *performance) error { return s.Stage.Admit(only) }, err
	}),
	newForm("the app's key is replaced", "", server(func(s *performance) error { return s.Stage.ReplaceKey() })),
	newForm("the server's clock goes <time> back", "", clock(false)),
	newForm("the server's clock goes <time> ahead", "", clock(true)),
	newForm("<time> passes", "", func(_ *parser, w words) (play, error) {
		d, err := span(w["time"])
		return func(s *performance) error { return s.sleep(d) }, err
	}),
	newForm("<ticket> ends", "", func(p *parser, w words) (play, error) {
		return func(s *performance) error { return s.untilEndOf(w["ticket"]) }, p.ticket(w["ticket"])
	}),
}

// expectations are the lines that only look, or wait.
var expectations = []form{
	newForm("<A> expects nothing for <time>", "", func(p *parser, w words) (play, error) {
		if err := p.placed(w["A"]); err != nil {
			return nil, err
		}
		d, err := span(w["time"])
		return on(w, func(a *actor) error { return a.expectNothing(d) }), err
	}),
	newForm("<A> expects <events> in any order", "", expectsAll),
	newForm("<A> expects <events>[ within <time>]", "", expects),
	newForm("<A> is online again[ within <time>]", "", func(p *parser, w words) (play, error) {
		if err := p.placed(w["A"]); err != nil {
			return nil, err
		}
		within, err := window(w)
		return on(w, func(a *actor) error { return a.expectOnline(within) }), err
	}),
	newForm("<A> is logged in as <user>", "", standing(LoggedIn)),
	newForm("<A> is logging in", "", standing(LoggingIn)),
	newForm("<A> is logged out", "", standing(LoggedOut)),
	newForm("<A> sees <count> session[s]", SeesSessions, func(p *parser, w words) (play, error) {
		if err := p.placed(w["A"]); err != nil {
			return nil, err
		}
		n, err := number(w["count"])
		return on(w, func(a *actor) error { return a.expectSeen(n) }), err
	}),
	newForm("<A> sees <B> <presence>", SeesSessions, sees),
	newForm("<user> has <count> session[s]", "", func(_ *parser, w words) (play, error) {
		n, err := number(w["count"])
		return func(s *performance) error { return s.expectSessions(user(w["user"]), n) }, err
	}),
	newForm("<user> has logged in <often>", "", func(_ *parser, w words) (play, error) {
		n, err := number(strings.TrimSuffix(w["often"], " times"))
		return func(s *performance) error { return s.expectHistory(user(w["user"]), policy.EventLogin, n) }, err
	}),
	newForm("<user> has been kicked <often>", "", func(_ *parser, w words) (play, error) {
		n, err := number(strings.TrimSuffix(w["often"], " times"))
		return func(s *performance) error { return s.expectHistory(user(w["user"]), policy.EventKicked, n) }, err
	}),
	newForm("<user> has never been kicked", "", func(_ *parser, w words) (play, error) {
		return func(s *performance) error { return s.expectHistory(user(w["user"]), policy.EventKicked, 0) }, nil
	}),
	explains,
	newForm("<user> has signed up", "", signedUp(true)),
	newForm("<user> has not signed up", "", signedUp(false)),
}

func nothing(*performance) error { return nil }

// on is a play of device A alone.
func on(w words, f func(*actor) error) play {
	return func(s *performance) error { return f(s.actor(w["A"])) }
}

func withDevice(f func(*actor) error) func(*parser, words) (play, error) {
	return func(p *parser, w words) (play, error) {
		err := p.placed(w["A"])
		return on(w, f), err
	}
}

func server(f play) func(*parser, words) (play, error) {
	return func(*parser, words) (play, error) { return f, nil }
}

func clock(ahead bool) func(*parser, words) (play, error) {
	return func(_ *parser, w words) (play, error) {
		d, err := span(w["time"])
		if !ahead {
			d = -d
		}
		return func(s *performance) error { s.Stage.Advance(d); return nil }, err
	}
}

// faults are the ways in which dialling fails.
var faults = map[string]error{
	"no network":     os.NewSyscallError("connect", syscall.ENETDOWN),
	"no route":       os.NewSyscallError("connect", syscall.ENETUNREACH),
	"refused":        os.NewSyscallError("connect", syscall.ECONNREFUSED),
	"name not found": &net.DNSError{Err: "no such host", Name: "rollcall.test", IsNotFound: true},
}

func cannotDial(_ *parser, w words) (play, error) {
	fault, known := faults[w["fault"]]
	if !known {
		return nil, fmt.Errorf("%q is no way in which dialling fails", w["fault"])
	}
	return on(w, func(a *actor) error { a.endpoint().Refuse(fault); return nil }), nil
}

// A device may be cut off, and its answers be lost, before it has a platform.
func cut(how memnet.Break) func(*parser, words) (play, error) {
	return func(_ *parser, w words) (play, error) {
		return on(w, func(a *actor) error { a.cut(how); return nil }), nil
	}
}

func lost(f func(*actor, memnet.Break) error, how memnet.Break) func(*parser, words) (play, error) {
	return func(_ *parser, w words) (play, error) {
		return on(w, func(a *actor) error { return f(a, how) }), nil
	}
}

func standing(status Status) func(*parser, words) (play, error) {
	return func(p *parser, w words) (play, error) {
		err := p.placed(w["A"])
		return on(w, func(a *actor) error { return a.expectStanding(status, user(w["user"])) }), err
	}
}

func signedUp(want bool) func(*parser, words) (play, error) {
	return func(_ *parser, w words) (play, error) {
		return func(s *performance) error { return s.expectSignedUp(user(w["user"]), want) }, nil
	}
}
