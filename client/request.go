package client

import (
	"context"
	"slices"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
	"rollcall.example/wire"
)

// Bounds of requests: what the app asks of the server while somebody is in.
const (
	requestWithin = 10 * time.Second // the server's time to answer
	maxRequests   = outbox / 2       // that wait for their answers
)

// A request is a call that only who is in can make. It is sent at once or not
// at all, and never again: whether the server has carried it out when no answer
// came, nobody here knows.
type request struct {
	*call

	frame *wire.ClientFrame
	box   *box                           // who must be in for it; nil: whoever is
	hear  func(*seat, *wire.ServerFrame) // hears the answer first, also a late one; may be nil
	take  func(*wire.ServerFrame) bool   // takes the answer, unless the call was answered before; false: it is none
	late  *alarm
}

// request makes a request and waits for its answer, which take takes.
func (c *Client) request(ctx context.Context, f *wire.ClientFrame, take func(*wire.ServerFrame) bool) error {
	return c.ask(ctx, &request{frame: f, take: take})
}

// startRequest makes a request whose result comes by callback.
func (c *Client) startRequest(f *wire.ClientFrame, take func(*wire.ServerFrame) bool, done func(error)) {
	c.startAsk(&request{frame: f, take: take}, done)
}

// ask makes a request and waits for its answer.
func (c *Client) ask(ctx context.Context, r *request) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k, answer := c.newCall("", "")
	k.past = k.past || ctx.Value(asideKey{}) != nil
	r.call = k
	return c.wait(ctx, answer,
		func() { c.engine.request(r) },
		func() { c.engine.cancelRequest(r, ctx.Err()) })
}

// startAsk makes a request whose result comes by callback.
func (c *Client) startAsk(r *request, done func(error)) {
	r.call = &call{done: done}
	if !c.engine.do(func() { c.engine.request(r) }) {
		go done(errClosed())
	}
}

// startAnswered is a startRequest for which no server need be asked.
func (c *Client) startAnswered(err error, done func(error)) {
	k := &call{done: done}
	if !c.engine.do(func() { c.engine.answer(k, err) }) {
		go done(errClosed())
	}
}

// request sends r, or says why it cannot be sent.
func (e *engine) request(r *request) {
	s := e.seat
	switch {
	case s == nil || s.login != nil || r.box != nil && r.box != s.box:
		e.answer(r.call, imcode.NotLoggedIn.Errorf("nobody is in: log in first"))
	case s.phase != serving:
		e.answer(r.call, imcode.Disconnected.Errorf("there is no connection: nothing was sent"))
	case len(s.requests) == maxRequests:
		e.answer(r.call, imcode.CallFrequencyLimit.Errorf("%d calls wait for the server's answer: wait for one of them", maxRequests))
	default:
		s.requests = append(s.requests, r)
		r.late = e.after(requestWithin, func() { e.endRequest(s, r, unanswered()) })
		s.conn.ask(r.frame, func(f *wire.ServerFrame) { e.requestAnswered(s, r, f) })
	}
}

// requestAnswered is heard with the answer, or with nil when the connection
// ended before it. What that means depends on why it ended: see loseRequests.
func (e *engine) requestAnswered(s *seat, r *request, f *wire.ServerFrame) {
	if f == nil {
		return
	}
	if r.hear != nil && e.seat == s { // after a logout the connection may stand a little longer
		r.hear(s, f)
	}
	if r.answered {
		return
	}
	switch b := f.GetBody().(type) {
	case *wire.ServerFrame_Refusal:
		e.endRequest(s, r, refusalOf(b.Refusal))
	case *wire.ServerFrame_Notice: // the end of the session has overtaken it
		e.noticed(s, b.Notice)
	default:
		var err error
		if !r.take(f) {
			err = imcode.WaitAckTimeout.Errorf("the server gave an answer of another kind")
		}
		e.endRequest(s, r, err)
	}
}

// loseRequests ends those that get no answer any more because the connection
// has gone and the account is still in.
func (e *engine) loseRequests(s *seat) { e.endRequests(s, unanswered()) }

func unanswered() error {
	return imcode.WaitAckTimeout.Errorf("sent, but not answered: the server may have carried it out")
}

// endRequests ends all that wait, because nobody is in any more or because of
// the connection.
func (e *engine) endRequests(s *seat, err error) {
	for _, r := range slices.Clone(s.requests) {
		e.endRequest(s, r, err)
	}
}

func (e *engine) endRequest(s *seat, r *request, err error) {
	r.late.stop()
	s.requests = slices.DeleteFunc(s.requests, func(other *request) bool { return other == r })
	e.answer(r.call, err)
}

// cancelRequest is heard when the context of r has ended.
func (e *engine) cancelRequest(r *request, cause error) {
	if s := e.seat; s != nil && slices.Contains(s.requests, r) {
		e.endRequest(s, r, cause)
	}
}

func refusalOf(r *wire.Refusal) *imcode.Error {
	return &imcode.Error{
		Code:       imcode.Code(r.GetCode()),
		Detail:     plain.Line(r.GetText()),
		RetryAfter: time.Duration(r.GetRetryAfterMs()) * time.Millisecond,
	}
}
