package server_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"rollcall.example/internal/apps"
	"rollcall.example/server"
	"rollcall.example/wire"
)

// TestTheSessionByHand plays docs/protocol.md's session by hand, line by line, and
// holds every answer against the page: all but what is another each time.
func TestTheSessionByHand(t *testing.T) {
	h := &hand{seen: make(map[protoreflect.Name]bool), peers: make(map[string]*peer)}
	story(t, server.Config{}, func(t *testing.T, w *world) {
		h.world = w
		if _, err := w.server.Apps().ChangeSettings(t.Context(), app, apps.ChangeTo(apps.Policy{Name: "dual"})); err != nil { // as dev's app has
			t.Fatal(err)
		}
		for _, l := range byHand(t) {
			h.play(t, l)
		}
		for at, p := range h.peers {
			p.within(time.Second)
			if f, err := p.frame(time.Second); err == nil && f.Header.OpCode == p.opcode() {
				t.Errorf("connection %s hears more: %s", at, f.Payload)
			}
		}
	})
	for _, all := range []protoreflect.OneofDescriptor{
		(&wire.ClientFrame{}).ProtoReflect().Descriptor().Oneofs().ByName("request"),
		(&wire.ServerFrame{}).ProtoReflect().Descriptor().Oneofs().ByName("body"),
	} {
		for i := range all.Fields().Len() {
			if f := all.Fields().Get(i); !h.seen[all.Name()+"."+f.Name()] {
				t.Errorf("the session by hand has no %s", f.JSONName())
			}
		}
	}
}

// byHand are the lines of the page's session.
func byHand(t *testing.T) (lines []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## A session by hand\n")
	if !found {
		t.Fatal("docs/protocol.md has no session by hand")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for i, block := range strings.Split(section, "```") {
		if i%2 == 1 {
			lines = append(lines, strings.Split(strings.TrimSpace(block), "\n")...)
		}
	}
	return lines
}

// A hand plays lines: `1> ` and a request on the connection 1, `1< ` and what it hears,
// `1 is lost`, or `1 is closed with 4500`.
type hand struct {
	world *world
	peers map[string]*peer
	seen  map[protoreflect.Name]bool
}

func (h *hand) play(t *testing.T, line string) {
	t.Helper()
	at, rest := line[:1], line[1:]
	frame, request := strings.CutPrefix(rest, "> ")
	code, closed := strings.CutPrefix(rest, " is closed with ")
	switch {
	case closed:
		n, err := strconv.Atoi(code)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		h.peers[at].closed(wire.CloseCode(n))
		delete(h.peers, at)
	case rest == " is lost":
		h.peers[at].hangUp()
		delete(h.peers, at)
		time.Sleep(time.Second)
	case request:
		h.say(t, at, frame)
	default:
		frame, found := strings.CutPrefix(rest, "< ")
		if !found {
			t.Fatalf("%s: no line of a session", line)
		}
		h.hear(t, at, frame)
	}
}

func (h *hand) say(t *testing.T, at, frame string) {
	t.Helper()
	if h.peers[at] == nil {
		h.peers[at] = h.world.speak(h.world.dial(), wire.JSON)
	}
	user := "alice"
	if at == "2" {
		user = "bob"
	}
	frame = strings.ReplaceAll(frame, "eJw...", h.world.sig(user, 24*time.Hour))
	f := new(wire.ClientFrame)
	if err := protojson.Unmarshal([]byte(frame), f); err != nil { // a peer passes over what it does not know
		t.Fatalf("%s: %v", frame, err)
	}
	h.note("request", f)
	h.peers[at].message([]byte(frame))
}

func (h *hand) hear(t *testing.T, at, frame string) {
	t.Helper()
	want := new(wire.ServerFrame)
	if err := protojson.Unmarshal([]byte(frame), want); err != nil {
		t.Errorf("%s: %v", frame, err)
	}
	h.note("body", want)
	got := h.peers[at].read()
	plain(t, want.ProtoReflect())
	plain(t, got.ProtoReflect())
	if !proto.Equal(got, want) {
		var line bytes.Buffer
		b, _ := protojson.Marshal(got)
		_ = json.Compact(&line, b)
		t.Errorf("connection %s hears\n%s< %s\nthe page has\n%s< %s", at, at, &line, at, frame)
	}
}

// note remembers what the page shows.
func (h *hand) note(oneof protoreflect.Name, f proto.Message) {
	m := f.ProtoReflect()
	if shown := m.WhichOneof(m.Descriptor().Oneofs().ByName(oneof)); shown != nil {
		h.seen[oneof+"."+shown.Name()] = true
	}
}

// plain sets what is another each time, moments, names of pasts and addresses, to one
// value where there is any.
func plain(t *testing.T, m protoreflect.Message) {
	t.Helper()
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := f.Name()
		switch {
		case f.IsList() && f.Message() != nil:
			for i := range v.List().Len() {
				plain(t, v.List().Get(i).Message())
			}
		case f.Message() != nil:
			plain(t, v.Message())
		case f.Kind() == protoreflect.Int64Kind && (strings.HasSuffix(string(name), "_ms") || strings.HasSuffix(string(name), "_s")):
			m.Set(f, protoreflect.ValueOfInt64(1))
		case name == "past" || name == "address":
			m.Set(f, protoreflect.ValueOfString("x"))
		}
		return true
	})
}
