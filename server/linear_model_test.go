package server_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"rollcall.example"
	"rollcall.example/internal/policy"
)

// A small account, written down naively from the rules: what one client after the
// other would see. Histories of many clients at once are held against it.

// An asked is what a client or an operator asked of an account.
type asked struct {
	account  rollcall.UserID
	kind     string // login, resume, logout, hang up, acknowledge, kick, sign out, list, read
	call     int64  // when
	done     *int64 // and when it was answered
	device   rollcall.DeviceID
	platform rollcall.Platform
	session  uint64        // resume, logout, hang up, acknowledge: which; sign out, list: who asks
	conn     uint64        // hang up: which connection
	target   policy.Target // kick, sign out
	last     uint64        // login: the last session
	seen     uint64        // login: the kick seen
	proved   bool          // login: with a proof of its last session
	noticed  *int64        // hang up: when the server was seen to know; 0: never
}

// A seen is what came of it.
type seen struct {
	session, conn uint64
	again         bool          // log in again
	reason        policy.Reason // a notice came, with this reason
	lost          bool          // the answer did not come: it happened or did not
	refused       bool
	ended         []uint64
	view          *view
}

// A view is an account as it was read.
type view struct {
	sessions []viewed
	rows     []row // by session; nil where they were not to be read
	counter  uint64
}

type viewed struct {
	number, conn uint64 // conn 0: not to be read
	device       rollcall.DeviceID
	away         bool
}

type row struct {
	session uint64
	reason  policy.Reason
}

// A member of the model's account: a session that has not ended.
type inside struct {
	number, conn uint64
	device       rollcall.DeviceID
	platform     rollcall.Platform
	hung         bool  // its client has hung up
	noticed      int64 // and the server was seen to know by then
}

// A kept is a kick row of the model.
type kept struct {
	row

	device   rollcall.DeviceID
	platform rollcall.Platform
}

// A gone is the last session that somebody else ended on a device, and when that was
// answered: from then on its client gets nothing but the notice.
type gone struct {
	device rollcall.DeviceID
	number uint64
	by     int64
}

// A small is the model's account.
type small struct {
	counter uint64
	in      []inside // by number
	rows    []kept   // oldest first
	gone    []gone   // by device
}

func (a small) equal(b small) bool {
	return a.counter == b.counter && slices.Equal(a.in, b.in) && slices.Equal(a.rows, b.rows) && slices.Equal(a.gone, b.gone)
}

func (a small) clone() small {
	return small{a.counter, slices.Clone(a.in), slices.Clone(a.rows), slices.Clone(a.gone)}
}

// serves tells whether a client may be given an answer that was asked for at a
// moment: its session is in, or who ended it was not answered yet.
func (a *small) serves(session uint64, call int64) bool {
	return a.find(session) != nil ||
		slices.ContainsFunc(a.gone, func(g gone) bool { return g.number == session && call < g.by })
}

func (a *small) find(n uint64) *inside {
	i := slices.IndexFunc(a.in, func(x inside) bool { return x.number == n })
	if i < 0 {
		return nil
	}
	return &a.in[i]
}

func (a *small) row(n uint64) *kept {
	i := slices.IndexFunc(a.rows, func(k kept) bool { return k.session == n })
	if i < 0 {
		return nil
	}
	return &a.rows[i]
}

func (a *small) drop(n uint64) {
	a.rows = slices.DeleteFunc(a.rows, func(k kept) bool { return k.session == n })
}

func (a *small) leave(n uint64) {
	a.in = slices.DeleteFunc(a.in, func(x inside) bool { return x.number == n })
}

// kick ends session n, with a row.
func (a *small) kick(n uint64, why policy.Reason, done int64) {
	x := *a.find(n)
	a.leave(n)
	a.rows = append(a.rows, kept{row{n, why}, x.device, x.platform})
	i, found := slices.BinarySearchFunc(a.gone, x.device, func(g gone, d rollcall.DeviceID) int { return cmp.Compare(g.device, d) })
	if !found {
		a.gone = slices.Insert(a.gone, i, gone{})
	}
	a.gone[i] = gone{x.device, n, done}
}

// bound keeps 20 rows: more than this policy admits sessions.
func (a *small) bound() {
	for len(a.rows) > 20 {
		i := 0
		for _, least := range []policy.Reason{policy.NewerLogin, policy.SameDeviceElsewhere, policy.SignedOutElsewhere} {
			if i = slices.IndexFunc(a.rows, func(k kept) bool { return k.reason == least }); i >= 0 {
				break
			}
		}
		a.rows = slices.Delete(a.rows, max(0, i), max(0, i)+1)
	}
}

// A book is the policy that the model plays by.
type book struct {
	limit map[rollcall.Platform]int
	group map[rollcall.Platform]int
}

// login is rules 5 and 6. away says which sessions the server takes to be without a
// connection.
func (b book) login(a small, q asked, away func(inside) bool) small {
	a = a.clone()
	if q.proved && (q.seen == q.last || a.row(q.last) != nil && a.row(q.last).device == q.device) {
		a.drop(q.last)
	}
	for _, x := range slices.Clone(a.in) {
		if x.device != q.device {
			continue
		}
		if q.proved || away(x) {
			a.leave(x.number)
		} else {
			a.kick(x.number, policy.SameDeviceElsewhere, *q.done)
		}
	}
	for _, x := range slices.Clone(a.in) {
		if x.platform != q.platform && b.group[x.platform] == b.group[q.platform] {
			a.kick(x.number, policy.NewerLogin, *q.done)
		}
	}
	for {
		var same []inside
		for _, x := range a.in {
			if x.platform == q.platform {
				same = append(same, x)
			}
		}
		if len(same)+1 <= b.limit[q.platform] {
			break
		}
		first := slices.MinFunc(same, func(x, y inside) int {
			if away(x) != away(y) {
				if away(x) {
					return -1
				}
				return 1
			}
			return cmp.Compare(x.number, y.number)
		})
		a.kick(first.number, policy.NewerLogin, *q.done)
	}
	a.counter++
	a.in = append(a.in, inside{number: a.counter, conn: 1, device: q.device, platform: q.platform})
	a.bound()
	return a
}

// end is an act: it ends the sessions that the target covers, and gives its reason
// to earlier evictions.
func (a small) end(q asked, why policy.Reason) (small, []uint64) {
	t := q.target
	a = a.clone()
	covers := func(n uint64, d rollcall.DeviceID, p rollcall.Platform) bool {
		return (t.Session == 0 || t.Session == n) && (t.Device == "" || t.Device == d) &&
			(t.Platform == nil || *t.Platform == p) && t.Except != n
	}
	var ended []uint64
	for _, x := range slices.Clone(a.in) {
		if covers(x.number, x.device, x.platform) {
			a.kick(x.number, why, *q.done)
			ended = append(ended, x.number)
		}
	}
	for _, k := range slices.Clone(a.rows) {
		if k.reason == policy.NewerLogin && covers(k.session, k.device, k.platform) {
			a.drop(k.session)
			k.reason = why
			a.rows = append(a.rows, k)
		}
	}
	a.bound()
	return a, ended
}

// step is every account that may be there after this happened to a; none: it cannot
// have happened.
func (b book) step(a small, q asked, o seen) []small {
	x := a.find(q.session)
	switch q.kind {
	case "login":
		return b.logins(a, q, o)
	case "resume":
		return a.resume(q, o)
	case "logout":
		if o.refused {
			return nil
		}
		a = a.clone()
		a.leave(q.session)
		a.drop(q.session)
		return []small{a}
	case "hang up":
		a = a.clone()
		if x := a.find(q.session); x != nil && x.conn == q.conn {
			x.hung, x.noticed = true, *q.noticed
		}
		return []small{a}
	case "acknowledge":
		dropped := a.clone()
		dropped.drop(q.session)
		if o.lost {
			return []small{a, dropped}
		}
		return []small{dropped}
	case "kick":
		after, ended := a.end(q, policy.Operator)
		if o.refused {
			return possible(a.counter == 0, a)
		}
		return possible(a.counter > 0 && slices.Equal(ended, o.ended), after)
	case "sign out":
		after, ended := a.end(q, policy.SignedOutElsewhere)
		k := a.row(q.target.Session)
		legal := x != nil && (q.target.Session == 0 || a.find(q.target.Session) != nil || k != nil && k.reason == policy.NewerLogin)
		switch {
		case o.lost && legal:
			return []small{a, after}
		case o.lost:
			return []small{a}
		case o.refused:
			return possible(!legal && a.serves(q.session, q.call), a)
		}
		return possible(legal && o.conn == uint64(len(ended)), after)
	case "list":
		return possible(a.shows(q, *o.view) && a.serves(q.session, q.call), a)
	default:
		return possible(a.shows(q, *o.view), a)
	}
}

func possible(is bool, a small) []small {
	if !is {
		return nil
	}
	return []small{a}
}

// logins are the accounts after a login. Who has hung up may be taken for connected
// until the server is seen to know.
func (b book) logins(a small, q asked, o seen) []small {
	if o.session != a.counter+1 {
		return nil
	}
	var doubtful []uint64
	for _, x := range a.in {
		if x.hung && !x.known(q.call) {
			doubtful = append(doubtful, x.number)
		}
	}
	var all []small
	for choice := range 1 << len(doubtful) {
		after := b.login(a, q, func(x inside) bool {
			i := slices.Index(doubtful, x.number)
			return x.hung && (i < 0 || choice>>i&1 == 1)
		})
		if !slices.ContainsFunc(all, after.equal) {
			all = append(all, after)
		}
	}
	return all
}

// known tells whether somebody who asks after a moment must find that the session
// is away.
func (x inside) known(call int64) bool { return x.noticed != 0 && call > x.noticed }

func (a small) resume(q asked, o seen) []small {
	if x := a.find(q.session); x != nil {
		if o.again || o.reason == 0 && o.conn != x.conn+1 {
			return nil
		}
		a = a.clone()
		x = a.find(q.session)
		x.conn++
		x.hung, x.noticed = false, 0
		return []small{a} // with a notice: something ended it before the answer
	}
	k := a.row(q.session)
	if told := k != nil && k.reason != policy.NewerLogin; told {
		return possible(o.reason == k.reason, a)
	}
	return possible(o.again, a)
}

// shows tells whether v may be read of the account.
func (a small) shows(q asked, v view) bool {
	if len(v.sessions) != len(a.in) {
		return false
	}
	for i, x := range a.in {
		s := v.sessions[i]
		doubtful := x.hung && !x.known(q.call)
		if s.number != x.number || s.device != x.device || s.conn != 0 && s.conn != x.conn || !doubtful && s.away != x.hung {
			return false
		}
	}
	if v.rows == nil {
		return true
	}
	rows := []row{}
	for _, k := range a.rows {
		rows = append(rows, k.row)
	}
	slices.SortFunc(rows, func(x, y row) int { return cmp.Compare(x.session, y.session) })
	return v.counter == a.counter && slices.Equal(rows, v.rows)
}

// legal is the check that needs no model: what was read keeps to the policy.
func (b book) legal(v view, platform func(rollcall.DeviceID) rollcall.Platform) error {
	on := map[rollcall.Platform]int{}
	of := map[int]rollcall.Platform{}
	for _, x := range v.sessions {
		p := platform(x.device)
		if other, taken := of[b.group[p]]; taken && other != p {
			return fmt.Errorf("%s and %s exclude each other", p, other)
		}
		of[b.group[p]] = p
		if on[p]++; on[p] > b.limit[p] {
			return fmt.Errorf("%d sessions on %s, the limit is %d", on[p], p, b.limit[p])
		}
	}
	return nil
}

// model is the book for porcupine, an account apart from the others.
func (b book) model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			accounts := map[rollcall.UserID][]porcupine.Operation{}
			for _, op := range history {
				user := op.Input.(asked).account
				accounts[user] = append(accounts[user], op)
			}
			var parts [][]porcupine.Operation
			for _, part := range accounts {
				parts = append(parts, part)
			}
			return parts
		},
		Init: func() []any { return []any{small{}} },
		Step: func(state, input, output any) []any {
			var all []any
			for _, s := range b.step(state.(small), input.(asked), output.(seen)) {
				all = append(all, s)
			}
			return all
		},
		Equal: func(a, b any) bool { return a.(small).equal(b.(small)) },
		Hash: func(a any) uint64 {
			return a.(small).counter<<8 + uint64(len(a.(small).in))<<4 + uint64(len(a.(small).rows))
		},
	}
	return m.ToModel()
}

// linearizable checks a history within a minute.
func (b book) linearizable(history []porcupine.Operation) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(b.model(), history, time.Minute)
}

// TestTheCheckOfHistoriesCanFail shows the check small histories, right and wrong.
func TestTheCheckOfHistoriesCanFail(t *testing.T) {
	in := func(device string, n uint64) did {
		return did{asked{kind: "login", device: rollcall.DeviceID(device), platform: rollcall.Android}, seen{session: n, conn: 1}}
	}
	read := func(sessions ...viewed) did { return did{asked{kind: "read"}, seen{view: &view{sessions: sessions}}} }
	a, b, c := viewed{1, 1, "a", false}, viewed{2, 1, "b", false}, viewed{3, 1, "c", false}
	away := viewed{1, 1, "a", true}
	kick := func(ended ...uint64) did { return did{asked{kind: "kick"}, seen{ended: ended}} }
	hangUp := func(noticed int64) did {
		return did{asked{kind: "hang up", device: "a", session: 1, conn: 1, noticed: &noticed}, seen{}}
	}
	list := func(asks uint64, sessions ...viewed) did {
		return did{asked{kind: "list", session: asks}, seen{view: &view{sessions: sessions}}}
	}
	resume := func(o seen) did { return did{asked{kind: "resume", device: "a", session: 1}, o} }
	for _, tt := range []struct {
		name string
		does [][]did // those of one list at once, one list after the other
		want porcupine.CheckResult
	}{
		{"the newest two are in", [][]did{{in("a", 1)}, {in("b", 2)}, {in("c", 3)}, {read(b, c)}}, porcupine.Ok},
		{"the oldest is still in", [][]did{{in("a", 1)}, {in("b", 2)}, {in("c", 3)}, {read(a, b, c)}}, porcupine.Illegal},
		{"the newest went", [][]did{{in("a", 1)}, {in("b", 2)}, {in("c", 3)}, {read(a, b)}}, porcupine.Illegal},
		{"the wrong one went", [][]did{{in("a", 1)}, {in("b", 2)}, {in("c", 3)}, {read(a, c)}}, porcupine.Illegal},
		{"at once, in some order", [][]did{{in("a", 2), in("b", 1)}, {read(viewed{1, 1, "b", false}, viewed{2, 1, "a", false})}}, porcupine.Ok},
		{"one after the other, in the other order", [][]did{{in("a", 2)}, {in("b", 1)}}, porcupine.Illegal},
		{"a number given twice", [][]did{{in("a", 1)}, {in("b", 1)}}, porcupine.Illegal},
		{"a read at the same time may be early", [][]did{{in("a", 1)}, {in("b", 2), read(a)}}, porcupine.Ok},
		{"a read afterwards may not", [][]did{{in("a", 1)}, {in("b", 2)}, {read(a)}}, porcupine.Illegal},
		{"a kick ends all", [][]did{{in("a", 1)}, {in("b", 2)}, {kick(1, 2)}, {read()}}, porcupine.Ok},
		{"somebody outlives the kick", [][]did{{in("a", 1)}, {in("b", 2)}, {kick(1, 2)}, {read(b)}}, porcupine.Illegal},
		{"a kick that says less than it did", [][]did{{in("a", 1)}, {in("b", 2)}, {kick(1)}}, porcupine.Illegal},
		{"the one away goes first", [][]did{{in("a", 1)}, {in("b", 2)}, {hangUp(3)}, {resume(seen{conn: 2})}, {in("c", 3)}, {read(b, c)}}, porcupine.Ok},
		{"back from a kick", [][]did{{in("a", 1)}, {kick(1)}, {resume(seen{conn: 2})}}, porcupine.Illegal},
		{"told of a kick", [][]did{{in("a", 1)}, {kick(1)}, {resume(seen{reason: policy.Operator})}}, porcupine.Ok},
		{"told another reason", [][]did{{in("a", 1)}, {kick(1)}, {resume(seen{reason: policy.SignedOutElsewhere})}}, porcupine.Illegal},
		{"served while it is ended", [][]did{{in("a", 1)}, {kick(1), list(1)}}, porcupine.Ok},
		{"served after its end", [][]did{{in("a", 1)}, {kick(1)}, {list(1)}}, porcupine.Illegal},
		{"away, once it is known", [][]did{{in("a", 1)}, {hangUp(25)}, {read(away)}}, porcupine.Ok},
		{"connected, before it is known", [][]did{{in("a", 1)}, {hangUp(95)}, {read(a)}}, porcupine.Ok},
		{"connected, though it is known to be away", [][]did{{in("a", 1)}, {hangUp(19)}, {read(a)}}, porcupine.Illegal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var history []porcupine.Operation
			for i, together := range tt.does {
				for _, d := range together {
					call, done := int64(10*i), int64(10*i+5)
					d.asked.call, d.asked.done = call, &done
					history = append(history, porcupine.Operation{Input: d.asked, Output: d.seen, Call: call, Return: done})
				}
			}
			if got := storm.linearizable(history); got != tt.want {
				t.Errorf("%s, want %s:\n%s", got, tt.want, told(history))
			}
		})
	}
}

// A did is something that happened.
type did struct {
	asked
	seen
}

// told is a history for people.
func told(history []porcupine.Operation) string {
	var b strings.Builder
	history = slices.Clone(history)
	slices.SortFunc(history, func(x, y porcupine.Operation) int { return cmp.Compare(x.Call, y.Call) })
	for _, op := range history {
		q, o := op.Input.(asked), op.Output.(seen)
		fmt.Fprintf(&b, "%5d-%-5d %s %s %s %d", op.Call, op.Return, q.account, q.device, q.kind, q.session)
		if q.kind == "kick" || q.kind == "sign out" {
			fmt.Fprintf(&b, " %+v", q.target)
		}
		fmt.Fprintf(&b, " last %d seen %d proved %v => %+v", q.last, q.seen, q.proved, o)
		if o.view != nil {
			fmt.Fprintf(&b, " %+v", *o.view)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
