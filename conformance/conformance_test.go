package conformance_test

import (
	"testing"
	"testing/synctest"

	"rollcall.example/conformance"
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
