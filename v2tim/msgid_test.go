package v2tim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"rollcall.example"
	"rollcall.example/client"
	"rollcall.example/rollcalltest"
	"rollcall.example/v2tim"
)

// A peer may name its own message as one of the account's was named: the app takes
// neither for the other.
func TestAPeerThatNamesItsMessageAsAnother(t *testing.T) {
	rollcalltest.Run(t, func(t *testing.T, s *rollcalltest.Server) {
		a, b := newApp(t, s, "alice's"), s.Client("bob", rollcall.Android)
		if err := b.SDK.Login(t.Context(), "bob", s.UserSig("bob", time.Hour)); err != nil {
			t.Fatal(err)
		}
		a.Login("alice", s.UserSig("alice", time.Hour), a.callback("login"))
		time.Sleep(time.Second)
		var heard, revoked, answered []string
		a.AddAdvancedMsgListener(&v2tim.V2TIMAdvancedMsgListener{
			OnRecvNewMessage:     func(m v2tim.V2TIMMessage) { heard = append(heard, m.MsgID) },
			OnRecvMessageRevoked: func(id string, _ v2tim.V2TIMUserInfo, _ string) { revoked = append(revoked, id) },
		})
		a.AddSimpleMsgListener(&v2tim.V2TIMSimpleMsgListener{
			OnRecvC2CTextMessage: func(id string, _ v2tim.V2TIMUserInfo, _ string) { heard = append(heard, id) },
		})
		answer := v2tim.V2TIMValueCallback[v2tim.V2TIMMessage]{OnSuccess: func(m v2tim.V2TIMMessage) { answered = append(answered, m.MsgID) }}
		message := a.CreateTextMessage("I owe you nothing")
		hers := a.SendMessage(message, "bob", answer)
		time.Sleep(time.Second)
		if again := a.SendMessage(message, "bob", answer); again != hers {
			t.Errorf("the same message once more is %s, was %s", again, hers)
		}
		time.Sleep(time.Second)
		page, err := b.SDK.Messages(t.Context(), rollcall.ConversationWith("alice"), client.Page{Count: 10})
		if err != nil || len(page.Messages) != 1 {
			t.Fatalf("bob has %v, %v: want one message", page.Messages, err)
		}
		his, err := b.SDK.Send(t.Context(), client.Outgoing{To: "alice", ID: page.Messages[0].ID, Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := b.SDK.Recall(t.Context(), his.Conversation, his.Sequence); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(heard) != 2 || heard[0] != heard[1] || heard[0] == hers {
			t.Errorf("bob's message was %q to the listeners, alice's is %s", heard, hers)
		}
		if len(revoked) != 1 || revoked[0] != heard[0] {
			t.Errorf("revoked: %q, want bob's %q", revoked, heard)
		}
		if len(answered) != 2 || answered[0] != hers || answered[1] != hers {
			t.Errorf("the answers name %q, want %s", answered, hers)
		}
		a.SendMessage(message, "nobody", v2tim.V2TIMValueCallback[v2tim.V2TIMMessage]{OnError: func(int, string) {}})
		if message.MsgID != hers {
			t.Errorf("to somebody else it is %s, was %s", message.MsgID, hers)
		}
	})
}
