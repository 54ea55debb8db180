package limit_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rollcall.example/internal/limit"
)

// TestCrowd plays who comes and goes: a word is a guest, whose first letter is
// where it comes from. +a1 enters, !a1 settles, ?a1 waits again, -a1 leaves; what
// follows a colon is what came of it: who had to go, or why the guest may not enter.
func TestCrowd(t *testing.T) {
	for _, tt := range []struct{ name, story string }{
		{"who waits for longest makes room", "+a1 +a2 +a3 +a4:a1 +a5:a2"},
		{"of the key that most wait from", "+a1 +b1 +b2 +c1:b1"},
		{"also the newcomer's", "+a1 +b1 +b2 +b3:b1"},
		{"of keys with equally many the one that has waited for longest", "+b1 +a1 +c1 +d1:b1 +e1:a1"},
		{"who has settled stays", "+a1 !a1 +a2 +a3 +a4:a2"},
		{"where all have settled nobody comes in", "+a1 !a1 +b1 !b1 +c1 !c1 +d1:full -b1 +d1"},
		{"who waits again is the last to go", "+a1 +a2 +a3 !a1 ?a1 +a4:a2"},
		{"who leaves is no more counted", "+a1 +a2 +a3 -a1 -a1 +a4 +a5:a2"},
		{"who had to go can do nothing", "+a1 +a2 +a3 +a4:a1 !a1:gone ?a1 -a1 +a5:a2"},
		{"who left can do nothing", "+a1 -a1 ?a1 !a1:gone +a1 +a2 +a3 +b1:a1"},
	} {
		t.Run(tt.name, func(t *testing.T) { play(t, &limit.Crowd[byte]{Max: 3}, tt.story) })
	}
	t.Run("waiting has a bound of its own", func(t *testing.T) {
		play(t, &limit.Crowd[byte]{Max: 10, MaxWaiting: 2}, "+a1 !a1 +b1 +b2 +c1:b1 !b2 +c2 +c3:c1 ?b2:c2 +b3:b2")
	})
	t.Run("so has a key", func(t *testing.T) {
		play(t, &limit.Crowd[byte]{Max: 10, MaxEach: 2}, "+a1 !a1 +a2 +b1 +a3:a2 !a3 +a4:fullfor +b2 -a1 +a4")
	})
	t.Run("and without a bound all come in", func(t *testing.T) {
		play(t, &limit.Crowd[byte]{}, "+a1 +a2 +a3 +b1 +b2 !b2 +c1")
	})
}

func play(t *testing.T, c *limit.Crowd[byte], story string) {
	t.Helper()
	guests := map[string]*limit.Guest[byte]{}
	for step := range strings.FieldsSeq(story) {
		what, want, _ := strings.Cut(step[1:], ":")
		got := ""
		g := guests[what]
		switch step[0] {
		case '+':
			g = &limit.Guest[byte]{Owner: what}
			guests[what] = g
			out, why := c.Enter(g, what[0])
			got = []string{"", "full", "fullfor"}[why]
			if out != nil {
				got += out.Owner.(string)
			}
		case '!':
			if !g.Settle() {
				got = "gone"
			}
		case '?':
			if out := g.Wait(); out != nil {
				got = out.Owner.(string)
			}
		case '-':
			g.Leave()
		}
		if got != want {
			t.Fatalf("%s in %q: got %q", step, story, got)
		}
	}
}

func TestEject(t *testing.T) {
	c := &limit.Crowd[string]{}
	if g := c.Eject(); g != nil {
		t.Fatal("nobody is inside, and somebody had to go")
	}
	for _, name := range []string{"a1", "b1", "a2"} {
		c.Enter(&limit.Guest[string]{Owner: name}, name[:1])
	}
	for _, want := range []string{"a1", "b1", "a2"} {
		if g := c.Eject(); g.Owner != want {
			t.Errorf("%v had to go, want %s", g.Owner, want)
		}
	}
	if all, waiting := c.Inside(); all != 0 || waiting != 0 {
		t.Errorf("%d are inside and %d wait, all had to go", all, waiting)
	}
	var none *limit.Guest[string]
	none.Wait()
	none.Leave()
	if !none.Settle() {
		t.Error("who is in no crowd had to go")
	}
}

// TestCrowdAgainstAList: against the plainest model there is.
func TestCrowdAgainstAList(t *testing.T) {
	type guest = limit.Guest[int]
	rapid.Check(t, func(t *rapid.T) {
		c := &limit.Crowd[int]{
			Max: rapid.IntRange(0, 6).Draw(t, "max"), MaxEach: rapid.IntRange(0, 4).Draw(t, "each"),
			MaxWaiting: rapid.IntRange(0, 5).Draw(t, "waiting"),
		}
		var all, waiting []*guest // in the order in which they came, began to wait
		key := map[*guest]int{}
		of := func(list []*guest, k int) (n int) {
			for _, g := range list {
				if key[g] == k {
					n++
				}
			}
			return n
		}
		drop := func(g *guest) {
			is := func(o *guest) bool { return o == g }
			all, waiting = slices.DeleteFunc(all, is), slices.DeleteFunc(waiting, is)
		}
		first := func(k int) *guest { // of the key, or where it is below 0 of that with most
			for _, g := range waiting {
				if k >= 0 && key[g] == k {
					return g
				}
				if k < 0 && !slices.ContainsFunc(waiting, func(o *guest) bool { return of(waiting, key[o]) > of(waiting, key[g]) }) {
					return g
				}
			}
			return nil
		}
		known := []*guest{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			what := rapid.IntRange(0, 5).Draw(t, "what")
			if what > 2 || len(known) == 0 {
				g, k := &guest{}, rapid.IntRange(0, 3).Draw(t, "key")
				known = append(known, g)
				key[g] = k
				var want *guest
				wantWhy := limit.Admitted
				switch {
				case c.MaxEach > 0 && of(all, k) >= c.MaxEach:
					if want = first(k); want == nil {
						wantWhy = limit.NoRoomFor
					}
				case c.Max > 0 && len(all) >= c.Max, c.MaxWaiting > 0 && len(waiting) >= c.MaxWaiting:
					waiting = append(waiting, g)
					if want = first(-1); want == g {
						want, wantWhy = nil, limit.NoRoom
					}
					waiting = waiting[:len(waiting)-1]
				}
				out, why := c.Enter(g, k)
				if out != want || why != wantWhy {
					t.Fatalf("key %d enters: %p and %d, want %p and %d", k, out, why, want, wantWhy)
				}
				drop(want)
				if why == limit.Admitted {
					all, waiting = append(all, g), append(waiting, g)
				}
			} else {
				g := rapid.SampledFrom(known).Draw(t, "guest")
				inside, waits := slices.Contains(all, g), slices.Contains(waiting, g)
				switch what {
				case 0:
					g.Leave()
					drop(g)
				case 1:
					if g.Settle() != inside {
						t.Fatalf("settled, want inside %t", inside)
					}
					waiting = slices.DeleteFunc(waiting, func(o *guest) bool { return o == g })
				case 2:
					var want *guest
					if inside && !waits {
						waiting = append(waiting, g)
						if c.MaxWaiting > 0 && len(waiting) > c.MaxWaiting {
							want = first(-1)
						}
					}
					if out := g.Wait(); out != want {
						t.Fatalf("waits again: %p, want %p", out, want)
					}
					drop(want)
				}
			}
			if n, w := c.Inside(); n != len(all) || w != len(waiting) {
				t.Fatalf("%d inside, %d of them wait; want %d and %d", n, w, len(all), len(waiting))
			}
		}
	})
}
