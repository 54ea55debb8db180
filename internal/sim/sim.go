// Package sim plays clients against the rules, over a network that does its
// worst: the second driver of package policy, beside its own random histories.
//
// A history is one seed. It makes an app's Rules, a few devices and a script of
// steps: what apps, the network, the clock, a server that dies, a copied data
// directory, a thief and a stranger do. The clients are a model of package
// client, written from the same rules; the server is package policy itself, with
// as much of the rooms around it as its rules need. In the end all is calm: the
// network is good, every process runs, and what was on its way arrives.
//
// After each rule, each signal to an app, and when all is calm, the promises are
// checked (judge.go, returns.go, calm.go). A history that breaks one is made
// shorter, and told.
//
// # What a history shows
//
// That a mechanism is needed is shown by taking it away: see Without.
package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Without names a mechanism that is taken away, to see that a promise breaks.
type Without uint8

// What can be taken away.
const (
	Whole                 Without = iota // nothing
	TryNumbers                           // the server takes every try number for a fresh one
	ClientSecrets                        // the server draws the secret: each login frame is an attempt of its own
	PendingLogouts                       // a login that ended without an answer is forgotten
	RowsUntilAcknowledged                // an answer that carries the notice removes the kick row at once
)

// What a client seems to need less, until a history shows what for.
const (
	SeenBeforeEverySignal Without = iota + 100 // "kick seen" is written for notices only, not before other ends are told
	LogoutOfRefused                            // an attempt of which a frame is unanswered is over when another is refused
	AskInDoubt                                 // a session whose renewal is unanswered is over when its old UserSig is
	SecondLogout                               // a logout answered "not known" twice is given up, though both were sent at once
)

// A Broken is a history in which a promise did not hold.
type Broken struct {
	Seed    uint64
	Promise string // which one
	Detail  string // what happened instead
	Story   string // the history, in lines
	Steps   int    // so many were needed
}

func (b *Broken) Error() string {
	return fmt.Sprintf("seed %d breaks a promise: %s\n%s\nThe shortest history found, %d steps:\n%s",
		b.Seed, b.Promise, b.Detail, b.Steps, b.Story)
}

// A script is a history before it is played. Each step draws from a seed of its
// own, so that it does the same when others are left out.
type script struct {
	seed  uint64
	steps []step
}

type step struct {
	act  int // in acts
	seed uint64
}

// minSteps and maxSteps bound a history's length.
const (
	minSteps = 20
	maxSteps = 150
	crowded  = 600 // of histories with a crowd of devices
)

// isCrowd tells whether a history is one of the few with so many devices that the
// bounds of the state are reached.
func isCrowd(seed uint64) bool { return seed%100 == 0 }

func write(seed uint64) script {
	r := rand.New(rand.NewPCG(seed, 1))
	n := minSteps + r.IntN(maxSteps-minSteps)
	if isCrowd(seed) {
		n = crowded
	}
	s := script{seed: seed, steps: make([]step, n)}
	bad := r.IntN(2) == 0
	for i := range s.steps {
		s.steps[i] = step{act: drawAct(r, bad), seed: r.Uint64()}
	}
	return s
}

// Play plays the history of a seed. Nil: every promise held.
func Play(seed uint64, without Without) *Broken {
	s := write(seed)
	first := s.play(without, nil)
	if first == nil {
		return nil
	}
	s = s.shortened(without, first.Promise)
	var story strings.Builder
	b := s.play(without, &story)
	b.Story = story.String()
	return b
}

// Tell plays the history of a seed and tells it.
func Tell(seed uint64, without Without) (string, *Broken) {
	var story strings.Builder
	b := write(seed).play(without, &story)
	return story.String(), b
}

// play plays a script; the story is written down if there is where to.
func (s script) play(without Without, story *strings.Builder) *Broken {
	w := newWorld(s.seed, without, story)
	for _, st := range s.steps {
		w.draw.Seed(st.seed, 2)
		acts[st.act].do(w)
		w.tidy()
		if w.broken != nil {
			break
		}
	}
	if w.broken == nil {
		w.draw.Seed(s.seed, 3)
		w.comeToRest()
	}
	if w.broken != nil {
		w.broken.Seed, w.broken.Steps = s.seed, len(s.steps)
	}
	return w.broken
}

// shortened leaves out steps as long as the same promise breaks.
func (s script) shortened(without Without, promise string) script {
	for size := len(s.steps); size > 0; size /= 2 {
		for at := 0; at < len(s.steps); {
			shorter := script{s.seed, slices.Delete(slices.Clone(s.steps), at, min(at+size, len(s.steps)))}
			if b := shorter.play(without, nil); b != nil && b.Promise == promise {
				s = shorter
			} else {
				at += size
			}
		}
	}
	return s
}
