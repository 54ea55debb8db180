package history_test

import (
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/history"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
)

// row is a row of session 1, some seconds from noon.
func row(id int64, kind policy.EventKind, at, last, count int) store.HistoryRow {
	return store.HistoryRow{
		ID: id, Count: count, Last: after(last),
		Event: policy.Event{At: after(at), Kind: kind, Session: 1, Device: "d", Platform: rollcall.Android, Address: "192.0.2.0"},
	}
}

func after(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// TestLinks: what the rows cannot tell about a connection is unclear, and nothing
// else is.
func TestLinks(t *testing.T) {
	const login, resume, away, kicked, lapsed = policy.EventLogin, policy.EventResume, policy.EventAway, policy.EventKicked, policy.EventLapsed
	rows := func(all ...store.HistoryRow) []store.HistoryRow { return all }
	online := row(9, kicked, 90, 90, 1)
	online.Connected = true
	for _, tt := range []struct {
		name string
		rows []store.HistoryRow
		want string // at 5, 15, ... 95 s: connected, away, unclear, or not in
	}{
		{"a day without events", rows(row(1, login, 0, 0, 1)), "cccccccccc"},
		{"away and back", rows(row(1, login, 0, 0, 1), row(2, away, 20, 20, 1), row(3, resume, 40, 40, 1)), "ccaacccccc"},
		{"twice, in two rows", rows(row(1, login, 0, 0, 1), row(2, away, 20, 60, 2), row(3, resume, 40, 80, 2)), "ccaaccaacc"},
		{"more often, in two rows", rows(row(1, login, 0, 0, 1), row(2, away, 20, 70, 4), row(3, resume, 30, 80, 4)), "ccauuuuucc"},
		{"away twice running: it was back between", rows(row(1, login, 0, 0, 1), row(2, away, 20, 60, 2)), "ccuuuuaaaa"},
		{"connected twice running", rows(row(1, login, 0, 0, 1), row(3, resume, 20, 60, 2)), "cccccccccc"},
		{"kicked while connected", rows(row(1, login, 0, 0, 1), online), "ccccccccc-"},
		{"away by the rows, kicked while connected", rows(row(1, login, 0, 0, 1), row(2, away, 20, 20, 1), online), "ccuuuuuuu-"},
		{"connected by the rows, kicked while away", rows(row(1, login, 0, 0, 1), row(3, kicked, 50, 50, 1)), "uuuuu-----"},
		{"away for too long", rows(row(1, login, 0, 0, 1), row(2, away, 20, 20, 1), row(3, lapsed, 50, 50, 1)), "ccaaa-----"},
		{"both at once, folded", rows(row(1, login, 0, 0, 1), row(2, away, 20, 40, 2), row(3, resume, 20, 40, 2)), "ccuuuuuuuu"},
		{"both at once, in order", rows(row(1, login, 0, 0, 1), row(2, away, 20, 20, 1), row(3, resume, 20, 20, 1)), "cccccccccc"},
		{"the login's row is gone", rows(row(2, away, 20, 20, 1), row(3, resume, 40, 40, 1)), "--uucccccc"},
		{"only its end is left", rows(row(3, lapsed, 50, 50, 1)), "----------"},
		{"its end is left, and something before", rows(row(3, policy.EventRefused, 20, 20, 1), row(4, lapsed, 50, 50, 1)), "--uuu-----"},
	} {
		past := history.Replay(tt.rows, policy.State{}, after(100))
		var got []string
		for s := 5; s < 100; s += 10 {
			in := past.At(after(s))
			if len(in) == 0 {
				got = append(got, "-")
				continue
			}
			got = append(got, in[0].Link.String()[:1])
		}
		if got := strings.Join(got, ""); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestAnEndThatIsMissing: a session that is over ends with its last row, as when a
// clock that was set back has let its end be dropped before its login.
func TestAnEndThatIsMissing(t *testing.T) {
	past := history.Replay([]store.HistoryRow{row(1, policy.EventLogin, 0, 0, 1), row(2, policy.EventResume, 10, 30, 2)}, policy.State{Counter: 1}, after(100))
	if in := past.At(after(20)); len(in) != 1 {
		t.Errorf("between its rows: %+v", in)
	}
	if in := past.At(after(40)); len(in) != 0 {
		t.Errorf("after its last row: %+v", in)
	}
}
