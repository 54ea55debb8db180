package conformance_test

import (
	"testing"
	"testing/synctest"

	"rollcall.example/conformance"
	"rollcall.example/internal/stage"
)

// faces are those of this module.
var faces = []conformance.Face{conformance.Go{}, conformance.V2TIM{}}

// TestScenarios plays every scenario through every face, each on a server of its
// own, in fake time.
func TestScenarios(t *testing.T) {
	scenarios, err := conformance.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	for _, face := range faces {
		t.Run(face.Name(), func(t *testing.T) {
			for _, s := range scenarios {
				t.Run(s.Name(), func(t *testing.T) {
					t.Parallel()
					if what := s.Lacks(face); what != "" {
						t.Skipf("%s has no %s", face.Name(), what)
					}
					synctest.Test(t, func(t *testing.T) { play(t, face, s) })
				})
			}
		})
	}
}

// play plays one scenario in the bubble that it is called in.
func play(t *testing.T, face conformance.Face, s conformance.Scenario) {
	st, err := stage.Open(t.TempDir(), stage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &conformance.Player{Face: face, Stage: st, Settle: synctest.Wait}
	if err := p.Play(t.Context(), s); err != nil {
		t.Error(err)
	}
}
