package terminal

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"rollcall.example/client"
	"rollcall.example/internal/plain"
)

// A key is what a person did at the keyboard: text, a paste, or a key by its name.
type key struct {
	name string // "" for text
	text string
}

// Names of keys that are told apart from those of the table by more than their bytes.
const (
	pasted  = "paste"
	focused = "focus"
	blurred = "blur"
	nothing = "nothing" // a key that means nothing here
)

// controls are the keys of one byte.
var controls = map[byte]string{
	'\r': "enter", '\n': "newline", '\t': "tab", 0x7f: "backspace", '\b': "backspace",
	'a' & 31: "home", 'e' & 31: "end", 'b' & 31: "left", 'f' & 31: "right", 'p' & 31: "up", 'n' & 31: "down",
	'c' & 31: "ctrl+c", 'd' & 31: "ctrl+d", 'k' & 31: "cut after", 'u' & 31: "cut before", 'w' & 31: "cut word",
	'l' & 31: "ctrl+l", 'z' & 31: "ctrl+z",
}

// escaped are the keys of an escape and one byte: those held with Alt.
var escaped = map[byte]string{'\r': "newline", '\n': "newline", 'b': "word left", 'f': "word right", 0x7f: "cut word", '\b': "cut word"}

// sequences are the keys of a control sequence, by what stands behind its beginning.
var sequences = map[string]string{
	"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end",
	"1~": "home", "7~": "home", "4~": "end", "8~": "end", "3~": "delete", "5~": "pgup", "6~": "pgdown",
	"1;5D": "word left", "1;5C": "word right", "1;3D": "word left", "1;3C": "word right", "1;5F": "bottom", "1;2A": "pgup", "1;2B": "pgdown",
	"I": focused, "O": blurred,
}

const (
	pasteBegin, pasteEnd = "\x1b[200~", "\x1b[201~"

	maxSequence = 32 // bytes; what is longer is no key
	maxPaste    = client.MaxMessageBytes
)

// decode reads the first key in what came from the keyboard, and says how many bytes it
// took. 0: more of them have to come, unless it is known that none do: then an escape
// is the key of that name.
func decode(b []byte, all bool) (k key, n int) {
	switch {
	case len(b) == 0:
		return k, 0
	case b[0] == '\x1b':
		return decodeEscape(b, all)
	case b[0] < ' ' || b[0] == 0x7f:
		if name, known := controls[b[0]]; known {
			return key{name: name}, 1
		}
		return key{name: nothing}, 1
	}
	return decodeText(b, all)
}

// decodeText takes all characters up to the next key.
func decodeText(b []byte, all bool) (key, int) {
	end := bytes.IndexFunc(b, func(r rune) bool { return r < ' ' || r == 0x7f })
	if end < 0 {
		end = len(b)
		for cut := max(0, end-utf8.UTFMax+1); !all && cut < end; cut++ { // a character may be there in part
			if utf8.RuneStart(b[cut]) && !utf8.FullRune(b[cut:]) {
				end = cut
			}
		}
	}
	return key{text: plain.Line(string(b[:end]))}, end
}

// decodeEscape takes what begins with an escape.
func decodeEscape(b []byte, all bool) (key, int) {
	switch {
	case len(b) == 1 && all:
		return key{name: "esc"}, 1
	case len(b) == 1:
		return key{}, 0
	case b[1] == '[' || b[1] == 'O':
		return decodeSequence(b, all)
	case b[1] == '\x1b':
		return key{name: "esc"}, 1
	}
	if name, known := escaped[b[1]]; known {
		return key{name: name}, 2
	}
	return key{name: nothing}, 2
}

// decodeSequence takes a control sequence.
func decodeSequence(b []byte, all bool) (key, int) {
	for i := 2; i < min(len(b), maxSequence); i++ {
		if b[i] < 0x40 || b[i] > 0x7e {
			continue
		}
		if string(b[:i+1]) == pasteBegin {
			return decodePaste(b, all)
		}
		if name, known := sequences[string(b[2:i+1])]; known {
			return key{name: name}, i + 1
		}
		return key{name: nothing}, i + 1
	}
	if all || len(b) >= maxSequence {
		return key{name: nothing}, min(len(b), maxSequence)
	}
	return key{}, 0
}

// decodePaste takes what was pasted. A paste whose end does not come is one of what
// came.
func decodePaste(b []byte, all bool) (key, int) {
	text, n := b[len(pasteBegin):], len(b)
	if end := bytes.Index(text, []byte(pasteEnd)); end >= 0 {
		text, n = text[:end], len(pasteBegin)+end+len(pasteEnd)
	} else if !all && len(text) <= maxPaste {
		return key{}, 0
	}
	return key{name: pasted, text: pasteOf(text)}, n
}

// pasteOf is a paste as it may be shown and sent.
func pasteOf(b []byte) string {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "    ").Replace(string(b))
	return plain.Lines(text)
}
