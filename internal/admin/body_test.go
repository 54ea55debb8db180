package admin

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestABodyThatCannotBeReadNamesTheMember(t *testing.T) {
	for text, want := range map[string]string{
		`{"valid_from":"soon"}`:                    `, its member "valid_from" cannot be a string: want`,
		`{"valid_form":5}`:                         `, it has no member "valid_form": want`,
		`{"valid_from":1.5}`:                       `, its member "valid_from" cannot be a number 1.5: want`,
		`{"valid_from":`:                           `the body is not as expected: want`,
		`{"a\n` + strings.Repeat("x", 99) + `":1}`: `, it has no member "a\n` + strings.Repeat("x", 36) + `...: want`,
	} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(text))
		_, err := body[revoke](httptest.NewRecorder(), r)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
