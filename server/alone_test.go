package server_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"go.uber.org/goleak"

	"rollcall.example/server"
	"rollcall.example/usersig"
	"rollcall.example/wire"
)

// alone is the environment variable that makes this test binary a server in a
// process of its own. It holds an orders as JSON.
const alone = "ROLLCALL_TEST_ALONE"

// Orders are for a server in a process of its own.
type orders struct {
	Dir          string        `json:"dir"`
	TLS          bool          `json:"tls"`   // with a certificate of its own making
	Files        uint64        `json:"files"` // that it may open
	Connections  int           `json:"connections"`
	WithoutLogin int           `json:"without_login"`
	LoginWait    time.Duration `json:"login_wait"`
}

// A lodging is a server in a process of its own: where it listens, and how to make
// it collect its garbage.
type lodging struct {
	Clients string `json:"clients"`
	Ops     string `json:"ops"`

	in   io.Writer
	out  *bufio.Reader
	http *http.Client
}

// TestMain runs the tests, or the server that one of them asked for.
func TestMain(m *testing.M) {
	if text := os.Getenv(alone); text != "" {
		if err := serveAlone(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // here it is what main is
		}
		os.Exit(0) //nolint:forbidigo // the same
	}
	goleak.VerifyTestMain(m)
}

// serveAlone serves until its standard input ends.
func serveAlone(text string) error {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	if o.Files > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: o.Files, Max: o.Files}); err != nil {
			return err
		}
	}
	cfg := server.Config{Dir: o.Dir, Connections: o.Connections, ConnectionsWithoutLogin: o.WithoutLogin, LoginWait: o.LoginWait}
	if o.TLS {
		cfg.TLS = selfSigned()
	}
	var err error
	if cfg.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	if cfg.Ops, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
			debug.FreeOSMemory()
			fmt.Fprintln(os.Stdout, "collected")
		}
		cancel()
	}()
	s, err := server.New(ctx, cfg)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(lodging{Clients: cfg.Listener.Addr().String(), Ops: cfg.Ops.Addr().String()}); err != nil {
		return err
	}
	return s.Run(ctx)
}

func selfSigned() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

// startAlone starts a server in a process of its own, until the test ends.
func startAlone(t testing.TB, o orders) (at lodging, key string) {
	t.Helper()
	o.Dir = t.TempDir()
	key = initialize(t, o.Dir)
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), alone+"="+string(text))
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := process.Wait(); err != nil {
			t.Errorf("the server's process: %v", err)
		}
	})
	asks := &http.Transport{}
	t.Cleanup(asks.CloseIdleConnections)
	at.in, at.out, at.http = in, bufio.NewReader(out), &http.Client{Transport: asks}
	line, err := at.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &at)
	}
	if err != nil {
		t.Fatal(err)
	}
	return at, key
}

// metrics reads metrics of a server.
func (at lodging) metrics(t testing.TB) map[string]float64 {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at.Ops+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	a, err := at.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	all := map[string]float64{}
	for lines := bufio.NewScanner(a.Body); lines.Scan(); {
		if space := strings.LastIndexByte(lines.Text(), ' '); space > 0 {
			all[lines.Text()[:space]], _ = strconv.ParseFloat(lines.Text()[space+1:], 64)
		}
	}
	return all
}

// logIn speaks as a client on a bare connection: upgrade, login, answer.
func logIn(c net.Conn, key, user string, try uint64) error {
	sig, err := usersig.Sign(app, key, user, time.Now(), time.Hour)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(c, upgradeRequest(wire.Proto)); err != nil {
		return err
	}
	in := bufio.NewReader(c)
	a, err := http.ReadResponse(in, nil)
	if err != nil {
		return err
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the upgrade was answered with %s", a.Status)
	}
	f := loginFrame(sig, "phone", try)
	f.GetLogin().UserId = user
	answer, err := exchange(c, in, f)
	if r := answer.GetRefusal(); err == nil && r != nil {
		err = &refused{r}
	} else if err == nil && answer.GetSession() == nil {
		err = fmt.Errorf("the login was answered with %v", answer)
	}
	return err
}

// A refused is the refusal of a login.
type refused struct{ *wire.Refusal }

func (r *refused) Error() string { return "refused with " + r.String() }

// exchange sends a request and reads its answer.
func exchange(c net.Conn, in io.Reader, f *wire.ClientFrame) (*wire.ServerFrame, error) {
	b, err := wire.Proto.Encode(f)
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(masked(ws.NewBinaryFrame(b))); err != nil {
		return nil, err
	}
	h, err := ws.ReadHeader(in)
	if err != nil {
		return nil, err
	}
	b = make([]byte, h.Length)
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, err
	}
	answer := new(wire.ServerFrame)
	if h.OpCode != ws.OpBinary {
		return nil, fmt.Errorf("a frame with opcode %d: %q", h.OpCode, b)
	}
	return answer, wire.Proto.Decode(b, answer)
}

// collect makes the server collect its garbage and give memory back.
func (at lodging) collect(t testing.TB) {
	t.Helper()
	_, err := fmt.Fprintln(at.in)
	if err == nil {
		_, err = at.out.ReadString('\n')
	}
	if err != nil {
		t.Fatal(err)
	}
}
