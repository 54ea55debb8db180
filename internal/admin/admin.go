// Package admin is the door for operators: an HTTP API with JSON bodies on the
// admin socket in the data directory (unix, mode 0600: who may open the
// directory is an operator), and the client of that API.
//
// An Operator is what the commands work with: Open gives the API's client while
// a server runs on the data directory, and the directory's store itself while
// none does, so that a command need not care.
//
// Requests are at most 64 KiB. An error is a JSON object with code and detail,
// as package imcode has them.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
)

const (
	maxBody   = 64 << 10 // of a request
	maxAnswer = 16 << 20 // of an answer, as the client reads it
)

// Socket is where the admin socket of a data directory is.
func Socket(dir string) string { return filepath.Join(dir, "admin.sock") }

// An Operator administers the apps of a server.
type Operator interface {
	// List lists the apps by id.
	List(ctx context.Context) ([]apps.Info, error)
	// Add adds an app with one key and returns its secret; "" draws one.
	Add(ctx context.Context, id rollcall.AppID, name, secret string) (string, error)
	// AddKey adds a key to an app and returns it with its secret; "" draws one.
	AddKey(ctx context.Context, id rollcall.AppID, secret string) (apps.Key, string, error)
	// RemoveKey removes a key of an app.
	RemoveKey(ctx context.Context, id rollcall.AppID, key string) error
}

// Bodies of the API. A new app is answered with the newKey that it got.
type (
	newApp struct {
		ID     rollcall.AppID `json:"id"`
		Name   string         `json:"name,omitempty"`
		Secret string         `json:"secret,omitempty"`
	}
	newKey struct {
		Secret string `json:"secret,omitempty"`
	}
	madeKey struct {
		apps.Key
		Secret string `json:"secret"`
	}
)

// Handler is the API over an operator.
func Handler(o Operator, log *slog.Logger) http.Handler {
	h := handler{o, log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/apps", h.list)
	mux.HandleFunc("POST /v1/apps", h.add)
	mux.HandleFunc("POST /v1/apps/{app}/keys", h.addKey)
	mux.HandleFunc("DELETE /v1/apps/{app}/keys/{key}", h.removeKey)
	return mux
}

type handler struct {
	operator Operator
	log      *slog.Logger
}

func (h handler) list(w http.ResponseWriter, r *http.Request) {
	all, err := h.operator.List(r.Context())
	h.answer(w, all, err)
}

func (h handler) add(w http.ResponseWriter, r *http.Request) {
	q, err := body[newApp](w, r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	secret, err := h.operator.Add(r.Context(), q.ID, q.Name, q.Secret)
	h.answer(w, newKey{Secret: secret}, err)
}

func (h handler) addKey(w http.ResponseWriter, r *http.Request) {
	id, err := rollcall.ParseAppID(r.PathValue("app"))
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	q, err := body[newKey](w, r)
	if err != nil {
		h.answer(w, nil, err)
		return
	}
	k, secret, err := h.operator.AddKey(r.Context(), id, q.Secret)
	h.answer(w, madeKey{k, secret}, err)
}

func (h handler) removeKey(w http.ResponseWriter, r *http.Request) {
	id, err := rollcall.ParseAppID(r.PathValue("app"))
	if err == nil {
		err = h.operator.RemoveKey(r.Context(), id, r.PathValue("key"))
	}
	h.answer(w, struct{}{}, err)
}

// body reads a request's body, strictly.
func body[T any](w http.ResponseWriter, r *http.Request) (q T, err error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err = d.Decode(&q)
	if _, more := d.Token(); err != nil || !errors.Is(more, io.EOF) {
		return q, imcode.ParseFailed.Errorf("the body is not as expected: want JSON with known members, at most %d bytes", maxBody)
	}
	return q, nil
}

// answer writes v, or err; what carries no code is logged and 70500.
func (h handler) answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		coded, ok := errors.AsType[*imcode.Error](err)
		if !ok {
			h.log.Error("admin", "err", err)
			coded = &imcode.Error{Code: imcode.Of(err)}
		}
		w.WriteHeader(status(coded.Code))
		v = coded
	}
	if err := json.NewEncoder(w).Encode(v); err != nil {
		h.log.Debug("answer an operator", "err", err)
	}
}

func status(c imcode.Code) int {
	switch c {
	case imcode.Internal:
		return http.StatusInternalServerError
	case imcode.AppNotFound:
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}
