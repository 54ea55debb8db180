package conformance_test

import (
	"os"
	"strings"
	"testing"

	"rollcall.example/conformance"
)

const policy = "policy multi, one instance per platform\n"

// TestParseSaysWhereAndWhy shows what an author of scenarios is told.
func TestParseSaysWhereAndWhy(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"an empty file", "", "x.txt:1: the first line names the policy"},
		{"no policy", "== Title\nA logs in as alice on Android", "x.txt:1: the first line names the policy"},
		{"an unknown policy", "policy solo\n", `x.txt:1: 70402 ERR_SVR_ACCOUNT_INVALID_PARAMETERS: unknown policy "solo"`},
		{"a custom policy without groups", "policy custom\n", "x.txt:1: 70402"},
		{"groups of a policy that has its own", "policy dual {Android Web}\n", "x.txt:1: 70402"},
		{"a group of an unknown platform", "policy custom {Amiga}\n", "x.txt:1: 70402"},
		{"a platform in two groups", "policy custom {Web} {Android Web}\n", "x.txt:1: 70402"},
		{"no instances", "policy multi, 0 on Web\n", "x.txt:1: 70402"},
		{"instances of nothing", "policy multi, 3\n", `x.txt:1: "3" is no number of instances`},
		{"instances of an unknown platform", "policy multi, 3 on Amiga\n", "x.txt:1: 70402"},
		{"instances twice", "policy multi, 3 on Web, 2 on Web\n", "x.txt:1: 70402 ERR_SVR_ACCOUNT_INVALID_PARAMETERS: instances: platform Web is named twice"},
		{"no scenario", policy, "x.txt:1: no scenario"},
		{"a line before the first title", policy + "A logs out", "x.txt:2: a scenario begins with its title"},
		{"no steps", policy + "== Title\nrow: x", `x.txt:2: scenario "Title" has no steps`},
		{"the same title twice", policy + "== T\n1s passes\n== T\n1s passes", `x.txt:4: a second scenario "T"`},
		{"nonsense", policy + "== T\n\nA logs in for fun", `x.txt:4: "A logs in for fun" is no line of a scenario`},
		{"a device without a platform", policy + "== T\nA logs in as alice => ok", "x.txt:3: device A has no platform"},
		{"a platform that changes", policy + "== T\nA logs in as alice on Android\nA logs in as bob on Web", "x.txt:4: device A is on Android: a device keeps its platform"},
		{"an unknown platform", policy + "== T\nA logs in as alice on Amiga", `x.txt:3: 70402 ERR_SVR_ACCOUNT_INVALID_PARAMETERS: unknown platform "Amiga"`},
		{"a ticket that is not there", policy + "== T\nA logs in as alice on Android with short", `x.txt:3: there is no ticket "short" yet`},
		{"a ticket that comes too late", policy + "== T\nshort ends\nticket short is for alice", `x.txt:3: there is no ticket "short" yet`},
		{"a code that is none", policy + "== T\nA logs in as alice on Android => 1234", `x.txt:3: "1234" is no code`},
		{"an event that is none", policy + "== T\nA logs in as alice on Android\nA expects applause", `x.txt:4: "applause" is no event`},
		{"a fault that is none", policy + "== T\nA cannot dial: too tired", `x.txt:3: "too tired" is no way in which dialling fails`},
		{"a time that is none", policy + "== T\nsome time passes", `x.txt:3: "some time passes" is no line of a scenario`},
		{"a kick by nobody known", policy + "== T\nA is on Web\nA expects kicked by Amiga", `x.txt:4: 70402`},
		{"a rule that is none", policy + "== T\nA is on Web\nA expects kicked (newer login: bad luck)", `x.txt:4: "bad luck" is no rule`},
		{"a sign-out of no device", policy + "== T\nA is on Web\nA signs out B", "x.txt:4: device B has no platform"},
		{"a sight of no device", policy + "== T\nA is on Web\nA sees B away", "x.txt:4: device B has no platform"},
		{"a message without a sender", policy + "== T\nA is on Web\nA expects message \"hi\"", `x.txt:4: message: cannot read "\"hi\""`},
		{"unread without a number", policy + "== T\nA is on Web\nA expects unread many", `x.txt:4: unread: cannot read "many"`},
		{"a list of no device", policy + "== T\nA lists nothing", "x.txt:3: device A has no platform"},
		{"a message of no device", policy + "== T\nA sends bob \"hi\"", "x.txt:3: device A has no platform"},
		{"a detail that an event has not", policy + "== T\nA is on Web\nA expects connecting with 9508", `x.txt:4: nothing follows "connecting", got "with 9508"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := conformance.Parse("x.txt", tt.text)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestReadmeListsTheForms holds the manual of the language against its grammar.
func TestReadmeListsTheForms(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme, from := string(b), 0
	for _, form := range conformance.Forms() {
		i := strings.Index(readme[from:], "`"+form+"`")
		if i < 0 {
			t.Errorf("README.md does not list, or not in the order of the grammar: `%s`", form)
			continue
		}
		from += i
	}
}

// TestReadmeSpellsTheFaces holds the manual's spelling table against the faces.
func TestReadmeSpellsTheFaces(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range conformance.Kinds {
		row := "| " + string(kind)
		for _, face := range faces {
			row += " | " + face.Spell(kind)
		}
		if !strings.Contains(string(b), row+" |") {
			t.Errorf("README.md has no row %q", row+" |")
		}
	}
}
