package katana_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"stocksyncd/clients/katana"
	"stocksyncd/reconcile/inventory"
)

// locations fills the fake with n locations.
func locations(n int) *fake {
	s := shop()
	s.lists["/locations"] = nil
	for i := n; i > 0; i-- {
		s.lists["/locations"] = append(s.lists["/locations"], record{"id": i, "name": "L" + strconv.Itoa(i), "sales_allowed": true})
	}
	return s
}

func TestAListingOfManyPagesIsReadWhole(t *testing.T) {
	for _, n := range []int{0, 1, 250, 251, 500, 501} {
		s := locations(n)
		read(t, s, func(t *testing.T, c *katana.Client) {
			got, err := c.Locations(t.Context())
			if err != nil || len(got) != n {
				t.Errorf("got %d locations, %v, want %d", len(got), err, n)
			}
		})
		if got, want := s.times("/locations"), max((n+249)/250, 1); got != want {
			t.Errorf("%d locations took %d requests, want %d", n, got, want)
		}
	}
}

func TestAListingThatMovesIsReadAgainFromItsBeginning(t *testing.T) {
	added := record{"id": 9000, "name": "new", "sales_allowed": true}
	tests := []struct {
		name string
		move func(s *fake)
		want int
	}{
		{"a record was added", func(s *fake) { s.lists["/locations"] = append([]record{added}, s.lists["/locations"]...) }, 601},
		{"a record was taken away", func(s *fake) { s.lists["/locations"] = s.lists["/locations"][1:] }, 599},
		{"a record moved to the head", func(s *fake) {
			list := s.lists["/locations"]
			s.lists["/locations"] = append([]record{list[599]}, list[:599]...)
		}, 600},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := locations(600)
			s.before = func(http.ResponseWriter, *http.Request) bool {
				if s.times("/locations") == 2 {
					test.move(s)
				}
				return false
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				got, err := c.Locations(t.Context())
				seen := map[inventory.SourceLocationID]bool{}
				for _, l := range got {
					seen[l.ID] = true
				}
				if err != nil || len(got) != test.want || len(seen) != test.want {
					t.Errorf("got %d locations, %d different, %v, want %d", len(got), len(seen), err, test.want)
				}
			})
		})
	}
}

func TestAListingThatNeverStandsStillIsIncomplete(t *testing.T) {
	s := locations(600)
	s.before = func(http.ResponseWriter, *http.Request) bool {
		s.lists["/locations"] = s.lists["/locations"][1:]
		return false
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := c.Locations(t.Context())
		if !errors.Is(err, inventory.ErrIncomplete) || got != nil {
			t.Fatalf("got %d locations, %v, want ErrIncomplete", len(got), err)
		}
		wantError(t, err, "katana: locations: incomplete read: the total went from", "read 4 times")
	})
}

func TestAPageThatIsShortIsReadAgainThenIncomplete(t *testing.T) {
	for _, times := range []int{1, 1000} {
		s := locations(300)
		s.before = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("page") != "2" || times == 0 {
				return false
			}
			times--
			answer(w, 300, nil)
			return true
		}
		forever := times > 1
		read(t, s, func(t *testing.T, c *katana.Client) {
			got, err := c.Locations(t.Context())
			if forever != errors.Is(err, inventory.ErrIncomplete) || (!forever && len(got) != 300) {
				t.Errorf("got %d locations, %v", len(got), err)
			}
			if forever {
				wantError(t, err, "250 of 300 records arrived")
			}
		})
	}
}

func TestTheTotalMayBeTextOrNumberButMustBeThere(t *testing.T) {
	tests := map[string]string{
		`{"total_records":2}`:      "",
		`{"total_records":"2"}`:    "",
		``:                         "X-Pagination is missing",
		`{}`:                       "total_records of X-Pagination is missing",
		`{"total_records":null}`:   "total_records of X-Pagination is missing",
		`{"total_records":"many"}`: "total_records of X-Pagination is not a count",
		`{"total_records":-1}`:     "total_records of X-Pagination is not a count",
		`nonsense`:                 "X-Pagination is unreadable",
	}
	for header, want := range tests {
		t.Run(header, func(t *testing.T) {
			s := locations(2)
			s.before = withHeader(s, header)
			read(t, s, func(t *testing.T, c *katana.Client) {
				got, err := c.Locations(t.Context())
				if want != "" {
					wantError(t, err, want)
				} else if err != nil || len(got) != 2 {
					t.Errorf("got %v, %v, want 2 locations", got, err)
				}
			})
		})
	}
}

// withHeader answers the whole list at once under another X-Pagination.
func withHeader(s *fake, header string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if header != "" {
			w.Header().Set("X-Pagination", header)
		}
		body := `{"data":[`
		for i, l := range s.lists["/locations"] {
			if i > 0 {
				body += ","
			}
			body += `{"id":` + strconv.Itoa(l["id"].(int)) + `,"name":"x","sales_allowed":true}`
		}
		refuse(w, 200, body+`]}`)
		return true
	}
}

func TestEachStatusHasItsError(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		tries  int
		pause  time.Duration
		want   []string
	}{
		{"a bad key", 401, `{"statusCode":401,"name":"UnauthorizedError","message":"Unauthorized"}`, 1, 15 * time.Minute, []string{"HTTP 401", "check katana.api_key"}},
		{"a plan without the API", 403, `{"message":"Forbidden"}`, 1, 15 * time.Minute, []string{"HTTP 403: Forbidden", "plan of the account"}},
		{"a bad parameter", 422, `{"statusCode":422,"name":"UnprocessableEntityError","message":"bad","code":"VALIDATION_FAILED","details":[{"path":".limit","code":"maximum","message":"should be <= 250"}]}`, 1, 0, []string{"VALIDATION_FAILED", ".limit should be <= 250 (maximum)"}},
		{"a wrapped error", 412, `{"error":{"statusCode":412,"name":"PreconditionFailedError","message":"no"}}`, 1, 0, []string{"HTTP 412: PreconditionFailedError: no"}},
		{"a server error", 500, `{"statusCode":500,"name":"InternalServerError","message":"Internal Server Error"}`, 5, 0, []string{"katana: locations: HTTP 500: InternalServerError"}},
		{"an edge that speaks HTML", 502, "<html>\n<b>" + key + "</b>", 5, 0, []string{`HTTP 502: not Katana's form of an error: "<html>\n<b>[redacted]</b>"`}},
		{"throttled to the end", 429, `{"statusCode":429,"name":"TooManyRequests","message":"Too Many Requests"}`, 5, 0, []string{"HTTP 429"}},
		{"not JSON", 200, "<html>" + key, 5, 0, []string{"katana: locations: unreadable answer", `"<html>[redacted]"`}},
		{"cut JSON", 200, `{"data":[{"id":1`, 5, 0, []string{"unreadable answer"}},
		{"a bare array", 200, `[]`, 1, 0, []string{"unreadable answer"}},
		{"no data", 200, `{"items":[]}`, 1, 0, []string{"unreadable answer: data is missing"}},
		{"data of another kind", 200, `{"data":{"id":1}}`, 1, 0, []string{"unreadable answer"}},
		{"a record of another kind", 200, `{"data":[7]}`, 1, 0, []string{"unreadable answer"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := shop()
			s.before = func(w http.ResponseWriter, _ *http.Request) bool {
				refuse(w, test.status, test.body)
				return true
			}
			read(t, s, func(t *testing.T, c *katana.Client) {
				_, err := c.Locations(t.Context())
				wantError(t, err, test.want...)
				if len(s.asked) != test.tries {
					t.Errorf("got %d tries, want %d", len(s.asked), test.tries)
				}
				var pause *inventory.PauseError
				if errors.As(err, &pause) != (test.pause > 0) || (pause != nil && pause.For != test.pause) {
					t.Errorf("got %#v, want a pause of %s", pause, test.pause)
				}
			})
		})
	}
}

func TestAMissingKeyIsNamedBeforeAnythingIsSent(t *testing.T) {
	c := katana.New(katana.Options{URL: "http://katana.example/v1", Key: func() string { return "" }, PerMinute: 60})
	_, err := c.Locations(t.Context())
	wantError(t, err, "katana: locations: GET /v1/locations: there is no API key: set katana.api_key")
}

func TestTheBudgetIsLearnedFromTheAnswers(t *testing.T) {
	s := locations(250 * 11)
	s.before = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("X-Ratelimit-Limit", "5")
		return false
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		start := time.Now()
		if _, err := c.Locations(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 2*time.Minute {
			t.Errorf("11 pages at 5 a minute took %s, want 2m0s", got)
		}
		if counts := c.Counts(); counts.Count != 11 || counts.WaitedMS != 120_000 {
			t.Errorf("got %+v", counts)
		}
	})
}

func TestTheAccountIsKnownByItsFirstLocation(t *testing.T) {
	read(t, shop(), func(t *testing.T, c *katana.Client) {
		id, name, err := c.Account(t.Context())
		if id != "location:19" || name != "Acme" || err != nil {
			t.Errorf("got %q, %q, %v, want the lowest location, which is deleted", id, name, err)
		}
	})
	empty := shop()
	empty.lists["/locations"] = nil
	read(t, empty, func(t *testing.T, c *katana.Client) {
		_, _, err := c.Account(t.Context())
		wantError(t, err, "it has no location")
	})
	odd := shop()
	odd.before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/factory") {
			return false
		}
		refuse(w, 200, `{"display_name":null,"legal_name":"Acme OÜ"}`)
		return true
	}
	read(t, odd, func(t *testing.T, c *katana.Client) {
		if _, name, err := c.Account(t.Context()); name != "Acme OÜ" || err != nil {
			t.Errorf("got %q, %v, want the legal name", name, err)
		}
	})
}

func TestDeletedLocationsAreNotListed(t *testing.T) {
	s := shop()
	s.before = func(w http.ResponseWriter, _ *http.Request) bool { // ignores include_deleted
		answer(w, 3, s.lists["/locations"])
		return true
	}
	read(t, s, func(t *testing.T, c *katana.Client) {
		got, err := c.Locations(t.Context())
		if err != nil || len(got) != 2 {
			t.Errorf("got %v, %v, want the two live ones", got, err)
		}
	})
}
