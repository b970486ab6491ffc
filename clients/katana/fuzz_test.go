package katana

import (
	"net/http"
	"testing"
)

// FuzzPagination: a total is promised that can be, or none.
func FuzzPagination(f *testing.F) {
	for _, header := range []string{`{"total_records":"142"}`, `{"total_records":7}`, `{"total_records":-1}`, `{"total_records":"1e3"}`, `{"total_records":null}`, `{}`, `[]`, `null`, ``, `{"total_records":99999999999999999999}`} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if total, err := promisedTotal(header); total < 0 || err != nil && total != 0 {
			t.Errorf("%q: got %d, %v", header, total, err)
		}
	})
}

// FuzzRefusal: whatever stands in the body of a refusal, it is read or it is not;
// without a detail that says so, none tells that too many ids were asked for.
func FuzzRefusal(f *testing.F) {
	for _, body := range []string{`{"error":{"statusCode":422,"name":"X","details":[{"path":".variant_id","code":"maxItems"}]}}`, `{"statusCode":429,"name":"TooManyRequests","message":"slow"}`, `{"error":"text"}`, `{"error":{"details":[null]}}`, `<html>`, `[]`, ``} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parsed, _ := parseError(body)
		if tooLong(http.StatusUnprocessableEntity, parsed) && len(parsed.Details) == 0 {
			t.Errorf("%q is taken for too long a question", body)
		}
	})
}
