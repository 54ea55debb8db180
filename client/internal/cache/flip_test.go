package cache

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"rollcall.example/wire"
)

var (
	flipSeed  = flag.Uint64("flip.seed", 0, "flip the bits of this seed; 0: of a new one")
	flipCount = flag.Int("flip.count", 100, "flip so many")
)

// TestAFlippedBitIsNeverShown flips single bits anywhere in the file. What is shown
// then is what was written: what is missing is shown as a gap, or the cache is an
// error, or made anew.
func TestAFlippedBitIsNeverShown(t *testing.T) {
	seed := *flipSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	rnd := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "x.db")
	s := varied(t, path)
	whole, err := os.ReadFile(path)
	must(t, err)
	want := look(t, path, s)
	if want.bad != "" || len(want.gaps) == 0 || len(want.all) < 100 {
		t.Fatalf("before any flip: %s, gaps %v, %d things", want.bad, want.gaps, len(want.all))
	}
	found := map[string]int{}
	for range *flipCount {
		bit := rnd.IntN(8 * len(whole))
		b := slices.Clone(whole)
		b[bit/8] ^= 1 << (bit % 8)
		must(t, os.WriteFile(path, b, 0o600))
		must(t, os.RemoveAll(path+"-wal"))
		must(t, os.RemoveAll(path+"-shm"))
		got := look(t, path, s)
		found[got.verdict]++
		if fault := got.against(want); fault != "" {
			t.Errorf("bit %d flipped: %s; again with -run %s -flip.seed %d", bit, fault, t.Name(), seed)
		}
	}
	t.Logf("seed %d: %v", seed, found)
}

// varied fills a cache with all that there can be: four conversations, of which one has
// a draft, one is deleted, one has holes, and one gaps; messages told and not.
func varied(t *testing.T, path string) *server {
	t.Helper()
	c, err := Open(path, "alice", "alice")
	must(t, err)
	s := newServer()
	for range 60 {
		s.send("erin", "erin")
	}
	_, err = c.TakeSync(0, s.sync(0, 0, 100), s.now+1)
	must(t, err)
	middle := Fetch{Peer: "erin", Before: 30, Last: 60}
	_, _, err = c.TakeMessages(middle, s.page(middle, 10), nobodys)
	must(t, err)
	take := func(ch *wire.Change) {
		_, err := c.TakeChange(ch, nobodys)
		must(t, err)
	}
	for i := range 60 {
		for _, peer := range []string{"bob", "carol", "dave"} {
			take(s.send(peer, peer))
		}
		if i%7 == 3 {
			take(s.remove("bob", uint64(i-1)))
			take(s.recall("bob", uint64(i-2)))
		}
	}
	take(s.removeAll("dave"))
	_, err = c.SetDraft("carol", "I was about", 7)
	must(t, err)
	for range 10 {
		all, err := c.Untold(3)
		must(t, err)
		for _, x := range all {
			_, err := c.Told(x.View.GetPeer(), x.Message.GetSequence())
			must(t, err)
		}
	}
	must(t, c.Close())
	return s
}

// A sight is all that a cache shows.
type sight struct {
	verdict string
	bad     string            // what no flipped bit excuses
	all     map[string]string // conversations by their peers, messages by peer and sequence
	gaps    map[string]Span
}

// look reads all that is in a cache, both ways.
func look(t *testing.T, path string, s *server) (v sight) {
	t.Helper()
	v = sight{verdict: "nothing noticed", all: map[string]string{}, gaps: map[string]Span{}}
	c, err := Open(path, "alice", "alice")
	if err != nil {
		v.verdict = "an error at once"
		if !errors.Is(err, ErrNewer) {
			v.bad = "it cannot be opened: " + err.Error()
		}
		return v
	}
	defer func() { must(t, c.Close()) }()
	if c.Remade {
		v.verdict = "made anew"
		return v
	}
	failed := func(err error) bool {
		if err != nil {
			v.verdict = "an error"
			if !Damaged(err) {
				v.bad = "an error that is no damage: " + err.Error()
			}
		}
		return err != nil
	}
	list, err := c.Conversations(0, 100)
	if failed(err) {
		return v
	}
	for _, x := range list {
		v.all[x.GetPeer()] = fmt.Sprint(proto.MarshalOptions{Deterministic: true}.Marshal(x.Conversation)) + fmt.Sprint(x.Rank, x.Draft, x.DraftMs)
	}
	if n, err := c.TotalUnread(); !failed(err) {
		v.all["unread"] = fmt.Sprint(n)
	}
	for _, peer := range slices.Sorted(maps.Keys(s.all)) {
		before, after := uint64(0), uint64(1)
		for end := false; !end; {
			p, err := c.Page(peer, before, 0, 50)
			if failed(err) {
				return v
			}
			v.take(peer, p)
			if end = p.End || len(p.Messages) == 0; !end {
				before = p.Messages[0].GetSequence()
			}
		}
		for end := false; !end; {
			p, err := c.Page(peer, 0, after, 50)
			if failed(err) {
				return v
			}
			v.take(peer, p)
			if end = p.End || len(p.Messages) == 0; !end {
				after = p.Messages[len(p.Messages)-1].GetSequence()
			}
		}
	}
	return v
}

func (v *sight) take(peer string, p Page) {
	last := uint64(0)
	for _, m := range p.Messages {
		key := fmt.Sprint(peer, " ", m.GetSequence())
		text := fmt.Sprint(m)
		if before, ok := v.all[key]; ok && before != text || m.GetSequence() <= last {
			v.bad = key + " is shown in two ways, or out of order"
		}
		v.all[key], last = text, m.GetSequence()
	}
	for _, g := range p.Gaps {
		if v.verdict == "nothing noticed" {
			v.verdict = "gaps"
		}
		v.gaps[fmt.Sprint(peer, g)] = g
	}
}

// against says what a flipped bit has changed of what was there.
func (v sight) against(want sight) string {
	for key, text := range v.all {
		if want.all[key] != text {
			return fmt.Sprintf("%s is shown as %q, and was %q", key, text, want.all[key])
		}
	}
	if v.bad != "" || v.verdict != "nothing noticed" && v.verdict != "gaps" {
		return v.bad
	}
	for key := range want.all {
		var peer string
		var sequence uint64
		_, _ = fmt.Sscan(key, &peer, &sequence)
		if _, shown := v.all[key]; !shown && (sequence == 0 || !v.lacks(peer, sequence)) {
			return key + " is missing, and nothing shows it"
		}
	}
	return ""
}

// lacks tells whether a message is in a gap that is shown.
func (v sight) lacks(peer string, sequence uint64) bool {
	for key, g := range v.gaps {
		if key == fmt.Sprint(peer, g) && sequence >= g.First && sequence <= g.Last {
			return true
		}
	}
	return false
}
