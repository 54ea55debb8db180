package terminal

import (
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// columns is how many columns of a terminal a text takes.
func columns(text string) int { return displaywidth.String(text) }

// clipped is a text of one line that takes at most so many columns.
func clipped(text string, width int, tail string) string {
	if columns(text) <= width {
		return text
	}
	return displaywidth.TruncateString(text, max(0, width), tail)
}

// wrapped breaks a text into rows of at most so many columns: between words, and within
// those that are longer. Only a character may be wider.
func wrapped(text string, width int) (rows []string) {
	for line := range strings.SplitSeq(text, "\n") {
		rows = append(rows, wrappedLine(line, width)...)
	}
	return rows
}

func wrappedLine(line string, width int) (rows []string) {
	begin, used := 0, 0 // of the row: where in the line, and how many columns of it there are
	gap, gapUsed := 0, 0
	at := 0
	end := func(to, next, left int) {
		rows = append(rows, line[begin:to])
		begin, used, gap = next, left, next
	}
	for g := displaywidth.StringGraphemes(line); g.Next(); at += len(g.Value()) {
		space, w := g.Value() == " ", g.Width()
		if used+w > width && space { // it is left out
			end(at, at+1, 0)
			continue
		}
		if used+w > width && gap > begin {
			end(gap, gap+1, used-gapUsed)
		}
		if used+w > width && at > begin {
			end(at, at, 0)
		}
		used += w
		if space {
			gap, gapUsed = at, used
		}
	}
	return append(rows, line[begin:])
}
