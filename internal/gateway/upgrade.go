package gateway

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it; it protects nothing
	"encoding/base64"
	"strings"

	"rollcall.example/wire"
)

// An upgrade is what a request for a WebSocket says.
type upgrade struct {
	host, origin string
	key          string // Sec-WebSocket-Key
	sub          wire.Subprotocol
	forwarded    []string // the values of X-Forwarded-For
}

const (
	upgradeLine = "GET " + wire.Path + " HTTP/1.1\r\n"
	headEnd     = "\r\n\r\n"
)

// parseUpgrade reads the head of a request, to its empty line, if it is a plain
// upgrade: one that net/http would take as well, and no two readers could take
// differently. Each header that matters stands once; there is no body, nothing folded,
// no line end but CRLF, nothing but printable ASCII. What is not plain may be an upgrade
// all the same: net/http decides.
func parseUpgrade(head string) (u upgrade, plain bool) {
	rest, ok := strings.CutPrefix(head, upgradeLine)
	if !ok {
		return u, false
	}
	var p plainness
	for {
		line, after, ok := strings.Cut(rest, "\r\n")
		switch {
		case !ok:
			return u, false
		case line == "":
			return u, after == "" && p == allPlain && u.sub != ""
		}
		rest = after
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || !isPrintable(value) || !p.reads(&u, name, strings.Trim(value, " \t")) {
			return u, false
		}
	}
}

// plainness is what of an upgrade has been seen so far.
type plainness uint

const (
	seenHost plainness = 1 << iota
	seenUpgrade
	seenConnection
	seenKey
	seenVersion
	seenProtocol
	seenOrigin

	allPlain = seenOrigin - 1 // and seenOrigin or not: see once
)

// reads takes a header. False: with it the request is not plain.
func (p *plainness) reads(u *upgrade, name, value string) bool {
	switch {
	case strings.EqualFold(name, "Host"):
		u.host = value
		return p.once(seenHost) && isHost(value)
	case strings.EqualFold(name, "Upgrade"):
		return p.once(seenUpgrade) && strings.EqualFold(value, "websocket")
	case strings.EqualFold(name, "Connection"):
		return p.once(seenConnection) && hasToken(value, "upgrade")
	case strings.EqualFold(name, "Sec-WebSocket-Key"):
		u.key = value
		return p.once(seenKey) && len(value) == keyBytes
	case strings.EqualFold(name, "Sec-WebSocket-Version"):
		return p.once(seenVersion) && value == "13"
	case strings.EqualFold(name, "Sec-WebSocket-Protocol"):
		u.sub = chosen(value)
		return p.once(seenProtocol)
	case strings.EqualFold(name, "Origin"):
		first := u.origin == ""
		u.origin = value
		return first && value != ""
	case strings.EqualFold(name, "X-Forwarded-For"):
		u.forwarded = append(u.forwarded, value)
		return true
	}
	return !changesReading(name)
}

// once notes what is to be seen once. False: it was seen before.
func (p *plainness) once(what plainness) bool {
	first := *p&what == 0
	*p |= what
	return first
}

// changesReading tells whether a header says how to read what follows it.
func changesReading(name string) bool {
	for _, n := range [...]string{"Content-Length", "Transfer-Encoding", "Trailer", "Expect"} {
		if strings.EqualFold(name, n) {
			return true
		}
	}
	return false
}

// chosen is the first subprotocol of ours in a list; none if it is not a plain list.
func chosen(list string) (sub wire.Subprotocol) {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.Trim(name, " \t")
		if !isToken(name) {
			return ""
		}
		if sub == "" && wire.Supported(name) {
			sub = subprotocol(name)
		}
	}
	return sub
}

// hasToken tells whether a word is in a plain list.
func hasToken(list, word string) (has bool) {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.Trim(name, " \t")
		if !isToken(name) {
			return false
		}
		has = has || strings.EqualFold(name, word)
	}
	return has
}

// isToken tells whether s is a token of RFC 9110.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// isHost tells whether s is a host without anything unusual, with a port or without.
func isHost(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && strings.IndexByte("-.:_[]", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c > '~') && c != '\t' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

const (
	keyBytes = 24                                     // of a Sec-WebSocket-Key
	keyGUID  = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455, 1.3
)

// appendAccepted appends the answer that makes the connection a WebSocket.
func (u *upgrade) appendAccepted(b []byte) []byte {
	var keyed [keyBytes + len(keyGUID)]byte
	copy(keyed[copy(keyed[:], u.key):], keyGUID)
	sum := sha1.Sum(keyed[:]) //nolint:gosec // as above
	b = append(b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	b = append(b, "\r\nSec-WebSocket-Protocol: "...)
	b = append(b, u.sub...)
	return append(b, headEnd...)
}
