package usersig_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"testing"
)

// vendorPackage installs the npm package tls-sig-api-v2, as pinned in
// testdata/npm, and returns the directory it can be used from.
func vendorPackage(t *testing.T) string {
	t.Helper()
	if os.Getenv("ROLLCALL_TEST_NODE") == "" {
		t.Skip("needs Node.js and a package registry: set ROLLCALL_TEST_NODE=1, as scripts/test does")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/npm")); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	npm.Dir = dir
	run(t, npm)
	return dir
}

// run runs cmd and returns what it prints.
func run(t *testing.T, cmd *exec.Cmd) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.Bytes())
	}
	return out
}

// A crossing is a vector to be made by both sides. Testdata/npm/cross.js, which
// fills in the vendor's part, describes the rest.
type crossing struct {
	App        uint32  `json:"app"`
	Key        string  `json:"key"`
	Identifier string  `json:"identifier"`
	Time       int64   `json:"time"`
	Expire     int64   `json:"expire"`
	Userbuf    *string `json:"userbuf,omitempty"`
	Room       any     `json:"room,omitempty"` // number or string: the vendor makes the userbuf

	Ticket string `json:"ticket"`         // the vendor's
	Sig    string `json:"sig"`            // the vendor's
	Ours   any    `json:"ours,omitempty"` // our ticket; back comes what the vendor's side reads in it
}

// TestTheVendorsGeneratorAgrees has the vendor's generator make tickets for us
// to check, and ours read and made again by the vendor's code.
func TestTheVendorsGeneratorAgrees(t *testing.T) {
	dir := vendorPackage(t)
	rows := cross(t, dir, crossings(t))
	for i, r := range rows {
		testVector(t, r.vector())
		if t.Failed() {
			t.Fatalf("the vendor's ticket %d: %+v", i, r)
		}
		// What it says, userbuf included, is signed by us and goes back.
		rows[i].Room, rows[i].Ours = nil, must(r.vector().claims(t).Sign(r.Key))
	}
	for _, r := range cross(t, dir, rows) {
		want := map[string]any{
			"TLS.ver": "2.0", "TLS.identifier": r.Identifier, "TLS.sdkappid": float64(r.App),
			"TLS.time": float64(r.Time), "TLS.expire": float64(r.Expire), "TLS.sig": r.Sig,
		}
		if r.Userbuf != nil {
			want["TLS.userbuf"] = *r.Userbuf
		}
		if !reflect.DeepEqual(r.Ours, want) {
			t.Fatalf("the vendor's side reads %v in our ticket, and signs %v", r.Ours, want)
		}
	}
}

// cross hands the rows to the vendor's code and returns its answers.
func cross(t *testing.T, dir string, rows []crossing) []crossing {
	t.Helper()
	node := exec.CommandContext(t.Context(), "node", "cross.js")
	node.Dir, node.Stdin = dir, bytes.NewReader(must(json.Marshal(rows)))
	var answers []crossing
	if err := json.Unmarshal(run(t, node), &answers); err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(rows) {
		t.Fatalf("%d answers to %d rows", len(answers), len(rows))
	}
	return answers
}

func (r crossing) vector() vector {
	return vector{App: r.App, Key: r.Key, Identifier: r.Identifier, Time: r.Time, Expire: r.Expire, Userbuf: r.Userbuf, Sig: r.Sig, Ticket: r.Ticket}
}

// crossings returns the golden vectors and 200 random ones, with and without a
// userbuf or a room.
func crossings(t *testing.T) (rows []crossing) {
	t.Helper()
	vectors, _ := golden(t)
	for _, v := range vectors {
		if v.Userbuf == nil || *v.Userbuf != "" { // an empty one we do not make
			rows = append(rows, crossing{App: v.App, Key: v.Key, Identifier: v.Identifier, Time: v.Time, Expire: v.Expire, Userbuf: v.Userbuf})
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		r := crossing{
			App:        1 + random.Uint32N(1<<32-1),
			Key:        someKey.Example(i),
			Identifier: someIdentifier.Example(i),
			Time:       random.Int64N(4e9),
			Expire:     random.Int64N(4e9),
		}
		switch i % 4 {
		case 1:
			b := make([]byte, 1+random.IntN(100))
			for j := range b {
				b[j] = byte(random.Uint32())
			}
			r.Userbuf = new(base64.StdEncoding.EncodeToString(b))
		case 2:
			r.Room = random.Uint32()
		case 3:
			r.Room = someIdentifier.Example(-i)
		}
		rows = append(rows, r)
	}
	return rows
}
