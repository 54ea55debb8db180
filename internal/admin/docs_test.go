package admin

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"testing"
)

// A list is a router that only writes down what it is given.
type list struct{ patterns []string }

func (l *list) HandleFunc(pattern string, _ func(http.ResponseWriter, *http.Request)) {
	l.patterns = append(l.patterns, pattern)
}

// TestThePageHasEveryRequest holds docs/admin-api.md against the requests there are.
func TestThePageHasEveryRequest(t *testing.T) {
	text, err := os.ReadFile("../../docs/admin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	var there list
	handler{}.routes(&there)
	var told []string
	for _, found := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\|").FindAllStringSubmatch(string(text), -1) {
		told = append(told, found[1])
	}
	slices.Sort(there.patterns)
	slices.Sort(told)
	if !slices.Equal(told, there.patterns) {
		t.Errorf("the page has\n%q\nthere is\n%q", told, there.patterns)
	}
}
