package katana_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stocksyncd/clients/katana"
	"stocksyncd/reconcile/inventory"
)

func TestARecordThatShowsLateIsToldOnce(t *testing.T) {
	tests := []struct {
		name string
		old  time.Duration // its stamp before the last question
		want []inventory.SourceVariantID
	}{
		{"changed after the question", -time.Second, []inventory.SourceVariantID{7}},
		{"changed that very moment", 0, []inventory.SourceVariantID{7}},
		{"changed before, and visible only now", 119 * time.Second, []inventory.SourceVariantID{7}},
		{"too late", 121 * time.Second, nil},
	}
	for _, inclusive := range []bool{true, false} {
		for _, test := range tests {
			t.Run(fmt.Sprintf("%s, bound inclusive: %t", test.name, inclusive), func(t *testing.T) {
				s := shop()
				asking(t, s, func(t *testing.T, a *asked) {
					s.before = func(w http.ResponseWriter, r *http.Request) bool {
						since := r.URL.Query().Get("updated_at_min")
						if inclusive || since == "" {
							return false
						}
						later := slices.DeleteFunc(slices.Clone(s.lists[strings.TrimPrefix(r.URL.Path, "/v1")]), func(r record) bool {
							at, _ := r["updated_at"].(string)
							return at <= since
						})
						s.page(w, r.URL.Query(), later)
						return true
					}
					a.wantsVariants()
					at := time.Now().Add(-test.old)
					<-time.After(time.Second)
					a.happens("/inventory_movements", now(1, record{"variant_id": 7, "updated_at": stamp(at)}))
					a.wantsVariants(test.want...)
					for range 20 {
						<-time.After(10 * time.Second)
						a.wantsVariants()
					}
				})
			})
		}
	}
}

func TestARecordOnTheVeryBoundIsToldIfItComes(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.happens("/inventory_movements",
			now(1, record{"variant_id": 7, "updated_at": stamp(time.Now().Add(-2 * time.Minute))}),
			now(2, record{"variant_id": 8, "updated_at": stamp(time.Now().Add(-2*time.Minute - time.Millisecond))}))
		a.wantsVariants(7)
	})
}

func TestARecordIsToldAgainOnlyWhenItChanged(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.happens("/sales_order_rows", now(11, record{"variant_id": 7, "sales_order_id": 1}))
		a.happens("/sales_order_fulfillments", packs(1, 1, 11))
		a.wantsVariants(7)
		row, packed := a.s.lists["/sales_order_rows"][0], a.s.lists["/sales_order_fulfillments"][0]
		<-time.After(20 * time.Second)
		a.wantsVariants()
		row["updated_at"] = stamp(time.Now())
		a.wantsVariants(7)
		<-time.After(20 * time.Second)
		packed["tracking_number"], packed["hidden"] = "JJD0001", stamp(time.Now())
		a.wantsVariants()
		for name, value := range map[string]any{
			"status": "DELIVERED", "sales_order_fulfillment_rows": []record{{"sales_order_row_id": 11, "quantity": 2}}, "deleted_at": stamp(time.Now()),
		} {
			<-time.After(20 * time.Second)
			packed[name], packed["hidden"] = value, stamp(time.Now())
			a.wantsVariants(7)
			a.wantsVariants()
		}
	})
}

// numbered gives n movements that changed this moment, the newest first.
func numbered(n int) (records []record) {
	for i := n; i > 0; i-- {
		records = append(records, now(i, record{"variant_id": i}))
	}
	return records
}

func TestMoreChangesThanAMarkRemembersRepeatAndAreNotSkipped(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		all := numbered(600)
		for i, r := range all { // the newest first, a millisecond apart
			r["updated_at"] = stamp(time.Now().Add(-time.Duration(i) * time.Millisecond))
		}
		a.happens("/inventory_movements", all...)
		if got := a.told(); len(got.Variants) != 600 || len(got.Mark.Feeds["inventory_movements"].Seen) != 500 {
			t.Errorf("got %d variants, and %d remembered, want 600 and 500", len(got.Variants), len(got.Mark.Feeds["inventory_movements"].Seen))
		}
		<-time.After(time.Minute)
		if got := a.told(); len(got.Variants) != 100 || got.Variants[99] != 100 {
			t.Errorf("got %v again, want the oldest 100, which are not remembered", got.Variants)
		}
		<-time.After(time.Minute + time.Second)
		a.told()
		if got := a.told(); len(got.Variants) != 0 || got.Mark.Feeds["inventory_movements"].Seen != nil {
			t.Errorf("got %d variants, %d remembered after the overlap, want none", len(got.Variants), len(got.Mark.Feeds["inventory_movements"].Seen))
		}
	})
}

func TestAFeedThatMovesWhileItIsReadIsReadAgain(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		a.happens("/inventory_movements", numbered(300)...)
		begin := time.Now()
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v1/inventory_movements" && s.times("/inventory_movements") == 2 {
				<-time.After(10 * time.Second)
				s.lists["/inventory_movements"] = append([]record{now(301, record{"variant_id": 301})}, s.lists["/inventory_movements"]...)
			}
			return false
		}
		got := a.told()
		if len(got.Variants) != 301 || s.times("/inventory_movements") != 4 {
			t.Errorf("got %d variants by %d requests, want 301 by 4", len(got.Variants), s.times("/inventory_movements"))
		}
		if mark := a.mark.Feeds["inventory_movements"]; !mark.Read.Equal(begin.Add(10 * time.Second)) {
			t.Errorf("got a mark at %s, want the first page of the second reading at %s", mark.Read, begin.Add(10*time.Second))
		}
	})
}

func TestAFeedThatNeverStandsStillIsIncomplete(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		a.happens("/inventory_movements", numbered(300)...)
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v1/inventory_movements" {
				id := len(s.lists["/inventory_movements"]) + 1
				s.lists["/inventory_movements"] = append([]record{now(id, record{"variant_id": id})}, s.lists["/inventory_movements"]...)
			}
			return false
		}
		got, err := a.c.Changes(t.Context(), a.mark)
		if !errors.Is(err, inventory.ErrIncomplete) || !cmp.Equal(got, inventory.Changes{}) {
			t.Errorf("got %+v, %v, want ErrIncomplete alone", got, err)
		}
	})
}

func TestTheMarkIsOfTheFirstPage(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		a.happens("/inventory_movements", numbered(300)...)
		begin := time.Now()
		s.before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("page") == "2" {
				<-time.After(50 * time.Second)
			}
			return false
		}
		a.told()
		if mark := a.mark.Feeds["inventory_movements"]; !mark.Read.Equal(begin) {
			t.Errorf("got a mark at %s, want %s", mark.Read, begin)
		}
		if mark := a.mark.Feeds["sales_order_rows"]; !mark.Read.Equal(begin.Add(50 * time.Second)) {
			t.Errorf("the feed that was read after it: got a mark at %s, want %s", mark.Read, begin.Add(50*time.Second))
		}
	})
}

// without answers with no Date while *on.
func without(on *bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if *on {
			w.Header()["Date"] = nil
		}
		return false
	}
}

func TestAnswersWithoutADateLeaveTheMarkWhereItIs(t *testing.T) {
	s := shop()
	asking(t, s, func(t *testing.T, a *asked) {
		dark := true
		s.before = without(&dark)
		since := a.mark.Feeds["inventory_movements"].Read
		for minute := range 10 {
			<-time.After(time.Minute)
			id := inventory.SourceVariantID(minute + 1)
			a.happens("/inventory_movements", now(minute+1, record{"variant_id": id}))
			a.wantsVariants(id)
			if got := a.mark.Feeds["inventory_movements"].Read; !got.Equal(since) {
				t.Errorf("got a mark at %s, want it at %s still", got, since)
			}
		}
		dark = false
		a.wantsVariants()
		if got := a.mark.Feeds["inventory_movements"]; !got.Read.Equal(time.Now()) || len(got.Seen) != 3 {
			t.Errorf("got a mark at %s and %d remembered, want %s and the 3 of the last 2 minutes", got.Read, len(got.Seen), time.Now())
		}
	})
	dark := true
	s.before = without(&dark)
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := c.Changes(t.Context(), inventory.Mark{})
		wantError(t, err, "katana: account: the header Date is missing")
		if !got.Mark.IsZero() {
			t.Errorf("got the mark %+v beside the error", got.Mark)
		}
	})
}

func TestAClockThatIsSetBackSkipsNothing(t *testing.T) {
	tests := []struct {
		name         string
		pause        time.Duration
		theirs, ours time.Duration // how far the clocks go ahead in the pause, beside it
		refused      bool
	}{
		{"clocks that go on", time.Minute, 0, 0, false},
		{"Katana's goes back by half a minute", 10 * time.Second, -30 * time.Second, 0, false},
		{"and by a minute, in a long pause", time.Hour, -time.Minute, 0, false},
		{"and by more, which shows", 10 * time.Second, -10 * time.Minute, 0, true},
		{"and by more in a long pause, which shows against ours", time.Hour, -10 * time.Minute, 0, true},
		{"ours goes forward, which looks the same", time.Minute, 0, 10 * time.Minute, true},
		{"ours goes back", time.Minute, 0, -10 * time.Minute, false},
		{"both go back", time.Minute, -10 * time.Minute, -10 * time.Minute, true},
		{"Katana's goes forward", time.Minute, 10 * time.Minute, 0, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			asking(t, s, func(t *testing.T, a *asked) {
				s.skew = test.theirs
				for name, mark := range a.mark.Feeds { // as if ours had been elsewhere then
					mark.Ours = mark.Ours.Add(-test.ours)
					a.mark.Feeds[name] = mark
				}
				// Changed right after the clock was set.
				a.happens("/inventory_movements", now(1, record{"variant_id": 7, "updated_at": stamp(time.Now().Add(test.theirs + time.Second))}))
				<-time.After(test.pause)
				got, err := a.c.Changes(t.Context(), a.mark)
				var unable *inventory.FeedError
				if errors.As(err, &unable) != test.refused {
					t.Fatalf("got %v, want an error: %t", err, test.refused)
				}
				if test.refused {
					wantError(t, err, "katana: feed inventory_movements: Katana's clock was set back by ", "m0s, or ours forward: a full cycle")
					return
				}
				if want := []inventory.SourceVariantID{7}; !slices.Equal(got.Variants, want) {
					t.Errorf("got variants %v, want %v", got.Variants, want)
				}
				if read, want := got.Mark.Feeds["inventory_movements"].Read, time.Now().Add(test.theirs); !read.Equal(want) {
					t.Errorf("got a mark at %s, want Katana's time, %s", read, want)
				}
			})
		})
	}
}

func TestAFeedWithoutAMarkBeginsWhereTheLastOneIs(t *testing.T) {
	asking(t, shop(), func(t *testing.T, a *asked) {
		a.happens("/sales_order_rows", now(1, record{"variant_id": 7}))
		<-time.After(time.Hour)
		delete(a.mark.Feeds, "sales_order_rows") // an older version did not read it
		for name, mark := range a.mark.Feeds {
			mark.Seen = map[string]string{"1": "2000-01-01T01:00:00Z"} // another feed's record
			a.mark.Feeds[name] = mark
		}
		a.mark.Feeds["other"] = inventory.FeedMark{Read: time.Now()}
		a.mark.Turn = "other" // nor does this one know all of a newer one
		a.wantsVariants(7)
		if _, kept := a.mark.Feeds["other"]; kept || len(a.mark.Feeds) != 11 || a.mark.Turn != "bom_rows" {
			t.Errorf("got the mark %+v, want one of the feeds that are read", a.mark)
		}
	})
}
