// Package wire is what client and server say to each other: the frames of
// proto/rollcall/v1/rollcall.proto, their two spellings, and the codes with
// which a connection is closed. docs/protocol.md tells how a conversation goes.
//
// One frame is one WebSocket message. Decoding is bounded by the caller's limit
// on the message's size; nothing in a frame is to be believed before it has
// been checked.
package wire

import (
	"fmt"
	"net/netip"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"rollcall.example/imcode"
)

// A Subprotocol is how frames are spelled on a connection, negotiated by the
// WebSocket's subprotocol.
type Subprotocol string

// The subprotocols.
const (
	Proto Subprotocol = "rollcall.v1.proto" // protobuf in binary messages
	JSON  Subprotocol = "rollcall.v1.json"  // the schema's JSON form in text messages
)

// Path is where the server answers WebSocket upgrades.
const Path = "/v1/connect"

// Limits of a frame's size in bytes, whichever way it goes.
const (
	MaxFrameBeforeLogin = 8 << 10
	MaxFrame            = 64 << 10
)

// MaxTryNumber bounds try numbers: every client can count so far exactly, and
// nobody gets there by counting.
const MaxTryNumber = 1 << 53

// Sizes of a session's secret, in bytes.
const (
	HalfBytes = 16 // a fixed or a changing half
	MaxProofs = 8
)

// Supported tells whether s is a subprotocol of this version.
func Supported(s string) bool { return s == string(Proto) || s == string(JSON) }

// Text tells whether frames travel in text messages.
func (s Subprotocol) Text() bool { return s == JSON }

var (
	jsonOut = protojson.MarshalOptions{}
	jsonIn  = protojson.UnmarshalOptions{DiscardUnknown: true}
)

// Encode spells m.
func (s Subprotocol) Encode(m proto.Message) ([]byte, error) {
	encode := proto.Marshal
	if s.Text() {
		encode = jsonOut.Marshal
	}
	b, err := encode(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return b, nil
}

// Decode reads b into m; unknown members are passed over, so that newer peers
// are understood. What does not parse is imcode.ParseFailed (60003).
func (s Subprotocol) Decode(b []byte, m proto.Message) error {
	decode := proto.Unmarshal
	if s.Text() {
		decode = jsonIn.Unmarshal
	}
	if err := decode(b, m); err != nil {
		return imcode.ParseFailed.Errorf("the frame is not a %s of %s", m.ProtoReflect().Descriptor().Name(), s)
	}
	return nil
}

// ThisMachine tells whether a host is this one, whatever the network says: what is
// sent there needs no TLS.
func ThisMachine(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
