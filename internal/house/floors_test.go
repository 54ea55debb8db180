// Package house_test holds the house rules that a program can check: which
// package may import which (the floors), and how long files, functions and
// interfaces may grow (the ceilings). ARCHITECTURE.md tells why they are so.
package house_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "rollcall.example"

// floors are the packages of the house, the lowest floor first. A package
// imports only from floors below its own, or from its left on the same floor.
// The root package is "rollcall".
var floors = []string{
	0: "imcode internal/plain rollcall usersig wire internal/backoff internal/memnet internal/badnet internal/config internal/proxy internal/certificate web",
	1: "internal/policy internal/talk internal/limit internal/sim",
	2: "internal/store internal/store/storetest internal/store/sqlite internal/apps",
	3: "internal/node internal/history",
	4: "internal/session internal/chat",
	5: "internal/gateway internal/admin",
	6: "server",
	7: "internal/stage rollcalltest conformance internal/tour internal/bench internal/playground internal/demo internal/terminal cmd/rollcall examples/login",
}

// wing is what runs at the client's side. It stands beside the floors 1 to 6:
// it imports from floor 0 and from its own left, and only floor 7 imports it.
const wing = "client/internal/cache client v2tim"

// A listed is one package as go list tells it.
type listed struct {
	ImportPath string   `json:"ImportPath"`
	Imports    []string `json:"Imports"` // of its files that are no tests
}

// A place is where a package stands: a floor, and how far to the right.
type place struct {
	floor int
	wing  bool
	at    int
}

func TestFloors(t *testing.T) {
	// What a package imports may differ by system, so ask for each that we name.
	for _, system := range []string{"linux", "darwin", "windows"} {
		t.Run(system, func(t *testing.T) {
			for _, fault := range faults(list(t, system)) {
				t.Error(fault)
			}
		})
	}
}

// TestThePicture holds the plan, the code and the table of floors in
// ARCHITECTURE.md against each other: each has the rooms that the others have, and
// the table has them on their floors.
func TestThePicture(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	built := map[string]bool{}
	for _, pkg := range list(t, "linux") {
		built[roomOf(pkg.ImportPath)] = true
	}
	for _, fault := range differences(string(text), built) {
		t.Error(fault)
	}
}

// TestDifferences shows that the picture can be wrong.
func TestDifferences(t *testing.T) {
	var rows strings.Builder
	built := map[string]bool{}
	for room, at := range plan() {
		built[room] = true
		fmt.Fprintf(&rows, "| %s | `%s` |\n", at.label(), room)
	}
	picture := "\n| floor | rooms |\n|---|---|\n" + rows.String() + "\n"
	if got := differences(picture, built); got != nil {
		t.Errorf("a right picture: %q", got)
	}
	for name, tt := range map[string]struct{ from, to, want string }{
		"another floor":    {"| 6 | `server`", "| 5 | `server`", "server stands on floor 6, ARCHITECTURE.md shows it on floor 5"},
		"not shown":        {"| 6 | `server` |\n", "", "server stands on floor 6, ARCHITECTURE.md shows it nowhere"},
		"shown on two":     {"| 6 | `server`", "| 4 | `server` |\n| 6 | `server`", "ARCHITECTURE.md shows server twice"},
		"never built":      {"| 6 | `server`", "| 6 | `server` `internal/rest`", "ARCHITECTURE.md shows internal/rest on floor 6, where nothing is planned"},
		"a room in a room": {"`internal/store/sqlite`", "`sqlite`", ""},
	} {
		changed := strings.Replace(picture, tt.from, tt.to, 1)
		if got := strings.Join(differences(changed, built), "; "); got != tt.want || changed == picture {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	delete(built, "server")
	if got := strings.Join(differences(picture, built), "; "); got != "server has a floor, and is not built" {
		t.Errorf("planned only: %q", got)
	}
}

// differences says where the picture in a text and what is built differ from the plan.
func differences(text string, built map[string]bool) (all []string) {
	_, picture, _ := strings.Cut(text, "\n| floor | rooms |\n")
	picture, _, _ = strings.Cut(picture, "\n\n")
	places, shown := plan(), map[string]string{}
	for row := range strings.SplitSeq(picture, "\n") {
		cells := strings.SplitN(strings.Trim(row, "| "), " | ", 2)
		if len(cells) != 2 {
			continue
		}
		for i, word := range strings.Split(cells[1], "`") {
			if i%2 == 0 { // not between two backquotes
				continue
			}
			room := within(places, word)
			switch _, planned := places[room]; {
			case !planned:
				all = append(all, fmt.Sprintf("ARCHITECTURE.md shows %s on floor %s, where nothing is planned", word, cells[0]))
			case shown[room] != "":
				all = append(all, "ARCHITECTURE.md shows "+room+" twice")
			}
			shown[room] = cells[0]
		}
	}
	for _, room := range slices.Sorted(maps.Keys(places)) {
		switch want, got := places[room].label(), shown[room]; {
		case !built[room]:
			all = append(all, room+" has a floor, and is not built")
		case got == "":
			all = append(all, fmt.Sprintf("%s stands on floor %s, ARCHITECTURE.md shows it nowhere", room, want))
		case got != want:
			all = append(all, fmt.Sprintf("%s stands on floor %s, ARCHITECTURE.md shows it on floor %s", room, want, got))
		}
	}
	return all
}

// within is the room that a word of the picture names: by its name, or, for a room
// within a room, by the last part of it.
func within(places map[string]place, word string) string {
	if _, found := places[word]; !found {
		for room := range places {
			if strings.HasSuffix(room, "/"+word) {
				return room
			}
		}
	}
	return word
}

// TestFaults shows that the floors can fail: a check nobody has seen fail
// proves nothing.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, pkg, imports, want string }{
		{"the root is on floor 0", "internal/policy", "", ""},
		{"a floor below", "internal/session", "internal/policy", ""},
		{"a floor above", "internal/policy", "internal/session", "internal/policy (floor 1) imports internal/session (floor 4)"},
		{"left on the same floor", "internal/apps", "internal/store", ""},
		{"right on the same floor", "internal/store", "internal/apps", "internal/store (floor 2) imports internal/apps, which stands to its right"},
		{"no floor", "internal/util", "internal/policy", "internal/util has no floor: give it one in floors"},
		{"the wing on floor 0", "client", "wire", ""},
		{"the wing on the server", "client", "internal/policy", "client (the wing) imports internal/policy (floor 1)"},
		{"the wing to its left", "v2tim", "client", ""},
		{"the wing to its right", "client", "v2tim", "client (the wing) imports v2tim, which stands to its right"},
		{"the server on the wing", "server", "client", "server (floor 6) imports client (the wing)"},
		{"the top floor on the wing", "cmd/rollcall", "client", ""},
		{"the lowest floor on the wing", "wire", "client", "wire (floor 0) imports client (the wing)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pkg := listed{ImportPath: module + "/" + tt.pkg, Imports: []string{"fmt", module}}
			if tt.imports != "" {
				pkg.Imports = append(pkg.Imports, module+"/"+tt.imports)
			}
			if got := strings.Join(faults([]listed{pkg}), "; "); got != tt.want {
				t.Errorf("%s imports %q: %q, want %q", tt.pkg, tt.imports, got, tt.want)
			}
		})
	}
}

// faults says which imports of pkgs break the rule of the floors, and which
// of pkgs have no place in the house.
func faults(pkgs []listed) []string {
	places := plan()
	var all []string
	for _, pkg := range pkgs {
		room := roomOf(pkg.ImportPath)
		from, ok := places[room]
		if !ok {
			all = append(all, room+" has no floor: give it one in floors")
			continue
		}
		for _, path := range pkg.Imports {
			if path != module && !strings.HasPrefix(path, module+"/") {
				continue
			}
			to, ok := places[roomOf(path)]
			switch {
			case !ok: // a fault of its own, told when its turn comes
			case !from.mayUse(to):
				all = append(all, fmt.Sprintf("%s (%s) imports %s (%s)", room, from, roomOf(path), to))
			case from.level() == to.level() && from.at <= to.at:
				all = append(all, fmt.Sprintf("%s (%s) imports %s, which stands to its right", room, from, roomOf(path)))
			}
		}
	}
	return all
}

// plan gives each room of floors and wing its place.
func plan() map[string]place {
	places := make(map[string]place)
	for n, floor := range floors {
		for at, room := range strings.Fields(floor) {
			places[room] = place{floor: n, at: at}
		}
	}
	for at, room := range strings.Fields(wing) {
		places[room] = place{wing: true, at: at}
	}
	return places
}

// mayUse tells whether a package on p may import one on q, if not to its right.
func (p place) mayUse(q place) bool {
	switch {
	case p.wing:
		return q.wing || q.floor == 0
	case q.wing:
		return p.floor == len(floors)-1
	default:
		return q.floor <= p.floor
	}
}

// label is what the picture writes before the floor's rooms.
func (p place) label() string {
	if p.wing {
		return "wing"
	}
	return strconv.Itoa(p.floor)
}

// level is the same for places on one floor.
func (p place) level() int {
	if p.wing {
		return -1
	}
	return p.floor
}

func (p place) String() string {
	if p.wing {
		return "the wing"
	}
	return fmt.Sprintf("floor %d", p.floor)
}

// roomOf is a package's name in floors.
func roomOf(importPath string) string {
	if importPath == module {
		return "rollcall"
	}
	return strings.TrimPrefix(importPath, module+"/")
}

// list returns the module's packages that have files beside tests, as built
// for system.
func list(t *testing.T, system string) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,GoFiles,CgoFiles", "./...")
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(cmd.Environ(), "GOOS="+system)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the packages: %v", err)
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			listed
			GoFiles  []string `json:"GoFiles"`
			CgoFiles []string `json:"CgoFiles"`
		}
		err := dec.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("read the packages: %v", err)
		}
		if len(slices.Concat(pkg.GoFiles, pkg.CgoFiles)) > 0 {
			pkgs = append(pkgs, pkg.listed)
		}
	}
	if len(pkgs) == 0 {
		t.Fatal("go list found no package")
	}
	return pkgs
}
