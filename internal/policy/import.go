package policy

import "time"

// An Import makes an account known before its first login.
type Import struct {
	Now      time.Time
	Created  time.Time // when it signed up elsewhere; zero: now
	Disabled bool
}

// ImportAccount signs an account up without a login. Nothing: it is there already,
// and stays as it is. It leaves no history: nobody has done anything yet.
func ImportAccount(before State, q Import, r Rules) Outcome {
	d := decide(before, q.Now, r)
	if before.Exists() {
		return d.answer(Nothing)
	}
	d.State.Created, d.State.Disabled = q.Created, q.Disabled
	if q.Created.IsZero() {
		d.State.Created = q.Now
	}
	return d.answer(Granted)
}
