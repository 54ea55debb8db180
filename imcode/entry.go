package imcode

import (
	"iter"
	"slices"
	"strings"
)

// An Entry is what there is to know of a code.
type Entry struct {
	Code    Code   `json:"code"`
	Symbol  string `json:"symbol,omitempty"` // as the vendor spells it; "" where it has none
	Meaning string `json:"meaning"`
	Advice  string `json:"advice"` // what the caller should do
	By      Maker  `json:"by"`
}

// Lookup returns the entry of the code with number n. Between 120001 and 130000
// it is the same for all: these belong to the webhooks of apps.
func Lookup(n int) (Entry, bool) {
	if 120001 <= n && n <= 130000 {
		return Entry{
			Code:    Code(n),
			Meaning: "the app's own before-send webhook refused the message with this number",
			Advice:  "ask whoever runs the app's webhook",
		}, true
	}
	i, ok := slices.BinarySearchFunc(table, n, func(e Entry, n int) int { return int(e.Code) - n })
	if !ok {
		return Entry{}, false
	}
	return table[i], true
}

// All yields every entry, by number.
func All() iter.Seq[Entry] { return slices.Values(table) }

// A Maker tells which parts of Rollcall make a code; there may be several, or
// none for a code that only other products make.
type Maker uint8

// The makers of codes. What the server makes, SDKs pass on unchanged.
const (
	BySDK    Maker = 1 << iota // a client, for what it saw itself
	ByServer                   // the server, to its clients
	ByREST                     // reserved for the server's REST API in the vendor's shape
	Nobody   Maker = 0
)

// String returns the makers' names, as in "SDK, server", or "not Rollcall".
func (m Maker) String() string {
	var names []string
	for i, name := range []string{"SDK", "server", "REST"} {
		if m&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if names == nil {
		return "not Rollcall"
	}
	return strings.Join(names, ", ")
}

// MarshalText returns what String does.
func (m Maker) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
