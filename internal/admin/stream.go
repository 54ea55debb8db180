package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// sendWithin is how long one line of a stream may take to leave.
const sendWithin = 10 * time.Second

// A stream is an answer of JSON lines, each sent at once. It may last for as long
// as its reader reads.
type stream struct {
	to      http.ResponseWriter
	control *http.ResponseController
}

func newStream(w http.ResponseWriter) stream {
	w.Header().Set("Content-Type", "application/x-ndjson")
	return stream{w, http.NewResponseController(w)}
}

// send sends one line.
func (s stream) send(v any) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(sendWithin)) // in the place of the server's own, which would end a stream
	if err := json.NewEncoder(s.to).Encode(v); err != nil {
		return err
	}
	return s.control.Flush()
}

// breathe sends an empty line, which readers pass over: a connection that is gone
// is found out so.
func (s stream) breathe() error {
	_ = s.control.SetWriteDeadline(time.Now().Add(sendWithin))
	if _, err := io.WriteString(s.to, "\n"); err != nil {
		return err
	}
	return s.control.Flush()
}

// lines sends one request and gives each line of its answer to each, until that
// returns an error or the answer ends.
func lines[T any](ctx context.Context, c *Client, method, path string, q any, each func(T) error) error {
	a, err := c.send(ctx, method, path, q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	scan := bufio.NewScanner(a.Body)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		if len(scan.Bytes()) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal(scan.Bytes(), &v); err != nil {
			return fmt.Errorf("read the server's answer: %w", err)
		}
		if err := each(v); err != nil {
			return err
		}
	}
	if err := scan.Err(); err != nil {
		return fmt.Errorf("read the server's answer, of lines up to %d bytes: %w", maxLine, err)
	}
	return nil
}
