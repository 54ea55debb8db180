package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"rollcall.example/internal/plain"
)

// printJSON prints v as programs read it, and people too.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// printLine prints v on one line, as programs read it that do not wait for the
// end.
func printLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// given is the value of a flag or argument, or, if that is "-", the first line
// of standard input, of at most limit bytes.
func given(what, value string, in io.Reader, limit int) (string, error) {
	if value != "-" {
		return value, nil
	}
	text, err := io.ReadAll(io.LimitReader(in, int64(limit)+3))
	if err != nil {
		return "", fmt.Errorf("read the %s from standard input: %w", what, err)
	}
	line, rest, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	switch {
	case line == "":
		return "", fmt.Errorf("read the %s from standard input: there is none", what)
	case len(line) > limit:
		return "", fmt.Errorf("read the %s from standard input: it is longer than %d bytes", what, limit)
	case rest != "":
		return "", errors.New("read the " + what + " from standard input: there is more than one line")
	}
	return line, nil
}

// overCtrlC goes back to the start of the line, where a terminal shows ^C.
func overCtrlC(w io.Writer) {
	if terminal(w) {
		fmt.Fprint(w, "\r")
	}
}

// terminal tells whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// stamp writes a moment for people.
func stamp(t time.Time) string { return plain.Stamp(t, nil) }
