package terminal

import (
	"fmt"
	"io"
	"strings"
)

// What a terminal is told. Another screen than that of the shell, with pastes and
// the focus told apart, and rows that end where they end.
const (
	enterScreen = "\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?7l\x1b[2J"
	leaveScreen = "\x1b[?7h\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[?1049l\x1b[?25h"

	beginPaint = "\x1b[?2026h\x1b[?25l" // all at once, where that is known, and with the cursor hidden
	endPaint   = "\x1b[?25h\x1b[?2026l"
)

// A painter shows rows on a terminal, and writes those alone that are others than
// before. Each row is written from its own beginning on: whatever a terminal makes of a
// character, it stays in its row.
type painter struct {
	out  io.Writer
	seen []string // on the terminal now; nil: nobody knows
}

// paint shows rows, and puts the cursor in its place.
func (p *painter) paint(rows []string, cursor place) error {
	var b strings.Builder
	b.WriteString(beginPaint)
	if len(p.seen) != len(rows) {
		b.WriteString("\x1b[0m\x1b[2J")
		p.seen = nil
	}
	for i, row := range rows {
		if p.seen == nil || p.seen[i] != row {
			fmt.Fprintf(&b, "\x1b[%d;1H\x1b[2K%s\x1b[0m", i+1, row)
		}
	}
	fmt.Fprintf(&b, "\x1b[%d;%dH", cursor.row+1, cursor.column+1)
	b.WriteString(endPaint)
	p.seen = rows
	_, err := io.WriteString(p.out, b.String())
	return err
}

// forget makes the next paint write everything.
func (p *painter) forget() { p.seen = nil }

// Styles of a row or a part of it. There is no escape in what they are given.
func faint(s string) string   { return "\x1b[2m" + s + "\x1b[22m" }
func bold(s string) string    { return "\x1b[1m" + s + "\x1b[22m" }
func reverse(s string) string { return "\x1b[7m" + s + "\x1b[27m" }
func plainly(s string) string { return s }
