package sandbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// shorten drops the last rows of a page and leaves everything that the answer
// promises about it: X-Pagination's totals, or pageInfo with its hasNextPage.
// An answer without rows stays as it is.
func (f Fault) shorten(api string, body *bytes.Buffer) {
	rows := max(f.Rows, 1)
	drop := dropRows
	if isShopify(api) {
		drop = dropNodes
	}
	short, ok := drop(body.Bytes(), rows)
	if !ok {
		return
	}
	body.Reset()
	body.Write(short)
}

// dropRows shortens Katana's {"data": […]}.
func dropRows(body []byte, rows int) ([]byte, bool) {
	var page map[string]json.RawMessage
	var data []json.RawMessage
	if json.Unmarshal(body, &page) != nil || json.Unmarshal(page["data"], &data) != nil || len(data) == 0 {
		return nil, false
	}
	list, err := json.Marshal(data[:max(0, len(data)-rows)])
	if err != nil {
		return nil, false
	}
	page["data"] = list
	short, err := json.Marshal(page)
	return short, err == nil
}

// dropNodes shortens the outermost GraphQL connection that has nodes.
func dropNodes(body []byte, rows int) ([]byte, bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // ids must come out as they went in
	var answer map[string]any
	if decoder.Decode(&answer) != nil {
		return nil, false
	}
	level := []any{answer["data"]}
	for len(level) > 0 {
		var below []any
		for _, value := range level {
			object, ok := value.(map[string]any)
			if !ok {
				list, _ := value.([]any)
				below = append(below, list...)
				continue
			}
			if shortenConnection(object, rows) {
				short, err := json.Marshal(answer)
				return short, err == nil
			}
			for _, name := range slices.Sorted(maps.Keys(object)) {
				below = append(below, object[name])
			}
		}
		level = below
	}
	return nil, false
}

func shortenConnection(object map[string]any, rows int) bool {
	for _, name := range []string{"nodes", "edges"} {
		if list, ok := object[name].([]any); ok && len(list) > 0 {
			object[name] = list[:max(0, len(list)-rows)]
			return true
		}
	}
	return false
}
