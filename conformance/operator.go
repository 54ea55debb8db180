package conformance

import (
	"fmt"
	"strings"
	"time"

	"rollcall.example"
)

// acts are the lines of operators, and of those who run the app.
var acts = []form{
	newForm("the app sets <setting>", "", func(_ *parser, w words) (play, error) {
		return func(s *performance) error { return s.Stage.Set(w["setting"]) }, nil
	}),
	newForm("the policy becomes <policy>", "", func(_ *parser, w words) (play, error) {
		p, err := readPolicy("policy " + w["policy"])
		return func(s *performance) error { return s.Stage.SetPolicy(p) }, err
	}),
	newForm("the policy is applied", "", server(func(s *performance) error { return s.Stage.ApplyPolicy() })),
	newForm("the app is disabled", "", server(func(s *performance) error { return s.Stage.SetAppDisabled(true) })),
	newForm("the app is enabled", "", server(func(s *performance) error { return s.Stage.SetAppDisabled(false) })),
	newForm("an operator kicks <user>[ on <platform>]", "", func(_ *parser, w words) (play, error) {
		var on *rollcall.Platform
		if w.has("platform") {
			p, err := rollcall.ParsePlatform(w["platform"])
			if err != nil {
				return nil, err
			}
			on = &p
		}
		return func(s *performance) error { return s.Stage.Kick(user(w["user"]), on) }, nil
	}),
	newForm("all tickets of <user> are revoked", "", ofUser(func(s *performance, user string) error {
		from, err := s.Stage.Revoke(user)
		if err != nil {
			return err
		}
		// Its business server is told from when on, and signs a new one.
		ahead := max(0, time.Unix(from, 0).Sub(s.Stage.Now()))
		return s.sign(usualOf(user), user, ahead, usual, "")
	})),
	newForm("<user> is disabled", "", ofUser(func(s *performance, user string) error { return s.Stage.SetDisabled(user, true) })),
	newForm("<user> is enabled", "", ofUser(func(s *performance, user string) error { return s.Stage.SetDisabled(user, false) })),
	newForm("<user> is deleted", "", ofUser(func(s *performance, user string) error { return s.Stage.Delete(user) })),
}

// explains looks at what a support person reads of an account.
var explains = newForm("support asks about <user> and reads: <words>", "", func(_ *parser, w words) (play, error) {
	return func(s *performance) error {
		text, err := s.Stage.Explain(user(w["user"]))
		if err != nil {
			return err
		}
		if s.Told != nil {
			s.Told(text)
		}
		if !strings.Contains(strings.Join(strings.Fields(text), " "), w["words"]) {
			return fmt.Errorf("it reads:\n%s", text)
		}
		return nil
	}, nil
})

func ofUser(f func(s *performance, user string) error) func(*parser, words) (play, error) {
	return func(_ *parser, w words) (play, error) {
		return func(s *performance) error { return f(s, user(w["user"])) }, nil
	}
}
