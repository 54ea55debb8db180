package policy

import (
	"fmt"
	"testing"

	"rollcall.example"
)

func TestGroups(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules Rules
		want  string
	}{
		{"single", Single(), "[[Other Android iPhone iPad Windows Mac Linux Web HarmonyOS]]"},
		{"dual", Dual(), "[[Other Android iPhone iPad Windows Mac Linux HarmonyOS] [Web]]"},
		{"triple", Triple(), "[[Other Android iPhone iPad HarmonyOS] [Windows Mac Linux] [Web]]"},
		{"multi", Multi(), "[[Other] [Android] [iPhone] [iPad] [Windows] [Mac] [Linux] [Web] [HarmonyOS]]"},
		{"custom", Custom([][]rollcall.Platform{{rollcall.Web, rollcall.IPad}, {rollcall.Mac}, {rollcall.Android, rollcall.IPhone}}),
			"[[Other] [Android iPhone] [iPad Web] [Windows] [Mac] [Linux] [HarmonyOS]]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fmt.Sprint(tt.rules.Groups()); got != tt.want {
				t.Errorf("the groups are %s, want %s", got, tt.want)
			}
			for p, n := range tt.rules.Limit {
				if n != 1 {
					t.Errorf("%d on %s, want one until a setting says more", n, rollcall.Platform(p))
				}
			}
		})
	}
}
