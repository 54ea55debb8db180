package rollcall

import (
	"strings"

	"rollcall.example/imcode"
	"rollcall.example/internal/plain"
)

// c2c begins the id of a conversation of two accounts.
const c2c = "c2c_"

// ConversationID names a conversation as one of its sides sees it: c2c_ and the
// UserID of the other side.
type ConversationID string

// ConversationWith is the conversation with another account.
func ConversationWith(user UserID) ConversationID { return c2c + ConversationID(user) }

// ParseConversationID checks s. What is illegal is imcode.InvalidConversation
// (6004).
func ParseConversationID(s string) (ConversationID, error) {
	peer, ok := strings.CutPrefix(s, c2c)
	if !ok {
		return "", imcode.InvalidConversation.Errorf("conversation %q: want c2c_ and a UserID", plain.Clip(s))
	}
	if _, err := ParseUserID(peer); err != nil {
		return "", imcode.InvalidConversation.Errorf("conversation %q: want c2c_ and a UserID of 1 to %d of a-z, A-Z, 0-9, _ and -", plain.Clip(s), MaxUserIDBytes)
	}
	return ConversationID(s), nil
}

// Peer is the other side; "" if c is illegal.
func (c ConversationID) Peer() UserID {
	peer, ok := strings.CutPrefix(string(c), c2c)
	if !ok {
		return ""
	}
	return UserID(peer)
}
