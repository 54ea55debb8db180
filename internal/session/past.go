package session

import (
	"context"

	"rollcall.example"
	"rollcall.example/imcode"
	"rollcall.example/internal/history"
	"rollcall.example/internal/store"
)

const (
	pastPage = 1000   // rows read at once
	maxPast  = 50_000 // the latest rows that are looked at; those before count as dropped
)

// History reads an account's history, newest first, at most limit rows older than
// the one numbered before (0: from the newest). 70020: no such app; 70107: no such
// account, and none that was there once.
func (s *Sessions) History(ctx context.Context, a rollcall.Account, before int64, limit int) ([]store.HistoryRow, error) {
	st, err := s.State(ctx, a)
	if err != nil {
		return nil, err
	}
	rows, err := s.store.History(ctx, a, before, limit)
	if err != nil {
		return nil, s.internal(a, err)
	}
	if len(rows) == 0 && before == 0 && !st.Exists() {
		return nil, unknown(a)
	}
	return rows, nil
}

// Past is all that is known of an account, for those who ask why and when. The
// codes are those of History.
func (s *Sessions) Past(ctx context.Context, a rollcall.Account) (history.Account, error) {
	st, err := s.State(ctx, a) // before the rows, as Replay wants it
	if err != nil {
		return history.Account{}, err
	}
	past := history.Account{User: a.User, State: st, Rules: s.rules(a.App), Now: s.Now()}
	for before := int64(0); ; {
		if past.Cut = len(past.Rows) >= maxPast; past.Cut {
			return past, nil
		}
		rows, err := s.store.History(ctx, a, before, pastPage)
		if err != nil {
			return past, s.internal(a, err)
		}
		past.Rows = append(past.Rows, rows...)
		if len(rows) < pastPage {
			break
		}
		before = rows[len(rows)-1].ID
	}
	if len(past.Rows) == 0 && !st.Exists() {
		return past, unknown(a)
	}
	return past, nil
}

func unknown(a rollcall.Account) error {
	return imcode.AccountNotFound.Errorf("app %d has no account %s", a.App, a.User)
}
