// Package terminal is a person's end of a conversation: in a terminal a screen to
// read and type on, in a pipe lines in and lines out, both on package client.
//
// A desk does what the person asks for and hears what the client tells. What there is
// to see it shows as events: the screen keeps them as what stands on it, the pipe
// prints each. So both know the same commands, and say things in the same words.
//
// # What callers may rely on
//
//   - What others wrote is shown as text and as nothing else: nothing in it moves the
//     cursor, ends a line or turns the direction of reading.
//   - A message that was typed is sent once, after those typed before it: while there
//     is no connection it waits, and after an answer that was lost it is sent again
//     under the same id.
//   - [Lines] returns nil only if every message was acknowledged and every line was
//     carried out.
//
// Behaviour: docs/chat.md.
package terminal

import (
	"time"

	"rollcall.example"
	"rollcall.example/client"
)

// Options are who talks, and with what. All but Peer and Ticket are needed.
type Options struct {
	Client  *client.Client // open, and nobody has logged in
	User    rollcall.UserID
	UserSig string
	Peer    rollcall.UserID // whose conversation is open first; "": on a screen the latest

	// Ticket gets another UserSig, for a login after the end of one; nil: there is
	// none but UserSig.
	Ticket func() (string, error)

	Now func() time.Time // default time.Now
}

// An event is something to be shown.
type event any

// The events.
type (
	// opened: the messages of a conversation, which is the one that is shown from
	// now on. They are added to those that are there if it was before.
	opened struct {
		peer     rollcall.UserID
		messages []client.Message
		end      bool // there are none before them
		older    bool // they were asked for, as those before
	}
	// said: a message is new, or is another than before.
	said struct {
		client.Message

		fresh bool // it has just come
	}
	// typed: what was typed is on its way.
	typed struct {
		client.Outgoing

		waits string // why it is not sent yet, "" : it is
	}
	// lost: what was typed was refused for good.
	lost struct {
		client.Outgoing

		why string
	}
	// gone: a message was deleted for the person.
	gone struct {
		peer     rollcall.UserID
		sequence uint64
	}
	// readUpTo: the other side has read what was sent to it.
	readUpTo struct {
		peer     rollcall.UserID
		sequence uint64
	}
	// listed: which conversations have unread messages, and whose there are.
	listed struct {
		unread []client.Conversation
		names  []rollcall.UserID
	}
	// looked: what was before was looked for.
	looked struct{}
	// told: the answer to what was asked for, in lines.
	told struct{ lines []string }
	// happened: a sentence about the state of things.
	happened struct {
		link link
		text string
	}
)

// A link is how things stand with the server.
type link int

const (
	connecting link = iota
	online
	offline // it is tried again
	out     // nobody is in, and nothing is tried
)

func (l link) String() string {
	return [...]string{"connecting", "connected", "offline", "signed out"}[l]
}
