package imcode

import (
	"iter"
	"slices"
)

// Lookup returns the entry of the code with number n.
func Lookup(n int) (Entry, bool) {
	i, ok := slices.BinarySearchFunc(table, Code(n), func(e Entry, c Code) int { return int(e.Code - c) })
	if !ok {
		return Entry{}, false
	}
	return table[i], true
}

// All yields every entry, by number.
func All() iter.Seq[Entry] { return slices.Values(table) }

// An Entry is what there is to know of a code.
type Entry struct {
	Code    Code   `json:"code"`
	Symbol  string `json:"symbol,omitempty"` // as the vendor spells it; "" where it has none
	Meaning string `json:"meaning"`
	Advice  string `json:"advice"` // what the caller should do
	By      Maker  `json:"by"`
}

// A Maker tells who in Rollcall makes a code; both may.
type Maker uint8

const (
	BySDK    Maker = 1 << iota // a client, for what it saw itself
	ByServer                   // the server; SDKs pass it on unchanged
)

// Nobody is the Maker of a code that Rollcall never makes: one of the vendor's
// or, between 120001 and 130000, of an app's own webhook.
const Nobody Maker = 0

// table is sorted by number.
var table = []Entry{
	{OK, "ERR_SUCC", "success", "go on", BySDK | ByServer},
}
