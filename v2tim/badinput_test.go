package v2tim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall.example/rollcalltest"
	"rollcall.example/v2tim"
)

// TestBadInput: each call has its code, and nothing is another afterwards.
func TestBadInput(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		a, b := newApp(t, s, "alice's"), newApp(t, s, "bob's")
		c := newApp(t, s, "carol's")
		for user, x := range map[string]*app{"alice": a, "bob": b, "carol": c} {
			x.Login(user, s.UserSig(user, time.Hour), x.callback("login"))
			time.Sleep(time.Second)
			x.want("connecting", "connected", "login ok")
		}
		sent := value(a, "sent", sequence)
		one := a.CreateTextMessage("one")
		a.SendMessage(one, "bob", sent)
		time.Sleep(time.Second)
		b.SendC2CTextMessage("two", "alice", value(b, "sent", sequence))
		time.Sleep(time.Second)
		a.want("sent 1 2")
		b.want("sent 2 2")
		state := func() string {
			t.Helper()
			for _, x := range []*app{a, b} {
				x.GetConversationList(0, 100, value(x, "list", func(r v2tim.V2TIMConversationResult) string {
					return fmt.Sprint(len(r.ConversationList), r.ConversationList[0].UnreadCount, r.ConversationList[0].IsPinned, r.ConversationList[0].LastMessage.Sequence)
				}))
				time.Sleep(time.Second)
				x.GetC2CHistoryMessageList(map[*app]string{a: "bob", b: "alice"}[x], 100, nil, value(x, "history", texts))
				time.Sleep(time.Second)
			}
			return strings.Join(append(a.taken(), b.taken()...), "; ")
		}
		before := state()
		if want := "list 1 1 false 2; history two one ; list 1 1 false 2; history two one "; before != want {
			t.Errorf("it is %q, want %q", before, want)
		}
		other := func(text string) *v2tim.V2TIMMessage {
			m := a.CreateTextMessage(text)
			m.MsgID = one.MsgID
			return m
		}
		history := value(a, "history", texts)
		page := func(kind, count int, last *v2tim.V2TIMMessage, user string) {
			a.GetHistoryMessageList(v2tim.V2TIMMessageListGetOption{GetType: kind, UserID: user, Count: count, LastMsg: last}, history)
		}
		at := func(user string, sequence uint64) *v2tim.V2TIMMessage {
			return &v2tim.V2TIMMessage{UserID: user, Sequence: sequence}
		}
		const older, newer = v2tim.V2TIM_GET_CLOUD_OLDER_MSG, v2tim.V2TIM_GET_CLOUD_NEWER_MSG
		list := value(a, "list", func(v2tim.V2TIMConversationResult) string { return "" })
		for _, tt := range []struct {
			name string
			call func()
			want string
		}{
			{"an empty text", func() { a.SendC2CTextMessage("", "bob", sent) }, "sent 6017"},
			{"empty data", func() { a.SendC2CCustomMessage(nil, "bob", sent) }, "sent 6017"},
			{"no element", func() { a.SendMessage(&v2tim.V2TIMMessage{}, "bob", sent) }, "sent 6017"},
			{"an oversized text", func() { a.SendC2CTextMessage(strings.Repeat("x", 12<<10), "bob", sent) }, "sent 8001"},
			{"oversized data", func() { a.SendC2CCustomMessage(make([]byte, 12<<10), "bob", sent) }, "sent 8001"},
			{"invalid UTF-8", func() { a.SendC2CTextMessage("\xff", "bob", sent) }, "sent 6017"},
			{"an id with another content", func() { a.SendMessage(other("another"), "bob", sent) }, "sent 6017"},
			{"an id with another recipient", func() { a.SendMessage(other("one"), "carol", sent) }, "sent 6017"},
			{"to an unknown user", func() { a.SendC2CTextMessage("x", "dave", sent) }, "sent 20003"},
			{"to no UserID", func() { a.SendC2CTextMessage("x", "b o b", sent) }, "sent 7003"},
			{"a page of 0", func() { page(older, 0, nil, "bob") }, "history 6017"},
			{"a page over the limit", func() { page(older, 101, nil, "bob") }, "history 6017"},
			{"older than beyond the end", func() { page(older, 10, at("bob", 4), "bob") }, "history 6017"},
			{"newer than beyond the end", func() { page(newer, 10, at("bob", 3), "bob") }, "history 6017"},
			{"newer than nothing", func() { page(newer, 10, nil, "bob") }, "history 6017"},
			{"older than a message that was not sent", func() { page(older, 10, a.CreateTextMessage("x"), "bob") }, "history 6017"},
			{"older than another conversation's", func() { page(older, 10, at("carol", 1), "bob") }, "history 6017"},
			{"no such way", func() { page(0, 10, nil, "bob") }, "history 6017"},
			{"with an unknown user", func() { page(older, 10, nil, "dave") }, "history 20003"},
			{"with nobody", func() { page(older, 10, nil, "") }, "history 6004"},
			{"a list of 0", func() { a.GetConversationList(0, 0, list) }, "list 6017"},
			{"a list over the limit", func() { a.GetConversationList(0, 101, list) }, "list 6017"},
			{"a list from below zero", func() { a.GetConversationList(-1, 1, list) }, "list 6017"},
			{"no conversation's id", func() { a.PinConversation("bob", true, a.callback("pin")) }, "pin 6004"},
			{"a pin of a stranger", func() { a.PinConversation("c2c_carol", true, a.callback("pin")) }, "pin 6017"},
			{"a stranger is read", func() { a.MarkC2CMessageAsRead("carol", a.callback("read")) }, "read 6004"},
			{"read beyond the end", func() { a.CleanConversationUnreadMessageCount("c2c_bob", 0, 3, a.callback("read")) }, "read 6017"},
			{"all groups are read", func() { a.CleanConversationUnreadMessageCount("group", 0, 0, a.callback("read")) }, "read 6004"},
			{"the deletion of a stranger's", func() { a.DeleteConversation("c2c_carol", a.callback("delete")) }, "delete 6017"},
			{"the deletion of nothing", func() { a.DeleteMessages(nil, a.callback("delete")) }, "delete 6004"},
			{"the deletion of two conversations'", func() {
				a.DeleteMessages([]v2tim.V2TIMMessage{*at("bob", 1), *at("carol", 1)}, a.callback("delete"))
			}, "delete 6004"},
			{"the deletion of one to come", func() { a.DeleteMessages([]v2tim.V2TIMMessage{*at("bob", 3)}, a.callback("delete")) }, "delete 6017"},
			{"the deletion of 51", func() { a.DeleteMessages(make([]v2tim.V2TIMMessage, 51), a.callback("delete")) }, "delete 6004"},
			{"a recall of somebody else's", func() { a.RevokeMessage(*at("bob", 2), a.callback("revoke")) }, "revoke 20022"},
			{"a recall of one to come", func() { a.RevokeMessage(*at("bob", 3), a.callback("revoke")) }, "revoke 6017"},
			{"a recall of what was not sent", func() { a.RevokeMessage(*at("bob", 0), a.callback("revoke")) }, "revoke 6017"},
			{"a draft for a stranger", func() { a.SetConversationDraft("c2c_carol", "x", a.callback("draft")) }, "draft 6004"},
		} {
			tt.call()
			time.Sleep(2 * time.Second) // no more often than an app may
			if got := strings.Join(a.taken(), "; "); got != tt.want {
				t.Errorf("%s: heard %q, want %q", tt.name, got, tt.want)
			}
		}
		if after := state(); after != before {
			t.Errorf("it was\n%s\nand is\n%s", before, after)
		}
		time.Sleep(2 * time.Minute)
		a.RevokeMessage(*at("bob", 1), a.callback("revoke"))
		time.Sleep(time.Second)
		a.want("revoke 20016")
	})
}
