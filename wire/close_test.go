package wire_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/wire"
)

// manual is the rows of the table in docs/protocol.md whose first column is
// named so, cell by cell.
func manual(t *testing.T, head string) [][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "\n| "+head+" |")
	if !found {
		t.Fatalf("docs/protocol.md has no table that begins with %q", head)
	}
	var rows [][]string
	for i, l := range strings.Split(table, "\n") {
		if i < 2 { // the rest of the head, the rule
			continue
		}
		l, found := strings.CutPrefix(l, "| ")
		if !found {
			break
		}
		rows = append(rows, strings.Split(strings.TrimSuffix(l, " |"), " | "))
	}
	return rows
}

func TestTheManualListsEveryCloseCode(t *testing.T) {
	listed := map[int]bool{}
	for _, row := range manual(t, "code") {
		n, err := strconv.Atoi(row[0])
		if err != nil || len(row) != 4 {
			t.Fatalf("row %q of the close codes", row)
		}
		listed[n] = true
		c := wire.CloseCode(n)
		back := map[bool]string{true: "yes", false: "no"}[c.ComeBack()]
		if want := []string{row[0], c.String(), back, c.Meaning()}; strings.Join(row, "|") != strings.Join(want, "|") {
			t.Errorf("docs/protocol.md has %q, the code %q", row, want)
		}
	}
	for n := 3000; n < 5000; n++ {
		if known := wire.CloseCode(n).Meaning() != ""; known != listed[n] {
			t.Errorf("close code %d: known %v, in docs/protocol.md %v", n, known, listed[n])
		}
	}
}

func TestTheManualListsEveryRequestAndAnswer(t *testing.T) {
	requests := (&wire.ClientFrame{}).ProtoReflect().Descriptor().Oneofs().ByName("request").Fields()
	bodies := (&wire.ServerFrame{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	rows := manual(t, "request")
	if len(rows) != requests.Len() {
		t.Errorf("docs/protocol.md lists %d requests, the schema has %d", len(rows), requests.Len())
	}
	named := map[string]bool{}
	for i, row := range rows {
		if len(row) != 2 || i >= requests.Len() {
			t.Fatalf("row %q of the requests", row)
		}
		if want := "`" + requests.Get(i).JSONName() + "`"; row[0] != want {
			t.Errorf("docs/protocol.md has request %s, the schema %s", row[0], want)
		}
		for answer := range strings.SplitSeq(row[1], " · ") {
			if name, _, found := strings.Cut(strings.TrimPrefix(answer, "`"), "`"); found {
				named[name] = true
			}
		}
	}
	for i := range bodies.Len() {
		name := bodies.Get(i).JSONName()
		if !named[name] {
			t.Errorf("docs/protocol.md names no request that is answered with %s", name)
		}
		delete(named, name)
	}
	for name := range named {
		t.Errorf("docs/protocol.md has an answer %s, the schema has none", name)
	}
}

func TestTheManualListsEveryPlatform(t *testing.T) {
	classes := map[rollcall.Class]string{rollcall.Mobile: "mobile", rollcall.Desktop: "desktop", rollcall.Browser: "browser"}
	rows := manual(t, "number")
	for i, row := range rows {
		p := rollcall.PlatformOf(uint32(i))
		if want := []string{strconv.Itoa(i), p.String(), classes[p.Class()]}; strings.Join(row, "|") != strings.Join(want, "|") {
			t.Errorf("docs/protocol.md has %q, the code %q", row, want)
		}
	}
	if next := uint32(len(rows)); rollcall.PlatformOf(next) != rollcall.PlatformOther || rollcall.PlatformOf(next-1) == rollcall.PlatformOther {
		t.Errorf("docs/protocol.md lists %d platforms", next)
	}
}

func TestACloseSaysWhatParseCloseReads(t *testing.T) {
	for _, want := range []wire.Close{
		{Code: wire.CloseDrain, RetryAfter: 1500 * time.Millisecond},
		{Code: wire.CloseSuperseded, Connection: 7},
		{Code: wire.CloseSuperseded, Connection: 1<<64 - 1},
		{Code: wire.CloseLoginTimeout},
		{Code: wire.CloseBadFrame},
	} {
		if got := wire.ParseClose(int(want.Code), want.Reason()); got != want {
			t.Errorf("%+v says %q, which reads %+v", want, want.Reason(), got)
		}
		if len(want.Reason()) > 123 {
			t.Errorf("%q is too long for a close frame", want.Reason())
		}
	}
}

func TestWhatParseCloseDoesNotUnderstandStaysZero(t *testing.T) {
	for _, tt := range []struct {
		code   int
		reason string
		want   wire.Close
	}{
		{1006, "", wire.Close{Code: 1006}},
		{-1, "gone", wire.Close{}},
		{70000, "drain", wire.Close{}},
		{4000, "retry_after_ms=soon connection= x=1 =", wire.Close{Code: wire.CloseDrain}},
		{4000, "retry_after_ms=-5", wire.Close{Code: wire.CloseDrain}},
		{4000, "retry_after_ms=99999999999999999999", wire.Close{Code: wire.CloseDrain}},
	} {
		if got := wire.ParseClose(tt.code, tt.reason); got != tt.want {
			t.Errorf("%d %q reads %+v, want %+v", tt.code, tt.reason, got, tt.want)
		}
	}
}

func TestWhatIsNotOursAsksToComeBack(t *testing.T) {
	for _, c := range []wire.CloseCode{0, 1000, 1001, 1006, 1011, 3000, wire.CloseDrain, 4099, 4499, 5000} {
		if !c.ComeBack() {
			t.Errorf("%d %s: do not come back", uint16(c), c)
		}
	}
	for _, c := range []wire.CloseCode{wire.CloseKicked, wire.CloseTooMany, 4999} {
		if c.ComeBack() {
			t.Errorf("%d %s: come back", uint16(c), c)
		}
	}
}

func FuzzParseClose(f *testing.F) {
	f.Add(4000, "drain retry_after_ms=1500")
	f.Add(4003, "superseded connection=7")
	f.Add(1006, "")
	f.Fuzz(func(t *testing.T, code int, reason string) {
		c := wire.ParseClose(code, reason)
		if c.RetryAfter < 0 || c.RetryAfter > 50*24*time.Hour {
			t.Errorf("retry after %v", c.RetryAfter)
		}
		if again := wire.ParseClose(int(c.Code), c.Reason()); again != c {
			t.Errorf("%+v says %q, which reads %+v", c, c.Reason(), again)
		}
	})
}
