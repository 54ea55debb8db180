package conformance

import (
	"fmt"
	"strconv"
	"strings"

	"rollcall.example/imcode"
)

// saying are the lines of messages and conversations that let something happen.
var saying = []form{
	newForm("<A> sends <user> <text>[ under <id>][ => <result>[ <manner>]]", Chats, func(p *parser, w words) (play, error) {
		return says(p, w, strings.Trim(w["text"], `"`))
	}),
	newForm("<A> sends <user> a text of <size>[ => <result>[ <manner>]]", Chats, func(p *parser, w words) (play, error) {
		n, err := size(w["size"])
		if err != nil {
			return nil, err
		}
		return says(p, w, strings.Repeat("x", n))
	}),
	newForm("<A> sends <user> what is no text[ => <result>[ <manner>]]", Chats, func(p *parser, w words) (play, error) {
		return says(p, w, "caf\xe9")
	}),
	newForm("<A> recalls <text>[ => <result>[ <manner>]]", Chats, aboutOne(RecallResult)),
	newForm("<A> deletes <text>[ => <result>[ <manner>]]", Chats, aboutOne(DeleteResult)),
	newForm("<A> deletes the conversation with <user>[ => <result>[ <manner>]]", Chats, aboutAll(Request{Kind: DeleteResult})),
	newForm("<A> marks <user> as read[ => <result>[ <manner>]]", Chats, aboutAll(Request{Kind: MarkResult})),
	newForm("<A> pins <user>[ => <result>[ <manner>]]", Chats, aboutAll(Request{Kind: PinResult, Pinned: true})),
	newForm("<A> unpins <user>[ => <result>[ <manner>]]", Chats, aboutAll(Request{Kind: PinResult})),
	newForm("<A> wipes what it has of <user>", WipesCache, func(p *parser, w words) (play, error) {
		return withChat(w, func(_ *actor, c Chatter) error { return c.Wipe(user(w["user"])) }), p.placed(w["A"])
	}),
}

// looking are those that only look.
var looking = []form{
	newForm("<A> cannot list: <code>", Chats, func(p *parser, w words) (play, error) {
		want, err := codeAt(p, w)
		return withChat(w, func(_ *actor, c Chatter) error {
			_, _, err := c.Talks()
			return wantCode(err, want)
		}), err
	}),
	newForm("<A> lists <list>", Chats, func(p *parser, w words) (play, error) {
		return withChat(w, func(_ *actor, c Chatter) error {
			all, _, err := c.Talks()
			return same(listed(all), w["list"], err)
		}), p.placed(w["A"])
	}),
	newForm("<A> has <count> unread", Chats, func(p *parser, w words) (play, error) {
		if err := p.placed(w["A"]); err != nil {
			return nil, err
		}
		want, err := number(w["count"])
		return withChat(w, func(_ *actor, c Chatter) error {
			_, n, err := c.Talks()
			return same(fmt.Sprint(n), fmt.Sprint(want), err)
		}), err
	}),
	newForm("<A> cannot read <user>: <code>", Chats, func(p *parser, w words) (play, error) {
		want, err := codeAt(p, w)
		return withChat(w, func(_ *actor, c Chatter) error {
			_, err := c.History(user(w["user"]), false)
			return wantCode(err, want)
		}), err
	}),
	newForm("<A> reads <user>[ <place>]: <history>", Chats, func(p *parser, w words) (play, error) {
		return withChat(w, func(a *actor, c Chatter) error {
			all, err := c.History(user(w["user"]), w.has("place"))
			want := w["history"]
			if a.show.Face.Lacks(ShowsGaps) {
				want = strings.TrimPrefix(strings.ReplaceAll(want, ", a gap", ""), "a gap, ")
			}
			return same(listed(all), want, err)
		}), p.placed(w["A"])
	}),
}

// withChat is a play of device A, whose face has messages.
func withChat(w words, f func(*actor, Chatter) error) play {
	return on(w, func(a *actor) error {
		c, ok := a.device.(Chatter)
		if !ok {
			return fmt.Errorf("its program does not run, or %s has no messages", a.show.Face.Name())
		}
		return f(a, c)
	})
}

func codeAt(p *parser, w words) (imcode.Code, error) {
	if err := p.placed(w["A"]); err != nil {
		return 0, err
	}
	return code(w["code"])
}

// same fails unless what was seen is what was wanted.
func same(got, want string, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("it sees %s", got)
	}
	return err
}

// says is a play that sends a text, under an id that the scenario gives or one of its
// own.
func says(p *parser, w words, text string) (play, error) {
	m, err := aboutCall(p, w)
	platform := p.devices[w["A"]]
	return on(w, func(a *actor) error {
		if err := a.start(platform); err != nil {
			return err
		}
		id := w["id"]
		if id == "" {
			id = a.show.talks.draw(text)
		} else {
			a.show.talks.name(id, text)
		}
		return a.call(Request{Kind: SendResult, Peer: user(w["user"]), Said: Said{ID: id, Text: text}}, m)
	}), err
}

// aboutCall reads what all calls have in common.
func aboutCall(p *parser, w words) (manner, error) {
	if err := p.placed(w["A"]); err != nil {
		return manner{}, err
	}
	return readManner(w)
}

// aboutAll makes calls about a whole conversation.
func aboutAll(q Request) func(*parser, words) (play, error) {
	return func(p *parser, w words) (play, error) {
		m, err := aboutCall(p, w)
		platform := p.devices[w["A"]]
		return on(w, func(a *actor) error {
			q.Peer = user(w["user"])
			if err := a.start(platform); err != nil {
				return err
			}
			return a.call(q, m)
		}), err
	}
}

// aboutOne makes calls about one message, which the device must have.
func aboutOne(kind Kind) func(*parser, words) (play, error) {
	return func(p *parser, w words) (play, error) {
		m, err := aboutCall(p, w)
		return withChat(w, func(a *actor, c Chatter) error {
			peer, one, err := a.find(c, strings.Trim(w["text"], `"`))
			if err != nil {
				return err
			}
			return a.call(Request{Kind: kind, Peer: peer, Said: one}, m)
		}), err
	}
}

// find is the message with a text, in whichever conversation the device has it.
func (a *actor) find(c Chatter, text string) (peer string, one Said, err error) {
	list, _, err := c.Talks()
	for _, t := range list {
		all, err := c.History(t.Peer, true)
		if err != nil {
			return "", one, err
		}
		for _, m := range all {
			if a.show.talks.text(m.ID) == text {
				return t.Peer, m, nil
			}
		}
	}
	if err == nil {
		err = fmt.Errorf("it has no message %q", text)
	}
	return "", one, err
}

// size reads so many bytes.
func size(s string) (int, error) {
	digits, kilo := strings.CutSuffix(s, "KB")
	n, err := strconv.Atoi(strings.TrimSuffix(digits, " bytes"))
	if kilo {
		n <<= 10
	}
	return n, err
}
