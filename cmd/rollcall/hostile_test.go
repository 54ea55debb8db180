package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// hostile is what a server says that wants a terminal to lie for it.
const hostile = "\x1b]0;pwned\a\x1b[2J\u009b2J\u202e\nFAKE\ttext\r"

// printed runs the program against a server that is not to be trusted, and gives
// what it printed to both streams.
func printed(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "rollcall", args...)
	cmd.Env = append(clean(), env...)
	out, err := cmd.CombinedOutput()
	if _, ended := err.(*exec.ExitError); err != nil && !ended { //nolint:errorlint // as Output gives it
		t.Fatal(err)
	}
	return string(out)
}

// harmless fails unless a terminal only prints what was printed, with the
// server's words nowhere at the beginning of a line.
func harmless(t *testing.T, out string) {
	t.Helper()
	if !strings.Contains(out, "FAKE") {
		t.Errorf("it did not print what the server said: %q", out)
	}
	for line := range strings.SplitSeq(out, "\n") {
		if strings.ContainsAny(line, "\x1b\a\u009b\u202e\t\r") || strings.HasPrefix(line, "FAKE") {
			t.Errorf("it printed %q", line)
		}
	}
}

func TestAHostileServerOrdersNoTerminalAtLogin(t *testing.T) {
	for name, answer := range map[string]*wire.ServerFrame{
		"refused": {Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: int32(imcode.UserSigMismatchID), Text: hostile}}},
		"noticed": {Body: &wire.ServerFrame_Notice{Notice: &wire.Notice{Session: 1, Text: hostile}}},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{string(wire.Proto)}})
			if err != nil {
				return
			}
			defer c.CloseNow()
			_, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			var asked wire.ClientFrame
			if err := wire.Proto.Decode(b, &asked); err != nil {
				t.Error(err)
				return
			}
			answer.Id = asked.GetId()
			if b, err = wire.Proto.Encode(answer); err != nil {
				t.Error(err)
				return
			}
			_ = c.Write(r.Context(), websocket.MessageBinary, b) // the client may have hung up
			_, _, _ = c.Read(r.Context())
		}))
		defer server.Close()
		out := printed(t, []string{"ROLLCALL_KEY=0123456789abcdef"}, "login",
			"--server", strings.TrimPrefix(server.URL, "http://"), "--app", "5", "--user", "alice")
		t.Log(name)
		harmless(t, out)
	}
}

// TestAHostileServerOrdersNoTerminalOfAnOperator has a command for each kind of
// answer.
func TestAHostileServerOrdersNoTerminalOfAnOperator(t *testing.T) {
	session := map[string]any{"session": 1, "device": hostile, "device_name": hostile, "address": hostile, "platform": "Web"}
	account := map[string]any{
		"user": "alice", "sessions": []any{session},
		"untold": []any{map[string]any{"session": 1, "device": hostile, "platform": "Web", "reason": hostile}},
	}
	event := map[string]any{
		"event": hostile, "device": hostile, "device_name": hostile, "platform": "Web", "address": hostile, "reason": hostile,
		"by": map[string]any{"session": 2, "platform": "Web", "device_name": hostile, "rule": hostile, "operator": hostile},
	}
	example := map[string]any{"user": "alice", "device_name": hostile, "platform": "Web", "text": hostile}
	refusal := map[string]any{"code": 70402, "detail": hostile}
	apps := []any{map[string]any{"id": 5, "name": hostile, "keys": []any{map[string]any{"id": hostile}}}}
	settings := map[string]any{"policy": hostile, "time_zone": hostile}
	for _, tt := range []struct {
		line   string
		path   string // whose answer it is; the others are honest
		answer any
		lines  bool // the server's own lines are printed as they are
	}{
		{"app list", "/v1/apps", apps, false},
		{"app show 5", "/v1/apps/5/settings", settings, false},
		{"app key list 5", "/v1/apps", apps, false},
		{"app key add 5", "/v1/apps/5/keys", map[string]any{"id": hostile, "secret": "x"}, false},
		{"app policy preview 5", "/v1/apps/5/policy/preview", map[string]any{"done": map[string]any{"sessions": 1, "examples": []any{example}}}, false},
		{"app policy preview 5", "/v1/apps/5/policy/preview", map[string]any{"error": refusal}, false},
		{"sessions alice", "/v1/apps/5/accounts/alice", account, false},
		{"sessions alice --json", "/v1/apps/5/accounts/alice", account, false},
		{"kick alice --all", "/v1/apps/5/accounts/alice/kick", map[string]any{"ended": []any{session}}, false},
		{"history alice", "/v1/apps/5/accounts/alice/history", []any{event}, false},
		{"history alice --json", "/v1/apps/5/accounts/alice/history", []any{event}, false},
		{"explain alice", "/v1/apps/5/accounts/alice/explain", map[string]any{"text": "It says:" + strings.ReplaceAll(hostile, "\n", " ")}, true},
		{"watch alice", "/v1/apps/5/accounts/alice/watch", map[string]any{"event": event}, false},
		{"watch alice", "/v1/apps/5/accounts/alice/watch", map[string]any{"now": account}, false},
		{"watch alice", "/v1/apps/5/accounts/alice/watch", map[string]any{"end": hostile}, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := any([]any{map[string]any{"id": 5}})
			if r.URL.Path == tt.path {
				answer = tt.answer
			}
			_ = json.NewEncoder(w).Encode(answer)
		}))
		t.Log(tt.line)
		out := printed(t, []string{"ROLLCALL_ADMIN=" + server.URL}, strings.Fields(tt.line)...)
		if tt.lines {
			out = strings.ReplaceAll(out, "\t", " ")
		}
		harmless(t, out)
		server.Close()
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(refusal)
	}))
	defer server.Close()
	harmless(t, printed(t, []string{"ROLLCALL_ADMIN=" + server.URL}, "history", "alice", "--app", "5"))
}
