package history_test

import (
	"time"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// explanations are whole texts, one for each cause.
var explanations = []struct {
	name   string
	story  func(*tale)
	device string
	want   string
}{
	{"nobody was signed out", func(a *tale) {
		a.login(phone)
		a.later(90 * time.Second)
	}, "", `
alice is logged in on 1 device:
- "Ann's phone" (Android), since 2026-11-23 12:00:00 UTC (1 minute 30 seconds ago): it is connected

"Ann's phone" (Android), device phone-1
  It has been logged in since 2026-11-23 12:00:00 UTC (1 minute 30 seconds ago), and is connected.
`},
	{"a newer login, over the number, told at once", func(a *tale) {
		a.login(phone)
		a.later(2 * time.Hour)
		a.login(tablet)
		a.acknowledged()
		a.later(3 * time.Minute)
	}, "", `
alice is logged in on 1 device:
- "Ann's tablet" (Android), since 2026-11-23 14:00:00 UTC (3 minutes ago): it is connected

"Ann's tablet" (Android), device tablet-1
  It has been logged in since 2026-11-23 14:00:00 UTC (3 minutes ago), and is connected.

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 14:00:00 UTC (3 minutes ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  It was connected and was told at once.
`},
	{"a newer login, over a number of more than one", func(a *tale) {
		a.r.Limit[rollcall.Android] = 2
		a.login(phone)
		a.login(tablet)
		a.login(policy.Login{Device: "third-1", Platform: rollcall.Android})
		a.acknowledged()
		a.later(time.Hour)
	}, "phone-1", `
alice is logged in on 2 devices:
- "Ann's tablet" (Android), since 2026-11-23 12:00:00 UTC (1 hour ago): it is connected
- a device without a name (Android), since 2026-11-23 12:00:00 UTC (1 hour ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 12:00:00 UTC (1 hour ago), because the account logged in on a device without a name (Android): the app lets an account be logged in 2 times on Android.
  It was connected and was told at once.
`},
	{"a newer login, another platform of the group, away and not told yet", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.later(2 * time.Hour)
		a.login(iphone)
		a.later(3 * time.Minute)
	}, "phone-1", `
alice is logged in on 1 device:
- "Ann's iPhone" (iPhone), since 2026-11-23 14:00:00 UTC (3 minutes ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 14:00:00 UTC (3 minutes ago), because the account logged in on "Ann's iPhone" (iPhone): the app does not let an account be logged in on Android and iPhone at the same time.
  It was without a connection and has not been told yet. If it comes back by itself, it logs in again and so takes the place back.
`},
	{"the same where the app tells those who come back", func(a *tale) {
		a.r.TellKickedOnReconnect = true
		a.login(phone)
		a.leave(phone)
		a.later(2 * time.Hour)
		a.login(iphone)
		a.later(3 * time.Minute)
	}, "phone-1", `
alice is logged in on 1 device:
- "Ann's iPhone" (iPhone), since 2026-11-23 14:00:00 UTC (3 minutes ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 14:00:00 UTC (3 minutes ago), because the account logged in on "Ann's iPhone" (iPhone): the app does not let an account be logged in on Android and iPhone at the same time.
  It was without a connection and has not been told yet. It will be told when it comes back, until 2026-11-30 14:00:00 UTC.
`},
	{"the same on the Web, which is not told", func(a *tale) {
		a.r.TellKickedOnReconnect = true
		a.login(page)
		a.leave(page)
		a.later(30 * time.Second)
		a.login(policy.Login{Device: "page-2", DeviceName: "Chrome", Platform: rollcall.Web})
	}, "page-1", `
alice is logged in on 1 device:
- "Chrome" (Web), since 2026-11-23 12:00:30 UTC (just now): it is connected

a device without a name (Web), device page-1
  It was signed out on 2026-11-23 12:00:30 UTC (just now), because the account logged in on "Chrome" (Web): the app lets an account be logged in once on Web.
  It was without a connection and has not been told yet. If it comes back by itself, it logs in again and so takes the place back.
`},
	{"connected, not confirmed", func(a *tale) {
		a.login(phone)
		a.login(tablet)
		a.later(time.Second)
	}, "phone-1", `
alice is logged in on 1 device:
- "Ann's tablet" (Android), since 2026-11-23 12:00:00 UTC (1 second ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 12:00:00 UTC (1 second ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  It was connected and was sent the notice, but has not confirmed it yet. If it comes back by itself, it logs in again and so takes the place back.
`},
	{"away, told since", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.login(tablet)
		a.later(time.Hour)
		a.acknowledged()
	}, "phone-1", `
alice is logged in on 1 device:
- "Ann's tablet" (Android), since 2026-11-23 12:00:00 UTC (1 hour ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 12:00:00 UTC (1 hour ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  It was without a connection, and has been told since.
`},
	{"away, and it took its place back", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.login(tablet)
		a.acknowledged()
		a.later(time.Hour)
		a.login(phone)
	}, "phone-1", `
alice is logged in on 1 device:
- "Ann's phone" (Android), since 2026-11-23 13:00:00 UTC (just now): it is connected

"Ann's phone" (Android), device phone-1
  It has been logged in since 2026-11-23 13:00:00 UTC (just now), and is connected.
  Before that it was signed out on 2026-11-23 12:00:00 UTC (1 hour ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  It was without a connection, and has logged in again since.
`},
	{"away, long ago", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.login(tablet)
		a.later(8 * 24 * time.Hour)
	}, "phone-1", `
alice is logged in on 1 device:
- "Ann's tablet" (Android), since 2026-11-23 12:00:00 UTC (8 days ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 12:00:00 UTC (8 days ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  It was without a connection. Whether it was told later is not kept for so long.
`},
	{"kicked by an operator", func(a *tale) {
		a.login(phone)
		a.later(time.Hour)
		a.serve(policy.KickSessions(a.s, policy.OperatorKick{Now: a.now, Operator: "Olga"}, a.r))
		a.acknowledged()
		a.later(time.Minute)
	}, "", `
alice is logged in on no device.

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (1 minute ago), by an operator.
  It was connected and was told at once.
  For support only: by operator "Olga".
`},
	{"evicted while away, then kicked by an operator as well", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.login(tablet)
		a.later(time.Hour)
		a.serve(policy.KickSessions(a.s, policy.OperatorKick{Now: a.now, Operator: "Olga", Target: policy.Target{Device: "phone-1"}}, a.r))
		a.later(time.Minute)
	}, "phone-1", `
alice is logged in on 1 device:
- "Ann's tablet" (Android), since 2026-11-23 12:00:00 UTC (1 hour 1 minute ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 12:00:00 UTC (1 hour 1 minute ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  On 2026-11-23 13:00:00 UTC (1 minute ago) it was signed out once more, by an operator. So it does not come back by itself.
  It was without a connection and has not been told yet. It will be told when it comes back, until 2026-11-30 13:00:00 UTC.
  For support only: by operator "Olga".
`},
	{"signed out by the user elsewhere", func(a *tale) {
		a.login(phone)
		a.login(page)
		a.later(time.Hour)
		a.serve(policy.SignOutSessions(a.s, policy.SignOut{Now: a.now, Session: a.session(page).Number, Sigs: true}, a.r))
		a.acknowledged()
	}, "phone-1", `
alice is logged in on 1 device:
- a device without a name (Web), since 2026-11-23 12:00:00 UTC (1 hour ago): it is connected
UserSigs dated before 2026-11-23 13:00:00 UTC are worthless. They were revoked by the account's user, on a device without a name (Web), on 2026-11-23 13:00:00 UTC (just now).

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (just now), by the account's user on a device without a name (Web).
  It was connected and was told at once.
`},
	{"a policy was applied", func(a *tale) {
		a.login(phone)
		a.login(page)
		a.r.Group[rollcall.Web] = a.r.Group[rollcall.Android]
		a.later(time.Hour)
		a.serve(policy.ApplyPolicy(a.s, policy.Apply{Now: a.now, Operator: "Olga"}, a.r))
		a.acknowledged()
	}, "phone-1", `
alice is logged in on 1 device:
- a device without a name (Web), since 2026-11-23 12:00:00 UTC (1 hour ago): it is connected

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (just now), because the app's login policy was applied to those logged in; the account stayed on a device without a name (Web): the app does not let an account be logged in on Android and Web at the same time.
  It was connected and was told at once.
  For support only: by operator "Olga".
`},
	{"the same device id elsewhere", func(a *tale) {
		a.login(phone)
		a.later(time.Hour)
		a.login(phone)
		a.acknowledged()
	}, "", `
alice is logged in on 1 device:
- "Ann's phone" (Android), since 2026-11-23 13:00:00 UTC (just now): it is connected

"Ann's phone" (Android), device phone-1
  It has been logged in since 2026-11-23 13:00:00 UTC (just now), and is connected.
  Before that it was signed out on 2026-11-23 13:00:00 UTC (just now), because another client logged in with this device's id: its data may have been copied.
  It was connected and was told at once.
`},
	{"a secret used twice", func(a *tale) {
		a.login(phone)
		a.later(time.Hour)
		q := policy.Resume{Now: a.now, Node: "n", Session: 1, Fixed: hash("fixed 1"), Present: hash("a copy"), Next: hash("next"), Try: 99}
		a.serve(policy.ResumeSession(a.s, q, a.r))
	}, "", `
alice is logged in on no device.

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (just now), because two clients used the same session: its data may have been copied.
  It was connected and was sent the notice, but has not confirmed it yet. Whoever has a copy of its data is told when they come back, until 2026-11-30 13:00:00 UTC.
`},
	{"the account was disabled", func(a *tale) {
		a.login(phone)
		a.later(time.Hour)
		a.serve(policy.SetDisabled(a.s, policy.Disable{Now: a.now, Disabled: true, Operator: "Olga"}, a.r))
		a.acknowledged()
		a.later(time.Hour)
		a.login(phone)
		a.later(time.Minute)
		a.login(phone)
		a.later(time.Minute)
	}, "", `
alice is logged in on no device.
The account is disabled: it cannot log in. It was disabled on 2026-11-23 13:00:00 UTC (1 hour 2 minutes ago).
For support only: by operator "Olga".

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (1 hour 2 minutes ago), because the account was disabled.
  It was connected and was told at once.
  For support only: by operator "Olga".
  A login from it was refused 2 times since 2026-11-23 14:00:00 UTC, last on 2026-11-23 14:01:00 UTC (1 minute ago): 70051, the account is disabled.
`},
	{"the account was deleted", func(a *tale) {
		a.login(phone)
		a.later(time.Hour)
		a.serve(policy.DeleteAccount(a.s, policy.Delete{Now: a.now, Operator: "Olga"}, a.r))
		a.later(time.Hour)
	}, "", `
alice is logged in on no device.
The account is not there any more: its next login signs it up anew. It was deleted on 2026-11-23 13:00:00 UTC (1 hour ago).
For support only: by operator "Olga".

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (1 hour ago), because the account was deleted.
  It was connected and was sent the notice, but has not confirmed it yet. It will be told when it comes back, until 2026-11-30 13:00:00 UTC.
  For support only: by operator "Olga".
`},
	{"a REST kick", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.later(time.Hour)
		a.serve(policy.RevokeSigs(a.s, policy.Revoke{Now: a.now, Operator: "Olga"}, a.r))
		a.later(time.Hour)
	}, "", `
alice is logged in on no device.
UserSigs dated before 2026-11-23 13:00:00 UTC are worthless. They were revoked on 2026-11-23 13:00:00 UTC (1 hour ago).
For support only: a REST kick by operator "Olga".

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (1 hour ago), because all UserSigs made until then were revoked: it needs a new one.
  It was without a connection and has not been told yet. It will be told when it comes back, until 2026-11-30 13:00:00 UTC.
  For support only: a REST kick by operator "Olga".
`},
	{"the UserSig ended", func(a *tale) {
		a.loginFor(phone, time.Hour)
		a.later(2 * time.Hour)
		a.serve(policy.Expire(a.s, a.now, a.r))
		a.later(time.Second)
		a.loginFor(phone, -time.Hour)
		a.later(time.Second)
	}, "", `
alice is logged in on no device.

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 14:00:00 UTC (2 seconds ago), because the UserSig with which it had logged in had ended: it needs a new one.
  A login from it was refused on 2026-11-23 14:00:01 UTC (1 second ago): 70001, the UserSig has expired.
`},
	{"evicted while away, then the account was disabled", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.later(time.Hour)
		a.login(tablet)
		a.later(time.Hour)
		a.serve(policy.SetDisabled(a.s, policy.Disable{Now: a.now, Disabled: true}, a.r))
		a.later(time.Minute)
	}, "phone-1", `
alice is logged in on no device.
The account is disabled: it cannot log in. It was disabled on 2026-11-23 14:00:00 UTC (1 minute ago).

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 13:00:00 UTC (1 hour 1 minute ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  On 2026-11-23 14:00:00 UTC (1 minute ago) it was signed out once more, because the account was disabled. So it does not come back by itself.
  It was without a connection and has not been told yet. It will be told when it comes back, until 2026-11-30 14:00:00 UTC.
`},
	{"evicted while away, then the user revoked what another device had", func(a *tale) {
		a.login(phone)
		a.leave(phone)
		a.login(tablet)
		a.login(page)
		a.later(time.Hour)
		other := a.session(tablet).Number
		a.serve(policy.SignOutSessions(a.s, policy.SignOut{Now: a.now, Session: a.session(page).Number, Target: other, Sigs: true}, a.r))
		a.later(time.Minute)
	}, "phone-1", `
alice is logged in on 1 device:
- a device without a name (Web), since 2026-11-23 12:00:00 UTC (1 hour 1 minute ago): it is connected
UserSigs dated before 2026-11-23 13:00:00 UTC are worthless. They were revoked by the account's user, on a device without a name (Web), on 2026-11-23 13:00:00 UTC (1 minute ago).

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-23 12:00:00 UTC (1 hour 1 minute ago), because the account logged in on "Ann's tablet" (Android): the app lets an account be logged in once on Android.
  It was without a connection and has not been told yet. Its UserSig has been revoked since: with a new one it logs in again by itself, and so takes the place back.
`},
	{"away for too long", func(a *tale) {
		a.login(phone)
		a.login(page)
		a.leave(phone)
		a.leave(page)
		a.later(7 * 24 * time.Hour)
		a.serve(policy.Expire(a.s, a.now, a.r))
	}, "", `
alice is logged in on no device.

a device without a name (Web), device page-1
  It was signed out on 2026-11-30 12:00:00 UTC (just now), because it had been without a connection for 1 minute.

"Ann's phone" (Android), device phone-1
  It was signed out on 2026-11-30 12:00:00 UTC (just now), because it had been without a connection for 7 days.
`},
	{"logged out", func(a *tale) {
		a.login(phone)
		a.later(time.Hour)
		a.serve(policy.LogOut(a.s, policy.Logout{Now: a.now, Device: "phone-1", Fixed: hash("fixed 1"), Try: 50}, a.r))
		a.later(400 * 24 * time.Hour)
	}, "", `
alice is logged in on no device.

"Ann's phone" (Android), device phone-1
  It was logged out by the user on this device on 2026-11-23 13:00:00 UTC (1 year 35 days ago).
`},
	{"replaced by its own next login", func(a *tale) {
		a.login(phone)
		a.later(time.Hour)
		a.leave(phone)
		a.login(phone)
		a.later(time.Minute)
	}, "", `
alice is logged in on 1 device:
- "Ann's phone" (Android), since 2026-11-23 13:00:00 UTC (1 minute ago): it is connected

"Ann's phone" (Android), device phone-1
  It has been logged in since 2026-11-23 13:00:00 UTC (1 minute ago), and is connected.
  Before that it was replaced by its own next login on 2026-11-23 13:00:00 UTC (1 minute ago): nobody else had to do with it.
`},
	{"never logged in, and refused with 6208 afterwards", func(a *tale) {
		a.login(phone)
		a.loginFor(tablet, -time.Hour)
		a.later(time.Minute)
	}, "tablet-1", `
alice is logged in on 1 device:
- "Ann's phone" (Android), since 2026-11-23 12:00:00 UTC (1 minute ago): it is connected

"Ann's tablet" (Android), device tablet-1
  It was not logged in, as far as the history goes back.
  A login from it was refused on 2026-11-23 12:00:00 UTC (1 minute ago): 70001, the UserSig has expired.
`},
	{"refused once, logged in since", func(a *tale) {
		a.loginFor(phone, -time.Hour)
		a.login(page)
		a.loginFor(phone, -time.Hour)
		a.login(phone)
		a.later(time.Minute)
	}, "phone-1", `
alice is logged in on 2 devices:
- a device without a name (Web), since 2026-11-23 12:00:00 UTC (1 minute ago): it is connected
- "Ann's phone" (Android), since 2026-11-23 12:00:00 UTC (1 minute ago): it is connected

"Ann's phone" (Android), device phone-1
  It has been logged in since 2026-11-23 12:00:00 UTC (1 minute ago), and is connected.
`},
	{"a renewal was refused", func(a *tale) {
		a.login(phone)
		q := policy.Renew{Now: a.now, Session: 1, Renewal: policy.Renewal{SigTime: a.now.Unix(), SigEnds: a.now.Unix() + 9}}
		a.serve(policy.RenewSig(a.s, q, a.r))
		a.later(time.Minute)
	}, "", `
alice is logged in on 1 device:
- "Ann's phone" (Android), since 2026-11-23 12:00:00 UTC (1 minute ago): it is connected

"Ann's phone" (Android), device phone-1
  It has been logged in since 2026-11-23 12:00:00 UTC (1 minute ago), and is connected.
  A new UserSig for its session was refused on 2026-11-23 12:00:00 UTC (1 minute ago): 70402, a parameter is missing or wrong; the detail says which.
`},
}
