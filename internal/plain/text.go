package plain

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable tells whether a text that came from outside may be kept and shown:
// valid UTF-8 of letters, marks, numbers, punctuation, symbols, spaces and what joins
// them. What
// moves a terminal's cursor, ends a line or turns the direction of reading is none
// of them.
func Printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}

func unprintable(r rune) bool { return !unicode.IsGraphic(r) && !joins(r) }

// joins tells whether a character that is not seen itself makes one of its
// neighbours: in scripts that are written joined, and in emoji and flags. Phones are
// named with them.
func joins(r rune) bool {
	return r == '\u200c' || r == '\u200d' || '\U000e0020' <= r && r <= '\U000e007f'
}

// Line is a text that somebody else wrote, fit to stand in a line: each character
// that is not printable is shown as U+FFFD.
func Line(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// Lines is Line for a text of several lines, which may have tabs.
func Lines(s string) string {
	return strings.Map(func(r rune) rune {
		if unprintable(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r
	}, s)
}

// Quote puts the words of somebody else into a sentence of ours: nothing in them
// can be taken for a part of it.
func Quote(s string) string {
	b := []byte{'"'}
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if joins(r) {
			b = utf8.AppendRune(b, r)
		} else {
			q := strconv.QuoteToGraphic(s[:size])
			b = append(b, q[1:len(q)-1]...)
		}
		s = s[size:]
	}
	return string(append(b, '"'))
}

// Clip keeps what came from outside short enough to be repeated in an error.
func Clip(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
