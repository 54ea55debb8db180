package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"rollcall.example/imcode"
	"rollcall.example/wire"
)

var subprotocols = []wire.Subprotocol{wire.Proto, wire.JSON}

// requests are a frame of every kind, with every member set.
func requests() []*wire.ClientFrame {
	half := bytes.Repeat([]byte{0xa5}, wire.HalfBytes)
	return []*wire.ClientFrame{
		{Id: 1, Request: &wire.ClientFrame_Login{Login: &wire.LoginRequest{
			App: 1<<32 - 1, UserId: "alice", UserSig: "eJw*-_", Platform: 7, DeviceId: "phone", DeviceName: "小明's \"phone\"", Automatic: true,
			TryNumber: 1<<64 - 1, FixedHalf: half, ChangingHalf: half, LastSession: 1 << 53, KickSeen: 3, Proofs: [][]byte{half, {}}, Client: "test 1",
		}}},
		{Id: 2, Request: &wire.ClientFrame_Resume{Resume: &wire.ResumeRequest{
			App: 1, UserId: "alice", Session: 1<<64 - 1, FixedHalf: half, PresentHalf: half, NextHalf: half, TryNumber: 2, UserSig: "eJ", Client: "test 1",
		}}},
		{Id: 3, Request: &wire.ClientFrame_Logout{Logout: &wire.LogoutRequest{
			App: 1, UserId: "alice", DeviceId: "phone", FixedHalf: half, TryNumber: 3, UserSig: "eJ",
		}}},
		{Id: 4, Request: &wire.ClientFrame_Renew{Renew: &wire.RenewRequest{UserSig: "eJ"}}},
		{Id: 1<<64 - 1, Request: &wire.ClientFrame_Ping{Ping: &wire.PingRequest{}}},
		{Request: &wire.ClientFrame_Acknowledgement{Acknowledgement: &wire.Acknowledgement{Session: 9}}},
		{},
	}
}

func TestFramesRoundTripInBothSpellings(t *testing.T) {
	notice := &wire.Notice{
		Session: 1, Reason: wire.Reason_REASON_NEWER_LOGIN, Code: 6208, Text: "Signed out.", AtMs: 1795462858180,
		BySession: 2, ByPlatform: 7, ByDeviceName: "tab", Expired: true,
	}
	all := []proto.Message{
		&wire.ServerFrame{Id: 1, TimeMs: -1, Body: &wire.ServerFrame_Refusal{Refusal: &wire.Refusal{Code: 70001, Text: "over", RetryAfterMs: 5, Kicked: notice}}},
		&wire.ServerFrame{Id: 1, Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{
			Session: 1, Connection: 2, ExpiresS: 3, HeartbeatMs: 4, RenewalCode: 5, RenewalText: "six",
		}}},
		&wire.ServerFrame{Body: &wire.ServerFrame_Notice{Notice: notice}},
		&wire.ServerFrame{Body: &wire.ServerFrame_Stale{Stale: &wire.StaleAnswer{Highest: 1<<64 - 1}}},
		&wire.ServerFrame{Body: &wire.ServerFrame_LoginAgain{LoginAgain: &wire.LoginAgainAnswer{}}},
		&wire.ServerFrame{Body: &wire.ServerFrame_Logout{Logout: &wire.LogoutAnswer{Known: true}}},
		&wire.ServerFrame{Body: &wire.ServerFrame_Renew{Renew: &wire.RenewAnswer{ExpiresS: 1}}},
		&wire.ServerFrame{Body: &wire.ServerFrame_Ping{Ping: &wire.PingAnswer{}}},
	}
	for _, f := range requests() {
		all = append(all, f)
	}
	for _, sub := range subprotocols {
		for _, want := range all {
			b, err := sub.Encode(want)
			if err != nil {
				t.Fatal(err)
			}
			got := want.ProtoReflect().New().Interface()
			if err := sub.Decode(b, got); err != nil {
				t.Errorf("%s: %q: %v", sub, b, err)
			}
			if !proto.Equal(got, want) {
				t.Errorf("%s: %v came back as %v", sub, want, got)
			}
		}
	}
}

func TestTheJSONSpellingIsAsTheManualShowsIt(t *testing.T) {
	const byHand = `{"id":"1","login":{"app":1400000000,"userId":"alice","platform":7,"tryNumber":"1","fixedHalf":"MDEyMzQ1Njc4OWFiY2RlZg=="}}`
	f := new(wire.ClientFrame)
	if err := wire.JSON.Decode([]byte(byHand), f); err != nil {
		t.Fatal(err)
	}
	if q := f.GetLogin(); f.GetId() != 1 || q.GetApp() != 1400000000 || string(q.GetFixedHalf()) != "0123456789abcdef" {
		t.Errorf("decoded as %v", f)
	}
	b, err := wire.JSON.Encode(&wire.ServerFrame{Id: 1, Body: &wire.ServerFrame_Session{Session: &wire.SessionAnswer{Session: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.ReplaceAll(string(b), " ", ""); got != `{"id":"1","session":{"session":"1"}}` {
		t.Errorf("encoded as %s", got)
	}
}

func TestUnknownMembersArePassedOver(t *testing.T) {
	for sub, text := range map[wire.Subprotocol]string{
		wire.JSON:  `{"id":"7","ping":{"mood":1},"later":{"a":[]}}`,
		wire.Proto: "\x08\x07\x32\x03\xa0\x06\x01\xa2\x06\x03new",
	} {
		f := new(wire.ClientFrame)
		if err := sub.Decode([]byte(text), f); err != nil || f.GetId() != 7 || f.GetPing() == nil {
			t.Errorf("%s: decoded as %v, %v", sub, f, err)
		}
	}
}

func TestWhatDoesNotParseIs60003(t *testing.T) {
	for sub, all := range map[wire.Subprotocol][]string{
		wire.JSON:  {"", "x", "{", "[]", "null x", `{"id":-1}`, `{"login":{"platform":4294967296}}`, "{\"login\":{\"userId\":\"\xff\"}}", strings.Repeat(`{"login":`, 20000)},
		wire.Proto: {"\xff", "\x12\x05x", "\x12\x03\x12\x01\xff", strings.Repeat("\x0b", 20000)},
	} {
		for _, text := range all {
			err := sub.Decode([]byte(text), new(wire.ClientFrame))
			if imcode.Of(err) != imcode.ParseFailed {
				t.Errorf("%s: %.40q: %v, want 60003", sub, text, err)
			}
			if err != nil && len(text) > 3 && strings.Contains(err.Error(), text) {
				t.Errorf("the error repeats the frame: %v", err)
			}
		}
	}
}

func FuzzDecodeClientFrame(f *testing.F) {
	for _, q := range requests() {
		for _, sub := range subprotocols {
			b, err := sub.Encode(q)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(sub.Text(), b)
		}
	}
	f.Fuzz(func(t *testing.T, text bool, b []byte) {
		sub := wire.Proto
		if text {
			sub = wire.JSON
		}
		got := new(wire.ClientFrame)
		if err := sub.Decode(b, got); err != nil {
			if imcode.Of(err) != imcode.ParseFailed {
				t.Fatalf("%v is not 60003", err)
			}
			return
		}
		for _, sub := range subprotocols { // what was understood can be said again, in both
			again, err := sub.Encode(got)
			if err != nil {
				t.Fatal(err)
			}
			back := new(wire.ClientFrame)
			if err := sub.Decode(again, back); err != nil {
				t.Fatal(err)
			}
			back.ProtoReflect().SetUnknown(got.ProtoReflect().GetUnknown())
			if sub == wire.Proto && !proto.Equal(got, back) {
				t.Fatalf("%v came back as %v", got, back)
			}
		}
	})
}

func TestThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true, "localhost": true, "LocalHost": true,
		"10.0.0.1": false, "::": false, "127.0.0.1.evil.example": false, "localhost.evil.example": false, "": false,
	} {
		if got := wire.ThisMachine(host); got != want {
			t.Errorf("%q is this machine: %v, want %v", host, got, want)
		}
	}
}
