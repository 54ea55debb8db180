package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// tell prints sentences: on a terminal no wider than it is, elsewhere a line each, for
// those that search in them.
func tell(w io.Writer, text string) {
	if isTerminal(w) {
		text = wrap(text, width(w))
	}
	fmt.Fprint(w, text)
}

// leastWidth is what sentences need to be read.
const leastWidth = 40

// wrap breaks lines between words. What goes on begins where its line began.
func wrap(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		said := strings.TrimLeft(line, " ")
		indent := len(line) - len(said)
		if strings.HasPrefix(said, "- ") {
			indent += 2
		}
		b.WriteString(line[:len(line)-len(said)])
		column := len(line) - len(said)
		for i, word := range strings.Split(strings.TrimSuffix(said, "\n"), " ") {
			n := utf8.RuneCountInString(word)
			switch {
			case i == 0:
			case column+1+n > max(width, leastWidth):
				b.WriteString("\n" + strings.Repeat(" ", indent))
				column = indent
			default:
				b.WriteByte(' ')
				column++
			}
			b.WriteString(word)
			column += n
		}
		if strings.HasSuffix(line, "\n") {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
