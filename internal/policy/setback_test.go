package policy

import (
	"testing"
	"time"
)

// TestSetBack: whoever was in logs in again, whatever became of its secret meanwhile,
// and nobody is told of anything.
func TestSetBack(t *testing.T) {
	back := func(s State, now time.Time) Outcome {
		return judge(t, s, func(s State) Outcome { return SetBack(s, now, Multi()) })
	}
	before := account("a1 p1- m1!operator i1")
	before.ValidFrom, before.RESTKickCounter = noon.Unix()-5, 1
	o := back(before, noon.Add(hour))
	check(t, o, "granted 0", "m1!operator")
	if got := happened(o); got != "set back 1, set back 2, set back 4" {
		t.Errorf("history %q", got)
	}
	for _, e := range o.Ended {
		if e.Kind != EventSetBack || e.Notice != (Notice{}) {
			t.Errorf("ended %+v, want it without a notice", e)
		}
	}
	if s := o.State; s.Counter != before.Counter+SetBackGap || s.ValidFrom != before.ValidFrom || len(s.Tries) != len(before.Tries) {
		t.Errorf("the account is %+v, it was %+v", s, before)
	}

	ahead := resume(4) // it has stepped since
	ahead.Present, ahead.Next = hash("stepped"), hash("next step")
	r := resumeSession(t, o.State, ahead, Multi())
	check(t, r, "log in again", "m1!operator")
	if r.Wrong || len(r.Events) != 0 {
		t.Errorf("a return with a secret that is ahead is taken for a thief's: %+v", r)
	}
	unknown := resume(9) // given after the moment that the store was set back to
	check(t, resumeSession(t, o.State, unknown, Multi()), "log in again", "m1!operator")
	kicked := resume(3)
	if r := resumeSession(t, o.State, kicked, Multi()); r.Answer != Told || r.Notice.Reason != Operator {
		t.Errorf("who was kicked before that gets %q, want its notice", said(r))
	}

	late := back(account("a1"), noon.Add(sigLife+second))
	if got := happened(late); got != "expired 1" {
		t.Errorf("history %q of one whose UserSig was over by then", got)
	}
	if o := back(State{}, noon); o.State.Exists() || len(o.Events) != 0 {
		t.Errorf("an account that is not there: %+v", o)
	}
}
