package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"
)

// A vendorRow is one ticket to be made by usersig/testdata/npm/cross.js.
type vendorRow struct {
	App        uint32 `json:"app"`
	Key        string `json:"key"`
	Identifier string `json:"identifier"`
	Time       int64  `json:"time"`
	Expire     int64  `json:"expire"`
	Ticket     string `json:"ticket,omitempty"`
}

// vendorTicket has the vendor's own generator, the npm package tls-sig-api-v2,
// make a ticket for a day.
func vendorTicket(t *testing.T, app uint32, key, user string) string {
	t.Helper()
	if os.Getenv("ROLLCALL_TEST_NODE") == "" {
		t.Skip("needs Node.js and a package registry: set ROLLCALL_TEST_NODE=1, as scripts/test does")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../usersig/testdata/npm")); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", npm, err, out)
	}
	rows := []vendorRow{{App: app, Key: key, Identifier: user, Time: time.Now().Unix(), Expire: 86400}}
	in, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "cross.js")
	node.Dir, node.Stdin, node.Stderr = dir, bytes.NewReader(in), t.Output()
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%s: %v", node, err)
	}
	if err := json.Unmarshal(out, &rows); err != nil {
		t.Fatal(err)
	}
	return rows[0].Ticket
}

// TestATicketOfTheVendorsGeneratorLogsIn starts what somebody starts who tries
// Rollcall out, and logs in over a real WebSocket with a ticket that the vendor's
// own package made: by hand, and with `rollcall login`.
func TestATicketOfTheVendorsGeneratorLogsIn(t *testing.T) {
	dev := rollcallProcess(t, "dev", "--listen", "127.0.0.1:0", "--ops=", "--admin=")
	server := dev.must(t, `clients  (ws://\S+)$`)[1]
	key := dev.must(t, `key      (\S+)$`)[1]
	const app = 1400000000
	ticket := vendorTicket(t, app, key, "alice")

	answer := loginRaw(t, server, loginFrame(app, "alice", ticket))
	if got := answer.GetSession(); got.GetSession() != 1 || got.GetConnection() != 1 {
		t.Fatalf("the server answered %v, want session 1 on connection 1", answer)
	}
	ends, want := answer.GetSession().GetExpiresS(), time.Now().Add(24*time.Hour).Unix()
	if ends > want+1 || ends < want-60 {
		t.Errorf("the session's ticket ends at %s, want in a day", until(ends))
	}
	refused := loginRaw(t, server, loginFrame(app, "bob", ticket))
	if got := refused.GetRefusal().GetCode(); got != 70013 {
		t.Errorf("as bob, the server answered %v, want 70013", refused)
	}

	login := rollcallProcess(t, "login", "--server", server, "--app", "1400000000", "--user", "alice", "--usersig", ticket)
	login.must(t, `logged in +alice, session 2`)
}
