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
	"strings"
	"sync"
	"testing"

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
