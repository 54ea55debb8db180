package main

import (
	"testing"

	"rollcall.example/internal/bench"
)

// TestBenchGrowth measures two small stores, and looks at the shape of what it says.
func TestBenchGrowth(t *testing.T) {
	t.Parallel()
	r := measured(t, "growth", "--accounts", "300,100", "--logged-in", "5", "--clients", "2", "--rounds", "2", "--duration", "50ms")
	if len(r.Runs) != 3 || len(r.Sizes) != 2 {
		t.Fatalf("%d runs of %d stores; want logins at full speed, at a rate, beside previews, and two stores", len(r.Runs), len(r.Sizes))
	}
	for _, run := range r.Runs {
		consistent(t, run, 2, 1, "100 accounts", "300 accounts")
	}
	for i, want := range []bench.Size{{Accounts: 100, LoggedIn: 5}, {Accounts: 300, LoggedIn: 15}} {
		x := r.Sizes[i]
		if x.Accounts != want.Accounts || x.LoggedIn != want.LoggedIn {
			t.Errorf("a store of %d accounts with %d logged in, want %+v", x.Accounts, x.LoggedIn, want)
		}
		// Those of the measured logins are logged in as well, with one session each.
		if x.Previewed < x.LoggedIn || x.WouldGo != x.LoggedIn {
			t.Errorf("of %d accounts previewed %d sessions go, want one of each of the %d that have two", x.Previewed, x.WouldGo, x.LoggedIn)
		}
		// Three logins, the third of which takes the first one's place. That connections
		// were lost is told in one row or in several.
		if x.Events < 5 {
			t.Errorf("a history of %d events, want three logins, a kick, and connections lost", x.Events)
		}
		if x.ImportS <= 0 || x.FileBytes <= 0 || x.StartMs <= 0 || len(x.Starts) != 2 || len(x.Previews) < 2 || x.PreviewMs <= 0 || x.LoginsBeside <= 0 {
			t.Errorf("figures of %d accounts: %+v", x.Accounts, x)
		}
		if x.HistoryMs == nil || x.ExplainMs == nil || x.HistoryMs.N != 2*x.LoggedIn || x.ExplainMs.P50 <= 0 {
			t.Errorf("the past of %d accounts was asked for: %+v, %+v", x.LoggedIn, x.HistoryMs, x.ExplainMs)
		}
	}
}

// TestBenchStorm has a few clients come at twice what the server sustains.
func TestBenchStorm(t *testing.T) {
	t.Parallel()
	r := measured(t, "storm", "--clients", "40", "--times", "1,2", "--returning", "25", "--rounds", "2", "--duration", "50ms")
	if len(r.Runs) != 1 || len(r.Storms) != 4 {
		t.Fatalf("%d runs and %d storms; want what the server sustains, and two storms of two servers", len(r.Runs), len(r.Storms))
	}
	consistent(t, r.Runs[0], 2, 1, "rollcall")
	for i, want := range []struct {
		subject string
		times   int
	}{{"rollcall", 1}, {"nobody sent away", 1}, {"rollcall", 2}, {"nobody sent away", 2}} {
		x := r.Storms[i]
		if x.Subject != want.subject || x.Times != want.times || x.Clients != 40 || x.Returning != 10 {
			t.Errorf("storm %d: %s at %d times, %d clients of which %d return; want %+v, 40 and 10", i, x.Subject, x.Times, x.Clients, x.Returning, want)
		}
		if x.Failed != 0 || x.Sustained <= 0 || x.OfferedS <= 0 || x.IdealS < x.OfferedS || len(x.AllIn) != 2 || x.AllInS <= 0 || x.P99S <= 0 {
			t.Errorf("storm %d: %+v", i, x)
		}
		if x.Resume == nil || x.Resume.N != 2*10 || x.Ping == nil || x.Ping.N < 40 || x.Health == nil || x.Health.N < 2 {
			t.Errorf("storm %d: resumes %+v, pings %+v, health %+v", i, x.Resume, x.Ping, x.Health)
		}
	}
}
