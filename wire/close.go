package wire

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A CloseCode is why the server closed a connection. Those below 4500 ask a
// client that has a session to come back; the others tell it not to.
type CloseCode uint16

// The close codes.
const (
	CloseDrain        CloseCode = 4000
	CloseOverloaded   CloseCode = 4001
	CloseIdle         CloseCode = 4002
	CloseSuperseded   CloseCode = 4003
	CloseSlow         CloseCode = 4004
	CloseLoginTimeout CloseCode = 4005
	CloseInternal     CloseCode = 4006
	CloseKicked       CloseCode = 4500
	CloseExpired      CloseCode = 4501
	CloseLoggedOut    CloseCode = 4502
	CloseReplaced     CloseCode = 4503
	CloseBadFrame     CloseCode = 4504
	CloseTooBig       CloseCode = 4505
	CloseTooMany      CloseCode = 4506
)

// closeMeanings is the manual: the table in docs/protocol.md is held against it.
var closeMeanings = map[CloseCode]struct{ name, meaning string }{
	CloseDrain:        {"drain", "the server is shutting down or restarting"},
	CloseOverloaded:   {"overloaded", "the server has no room for this connection now"},
	CloseIdle:         {"idle", "nothing was heard from the client for too long"},
	CloseSuperseded:   {"superseded", "the session is served on a newer connection, whose number is named"},
	CloseSlow:         {"slow", "the client reads more slowly than it is sent to"},
	CloseLoginTimeout: {"login timeout", "no login or resume was granted in time"},
	CloseInternal:     {"internal", "the server met an error of its own"},
	CloseKicked:       {"kicked", "the session was kicked; the notice came before"},
	CloseExpired:      {"expired", "the session's UserSig has ended or was made worthless; the notice came before"},
	CloseLoggedOut:    {"logged out", "the session was logged out on another connection of its client"},
	CloseReplaced:     {"replaced", "the device logged in again and this session was its earlier one"},
	CloseBadFrame:     {"bad frame", "a frame did not parse (60003)"},
	CloseTooBig:       {"too big", "a frame was larger than allowed"},
	CloseTooMany:      {"too many", "more requests than allowed before a login"},
}

// ComeBack tells whether a client that has a session should come back.
// Everything that is not one of ours (a cut, a proxy's code) asks for it too.
func (c CloseCode) ComeBack() bool { return c < 4500 || c > 4999 }

func (c CloseCode) String() string {
	if m, ok := closeMeanings[c]; ok {
		return m.name
	}
	return "close code " + strconv.Itoa(int(c))
}

// Meaning says in words why the connection was closed.
func (c CloseCode) Meaning() string { return closeMeanings[c].meaning }

// A Close is how the server ends a connection.
type Close struct {
	Code       CloseCode
	RetryAfter time.Duration // with codes that ask to come back: not before; 0 says nothing
	Connection uint64        // with CloseSuperseded: the connection that took over
}

// Reason is the text of the WebSocket close frame: the code's name, then what
// goes with it as name=value.
func (c Close) Reason() string {
	s := c.Code.String()
	if c.RetryAfter > 0 {
		s += fmt.Sprintf(" retry_after_ms=%d", c.RetryAfter.Milliseconds())
	}
	if c.Connection > 0 {
		s += fmt.Sprintf(" connection=%d", c.Connection)
	}
	return s
}

// ParseClose reads a close frame's code and reason. Whatever it does not
// understand it leaves zero.
func ParseClose(code int, reason string) Close {
	c := Close{}
	if code > 0 && code <= 4999 {
		c.Code = CloseCode(code)
	}
	for field := range strings.FieldsSeq(reason) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.ParseUint(value, 10, 64)
		switch {
		case err != nil:
		case name == "retry_after_ms" && n <= math.MaxUint32:
			c.RetryAfter = time.Duration(n) * time.Millisecond
		case name == "connection":
			c.Connection = n
		}
	}
	return c
}
