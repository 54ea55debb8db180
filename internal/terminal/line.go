package terminal

import (
	"strings"

	"github.com/clipperhouse/displaywidth"

	"rollcall.example/client"
)

const (
	prompt   = "> "
	maxInput = 5 // rows of the input that are shown at once
)

// An editor is the line that is typed, which may have several, and the cursor in it,
// always between two characters as people see them.
type editor struct {
	text string
	at   int
}

// set puts a text in the place of what was typed.
func (e *editor) set(text string) { e.text, e.at = text, len(text) }

// insert types a text. What would be too much for a message is not taken.
func (e *editor) insert(text string) {
	if len(e.text)+len(text) > client.MaxMessageBytes {
		return
	}
	e.text = e.text[:e.at] + text + e.text[e.at:]
	e.at += len(text)
}

// cut takes out what is between two places.
func (e *editor) cut(from, to int) {
	e.text, e.at = e.text[:from]+e.text[to:], from
}

// before is where the character before a place begins.
func (e *editor) before(at int) int {
	last := 0
	for g := displaywidth.StringGraphemes(e.text[:at]); g.Next(); {
		last = len(g.Value())
	}
	return at - last
}

// after is where the character at a place ends.
func (e *editor) after(at int) int {
	if g := displaywidth.StringGraphemes(e.text[at:]); g.Next() {
		return at + len(g.Value())
	}
	return at
}

// wordBefore is where the word before the cursor begins, wordAfter where the next one
// ends.
func (e *editor) wordBefore() int {
	return strings.LastIndexAny(strings.TrimRight(e.text[:e.at], " \n"), " \n") + 1
}

func (e *editor) wordAfter() int {
	rest := strings.TrimLeft(e.text[e.at:], " \n")
	end := strings.IndexAny(rest, " \n")
	if end < 0 {
		return len(e.text)
	}
	return len(e.text) - len(rest) + end
}

// lineBegin and lineEnd are the ends of the line that the cursor is in.
func (e *editor) lineBegin() int { return strings.LastIndexByte(e.text[:e.at], '\n') + 1 }

func (e *editor) lineEnd() int {
	if end := strings.IndexByte(e.text[e.at:], '\n'); end >= 0 {
		return e.at + end
	}
	return len(e.text)
}

// press does what a key is for in a line. Other keys do nothing.
func (e *editor) press(k key) {
	switch k.name {
	case "", pasted:
		e.insert(k.text)
	case "newline":
		e.insert("\n")
	case "backspace":
		e.cut(e.before(e.at), e.at)
	case "delete", "ctrl+d":
		e.cut(e.at, e.after(e.at))
	case "cut word":
		e.cut(e.wordBefore(), e.at)
	case "cut before":
		e.cut(e.lineBegin(), e.at)
	case "cut after":
		e.cut(e.at, e.lineEnd())
	case "left":
		e.at = e.before(e.at)
	case "right":
		e.at = e.after(e.at)
	case "word left":
		e.at = e.wordBefore()
	case "word right":
		e.at = e.wordAfter()
	case "home":
		e.at = e.lineBegin()
	case "end":
		e.at = e.lineEnd()
	}
}

// A place is one on the screen, of what stands at a place of the text.
type place struct{ row, column, at int }

// rows are what is typed on a screen of that width, behind the prompt, and the place of
// each character and of the end.
func (e *editor) rows(width int) (rows []string, places []place) {
	width = max(width, len(prompt)+1)
	row, used, at := prompt, len(prompt), 0
	end := func() {
		rows = append(rows, row)
		row, used = strings.Repeat(" ", len(prompt)), len(prompt)
	}
	for g := displaywidth.StringGraphemes(e.text); g.Next(); {
		value, w := g.Value(), g.Width()
		breaks := value == "\n"
		if !breaks && used+w > width {
			end()
		}
		places = append(places, place{len(rows), min(used, width-1), at})
		at += len(value)
		if breaks {
			end()
			continue
		}
		row += value
		used += w
	}
	if used >= width {
		end()
	}
	places = append(places, place{len(rows), used, at})
	return append(rows, row), places
}

// cursor is the place of the cursor among all.
func (e *editor) cursor(places []place) place {
	for _, p := range places {
		if p.at >= e.at {
			return p
		}
	}
	return places[len(places)-1]
}

// shown are the rows around the cursor, at most maxInput and limit, and where among
// them it is.
func (e *editor) shown(width, limit int) ([]string, place) {
	rows, places := e.rows(width)
	cursor, most := e.cursor(places), max(1, min(maxInput, limit))
	from := min(max(0, cursor.row-most/2), max(0, len(rows)-most))
	cursor.row -= from
	return rows[from:min(len(rows), from+most)], cursor
}

// move goes some rows down, or up; false: there are none.
func (e *editor) move(down, width int) bool {
	_, places := e.rows(width)
	from, moved := e.cursor(places), false
	for _, p := range places {
		if p.row == from.row+down && (!moved || p.column <= from.column) {
			e.at, moved = p.at, true
		}
	}
	return moved
}
