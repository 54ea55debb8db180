package client_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall.example/client"
)

// TestTheManualListsEveryMember of what is read of messages and conversations.
func TestTheManualListsEveryMember(t *testing.T) {
	page, err := os.ReadFile("../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[client.Message](), reflect.TypeFor[client.Conversation]()} {
		_, table, found := strings.Cut(string(page), "\n| `"+of.Name()+"` | |\n|---|---|\n")
		if !found {
			t.Fatalf("docs/client.md has no table of %s", of.Name())
		}
		table, _, _ = strings.Cut(table, "\n\n")
		var listed, members []string
		for row := range strings.SplitSeq(table, "\n") {
			names, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
			for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(names, -1) {
				listed = append(listed, name[1])
			}
		}
		for f := range of.Fields() {
			members = append(members, f.Name)
		}
		slices.Sort(listed)
		slices.Sort(members)
		if !slices.Equal(listed, members) {
			t.Errorf("docs/client.md lists %q of %s, which has %q", listed, of.Name(), members)
		}
	}
}
