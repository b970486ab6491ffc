package katana_test

import (
	"net/http"
	"testing"
	"time"

	"stocksyncd/clients/katana"
)

func TestWhatKatanaHasToSpareIsWhatTheKeyStillAllows(t *testing.T) {
	s := shop()
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Ratelimit-Limit", "20")
		return false
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		before := c.Spare(0)
		if _, err := c.Locations(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := c.Counts().Count
		if got, want := c.Spare(0), 20-sent; before != 1 || got != want {
			t.Errorf("%d to spare at first and %d after %d requests of 20 a minute, want 1 and %d", before, got, sent, want)
		}
		if got := c.Spare(time.Minute); got != 20 {
			t.Errorf("%d to spare within a minute, want 20", got)
		}
	})
}
