package bench

import (
	"context"
	"errors"
	"fmt"

	"rollcall.example/internal/plain"
)

// ResumeOptions are those of Resume.
type ResumeOptions struct {
	Options

	Clients []int // each a run of its own
	Restart int   // clients that live through a restart; 0: none
	Kill    bool  // the server is killed for it, and not asked to end
}

// sessionsEach is how many sessions a client of Resume has, that come back in turn.
const sessionsEach = 4

// Resume measures sessions that come back: connect, upgrade, secret, commit,
// answer, and then the connection is cut. Then a restart.
func Resume(ctx context.Context, o ResumeOptions) (_ *Report, err error) {
	for _, c := range o.Clients {
		if err := room(c, "--clients"); err != nil {
			return nil, err
		}
	}
	if err := room(o.Restart, "--restart"); err != nil {
		return nil, err
	}
	s, err := sit(o.Options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.rise()) }()
	report := s.report("resume")
	err = s.each(ctx, s.wants(true, false), func(all []*target) error {
		for _, clients := range o.Clients {
			what := plain.Count(clients, "client")
			records, err := s.turns(ctx, what, all, func(t *target) (*load, error) { return s.resumeLoad(ctx, t, clients) })
			if err != nil {
				return err
			}
			report.Runs = append(report.Runs, summary(what, clients, 0, records))
		}
		return nil
	})
	if err != nil || o.Restart == 0 || o.Running != nil {
		return report, err
	}
	return report, s.restart(ctx, o, report)
}

// resumeLoad prepares sessions that are cut.
func (s *sitting) resumeLoad(ctx context.Context, t *target, clients int) (*load, error) {
	sessions, err := t.cutSessions(ctx, sessionsEach*clients)
	if err != nil {
		return nil, err
	}
	return &load{target: t, clients: clients, duration: s.Duration, ask: func(ctx context.Context, client, n int, buf []byte) (*line, bool, error) {
		a := sessions[client*sessionsEach+n%sessionsEach]
		frame, err := t.resume(a)
		if err != nil {
			return nil, true, err
		}
		l, err := t.connect(ctx, buf)
		if err != nil {
			return nil, true, err
		}
		defer l.cut()
		if err := l.login(frame); err != nil {
			return nil, true, err
		}
		a.stepped()
		return nil, true, nil
	}}, nil
}

// cutSessions logs n accounts in, some at a time, and cuts their connections.
func (t *target) cutSessions(ctx context.Context, n int) ([]*account, error) {
	accounts, err := t.accounts(n)
	if err != nil {
		return nil, err
	}
	return accounts, inParallel(ctx, n, func(ctx context.Context, i int, buf []byte) error {
		l, err := t.connect(ctx, buf)
		if err != nil {
			return err
		}
		defer l.cut()
		return accounts[i].logIn(l)
	})
}

// logIn logs the account in on a connection, and keeps its session's number.
func (a *account) logIn(l *line) error {
	frame, err := l.target.login(a)
	if err != nil {
		return err
	}
	if err := l.send(frame); err != nil {
		return err
	}
	got, err := l.granted()
	if err != nil {
		return fmt.Errorf("a login to begin with: %w", err)
	}
	a.session = got.GetSession() // of a floor, 0
	return nil
}
