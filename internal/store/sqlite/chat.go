package sqlite

import (
	"context"
	"errors"
	"fmt"

	"rollcall.example"
	"rollcall.example/internal/policy"
	"rollcall.example/internal/store"
	"rollcall.example/internal/talk"
)

// A chat is the conversations of a batch. Messages are written at once; what stands
// in the rows of conversations and accounts chains in memory and is written at the end.
type chat struct {
	talkers map[rollcall.Account]*talking
	talks   map[[2]int64]*talkEntry
}

// A talking is one account in a batch.
type talking struct {
	talker

	was   talker
	state *policy.State // its sessions, unless the batch has the whole account
}

// A talkEntry is one conversation in a batch.
type talkEntry struct{ was, is talkRow }

// Converse implements store.Chat.
func (s *Store) Converse(ctx context.Context, q store.Conversing, rule store.TalkRule, then func(talk.Outcome)) (talk.Outcome, error) {
	var o talk.Outcome
	err := s.writer.submitJob(ctx, &job{
		do: func(ctx context.Context, b *batch) (err error) {
			o, err = b.converse(ctx, q, rule)
			return err
		},
		then: func() { then(o) },
		done: make(chan error, 1),
	})
	if err != nil {
		return talk.Outcome{}, fmt.Errorf("decide about %s and %s: %w", q.Account, q.Peer, err)
	}
	return o, nil
}

func (b *batch) converse(ctx context.Context, q store.Conversing, rule store.TalkRule) (o talk.Outcome, err error) {
	own, err := b.talking(q.Account)
	if err != nil {
		return o, err
	}
	other := rollcall.Account{App: q.Account.App, User: q.Peer}
	if other == q.Account {
		return o, errors.New("an account has no conversation with itself")
	}
	peer, err := b.talking(other)
	if err != nil {
		return o, err
	}
	e, err := b.talk(own.talker, peer.talker)
	if err != nil {
		return o, err
	}
	side := low
	if own.row > peer.row {
		side = high
	}
	t := talk.Talk{
		Last: e.is.last, LastAt: moment(e.is.lastAt), Own: e.is.sides[side], Peer: e.is.sides[1-side],
	}
	t.Own.Changes, t.Peer.Changes = own.changes, peer.changes
	if t.Account, err = b.sessions(q.Account, own); err != nil {
		return o, err
	}
	t.Exists = b.exists(other, peer)
	if err := b.see(&t, e.is, side, own.row, q.Need); err != nil {
		return o, err
	}
	if o, err = applyTalk(rule, t); err != nil || o.Code != 0 {
		return o, err
	}
	return b.settle(ctx, t, o, e, side, q.Account.App, own, peer)
}

// applyTalk runs the rule. A panic in it is its own caller's error.
func applyTalk(rule store.TalkRule, t talk.Talk) (o talk.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rule panicked: %v", p)
		}
	}()
	return rule(t), nil
}

// settle writes what the outcome says of messages, keeps what it says of the rest,
// and adds what it says of the latest ones.
func (b *batch) settle(ctx context.Context, t talk.Talk, o talk.Outcome, e *talkEntry, side int, app rollcall.AppID, own, peer *talking) (talk.Outcome, error) {
	o.Talk.LastAt = moment(millis(o.Talk.LastAt))
	was, is := e.is, e.is
	is.last, is.lastAt = o.Talk.Last, millis(o.Talk.LastAt)
	is.sides[side], is.sides[1-side] = o.Talk.Own, o.Talk.Peer
	is.sides[low].Changes, is.sides[high].Changes = 0, 0
	if err := b.write(ctx, o, app, e, is, side); err != nil {
		return o, err
	}
	is = e.is
	own.changes, peer.changes = o.Talk.Own.Changes, o.Talk.Peer.Changes
	own.moved(was, is, side)
	peer.moved(was, is, 1-side)
	if o.Append {
		m := *o.Message
		m.Time = o.Talk.LastAt
		o.Message, o.OwnLatest = &m, &m
		seen := m
		seen.Own = false
		o.PeerLatest = &seen
		return o, nil
	}
	if is.id == 0 {
		return o, nil
	}
	var err error
	if o.OwnLatest, err = b.sql.loadLatest((*compiled).ask, is, side); err != nil {
		return o, err
	}
	if o.Talk.Peer.Changes != t.Peer.Changes {
		o.PeerLatest, err = b.sql.loadLatest((*compiled).ask, is, 1-side)
	}
	return o, err
}

// write writes messages, all or none, and makes is the conversation from now on.
func (b *batch) write(ctx context.Context, o talk.Outcome, app rollcall.AppID, e *talkEntry, is talkRow, side int) error {
	if is.id != 0 || is == e.is {
		err := b.writeMessages(ctx, o, app, e.is, is, side)
		if err == nil {
			e.is = is
		}
		return err
	}
	err := allOrNothing(ctx, b.conn, func() error {
		if err := b.addTalk(&is); err != nil {
			return err
		}
		return b.writeMessages(ctx, o, app, e.is, is, side)
	})
	if err == nil {
		e.was, e.is = is, is
	}
	return err
}

// writeMessages writes all of them or none.
func (b *batch) writeMessages(ctx context.Context, o talk.Outcome, app rollcall.AppID, was, t talkRow, side int) error {
	if o.Append {
		r := rowOf(*o.Message, app, t, side)
		return b.sql.addMessage.exec(r.app, r.at, r.conversation, r.sequence, r.sender, r.nth, r.name, r.flags, r.sum(), r.content)
	}
	if o.Alteration == nil {
		return nil
	}
	return allOrNothing(ctx, b.conn, func() error {
		if err := b.addAlterations(*o.Alteration, app, was, t); err != nil {
			return err
		}
		if !o.Alteration.Recalled {
			if err := b.addDeletions(o.Altered, app, t.id, side); err != nil {
				return err
			}
		}
		for _, m := range o.Altered {
			r := rowOf(m, app, t, side)
			found := false
			err := b.sql.putMessage.ask(func(row) error {
				found = true
				return nil
			}, r.flags, r.sum(), r.content, r.conversation, r.sequence)
			if err == nil && !found {
				err = store.ErrNotFound
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// talking loads the account, unless the batch has it already.
func (b *batch) talking(a rollcall.Account) (*talking, error) {
	e := b.accounts[a]
	if e != nil && e.row == 0 && !empty(e.is) { // it is new in this batch, and needs its row now
		if err := b.saveAccount(e); err != nil {
			return nil, err
		}
	}
	if t := b.chat.talkers[a]; t != nil {
		if t.row == 0 && e != nil {
			t.row, t.was.row = e.row, e.row
		}
		return t, nil
	}
	it, found := b.talks.talker(a)
	if !found {
		var err error
		if it.talker, err = b.sql.loadTalker((*compiled).ask, a); err != nil {
			return nil, err
		}
	}
	if b.chat.talkers == nil {
		b.chat.talkers, b.chat.talks = map[rollcall.Account]*talking{}, map[[2]int64]*talkEntry{}
	}
	t := &talking{talker: it.talker, was: it.talker, state: it.state}
	if t.talks == uncounted {
		var err error
		if t.census, err = b.sql.count((*compiled).ask, t.row); err != nil {
			return nil, err
		}
	}
	b.chat.talkers[a] = t
	return t, nil
}

// sessions is the account with its sessions, as the batch has left them.
func (b *batch) sessions(a rollcall.Account, t *talking) (policy.State, error) {
	if e := b.accounts[a]; e != nil {
		return policy.State{Sessions: e.is.Sessions}, nil
	}
	if it, found := b.known.find(a); found {
		return policy.State{Sessions: it.state.Sessions}, nil
	}
	if t.state == nil {
		s := &policy.State{}
		var err error
		if s.Sessions, err = askAll((*compiled).ask, b.sql.loads.sessions, scanSession, b.sql.loads.old, t.row); err != nil {
			return *s, err
		}
		t.state = s
	}
	return *t.state, nil
}

// exists tells whether the account has signed up, as the batch has left it.
func (b *batch) exists(a rollcall.Account, t *talking) bool {
	if e := b.accounts[a]; e != nil {
		return e.is.Exists()
	}
	return t.exists
}

// talk loads the conversation of two accounts, unless the batch has it already.
func (b *batch) talk(x, y talker) (*talkEntry, error) {
	if x.row == 0 || y.row == 0 {
		return &talkEntry{}, nil
	}
	key := [2]int64{min(x.row, y.row), max(x.row, y.row)}
	if e := b.chat.talks[key]; e != nil {
		return e, nil
	}
	e := &talkEntry{is: talkRow{accounts: key}}
	if known, found := b.talks.talk(key); found {
		e.is = known
	} else {
		loaded, err := b.sql.loadTalk((*compiled).ask, x, y)
		if err != nil {
			return nil, err
		}
		if loaded != nil {
			e.is = *loaded
		}
	}
	e.was = e.is
	b.chat.talks[key] = e
	return e, nil
}

// see adds to t what a rule needs to see.
func (b *batch) see(t *talk.Talk, r talkRow, side int, own int64, need talk.Need) error {
	add := func(stmt *compiled, args ...any) error {
		m, err := one((*compiled).ask, stmt, scanMessage, args...)
		switch {
		case err != nil || m == nil:
		case stmt == b.sql.byName && (m.sender != own || m.name != need.ID) || stmt == b.sql.first && m.conversation != r.id:
			return damaged("message %d of conversation %d is not where it is found", m.sequence, m.conversation)
		case m.conversation != r.id:
			t.Strange = true
		default:
			t.Found = append(t.Found, m.seenBy(r, side))
		}
		return err
	}
	if need.ID != "" {
		if err := add(b.sql.byName, own, need.ID); err != nil {
			return err
		}
	}
	if need.From > 0 {
		if err := add(b.sql.first, r.id, int64(need.From)); err != nil {
			return err
		}
	}
	for _, sequence := range need.At {
		n := len(t.Found)
		if err := add(b.sql.first, r.id, int64(sequence)); err != nil {
			return err
		}
		if len(t.Found) > n && t.Found[n].Sequence != sequence {
			t.Found = t.Found[:n] // it is not kept
		}
	}
	if need.Pins {
		if err := b.saveTalks(); err != nil {
			return err
		}
		return b.sql.pins.ask(func(r row) error { return r.Scan(&t.Pins) }, own)
	}
	return nil
}

// addTalk inserts a conversation, which gives it its id and so its sum.
func (b *batch) addTalk(r *talkRow) error {
	err := b.sql.addTalk.exec(append(arguments(r.numbers()), 0, r.accounts[low], r.accounts[high])...)
	if err != nil {
		return err
	}
	r.id = b.sql.lastRow()
	return b.putTalk(*r)
}

// putTalk writes a conversation that is there.
func (b *batch) putTalk(r talkRow) error {
	err := b.sql.putTalk.exec(append(arguments(r.numbers()), r.sum(), r.id)...)
	if err == nil && b.sql.changed() != 1 {
		err = fmt.Errorf("conversation %d is not there: %w", r.id, store.ErrDamaged)
	}
	return err
}

func arguments(numbers []int64) []any {
	all := make([]any, 0, len(numbers)+3)
	for _, n := range numbers {
		all = append(all, n)
	}
	return all
}

// saveChat writes all that the batch changed of conversations.
func (b *batch) saveChat() error {
	if err := b.saveTalks(); err != nil {
		return err
	}
	for _, t := range b.chat.talkers {
		if t.talker == t.was {
			continue
		}
		if err := b.sql.putTalker.exec(t.row, int64(t.changes), t.talks, t.changed, t.sum()); err != nil {
			return err
		}
		t.was = t.talker
	}
	return nil
}

func (b *batch) saveTalks() error {
	for _, e := range b.chat.talks {
		if e.is == e.was {
			continue
		}
		if err := b.putTalk(e.is); err != nil {
			return err
		}
		e.was = e.is
	}
	return nil
}
