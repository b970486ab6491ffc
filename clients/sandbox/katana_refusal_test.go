package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestKatanaRefusesInItsOwnWords(t *testing.T) {
	w := plainKatana(t, 1, Options{KatanaPerMinute: 1000})
	const key = "Bearer sandbox-katana-key"
	for _, tc := range []struct {
		name, method, target, auth string
		status                     int
		body                       string // what it contains
	}{
		{"no key", "GET", "/v1/variants", "", 401, `{"statusCode":401,"name":"UnauthorizedError","message":"Unauthorized"}`},
		{"a wrong key", "GET", "/v1/variants", "Bearer nonsense", 401, `"UnauthorizedError"`},
		{"a key without its scheme", "GET", "/v1/variants", "sandbox-katana-key", 401, `"UnauthorizedError"`},
		{"an unknown path", "GET", "/v1/stock", key, 404, `{"statusCode":404,"name":"NotFoundError","message":"Not found"}`},
		{"a path outside of the version", "GET", "/variants", key, 404, `"NotFoundError"`},
		{"a write", "POST", "/v1/variants", key, 404, `"NotFoundError"`},
		{"a limit above 250", "GET", "/v1/variants?limit=251", key, 422, `"details":[{"path":".limit","code":"maximum","message":"should be \u003c= 250","info":{"comparison":"\u003c=","limit":250}}]`},
		{"a limit of nothing", "GET", "/v1/variants?limit=0", key, 422, `"code":"minimum"`},
		{"a page that is no number", "GET", "/v1/variants?page=x", key, 422, `{"path":".page","code":"type"`},
		{"an id that is no number", "GET", "/v1/inventory?variant_id=1&variant_id=x", key, 422, `{"path":".variant_id[1]","code":"type"`},
		{"two locations at once", "GET", "/v1/inventory?location_id=1&location_id=2", key, 422, `{"path":".location_id","code":"type"`},
		{"two statuses at once", "GET", "/v1/sales_orders?status=PACKED&status=DELIVERED", key, 422, `{"path":".status","code":"type"`},
		{"a status that does not exist", "GET", "/v1/manufacturing_orders?status=MAYBE", key, 422, `"code":"enum"`},
		{"a flag that is neither", "GET", "/v1/variants?include_deleted=perhaps", key, 422, `{"path":".include_deleted","code":"type"`},
		{"a date that is none", "GET", "/v1/products?updated_at_min=yesterday", key, 422, `"code":"format"`},
		{"an order's error is wrapped", "GET", "/v1/sales_orders?limit=999", key, 422, `{"error":{"statusCode":422,`},
		{"both mistakes are told", "GET", "/v1/products?limit=0&page=0", key, 422, `"path":".page"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			request := httptest.NewRequestWithContext(t.Context(), tc.method, tc.target, nil)
			if tc.auth != "" {
				request.Header.Set("Authorization", tc.auth)
			}
			rec := httptest.NewRecorder()
			w.Katana().ServeHTTP(rec, request)
			if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.body) {
				t.Errorf("got %d %s, want %d with %s", rec.Code, rec.Body, tc.status, tc.body)
			}
			if !json.Valid(rec.Body.Bytes()) {
				t.Errorf("got %s, want JSON", rec.Body)
			}
		})
	}
}

func TestSixtyRequestsAMinuteAndThenAPause(t *testing.T) {
	clock := &handClock{katanaStart}
	w := plainKatana(t, 1, Options{Now: clock.now})
	handler := w.Katana()
	for i := range 60 {
		rec := askKatana(t, handler, "/v1/variants")
		if got, want := rec.Header().Get("X-Ratelimit-Remaining"), strconv.Itoa(59-i); rec.Code != 200 || got != want {
			t.Fatalf("request %d: got %d and %s remaining, want 200 and %s", i+1, rec.Code, got, want)
		}
		clock.at = clock.at.Add(500 * time.Millisecond)
	}
	rec := askKatana(t, handler, "/v1/variants")
	header := rec.Header()
	if rec.Code != http.StatusTooManyRequests || !strings.Contains(rec.Body.String(), `"name":"TooManyRequests"`) {
		t.Fatalf("got %d %s, want 429", rec.Code, rec.Body)
	}
	if got := header.Get("Retry-After"); got != "30" {
		t.Errorf("got Retry-After %s, want the 30 s that are left of the minute", got)
	}
	if got, want := header.Get("X-Ratelimit-Reset"), strconv.FormatInt(katanaStart.Add(time.Minute).UnixMilli(), 10); got != want {
		t.Errorf("got X-Ratelimit-Reset %s, want %s", got, want)
	}
	if header.Get("X-Ratelimit-Limit") != "60" || header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("got %v, want a limit of 60 and 0 remaining", header)
	}
	if got, want := header.Get("Date"), clock.at.Format(http.TimeFormat); got != want {
		t.Errorf("got Date %s, want %s by the world's clock", got, want)
	}
	clock.at = clock.at.Add(30 * time.Second)
	if rec := askKatana(t, handler, "/v1/variants"); rec.Code != 200 || rec.Header().Get("X-Ratelimit-Remaining") != "59" {
		t.Errorf("got %d after the pause, want a new minute", rec.Code)
	}
}

func TestAWrongKeySpendsNothingOfTheLimit(t *testing.T) {
	w := plainKatana(t, 1, Options{})
	handler := w.Katana()
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/variants", nil))
	if got := askKatana(t, handler, "/v1/variants").Header().Get("X-Ratelimit-Remaining"); got != "59" {
		t.Errorf("got %s remaining, want 59", got)
	}
	if got := w.Requests("katana"); got != 2 {
		t.Errorf("got %d requests counted, want 2", got)
	}
}
