package sqlite_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall.example"
	"rollcall.example/internal/store"
	"rollcall.example/internal/store/sqlite"
	"rollcall.example/internal/talk"
)

// told is what a store says when it is asked for all that it holds, and when accounts then
// log in: by what is asked.
func told(s *sqlite.Store, now time.Time) map[string]string {
	ctx, all := context.Background(), map[string]string{}
	say := func(name string, v any, err error) {
		text, wrong := json.Marshal(v)
		if all[name] = string(text); errors.Join(err, wrong) != nil {
			all[name] = "error: " + errors.Join(err, wrong).Error()
		}
	}
	apps, err := s.Apps(ctx)
	var secrets []string
	for _, a := range apps {
		for _, k := range a.Keys {
			secrets = append(secrets, k.Secret)
		}
	}
	say("apps", []any{apps, secrets}, err)
	value, err := s.Value(ctx, "token")
	say("value", value, err)
	usage, err := s.Usage(ctx, 1, 0, 99999999)
	say("usage", usage, err)
	in, err := s.LoggedIn(ctx, 1, "", 100)
	say("logged in", in, err)
	users := []rollcall.UserID{"alice", "bob", "carol"}
	for _, user := range users {
		a := rollcall.Account{App: 1, User: user}
		state, err := s.State(ctx, a)
		say("state of "+string(user), state, err)
		rows, err := s.History(ctx, a, 0, 1000)
		say("history of "+string(user), rows, err)
		views, change, _, err := s.Conversations(ctx, a, 0, 0, 100)
		var latest []talk.Message
		for i := range views {
			if views[i].Latest != nil {
				latest = append(latest, *views[i].Latest)
				views[i].Latest = nil
			}
		}
		say("conversations of "+string(user), []any{change, views, latest}, err)
		for _, peer := range users {
			page, err := s.Messages(ctx, a, peer, talk.Span{Count: 100})
			say(fmt.Sprintf("messages of %s and %s", user, peer), page, err)
		}
	}
	for _, user := range users {
		o, err := s.Mutate(ctx, rollcall.Account{App: 1, User: user}, login("another", now))
		say("login of "+string(user), []any{o.Answer, o.Session, o.Ended}, err)
	}
	return all
}

var moreFlips = flag.Int("flips", 0, "flip so many bits, however long it takes")

// TestWhateverBitFlips: anywhere in the file, each answer is what it was, or an error. What
// damage hides may be missed; then the check finds it.
func TestWhateverBitFlips(t *testing.T) {
	const least, most = 50, 5 * time.Second // on a slow machine there are fewer
	dir, now := full(t), time.Now()
	good, parts := contents(t, dir)[sqlite.File], allParts(t, dir)
	s := open(t, dir, sqlite.Options{})
	want := told(s, now)
	closeStore(t, s)
	for name, said := range want {
		if strings.HasPrefix(said, "error") {
			t.Fatalf("%s, of a store that is whole: %s", name, said)
		}
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 1))
	began, count, n := time.Now(), map[string]int{}, 0
	for i := range max(300, *moreFlips) {
		if n = i + 1; i >= least && *moreFlips == 0 && time.Since(began) > most {
			break
		}
		at, bit, in := random.IntN(len(good)), random.IntN(8), "the file"
		if i%4 != 0 { // tables and indexes in turn, most of which are small
			p := parts[i%len(parts)]
			at, in = p.start+random.IntN(p.size), p.name
		}
		bad := bytes.Clone(good)
		bad[at] ^= 1 << bit
		what := judgeFlip(t, bad, now, want, in, func(format string, args ...any) {
			t.Errorf("seed %d, bit %d of byte %d, in %s: %s", seed, bit, at, in, fmt.Sprintf(format, args...))
		})
		count[what]++
	}
	t.Logf("of %d bits that flipped: %v", n, count)
	if count["an error"] < n/10 || count["no matter"] == 0 {
		t.Errorf("too few bits were found to prove anything: %v", count)
	}
}

// byKey are the tables in which a row is where its key says: with another key it is
// somebody else's, who gets an error, and its owner does not see it.
var byKey = map[string]bool{"session": true, "alteration": true, "deletion": true, "kick": true, "try": true, "usage": true}

// judgeFlip says what becomes of a store with a bit that has flipped.
func judgeFlip(t *testing.T, bad []byte, now time.Time, want map[string]string, in string, fault func(format string, args ...any)) (what string) {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string][]byte{sqlite.File: bad})
	report, err := sqlite.Check(t.Context(), dir, func(store.Progress) {})
	found := err != nil || !report.Sound()
	s, failed := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if failed != nil {
		if !found {
			fault("not opened, but the check is content: %v", failed)
		}
		return "not opened"
	}
	defer closeStore(t, s)
	what = "no matter"
	got := told(s, now)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		switch {
		case got[name] == want[name]:
		case strings.HasPrefix(got[name], "error"):
			what = "an error"
			if !found {
				fault("%s: %s; but the check is content", name, got[name])
			}
		case found && (byKey[in] || slices.ContainsFunc(report.Damages, func(x store.Found) bool { return x.Where == "the structure" })):
			what = "hidden, and found by the check"
		default:
			fault("%s:\n%s\nwant\n%s\nthe check: %+v", name, got[name], want[name], report.Damages)
		}
	}
	return what
}

// allParts are where the rows of each table and index lie, in one page of it.
func allParts(t *testing.T, dir string) (all []part) {
	t.Helper()
	rows, err := raw(t, filepath.Join(dir, sqlite.File)).QueryContext(t.Context(), `SELECT name, pgoffset + iif(pagetype = 'leaf', unused, 0),
		pgsize - iif(pagetype = 'leaf', unused, 0) FROM dbstat`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var p part
		if err := rows.Scan(&p.name, &p.start, &p.size); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	return slices.DeleteFunc(all, func(p part) bool {
		again := named[p.name]
		named[p.name] = true
		return again
	})
}
