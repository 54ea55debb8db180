package admin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rollcall.example/internal/admin"
)

// FuzzHandler sends the operators' API arbitrary requests. It answers each, with
// no fault of its own: what is wrong is the request.
func FuzzHandler(f *testing.F) {
	for _, q := range [][3]string{
		{"GET", "/v1/apps", ""}, {"POST", "/v1/apps", `{"id":7,"name":"x"}`}, {"PATCH", "/v1/apps/1400000000/settings", `{"policy":"single"}`},
		{"GET", "/v1/apps/1400000000/accounts/alice/sessions", ""}, {"POST", "/v1/apps/1400000000/accounts/alice/kick", `{"platform":"Web"}`},
		{"POST", "/v1/apps/1400000000/accounts/alice/revoke", `{"valid_from":-1}`}, {"GET", "/v1/apps/1400000000/accounts/alice/history?before=9", ""},
		{"GET", "/v1/apps/1400000000/accounts/alice/explain?at=2026-11-23T12:00:00Z&zone=UTC", ""}, {"GET", "/v1/apps/1/accounts/../x", ""},
		{"POST", "/v1/apps/1400000000/policy/preview", `{"policy":"multi"}`}, {"DELETE", "/v1/apps/1400000000/accounts/alice", ""},
	} {
		f.Add(q[0], q[1], q[2])
	}
	b, s := backend(f)
	if _, err := b.Apps.Add(f.Context(), app, "", ""); err != nil {
		f.Fatal(err)
	}
	logIn(f, s, "alice", 1, 0)
	over := make(chan struct{}) // who watches is sent away at once
	close(over)
	b.Ending = over
	h := admin.Handler(b)
	f.Fuzz(func(t *testing.T, method, path, body string) {
		q, err := http.NewRequestWithContext(t.Context(), method, "http://admin"+path, strings.NewReader(body))
		if err != nil || q.URL.Host != "admin" {
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		if w.Code >= 500 {
			t.Fatalf("%s %s %s: %d %s", method, path, body, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s: not JSON: %s", method, path, w.Body)
		}
	})
}
