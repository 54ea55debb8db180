package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/apps"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/session"
	"rollcall.example/server"
)

// counts are the app's rows as operators ask for them, those of zeros left out: as
// "20000131 2 active, 3 logins, 2 signed up, peak 3 at 31 22:00:05".
func (w *world) counts(q session.UsageQuery) (all []string) {
	w.t.Helper()
	u, err := w.server.Sessions().Usage(w.t.Context(), app, q)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range u.Rows {
		if r.Active+r.Logins+r.SignedUp+r.Peak == 0 {
			continue
		}
		line := fmt.Sprintf("%d %d active, %d logins, %d signed up, peak %d", r.Period, r.Active, r.Logins, r.SignedUp, r.Peak)
		if r.Peak > 0 {
			line += r.PeakAt.In(u.Zone).Format(" at 02 15:04:05")
		}
		all = append(all, line)
	}
	return all
}

// TestThePeakOfADayAndOfAMonth: at ten in the evening of the last of January three
// sessions come, two of which stay over midnight, and say nothing.
func TestThePeakOfADayAndOfAMonth(t *testing.T) {
	evening := func() time.Time { return time.Now().Add(30*24*time.Hour + 22*time.Hour) }
	story(t, server.Config{Now: evening, Silence: 24 * time.Hour}, func(t *testing.T, w *world) {
		phone := w.device("alice", "phone", rollcall.Android)
		phone.sig = w.sig("alice", 100*24*time.Hour)
		phone.online()
		time.Sleep(time.Second)
		bob := w.device("bob", "phone", rollcall.Android)
		bob.sig = w.sig("bob", 100*24*time.Hour)
		bob.online()
		mac := w.device("alice", "mac", rollcall.Mac)
		mac.sig = phone.sig
		third := mac.online()
		synctest.Wait()
		same(t, "before it is written", w.counts(session.UsageQuery{}), []string{"20000131 2 active, 3 logins, 2 signed up, peak 0"})
		time.Sleep(4 * time.Second)
		synctest.Wait()
		january := "20000131 2 active, 3 logins, 2 signed up, peak 3 at 31 22:00:05"
		same(t, "five seconds later", w.counts(session.UsageQuery{}), []string{january})

		third.hangUp()
		time.Sleep(time.Hour)
		carol := w.device("carol", "phone", rollcall.Android)
		carol.sig = w.sig("carol", 100*24*time.Hour)
		carol.online() // three again, which is no more than before
		time.Sleep(time.Minute)
		january = strings.NewReplacer("2 active", "3 active", "3 logins", "4 logins", "2 signed", "3 signed").Replace(january)
		same(t, "after another three", w.counts(session.UsageQuery{}), []string{january})

		time.Sleep(59 * time.Minute) // February
		synctest.Wait()
		same(t, "after midnight", w.counts(session.UsageQuery{}),
			[]string{january, "20000201 0 active, 0 logins, 0 signed up, peak 3 at 01 00:00:00"})
		phone.back() // on a second connection: still three
		fourth := w.device("bob", "mac", rollcall.Mac)
		fourth.sig = bob.sig
		fourth.online()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		february := "20000201 2 active, 1 logins, 0 signed up, peak 4 at 01 00:00:05"
		same(t, "with a fourth", w.counts(session.UsageQuery{}), []string{january, february})
		same(t, "by month", w.counts(session.UsageQuery{Months: true}), []string{
			"200001 3 active, 4 logins, 3 signed up, peak 3 at 31 22:00:05",
			"200002 2 active, 1 logins, 0 signed up, peak 4 at 01 00:00:05",
		})
	})
}

// TestWhatRoseJustBeforeMidnightIsOfThatDay: also where midnight comes before it would
// have been written.
func TestWhatRoseJustBeforeMidnightIsOfThatDay(t *testing.T) {
	late := func() time.Time { return time.Now().Add(24*time.Hour - 3*time.Second) }
	story(t, server.Config{Now: late}, func(t *testing.T, w *world) {
		w.device("alice", "phone", rollcall.Android).online().hangUp()
		synctest.Wait()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "usage", w.counts(session.UsageQuery{}), []string{"20000101 1 active, 1 logins, 1 signed up, peak 1 at 01 23:59:57"})
	})
}

func TestASessionThatHasToGoIsNotOnlineBesideItsWinner(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.under(apps.Policy{Name: "single"})
		loser := w.device("alice", "phone", rollcall.Android).online()
		w.device("alice", "mac", rollcall.Mac).online()
		if f := loser.read(); f.GetNotice() == nil {
			t.Errorf("the loser got %v, want a notice", f)
		}
		if got := w.metric("rollcall_sessions_connected"); got != 1 { // its connection is there until it has acknowledged
			t.Errorf("%v sessions are connected, want 1", got)
		}
		last := w.device("alice", "pad", rollcall.IPad)
		p := last.online()
		if f := p.ask(last.logout()); f.GetLogout() == nil {
			t.Errorf("the logout was answered with %v", f)
		}
		w.device("bob", "phone", rollcall.Android).online()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "usage", w.counts(session.UsageQuery{}), []string{"20000101 2 active, 4 logins, 2 signed up, peak 1 at 01 00:00:00"})
	})
}

// TestAPeakSurvives a drain, which writes it, and after that the death of the process.
func TestAPeakSurvives(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for _, user := range []string{"alice", "bob", "carol"} {
			w.device(user, "phone", rollcall.Android).online()
		}
		w.stop()
		w.start()
		drained := []string{"20000101 3 active, 3 logins, 3 signed up, peak 3 at 01 00:00:"}
		if got := w.counts(session.UsageQuery{}); len(got) != 1 || !strings.HasPrefix(got[0], drained[0]) {
			t.Errorf("after a drain %q, want %q", got, drained)
		}
		want := w.counts(session.UsageQuery{})
		w.device("alice", "mac", rollcall.Mac).online()
		time.Sleep(10 * time.Second) // one is written, and is less
		w.kill()
		w.start()
		want[0] = strings.Replace(want[0], "3 logins", "4 logins", 1)
		same(t, "after a kill", w.counts(session.UsageQuery{}), want)
	})
}

func TestTheDayOfAPeakIsThatOfTheAppsZone(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		w.set(apps.Settings{Policy: apps.Policy{Name: "multi"}, TimeZone: "Asia/Shanghai"}) // 08:00 there
		w.device("alice", "phone", rollcall.Android).online()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "usage", w.counts(session.UsageQuery{}), []string{"20000101 1 active, 1 logins, 1 signed up, peak 1 at 01 08:00:00"})
		w.set(apps.Settings{Policy: apps.Policy{Name: "multi"}, TimeZone: "America/New_York"}) // 19:00 of the day before
		w.device("bob", "phone", rollcall.Android).online()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		same(t, "usage further west", w.counts(session.UsageQuery{}), []string{"19991231 1 active, 1 logins, 1 signed up, peak 2 at 31 19:00:05"})
	})
}

// TestAPeakThatTheDiskDidNotTakeIsWrittenLater, with the moment at which it was there.
func TestAPeakThatTheDiskDidNotTakeIsWrittenLater(t *testing.T) {
	balkyStory(t, func(t *testing.T, w *world, b *balky) {
		w.device("alice", "phone", rollcall.Android).online()
		b.fail(errBalky, nil)
		time.Sleep(time.Minute)
		if !strings.Contains(w.log.String(), "note how many are online") {
			t.Errorf("logged %q", w.log.String())
		}
		b.fail(nil, nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		rows, err := b.Store.Usage(t.Context(), app, 20000101, 20000101)
		if err != nil || len(rows) != 1 || rows[0].Peak != 1 || rows[0].PeakAt.Format(time.TimeOnly) != "00:00:00" {
			t.Errorf("usage %+v, %v; want a peak of 1 at 00:00:00", rows, err)
		}
	})
}

func TestUsageIsKeptForTenYears(t *testing.T) {
	story(t, server.Config{}, func(t *testing.T, w *world) {
		for i, day := range []int{19891231, 19900101} {
			user := fmt.Sprint("old-", i)
			_, err := w.server.Store().Mutate(t.Context(), account(user), func(policy.State) policy.Outcome {
				at := time.Date(day/10000, time.Month(day/100%100), day%100, 12, 0, 0, 0, time.UTC)
				return policy.Outcome{State: policy.State{Created: at, ActiveDay: day, ActiveMonth: day / 100}}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		var left []int
		for _, r := range w.usage() {
			left = append(left, r.Period)
		}
		if want := []int{199001, 19900101}; !slices.Equal(left, want) {
			t.Errorf("left are %v, want %v", left, want)
		}
	})
}

func TestQuestionsAboutUsage(t *testing.T) {
	march11 := func() time.Time { return time.Now().Add(70 * 24 * time.Hour) }
	story(t, server.Config{Now: march11}, func(t *testing.T, w *world) {
		day := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
		for _, tt := range []struct {
			name        string
			q           session.UsageQuery
			rows        int
			first, last int
		}{
			{"nothing said", session.UsageQuery{}, 30, 20000211, 20000311},
			{"by month", session.UsageQuery{Months: true}, 12, 199904, 200003},
			{"the last week", session.UsageQuery{Days: 7}, 7, 20000305, 20000311},
			{"a week up to a day", session.UsageQuery{Days: 7, To: day(2000, 1, 3)}, 7, 19991228, 20000103},
			{"from a day", session.UsageQuery{From: day(2000, 2, 28)}, 13, 20000228, 20000311},
			{"from and to", session.UsageQuery{From: day(2000, 2, 28), To: day(2000, 3, 1)}, 3, 20000228, 20000301},
			{"the days of two months", session.UsageQuery{Months: true, From: day(2000, 1, 31), To: day(2000, 2, 1)}, 2, 200001, 200002},
			{"what has not come yet", session.UsageQuery{From: day(2000, 3, 10), To: day(2000, 12, 31)}, 2, 20000310, 20000311},
			{"all that can be asked for", session.UsageQuery{Days: session.MaxUsageDays}, session.MaxUsageDays, 19900305, 20000311},
		} {
			u, err := w.server.Sessions().Usage(t.Context(), app, tt.q)
			if err != nil || len(u.Rows) != tt.rows {
				t.Errorf("%s: %d rows, %v; want %d", tt.name, len(u.Rows), err, tt.rows)
				continue
			}
			if first, last := u.Rows[0].Period, u.Rows[tt.rows-1].Period; first != tt.first || last != tt.last {
				t.Errorf("%s: from %d to %d, want from %d to %d", tt.name, first, last, tt.first, tt.last)
			}
		}
		for name, q := range map[string]session.UsageQuery{
			"from tomorrow on":    {From: day(2000, 3, 12)},
			"backwards":           {From: day(2000, 3, 2), To: day(2000, 3, 1)},
			"too many days":       {Days: session.MaxUsageDays + 1},
			"too long ago":        {From: day(1990, 3, 3)},
			"less than no days":   {Days: -1},
			"two beginnings":      {Days: 1, From: day(2000, 3, 1)},
			"months, but too far": {Months: true, From: day(1970, 1, 1)},
		} {
			if _, err := w.server.Sessions().Usage(t.Context(), app, q); imcode.Of(err) != imcode.InvalidParameters {
				t.Errorf("%s: %v, want 70402", name, err)
			}
		}
		if _, err := w.server.Sessions().Usage(t.Context(), 7, session.UsageQuery{}); imcode.Of(err) != imcode.AppNotFound {
			t.Errorf("no such app: %v, want 70020", err)
		}
	})
}
