package main

import "testing"

func TestGarbageMayLieAboutWhileManyLogIn(t *testing.T) {
	const MB = 1 << 20
	var c collector
	allocated := uint64(0)
	for i, second := range []struct {
		allocates, used uint64
		percent         int
		giveBack        bool
	}{
		{5 * MB, 4 * MB, 100, false},      // it starts
		{0, 4 * MB, 100, false},           // and nobody is there
		{100 * MB, 4 * MB, 400, false},    // a storm
		{100 * MB, 32 * MB, 200, false},   // never more litter than 64 MB
		{100 * MB, 4096 * MB, 100, false}, // nor less than Go allows
		{5 * MB, 32 * MB, 200, false},     // it ends
		{MB / 2, 32 * MB, 100, true},      // calm: all is given back, once
		{MB / 2, 32 * MB, 100, false},
		{5 * MB, 32 * MB, 100, false}, // as many as that are no storm
		{MB / 2, 32 * MB, 100, false},
		{100 * MB, 32 * MB, 200, false},
		{0, 32 * MB, 100, true},
	} {
		allocated += second.allocates
		percent, giveBack := c.second(allocated, second.used)
		if percent != second.percent || giveBack != second.giveBack {
			t.Errorf("second %d: %d %%, given back: %t; want %d %%, %t", i, percent, giveBack, second.percent, second.giveBack)
		}
	}
}
