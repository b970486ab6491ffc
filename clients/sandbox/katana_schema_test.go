package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// katanaSchema finds the response schemas of Katana in the reference folder.
func katanaSchema(t *testing.T) routers.Router {
	t.Helper()
	folder := os.Getenv("STOCKSYNCD_REFERENCE")
	if folder == "" {
		t.Skip("STOCKSYNCD_REFERENCE is not set: set it to the folder with katana-openapi-community.yaml")
	}
	router, err := loadKatanaSchema(folder)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

var schemaOnce struct {
	sync.Once
	router routers.Router
	err    error
}

// loadKatanaSchema reads the large file once for all tests.
func loadKatanaSchema(folder string) (routers.Router, error) {
	schemaOnce.Do(func() {
		doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(folder, "katana-openapi-community.yaml"))
		if err != nil {
			schemaOnce.err = err
			return
		}
		doc.Servers = nil // the paths stand on their own here
		schemaOnce.router, schemaOnce.err = gorillamux.NewRouter(doc)
	})
	return schemaOnce.router, schemaOnce.err
}

// validateKatana compares an answer, and the request that led to it, with the
// schema.
func validateKatana(t *testing.T, router routers.Router, target string, rec *httptest.ResponseRecorder) error {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimPrefix(target, "/v1"), nil)
	route, params, err := router.FindRoute(request)
	if err != nil {
		return err
	}
	options := &openapi3filter.Options{
		IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	}
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil {
		return err
	}
	header := rec.Header().Clone()
	// The validator would read an object in a header as comma-separated words;
	// Katana writes JSON.
	header.Del("X-Pagination")
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: rec.Code, Header: header,
		Body: io.NopCloser(bytes.NewReader(rec.Body.Bytes())), Options: options,
	})
	return errors.Join(err, validatePagination(route, rec))
}

func validatePagination(route *routers.Route, rec *httptest.ResponseRecorder) error {
	text := rec.Header().Get("X-Pagination")
	described := route.Operation.Responses.Status(rec.Code).Value.Headers["X-Pagination"]
	if described == nil || text == "" {
		return nil
	}
	var pagination any
	if err := json.Unmarshal([]byte(text), &pagination); err != nil {
		return err
	}
	return described.Value.Schema.Value.VisitJSON(pagination)
}

func TestAnswersFitKatanasSchema(t *testing.T) {
	router := katanaSchema(t)
	w, _ := busyKatana(t)
	handler := w.Katana()
	targets := []string{
		"/v1/factory", "/v1/inventory?extend=variant&extend=location&include_archived=true",
		"/v1/variants?extend=product_or_material&include_archived=true&include_deleted=true",
	}
	for path := range katanaEndpoints {
		targets = append(targets, "/v1"+path, "/v1"+path+"?page=99&limit=250", "/v1"+path+"?include_deleted=true&include_archived=true")
	}
	for _, target := range targets {
		t.Run(target, func(t *testing.T) {
			rec := askKatana(t, handler, target)
			if rec.Code != http.StatusOK {
				t.Fatalf("got %d %s", rec.Code, rec.Body)
			}
			if !strings.Contains(target, "page=99") && !strings.Contains(target, "factory") && len(listKatana(t, handler, target)) == 0 {
				t.Error("got no rows, want some to compare")
			}
			if err := validateKatana(t, router, target, rec); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFeedsFitKatanasSchema asks as who looks for changes does. A parameter that
// Katana does not know is dropped silently, so each must be in the schema.
func TestFeedsFitKatanasSchema(t *testing.T) {
	router := katanaSchema(t)
	w, clock := busyKatana(t)
	for _, e := range []Event{
		OrderCancelled{Order: "SO-1"}, MakeOrderDeleted{Order: "MO-1"}, ItemDeleted{SKU: "MUG-OLD"}, KatanaLocationDeleted{Location: "Oslo"},
	} {
		if err := w.Do(e); err != nil {
			t.Fatal(err)
		}
	}
	clock.at = clock.at.Add(time.Hour)
	handler := w.Katana()
	since := "limit=250&page=1&updated_at_min=" + katanaStart.Format("2006-01-02T15:04:05.000Z")
	for target, deleted := range map[string]bool{
		"/inventory_movements?" + since:                                                       false,
		"/sales_order_rows?include_deleted=true&" + since:                                     true,
		"/sales_order_rows?include_deleted=true&sales_order_ids=880001&limit=250&page=1":      true,
		"/sales_order_fulfillments?include_deleted=true&" + since:                             false, // they do not say so
		"/manufacturing_order_recipe_rows?include_deleted=true&" + since:                      true,
		"/manufacturing_order_recipe_rows?include_deleted=true&manufacturing_order_id=500002": true,
		"/manufacturing_orders?include_deleted=true&" + since:                                 true,
		"/bom_rows?" + since: false,
		"/variants?include_archived=true&include_deleted=true&" + since:  true,
		"/products?include_archived=true&include_deleted=true&" + since:  true,
		"/materials?include_archived=true&include_deleted=true&" + since: false,
		"/services?include_archived=true&include_deleted=true&" + since:  false,
		"/locations?include_deleted=true&" + since:                       true,
	} {
		t.Run(target, func(t *testing.T) {
			rows := listKatana(t, handler, "/v1"+target)
			if len(rows) == 0 {
				t.Error("got no rows, want some to compare")
			}
			if got := slices.ContainsFunc(rows, func(row katanaRow) bool { return row["deleted_at"] != nil }); got != deleted {
				t.Errorf("got deleted rows: %t, want %t", got, deleted)
			}
			if err := validateKatana(t, router, "/v1"+target, askKatana(t, handler, "/v1"+target)); err != nil {
				t.Error(err)
			}
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
			route, _, err := router.FindRoute(request)
			if err != nil {
				t.Fatal(err)
			}
			for name := range request.URL.Query() {
				if route.Operation.Parameters.GetByInAndName("query", name) == nil && route.PathItem.Parameters.GetByInAndName("query", name) == nil {
					t.Errorf("Katana does not know the parameter %s here", name)
				}
			}
		})
	}
}

func TestRefusalsFitKatanasSchema(t *testing.T) {
	router := katanaSchema(t)
	w := plainKatana(t, 1, Options{KatanaPerMinute: 1})
	handler := w.Katana()
	unauthorized := httptest.NewRecorder()
	handler.ServeHTTP(unauthorized, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/variants", nil))
	askKatana(t, handler, "/v1/variants")
	for status, rec := range map[int]*httptest.ResponseRecorder{401: unauthorized, 429: askKatana(t, handler, "/v1/variants")} {
		if rec.Code != status {
			t.Errorf("got %d, want %d", rec.Code, status)
		}
		if err := validateKatana(t, router, "/v1/variants", rec); err != nil {
			t.Error(err)
		}
	}
}

func TestTheSchemaComparisonSeesAWrongAnswer(t *testing.T) {
	router := katanaSchema(t)
	rec := httptest.NewRecorder()
	rec.Header().Set("Content-Type", "application/json")
	_, _ = rec.WriteString(`{"data":[{"variant_id":71001,"location_id":2201,"quantity_in_stock":5}]}`)
	if validateKatana(t, router, "/v1/inventory", rec) == nil {
		t.Error("got no complaint about a figure that is a number, want one")
	}
}
