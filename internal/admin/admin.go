// Package admin is the door for operators: an HTTP API with JSON bodies, and the
// client of that API, which the commands work with.
//
// The API has up to three doors. On the admin socket in the data directory (unix,
// mode 0600) whoever may open the directory is an operator. On TCP everybody is
// one who has the [Token]; see [Guard]. While no server runs, [Open] serves a
// directory's store to the client itself, inside the process. So every operation
// has one implementation, and a command need not care.
//
// docs/admin-api.md has every request.
//
// Requests are at most 64 KiB. An error is a JSON object with code and detail,
// as package imcode has them.
package admin

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"

	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/session"
)

const (
	maxBody   = 64 << 10 // of a request
	maxAnswer = 16 << 20 // of an answer, as the client reads it
	maxHeader = 64 << 10 // of what stands before it
	maxLine   = 1 << 20  // of a line of a stream
)

// Socket is where the admin socket of a data directory is.
func Socket(dir string) string { return filepath.Join(dir, "admin.sock") }

// A Backend is what operators work on. All of it is needed but Remote and Ending.
type Backend struct {
	Apps     *apps.Apps
	Sessions *session.Sessions
	Token    *Token
	Log      *slog.Logger

	Whole  Whole // the store; for checks and copies
	Remote bool  // operators may be on other machines: they get no copy of the store

	// Ending is closed when the server shuts down: who watches is sent away then.
	// nil: no server runs, so that nothing happens.
	Ending <-chan struct{}
}

// Handler is the API over a backend, for whoever reaches it.
func Handler(b Backend) http.Handler {
	mux := http.NewServeMux()
	handler{b}.routes(mux)
	return mux
}

// A router takes the requests that there are. docs/admin-api.md lists them.
type router interface {
	HandleFunc(pattern string, answer func(http.ResponseWriter, *http.Request))
}

// routes are all requests.
func (h handler) routes(mux router) {
	mux.HandleFunc("GET /v1/apps", h.list)
	mux.HandleFunc("POST /v1/apps", h.add)
	mux.HandleFunc("POST /v1/apps/{app}/disable", h.setDisabled(true))
	mux.HandleFunc("POST /v1/apps/{app}/enable", h.setDisabled(false))
	mux.HandleFunc("POST /v1/apps/{app}/keys", on(h, appOf, h.addKey))
	mux.HandleFunc("DELETE /v1/apps/{app}/keys/{key}", h.removeKey)
	mux.HandleFunc("GET /v1/apps/{app}/settings", h.settings)
	mux.HandleFunc("PATCH /v1/apps/{app}/settings", on(h, appOf, h.changeSettings))
	mux.HandleFunc("POST /v1/apps/{app}/import", h.importAccounts)
	mux.HandleFunc("GET /v1/apps/{app}/usage", h.usage)
	mux.HandleFunc("POST /v1/token", h.renewToken)
	h.accountRoutes(mux)
	h.pastRoutes(mux)
	h.policyRoutes(mux)
	h.wholeRoutes(mux)
}

// A handler answers the requests, each in a method of its own.
type handler struct{ Backend }

// answer writes v, or err; what carries no code is logged and 70500.
func (h handler) answer(w http.ResponseWriter, v any, err error) {
	code := http.StatusOK
	if err != nil {
		coded := h.coded(err)
		v, code = coded, status(coded.Code)
	}
	if err := write(w, code, v); err != nil {
		h.Log.Debug("answer an operator", "err", err)
	}
}

// coded is what may be told of an error. One that carries no code is logged.
func (h handler) coded(err error) *imcode.Error {
	coded, ok := errors.AsType[*imcode.Error](err)
	if !ok {
		h.Log.Error("admin", "err", err)
		coded = &imcode.Error{Code: imcode.Of(err)}
	}
	return coded
}

// write writes an answer.
func write(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}

func status(c imcode.Code) int {
	switch c {
	case imcode.Internal:
		return http.StatusInternalServerError
	case imcode.AppNotFound, imcode.AccountNotFound:
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}
