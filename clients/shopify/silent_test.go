package shopify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"stocksyncd/reconcile/inventory"
)

func TestAStoreThatHangsIsLeftAloneSoThatItDoesNotHoldUpTheOthers(t *testing.T) {
	hang := func(int, asked) reply {
		<-time.After(time.Hour)
		return ok(`{}`)
	}
	talk(t, hang, func(t *testing.T, c *Client, _ *store) {
		began := time.Now()
		_, err := c.Locations(t.Context())
		var pause *inventory.PauseError
		if !errors.As(err, &pause) || pause.For < time.Since(began) || !strings.Contains(err.Error(), "does not answer in time") {
			t.Errorf("after %s: got %v, want a pause longer than the wait was", time.Since(began), err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Locations(short); err == nil || errors.As(err, &pause) {
			t.Errorf("a caller in a hurry: got %v, want its own time-out and no pause", err)
		}
		<-time.After(2 * time.Hour) // until the fake has let go of the requests
	})
}
