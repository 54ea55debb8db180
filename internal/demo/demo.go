// Package demo is what `rollcall dev` offers beside a server: the pages, and the
// acts behind their buttons. It signs UserSigs for whoever asks, so it is part of no
// other command.
//
// The acts are requests POST /dev/NAME with a JSON object and a JSON answer;
// docs/demo.md lists them.
//
// # What callers may rely on
//
//   - An act is carried out only for this machine: the connection comes from its
//     loopback, no proxy has passed it on, the host it asks for is this machine, and
//     the page it comes from (Origin) lies on that very host. So neither another
//     machine nor a page of another site, whatever its name resolves to, can sign a
//     UserSig. Nor can one by opening ours: that acts only when a person presses, or one
//     of our pages has opened it.
//   - Bodies are at most 4 KiB, acts at most [perWindow] in ten seconds, phones at
//     most [maxPhones].
package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/limit"
	"rollcall.example/internal/session"
	"rollcall.example/web"
)

const (
	maxBody   = 4 << 10
	perWindow = 100              // acts of all pages together
	window    = 10 * time.Second // in which they count
	operator  = "demo"           // who acts, in the history
)

// A Demo is offered over the life of several servers, one after the other at the
// same address: a page can have its server started again.
type Demo struct {
	app    rollcall.AppID
	log    *slog.Logger
	acts   limit.Attempts[struct{}, uint64]
	number atomic.Uint64 // of the last act
	phones *phones

	rotating sync.Mutex
	rotated  func(key string) error
}

// New is a demo of an app whose clients connect to server, as ws://127.0.0.1:7400.
// rotated hears of each key that takes the place of another. Close ends it.
func New(app rollcall.AppID, server string, rotated func(key string) error, log *slog.Logger) *Demo {
	return &Demo{
		app: app, log: log, phones: newPhones(app, server), rotated: rotated,
		acts: limit.Attempts[struct{}, uint64]{Max: perWindow, Window: window},
	}
}

// Close ends the phones, which stay logged in.
func (d *Demo) Close() error { return d.phones.close() }

// A Backend is the server that a demo acts on. All of it is needed.
type Backend struct {
	Apps     *apps.Apps
	Sessions *session.Sessions
	Restart  func() // has the server end, and another begin in its place
}

// Handler answers the pages and the acts, on a server.
func (d *Demo) Handler(b Backend) http.Handler {
	h := handler{b, d}
	mux := http.NewServeMux()
	mux.Handle("/", web.Handler())
	for name, do := range map[string]act{
		"usersig": on(h.usersig), "state": on(h.state), "kick": on(h.kick), "revoke": on(h.revoke),
		"policy": on(h.policy), "apply": on(h.apply), "key": on(h.key), "phone": on(h.phone), "restart": on(h.restart),
	} {
		mux.HandleFunc("POST /dev/"+name, h.guarded(do))
	}
	return mux
}

// A handler carries out the acts.
type handler struct {
	Backend
	*Demo
}

// An act does what a body asks for; then, if there is one, comes after the answer.
type act func(ctx context.Context, body io.Reader) (answer any, then func(), err error)

// on makes an act of what takes a request.
func on[Q, A any](do func(context.Context, Q) (A, func(), error)) act {
	return func(ctx context.Context, body io.Reader) (any, func(), error) {
		q, err := read[Q](body)
		if err != nil {
			return nil, nil, err
		}
		return do(ctx, q)
	}
}

// read reads a body, strictly.
func read[Q any](body io.Reader) (q Q, err error) {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err = d.Decode(&q)
	if coded, ok := errors.AsType[*imcode.Error](err); ok {
		return q, coded
	}
	if _, more := d.Token(); err != nil || !errors.Is(more, io.EOF) {
		return q, imcode.ParseFailed.Errorf("the body is not as expected: want one JSON object with known members, at most %d bytes", maxBody)
	}
	return q, nil
}

// guarded lets an act be done for this machine's own pages, and not too often.
func (h handler) guarded(do act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if err := fromOwnPage(r); err != nil {
			h.refuse(w, http.StatusForbidden, err)
			return
		}
		if !h.acts.Allow(struct{}{}, h.number.Add(1), time.Now()) {
			h.refuse(w, http.StatusTooManyRequests, imcode.TooManyRequests.Errorf("more than %d acts in %v: wait a little", perWindow, window))
			return
		}
		answer, then, err := do(r.Context(), http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			h.refuse(w, http.StatusBadRequest, err)
			return
		}
		h.write(w, http.StatusOK, answer)
		if then != nil {
			then()
		}
	}
}

// fromOwnPage tells why a request is none of a page that this machine serves to
// itself.
func fromOwnPage(r *http.Request) error {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() {
		return imcode.InvalidParameters.Errorf("acts are for the machine that `rollcall dev` runs on, and you come from another")
	}
	for _, passedOn := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if r.Header.Get(passedOn) != "" {
			return imcode.InvalidParameters.Errorf("acts are for the machine that `rollcall dev` runs on, and a proxy has passed this one on")
		}
	}
	host := url.URL{Host: r.Host}
	if name := host.Hostname(); name == "" || !thisMachine(name) {
		return imcode.InvalidParameters.Errorf("acts are done under the name of this machine alone, as 127.0.0.1 or localhost")
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Scheme != "http" && origin.Scheme != "https" || !strings.EqualFold(origin.Host, r.Host) {
		return imcode.InvalidParameters.Errorf("acts are done for the pages of this server alone: want its own Origin")
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return imcode.InvalidParameters.Errorf("want Content-Type: application/json")
	}
	return nil
}

// thisMachine tells whether a name is one of this machine that no name server gave.
func thisMachine(host string) bool {
	a, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && a.IsLoopback()
}

// refuse writes an error; what carries no code is logged and 70500.
func (h handler) refuse(w http.ResponseWriter, status int, err error) {
	coded, ok := errors.AsType[*imcode.Error](err)
	if !ok {
		h.log.Error("demo", "err", err)
		coded = &imcode.Error{Code: imcode.Of(err)}
	}
	h.write(w, status, coded)
}

func (h handler) write(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(v); err != nil {
		h.log.Error("demo", "err", err)
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(b.Bytes()); err != nil {
		h.log.Debug("answer a page", "err", err)
	}
}
