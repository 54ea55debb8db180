package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/plain"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
)

// progressEvery is how often a long run says how far it is.
const progressEvery = time.Second

// An Applied is what applying a policy does, or would do.
type Applied struct {
	Accounts int       `json:"accounts"` // that are logged in
	Touched  int       `json:"touched"`  // of which a session goes
	Sessions int       `json:"sessions"` // that go
	Examples []Example `json:"examples"`
}

// An Example is one session that goes.
type Example struct {
	User rollcall.UserID `json:"user"`
	Session
	By *By `json:"by"`

	// Text says who stays and by which rule, as the end of a sentence.
	Text string `json:"text"`
}

// A run is one line of a preview or an application.
type run struct {
	Progress *Applied      `json:"progress,omitempty"`
	Done     *Applied      `json:"done,omitempty"`
	Error    *imcode.Error `json:"error,omitempty"`
}

// policyRoutes are the requests about a policy and those who are logged in.
func (h handler) policyRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/apps/{app}/policy/preview", h.preview)
	mux.HandleFunc("POST /v1/apps/{app}/policy/apply", h.apply)
}

func (h handler) preview(w http.ResponseWriter, r *http.Request) {
	id, err := appOf(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	change, err := body[apps.Change](w, r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	rules, err := h.Apps.RulesWith(id, change)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	h.run(w, r, func(progress func(session.Applied)) (session.Applied, error) {
		return h.Sessions.Preview(r.Context(), id, rules, progress)
	})
}

// Preview says what would go if an app's policy were applied now, after a change
// that is not made. It tells progress, if that is not nil, now and then.
func (c *Client) Preview(ctx context.Context, id rollcall.AppID, change apps.Change, progress func(Applied)) (Applied, error) {
	return c.run(ctx, appPath(id)+"/policy/preview", object(change), progress)
}

func (h handler) apply(w http.ResponseWriter, r *http.Request) {
	id, err := appOf(r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	q, err := body[act](w, r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	operator, err := q.name()
	if err == nil {
		_, err = h.Apps.App(id)
	}
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	h.run(w, r, func(progress func(session.Applied)) (session.Applied, error) {
		return h.Sessions.Apply(r.Context(), id, operator, progress)
	})
}

// Apply puts an app's policy in force for those who are logged in already. It may
// be repeated.
func (c *Client) Apply(ctx context.Context, id rollcall.AppID, operator string, progress func(Applied)) (Applied, error) {
	return c.run(ctx, appPath(id)+"/policy/apply", act{operator}, progress)
}

// run does what takes long, and tells its progress meanwhile. It ends with its
// reader.
func (h handler) run(w http.ResponseWriter, r *http.Request, do func(progress func(session.Applied)) (session.Applied, error)) {
	out, last := newStream(w), time.Now()
	sum, err := do(func(s session.Applied) {
		if time.Since(last) >= progressEvery {
			last = time.Now()
			v := appliedOf(s)
			_ = out.send(run{Progress: &v})
		}
	})
	if r.Context().Err() != nil {
		return
	}
	if err != nil {
		_ = out.send(run{Error: h.coded(err)})
		return
	}
	v := appliedOf(sum)
	_ = out.send(run{Done: &v})
}

func (c *Client) run(ctx context.Context, path string, q any, progress func(Applied)) (sum Applied, err error) {
	done := false
	err = lines(ctx, c, http.MethodPost, path, q, func(r run) error {
		switch {
		case r.Error != nil:
			r.Error.Detail = plain.Line(r.Error.Detail)
			return r.Error
		case r.Done != nil:
			sum, done = *r.Done, true
		case r.Progress != nil && progress != nil:
			progress(*r.Progress)
		}
		return nil
	})
	if err == nil && !done {
		err = errors.New("the server ended before it was done: try again")
	}
	return sum, err
}

func appliedOf(s session.Applied) Applied {
	v := Applied{Accounts: s.Accounts, Touched: s.Touched, Sessions: s.Sessions, Examples: []Example{}}
	for _, e := range s.Examples {
		v.Examples = append(v.Examples, Example{
			User: e.User, Session: shown([]policy.Session{e.Ended})[0], By: by(e.Notice.By),
			Text: "it stays on " + policy.Device(e.Notice.By.DeviceName, e.Notice.By.Platform) + e.Notice.By.Room(e.Ended.Platform),
		})
	}
	slices.SortFunc(v.Examples, func(a, b Example) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Session.Session, b.Session.Session))
	})
	return v
}
