package plain_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"rollcall.example/internal/plain"
)

func TestPrintable(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       bool
		line       string
	}{
		{"nothing", "", true, ""},
		{"a name", "Ann's phone", true, "Ann's phone"},
		{"other scripts, marks, a picture", "Рене's 手机 e\u0301 \U0001F4F1", true, "Рене's 手机 e\u0301 \U0001F4F1"},
		{"spaces of other widths", "iPhone\u00a0de\u3000René", true, "iPhone\u00a0de\u3000René"},
		{"joined emoji, scripts and flags", "\U0001F469\u200d\U0001F4BB \u0645\u06cc\u200c\u0631\u0648\u0645 \U0001F3F4\U000E0067\U000E0062\U000E007F", true,
			"\U0001F469\u200d\U0001F4BB \u0645\u06cc\u200c\u0631\u0648\u0645 \U0001F3F4\U000E0067\U000E0062\U000E007F"},
		{"the end of a line", "a\nb\rc", false, "a\ufffdb\ufffdc"},
		{"a tab", "a\tb", false, "a\ufffdb"},
		{"orders to a terminal", "\x1b]0;pwned\a\x1b[2J", false, "\ufffd]0;pwned\ufffd\ufffd[2J"},
		{"the same in one character", "\u009b2J\x7f", false, "\ufffd2J\ufffd"},
		{"the direction of reading", "a\u202eb\u2066c", false, "a\ufffdb\ufffdc"},
		{"nothing to see", "a\u200bb\ufeffc", false, "a\ufffdb\ufffdc"},
		{"other ends of lines", "a\u2028b\u2029c", false, "a\ufffdb\ufffdc"},
		{"no character at all", "a\ue000b\ufdd0c", false, "a\ufffdb\ufffdc"},
		{"no UTF-8", "a\xffb", false, "a\ufffdb"},
	} {
		if got := plain.Printable(tt.text); got != tt.want {
			t.Errorf("%s: printable is %v, want %v", tt.name, got, tt.want)
		}
		if got := plain.Line(tt.text); got != tt.line || !plain.Printable(got) {
			t.Errorf("%s: the line is %q, want %q", tt.name, got, tt.line)
		}
	}
	if got, want := plain.Lines("a\tb\n\x1b[2Jc\r\n"), "a\tb\n\ufffd[2Jc\ufffd\n"; got != want {
		t.Errorf("the lines are %q, want %q", got, want)
	}
}

func TestQuoteLeavesNoWayOut(t *testing.T) {
	for text, want := range map[string]string{
		"Ann's phone":                            `"Ann's phone"`,
		`x" (Mac): all is well`:                  `"x\" (Mac): all is well"`,
		"a\nb\u202e":                             `"a\nb\u202e"`,
		"\U0001F469\u200d\U0001F4BB's \"a\xff\"": "\"\U0001F469\u200d\U0001F4BB's \\\"a\\xff\\\"\"",
		"iPhone\u00a0de René \u624b":             "\"iPhone\u00a0de René \u624b\"",
	} {
		if got := plain.Quote(text); got != want {
			t.Errorf("%q is quoted as %s, want %s", text, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{
		"short":                        "short",
		strings.Repeat("x", 40):        strings.Repeat("x", 40),
		strings.Repeat("x", 41):        strings.Repeat("x", 40) + "...",
		strings.Repeat("x", 39) + "手机": strings.Repeat("x", 39) + "...",
	} {
		if got := plain.Clip(text); got != want || !utf8.ValidString(got) {
			t.Errorf("%q is clipped to %q, want %q", text, got, want)
		}
	}
}
