package terminal

import (
	"rollcall.example"
	"rollcall.example/client"
)

// maxKept bounds the lines that can be had again by the arrow up.
const maxKept = 200

// A screen is what stands on the terminal. Events change it, and keys.
type screen struct {
	desk          *desk
	width, height int

	scroll  scroll
	rows    []string // of the scroll; nil: to be made anew
	up      int      // rows below those that are shown
	below   bool     // something came meanwhile
	loading bool     // of what was before

	link   link
	why    string // there is no connection
	status string // a sentence that stays until the next line is typed
	unread []client.Conversation
	names  []rollcall.UserID

	input  editor
	kept   []string // lines typed, the latest last
	recall int      // how far back in them

	leaving bool // was asked for, with messages that were not sent
	left    bool // the terminal is to be given back
	suspend bool // for a while
	repaint bool // whatever stands on it
}

func newScreen(d *desk) *screen {
	return &screen{desk: d, scroll: scroll{peer: d.Peer, self: d.User}}
}

// resize gives the screen another size.
func (s *screen) resize(width, height int) {
	s.width, s.height, s.rows, s.repaint = width, height, nil, true
}

// take takes in an event.
func (s *screen) take(e event) {
	before := len(s.all())
	switch e := e.(type) {
	case opened:
		s.open(e)
	case said:
		s.hear(e)
	case typed:
		if e.To == s.scroll.peer {
			s.scroll.onItsWay(e)
		}
	case lost:
		if e.To == s.scroll.peer {
			s.scroll.refuse(e)
		} else {
			s.status = "not sent to " + string(e.To) + ": " + e.why
		}
	case gone:
		if e.peer == s.scroll.peer {
			s.scroll.remove(e.sequence)
		}
	case readUpTo:
		if e.peer == s.scroll.peer {
			s.scroll.peerRead = max(s.scroll.peerRead, e.sequence)
		}
	case looked:
		s.loading = false
	case told:
		s.scroll.tell(e.lines)
	case listed:
		s.unread, s.names = e.unread, e.names
	case happened:
		s.happened(e)
	default:
		return
	}
	s.grown(before, e)
	if waiting, _ := s.desk.box.count(); s.leaving && waiting == 0 {
		s.leaving, s.status = false, ""
	}
}

// grown keeps what is read where it is when something comes below it.
func (s *screen) grown(before int, e event) {
	s.rows = nil
	if o, ok := e.(opened); ok && o.older || s.up == 0 {
		return
	}
	s.up = max(0, s.up+len(s.all())-before)
	s.below = true
}

// open shows a conversation, or more of it.
func (s *screen) open(e opened) {
	if e.peer != s.scroll.peer {
		s.scroll = scroll{peer: e.peer, self: s.desk.User}
		s.up, s.below, s.status = 0, false, ""
	}
	for _, m := range e.messages {
		s.scroll.put(m)
	}
	s.scroll.end = s.scroll.end || e.end
}

// hear takes a message in, if its conversation is open, or says that it came.
func (s *screen) hear(e said) {
	peer := e.Conversation.Peer()
	if peer == s.scroll.peer {
		s.scroll.put(e.Message)
		if first := s.scroll.trim(); first > 0 {
			s.desk.shownFrom(first)
		}
		return
	}
	if e.fresh && !e.Self {
		s.status = name(peer) + ": " + flat(content(e.Message, s.desk.User)) + "  (/switch " + name(peer) + ")"
	}
}

// happened says how things stand. What lasts is told among what was said, too.
func (s *screen) happened(e happened) {
	s.link, s.why = e.link, e.text
	if e.link == out {
		s.scroll.tell([]string{e.text})
	}
	if e.link == out || e.link == online {
		s.why = ""
	}
}

// all are the rows of the scroll.
func (s *screen) all() []string {
	if s.rows == nil && s.width > 0 {
		s.rows = s.scroll.rows(s.width, s.link)
	}
	return s.rows
}
