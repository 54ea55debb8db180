package imcode_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"rollcall.example/imcode"
)

var update = flag.Bool("update", false, "write docs/codes.md anew")

func TestDocsAreCurrent(t *testing.T) {
	const path = "../docs/codes.md"
	want := docs()
	if *update {
		if err := os.MkdirAll("../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s does not say what the table says; run go generate ./imcode", path)
	}
}

const intro = `<!-- Generated from the table in package imcode by "go generate ./imcode". Do not edit. -->

# Codes

What Rollcall answers, and what to do about it. Numbers and symbols are the vendor's, its spelling mistakes included, so an application written for the vendor understands them. ` + "`rollcall code 6206`" + ` explains one in the terminal.

- **0 is the only success.** A callback gives a code and a text. Branch on the code; the text is for people and logs.
- **Two codes, and no others, ask for a new UserSig and another login: 6206 and 70001.** Repeating a login after any other code can loop for ever.
- What the server answers reaches the app unchanged. The SDK makes a code only for what it saw itself.
- A code that allows another try may come with a time; before it has passed, trying is of no use.
- Where two versions of the vendor's SDK give one name to two numbers (6200 to 6255), the number counts.
- 120001 to 130000 belong to an app's own before-send webhook: Rollcall passes them on.
`

const madeIntro = `
# Codes of Rollcall

"Who" is the part that makes the code. Today Rollcall answers those of logins, sessions, UserSigs, apps and the operators' API. Those of messages, conversations and profiles, and those marked REST (of a REST API in the vendor's shape), are reserved: their numbers and meanings stand, and nothing answers them yet.
`

const foreignIntro = `
# Codes that are not Rollcall's

An application that comes from the vendor may know these codes too.
`

// families are the vendor's ranges of numbers, each with its first.
var families = []struct {
	from  int
	title string
}{
	{math.MinInt, "Access layer"},
	{0, "Success"},
	{2000, "Web SDK"},
	{6000, "SDK: state and parameters"},
	{7000, "SDK: account and calls"},
	{8000, "SDK: messages"},
	{9000, "SDK: network"},
	{20000, "Messages"},
	{40000, "Profile"},
	{50000, "Conversations"},
	{60000, "Requests"},
	{70000, "UserSig and account"},
	{80000, "Content"},
	{90000, "REST: messages"},
	{120000, ""},
}

// docs returns the text of docs/codes.md.
func docs() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString(madeIntro)
	chapter(&b, true)
	b.WriteString(foreignIntro)
	chapter(&b, false)
	return b.String()
}

// chapter writes the families' codes that Rollcall makes, or the others.
func chapter(b *strings.Builder, made bool) {
	for i, f := range families[:len(families)-1] {
		head := false
		for e := range imcode.All() {
			n := int(e.Code)
			if n < f.from || n >= families[i+1].from || made != (e.By != imcode.Nobody) {
				continue
			}
			if !head {
				fmt.Fprintf(b, "\n## %s\n\n%s", f.title, tableHead(made))
				head = true
			}
			row(b, e, made)
		}
	}
}

func tableHead(made bool) string {
	if made {
		return "| code | symbol | meaning | what to do | who |\n|---|---|---|---|---|\n"
	}
	return "| code | symbol | meaning | what to do |\n|---|---|---|---|\n"
}

func row(b *strings.Builder, e imcode.Entry, made bool) {
	symbol := "-"
	if e.Symbol != "" {
		symbol = "`" + e.Symbol + "`"
	}
	fmt.Fprintf(b, "| %d | %s | %s | %s |", e.Code, symbol, e.Meaning, e.Advice)
	if made {
		fmt.Fprintf(b, " %s |", e.By)
	}
	b.WriteString("\n")
}
