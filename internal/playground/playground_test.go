package playground

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"rollcall.example"
)

func devices(notation string) (all []Device) {
	for token := range strings.FieldsSeq(notation) {
		name, away := strings.CutSuffix(token, "-")
		all = append(all, Device{name, away})
	}
	return all
}

// TestLinesAreThoseOfTheTableTest: what the playground copies says what the table test
// of the rule says of the same case, word for word.
func TestLinesAreThoseOfTheTableTest(t *testing.T) {
	table, err := os.ReadFile("../policy/login_test.go")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`\{"[^"]*", (Multi\(\), "[^"!]*", login\("([a-z]\d)"\), "[^"]*")\},`).FindAllStringSubmatch(string(table), -1)
	tried := 0
	for _, row := range rows {
		from := strings.Split(row[1], `"`)[1]
		a, err := Decide(Case{Policy: "multi", Devices: devices(from), In: row[2]})
		if err != nil {
			continue // it is about the same device again
		}
		tried++
		if want := `{"tried in the playground", ` + row[1] + `},`; a.Line != want {
			t.Errorf("the playground says\n%s\nand the table\n%s", a.Line, want)
		}
	}
	if tried < 5 {
		t.Errorf("only %d rows of the table were tried", tried)
	}
}

func TestLines(t *testing.T) {
	for _, tt := range []struct {
		c    Case
		want string
	}{
		{
			Case{Policy: "dual", Devices: devices("a1 w1"), In: "w2"},
			`{"tried in the playground", Dual(), "a1 w1", login("w2"), "a1 w1!newer w2"},`,
		},
		{
			Case{Policy: "triple", Limits: map[rollcall.Platform]int{rollcall.Web: 2, rollcall.Android: 1}, Devices: devices("w1 a1 w2-"), In: "w3"},
			`{"tried in the playground", grouped(limits("w2"), "aipho dml w"), "w1 a1 w2-", login("w3"), "w1 a1 w2-!newer w3"},`,
		},
		{
			Case{Policy: "single", Limits: map[rollcall.Platform]int{rollcall.Android: 2}, Devices: devices("w1"), In: "a1"},
			`{"tried in the playground", grouped(limits("a2"), "aipdmlwho"), "w1", login("a1"), "w1!newer a1"},`,
		},
	} {
		tt.want = strings.ReplaceAll(tt.want, "-!", "!")
		if a, err := Decide(tt.c); err != nil || a.Line != tt.want {
			t.Errorf("got  %s, %v\nwant %s", a.Line, err, tt.want)
		}
	}
}

func TestWhoGoesIsTold(t *testing.T) {
	var a Answer
	text := Ask(`{"policy":"dual","limits":{"Web":2},"devices":[{"name":"a1"},{"name":"w1"},{"name":"w2","away":true}],"in":"w3"}`)
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	want := Gone{"w2", true, `Signed out because the account logged in on "w3" (Web): the app lets an account be logged in 2 times on Web.`}
	if len(a.Gone) != 1 || a.Gone[0] != want {
		t.Errorf("gone: %+v, want %+v", a.Gone, want)
	}
	if len(a.Devices) != 3 || a.Devices[2].Name != "w3" || a.Names["w3"] != rollcall.Web || len(a.Groups) != 2 {
		t.Errorf("%+v", a)
	}
}

func TestWhatCannotBeIsSaid(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{}`, `{"policy":"anarchy","in":"a1"}`, `{"policy":"dual","in":"x1"}`, `{"policy":"dual","in":"a"}`, `{"policy":"dual","in":"a0"}`,
		`{"policy":"dual","in":"a1","limits":{"Web":0}}`, `{"policy":"dual","in":"a1","limits":{"Amiga":1}}`,
		`{"policy":"dual","in":"a1","devices":[{"name":"a1"}]}`, `{"policy":"dual","in":"w1","devices":[{"name":"?"}]}`,
		`{"policy":"dual","in":"w1","devices":[` + strings.Repeat(`{"name":"a1"},`, MaxDevices) + `{"name":"a1"}]}`,
	} {
		var e map[string]string
		if err := json.Unmarshal([]byte(Ask(text)), &e); err != nil || e["error"] == "" {
			t.Errorf("%.60s: %v, %v", text, e, err)
		}
	}
}
