package conformance_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"rollcall.example/conformance"
)

// faces are those that there are.
var faces = []conformance.Face{conformance.Go{}, conformance.V2TIM{}, &browser{}}

// facesOf are those that can be played here.
func facesOf(t *testing.T) []conformance.Face {
	t.Helper()
	faces := []conformance.Face{conformance.Go{}, conformance.V2TIM{}}
	if b := newBrowser(t); b != nil {
		faces = append(faces, b)
	}
	return faces
}

// Why a face does not play a scenario.
const (
	noContext = "a context is given up, and the vendor's calls take none"
	noPromise = "a context is given up, and the browser's calls take none"
	noOwner   = "two programs on one data directory: a tab's belongs to it, and a copy of a tab is a new device"
)

// unplayed are the scenarios that a face cannot play, and why.
var unplayed = map[string]string{
	"browser/devices/Given up, it leaves the own session alone":       noPromise,
	"browser/logout/Giving a login up":                                noPromise,
	"browser/logout/Giving a login up that was sent and not answered": noPromise,
	"browser/logout/A data directory belongs to one program":          noOwner,
	"browser/renewal/Given up, it leaves the session alone":           noPromise,
	"browser/renewal/RenewUserSig given up leaves the session alone":  noPromise,

	"v2tim/devices/Given up, it leaves the own session alone":       noContext,
	"v2tim/logout/Giving a login up":                                noContext,
	"v2tim/logout/Giving a login up that was sent and not answered": noContext,
	"v2tim/renewal/Given up, it leaves the session alone":           noContext,
	"v2tim/renewal/RenewUserSig given up leaves the session alone":  noContext,
}

// TestScenarios plays every scenario through every face, each on a server of its
// own, in fake time.
func TestScenarios(t *testing.T) {
	var r report
	t.Cleanup(func() { r.compare(t, scenarios(t)) })
	for _, face := range facesOf(t) {
		t.Run(face.Name(), func(t *testing.T) {
			for _, s := range scenarios(t) {
				if unplayed[face.Name()+"/"+s.Name()] != "" {
					continue
				}
				t.Run(s.Name(), func(t *testing.T) {
					t.Parallel()
					defer func() { r.add(face, s, !t.Failed()) }()
					synctest.Test(t, func(t *testing.T) {
						if err := playOnce(t, face, s); err != nil {
							t.Error(err)
						}
					})
				})
			}
		})
	}
}

// TestOnlyWhatAFaceCannotDoIsUnplayed holds the list against what faces lack.
func TestOnlyWhatAFaceCannotDoIsUnplayed(t *testing.T) {
	listed := maps.Clone(unplayed)
	for _, face := range faces {
		for _, s := range scenarios(t) {
			what, name := s.Lacks(face), face.Name()+"/"+s.Name()
			switch {
			case what != "" && listed[name] == "":
				t.Errorf("%q cannot be played, since the face lacks %s, and is not in unplayed", name, what)
			case what == "" && listed[name] != "":
				t.Errorf("%q can be played: take it out of unplayed", name)
			}
			delete(listed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(listed)) {
		t.Errorf("%q is no scenario", name)
	}
}

func scenarios(t *testing.T) []conformance.Scenario {
	t.Helper()
	all, err := conformance.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
