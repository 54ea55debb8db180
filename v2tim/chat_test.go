package v2tim_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example/rollcalltest"
	"rollcall.example/v2tim"
)

// hearsChat lets the app write down what it hears of messages and conversations.
func (a *app) hearsChat() {
	names := func(all []v2tim.V2TIMConversation) (out []string) {
		for _, x := range all {
			out = append(out, fmt.Sprintf("%s(%d)", x.ConversationID, x.UnreadCount))
		}
		return out
	}
	a.AddSimpleMsgListener(&v2tim.V2TIMSimpleMsgListener{
		OnRecvC2CTextMessage:   func(_ string, from v2tim.V2TIMUserInfo, text string) { a.hears(from.UserID, ": ", text) },
		OnRecvC2CCustomMessage: func(_ string, from v2tim.V2TIMUserInfo, data []byte) { a.hears(from.UserID, ": ", string(data)) },
	})
	a.AddAdvancedMsgListener(&v2tim.V2TIMAdvancedMsgListener{
		OnRecvNewMessage:     func(m v2tim.V2TIMMessage) { a.hears("new in ", m.UserID, ", self: ", m.IsSelf) },
		OnRecvC2CReadReceipt: func(all []v2tim.V2TIMMessageReceipt) { a.hears("read by ", all[0].UserID, ": ", all[0].Sequence) },
		OnRecvMessageRevoked: func(string, v2tim.V2TIMUserInfo, string) { a.hears("revoked") },
	})
	a.AddConversationListener(&v2tim.V2TIMConversationListener{
		OnSyncServerStart:                func() { a.hears("sync") },
		OnSyncServerFinish:               func() { a.hears("synced") },
		OnSyncServerFailed:               func() { a.hears("sync failed") },
		OnNewConversation:                func(all []v2tim.V2TIMConversation) { a.hears("conversations ", names(all)) },
		OnConversationChanged:            func(all []v2tim.V2TIMConversation) { a.hears("changed ", names(all)) },
		OnConversationDeleted:            func(ids []string) { a.hears("deleted ", ids) },
		OnTotalUnreadMessageCountChanged: func(n int64) { a.hears("unread ", n) },
	})
}

func value[T any](a *app, what string, show func(T) string) v2tim.V2TIMValueCallback[T] {
	return v2tim.V2TIMValueCallback[T]{
		OnSuccess: func(v T) { a.hears(what, " ", show(v)) },
		OnError:   func(code int, _ string) { a.hears(what, " ", code) },
	}
}

func sequence(m v2tim.V2TIMMessage) string { return fmt.Sprint(m.Sequence, " ", m.Status) }

func texts(all []v2tim.V2TIMMessage) (out string) {
	for _, m := range all {
		switch {
		case m.TextElem != nil:
			out += m.TextElem.Text + " "
		case m.CustomElem != nil:
			out += string(m.CustomElem.Data) + " "
		default:
			out += "- "
		}
	}
	return out
}

func TestTwoTalk(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		a, b := newApp(t, s, "alice's"), newApp(t, s, "bob's")
		for user, x := range map[string]*app{"alice": a, "bob": b} {
			x.hearsChat()
			x.Login(user, s.UserSig(user, time.Hour), x.callback("login"))
			time.Sleep(time.Second)
			x.want("connecting", "connected", "login ok", "sync", "synced")
		}
		sent := value(a, "sent", sequence)
		a.SendC2CTextMessage("hello", "bob", sent)
		time.Sleep(time.Second)
		a.want("conversations [c2c_bob(0)]", "sent 1 2")
		b.want("new in alice, self: false", "alice: hello", "conversations [c2c_alice(1)]", "unread 1")
		a.SendC2CCustomMessage([]byte("data"), "bob", sent)
		time.Sleep(time.Second)
		a.want("changed [c2c_bob(0)]", "sent 2 2")
		b.want("new in alice, self: false", "alice: data", "changed [c2c_alice(2)]", "unread 2")
		a.SendC2CTextMessage("who is that", "nobody", sent)
		time.Sleep(time.Second)
		a.want("sent 20003")

		b.MarkC2CMessageAsRead("alice", b.callback("read"))
		time.Sleep(time.Second)
		b.want("changed [c2c_alice(0)]", "unread 0", "read ok")
		a.want("read by bob: 2", "changed [c2c_bob(0)]")
		b.GetC2CHistoryMessageList("alice", 20, nil, value(b, "history", texts))
		time.Sleep(time.Second)
		b.want("history data hello ")

		a.RevokeMessage(v2tim.V2TIMMessage{UserID: "bob", Sequence: 1}, a.callback("revoke"))
		time.Sleep(time.Second)
		a.want("revoked", "changed [c2c_bob(0)]", "revoke ok")
		b.want("revoked", "changed [c2c_alice(0)]")
		b.DeleteMessages([]v2tim.V2TIMMessage{{UserID: "alice", Sequence: 2}}, b.callback("delete"))
		time.Sleep(time.Second)
		b.want("changed [c2c_alice(0)]", "delete ok")
		b.GetHistoryMessageList(v2tim.V2TIMMessageListGetOption{GetType: v2tim.V2TIM_GET_LOCAL_OLDER_MSG, UserID: "alice", Count: 20}, value(b, "history", texts))
		synctest.Wait()
		b.want("history - ")

		b.PinConversation("c2c_alice", true, b.callback("pin"))
		time.Sleep(time.Second)
		b.want("changed [c2c_alice(0)]", "pin ok")
		b.SetConversationDraft("c2c_alice", "I", b.callback("draft"))
		time.Sleep(time.Second)
		b.want("changed [c2c_alice(0)]", "draft ok")
		b.GetConversation("c2c_alice", value(b, "conversation", func(x v2tim.V2TIMConversation) string {
			return fmt.Sprint(x.IsPinned, x.DraftText)
		}))
		time.Sleep(time.Second)
		b.want("conversation trueI")
		b.GetTotalUnreadMessageCount(value(b, "total", func(n int64) string { return fmt.Sprint(n) }))
		time.Sleep(time.Second)
		b.want("total 0")
		b.DeleteConversation("c2c_alice", b.callback("delete"))
		time.Sleep(time.Second)
		b.want("deleted [c2c_alice]", "delete ok")
		b.GetConversationList(0, 10, value(b, "list", func(r v2tim.V2TIMConversationResult) string {
			return fmt.Sprintf("%d finished %v, synced %v", len(r.ConversationList), r.IsFinished, r.IsSyncCompleted)
		}))
		synctest.Wait()
		b.want("list 0 finished true, synced true")
	})
}

// TestWhoHasSentEnoughIsTold: once, and nothing is sent again without the app.
func TestWhoHasSentEnoughIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each = 256 + len("\x0a\x02hi")
		s := rollcalltest.NewServerWith(t, rollcalltest.Options{MessageBytes: 2 * int64(each)})
		a, b := newApp(t, s, "alice's"), newApp(t, s, "bob's")
		for user, x := range map[string]*app{"alice": a, "bob": b} {
			x.Login(user, s.UserSig(user, 7*24*time.Hour), x.callback("login"))
			time.Sleep(time.Second)
			x.want("connecting", "connected", "login ok")
		}
		send := func(want string) {
			t.Helper()
			a.SendC2CTextMessage("hi", "bob", value(a, "sent", sequence))
			time.Sleep(time.Second)
			a.want(want)
		}
		send("sent 1 2")
		send("sent 2 2")
		send("sent 60018")
		time.Sleep(6 * time.Hour)
		a.want()
		if got := a.GetLoginStatus(); got != v2tim.V2TIM_STATUS_LOGINED {
			t.Errorf("its status is %d", got)
		}
		send("sent 60018")
		time.Sleep(6 * time.Hour)
		send("sent 3 2")
		b.SendC2CTextMessage("hi", "alice", value(b, "sent", sequence))
		time.Sleep(time.Second)
		b.want("sent 4 2")
	})
}
