package conformance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"rollcall.example"
	"rollcall.example/conformance"
	"rollcall.example/imcode"
	"rollcall.example/wire"
)

// browser is the face of web/sdk, in programs of Node's: browser/driver.mjs, or, where
// CHROMIUM names one, in its pages (scripts/web browser). Clock,
// timers and sockets of its devices are here, in the bubble of the scenario. While a
// driver works somebody here waits for it in a read, so that no time passes.
type browser struct {
	drivers []*driver
	devices atomic.Int64
}

// A driver is one program. It serves one command at a time.
type driver struct {
	mu  sync.Mutex
	in  io.Writer
	out *bufio.Scanner
}

// newBrowser starts the programs, which end with the test; nil where Node is missing,
// unless the tests are to fail then.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("ROLLCALL_TEST_NODE") != "" {
			t.Fatal(err)
		}
		return nil
	}
	b := &browser{}
	for range 2 {
		b.drivers = append(b.drivers, startDriver(t, node))
	}
	return b
}

func startDriver(t *testing.T, node string) *driver {
	t.Helper()
	script := "node.mjs"
	if os.Getenv("CHROMIUM") != "" {
		script = "chromium.mjs"
	}
	program := exec.Command(node, filepath.Join("browser", script))
	program.Stderr = os.Stderr
	in, err := program.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), program.Wait()); err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<24)
	return &driver{in: in, out: lines}
}

// Name implements conformance.Face.
func (*browser) Name() string { return "browser" }

// browserWords is how web/sdk spells events.
var browserWords = map[conformance.Kind]string{
	conformance.Connecting:    "NET_STATE_CHANGE connecting",
	conformance.Connected:     "NET_STATE_CHANGE connected",
	conformance.ConnectFails:  "NET_STATE_CHANGE disconnected",
	conformance.Kicked:        "KICKED_OUT",
	conformance.TicketEnds:    "USERSIG_WILL_EXPIRE",
	conformance.TicketExpired: "KICKED_OUT with expired",
	conformance.LoginResult:   "login",
	conformance.RenewalResult: "renewUserSig",
	conformance.LogoutResult:  "logout",
	conformance.SignOutResult: "signOut, signOutOthers",

	conformance.NewMessage:    "MESSAGE_RECEIVED",
	conformance.Recalled:      "MESSAGE_REVOKED",
	conformance.ReadByPeer:    "MESSAGE_READ_BY_PEER",
	conformance.UnreadChanges: "TOTAL_UNREAD_MESSAGE_COUNT_UPDATED",
	conformance.SendResult:    "sendMessage",
	conformance.RecallResult:  "revokeMessage",
	conformance.DeleteResult:  "deleteMessage, deleteConversation",
	conformance.MarkResult:    "setMessageRead",
	conformance.PinResult:     "pinConversation",
}

// Spell implements conformance.Face.
func (*browser) Spell(k conformance.Kind) string { return browserWords[k] }

// Lacks implements conformance.Face: a promise is not given up, a tab shares its device
// with nobody, and a page does not learn why it cannot connect.
func (*browser) Lacks(a conformance.Ability) bool {
	return slices.Contains([]conformance.Ability{conformance.CanGiveUp, conformance.OneOwner, conformance.TellsWhy}, a)
}

// A command is one thing that happens to a device.
type command struct {
	Do     string  `json:"do"`
	Device int64   `json:"device"`
	Now    float64 `json:"now"` // in ms

	Dir      string         `json:"dir,omitempty"` // with "open"
	App      rollcall.AppID `json:"app,omitempty"`
	URL      string         `json:"url,omitempty"`
	Platform uint32         `json:"platform"`
	Name     string         `json:"name,omitempty"`
	Provider bool           `json:"provider,omitempty"`

	Call    int    `json:"call,omitempty"` // with a call
	User    string `json:"user"`
	Ticket  string `json:"ticket"`
	Session uint64 `json:"session,omitempty"`
	Tickets bool   `json:"tickets,omitempty"`

	Message *naming `json:"message,omitempty"` // with a call about one
	Halved  bool    `json:"halved,omitempty"`  // the text ends with half a character: it is no text
	Pinned  bool    `json:"pinned,omitempty"`

	Socket int    `json:"socket,omitempty"` // with what a socket does
	Text   string `json:"text"`
	Code   int    `json:"code"`
}

// A word is one of a driver's answers to a command.
type word struct {
	Idle     bool
	Next     float64 // with Idle: when the next timer is due, in ms; -1: there is none
	Standing [2]string

	Event *struct {
		Kind, Text, Reason, Rule, Platform string
		Code                               int
	}

	Result   int
	Code     int
	Text     string
	Sessions []struct {
		Session              uint64
		DeviceName, Platform string
		AwaySince            int64
		IsCurrent            bool
	}

	Heard string          // of a message or the list: Data is what it brings
	Data  json.RawMessage // also of a result

	Dial, Send, Shut int
	URL, Protocol    string
	Provide          int
	User             string
}

// A browserDevice is a tab.
type browserDevice struct {
	driver *driver
	setup  conformance.Setup
	number int64
	began  time.Time
	ctx    context.Context //nolint:containedctx // its program's life
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	// What an exchange with the driver touches, under the driver's lock.
	timer   *time.Timer
	sockets map[int]*socket

	mu       sync.Mutex
	closed   bool
	hearing  bool      // the app is inside a handler
	inside   []command // what it does there
	standing [2]string
	last     int
	calls    map[int]func(word)
	heard    []word // of messages and the list
}

// Open implements conformance.Face.
func (b *browser) Open(s conformance.Setup) (conformance.Device, error) {
	n := b.devices.Add(1)
	ctx, cancel := context.WithCancel(context.Background())
	d := &browserDevice{
		driver: b.drivers[int(n)%len(b.drivers)], setup: s, number: n, began: time.Now(), ctx: ctx, cancel: cancel,
		sockets: make(map[int]*socket), calls: make(map[int]func(word)),
	}
	d.happen(command{
		Do: "open", Dir: s.DataDirectory, App: s.App, URL: s.URL, Platform: uint32(s.Platform), Name: s.DeviceName, Provider: s.Provider != nil,
	})
	return d, nil
}

// happen lets something happen to the device, and does what follows from it.
func (d *browserDevice) happen(c command) {
	d.driver.mu.Lock()
	defer d.driver.mu.Unlock()
	c.Device, c.Now = d.number, float64(time.Since(d.began))/float64(time.Millisecond)
	d.say(c)
	for {
		var w word
		if !d.driver.out.Scan() {
			panic(fmt.Sprintf("the driver has ended: %v", d.driver.out.Err()))
		}
		if err := json.Unmarshal(d.driver.out.Bytes(), &w); err != nil { //nolint:musttag // they are spelled as in Go, whatever their case
			panic(err)
		}
		if d.follow(w); w.Idle {
			return
		}
	}
}

func (d *browserDevice) say(what any) {
	line, err := json.Marshal(what)
	if err == nil {
		_, err = d.driver.in.Write(append(line, '\n'))
	}
	if err != nil {
		panic(err)
	}
}

// follow does what a word of the driver asks for.
func (d *browserDevice) follow(w word) {
	if w.Standing[0] != "" {
		d.mu.Lock()
		d.standing = w.Standing
		d.mu.Unlock()
	}
	switch {
	case w.Idle:
		d.setTimer(w.Next)
	case w.Event != nil:
		d.tell(w)
	case w.Heard != "":
		d.hear(w)
	case w.Result > 0:
		d.mu.Lock()
		done := d.calls[w.Result]
		d.mu.Unlock()
		done(w)
	case w.Dial > 0:
		d.dial(w.Dial, w.URL, w.Protocol)
	case w.Send > 0:
		d.sockets[w.Send].send(w.Text)
	case w.Shut > 0:
		d.sockets[w.Shut].shut()
		delete(d.sockets, w.Shut)
	case w.Provide > 0:
		d.provide(w.Provide, w.User)
	}
}

func (d *browserDevice) setTimer(ms float64) {
	if d.timer != nil {
		d.timer.Stop()
	}
	if ms >= 0 && d.ctx.Err() == nil {
		d.timer = time.AfterFunc(time.Duration(math.Ceil(ms*float64(time.Millisecond))), func() { d.happen(command{Do: "tick"}) })
	}
}

// tell lets the app hear an event; what it does inside its handler goes back.
func (d *browserDevice) tell(w word) {
	e := conformance.Event{Kind: conformance.Kind(w.Event.Kind), Result: conformance.Result{Code: imcode.Code(w.Event.Code)}, Text: w.Event.Text}
	if e.Kind == conformance.Kicked {
		e.By = &conformance.By{Reason: w.Event.Reason, Rule: w.Event.Rule}
		if w.Event.Platform != "" {
			e.By.Platform, _ = rollcall.ParsePlatform(w.Event.Platform) // what is none is not whom the scenario wants
		}
	}
	d.setHearing(true)
	d.setup.Hear(e)
	d.say(struct {
		Inside []command `json:"inside"`
	}{d.setHearing(false)})
}

func (d *browserDevice) setHearing(on bool) []command {
	d.mu.Lock()
	defer d.mu.Unlock()
	done := d.inside
	d.hearing, d.inside = on, nil
	return done
}

// provide lets the app's function work.
func (d *browserDevice) provide(n int, user string) {
	d.tasks.Go(func() {
		ticket, err := d.setup.Provider(user)
		if err != nil {
			d.happen(command{Do: "notGiven", Call: n, Text: err.Error()})
			return
		}
		d.happen(command{Do: "given", Call: n, Ticket: ticket})
	})
}

// Do implements conformance.Device.
func (d *browserDevice) Do(q conformance.Request, c conformance.Call) {
	ask := command{Do: string(q.Kind), User: q.User, Ticket: q.Ticket, Session: q.Session, Tickets: q.Tickets}
	if q.Peer != "" {
		ask.about(q)
	}
	d.ask(ask, func(w word) {
		c.Done(conformance.Result{Code: imcode.Code(w.Code)})
	})
}

// ask makes a call, inside a handler if the app is in one.
func (d *browserDevice) ask(c command, done func(word)) {
	d.mu.Lock()
	d.last++
	c.Call = d.last
	d.calls[c.Call] = done
	inside := d.hearing
	if inside {
		d.inside = append(d.inside, c)
	}
	d.mu.Unlock()
	if !inside {
		d.happen(c)
	}
}

// Sessions implements conformance.Device.
func (d *browserDevice) Sessions() (all []conformance.Seen, err error) {
	done := make(chan struct{})
	d.ask(command{Do: "sessions"}, func(w word) {
		defer close(done)
		if w.Code != 0 {
			err = imcode.Code(w.Code).Errorf("%s", w.Text)
		}
		for _, s := range w.Sessions {
			p, _ := rollcall.ParsePlatform(s.Platform)
			all = append(all, conformance.Seen{DeviceName: s.DeviceName, Platform: p, Away: s.AwaySince > 0, This: s.IsCurrent})
		}
	})
	<-done
	return all, err
}

// GiveUp implements conformance.Device; no scenario asks this face for it.
func (*browserDevice) GiveUp() {}

// Standing implements conformance.Device.
func (d *browserDevice) Standing() (conformance.Status, string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return conformance.Status(d.standing[0]), d.standing[1]
}

// Close implements conformance.Device, as the end of a page does: nobody is logged out.
func (d *browserDevice) Close() error {
	d.mu.Lock()
	inside, before := d.hearing, d.closed
	d.closed = true
	if inside {
		d.inside = append(d.inside, command{Do: "close"})
	}
	d.mu.Unlock()
	if inside {
		return nil
	}
	d.happen(command{Do: "close"})
	if !before {
		d.cancel()
	}
	d.tasks.Wait()
	return nil
}

// A socket is one of the device's. It is made, read and written on goroutines of its
// own; what it says happens to the device one by one.
type socket struct {
	frames chan string
	cancel context.CancelFunc
}

const (
	socketQueue = 1 << 10
	byeWithin   = time.Second
)

func (s *socket) send(text string) { s.frames <- text }

// shut ends it once what was sent has left.
func (s *socket) shut() { close(s.frames) }

func (d *browserDevice) dial(n int, url, protocol string) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.ctx)) // it outlives the page by its closing handshake
	s := &socket{frames: make(chan string, socketQueue), cancel: cancel}
	d.sockets[n] = s
	standing := make(chan *websocket.Conn, 1)
	d.tasks.Go(func() { s.write(ctx, standing) })
	d.tasks.Go(func() {
		defer cancel()
		ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: &http.Transport{
				DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
					return d.setup.Dial(ctx, network, address)
				},
				DisableKeepAlives: true,
			}},
			Subprotocols: []string{protocol},
		})
		if err != nil {
			close(standing)
			d.happen(command{Do: "failed", Socket: n, Text: "no connection could be made"}) // a page learns no more
			return
		}
		ws.SetReadLimit(wire.MaxFrame)
		standing <- ws
		d.happen(command{Do: "opened", Socket: n})
		d.read(ctx, n, ws)
	})
}

func (d *browserDevice) read(ctx context.Context, n int, ws *websocket.Conn) {
	for {
		_, frame, err := ws.Read(ctx)
		if err != nil {
			c, _ := errors.AsType[websocket.CloseError](err)
			d.happen(command{Do: "closed", Socket: n, Code: int(c.Code), Text: c.Reason})
			return
		}
		d.happen(command{Do: "received", Socket: n, Text: string(frame)})
	}
}

// write writes frames until there are no more, then closes the WebSocket.
func (s *socket) write(ctx context.Context, standing <-chan *websocket.Conn) {
	defer s.cancel()
	var ws *websocket.Conn
	for ws == nil {
		select {
		case made, ok := <-standing:
			if !ok {
				return
			}
			ws = made
		case _, more := <-s.frames:
			if !more {
				return // given up while it was made
			}
		}
	}
	for more := true; more; {
		var text string
		select {
		case <-ctx.Done():
			return
		case text, more = <-s.frames:
		}
		if more && ws.Write(ctx, websocket.MessageText, []byte(text)) != nil {
			return // the reader notices
		}
	}
	bye := time.AfterFunc(byeWithin, s.cancel)
	defer bye.Stop()
	ws.Close(websocket.StatusNormalClosure, "")
}
