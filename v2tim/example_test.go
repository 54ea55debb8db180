package v2tim_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"rollcall.example/internal/stage"
	"rollcall.example/v2tim"
)

// The vendor's samples of logging in and out, line by line in Go. As they stand
// they hold "your user id", which is no legal UserID: 7003, and no traffic. With
// their two literals replaced they succeed.

// Log prints what the samples log.
var Log = logcat{make(chan struct{})}

type logcat struct{ printed chan struct{} }

func (l logcat) i(tag, text string) {
	fmt.Println(tag + ": " + text)
	l.printed <- struct{}{}
}

func ExampleV2TIMManager_Login() {
	defer initSDK()()

	userID := "your user id"
	userSig := "userSig from your server"
	v2tim.GetInstance().Login(userID, userSig, v2tim.V2TIMCallback{
		OnSuccess: func() {
			Log.i("sdk", "success")
		},
		OnError: func(code int, desc string) {
			// The following error codes indicate an expired `userSig`, and you need to generate a new one for login again.
			// 1. ERR_USER_SIG_EXPIRED (6206)
			// 2. ERR_SVR_ACCOUNT_USERSIG_EXPIRED (70001)
			// Note: Do not call the login API in case of other error codes; otherwise, the SDK may enter an infinite loop of login.
			Log.i("sdk", "failure, code:"+strconv.Itoa(code)+", desc:"+desc)
		},
	})
	<-Log.printed
	// Output:
	// sdk: failure, code:7003, desc:UserID has an illegal byte at position 5: want a-z, A-Z, 0-9, _ and - only
}

func ExampleV2TIMManager_Login_replaced() {
	defer initSDK()()

	userID := "alice"
	userSig := userSigFromYourServer("alice")
	v2tim.GetInstance().Login(userID, userSig, v2tim.V2TIMCallback{
		OnSuccess: func() {
			Log.i("sdk", "success")
		},
		OnError: func(code int, desc string) {
			Log.i("sdk", "failure, code:"+strconv.Itoa(code)+", desc:"+desc)
		},
	})
	<-Log.printed
	// Output:
	// sdk: success
}

// The C++ sample's callback class.
type LoginCallback struct {
	success_callback_ func()
	error_callback_   func(int, string)
}

func (c *LoginCallback) SetCallback(success_callback func(), error_callback func(int, string)) {
	c.success_callback_ = success_callback
	c.error_callback_ = error_callback
}

func (c *LoginCallback) OnSuccess() {
	if c.success_callback_ != nil {
		c.success_callback_()
	}
}

func (c *LoginCallback) OnError(error_code int, error_message string) {
	if c.error_callback_ != nil {
		c.error_callback_(error_code, error_message)
	}
}

func ExampleV2TIMManager_Login_class() {
	defer initSDK()()

	userID := "alice"
	userSig := userSigFromYourServer("alice")
	callback := new(LoginCallback)
	callback.SetCallback(
		func() {
			Log.i("sdk", "success")
		},
		func(error_code int, error_message string) {
			Log.i("sdk", "failure, code:"+strconv.Itoa(error_code)+", desc:"+error_message)
		})
	v2tim.GetInstance().Login(userID, userSig, v2tim.V2TIMCallback{OnSuccess: callback.OnSuccess, OnError: callback.OnError})
	<-Log.printed
	// Output:
	// sdk: success
}

func ExampleV2TIMManager_GetLoginUser() {
	defer initSDK()()
	logIn("alice")

	// Get the `UserID` of the logged-in user
	loginUserID := v2tim.GetInstance().GetLoginUser()

	fmt.Println(loginUserID)
	// Output:
	// alice
}

func ExampleV2TIMManager_GetLoginStatus() {
	defer initSDK()()
	logIn("alice")

	loginStatus := v2tim.GetInstance().GetLoginStatus()

	fmt.Println(loginStatus == v2tim.V2TIM_STATUS_LOGINED)
	// Output:
	// true
}

func ExampleV2TIMManager_Logout() {
	defer initSDK()()
	logIn("alice")

	v2tim.GetInstance().Logout(v2tim.V2TIMCallback{
		OnSuccess: func() {
			Log.i("imsdk", "success")
		},
		OnError: func(code int, desc string) {
			Log.i("imsdk", "failure, code:"+strconv.Itoa(code)+", desc:"+desc)
		},
	})
	<-Log.printed
	// Output:
	// imsdk: success
}

// To switch from alice to bob, just log bob in.
func ExampleV2TIMManager_Login_accountSwitch() {
	defer initSDK()()
	logIn("alice")
	logIn("bob")
	fmt.Println(v2tim.GetInstance().GetLoginUser())
	// Output:
	// bob
}

// The program of docs/client.md.
func Example() {
	defer initSDK()()
	bob, old := v2tim.NewV2TIMManager(), v2tim.NewV2TIMManager()
	defer logInto(bob, "bob").UnInitSDK()
	logInto(old, "alice").UnInitSDK() // so that bob has somebody to write to
	written := make(chan struct{})
	bob.SendC2CTextMessage("are you there?", "alice", v2tim.V2TIMValueCallback[v2tim.V2TIMMessage]{
		OnSuccess: func(v2tim.V2TIMMessage) { close(written) },
	})
	<-written

	out := &console{printed: make(chan struct{})}
	defer out.over.Store(true) // the listener stays
	if err := program(userSigFromYourServer("alice"), out); err != nil {
		panic(err)
	}
	<-out.printed
	<-out.printed
	other := v2tim.NewV2TIMManager()
	defer logInto(other, "alice").UnInitSDK()
	<-out.printed
	// Output:
	// with bob 1 unread
	// sent: 2 hello
	// kicked offline: log in again when the user wants it
}

// program is what the manual shows, word for word: its fmt lets the example wait.
func program(userSig string, fmt *console) error {
	sdk := v2tim.GetInstance()
	if !sdk.InitSDK(1400000000, v2tim.V2TIMSDKConfig{ServerAddress: "wss://im.example.com"}) {
		return errors.New("InitSDK: see the LogListener")
	}
	sdk.AddIMSDKListener(&v2tim.V2TIMSDKListener{
		OnKickedOffline: func() { fmt.Println("kicked offline: log in again when the user wants it") },
	})
	failed := func(code int, desc string) { fmt.Println("failed:", code, desc) }
	sent := v2tim.V2TIMValueCallback[v2tim.V2TIMMessage]{
		OnSuccess: func(m v2tim.V2TIMMessage) { fmt.Println("sent:", m.Sequence, m.TextElem.Text) },
		OnError:   failed,
	}
	listed := v2tim.V2TIMValueCallback[v2tim.V2TIMConversationResult]{
		OnSuccess: func(r v2tim.V2TIMConversationResult) {
			for _, x := range r.ConversationList {
				fmt.Println("with", x.UserID, x.UnreadCount, "unread")
			}
			sdk.SendC2CTextMessage("hello", "bob", sent)
		},
		OnError: failed,
	}
	sdk.Login("alice", userSig, v2tim.V2TIMCallback{ // the UserSig comes from your server
		OnSuccess: func() { sdk.GetConversationList(0, 100, listed) },
		OnError:   failed,
	})
	return nil
}

// A console prints, and tells whoever waits for that.
type console struct {
	printed chan struct{}
	over    atomic.Bool
}

func (c *console) Println(all ...any) {
	if c.over.Load() {
		return
	}
	fmt.Println(all...)
	c.printed <- struct{}{}
}

// development is a server as `rollcall dev` runs it.
var development *stage.Stage

// initSDK starts a server and initialises the SDK with it; what it returns undoes
// both.
func initSDK() (done func()) {
	dir, err := os.MkdirTemp("", "v2tim")
	if err != nil {
		panic(err)
	}
	development, err = stage.Open(dir, stage.Options{TCP: true})
	if err != nil {
		panic(err)
	}
	if !v2tim.GetInstance().InitSDK(uint32(stage.App), v2tim.V2TIMSDKConfig{ServerAddress: development.URL()}) {
		panic("InitSDK")
	}
	return func() {
		v2tim.GetInstance().UnInitSDK()
		if err := development.Close(); err != nil {
			panic(err)
		}
		_ = os.RemoveAll(dir)
	}
}

func userSigFromYourServer(user string) string {
	userSig, err := development.UserSig(user, time.Hour)
	if err != nil {
		panic(err)
	}
	return userSig
}

// logIn logs the user in and waits for it.
func logIn(user string) { logInOn(v2tim.GetInstance(), user) }

// logInto logs the user in with another manager.
func logInto(m *v2tim.V2TIMManager, user string) *v2tim.V2TIMManager {
	if !m.InitSDK(uint32(stage.App), v2tim.V2TIMSDKConfig{ServerAddress: development.URL()}) {
		panic("InitSDK")
	}
	logInOn(m, user)
	return m
}

func logInOn(m *v2tim.V2TIMManager, user string) {
	result := make(chan string, 1)
	m.Login(user, userSigFromYourServer(user), v2tim.V2TIMCallback{
		OnSuccess: func() { result <- "" },
		OnError:   func(code int, desc string) { result <- desc },
	})
	if desc := <-result; desc != "" {
		panic(desc)
	}
}
