package client

import "time"

// A warning is the news that a UserSig ends soon. The app hears it once for
// each UserSig, however often its session comes back.
type warning struct {
	userSig string    // the one that it is about
	due     time.Time // by the server's clock
	given   bool
	alarm   *alarm
}

// watchEnd sets the alarm for the news that the UserSig in force ends soon. One
// that is good for a short time only is told of at half of it. With a provider
// there is none: the app need do nothing.
func (e *engine) watchEnd(s *seat) {
	w := &s.warning
	w.alarm.stop()
	if w.userSig != s.userSig {
		ahead := min(e.opt.UserSigWarning, s.ends.Sub(e.clock.now())/2)
		*w = warning{userSig: s.userSig, due: s.ends.Add(-ahead)}
	}
	if !w.given && e.opt.UserSig == nil {
		w.alarm = e.after(w.due.Sub(e.clock.now()), func() { e.warn(s) })
	}
}

// warn tells the app that the UserSig ends soon, unless a new one is here
// already: if that is refused, watchEnd is called again.
func (e *engine) warn(s *seat) {
	now, ends := e.clock.now(), s.ends
	switch w := &s.warning; {
	case s.renewal != nil || s.kept != "" || !now.Before(ends):
	case now.Before(w.due): // the server's clock was heard anew meanwhile
		e.watchEnd(s)
	default:
		w.given = true
		e.raise(func(l Listener) {
			if l.UserSigWillExpire != nil {
				l.UserSigWillExpire(ends)
			}
		})
	}
}
