package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"rollcall.example/imcode"
	"rollcall.example/internal/store"
)

// keptAs is where the store has the token's hash.
const keptAs = "operators_sha256"

// A Token opens the door on TCP. Nothing keeps it but who was given it: here is
// its SHA-256. Until one is made nobody is let in.
type Token struct {
	store store.Values

	mu   sync.RWMutex
	hash []byte // nil: there is none
}

// LoadToken reads what is kept of the token.
func LoadToken(ctx context.Context, s store.Values) (*Token, error) {
	hash, err := s.Value(ctx, keptAs)
	if err != nil {
		return nil, fmt.Errorf("read the operators' token: %w", err)
	}
	return &Token{store: s, hash: hash}, nil
}

// Renew makes a new token: 32 random bytes, in hex. The one before opens nothing
// from now on.
func (t *Token) Renew(ctx context.Context) (string, error) {
	var b [32]byte
	rand.Read(b[:])
	token := hex.EncodeToString(b[:])
	hash := sha256.Sum256([]byte(token))
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.store.SetValue(ctx, keptAs, hash[:]); err != nil {
		return "", fmt.Errorf("keep the operators' new token: %w", err)
	}
	t.hash = hash[:]
	return token, nil
}

// is tells whether token is the present one, in a time that says nothing about it.
func (t *Token) is(token string) bool {
	given := sha256.Sum256([]byte(token))
	t.mu.RLock()
	defer t.mu.RUnlock()
	return subtle.ConstantTimeCompare(given[:], t.hash) == 1
}

// Guard lets those through to h who show the token: Authorization: Bearer. All
// others get imcode.AdminRequired (70403), with status 401, and reach nothing; nor
// is their connection held, nor what they send read.
func Guard(t *Token, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, err := bearer(r.Header.Values("Authorization"))
		if err == nil && !t.is(given) {
			err = errors.New("the token is wrong: `rollcall admin token` in the server's data directory makes a new one")
		}
		if err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			w.Header().Set("Connection", "close")
			_ = http.NewResponseController(w).SetReadDeadline(time.Now())                                         // a body that is still to come is not waited for
			_ = write(w, http.StatusUnauthorized, &imcode.Error{Code: imcode.AdminRequired, Detail: err.Error()}) // who has gone is not told
			return
		}
		h.ServeHTTP(w, r)
	})
}

// bearer is the token in a request's headers.
func bearer(headers []string) (string, error) {
	if len(headers) == 1 {
		scheme, token, _ := strings.Cut(headers[0], " ")
		if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && token != "" {
			return token, nil
		}
	}
	return "", errors.New("there is no token: commands read it from ROLLCALL_ADMIN_TOKEN, and the header is Authorization: Bearer TOKEN")
}

// A madeToken is the body that answers whoever made one.
type madeToken struct {
	Token string `json:"token"`
}

func (h handler) renewToken(w http.ResponseWriter, r *http.Request) {
	token, err := h.Token.Renew(r.Context())
	h.answer(w, madeToken{token}, err)
}

// RenewToken makes a new token, in the place of the old one at once.
func (c *Client) RenewToken(ctx context.Context) (string, error) {
	var made madeToken
	err := c.call(ctx, http.MethodPost, "/v1/token", nil, &made)
	return made.Token, err
}
