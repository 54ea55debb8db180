package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/gobwas/ws"

	"rollcall.example/wire"
)

// A message's id is mark and its number, in digits: as long as the SDK's ids are.
const (
	mark     = "message-of-a-bench"
	markEnds = 8 // digits
	maxMarks = 100_000_000
)

// messageID is the id of a pair's n-th message.
func messageID(n int) string { return fmt.Sprintf("%s%0*d", mark, markEnds, n) }

// numberIn is the number of the message that is in a frame.
func numberIn(frame []byte) (n int, ok bool) {
	_, after, found := bytes.Cut(frame, []byte(mark))
	if !found || len(after) < markEnds {
		return 0, false
	}
	n, err := strconv.Atoi(string(after[:markEnds]))
	return n, err == nil
}

// letters are the frames of one account's messages to another. They are spelled
// beforehand: a load is to be lean.
type letters struct {
	frames [][]byte // in turn, each with a number of its own
	masked int      // where the only one begins to be masked; 0: they stay as they are
	digits int      // from there, where its number is
}

// floorMarks is how many messages a relay is sent in turn, which does not mind the
// same one again: the HMAC of each is made beforehand.
const floorMarks = 16

// lettersTo are the messages to an account, with a text of so many bytes.
func (t *target) lettersTo(to *account, size int) (*letters, error) {
	spell := func(n int) ([]byte, error) {
		return wire.Proto.Encode(&wire.ClientFrame{Id: 1, Request: &wire.ClientFrame_Send{Send: &wire.SendRequest{
			Peer: to.user, MessageId: messageID(n), Content: &wire.Content{Kind: &wire.Content_Text{Text: strings.Repeat("x", size)}},
		}}})
	}
	l := &letters{}
	if t.kind != rollcallKind {
		for n := range floorMarks {
			request, err := spell(n)
			if err != nil {
				return nil, err
			}
			l.frames = append(l.frames, t.spell(request, to.number))
		}
		return l, nil
	}
	request, err := spell(0)
	if err != nil {
		return nil, err
	}
	frame := masked(ws.OpBinary, request)
	l.frames = [][]byte{frame}
	l.masked, l.digits = len(frame)-len(request), bytes.Index(request, []byte(mark))+len(mark)
	return l, nil
}

// marks is after how many messages a number comes again.
func (l *letters) marks() int {
	if l.masked == 0 {
		return len(l.frames)
	}
	return maxMarks
}

// frame is the frame of the n-th message, good until the next.
func (l *letters) frame(n int) []byte {
	if l.masked == 0 {
		return l.frames[n%len(l.frames)]
	}
	f := l.frames[0][l.masked:]
	for i := l.digits + markEnds - 1; i >= l.digits; i-- {
		f[i] = byte('0'+n%10) ^ maskKey[i%4]
		n /= 10
	}
	return l.frames[0]
}
