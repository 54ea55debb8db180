package apps_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"rollcall.example"
	"rollcall.example/internal/apps"
)

// TestTheManualHasEverySetting holds docs/settings.md to the settings: each has
// its row, with its default, and none is there that is no setting.
func TestTheManualHasEverySetting(t *testing.T) {
	b, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(b)
	rows := make(map[string][]string)
	_, table, _ := strings.Cut(manual, "| setting | means | default | can be |\n|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.SplitSeq(table, "\n") {
		cells := strings.Split(strings.Trim(row, "| "), " | ")
		rows[strings.Trim(cells[0], "`")] = cells
	}
	// What has no single word for its default has this one.
	words := map[string]string{"groups": "none", "instances": "1 on each", "platforms": "all"}
	document, err := json.Marshal(apps.Settings{}.Effective())
	if err != nil {
		t.Fatal(err)
	}
	var defaults map[string]any
	if err := json.Unmarshal(document, &defaults); err != nil {
		t.Fatal(err)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[apps.Settings]()) {
		if field.Anonymous {
			continue
		}
		name := field.Tag.Get("json")
		want := words[name]
		if want == "" {
			want = fmt.Sprintf("`%v`", defaults[name])
		}
		if cells := rows[name]; len(cells) != 4 || cells[2] != want {
			t.Errorf("docs/settings.md says %q of %s, want a row with the default %s", cells, name, want)
		}
		delete(rows, name)
	}
	for name := range rows {
		t.Errorf("docs/settings.md has %q, which is no setting", name)
	}
	history := fmt.Sprintf("| 1 to %d |", apps.MaxHistoryDays)
	instances := fmt.Sprintf("1 to %d on Web, %d on Other, 1 to %d on each other platform",
		rollcall.Web.MaxInstances(), rollcall.PlatformOther.MaxInstances(), rollcall.Android.MaxInstances())
	for _, want := range []string{history, instances} {
		if !strings.Contains(manual, want) {
			t.Errorf("docs/settings.md does not say %q", want)
		}
	}
}

// TestTheManualHasTheGroups holds the groups in docs/settings.md to those in force.
func TestTheManualHasTheGroups(t *testing.T) {
	b, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"single", "dual", "triple"} {
		var groups []string
		for _, group := range (apps.Policy{Name: name}).Grouping() {
			var names []string
			for _, p := range group {
				names = append(names, p.String())
			}
			groups = append(groups, strings.Join(names, ", "))
		}
		row := fmt.Sprintf("| `%s` | %s |", name, strings.Join(groups, " · "))
		if !strings.Contains(string(b), row) {
			t.Errorf("docs/settings.md does not have the row %s", row)
		}
	}
	if n := len((apps.Policy{Name: "multi"}).Grouping()); !regexp.MustCompile("`multi` +\\| each platform alone").Match(b) || n != 9 {
		t.Errorf("docs/settings.md does not have multi, or it has %d groups", n)
	}
}
