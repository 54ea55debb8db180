package server

import (
	"context"
	"crypto/rand"
	"fmt"

	"rollcall.example/internal/store"
)

// loadPast is the name of the past that the store's conversations have. A store that is
// set back gets another one.
func loadPast(ctx context.Context, s store.Values) (string, error) {
	name, err := s.Value(ctx, store.Past)
	if err == nil && name == nil {
		name = []byte(rand.Text())
		err = s.SetValue(ctx, store.Past, name)
	}
	if err != nil {
		return "", fmt.Errorf("name the past of the conversations: %w", err)
	}
	return string(name), nil
}
